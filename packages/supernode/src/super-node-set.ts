/**
 * The super-nodes that a peer uses: two or three in different autonomous systems, one of them the primary. When the primary dies the next one that
 * holds a reservation takes its place at once; when none does, several are tried at the same time. What works is kept: a better one is taken once an
 * hour at most, and stands before the old one is let go.
 */
import { BoundedMap, randomFloat } from '@skein/core'
import { sharesSystem } from './candidate.ts'
import { chooseSuperNode, superNodeCost } from './super-node-choice.ts'
import type { KnownSuperNode } from './super-node-choice.ts'
import type { Machine, Random } from '@skein/core'

/**
 * - `connect`: dial it; answer with `onConnected` or `onFailed`
 * - `reserve`: ask it for a reservation; answer with `onReserved` or `onFailed`
 * - `probe`: ask whether it is alive; answer with `onAlive`
 * - `release`: not used any more: give the reservation back, close what nothing else needs. `silent`: it did not answer in time
 * - `moved`: the primary has changed; `afterMs` is how long there was none
 */
export type SetEffect =
  | { type: 'connect' | 'reserve' | 'probe', peer: string }
  | { type: 'release', peer: string, silent: boolean }
  | { type: 'moved', from: string | undefined, to: string, afterMs: number }

export interface SuperNodeSetInit {
  /** Super-nodes used at once; two at least for a move within a second. @default 3 */
  target?: number
  /** For connecting, and again for the reservation, ms. @default 1500 */
  attemptTimeoutMs?: number
  /**
   * The primary is probed when nothing was heard of it for so long, ms; the others eight times as seldom. Less finds a silent death sooner and costs
   * a message each time; a phone may want 30,000.
   *
   * @default 2000
   */
  probeMs?: number
  /** A probe without an answer for so long is a death, ms. @default 1500 */
  probeTimeoutMs?: number
  /** How often a better one may replace one that works, ms. @default 3_600_000 */
  redrawMs?: number
  /** The first pause after a failure, ms; it doubles to ten minutes. @default 2000 */
  backoffMs?: number
}

interface Link extends KnownSuperNode {
  stage: 'connecting' | 'reserving' | 'reserved'
  /** Of the attempt or the probe that is under way */
  deadlineMs?: number
  aliveMs: number
  reservedAtMs?: number
  /** Its lease is over, or a better one is coming: used until another stands, or until then */
  leaveAtMs?: number
  /** Of one that leaves: its lease is good, and it stays if no better one came; `false` when its lease is over */
  mayStay?: boolean
}

interface Failures {
  count: number
  untilMs: number
}

const MAX_KNOWN = 256
const MAX_BACKOFF_MS = 600_000
/** A lease that ended is served for a minute more. */
const LEAVE_MS = 55_000
/** A better one must cost at most this share of what it replaces. */
const MUCH_BETTER = 0.5
const SELDOM = 8

export class SuperNodeSet implements Machine<SetEffect> {
  private readonly init: Required<SuperNodeSetInit>
  private readonly random: Random
  private readonly effects: SetEffect[] = []
  private known = new Map<string, KnownSuperNode>()
  private readonly links = new Map<string, Link>()
  private readonly roundTrips: BoundedMap<string, number>
  private readonly failures: BoundedMap<string, Failures>
  private current?: string
  private last?: string
  private lostMs?: number
  private redrawAtMs = Infinity
  private settledMs = -Infinity

  constructor (init: SuperNodeSetInit, random: Random) {
    this.init = { target: 3, attemptTimeoutMs: 1500, probeMs: 2000, probeTimeoutMs: 1500, redrawMs: 3_600_000, backoffMs: 2000, ...init }
    this.random = random
    this.roundTrips = new BoundedMap({ maxSize: MAX_KNOWN })
    this.failures = new BoundedMap({ maxSize: MAX_KNOWN })
  }

  /** The one to use first; `undefined` while there is none. */
  get primary (): string | undefined {
    return this.current
  }

  /** All that hold a reservation, the primary first. */
  get reserved (): string[] {
    return [...this.links.values()].filter(({ stage }) => stage === 'reserved').map(({ peer }) => peer)
      .sort((a, b) => Number(b === this.current) - Number(a === this.current))
  }

