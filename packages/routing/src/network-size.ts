/**
 * How many peers the network has, from the density around keys that are drawn for that: nobody who crowds the keys of models, or this peer's own
 * place, stands there. The median of several, so that neither chance nor one crowded probe moves it far.
 */
import { randomBytes } from '@skein/core'
import { shareWithin, sizeFromClosest } from './key-density.ts'
import { KEY_BYTES } from './model-key.ts'
import type { Contact } from './contact.ts'
import type { Machine, Random } from '@skein/core'

/** The size is probed for so long after its first use, when joining is over, unless a search that found nothing waits for it. */
export const SIZE_DELAY_MS = 10_000

/** How long a search that found nothing waits to be told whether its keys are crowded. */
export const WEIGH_MS = 3000

/** Look this key up, and report with `onClosest`. */
export interface NetworkSizeEffect {
  type: 'probe'
  target: Uint8Array<ArrayBuffer>
}

export interface NetworkSizeInit {
  /**
   * Closest peers of a lookup.
   *
   * @default 20
   */
  k?: number
  /**
   * Probes that the estimate needs; one of them errs by some 23 % (k = 20), the median of 3 by 16 %.
   *
   * @default 3
   */
  samples?: number
  /**
   * The latest probes of which the median is taken.
   *
   * @default 5
   */
  maxSamples?: number
  /**
   * Age at which one more probe is made when the estimate is used, ms.
   *
   * @default 600_000
   */
  renewMs?: number
}

interface Sample {
  size: number
  atMs: number
}

export class NetworkSize implements Machine<NetworkSizeEffect> {
  private readonly k: number
  private readonly wanted: number
  private readonly maxSamples: number
  private readonly renewMs: number
  private readonly random: Random
  /** The latest, at most `maxSamples` */
  private samples: Sample[] = []
  private probe: Uint8Array | undefined
  private startAtMs: number | undefined
  private effects: NetworkSizeEffect[] = []
  /** Probes in a row that found nobody */
  private vain = 0

  constructor (init: NetworkSizeInit, random: Random) {
    this.k = init.k ?? 20
    this.wanted = init.samples ?? 3
    this.maxSamples = init.maxSamples ?? 5
    this.renewMs = init.renewMs ?? 600_000
    this.random = random
  }

  /** `undefined` until there are enough probes. */
  get size (): number | undefined {
    if (this.samples.length < this.wanted) {
      return undefined
    }
    const sizes = this.samples.map(({ size }) => size).sort((a, b) => a - b)
    return ((sizes[(sizes.length - 1) >> 1] as number) + (sizes[sizes.length >> 1] as number)) / 2
  }

  /** The estimate is, or will be, made use of: what is missing is probed, `delayMs` from now at the latest. */
  onNeeded (nowMs: number, delayMs = 0): void {
    const newest = this.samples.at(-1)
    if (this.probe !== undefined || (this.size !== undefined && newest !== undefined && nowMs - newest.atMs < this.renewMs)) {
      return
    }
    this.vain = 0
    this.startAtMs = Math.min(this.startAtMs ?? Infinity, nowMs + delayMs)
    this.onTimeout(nowMs)
  }

  /** What the lookup of a probe found, closest first; nobody when it could not be made. */
  onClosest (target: Uint8Array, closest: readonly Contact[], nowMs: number): void {
    if (target !== this.probe) {
      return
    }
    this.probe = undefined
    if (closest.length > 0) {
      this.vain = 0
      this.samples.push({ size: sizeFromClosest(closest.map(({ kadId }) => shareWithin(kadId, target)), this.k), atMs: nowMs })
      this.samples = this.samples.slice(-this.maxSamples)
    } else {
      this.vain++
    }
    if (this.size === undefined && this.vain < 2) {
      this.begin()
    }
  }

  onTimeout (nowMs: number): void {
    if (this.startAtMs !== undefined && this.startAtMs <= nowMs) {
      this.startAtMs = undefined
      this.begin()
    }
  }

  poll (): NetworkSizeEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.startAtMs
  }

  private begin (): void {
    const target = randomBytes(this.random, KEY_BYTES)
    this.probe = target
    this.effects.push({ type: 'probe', target })
  }
}
