/**
 * Who is let in: a server answers at once or says BUSY with the time after which a place should be free. There is no queue;
 * a caller that is turned away can go to another peer, one that waits unseen cannot.
 */
import { NonceGuard } from './nonce-guard.ts'
import { InferenceError } from './errors.ts'
import type { BackendModel } from './backend.ts'

export interface AdmissionInit {
  /**
   * Most requests at once over all models.
   *
   * @default 256
   */
  maxConcurrent?: number
  /**
   * Most requests at once from one caller. A gateway is one caller and brings many users: keep it well above one.
   *
   * @default 64
   */
  maxConcurrentPerCaller?: number
  /**
   * What is assumed of a model's service time before the first answer, ms.
   *
   * @default 2_000
   */
  expectedServiceMs?: number
  /**
   * Longest life of a request, ms. A nonce is remembered for twice as long.
   *
   * @default 600_000
   */
  maxRequestMs?: number
  /**
   * Most nonces remembered; the oldest makes room.
   *
   * @default 16_384
   */
  maxNonces?: number
  /**
   * Who goes first when not all can be served. Asked for places of one model; share of them taken, 0 to 1.
   *
   * @default whoever comes first
   */
  order?: AdmissionOrder
}

export interface AdmissionOrder {
  /** Whether this caller gets one of the places that are free, though others may be waited for */
  mayTake: (caller: string, model: string, taken: number, nowMs: number) => boolean
  /** This caller found no place free */
  onTurnedAway: (caller: string, model: string, nowMs: number) => void
}

export interface AdmissionAsk {
  /** Who asks, as text */
  caller: string
  /** Hexadecimal */
  nonce: string
  model: Pick<BackendModel, 'id' | 'maxConcurrent'>
}

/** A place taken; give it back with `release`. */
export interface Place {
  readonly caller: string
  readonly model: string
  readonly sinceMs: number
}

const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 60_000
/** Weight of the newest service time in the mean: about the last ten count. */
const NEWEST_WEIGHT = 0.2
/** Models of which service times are kept; a server with more starts over for the one unused longest. */
const MAX_MODELS_TIMED = 1024

export class Admission {
  private readonly maxConcurrent: number
  private readonly maxConcurrentPerCaller: number
  private readonly expectedServiceMs: number
  private readonly order: AdmissionOrder | undefined
  private readonly nonces: NonceGuard
  private readonly places = new Set<Place>()
  private readonly byModel = new Map<string, number>()
  private readonly byCaller = new Map<string, number>()
  private readonly meanServiceMs = new Map<string, number>()

  constructor (init: AdmissionInit = {}) {
    this.maxConcurrent = init.maxConcurrent ?? 256
    this.maxConcurrentPerCaller = init.maxConcurrentPerCaller ?? 64
    this.expectedServiceMs = init.expectedServiceMs ?? 2_000
    this.order = init.order
    this.nonces = new NonceGuard({ lifeMs: 2 * (init.maxRequestMs ?? 600_000), maxNonces: init.maxNonces ?? 16_384 })
  }

  /** Requests being served. */
  get active (): number {
    return this.places.size
  }

  /** Requests being served for one model. */
  activeOf (model: string): number {
    return this.byModel.get(model) ?? 0
  }

  /** A place, or why there is none. A refused request's nonce is not used up, so that it can be tried again. */
  admit (ask: AdmissionAsk, nowMs: number): Place | InferenceError {
    const { caller, nonce, model } = ask
    if (this.nonces.has(caller, nonce, nowMs)) {
      return new InferenceError('invalid_request', 'This request was already made: its nonce is known')
    }
    if (this.activeOf(model.id) >= model.maxConcurrent) {
      this.order?.onTurnedAway(caller, model.id, nowMs)
      return this.busy(`All ${model.maxConcurrent} places for the model are taken`, place => place.model === model.id, nowMs)
    }
    if (this.places.size >= this.maxConcurrent) {
      return this.busy(`All ${this.maxConcurrent} places are taken`, () => true, nowMs)
    }
    if ((this.byCaller.get(caller) ?? 0) >= this.maxConcurrentPerCaller) {
      return this.busy(`One caller has at most ${this.maxConcurrentPerCaller} requests at once`, place => place.caller === caller, nowMs)
    }
    if (this.order?.mayTake(caller, model.id, this.activeOf(model.id) / model.maxConcurrent, nowMs) === false) {
      return this.busy('The places left for the model are for callers who deliver to others themselves', place => place.model === model.id, nowMs)
    }
    this.nonces.add(caller, nonce, nowMs)
    const place: Place = { caller, model: model.id, sinceMs: nowMs }
    this.places.add(place)
    this.byModel.set(place.model, this.activeOf(place.model) + 1)
    this.byCaller.set(caller, (this.byCaller.get(caller) ?? 0) + 1)
    return place
  }

  /** Frees the place; `served` says that its time tells how long an answer takes (a cancelled one does not). */
  release (place: Place, served: boolean, nowMs: number): void {
    if (!this.places.delete(place)) {
      return
    }
    decrement(this.byModel, place.model)
    decrement(this.byCaller, place.caller)
    if (served) {
      const mean = this.meanServiceMs.get(place.model)
      const tookMs = Math.max(0, nowMs - place.sinceMs)
      this.meanServiceMs.delete(place.model)
      if (this.meanServiceMs.size >= MAX_MODELS_TIMED) {
        this.meanServiceMs.delete(this.meanServiceMs.keys().next().value as string)
      }
      this.meanServiceMs.set(place.model, mean == null ? tookMs : mean + NEWEST_WEIGHT * (tookMs - mean))
    }
  }

  private busy (message: string, blocks: (place: Place) => boolean, nowMs: number): InferenceError {
    return new InferenceError('busy', message, { retryAfterMs: this.nextFreeMs(blocks, nowMs) })
  }

  /** When the first of the blocking places should be free, going by how long answers took lately. */
  private nextFreeMs (blocks: (place: Place) => boolean, nowMs: number): number {
    let soonestMs = Infinity
    let count = 0
    let totalMs = 0
    for (const place of this.places) {
      if (blocks(place)) {
        const meanMs = this.meanServiceMs.get(place.model) ?? this.expectedServiceMs
        const leftMs = place.sinceMs + meanMs - nowMs
        count++
        totalMs += meanMs
        if (leftMs > 0) {
          soonestMs = Math.min(soonestMs, leftMs)
        }
      }
    }
    // all of them overdue: n servers finish one every mean / n
    const waitMs = soonestMs !== Infinity ? soonestMs : count > 0 ? totalMs / count / count : this.expectedServiceMs
    return Math.ceil(Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, waitMs)))
  }
}

function decrement (counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 0) - 1
  if (count > 0) {
    counts.set(key, count)
  } else {
    counts.delete(key)
  }
}
