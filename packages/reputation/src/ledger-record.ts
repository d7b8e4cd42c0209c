/** What a ledger keeps over a restart, one record for each thing it knows: the unit of stores and of exports. */
import { MAX_EVIDENCE } from './evidence.ts'

/** How this peer stands with the one that keeps the ledger. */
export interface StandingRecord {
  type: 'standing'
  peer: string
  service: string
  good: number
  bad: number
  atMs: number
  score: number
  scoredMs: number
  sinceMs: number
  counted: number
}

/** What a witness said of a peer. */
export interface StatementRecord {
  type: 'statement'
  witness: string
  peer: string
  service: string
  good: number
  bad: number
  atMs: number
}

/** How strangers of a network turned out; '' stands for all. */
export interface StrangersRecord {
  type: 'strangers'
  network: string
  good: number
  bad: number
  atMs: number
}

/** A receipt of which the one that keeps the ledger is a party: envelopes as hexadecimal digits, one at least. */
export interface ReceiptShelfRecord {
  type: 'receipt'
  /** `receiptKey` of it */
  receipt: string
  /** The other party */
  peer: string
  byProvider?: string
  byConsumer?: string
}

export type LedgerRecord = StandingRecord | StatementRecord | StrangersRecord | ReceiptShelfRecord

/** Not a record of a ledger; says which field. */
export class LedgerRecordError extends Error {
  static override name = 'LedgerRecordError'
  override readonly name = 'LedgerRecordError'
  readonly field: string

  constructor (field: string, message: string) {
    super(`${field} ${message}`)
    this.field = field
  }
}

export const MAX_SERVICE_CHARS = 32
const MAX_TEXT_CHARS = 512
/** Both envelopes have 512 bytes at most. */
const MAX_ENVELOPE_CHARS = 1024

/** Two records with one key are of the same thing. */
export function recordKey (record: LedgerRecord): string {
  switch (record.type) {
    case 'standing':
      return `standing/${record.service}/${record.peer}`
    case 'statement':
      return `statement/${record.service}/${record.peer}/${record.witness}`
    case 'strangers':
      return `strangers/${record.network}`
    case 'receipt':
      return `receipt/${record.receipt}`
  }
}

/** Reads what was JSON, within bounds; fields it does not know are left out. @throws {LedgerRecordError} */
export function readLedgerRecord (value: unknown): LedgerRecord {
  if (typeof value !== 'object' || value === null) {
    throw new LedgerRecordError('record', 'is not an object')
  }
  const fields = value as Record<string, unknown>
  switch (fields.type) {
    case 'standing':
      return {
        type: 'standing',
        peer: text(fields, 'peer'),
        service: service(fields),
        ...evidence(fields),
        score: number(fields, 'score', 1),
        scoredMs: number(fields, 'scoredMs'),
        sinceMs: number(fields, 'sinceMs'),
        counted: number(fields, 'counted')
      }
    case 'statement':
      return { type: 'statement', witness: text(fields, 'witness'), peer: text(fields, 'peer'), service: service(fields), ...evidence(fields) }
    case 'strangers':
      return { type: 'strangers', network: text(fields, 'network', 0), ...evidence(fields) }
    case 'receipt': {
      const byProvider = envelope(fields, 'byProvider')
      const byConsumer = envelope(fields, 'byConsumer')
      if (byProvider === undefined && byConsumer === undefined) {
        throw new LedgerRecordError('byConsumer', 'is missing, and byProvider too')
      }
      return {
        type: 'receipt',
        receipt: text(fields, 'receipt'),
        peer: text(fields, 'peer'),
        ...(byProvider === undefined ? {} : { byProvider }),
        ...(byConsumer === undefined ? {} : { byConsumer })
      }
    }
    default:
      throw new LedgerRecordError('type', `is ${JSON.stringify(fields.type)?.slice(0, 40)}; expected standing, statement, strangers or receipt`)
  }
}

function evidence (fields: Record<string, unknown>): { good: number, bad: number, atMs: number } {
  return { good: number(fields, 'good', MAX_EVIDENCE), bad: number(fields, 'bad', MAX_EVIDENCE), atMs: number(fields, 'atMs') }
}

function number (fields: Record<string, unknown>, field: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = fields[field]
  if (typeof value !== 'number' || !(value >= 0 && value <= max)) {
    throw new LedgerRecordError(field, `is ${JSON.stringify(value)?.slice(0, 40)}; expected a number from 0 to ${max}`)
  }
  return value
}

function text (fields: Record<string, unknown>, field: string, minChars = 1): string {
  const value = fields[field]
  // control characters would forge lines in terminals
  if (typeof value !== 'string' || value.length < minChars || value.length > MAX_TEXT_CHARS || /\p{Cc}/u.test(value)) {
    throw new LedgerRecordError(field, `is not a text of ${minChars} to ${MAX_TEXT_CHARS} characters`)
  }
  return value
}

function service (fields: Record<string, unknown>): string {
  const value = text(fields, 'service')
  if (!isServiceName(value)) {
    throw new LedgerRecordError('service', `is not a name of ${MAX_SERVICE_CHARS} small letters, digits and hyphens at most`)
  }
  return value
}

export function isServiceName (value: string): boolean {
  return value.length <= MAX_SERVICE_CHARS && /^[a-z0-9-]+$/.test(value)
}

function envelope (fields: Record<string, unknown>, field: string): string | undefined {
  const value = fields[field]
  if (value === undefined) {
    return undefined
  }
  if (typeof value !== 'string' || value.length % 2 !== 0 || value.length > MAX_ENVELOPE_CHARS || !/^[0-9a-f]+$/.test(value)) {
    throw new LedgerRecordError(field, 'is not an envelope in hexadecimal digits')
  }
  return value
}
