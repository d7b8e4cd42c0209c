/**
 * Who may be reached through this relay, who has which circuits, and what they have carried: decides who is admitted and when a circuit ends.
 * A machine: the relay service asks it before it answers anybody, and tells it of every byte before that passes on.
 */
import { BoundedMap, TimerTable, TokenBucket } from '@skein/core'
import { NetworkPlaces } from '../admission/network-places.ts'
import { DEFAULT_RELAY_LIMITS } from './relay-limits.ts'
import { dayEndMs, monthEndMs, monthOf } from './usage-period.ts'
import type { Machine, TokenBucketInit } from '@skein/core'
import type { RelayLoad, VerifiedNetwork } from '@skein/records'
import type { NetworkLimits } from '../admission/network-places.ts'
import type { RelayLimits } from './relay-limits.ts'
import type { MonthUsage } from './usage-period.ts'

/**
 * - `draining`: this relay is about to stop
 * - `not_here`: the network has outgrown this seed's relaying
 * - `full`: all reservations or circuits are taken
 * - `not_admitted`: the peer does not meet the policy of this seed
 * - `network_full`: others of its network have all reservations that one network may have
 * - `too_often`: the peer asks faster than it may
 * - `no_reservation`: the destination is not reached through this relay
 * - `too_many_circuits`: one of the two peers has as many as a peer may have
 * - `peer_quota`: one of the two peers has had its bytes of the day
 * - `month_quota`: the relay has carried its bytes of the month
 * - `paused`: its owner's quota is used up, its hours are over, or its processor is busy
 * - `no_seat`: a super-node that has lost its seat, until those it has have moved
 */
export type RelayRefusalReason =
  'draining' | 'not_here' | 'paused' | 'no_seat' | 'full' | 'not_admitted' | 'network_full' | 'too_often' |
  'no_reservation' | 'too_many_circuits' | 'peer_quota' | 'month_quota'

/** Why a relay takes nobody new. */
export type RelayClosure = Extract<RelayRefusalReason, 'draining' | 'not_here' | 'paused' | 'no_seat'>

/** Why the relay ended a circuit. */
export type CircuitEnd =
  'circuit_bytes' | 'circuit_time' | 'peer_quota' | 'month_quota' | 'stalled' |
  'day_quota' | 'schedule' | 'drained'

export type ReserveDecision = { granted: true, expiresAtMs: number } | { granted: false, reason: RelayRefusalReason }

export type ConnectDecision = { granted: true, circuit: Circuit } | { granted: false, reason: RelayRefusalReason }

/** A circuit must be reset. */
export interface RelayEffect {
  type: 'reset'
  circuit: Circuit
  reason: CircuitEnd
}

/** A circuit as the ledger knows it; the one who asked for it keeps it and names it by this. */
export interface Circuit {
  readonly id: number
  readonly source: string
  readonly destination: string
  /** Both directions together */
  readonly bytes: number
  readonly ended: boolean
}

export interface RelayCounters {
  /** Reservations granted, renewals included */
  reserved: number
  /** Circuits granted */
  connected: number
  /** What reservations and circuits were refused, by reason */
  refused: Partial<Record<RelayRefusalReason, number>>
  /** Circuits that this relay ended, by reason */
  reset: Partial<Record<CircuitEnd, number>>
  /** Bytes that passed, by direction */
  bytes: Record<RelayDirection, number>
}

export type RelayDirection = 'to_destination' | 'to_source'

/** Places that a relay gives for now, where they are fewer than its limits. */
export interface RelayPlaces {
  maxReservations: number
  maxCircuits: number
}

export interface RelayLedgerInit {
  /** @default DEFAULT_RELAY_LIMITS for those left out */
  limits?: Partial<RelayLimits>
  /** What an earlier run has used of this month */
  used?: MonthUsage
  /**
   * Peers whose bytes of the day are remembered. Beyond it the one that used a circuit longest ago starts its day anew; the month's quota bounds
   * what that lets through.
   *
   * @default 65_536
   */
  maxAccounts?: number
  /** Most reservations of one network @default not limited */
  networks?: NetworkLimits
}

