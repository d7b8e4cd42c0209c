/** Keeps an estimate of the size of the network: looks up a random key now and then, and combines what it sees with what is registered at seeds. */
import { BoundedMap, randomBytes, TimerTable, toHex } from '@skein/core'
import { idDistance, orderStatisticEstimate } from './size-estimate.ts'
import type { DistanceSample, SizeEstimate } from './size-estimate.ts'
import type { Machine, Random } from '@skein/core'

export type SizeEstimatorEffect =
  /** Look up the closest peers to this key; answer with `onProbe` */
  | { type: 'probe', key: Uint8Array<ArrayBuffer> }
  | { type: 'size', estimate: CombinedEstimate }

export interface CombinedEstimate extends SizeEstimate {
  /** What decided it */
  from: 'density' | 'registrations'
}

export interface SizeEstimatorInit {
  /**
   * How many peers a lookup is for: with fewer, it has found all there are.
   *
   * @default 20
   */
  k?: number
  /**
   * When the first key is looked up, ms after the start: routing tables fill in the meantime.
   *
   * @default 10_000
   */
  firstProbeMs?: number
  /**
   * Pause between lookups until there are `firstProbes`, ms.
   *
   * @default 1_000
   */
  firstPauseMs?: number
  /** @default 8 */
  firstProbes?: number
  /**
   * Pause between lookups afterwards, ms. Each costs some 30 requests.
   *
   * @default 60_000
   */
  pauseMs?: number
  /**
   * How many lookups an estimate is made of, the latest. 16 of 20 peers give ±11 % (95 %).
   *
   * @default 16
   */
  window?: number
}

/** A lookup that has not ended by then counts as failed, ms. */
const PROBE_TIMEOUT_MS = 30_000
/** What another seed said of its registrations is good for this long: one life, ms. */
const SEED_WORD_LIFE_MS = 300_000

export class SizeEstimator implements Machine<SizeEstimatorEffect> {
  private readonly init: Required<SizeEstimatorInit>
  private readonly random: Random
  private readonly effects: SizeEstimatorEffect[] = []
  private readonly timers = new TimerTable<'probe' | 'late'>()
  private readonly samples: Array<{ sample: DistanceSample, ids: string[] }> = []
  private readonly otherSeeds = new BoundedMap<string, { registrations: number, atMs: number }>({ maxSize: 256 })
  private registrations = 0
  private underWay: Uint8Array | undefined
  private started = 0

  constructor (init: SizeEstimatorInit, random: Random) {
    this.init = {
      k: init.k ?? 20,
      firstProbeMs: init.firstProbeMs ?? 10_000,
      firstPauseMs: init.firstPauseMs ?? 1_000,
      firstProbes: init.firstProbes ?? 8,
      pauseMs: init.pauseMs ?? 60_000,
      window: init.window ?? 16
    }
    this.random = random
  }

  onStart (nowMs: number): void {
    this.timers.set('probe', nowMs + this.init.firstProbeMs)
  }

  /** The ids of the closest peers that answered, this node not among them; `undefined` when the lookup failed. */
  onProbe (key: Uint8Array, ids: Uint8Array[] | undefined, nowMs: number): void {
    if (key !== this.underWay) {
      return // it came too late
    }
    this.underWay = undefined
    this.timers.delete('late')
    this.scheduleProbe(nowMs)
    if (ids !== undefined) {
      const distances = ids.map(id => idDistance(key, id)).sort((a, b) => a - b)
      this.samples.push({ sample: { distances, all: distances.length < this.init.k }, ids: ids.map(toHex) })
      if (this.samples.length > this.init.window) {
        this.samples.shift()
      }
      if (this.samples.length >= Math.min(this.init.firstProbes, this.init.window)) {
        this.tell(nowMs)
      }
    }
  }

  /** So many live registrations are held here. */
  onRegistrations (count: number): void {
    this.registrations = count
  }

  /** Another seed holds so many. */
  onSeedRegistrations (seed: string, count: number, nowMs: number): void {
    this.otherSeeds.set(seed, { registrations: count, atMs: nowMs })
  }

  /** The estimate as things stand; `undefined` before anything is known. */
  estimate (nowMs: number): CombinedEstimate | undefined {
    const density = this.density()
    // Peers register at several seeds: the largest count is certain, a sum would count them twice.
    let registered = this.registrations
    for (const [, { registrations, atMs }] of this.otherSeeds.entries()) {
      if (nowMs - atMs <= SEED_WORD_LIFE_MS) {
        registered = Math.max(registered, registrations)
      }
    }
    registered += 1 // this node
    if (density === undefined) {
      return registered === 1 ? undefined : { nodes: registered, low: registered, high: Infinity, from: 'registrations' }
    }
    // not all who register can be dialled and stand in the DHT, and at the last stage few are registered: the larger of the two is nearer the truth
    return registered > density.nodes
      ? { nodes: registered, low: registered, high: Math.max(registered, density.high), from: 'registrations' }
      : { ...density, low: Math.max(density.low, registered), from: 'density' }
  }

  onTimeout (nowMs: number): void {
    for (let due = this.timers.popDue(nowMs); due !== undefined; due = this.timers.popDue(nowMs)) {
      if (due === 'late') {
        this.underWay = undefined
        this.scheduleProbe(nowMs)
      } else {
        const key = randomBytes(this.random, 32)
        this.started++
        this.underWay = key
        this.timers.set('late', nowMs + PROBE_TIMEOUT_MS)
        this.effects.push({ type: 'probe', key })
      }
    }
  }

  poll (): SizeEstimatorEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  /** By the ids seen, this node included. */
  private density (): SizeEstimate | undefined {
    const estimate = orderStatisticEstimate(this.samples.map(({ sample }) => sample))
    if (estimate === undefined) {
      return undefined
    }
    // those that answered are there: in a small network that is the better part of it
    const seen = new Set(this.samples.flatMap(({ ids }) => ids)).size
    return { nodes: Math.max(estimate.nodes, seen) + 1, low: Math.max(estimate.low, seen) + 1, high: Math.max(estimate.high, seen) + 1 }
  }

  private tell (nowMs: number): void {
    const estimate = this.estimate(nowMs)
    if (estimate !== undefined) {
      this.effects.push({ type: 'size', estimate })
    }
  }

  private scheduleProbe (nowMs: number): void {
    this.timers.set('probe', nowMs + (this.started < this.init.firstProbes ? this.init.firstPauseMs : this.init.pauseMs))
  }
}