  /** All whose leases are good for new reservations; at most 256 are looked at. One that is used and not among them is left, without a gap. */
  onKnown (nodes: Iterable<KnownSuperNode>, nowMs: number): void {
    this.known = new Map()
    for (const node of nodes) {
      if (this.known.size < MAX_KNOWN) {
        this.known.set(node.peer, node)
      }
    }
    for (const link of this.links.values()) {
      const now = this.known.get(link.peer)
      if (now === undefined) {
        link.leaveAtMs ??= nowMs + LEAVE_MS
        link.mayStay = false
      } else {
        link.load = now.load
        link.networks = now.networks
        if (link.mayStay === false) {
          link.leaveAtMs = undefined // its lease was renewed late
          link.mayStay = undefined
        }
      }
    }
    this.settle(nowMs)
  }

  /** Measured, or estimated from coordinates. */
  onRoundTrip (peer: string, roundTripMs: number, nowMs: number): void {
    if (roundTripMs >= 0) {
      this.roundTrips.set(peer, roundTripMs)
    }
    this.settle(nowMs)
  }

  onConnected (peer: string, nowMs: number): void {
    const link = this.links.get(peer)
    if (link?.stage === 'connecting') {
      link.stage = 'reserving'
      link.deadlineMs = nowMs + this.init.attemptTimeoutMs
      this.effects.push({ type: 'reserve', peer })
    }
    this.settle(nowMs)
  }

  onReserved (peer: string, nowMs: number): void {
    const link = this.links.get(peer)
    if (link?.stage === 'reserving') {
      link.stage = 'reserved'
      link.deadlineMs = undefined
      link.aliveMs = nowMs
      link.reservedAtMs = nowMs
      this.makeRoom()
    }
    this.settle(nowMs)
  }

  /** Anything was heard of it. */
  onAlive (peer: string, nowMs: number): void {
    const link = this.links.get(peer)
    if (link?.stage === 'reserved') {
      link.aliveMs = nowMs
      link.deadlineMs = undefined
    }
    this.settle(nowMs)
  }

  /** The connection broke or could not be made, or the reservation was refused or lost; `retryAfterMs` is what it said of when to come again. */
  onFailed (peer: string, nowMs: number, retryAfterMs = 0): void {
    this.drop(peer, nowMs, retryAfterMs)
    this.settle(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.settle(nowMs)
  }

  poll (): SetEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    let next = this.redrawAtMs
    for (const link of this.links.values()) {
      next = Math.min(next, link.deadlineMs ?? (link.stage === 'reserved' ? link.aliveMs + this.probeMs(link) : Infinity), link.leaveAtMs ?? Infinity)
    }
    if (this.missing() > 0) {
      for (const [peer, { untilMs }] of this.failures) {
        if (untilMs > this.settledMs && this.known.has(peer) && !this.links.has(peer)) {
          next = Math.min(next, untilMs)
        }
      }
    }
    return next === Infinity ? undefined : next
  }

  private settle (nowMs: number): void {
    this.settledMs = nowMs
    for (const link of [...this.links.values()]) {
      this.watch(link, nowMs)
    }
    this.choosePrimary(nowMs)
    for (let missing = this.missing(); missing > 0; missing--) {
      if (!this.connectOne(nowMs)) {
        break
      }
    }
    this.redraw(nowMs)
  }

  /** Attempts and probes that took too long, probes that are due, and those whose time to leave has come. */
  private watch (link: Link, nowMs: number): void {
    const { peer } = link
    if (link.deadlineMs !== undefined && nowMs >= link.deadlineMs) {
      this.effects.push({ type: 'release', peer, silent: true })
      this.drop(peer, nowMs, 0)
    } else if (link.leaveAtMs !== undefined && nowMs >= link.leaveAtMs) {
      if (link.mayStay === true && link.leaveAtMs !== -Infinity) {
        link.leaveAtMs = undefined
      } else {
        this.release(peer, nowMs)
      }
    } else if (link.stage === 'reserved' && link.deadlineMs === undefined && nowMs >= link.aliveMs + this.probeMs(link)) {
      link.deadlineMs = nowMs + this.init.probeTimeoutMs
      this.effects.push({ type: 'probe', peer })
    }
  }

  private probeMs ({ peer }: Link): number {
    return peer === this.current ? this.init.probeMs : this.init.probeMs * SELDOM
  }

  private drop (peer: string, nowMs: number, retryAfterMs: number): void {
    const link = this.links.get(peer)
    if (this.links.delete(peer)) {
      const worked = link?.reservedAtMs !== undefined && nowMs - link.reservedAtMs >= MAX_BACKOFF_MS
      const count = worked ? 1 : (this.failures.get(peer)?.count ?? 0) + 1
      const pauseMs = Math.min(MAX_BACKOFF_MS, this.init.backoffMs * 2 ** (count - 1)) * (0.75 + 0.5 * randomFloat(this.random))
      this.failures.set(peer, { count, untilMs: nowMs + Math.max(pauseMs, Math.min(retryAfterMs, MAX_BACKOFF_MS)) })
      this.forgetPrimary(peer, nowMs)
    }
  }