/** What is known of one who wants a reservation. */
export interface ReserveRequest {
  /** Where it comes from; left out, it is not counted */
  network?: VerifiedNetwork
  /** Whether it meets the policy of this seed @default true */
  admitted?: boolean
}

/** Requests of one peer: as many at once as it may have circuits, and a few reservations; then one a second: each costs the destination a stream. */
const REQUEST_RATE = { ratePerSecond: 1, burst: 20 }
/**
 * … for destinations that are not reached through this relay, which cost nobody else anything: a newcomer hears of many peers that have gone since,
 * and asks for each. They must not use up what it may ask for those that are there.
 */
const FRUITLESS_RATE = { ratePerSecond: 5, burst: 60 }
/** Peers whose rate is remembered; one that comes anew has its burst. */
const MAX_RATED_PEERS = 16_384

interface Account {
  bytes: number
  dayEndMs: number
}

/** A peer with circuits open. */
interface Holder {
  account: Account
  circuits: number
}

class OpenCircuit implements Circuit {
  readonly id: number
  readonly source: string
  readonly destination: string
  readonly accounts: readonly Account[]
  bytes = 0
  ended = false

  constructor (id: number, source: string, destination: string, accounts: readonly Account[]) {
    this.id = id
    this.source = source
    this.destination = destination
    this.accounts = accounts
  }
}

