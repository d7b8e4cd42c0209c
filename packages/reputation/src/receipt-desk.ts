/** The rules by which offered receipts are answered: whose they have to be, how many, and each request once. Pure. */
import { BoundedMap, equalBytes, TokenBucket } from '@skein/core'
import { receiptKey } from '@skein/records'
import type { SignedReceipt } from '@skein/records'

/**
 * - `disagreed`: the facts are not those that the other side measured
 * - `not_ours`: the receipt is not of a delivery between the two
 * - `replayed`: another receipt of that request was signed before
 * - `invalid`: not a receipt, or its signature, bounds or life do not hold
 * - `busy`: too many at once; worth another try later
 */
export const RECEIPT_REFUSALS = ['disagreed', 'not_ours', 'replayed', 'invalid', 'busy'] as const
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

export class ReceiptDesk {
  private readonly self: string
  private readonly rate: { ratePerSecond: number, burst: number }
  private readonly buckets = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PEERS })
  private readonly answered = new BoundedMap<string, Uint8Array>({ maxSize: MAX_ANSWERED })

  constructor (self: string, { ratePerSecond = 10, burst = 100 }: ReceiptDeskInit = {}) {
    this.self = self
    this.rate = { ratePerSecond, burst }
  }

  /** Before anything is read: how long the peer has to wait, ms; 0 when it need not. */
  waitMs (peer: string, nowMs: number): number {
    const bucket = this.buckets.touch(peer) ?? new TokenBucket(this.rate, nowMs)
    this.buckets.set(peer, bucket)
    return bucket.take(1, nowMs) ? 0 : bucket.waitMs(1, nowMs)
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