  private release (peer: string, nowMs: number): void {
    this.links.delete(peer)
    this.effects.push({ type: 'release', peer, silent: false })
    this.forgetPrimary(peer, nowMs)
  }

  private forgetPrimary (peer: string, nowMs: number): void {
    if (this.current === peer) {
      this.current = undefined
      this.last = peer
      this.lostMs = nowMs
    }
  }

  /** The cheapest that holds a reservation, when there is no primary or the primary is leaving and another stands. */
  private choosePrimary (nowMs: number): void {
    const now = this.current === undefined ? undefined : this.links.get(this.current)
    if (now !== undefined && now.leaveAtMs === undefined) {
      return
    }
    const standing = [...this.links.values()].filter(({ stage }) => stage === 'reserved')
    const next = standing.sort((a, b) => Number(a.leaveAtMs !== undefined) - Number(b.leaveAtMs !== undefined) || this.cost(a) - this.cost(b))[0]
    if (next === undefined || next.peer === this.current) {
      return
    }
    const from = this.current ?? this.last
    const lostMs = this.current === undefined ? this.lostMs : undefined
    this.effects.push({ type: 'moved', from, to: next.peer, afterMs: lostMs === undefined ? 0 : nowMs - lostMs })
    this.current = next.peer
    this.last = undefined
    this.lostMs = undefined
    if (this.redrawAtMs === Infinity) {
      this.redrawAtMs = nowMs + this.init.redrawMs * (0.75 + 0.5 * randomFloat(this.random))
    }
  }

  /** Links that are still to be made; those that leave do not count. */
  private missing (): number {
    return this.init.target - [...this.links.values()].filter(({ leaveAtMs }) => leaveAtMs === undefined).length
  }

  private connectOne (nowMs: number): boolean {
    const node = chooseSuperNode({
      known: this.known.values(),
      used: [...this.links.values()].filter(({ leaveAtMs }) => leaveAtMs === undefined),
      roundTripMs: peer => this.roundTrips.get(peer),
      excluded: peer => this.links.has(peer) || (this.failures.get(peer)?.untilMs ?? 0) > nowMs
    }, this.random)
    if (node === undefined) {
      return false
    }
    this.links.set(node.peer, { ...node, stage: 'connecting', aliveMs: nowMs, deadlineMs: nowMs + this.init.attemptTimeoutMs })
    this.effects.push({ type: 'connect', peer: node.peer })
    return true
  }

  /** One more stands: where that is one too many, the dearest goes, and one that leaves anyway before all others. */
  private makeRoom (): void {
    const standing = [...this.links.values()].filter(({ stage }) => stage === 'reserved')
      .sort((a, b) => Number(b.leaveAtMs !== undefined) - Number(a.leaveAtMs !== undefined) || this.cost(b) - this.cost(a))
    if (standing[0] !== undefined && standing.length > this.init.target) {
      standing[0].leaveAtMs = -Infinity
    }
  }

  /** Once in a while the dearest one may go for one that is much better. */
  private redraw (nowMs: number): void {
    if (nowMs < this.redrawAtMs) {
      return
    }
    this.redrawAtMs = nowMs + this.init.redrawMs * (0.75 + 0.5 * randomFloat(this.random))
    const dearest = [...this.links.values()].filter(({ stage, leaveAtMs }) => stage === 'reserved' && leaveAtMs === undefined)
      .sort((a, b) => this.cost(b) - this.cost(a))[0]
    if (dearest === undefined) {
      return
    }
    const others = [...this.links.values()].filter(link => link !== dearest)
    const isBetter = [...this.known.values()].some(node => !this.links.has(node.peer) && (this.failures.get(node.peer)?.untilMs ?? 0) <= nowMs &&
      this.cost(node) <= MUCH_BETTER * this.cost(dearest) && !others.some(other => sharesSystem(node, other)))
    if (isBetter) {
      dearest.leaveAtMs = nowMs + LEAVE_MS
      dearest.mayStay = true
      this.connectOne(nowMs)
    }
  }

  private cost (node: KnownSuperNode): number {
    return superNodeCost(node, this.roundTrips.get(node.peer))
  }
}