export class RelayLedger implements Machine<RelayEffect> {
  readonly limits: RelayLimits
  readonly counters: RelayCounters = { reserved: 0, connected: 0, refused: {}, reset: {}, bytes: { to_destination: 0, to_source: 0 } }
  private readonly reservations = new TimerTable<string>()
  private readonly networkPlaces: NetworkPlaces
  private readonly deadlines = new TimerTable<OpenCircuit>()
  private readonly holders = new Map<string, Holder>()
  private readonly accounts: BoundedMap<string, Account>
  private readonly requests = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED_PEERS })
  private readonly fruitless = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED_PEERS })
  private readonly effects: RelayEffect[] = []
  private month: MonthUsage
  private monthEndMs = 0
  private nextId = 0
  private closed?: RelayClosure
  private places: RelayPlaces

  constructor (init: RelayLedgerInit = {}) {
    this.limits = { ...DEFAULT_RELAY_LIMITS, ...init.limits }
    this.places = this.limits
    this.accounts = new BoundedMap({ maxSize: init.maxAccounts ?? 65_536 })
    this.month = init.used ?? { month: '', bytes: 0 }
    this.networkPlaces = new NetworkPlaces(init.networks ?? {})
  }

  /** A peer wants to be reached through this relay, or to go on being. */
  onReserve (peer: string, nowMs: number, { network, admitted = true }: ReserveRequest = {}): ReserveDecision {
    this.onTimeout(nowMs)
    const renewed = this.reservations.deadlineOf(peer) !== undefined
    const reason = this.commonRefusal(peer, nowMs) ??
      (!admitted ? 'not_admitted' : undefined) ??
      (!renewed && this.reservations.size >= this.places.maxReservations ? 'full' : undefined) ??
      (this.networkPlaces.refusal(peer, network, nowMs) === undefined ? undefined : 'network_full')
    if (reason !== undefined) {
      return this.refuse(reason)
    }
    this.counters.reserved++
    const expiresAtMs = nowMs + this.limits.reservationMs
    this.reservations.set(peer, expiresAtMs)
    this.networkPlaces.take(peer, network, expiresAtMs)
    return { granted: true, expiresAtMs }
  }

  /** Its last connection closed, so nobody can be brought to it; or it is not admitted any longer. */
  onDisconnected (peer: string): void {
    this.reservations.delete(peer)
    this.networkPlaces.release(peer)
  }

  /** `source` wants a circuit to `destination`. What is granted counts at once, and until `onCircuitEnded`. */
  onConnect (source: string, destination: string, nowMs: number): ConnectDecision {
    this.onTimeout(nowMs)
    const isReached = this.reservations.deadlineOf(destination) !== undefined && source !== destination
    const reason = this.commonRefusal(source, nowMs, isReached) ?? (isReached ? this.circuitRefusal(source, destination, nowMs) : 'no_reservation')
    if (reason !== undefined) {
      return this.refuse(reason)
    }
    this.counters.connected++
    const circuit = new OpenCircuit(this.nextId++, source, destination, [this.hold(source, nowMs), this.hold(destination, nowMs)])
    this.deadlines.set(circuit, nowMs + this.limits.circuitMs)
    return { granted: true, circuit }
  }

  /** How long until a request of `source` for a circuit to `destination` is not too often, ms. */
  waitMs (source: string, destination: string, nowMs: number): number {
    return this.hasReservation(destination) ? this.requests.get(source)?.waitMs(1, nowMs) ?? 0 : 0
  }

  /** Bytes have come in for the other end. They may pass on unless this gives a reason to reset the circuit. */
  onBytes (circuit: Circuit, direction: RelayDirection, bytes: number, nowMs: number): CircuitEnd | undefined {
    const open = circuit as OpenCircuit
    if (open.bytes + bytes > this.limits.circuitBytes) {
      return this.end(open, 'circuit_bytes')
    }
    for (const account of open.accounts) {
      renew(account, nowMs)
      if (account.bytes + bytes > this.limits.peerDayBytes) {
        return this.end(open, 'peer_quota')
      }
    }
    this.turnMonth(nowMs)
    if (this.month.bytes + bytes > this.limits.monthBytes) {
      return this.end(open, 'month_quota')
    }
    open.bytes += bytes
    for (const account of open.accounts) {
      account.bytes += bytes
    }
    this.month.bytes += bytes
    this.counters.bytes[direction] += bytes
    return undefined
  }

  /** One end does not take what came in for it. */
  onStalled (circuit: Circuit): CircuitEnd {
    return this.end(circuit as OpenCircuit, 'stalled')
  }

  /** The circuit is closed, whoever closed it. */
  onCircuitEnded (circuit: Circuit): void {
    const open = circuit as OpenCircuit
    if (open.ended) {
      return
    }
    open.ended = true
    this.deadlines.delete(open)
    for (const peer of [open.source, open.destination]) {
      const holder = this.holders.get(peer) as Holder
      holder.circuits--
      if (holder.circuits === 0) {
        this.holders.delete(peer)
        this.accounts.set(peer, holder.account)
      }
    }
  }

  /** Nobody new from now on, or (`undefined`) as before; circuits go on to their end. */
  onClosed (reason: RelayClosure | undefined): void {
    this.closed = reason
  }

  /** So many places from now on, at most those of the limits; who has one beyond them keeps it. */
  onPlaces ({ maxReservations, maxCircuits }: RelayPlaces): void {
    this.places = {
      maxReservations: Math.min(maxReservations, this.limits.maxReservations),
      maxCircuits: Math.min(maxCircuits, this.limits.maxCircuits)
    }
  }

  /** The owner of the relay ends this circuit. */
  onOwnerEnds (circuit: Circuit, reason: CircuitEnd): CircuitEnd {
    return this.end(circuit as OpenCircuit, reason)
  }

  /** A circuit that its owner does not allow, which was granted a moment ago. */
  onDisallowed (circuit: Circuit): { granted: false, reason: RelayRefusalReason } {
    this.onCircuitEnded(circuit)
    this.counters.connected--
    return this.refuse(this.closed ?? 'paused')
  }

  onTimeout (nowMs: number): void {
    while (this.reservations.popDue(nowMs) !== undefined) {
      // its place is free again; its circuits go on, for they have limits of their own
    }
    for (let due = this.deadlines.popDue(nowMs); due !== undefined; due = this.deadlines.popDue(nowMs)) {
      this.effects.push({ type: 'reset', circuit: due, reason: this.end(due, 'circuit_time') })
    }
  }

  poll (): RelayEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const [a, b] = [this.reservations.nextMs(), this.deadlines.nextMs()]
    return a === undefined || b === undefined ? a ?? b : Math.min(a, b)
  }

  /** How full it is; `undefined` when it takes nobody, however few are here. */
  load (nowMs: number): RelayLoad | undefined {
    if (this.closed !== undefined || this.usage(nowMs).bytes >= this.limits.monthBytes) {
      return undefined
    }
    const { maxReservations, maxCircuits } = this.places
    return { reservations: this.reservations.size, maxReservations, circuits: this.circuits, maxCircuits }
  }

  get circuits (): number {
    return this.deadlines.size
  }

  get reserved (): number {
    return this.reservations.size
  }

  hasReservation (peer: string): boolean {
    return this.reservations.deadlineOf(peer) !== undefined
  }

  /** What this month has carried. */
  usage (nowMs: number): Readonly<MonthUsage> {
    this.turnMonth(nowMs)
    return this.month
  }

  /** What a peer's circuits have carried today. */
  bytesToday (peer: string, nowMs: number): number {
    const account = this.holders.get(peer)?.account ?? this.accounts.get(peer)
    return account === undefined || account.dayEndMs <= nowMs ? 0 : account.bytes
  }

  circuitsOf (peer: string): number {
    return this.holders.get(peer)?.circuits ?? 0
  }

  private commonRefusal (peer: string, nowMs: number, isOfUse = true): RelayRefusalReason | undefined {
    if (this.closed !== undefined) {
      return this.closed
    }
    if (!(isOfUse ? takeOne(this.requests, peer, REQUEST_RATE, nowMs) : takeOne(this.fruitless, peer, FRUITLESS_RATE, nowMs))) {
      return 'too_often'
    }
    return this.usage(nowMs).bytes >= this.limits.monthBytes ? 'month_quota' : undefined
  }

  private circuitRefusal (source: string, destination: string, nowMs: number): RelayRefusalReason | undefined {
    const { circuitsPerPeer, peerDayBytes } = this.limits
    if (this.circuitsOf(source) >= circuitsPerPeer || this.circuitsOf(destination) >= circuitsPerPeer) {
      return 'too_many_circuits'
    }
    if (this.circuits >= this.places.maxCircuits) {
      return 'full'
    }
    return this.bytesToday(source, nowMs) >= peerDayBytes || this.bytesToday(destination, nowMs) >= peerDayBytes ? 'peer_quota' : undefined
  }

  private refuse (reason: RelayRefusalReason): { granted: false, reason: RelayRefusalReason } {
    this.counters.refused[reason] = (this.counters.refused[reason] ?? 0) + 1
    return { granted: false, reason }
  }

  private end (circuit: OpenCircuit, reason: CircuitEnd): CircuitEnd {
    this.counters.reset[reason] = (this.counters.reset[reason] ?? 0) + 1
    this.onCircuitEnded(circuit)
    return reason
  }

  /** The account of a peer that gets a circuit. It stays with the circuit, whatever is forgotten meanwhile. */
  private hold (peer: string, nowMs: number): Account {
    let holder = this.holders.get(peer)
    if (holder === undefined) {
      holder = { account: this.accounts.get(peer) ?? { bytes: 0, dayEndMs: dayEndMs(nowMs) }, circuits: 0 }
      this.accounts.delete(peer)
      this.holders.set(peer, holder)
    }
    holder.circuits++
    return holder.account
  }

  private turnMonth (nowMs: number): void {
    if (nowMs >= this.monthEndMs) {
      this.monthEndMs = monthEndMs(nowMs)
      const month = monthOf(nowMs)
      if (this.month.month !== month) {
        this.month = { month, bytes: 0 }
      }
    }
  }
}

function takeOne (buckets: BoundedMap<string, TokenBucket>, peer: string, rate: TokenBucketInit, nowMs: number): boolean {
  let bucket = buckets.touch(peer)
  if (bucket === undefined) {
    bucket = new TokenBucket(rate, nowMs)
    buckets.set(peer, bucket)
  }
  return bucket.take(1, nowMs)
}

function renew (account: Account, nowMs: number): void {
  if (nowMs >= account.dayEndMs) {
    account.bytes = 0
    account.dayEndMs = dayEndMs(nowMs)
  }
}
