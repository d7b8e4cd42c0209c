/** The state of a ledger as the records that are kept of it. */
import { toHex } from '@skein/core'
import { receiptKey } from '@skein/records'
import type { Evidence } from './evidence.ts'
import type { ReceiptShelfRecord, StandingRecord, StatementRecord } from './ledger-record.ts'
import type { Standing } from './standing.ts'
import type { ReceiptProof } from '@skein/records'

export function standingRecord (peer: string, { service, evidence, score, scoredMs, sinceMs, counted }: Standing): StandingRecord {
  return { type: 'standing', peer, service, ...evidence, score, scoredMs, sinceMs, counted }
}

/** `subject` is `SERVICE/PEER`. */
export function statementRecord (witness: string, subject: string, evidence: Evidence): StatementRecord {
  const slash = subject.indexOf('/')
  return { type: 'statement', witness, service: subject.slice(0, slash), peer: subject.slice(slash + 1), ...evidence }
}

export function shelfRecord (peer: string, { receipt, byProvider, byConsumer }: ReceiptProof): ReceiptShelfRecord {
  return {
    type: 'receipt',
    receipt: receiptKey(receipt),
    peer,
    ...(byProvider === undefined ? {} : { byProvider: toHex(byProvider) }),
    ...(byConsumer === undefined ? {} : { byConsumer: toHex(byConsumer) })
  }
}
