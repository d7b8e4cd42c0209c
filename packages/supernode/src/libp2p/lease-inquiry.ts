/** Drives `LeasePoll` over a libp2p node: finds those who elect, asks them who holds seats, and hands on what the vote says. */
import { peerIdFromString } from '@libp2p/peer-id'
import { BoundedMap, deadline, MachineDriver } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { systemKey } from '../candidate.ts'
import { LeasePoll } from '../lease-poll.ts'
import { askLeases, LeaseRefusedError } from './lease-question.ts'
import type { LeasePollEffect, LeasePollInit } from '../lease-poll.ts'
import type { LeaseVote } from '../lease-vote.ts'
import type { Connection, IdentifyResult, Libp2p, Logger, PeerId, Startable } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'

export interface LeaseInquiryInit {
  libp2p: Libp2p
  /** Short region name, `eu-west` */
  region: string
  /** Dials a peer that others named, or gives the connection that stands */
  connect: (peer: string, addresses: readonly string[], signal: AbortSignal) => Promise<Connection>
  /** Where a peer was connected to */
  networkOfPeer: (peer: string) => VerifiedNetwork | undefined
  /** The network of an address that somebody told */
  networkOf: (address: string) => VerifiedNetwork | undefined
  /** Those who say that they elect for a region; left out, only connected peers and super-nodes that are known are asked */
  seek?: (region: string, signal: AbortSignal) => AsyncIterable<{ peer: string, addresses: string[] }>
  /** A connection that may not be needed any more */
  onUnused?: (peer: PeerId) => void
  onVote: (vote: LeaseVote) => void
  poll?: LeasePollInit
  clock: Clock
  random: Random
  log: Logger
}

/** All only grow. */
export interface LeaseInquiryCounters {
  /** Times that electors were asked, and those of them that brought leases */
  rounds_total: number
  rounds_fruitful_total: number
  questions_total: number
  questions_failed_total: number
}

const SEEK_TIMEOUT_MS = 5_000
const ASK_TIMEOUT_MS = 5_000
/** Those that one search may tell. */
const MAX_SOUGHT = 32
const MAX_ADDRESSES = 256

export class LeaseInquiry implements Startable {
  readonly counters: LeaseInquiryCounters = { rounds_total: 0, rounds_fruitful_total: 0, questions_total: 0, questions_failed_total: 0 }
  private readonly init: LeaseInquiryInit
  private readonly driver: MachineDriver<LeasePollEffect, LeasePoll>
  private readonly shutdown = new AbortController()
  /** Of peers that may be asked */
  private readonly addresses = new BoundedMap<string, readonly string[]>({ maxSize: MAX_ADDRESSES })

  constructor (init: LeaseInquiryInit) {
    this.init = init
    this.driver = new MachineDriver({
      machine: new LeasePoll(init.poll ?? {}, init.random),
      clock: init.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  start (): void {
    this.init.libp2p.addEventListener('peer:identify', this.onIdentify)
    this.driver.input((machine, nowMs) => { machine.onStart(nowMs) })
  }

  stop (): void {
    this.init.libp2p.removeEventListener('peer:identify', this.onIdentify)
    this.driver.stop()
    this.shutdown.abort(new Error('This peer has been stopped'))
  }

  /** Somebody who may elect. */
  meet (peer: string, addresses: readonly string[]): void {
    const { libp2p, networkOf, networkOfPeer } = this.init
    if (peer !== libp2p.peerId.toString()) {
      this.addresses.set(peer, addresses)
      const network = networkOfPeer(peer) ?? addresses.map(networkOf).find(one => one !== undefined)
      this.driver.input((machine, nowMs) => { machine.onElector(peer, network && systemKey(network), nowMs) })
    }
  }

  /** None of the super-nodes that were told works, or they are needed now. */
  hasten (): void {
    this.driver.input((machine, nowMs) => { machine.onUrgent(nowMs) })
  }

  private perform (effect: LeasePollEffect): void {
    switch (effect.type) {
      case 'seek':
        void this.seek()
        break
      case 'ask':
        void this.ask(effect.peer)
        break
      case 'vote':
        this.counters.rounds_total++
        this.counters.rounds_fruitful_total += effect.vote.leases.length > 0 ? 1 : 0
        this.init.onVote(effect.vote)
        break
    }
  }

  private async seek (): Promise<void> {
    const { seek, region, clock, log } = this.init
    const limit = deadline(clock, SEEK_TIMEOUT_MS, [this.shutdown.signal])
    let found = 0
    try {
      for await (const { peer, addresses } of seek?.(region, limit.signal) ?? []) {
        this.meet(peer, addresses)
        if (++found >= MAX_SOUGHT) {
          break
        }
      }
    } catch (error) {
      log('electors were not found: %s', (error as Error).message)
    } finally {
      limit.clear()
    }
    this.driver.input((machine, nowMs) => { machine.onSought(nowMs) })
  }

  private async ask (peer: string): Promise<void> {
    const { libp2p, region, connect, networkOfPeer, clock, onUnused, log } = this.init
    const id = peerIdFromString(peer)
    const connected = libp2p.getConnections(id).length > 0
    this.counters.questions_total++
    const limit = deadline(clock, ASK_TIMEOUT_MS, [this.shutdown.signal])
    try {
      await connect(peer, this.addresses.get(peer) ?? [], limit.signal)
      const { leases, future } = await askLeases(libp2p, peer, { region, signal: limit.signal, clock })
      const network = networkOfPeer(peer)
      this.driver.input((machine, nowMs) => {
        machine.onAnswer(peer, { network: network && systemKey(network), leases: leases.map(({ lease }) => lease), future }, nowMs)
      })
    } catch (error) {
      log('%s told no leases: %s', peer, (error as Error).message)
      this.counters.questions_failed_total++
      const retryAfterMs = error instanceof LeaseRefusedError ? error.retryAfterMs : undefined
      this.driver.input((machine, nowMs) => { machine.onFailed(peer, nowMs, retryAfterMs) })
    } finally {
      limit.clear()
    }
    if (!connected) {
      onUnused?.(id)
    }
  }

  private readonly onIdentify = ({ detail: { peerId, protocols } }: CustomEvent<IdentifyResult>): void => {
    if (protocols.includes(PROTOCOLS.lease)) {
      const peer = peerId.toString()
      this.meet(peer, this.addresses.get(peer) ?? [])
    }
  }
}
