/** The rules by which offered receipts are answered: whose they have to be, how many, and each request once. Pure. */
import { BoundedMap, equalBytes, TokenBucket } from '@skein/core'
import { receiptKey } from '@skein/records'
import type { TokenBucketInit } from '@skein/core'
import type { SignedReceipt } from '@skein/records'

/**
 * - `disagreed`: the facts are not those that the other side measured
 * - `not_ours`: the receipt is not of a delivery between the two
 * - `replayed`: another receipt of that request was signed before
 * - `invalid`: not a receipt, or its signature, bounds or life do not hold
 * - `busy`: too many at once; worth another try later
 * - `declined`: it tells nobody of its receipts
 */
export const RECEIPT_REFUSALS = ['disagreed', 'not_ours', 'replayed', 'invalid', 'busy', 'declined'] as const
export type ReceiptRefusal = typeof RECEIPT_REFUSALS[number]

export interface ReceiptDeskInit {
  /**
   * Receipts a second that one peer may offer, in the long run: as many as it may make requests.
   *
   * @default 10
   */
  ratePerSecond?: number
  /**
   * Receipts that one peer may offer at once.
   *
   * @default 100
   */
  burst?: number
}

/** Peers whose rate is remembered; the one heard of longest ago starts anew, so a flood of names gains each name a burst and no more. */
const MAX_PEERS = 1024

/** Answers remembered, 512 bytes each: a peer that lost one may ask again within some minutes. An older request is the agreement's to judge. */
const MAX_ANSWERED = 4096

/** A peer may ask for receipts every ten minutes, and once more: it may have been started again. */
const QUESTION_RATE = { ratePerSecond: 1 / 600, burst: 2 }

export class ReceiptDesk {
  private readonly self: string
  private readonly rate: { ratePerSecond: number, burst: number }
  private readonly buckets = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PEERS })
  private readonly questions = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PEERS })
  private readonly answered = new BoundedMap<string, Uint8Array>({ maxSize: MAX_ANSWERED })

  constructor (self: string, { ratePerSecond = 10, burst = 100 }: ReceiptDeskInit = {}) {
    this.self = self
    this.rate = { ratePerSecond, burst }
  }

  /** Before an offer is looked at: how long the peer has to wait, ms; 0 when it need not. */
  waitMs (peer: string, nowMs: number): number {
    return take(this.buckets, peer, this.rate, nowMs)
  }

  /** … before a question of it is answered. */
  questionWaitMs (peer: string, nowMs: number): number {
    return take(this.questions, peer, QUESTION_RATE, nowMs)
  }

  /** Whether the facts are to be judged, were agreed on before, or are refused without a look. */
  judge (peer: string, { receipt, signer, envelope }: SignedReceipt): 'ask' | 'again' | ReceiptRefusal {
    const parties = [receipt.provider, receipt.consumer]
    if (signer !== peer || !parties.includes(this.self) || peer === this.self) {
      return 'not_ours'
    }
    const known = this.answered.get(receiptKey(receipt))
    if (known === undefined) {
      return 'ask'
    }
    return equalBytes(known, envelope) ? 'again' : 'replayed'
  }

  /** It was agreed on: no other receipt of that request is signed. */
  onAgreed ({ receipt, envelope }: SignedReceipt): void {
    this.answered.set(receiptKey(receipt), envelope)
  }
}

function take (buckets: BoundedMap<string, TokenBucket>, peer: string, rate: TokenBucketInit, nowMs: number): number {
  const bucket = buckets.touch(peer) ?? new TokenBucket(rate, nowMs)
  buckets.set(peer, bucket)
  return bucket.take(1, nowMs) ? 0 : bucket.waitMs(1, nowMs)
}
