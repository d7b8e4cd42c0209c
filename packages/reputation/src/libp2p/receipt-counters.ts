/** What a receipt service has done, for metrics. */
import type { ReceiptRefusal } from '../receipt-desk.ts'

/**
 * Why the other party's signature, or its word, is missing: it refused, or
 * - `unreachable`: it could not be asked, or went away
 * - `timed_out`: it did not answer in time
 * - `protocol`: it answered with something else
 */
export type OfferRefusal = ReceiptRefusal | 'unreachable' | 'timed_out' | 'protocol'

/**
 * - `oversize`: more than 1 KiB, or than 40 KiB in answer to a question
 * - `malformed`: not a message
 * - `bad_record`: a receipt that its signer did not sign, or not the one asked for
 */
export type ReceiptOffence = 'oversize' | 'malformed' | 'bad_record'

export interface ReceiptCounters {
  offered_total: number
  /** Of those offered, by what came of it */
  offers_refused_total: Partial<Record<OfferRefusal, number>>
  signed_total: number
  refused_total: Partial<Record<ReceiptRefusal, number>>
  asked_total: number
  questions_refused_total: Partial<Record<OfferRefusal, number>>
  told_total: number
  received_bytes_total: number
  sent_bytes_total: number
  offences_total: Partial<Record<ReceiptOffence, number>>
}

export function receiptCounters (): ReceiptCounters {
  return {
    offered_total: 0,
    offers_refused_total: {},
    signed_total: 0,
    refused_total: {},
    asked_total: 0,
    questions_refused_total: {},
    told_total: 0,
    received_bytes_total: 0,
    sent_bytes_total: 0,
    offences_total: {}
  }
}

export function countOne<K extends string> (counts: Partial<Record<K, number>>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1
}
