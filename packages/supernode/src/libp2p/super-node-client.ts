/**
 * Drives `LeasePoll` and `SuperNodeSet` over a libp2p node: asks electors who holds seats, connects to two or three of them in different autonomous
 * systems, reserves there where this node has to be reached through others, and moves when one dies.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { BoundedMap, MachineDriver } from '@skein/core'
import { TypedEventEmitter } from 'main-event'
import { BelievedLeases } from '../believed-leases.ts'
import { dialAddresses, stunAddresses } from '../lease-addresses.ts'
import { SuperNodeSet } from '../super-node-set.ts'
import { LeaseInquiry } from './lease-inquiry.ts'
import { SuperNodeConnections } from './super-node-connections.ts'
import type { LeaseVote } from '../lease-vote.ts'
import type { SetEffect, SuperNodeSetInit } from '../super-node-set.ts'
import type { SuperNodeReasons, UsedSuperNode } from '../used-super-node.ts'
import type { LeaseInquiryCounters, LeaseInquiryInit } from './lease-inquiry.ts'
import type { PeerId, Startable } from '@libp2p/interface'
import type { Cancel } from '@skein/core'
import type { SuperNodeLease, SuperNodeRole } from '@skein/records'

/** Reservations at super-nodes, as this node makes them. */
export interface Reservations {
  /** @throws when it refuses, or is none */
  reserve: (peer: string, addresses: string[], signal: AbortSignal) => Promise<void>
  /** Not used any more: it ends when what goes through it has ended */
  release: (peer: string) => void
  /** Told when one is gone */
  onLost: (lost: (peer: string) => void) => void
}

export interface SuperNodeClientInit extends Omit<LeaseInquiryInit, 'onVote'> {
  /** Left out, nothing is reserved: for those that can be dialled, who use super-nodes as hubs and for STUN */
  reservations?: Reservations
  /** Which super-nodes are used, and when one is taken for dead */
  set?: SuperNodeSetInit
  /** Whom this peer does not use while there are others, whatever electors say @default nobody */
  isDistrusted?: (peer: string) => boolean
}

export interface SuperNodeClientEvents {
  /** Another one is used first; `from` is `undefined` the first time, `afterMs` is how long there was none */
  'super-node:moved': CustomEvent<{ from: string | undefined, to: string, afterMs: number }>
}

/** All only grow. */
export interface SuperNodeClientCounters extends LeaseInquiryCounters {
  attempts_total: number
  attempts_failed_total: number
  /** Super-nodes in use that closed, refused or did not answer */
  lost_total: number
  moves_total: number
}

interface Use {
  /** Of the attempt, and of what is asked while it is used */
  ending: AbortController
  sinceMs: number
  why: SuperNodeReasons
  /** No longer an attempt */
  standing: boolean
  reserved: boolean
}

const PROBE_TIMEOUT_MS = 1_500
const MAX_KNOWN = 256
export class SuperNodeClient extends TypedEventEmitter<SuperNodeClientEvents> implements Startable {
  private readonly init: SuperNodeClientInit
  private readonly own = { attempts_total: 0, attempts_failed_total: 0, lost_total: 0, moves_total: 0 }
  private readonly inquiry: LeaseInquiry
  private readonly connections: SuperNodeConnections
  private readonly driver: MachineDriver<SetEffect, SuperNodeSet>
  private readonly shutdown = new AbortController()
  private readonly leases: BelievedLeases
  private readonly roundTrips = new BoundedMap<string, number>({ maxSize: MAX_KNOWN })
  /** Attempts and uses that are under way; as many as the set has links */
  private readonly uses = new Map<string, Use>()
  private reserving = false
  private cancelExpiry?: Cancel

