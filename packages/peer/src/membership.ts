/**
 * Joining the mesh and staying in it, as a machine: dials the bootstrap addresses, several at once, until there are seeds enough, registers there and
 * renews at half the registration's life, dials peers that they name while it has few connections. A seed that asked to be left alone
 * and closes the connection is not dialled again before its time, unless connections run short. The driver dials and registers.
 */
import { BoundedMap, randomFloat, TimerTable } from '@skein/core'
import { BootstrapAddresses } from './bootstrap-addresses.ts'
import { dialPlan, nameOf, Suggestions } from './seed-selection.ts'
import type { Machine, Random } from '@skein/core'
import type { PlannedDial } from './seed-selection.ts'

export type MembershipEffect =
  /** Dial this; answer with `onDialed`. `suggested`: a seed named it, it was not given */
  | { type: 'dial', address: string, suggested: boolean }
  /** Send a registration to this connected seed; answer with `onSeedAnswer` or `onSeedFailed` */
  | { type: 'register', seed: string }

export interface MembershipInit {
  /** Multiaddr texts of seeds and peers, always gone back to */
  bootstrap: string[]
  /**
   * Dial suggested peers while there are fewer connections than this.
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
  /**
   * With so many others a peer stands on its own: it does not run after a seed that let it go.
   *
   * @default 4
   */
  enoughConnections?: number
  /**
   * With so many seeds connected, the other bootstrap addresses are left in reserve.
   *
   * @default 3
   */
  wantedSeeds?: number
  /** First and longest pause between dials of one bootstrap address, ms @default 1_000, 60_000 */
  firstBackoffMs?: number
  maxBackoffMs?: number
}

/** While a second seed may still answer, the first fills no more than half of the connections; then it may fill all, ms. */
const SECOND_ANSWER_MS = 2_000
/** However long a seed asks to be left alone, it is heard again after this, ms. */
const MAX_ABSENCE_MS = 24 * 3_600_000
/** Seeds that asked for that. */
const MAX_ABSENCES = 64
/** Models often change several at a time: seeds hear of them together, ms. */
const CHANGE_DELAY_MS = 100

export class Membership implements Machine<MembershipEffect> {
  private readonly init: Required<MembershipInit>
  private readonly random: Random
  private readonly effects: MembershipEffect[] = []
  private readonly timers = new TimerTable<string>()
  private readonly suggestions: Suggestions
  private readonly bootstrap: BootstrapAddresses
  private readonly dialing = new Set<string>()
  private readonly connected = new Set<string>()
  private readonly seeds = new Set<string>()
  private readonly registering = new Set<string>()
  /** Seeds whose registration under way says less than what is true now */
  private readonly outdated = new Set<string>()
  /** Seeds that asked not to be asked again before this */
  private readonly absences = new BoundedMap<string, number>({ maxSize: MAX_ABSENCES })
  private awaitingSecond = false

  constructor (init: MembershipInit, random: Random) {
    this.init = {
      bootstrap: init.bootstrap,
      wantedConnections: init.wantedConnections ?? 8,
      maxDials: init.maxDials ?? 8,
      enoughConnections: init.enoughConnections ?? 4,
      wantedSeeds: init.wantedSeeds ?? 3,
      firstBackoffMs: init.firstBackoffMs ?? 1_000,
      maxBackoffMs: init.maxBackoffMs ?? 60_000
    }
    this.random = random
    this.bootstrap = new BootstrapAddresses(this.init.bootstrap)
    this.suggestions = new Suggestions()
  }

  /** Whether a second bootstrap peer may answer soon; one alone may be cut off from the others, or lie. */
  get awaitsSecond (): boolean {
    return this.bootstrap.reachedPeers < 2 &&
      this.bootstrap.all.some(address => (this.bootstrap.planned.has(address) || this.dialing.has(address)) && !this.connected.has(nameOf(address)))
  }

  /** Whether there are bootstrap addresses and none of them leads anywhere: names may stand for others by now. */
  get bootstrapFails (): boolean {
    return this.bootstrap.allFail
  }

  onStart (nowMs: number): void {
    this.plan(dialPlan(this.init.bootstrap, this.random), nowMs)
    this.dialMore()
  }

  /**
   * What names of seeds stand for now, all of it and in the order in which to try them. New ones are dialled, beside those that were given; of those
   * that are gone only a connection that stands is left.
   */
  onBootstrap (addresses: string[], nowMs: number): void {
    const { added, removed } = this.bootstrap.replaceNamed(addresses)
    for (const address of removed) {
      this.timers.delete(`dial ${address}`)
    }
    this.plan(dialPlan(added, this.random, { inOrder: true }), nowMs)
  }

