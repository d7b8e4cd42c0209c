/**
 * Drives `OutboundKeeper` over a libp2p node: dials what it says, tells it of every connection, feeds the address tables with what exchange, seeds
 * and the peers themselves tell, and keeps its connections from being closed to make room.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, MachineDriver } from '@skein/core'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { DIAL_TIMEOUT_MS, OutboundKeeper } from '../outbound-keeper.ts'
import { closeUnused, TAG_VALUE } from './unused-connection.ts'
import type { KeptAddressTables } from '../kept-address-tables.ts'
import type { AddressTables } from '../address-tables.ts'
import type { DialLimits } from '../dial-limits.ts'
import type { OutboundEffect, OutboundKeeperInit } from '../outbound-keeper.ts'
import type { PeerExchangeService } from './peer-exchange-service.ts'
import type { Connection, IdentifyResult, Libp2p, Logger, PeerId, Startable } from '@libp2p/interface'
import type { Cancel, Clock, Random } from '@skein/core'

export interface OutboundConnectionsInit extends Pick<OutboundKeeperInit, 'rule' | 'feelerMs' | 'retryMs' | 'onlyToJoin'> {
  libp2p: Libp2p
  /** The tables and anchors; they are opened, and their store is closed, by who made them */
  kept: KeptAddressTables
  /** The limits that all who dial strangers share */
  dials: DialLimits
  /** What it learns goes into the tables */
  exchange?: Pick<PeerExchangeService, 'addEventListener' | 'removeEventListener'>
  /** Whether another part needs the connection to a peer that a feeler went to, such as a neighbour of a mesh */
  isUsed?: (peer: string) => boolean
  clock: Clock
  random: Random
  log: Logger
}

/** All only grow. */
export interface OutboundCounters {
  dials_total: number
  dials_failed_total: number
  feelers_total: number
  feelers_failed_total: number
  /** Addresses that others told of and for which the tables had a place, or knew already */
  learned_total: number
  /** … and for which they had none */
  crowded_total: number
}

/** How long a feeler's connection stays for the peers to tell what they speak, ms; it is looked at so often, for what is under way may end. */
const FEELER_STAY_MS = 5_000
const FEELER_LOOKS = 3
const TAG = 'skein-outbound'

export class OutboundConnections implements Startable {
  readonly counters: OutboundCounters = {
    dials_total: 0, dials_failed_total: 0, feelers_total: 0, feelers_failed_total: 0, learned_total: 0, crowded_total: 0
  }

  private readonly init: OutboundConnectionsInit
  private driver: MachineDriver<OutboundEffect, OutboundKeeper> | undefined
  private shutdown = new AbortController()
  /** Peers that carry the tag; at most as many as connections are reserved, and those being changed */
  private readonly tagged = new Set<string>()
  /** Feelers that are to be closed; one is sent in two minutes */
  private readonly closing = new Set<Cancel>()

  constructor (init: OutboundConnectionsInit) {
    this.init = init
  }

  /** What this node knows of others. */
  get tables (): AddressTables {
    return this.init.kept.tables
  }

  /** Peers that connections of this node's own choice stand to. */
  get reserved (): string[] {
    return this.driver?.machine.reserved ?? []
  }

  isStarted (): boolean {
    return this.driver !== undefined
  }

  start (): void {
    if (this.driver !== undefined) {
      return
    }
    const { libp2p, kept, dials, exchange, clock, random, rule, feelerMs, retryMs, onlyToJoin } = this.init
    this.shutdown = new AbortController()
    const keeperInit = { tables: kept.tables, anchors: kept.anchors, dials, rule, feelerMs, retryMs, onlyToJoin }
    this.driver = new MachineDriver({
      machine: new OutboundKeeper(keeperInit, random, clock.nowMs()),
      clock,
      perform: effect => { this.perform(effect) }
    })
    libp2p.addEventListener('connection:open', this.onOpen)
    libp2p.addEventListener('peer:disconnect', this.onDisconnect)
    libp2p.addEventListener('peer:identify', this.onIdentify)
    exchange?.addEventListener('peers:learned', this.onLearned)
    libp2p.getConnections().forEach(connection => { this.tellOf(connection) })
    this.input(() => {})
  }

  stop (): void {
    const { libp2p, exchange } = this.init
    libp2p.removeEventListener('connection:open', this.onOpen)
    libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
    libp2p.removeEventListener('peer:identify', this.onIdentify)
    exchange?.removeEventListener('peers:learned', this.onLearned)
    this.driver?.stop()
    this.driver = undefined
    this.shutdown.abort()
    this.closing.forEach(cancel => { cancel() })
    this.closing.clear()
    this.tagged.forEach(peer => { void this.tag(peer, false) })
  }

  /** Another part of this node, such as the one that joins through a seed, was told of peers by `source`, which is connected. */
  learn (source: PeerId, records: ReadonlyArray<{ peer: string, addresses: readonly string[] }>): void {
    const address = this.init.libp2p.getConnections(source)[0]?.remoteAddr.toString()
    if (address === undefined) {
      return // with it gone nobody can say whose network the word came from
    }
    const self = this.init.libp2p.peerId.toString()
    let known = false
    for (const record of records) {
      const addresses = record.addresses.map(withoutPeer).filter(isOfOnePlace)
      if (record.peer !== self && addresses.length > 0) {
        const added = this.tables.add(record.peer, addresses, { peer: source.toString(), address })
        this.counters[added ? 'learned_total' : 'crowded_total']++
        known ||= added
      }
    }
    if (known) {
      this.input(machine => { machine.onLearned() })
    }
  }

