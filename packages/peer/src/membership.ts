/**
 * Joining the mesh and staying in it, as a machine: dials the bootstrap addresses until one answers, registers at the seeds among them and renews at
 * half the registration's life, dials peers it was told of or remembers while it has few connections. The driver dials and registers.
 */
import { randomFloat, TimerTable } from '@skein/core'
import type { Machine, Random } from '@skein/core'

export type MembershipEffect =
  /** Dial this; answer with `onDialed` */
  | { type: 'dial', address: string }
  /** Send a registration to this connected seed; answer with `onSeedAnswer` or `onSeedFailed` */
  | { type: 'register', seed: string }

export interface MembershipInit {
  /** Multiaddr texts of seeds and peers, always gone back to */
  bootstrap: string[]
  /** Multiaddr texts remembered from an earlier run, best first; each is tried once */
  remembered?: string[]
  /**
   * Dial remembered and suggested peers while there are fewer connections than this.
   *
   * @default 8
   */
  wantedConnections?: number
  /**
   * Dials under way at once.
   *
   * @default 8
   */
  maxDials?: number
  /** First and longest pause between dials of one bootstrap address, ms @default 1_000, 60_000 */
  firstBackoffMs?: number
  maxBackoffMs?: number
}

/** Most addresses waiting to be tried; further suggestions are dropped, for there will be others. */
const MAX_SUGGESTIONS = 64
/** Models often change several at a time: seeds hear of them together, ms. */
const CHANGE_DELAY_MS = 100

export class Membership implements Machine<MembershipEffect> {
  private readonly init: Required<MembershipInit>
  private readonly random: Random
  private readonly effects: MembershipEffect[] = []
  private readonly timers = new TimerTable<string>()
  private readonly suggestions: string[]
  private readonly dialing = new Set<string>()
  private readonly failures = new Map<string, number>()
  /** Where a bootstrap address led */
  private readonly bootstrapPeers = new Map<string, string>()
  private readonly connected = new Set<string>()
  private readonly seeds = new Set<string>()
  private readonly registering = new Set<string>()
  /** Seeds whose registration under way says less than what is true now */
  private readonly outdated = new Set<string>()

  constructor (init: MembershipInit, random: Random) {
    this.init = {
      bootstrap: init.bootstrap,
      remembered: init.remembered ?? [],
      wantedConnections: init.wantedConnections ?? 8,
      maxDials: init.maxDials ?? 8,
      firstBackoffMs: init.firstBackoffMs ?? 1_000,
      maxBackoffMs: init.maxBackoffMs ?? 60_000
    }
    this.random = random
    this.suggestions = this.init.remembered.slice(0, MAX_SUGGESTIONS)
  }

  onStart (nowMs: number): void {
    for (const address of this.init.bootstrap) {
      this.timers.set(`dial ${address}`, nowMs)
    }
    this.onTimeout(nowMs)
    this.dialMore()
  }

  /** A dial that this machine asked for has ended; `peer` is who answered, `undefined` when nobody did. */
  onDialed (address: string, peer: string | undefined, nowMs: number): void {
    this.dialing.delete(address)
    if (this.init.bootstrap.includes(address)) {
      if (peer == null) {
        this.retry(address, nowMs)
      } else {
        this.failures.delete(address)
        this.bootstrapPeers.set(peer, address)
        if (!this.connected.has(peer)) {
          this.retry(address, nowMs) // it closed again before the driver could say that it was there
        }
      }
    }
    this.dialMore()
  }

  onConnected (peer: string): void {
    this.connected.add(peer)
  }

  /** A connected peer speaks the seed protocol. */
  onSeed (seed: string, nowMs: number): void {
    if (!this.seeds.has(seed)) {
      this.seeds.add(seed)
      this.register(seed, nowMs)
    }
  }

  onDisconnected (peer: string, nowMs: number): void {
    this.connected.delete(peer)
    this.seeds.delete(peer)
    this.registering.delete(peer)
    this.outdated.delete(peer)
    this.timers.delete(`register ${peer}`)
    const address = this.bootstrapPeers.get(peer)
    if (address != null) {
      this.bootstrapPeers.delete(peer)
      this.retry(address, nowMs)
    }
    this.dialMore()
  }

  /** The seed answered: it keeps the registration for `lifeMs`, or (0) asks to be left alone for `retryAfterMs`. */
  onSeedAnswer (seed: string, answer: { lifeMs: number, retryAfterMs: number, peers: string[] }, nowMs: number): void {
    this.registering.delete(seed)
    for (const address of answer.peers) {
      if (this.suggestions.length < MAX_SUGGESTIONS && !this.suggestions.includes(address)) {
        this.suggestions.push(address)
      }
    }
    if (this.seeds.has(seed)) {
      const waitMs = answer.lifeMs > 0 ? Math.max(1_000, answer.lifeMs / 2, answer.retryAfterMs) : Math.max(1_000, answer.retryAfterMs)
      this.timers.set(`register ${seed}`, nowMs + (this.outdated.delete(seed) ? Math.max(CHANGE_DELAY_MS, answer.retryAfterMs) : waitMs))
    }
    this.dialMore()
  }

  onSeedFailed (seed: string, nowMs: number): void {
    this.registering.delete(seed)
    if (this.seeds.has(seed)) {
      this.timers.set(`register ${seed}`, nowMs + 10_000 * (0.5 + randomFloat(this.random)))
    }
  }

  /** What this peer tells of itself has changed: the seeds should hear it soon. */
  onCapabilitiesChanged (nowMs: number): void {
    for (const seed of this.seeds) {
      if (this.registering.has(seed)) {
        this.outdated.add(seed)
      } else {
        const dueMs = this.timers.deadlineOf(`register ${seed}`) ?? Infinity
        this.timers.set(`register ${seed}`, Math.min(dueMs, nowMs + CHANGE_DELAY_MS))
      }
    }
  }

  onTimeout (nowMs: number): void {
    for (let due = this.timers.popDue(nowMs); due !== undefined; due = this.timers.popDue(nowMs)) {
      const [what, subject = ''] = due.split(' ')
      if (what === 'dial') {
        this.dial(subject)
      } else {
        this.register(subject, nowMs)
      }
    }
  }

  poll (): MembershipEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private dial (address: string): void {
    if (!this.dialing.has(address)) {
      this.dialing.add(address)
      this.effects.push({ type: 'dial', address })
    }
  }

  private dialMore (): void {
    while (this.suggestions.length > 0 && this.dialing.size < this.init.maxDials &&
      this.connected.size + this.dialing.size < this.init.wantedConnections) {
      this.dial(this.suggestions.shift() as string)
    }
  }

  private retry (address: string, nowMs: number): void {
    const failures = this.failures.get(address) ?? 0
    this.failures.set(address, failures + 1)
    const backoffMs = Math.min(this.init.maxBackoffMs, this.init.firstBackoffMs * 2 ** Math.min(failures, 16))
    this.timers.set(`dial ${address}`, nowMs + backoffMs * (0.5 + randomFloat(this.random)))
  }

  private register (seed: string, nowMs: number): void {
    if (this.seeds.has(seed) && !this.registering.has(seed)) {
      this.registering.add(seed)
      // an answer that never comes must not end the renewals
      this.timers.set(`register ${seed}`, nowMs + 30_000)
      this.effects.push({ type: 'register', seed })
    } else if (this.seeds.has(seed)) {
      this.registering.delete(seed)
      this.timers.set(`register ${seed}`, nowMs + 1_000)
    }
  }
}