  /** A dial that this machine asked for has ended; `peer` is who answered, `undefined` when nobody did. */
  onDialed (address: string, peer: string | undefined, nowMs: number): void {
    this.dialing.delete(address)
    if (peer == null) {
      this.suggestions.onGone(nameOf(address))
      this.dialNextPlanned(nowMs)
    }
    if (this.bootstrap.has(address)) {
      if (peer == null) {
        this.retry(address, nowMs)
      } else {
        if (!this.absences.has(peer)) {
          this.bootstrap.onAnswered(address) // one that lets this peer go again and again is gone back to ever more rarely
        }
        this.bootstrap.onReached(address, peer)
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
      const dueMs = this.absences.get(seed) ?? 0
      if (dueMs > nowMs && this.standsWithout(seed)) {
        this.timers.set(`register ${seed}`, dueMs) // something else than a renewal led there
      } else {
        this.register(seed, nowMs)
      }
    }
  }

  onDisconnected (peer: string, nowMs: number): void {
    this.connected.delete(peer)
    this.seeds.delete(peer)
    this.registering.delete(peer)
    this.outdated.delete(peer)
    this.timers.delete(`register ${peer}`)
    this.suggestions.onGone(peer)
    const address = this.bootstrap.onLost(peer)
    if (address != null) {
      const dueMs = this.absences.get(peer) ?? 0
      if (dueMs > nowMs && this.standsWithout(peer)) {
        this.bootstrap.letGo.add(address)
        this.timers.set(`dial ${address}`, dueMs)
      } else {
        this.retry(address, nowMs)
      }
    }
    if (this.connected.size < this.init.enoughConnections) {
      this.bootstrap.letGo.forEach(other => { this.retry(other, nowMs) })
      this.bootstrap.letGo.clear()
    }
    this.dialMore()
  }

  /** The seed answered: it keeps the registration for `lifeMs`, or (0) asks to be left alone for `retryAfterMs`. */
  onSeedAnswer (seed: string, answer: { lifeMs: number, retryAfterMs: number, peers: string[] }, nowMs: number): void {
    this.registering.delete(seed)
    if (this.suggestions.seedCount === 0 && answer.peers.length > 0 && new Set(this.bootstrap.all.map(nameOf)).size > 1) {
      this.awaitingSecond = true
      this.timers.set('second', nowMs + SECOND_ANSWER_MS)
    }
    this.suggestions.onAnswer(seed, answer.peers)
    if (answer.lifeMs > 0 && answer.retryAfterMs > 0) {
      this.absences.set(seed, nowMs + Math.min(MAX_ABSENCE_MS, Math.max(answer.lifeMs / 2, answer.retryAfterMs)))
    } else {
      this.absences.delete(seed)
    }
    if (this.seeds.has(seed)) {
      const waitMs = answer.lifeMs > 0 ? Math.max(1_000, answer.lifeMs / 2, answer.retryAfterMs) : Math.max(1_000, answer.retryAfterMs)
      this.timers.set(`register ${seed}`, nowMs + (this.outdated.delete(seed) ? Math.max(CHANGE_DELAY_MS, answer.retryAfterMs) : waitMs))
    }
    this.dialMore()
  }

  /** There is more to show to a seed that refused this peer. */
  onAdmissible (seed: string, nowMs: number): void {
    this.onOutdated(seed, nowMs, 0)
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
      if ((this.absences.get(seed) ?? 0) <= nowMs) {
        this.onOutdated(seed, nowMs, CHANGE_DELAY_MS)
      }
    }
  }

  onTimeout (nowMs: number): void {
    for (let due = this.timers.popDue(nowMs); due !== undefined; due = this.timers.popDue(nowMs)) {
      const [what, subject = ''] = due.split(' ')
      if (what === 'dial') {
        this.dialBootstrap(subject, nowMs)
      } else if (what === 'second') {
        this.awaitingSecond = false
        this.dialMore()
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

  /** The seed is to be told anew, soon; what is under way says less than what is true now. */
  private onOutdated (seed: string, nowMs: number, delayMs: number): void {
    if (this.registering.has(seed)) {
      this.outdated.add(seed)
    } else if (this.seeds.has(seed)) {
      const dueMs = this.timers.deadlineOf(`register ${seed}`) ?? Infinity
      this.timers.set(`register ${seed}`, Math.min(dueMs, nowMs + delayMs))
    }
  }

  private plan (dials: PlannedDial[], nowMs: number): void {
    for (const { address, afterMs } of dials) {
      this.bootstrap.planned.add(address)
      this.timers.set(`dial ${address}`, nowMs + afterMs)
    }
    this.onTimeout(nowMs)
  }

  private dial (address: string): void {
    if (!this.dialing.has(address)) {
      this.dialing.add(address)
      this.effects.push({ type: 'dial', address, suggested: !this.bootstrap.has(address) })
    }
  }

  private dialBootstrap (address: string, nowMs: number): void {
    this.bootstrap.planned.delete(address)
    this.bootstrap.letGo.delete(address)
    if (this.seeds.size >= this.init.wantedSeeds || this.connected.has(nameOf(address)) || this.bootstrap.isReached(address)) {
      this.timers.set(`dial ${address}`, nowMs + this.init.maxBackoffMs * (0.5 + randomFloat(this.random)))
    } else {
      this.dial(address)
    }
  }

  /** One came to nothing: the next need not wait for its turn. */
  private dialNextPlanned (nowMs: number): void {
    for (const next of this.bootstrap.planned) {
      if ((this.timers.deadlineOf(`dial ${next}`) ?? 0) > nowMs) {
        this.timers.set(`dial ${next}`, nowMs)
        return
      }
    }
  }

  private dialMore (): void {
    const one = this.suggestions.seedCount < 2 && !this.awaitingSecond ? Infinity : Math.ceil(this.init.wantedConnections / 2)
    while (this.dialing.size < this.init.maxDials && this.connected.size + this.dialing.size < this.init.wantedConnections) {
      const address = this.suggestions.next(one)
      if (address === undefined) {
        break
      }
      this.dial(address)
    }
  }

  /** Whether there are others enough to do without this one. */
  private standsWithout (seed: string): boolean {
    return this.connected.size - (this.connected.has(seed) ? 1 : 0) >= this.init.enoughConnections
  }

  private retry (address: string, nowMs: number): void {
    const failures = this.bootstrap.onFailed(address)
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