  /** The connection that stands was made to a peer that the user gave, or that a seed named. */
  onChosen (peer: PeerId, by: 'given' | 'suggested'): void {
    this.input(machine => { machine.onChosen(peer.toString(), by) })
  }

  private input (feed: (machine: OutboundKeeper, nowMs: number) => void): void {
    this.driver?.input(feed)
    const reserved = new Set(this.reserved)
    reserved.forEach(peer => {
      if (!this.tagged.has(peer)) {
        void this.tag(peer, true)
      }
    })
    this.tagged.forEach(peer => {
      if (!reserved.has(peer)) {
        void this.tag(peer, false)
      }
    })
  }

  private readonly onOpen = (event: CustomEvent<Connection>): void => { this.tellOf(event.detail) }

  private readonly onDisconnect = (event: CustomEvent<PeerId>): void => {
    this.input((machine, nowMs) => { machine.onDisconnected(event.detail.toString(), nowMs) })
  }

  /** Where a peer says that it listens: the port that it came from says nothing. */
  private readonly onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { peerId, listenAddrs, protocols } = event.detail
    const peer = peerId.toString()
    this.learn(peerId, [{ peer, addresses: listenAddrs.map(String) }])
    if (protocols.includes(PROTOCOLS.seed)) {
      this.input(machine => { machine.onSeed(peer) })
    }
  }

  private readonly onLearned = (event: CustomEvent<{ source: string, records: Array<{ peer: string, addresses: string[] }> }>): void => {
    this.learn(peerIdFromString(event.detail.source), event.detail.records)
  }

  private tellOf (connection: Connection): void {
    const address = withoutPeer(connection.remoteAddr.toString())
    // only an address that was dialled is known to be dialable
    const dialled = connection.direction === 'outbound' && !isRelayed(connection) && isOfOnePlace(address) ? address : undefined
    this.input((machine, nowMs) => { machine.onConnected(connection.remotePeer.toString(), dialled, nowMs) })
  }

  private perform (effect: OutboundEffect): void {
    switch (effect.type) {
      case 'dial':
        void this.dial(effect)
        break
      case 'close':
        this.closeLater(effect.peer)
        break
      case 'anchors':
        void this.init.kept.setAnchors(effect.peers)
    }
  }

  private async dial ({ peer, addresses, purpose }: Extract<OutboundEffect, { type: 'dial' }>): Promise<void> {
    const { libp2p, clock, log } = this.init
    const { driver } = this
    const limit = deadline(clock, DIAL_TIMEOUT_MS, [this.shutdown.signal])
    const feeler = purpose === 'feeler'
    this.counters[feeler ? 'feelers_total' : 'dials_total']++
    try {
      await libp2p.dial(addresses.map(address => multiaddr(`${address}/p2p/${peer}`)), { signal: limit.signal })
      // a connection of this dial was told of as it opened; one that was there before is not of its making
      driver?.input(machine => { machine.onDialVain(peer) })
    } catch (error) {
      log('dialing %s failed: %s', peer, (error as Error).message)
      this.counters[feeler ? 'feelers_failed_total' : 'dials_failed_total']++
      driver?.input(machine => { machine.onDialFailed(peer) })
    } finally {
      limit.clear()
    }
  }

  private closeLater (peer: string, looks = FEELER_LOOKS): void {
    const { clock } = this.init
    const cancel = clock.schedule(clock.nowMs() + FEELER_STAY_MS, () => {
      this.closing.delete(cancel)
      void this.closeFeeler(peer, looks - 1)
    })
    this.closing.add(cancel)
  }

  private async closeFeeler (peer: string, looksLeft: number): Promise<void> {
    const { libp2p, isUsed, log } = this.init
    const peerId = peerIdFromString(peer)
    try {
      const isNeeded = this.reserved.includes(peer) || isUsed?.(peer) === true
      if ((isNeeded || !await this.closeUnused(peerId)) && looksLeft > 0 && this.isStarted() && libp2p.getConnections(peerId).length > 0) {
        this.closeLater(peer, looksLeft)
      }
    } catch (error) {
      log('closing %s failed: %s', peer, (error as Error).message)
    }
  }

  private async closeUnused (peer: PeerId): Promise<boolean> {
    const { libp2p } = this.init
    return await closeUnused({ getConnections: of => libp2p.getConnections(of), peerStore: libp2p.peerStore }, peer, this.init.clock)
  }

  /** By the values of tags the connection manager chooses whom to close. This one makes it dial nobody, as those do that begin with `keep-alive`. */
  private async tag (peer: string, reserved: boolean): Promise<void> {
    if (reserved) {
      this.tagged.add(peer)
    } else {
      this.tagged.delete(peer)
    }
    try {
      await this.init.libp2p.peerStore.merge(peerIdFromString(peer), { tags: { [TAG]: reserved ? { value: TAG_VALUE } : undefined } })
    } catch (error) {
      this.init.log('tagging %s failed: %s', peer, (error as Error).message)
    }
  }
}

/** Not a circuit, which is no connection of one's own making, nor a name that stands for any number of addresses. */
function isOfOnePlace (address: string): boolean {
  return !address.includes('/p2p-circuit') && !address.startsWith('/dnsaddr/')
}

function withoutPeer (address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}
