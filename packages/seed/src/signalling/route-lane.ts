/**
 * The signals of this seed's peers for one receiver. They go by one route at a time, and in order: while some are under way over one route, those
 * that would take another one wait; so does one that came back undelivered, until those after it are settled or back as well.
 */
import type { Delivery } from './outgoing-queue.ts'
import type { SignalKind } from '@skein/records'

/** A signal that this seed took from a peer connected to it, and owes the outcome. */
export interface PendingSignal {
  /** Numbers signals in the order in which they came */
  id: number
  /** The stream it came on, and its number there */
  session: number
  frameId: number
  from: string
  to: string
  kind: SignalKind
  payload: Uint8Array<ArrayBuffer>
  deadlineMs: number
  /** How it went, at last */
  path: 'local' | 'remote' | 'none'
  /** On the way to a receiver who is connected here */
  delivery?: Delivery
  /** The receiver was looked for on behalf of this signal */
  located: boolean
}

/** Here, or over another seed. */
export type Route = { seed: string | undefined }

/** How long an answer to "where is it" is good for, ms: the candidates that follow an offer go the same way. */
const LOCATIONS_LIFE_MS = 1_000

export class RouteLane {
  readonly peer: string
  readonly waiting: PendingSignal[] = []
  readonly underWay = new Set<PendingSignal>()
  route: Route = { seed: undefined }
  locating = false
  private bytes = 0
  private seeds: string[] = []
  private seedsUntilMs = -Infinity

  constructor (peer: string) {
    this.peer = peer
  }

  get size (): number {
    return this.waiting.length + this.underWay.size
  }

  /** Of payloads */
  get payloadBytes (): number {
    return this.bytes
  }

  add (pending: PendingSignal): void {
    this.bytes += pending.payload.length
    this.waiting.push(pending)
  }

  /** The next that may go by a route; `undefined` when it would overtake, or be overtaken by, one that is under way. */
  take (seed: string | undefined): PendingSignal | undefined {
    const [first] = this.waiting
    if (first === undefined || (this.underWay.size > 0 && this.route.seed !== seed) || [...this.underWay].some(({ id }) => id > first.id)) {
      return undefined
    }
    this.route = { seed }
    this.waiting.shift()
    this.underWay.add(first)
    return first
  }

  /** It has its outcome. */
  remove (pending: PendingSignal): void {
    const place = this.waiting.indexOf(pending)
    if (place >= 0) {
      this.waiting.splice(place, 1)
    } else if (!this.underWay.delete(pending)) {
      return
    }
    this.bytes -= pending.payload.length
  }

  /** It was not delivered and goes again, before those that came after it. */
  putBack (pending: PendingSignal): void {
    this.underWay.delete(pending)
    const place = this.waiting.findIndex(other => other.id > pending.id)
    this.waiting.splice(place < 0 ? this.waiting.length : place, 0, pending)
  }

  /** The seed to which the receiver is connected, as far as is known. */
  remoteSeed (nowMs: number): string | undefined {
    return nowMs < this.seedsUntilMs ? this.seeds[0] : undefined
  }

  /** Whether it was looked for lately. */
  isLocated (nowMs: number): boolean {
    return nowMs < this.seedsUntilMs
  }

  /** Where the receiver was found; the newest connection first. */
  onSeeds (seeds: string[], nowMs: number): void {
    this.seeds = seeds
    this.seedsUntilMs = nowMs + LOCATIONS_LIFE_MS
    for (const pending of this.waiting) {
      pending.located = true
    }
  }

  /** The receiver is not there any more. Whether there is another seed to try. */
  onGone (seed: string): boolean {
    this.seeds = this.seeds.filter(other => other !== seed)
    return this.seeds.length > 0
  }
}
