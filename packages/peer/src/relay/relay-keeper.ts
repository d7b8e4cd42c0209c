/**
 * Keeps as many relay reservations as are wanted, as a machine: asks for relays, reserves at the best that has not just failed, and makes good what
 * was lost, at the same relay or another. libp2p's own client does not do so for relays that were chosen (js-libp2p issue 3601).
 */
import { BoundedMap, randomFloat, TimerTable } from '@skein/core'
import type { Machine, Random } from '@skein/core'

export interface KnownRelay {
  /** Peer id, as text */
  peer: string
  /** Multiaddr texts without the peer's id, best first */
  addresses: string[]
}

export type RelayKeeperEffect =
  /** Find relays; answer with `onRelays` */
  | { type: 'ask' }
  /** Reserve there; answer with `onReserved` or `onFailed` */
  | { type: 'reserve', relay: KnownRelay }

export interface RelayKeeperInit {
  /** First and longest pause before a relay that failed is tried again, and between two questions for relays, ms @default 1_000, 30_000 */
  firstBackoffMs?: number
  maxBackoffMs?: number
}

/** Relays that are remembered, best first: three answers of seeds. */
const MAX_KNOWN = 24

export class RelayKeeper implements Machine<RelayKeeperEffect> {
  private readonly firstBackoffMs: number
  private readonly maxBackoffMs: number
  private readonly random: Random
  private readonly effects: RelayKeeperEffect[] = []
  private readonly timers = new TimerTable<string>()
  private readonly held = new Set<string>()
  private readonly pending = new Set<string>()
  private readonly failures = new BoundedMap<string, number>({ maxSize: 2 * MAX_KNOWN })
  private known: KnownRelay[] = []
  private wanted = 0
  private asking = false
  private fruitless = 0

  constructor (init: RelayKeeperInit, random: Random) {
    this.firstBackoffMs = init.firstBackoffMs ?? 1_000
    this.maxBackoffMs = init.maxBackoffMs ?? 30_000
    this.random = random
  }

  /** Peers at which a reservation stands. */
  get relays (): string[] {
    return [...this.held]
  }

  /** So many reservations from now on; those beyond it are kept while they last. */
  onWanted (count: number, nowMs: number): void {
    this.wanted = count
    this.fill(nowMs)
  }

  /** The answer to `ask`, best first; empty when nobody knew any. */
  onRelays (relays: KnownRelay[], nowMs: number): void {
    this.asking = false
    const told = new Set(relays.map(({ peer }) => peer))
    // those known before stay behind: a relay that was restarted is in no registry yet
    this.known = [...relays, ...this.known.filter(({ peer }) => !told.has(peer))].slice(0, MAX_KNOWN)
    this.timers.set('ask', nowMs + this.backoffMs(this.fruitless++))
    this.fill(nowMs)
  }

  onReserved (peer: string, nowMs: number): void {
    this.pending.delete(peer)
    this.failures.delete(peer)
    this.timers.delete(`rest ${peer}`)
    this.held.add(peer)
    this.fruitless = 0
    this.fill(nowMs)
  }

  onFailed (peer: string, nowMs: number): void {
    this.pending.delete(peer)
    this.rest(peer, nowMs)
    this.fill(nowMs)
  }

  /** A reservation is gone: the relay was stopped, does not renew it, or the connection broke. */
  onLost (peer: string, nowMs: number): void {
    if (this.held.delete(peer)) {
      this.rest(peer, nowMs)
      this.fill(nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    while (this.timers.popDue(nowMs) !== undefined) {
      // what was waited for may be done now
    }
    this.fill(nowMs)
  }

  poll (): RelayKeeperEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private fill (nowMs: number): void {
    while (this.held.size + this.pending.size < this.wanted) {
      const relay = this.known.find(({ peer }) => this.isFree(peer))
      if (relay === undefined) {
        this.ask(nowMs)
        return
      }
      this.pending.add(relay.peer)
      this.effects.push({ type: 'reserve', relay })
    }
  }

  private isFree (peer: string): boolean {
    return !this.held.has(peer) && !this.pending.has(peer) && this.timers.deadlineOf(`rest ${peer}`) === undefined
  }

  private ask (nowMs: number): void {
    if (!this.asking && (this.timers.deadlineOf('ask') ?? 0) <= nowMs) {
      this.asking = true
      this.effects.push({ type: 'ask' })
    }
  }

  private rest (peer: string, nowMs: number): void {
    const failures = this.failures.get(peer) ?? 0
    this.failures.set(peer, failures + 1)
    this.timers.set(`rest ${peer}`, nowMs + this.backoffMs(failures))
  }

  private backoffMs (failures: number): number {
    return Math.min(this.maxBackoffMs, this.firstBackoffMs * 2 ** Math.min(failures, 16)) * (0.5 + randomFloat(this.random))
  }
}
