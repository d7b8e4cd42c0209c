/**
 * Receipts that wait to be offered to their other party, as a machine: a few at once, those of a peer no faster than it takes them, again when it
 * was busy. What there is no room for stays signed by this peer alone.
 */
import { BoundedMap, TimerTable, TokenBucket } from '@skein/core'
import { receiptKey } from '@skein/records'
import type { Machine } from '@skein/core'
import type { Receipt } from '@skein/records'

export type OutboxEffect =
  /** Offer it to `peer`; answer with `onAnswered` */
  | { type: 'offer', peer: string, facts: Receipt }
  /** It is offered to nobody (any more): sign it alone */
  | { type: 'keep', facts: Receipt }

export interface ReceiptOutboxInit {
  /** This peer, as text */
  self: string
  /**
   * Receipts that wait; beyond it they are not offered.
   *
   * @default 512
   */
  maxWaiting?: number
  /**
   * … with one peer.
   *
   * @default 64
   */
  maxWaitingPerPeer?: number
  /**
   * Offers under way at once, to different peers: one to a peer.
   *
   * @default 8
   */
  maxOffering?: number
}

/** Half of what a peer takes by default, so that it is not told to come again. */
const OFFER_RATE = { ratePerSecond: 5, burst: 50 }
const MAX_RATED_PEERS = 1024
/** An offer is made again so often when the other side is busy, and after so long when it does not say. */
const MAX_RETRIES = 2
const RETRY_MS = 1000
/** Longer than this nobody may make this peer wait: a receipt is worth little to one who does not know any more what it served. */
const MAX_RETRY_MS = 60_000

interface Waiting {
  facts: Receipt
  retries: number
}

interface Queue {
  waiting: Waiting[]
  offering?: Waiting
}

export class ReceiptOutbox implements Machine<OutboxEffect> {
  private readonly init: Required<ReceiptOutboxInit>
  private readonly queues = new Map<string, Queue>()
  private readonly rates = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED_PEERS })
  private readonly timers = new TimerTable<string>()
  private readonly effects: OutboxEffect[] = []
  private count = 0
  private offers = 0

  constructor (init: ReceiptOutboxInit) {
    this.init = { maxWaiting: 512, maxWaitingPerPeer: 64, maxOffering: 8, ...init }
  }

  /** Receipts that wait for their offer or its answer. */
  get size (): number {
    return this.count
  }

  onDelivery (facts: Receipt, nowMs: number): void {
    const peer = this.otherParty(facts)
    const queue: Queue = this.queues.get(peer) ?? { waiting: [] }
    if (this.count >= this.init.maxWaiting || queue.waiting.length >= this.init.maxWaitingPerPeer) {
      this.effects.push({ type: 'keep', facts })
      return
    }
    this.count++
    queue.waiting.push({ facts, retries: 0 })
    this.queues.set(peer, queue)
    this.fill(nowMs)
  }

  /** The offer has come to an end; `busy` when it is to be made again, after `retryAfterMs` if the other side said. Whether it is. */
  onAnswered (facts: Receipt, answer: { busy: boolean, retryAfterMs?: number }, nowMs: number): 'again' | 'done' {
    const peer = this.otherParty(facts)
    const queue = this.queues.get(peer)
    const offered = queue?.offering
    if (queue === undefined || offered === undefined || receiptKey(offered.facts) !== receiptKey(facts)) {
      return 'done'
    }
    this.offers--
    delete queue.offering
    const again = answer.busy && offered.retries < MAX_RETRIES
    if (again) {
      queue.waiting.unshift({ facts, retries: offered.retries + 1 })
      this.timers.set(peer, nowMs + Math.min(MAX_RETRY_MS, Math.max(RETRY_MS, answer.retryAfterMs ?? 0)))
    } else {
      this.count--
    }
    this.fill(nowMs)
    return again ? 'again' : 'done'
  }

  /** This peer stops: what waits is offered to nobody. Offers under way are for the driver to end. */
  onStop (): void {
    for (const queue of this.queues.values()) {
      this.count -= queue.waiting.length
      for (const { facts } of queue.waiting.splice(0)) {
        this.effects.push({ type: 'keep', facts })
      }
    }
  }

  onTimeout (nowMs: number): void {
    while (this.timers.popDue(nowMs) !== undefined) {
      // whoever was waited for may be asked now
    }
    this.fill(nowMs)
  }

  poll (): OutboxEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private fill (nowMs: number): void {
    for (const [peer, queue] of this.queues) {
      const [next] = queue.waiting
      if (next === undefined) {
        if (queue.offering === undefined) {
          this.queues.delete(peer)
        }
        continue
      }
      if (this.offers >= this.init.maxOffering) {
        return
      }
      if (queue.offering !== undefined || this.timers.deadlineOf(peer) !== undefined) {
        continue
      }
      const waitMs = this.waitMs(peer, nowMs)
      if (waitMs > 0) {
        this.timers.set(peer, nowMs + waitMs)
        continue
      }
      this.offers++
      queue.offering = next
      queue.waiting.shift()
      // to the end, so that the others have their turn
      this.queues.delete(peer)
      this.queues.set(peer, queue)
      this.effects.push({ type: 'offer', peer, facts: next.facts })
    }
  }

  private waitMs (peer: string, nowMs: number): number {
    const bucket = this.rates.touch(peer) ?? new TokenBucket(OFFER_RATE, nowMs)
    this.rates.set(peer, bucket)
    return bucket.take(1, nowMs) ? 0 : bucket.waitMs(1, nowMs)
  }

  private otherParty ({ provider, consumer }: Receipt): string {
    return provider === this.init.self ? consumer : provider
  }
}