  constructor (init: SuperNodeClientInit) {
    super()
    this.init = init
    this.leases = new BelievedLeases(init.libp2p.peerId.toString())
    this.inquiry = new LeaseInquiry({ ...init, onUnused: peer => { this.unused(peer) }, onVote: vote => { this.believe(vote) } })
    this.connections = new SuperNodeConnections({ ...init, probeTimeoutMs: init.set?.probeTimeoutMs ?? PROBE_TIMEOUT_MS })
    this.driver = new MachineDriver({
      machine: new SuperNodeSet(init.set ?? {}, init.random),
      clock: init.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  get counters (): SuperNodeClientCounters {
    return { ...this.inquiry.counters, ...this.own }
  }

  /** Those that are used, the primary first. */
  get current (): UsedSuperNode[] {
    const { primary, reserved } = this.driver.machine
    return reserved.flatMap(peer => {
      const use = this.uses.get(peer)
      const lease = this.leases.leaseOf(peer)
      return use === undefined ? [] : [{
        peer,
        primary: peer === primary,
        roles: lease?.roles ?? [],
        reserved: use.reserved,
        stun: lease === undefined ? [] : stunAddresses(lease),
        roundTripMs: this.roundTrips.get(peer),
        sinceMs: use.sinceMs,
        leaseEndsMs: lease?.expiresAtMs,
        why: use.why
      }]
    })
  }

  /** Leases of super-nodes that are good now, whatever they do for others: this client believes them. */
  get believed (): SuperNodeLease[] {
    return this.leases.usable(this.init.clock.nowMs())
  }

  /** More are needed than are believed: electors are asked soon. */
  seek (): void {
    this.inquiry.hasten()
  }

  /** Super-nodes whose leases are believed and name that role, used by this peer or not, with where they are dialled. */
  withRole (role: SuperNodeRole): Array<{ peer: string, addresses: string[] }> {
    return this.leases.withRole(role, this.init.clock.nowMs()).map(lease => ({ peer: lease.peer, addresses: dialAddresses(lease) }))
  }

  /** For metrics: leases that are believed, super-nodes used, those with a reservation. */
  gauges (): { leases: number, used: number, reserved: number } {
    const { current } = this
    const leases = this.leases.usable(this.init.clock.nowMs()).length
    return { leases, used: current.length, reserved: current.filter(({ reserved }) => reserved).length }
  }

  start (): void {
    const { libp2p, reservations } = this.init
    libp2p.addEventListener('peer:disconnect', this.onDisconnect)
    reservations?.onLost(peer => { this.lost(peer) })
    this.inquiry.start()
  }

  stop (): void {
    const { libp2p, reservations } = this.init
    libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
    reservations?.onLost(() => {})
    this.cancelExpiry?.()
    this.driver.stop()
    this.inquiry.stop()
    this.shutdown.abort(new Error('This peer has been stopped'))
    this.uses.forEach(({ ending }) => { ending.abort(this.shutdown.signal.reason) })
    this.uses.clear()
  }

  /** Whether this node has to be reached through super-nodes: from now on there are reservations at those that are used, or no more. */
  setReserving (reserving: boolean): void {
    if (this.reserving === reserving || this.init.reservations === undefined) {
      return
    }
    this.reserving = reserving
    this.tellKnown()
    for (const [peer, use] of this.uses) {
      if (!use.standing) {
        continue
      }
      if (reserving) {
        void this.reserve(peer)
      } else {
        this.unreserve(peer)
      }
    }
    if (reserving && this.driver.machine.primary === undefined) {
      this.inquiry.hasten()
    }
  }

  private perform (effect: SetEffect): void {
    switch (effect.type) {
      case 'connect':
        void this.connect(effect.peer)
        break
      case 'reserve':
        void this.reserve(effect.peer)
        break
      case 'probe':
        void this.probe(effect.peer)
        break
      case 'release':
        this.release(effect.peer, effect.silent)
        break
      case 'moved':
        this.own.moves_total++
        this.safeDispatchEvent('super-node:moved', { detail: { from: effect.from, to: effect.to, afterMs: effect.afterMs } })
        break
    }
  }

  private async connect (peer: string): Promise<void> {
    const why = this.leases.reasons(peer, this.roundTrips.get(peer))
    const use: Use = { ending: new AbortController(), sinceMs: this.init.clock.nowMs(), why, standing: false, reserved: false }
    this.uses.set(peer, use)
    this.own.attempts_total++
    try {
      await this.connections.open(peer, this.addressesOf(peer), use.ending.signal)
      if (this.uses.get(peer) === use) {
        this.driver.input((machine, nowMs) => { machine.onConnected(peer, nowMs) })
      }
    } catch (error) {
      this.failed(peer, use, error as Error)
    }
  }

  private async reserve (peer: string): Promise<void> {
    const { reservations, clock } = this.init
    const use = this.uses.get(peer)
    if (use === undefined) {
      return
    }
    try {
      if (this.reserving && reservations !== undefined) {
        await reservations.reserve(peer, this.addressesOf(peer), use.ending.signal)
        if (this.uses.get(peer) !== use) {
          reservations.release(peer)
          return
        }
        use.reserved = true
      }
      const isNew = !use.standing
      if (isNew) {
        use.standing = true
        use.sinceMs = clock.nowMs()
      }
      this.driver.input((machine, nowMs) => { machine.onReserved(peer, nowMs) })
      if (isNew) {
        await this.probe(peer)
      }
    } catch (error) {
      this.failed(peer, use, error as Error)
    }
  }

  private async probe (peer: string): Promise<void> {
    const use = this.uses.get(peer)
    if (use === undefined) {
      return
    }
    try {
      const roundTripMs = await this.connections.probe(peer, use.ending.signal)
      this.roundTrips.set(peer, roundTripMs)
      this.driver.input((machine, nowMs) => {
        machine.onRoundTrip(peer, roundTripMs, nowMs)
        machine.onAlive(peer, nowMs)
      })
    } catch (error) {
      this.init.log('%s did not answer: %s', peer, (error as Error).message)
      if (!this.connections.isConnected(peer)) {
        this.lost(peer) // else the set waits for its own deadline
      }
    }
  }

  private release (peer: string, silent: boolean): void {
    const use = this.forget(peer)
    if (!silent) {
      if (use?.reserved === true) {
        this.init.reservations?.release(peer)
      }
      this.unused(peerIdFromString(peer))
    } else if (use?.standing === true) {
      this.own.lost_total++
      this.connections.cut(peer)
    } else {
      this.own.attempts_failed_total++
      void this.connections.cutIfSilent(peer, this.shutdown.signal)
    }
    this.hasten()
  }

  private unreserve (peer: string): void {
    const use = this.uses.get(peer)
    if (use?.reserved === true) {
      use.reserved = false
      this.init.reservations?.release(peer)
    }
  }

  private failed (peer: string, use: Use, error: Error): void {
    if (this.uses.get(peer) === use) {
      this.init.log('%s is not used: %s', peer, error.message)
      this.own.attempts_failed_total++
      this.drop(peer)
    }
  }

  /** The connection or the reservation of one that was used is gone. */
  private lost (peer: string): void {
    if (this.uses.get(peer)?.standing === true) {
      this.own.lost_total++
      this.drop(peer)
    }
  }

  private drop (peer: string): void {
    this.forget(peer)
    this.driver.input((machine, nowMs) => { machine.onFailed(peer, nowMs) })
    this.hasten()
  }

  private forget (peer: string): Use | undefined {
    const use = this.uses.get(peer)
    this.uses.delete(peer)
    use?.ending.abort(new Error('It is not used any more'))
    this.connections.forget(peer)
    return use
  }

  private hasten (): void {
    if (this.driver.machine.reserved.length === 0) {
      this.inquiry.hasten()
    }
  }

  private believe (vote: LeaseVote): void {
    const { clock, log } = this.init
    if (vote.clockDoubtful) {
      log.error('leases are from the future by this clock: it is slow, and none is believed')
    }
    log('%d leases, of %d networks that answered', vote.leases.length, vote.networks)
    this.leases.onVote(vote, clock.nowMs())
    this.tellKnown()
    for (const { peer, addresses } of this.leases.usable(clock.nowMs())) {
      this.inquiry.meet(peer, dialAddresses({ addresses }))
    }
  }

  /** What can be used now, and again when the next lease ends. */
  private tellKnown (): void {
    const { clock } = this.init
    this.driver.input((machine, nowMs) => { machine.onKnown(this.leases.superNodes(this.reserving, nowMs, this.init.isDistrusted), nowMs) })
    this.cancelExpiry?.()
    const endMs = this.leases.nextEndMs(clock.nowMs())
    this.cancelExpiry = endMs === undefined ? undefined : clock.schedule(endMs, () => { this.tellKnown() })
  }

  private addressesOf (peer: string): string[] {
    const lease = this.leases.leaseOf(peer)
    return lease === undefined ? [] : dialAddresses(lease)
  }

  private unused (peer: PeerId): void {
    if (!this.uses.has(peer.toString())) {
      this.init.onUnused?.(peer)
    }
  }

  private readonly onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.lost(detail.toString())
  }
}
