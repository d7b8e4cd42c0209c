/**
 * Keeps as many relay reservations as are wanted, as a machine: asks for relays, reserves at the best that has not just failed, and makes good what
 * was lost, at the same relay or another. libp2p's own client does not do so for relays that were chosen (js-libp2p issue 3601). The second one is
 * in another network than the first, or there is none. Reservations that stand elsewhere, at super-nodes, count, and in time replace those here.
 */
import { BoundedMap, randomFloat, TimerTable } from '@skein/core'
import type { Machine, Random } from '@skein/core'

export interface KnownRelay {
  /** Peer id, as text */
  peer: string
  /** Multiaddr texts without the peer's id, best first */
  addresses: string[]
  /** Where it is: an autonomous system or a /16; `undefined` when that is not known, and then it is not taken for a second one */
  network?: number | string
}

export type RelayKeeperEffect =
  /** Find relays; answer with `onRelays` */
  | { type: 'ask' }
  /** Reserve there; answer with `onReserved` or `onFailed` */
  | { type: 'reserve', relay: KnownRelay }
  /** There are enough elsewhere: this one is not needed any more */
  | { type: 'release', peer: string }

export interface RelayKeeperInit {
  /** First and longest pause before a relay that failed is tried again, and between two questions for relays, ms @default 1_000, 30_000 */
  firstBackoffMs?: number
  maxBackoffMs?: number
}

/** Relays that are remembered, best first: three answers of seeds. */
const MAX_KNOWN = 24
/** With one standing there is no hurry for another: pauses between two questions are so many times as long. */
const UNHURRIED = 20
/** Those elsewhere must have stood for so long before one is given back here, ms. */
const RELEASE_AFTER_MS = 30_000
/** A reservation that is lost so soon after this peer came into another network was not lost by the relay, ms. */
const MOVED_MS = 20_000

export class RelayKeeper implements Machine<RelayKeeperEffect> {
  private readonly firstBackoffMs: number
  private readonly maxBackoffMs: number
  private readonly random: Random
  private readonly effects: RelayKeeperEffect[] = []
  private readonly timers = new TimerTable<string>()
  /** Where reservations stand and are being made, and the networks of these */
  private readonly held = new Map<string, KnownRelay['network']>()
  private readonly pending = new Map<string, KnownRelay['network']>()
  private readonly failures = new BoundedMap<string, number>({ maxSize: 2 * MAX_KNOWN })
  private known: KnownRelay[] = []
  private elsewhere: Array<KnownRelay['network']> = []
  private wanted = 0
  private asking = false
  private fruitless = 0
  private movedMs = -Infinity

  constructor (init: RelayKeeperInit, random: Random) {
    this.firstBackoffMs = init.firstBackoffMs ?? 1_000
    this.maxBackoffMs = init.maxBackoffMs ?? 30_000
    this.random = random
  }

  /** Peers at which a reservation stands. */
  get relays (): string[] {
    return [...this.held.keys()]
  }

  /** So many reservations from now on; those beyond it are kept while they last. */
  onWanted (count: number, nowMs: number): void {
    this.wanted = count
    this.fill(nowMs)
  }

  /** The networks in which reservations stand that are kept elsewhere. */
  onElsewhere (networks: Array<KnownRelay['network']>, nowMs: number): void {
    this.elsewhere = networks
    this.fill(nowMs)
  }

  /** The answer to `ask`, best first; empty when nobody knew any. */
  onRelays (relays: KnownRelay[], nowMs: number): void {
    this.asking = false
    const told = new Set(relays.map(({ peer }) => peer))
    // those known before stay behind: a relay that was restarted is in no registry yet
    this.known = [...relays, ...this.known.filter(({ peer }) => !told.has(peer))].slice(0, MAX_KNOWN)
    this.timers.set('ask', nowMs + this.backoffMs(this.fruitless++) * (this.standing > 0 ? UNHURRIED : 1))
    this.fill(nowMs)
  }

  onReserved (peer: string, nowMs: number): void {
    this.held.set(peer, this.pending.get(peer))
    this.pending.delete(peer)
    this.failures.delete(peer)
    this.timers.delete(`rest ${peer}`)
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
      if (nowMs - this.movedMs > MOVED_MS) {
        this.rest(peer, nowMs)
      }
      const askMs = this.timers.deadlineOf('ask')
      if (this.standing === 0 && askMs !== undefined) {
        this.timers.set('ask', Math.min(askMs, nowMs + this.backoffMs(0)))
      }
      this.fill(nowMs)
    }
  }

  /** This peer is in another network: what failed may work, and there is hurry. */
  onNetworkChanged (nowMs: number): void {
    for (const [peer] of this.failures) {
      this.timers.delete(`rest ${peer}`)
    }
    this.failures.clear()
    this.fruitless = 0
    this.timers.delete('ask')
    this.movedMs = nowMs
    this.fill(nowMs)
  }

  onTimeout (nowMs: number): void {
    for (let due = this.timers.popDue(nowMs); due !== undefined; due = this.timers.popDue(nowMs)) {
      if (due === 'release') {
        this.releaseSpare()
      }
      // what else was waited for may be done now
    }
    this.fill(nowMs)
  }

  poll (): RelayKeeperEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private get standing (): number {
    return this.held.size + this.elsewhere.length
  }

  private fill (nowMs: number): void {
    while (this.standing + this.pending.size < this.wanted) {
      const relay = this.known.find(one => this.isFree(one.peer) && this.isElsewhere(one))
      if (relay === undefined) {
        this.ask(nowMs)
        break
      }
      this.pending.set(relay.peer, relay.network)
      this.effects.push({ type: 'reserve', relay })
    }
    if (this.elsewhere.length < this.wanted || this.held.size === 0) {
      this.timers.delete('release')
    } else if (this.timers.deadlineOf('release') === undefined) {
      this.timers.set('release', nowMs + RELEASE_AFTER_MS)
    }
  }

  private releaseSpare (): void {
    for (const peer of this.held.keys()) {
      this.held.delete(peer)
      this.effects.push({ type: 'release', peer })
    }
  }

  /** The first may be anywhere. A second one in the same network would go with it. */
  private isElsewhere ({ network }: KnownRelay): boolean {
    const taken = [...this.held.values(), ...this.pending.values(), ...this.elsewhere]
    return taken.length === 0 || (network !== undefined && !taken.includes(network))
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
