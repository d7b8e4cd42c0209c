/**
 * A ledger as text, to be looked at, moved to another machine or kept: JSON lines. The first names format, version and owner, one line for each
 * record, the last their count and the CRC-32 of all lines before it. A text that is not whole is refused as a whole.
 */
import { crc32, fromHex } from '@skein/core'
import { openReceiptProof, readReceiptProof, receiptKey, RecordError } from '@skein/records'
import { LedgerRecordError, readLedgerRecord, recordKey } from './ledger-record.ts'
import type { LedgerRecord, ReceiptShelfRecord } from './ledger-record.ts'
import type { ReceiptProof } from '@skein/records'

export const EXPORT_FORMAT = 'skein-reputation'
export const EXPORT_VERSION = 1

/** Lines of an export: more than a ledger at its bounds has. */
export const MAX_EXPORT_LINES = 250_000

/** - `format`: not an export, or of another version - `damaged`: cut off or changed - `record`: a line that no ledger writes */
export type LedgerImportProblem = 'format' | 'damaged' | 'record'

export class LedgerImportError extends Error {
  static override name = 'LedgerImportError'
  override readonly name = 'LedgerImportError'
  readonly problem: LedgerImportProblem
  /** Counted from 1 */
  readonly line: number

  constructor (problem: LedgerImportProblem, line: number, message: string, options?: ErrorOptions) {
    super(`Line ${line}: ${message}`, options)
    this.problem = problem
    this.line = line
  }
}

export interface LedgerImport {
  /** Whose ledger it was; '' when it is not known */
  owner: string
  exportedAtMs: number
  records: LedgerRecord[]
  /** Receipts that have expired since; they are left out */
  expired: number
}

/** The lines of an export, without line ends. */
export function * exportLines (records: Iterable<LedgerRecord>, owner: string, nowMs: number): IterableIterator<string> {
  let crc = 0
  let count = 0
  const counted = (line: string): string => {
    crc = crc32(new TextEncoder().encode(`${line}\n`), crc)
    return line
  }
  yield counted(JSON.stringify({ format: EXPORT_FORMAT, version: EXPORT_VERSION, owner, exportedAtMs: Math.floor(nowMs) }))
  for (const record of records) {
    count++
    yield counted(JSON.stringify(record))
  }
  yield JSON.stringify({ end: true, records: count, crc32: crc })
}

/**
 * Reads an export: form, count, CRC-32, bounds of every field, one record for each thing, and of each receipt the signatures.
 *
 * @throws {LedgerImportError} naming the line
 */
export async function importLines (lines: Iterable<string> | AsyncIterable<string>, nowMs: number): Promise<LedgerImport> {
  let head: { owner: string, exportedAtMs: number } | undefined
  let end: { records: number, crc32: number } | undefined
  const records = new Map<string, LedgerRecord>()
  let expired = 0
  let crc = 0
  let at = 0
  let read = 0

  for await (const line of lines) {
    at++
    if (at > MAX_EXPORT_LINES) {
      throw new LedgerImportError('format', at, `more than ${MAX_EXPORT_LINES} lines`)
    }
    if (end !== undefined) {
      if (line.trim() !== '') {
        throw new LedgerImportError('damaged', at, 'after the end')
      }
      continue
    }
    const value = parse(line, at)
    if (head === undefined) {
      head = headOf(value, at)
    } else if (isEnd(value)) {
      end = value
      if (end.records !== read || end.crc32 !== crc) {
        throw new LedgerImportError('damaged', at, `the end speaks of ${end.records} records; ${read} came, or they were changed. Export it again`)
      }
      continue
    } else {
      read++
      const record = await recordAt(value, at, nowMs)
      if (record === undefined) {
        expired++
      } else if (records.has(recordKey(record))) {
        throw new LedgerImportError('record', at, 'a second record of the same thing')
      } else {
        records.set(recordKey(record), record)
      }
    }
    crc = crc32(new TextEncoder().encode(`${line}\n`), crc)
  }
  if (head === undefined || end === undefined) {
    throw new LedgerImportError('damaged', at, 'the end is missing: the text was cut off. Export it again')
  }
  return { ...head, records: [...records.values()], expired }
}

/** The receipt of a record, its signatures checked. @throws {RecordError} also when it is another receipt than the record says */
export async function openShelfRecord (record: ReceiptShelfRecord, nowMs: number): Promise<ReceiptProof> {
  return named(record, await openReceiptProof(envelopesOf(record), nowMs))
}

/** The same of a record that was kept where nobody else writes: signatures are not checked again. @throws {RecordError} */
export function readShelfRecord (record: ReceiptShelfRecord): ReceiptProof {
  return named(record, readReceiptProof(envelopesOf(record)))
}

function envelopesOf ({ byConsumer, byProvider }: ReceiptShelfRecord): Uint8Array[] {
  return [byConsumer, byProvider].flatMap(envelope => envelope === undefined ? [] : [fromHex(envelope)])
}

function named (record: ReceiptShelfRecord, proof: ReceiptProof): ReceiptProof {
  const { provider, consumer } = proof.receipt
  if (receiptKey(proof.receipt) !== record.receipt || (record.peer !== provider && record.peer !== consumer)) {
    throw new RecordError('malformed', 'The receipt is not the one that the record names')
  }
  return proof
}

async function recordAt (value: unknown, line: number, nowMs: number): Promise<LedgerRecord | undefined> {
  try {
    const record = readLedgerRecord(value)
    if (record.type === 'receipt') {
      await openShelfRecord(record, nowMs)
    }
    return record
  } catch (error) {
    if (error instanceof RecordError && error.reason === 'expired') {
      return undefined
    }
    if (error instanceof RecordError || error instanceof LedgerRecordError) {
      throw new LedgerImportError('record', line, error.message, { cause: error })
    }
    throw error
  }
}

function parse (line: string, at: number): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch (cause) {
    throw new LedgerImportError(at === 1 ? 'format' : 'damaged', at, 'not JSON', { cause })
  }
}

function headOf (value: unknown, line: number): { owner: string, exportedAtMs: number } {
  const { format, version, owner, exportedAtMs } = (value ?? {}) as Record<string, unknown>
  if (format !== EXPORT_FORMAT) {
    throw new LedgerImportError('format', line, 'not an export of a reputation ledger')
  }
  if (version !== EXPORT_VERSION) {
    throw new LedgerImportError('format', line, `version ${String(version)}; this program reads version ${EXPORT_VERSION}`)
  }
  if (typeof owner !== 'string' || typeof exportedAtMs !== 'number') {
    throw new LedgerImportError('format', line, 'owner or exportedAtMs is missing')
  }
  return { owner, exportedAtMs }
}

function isEnd (value: unknown): value is { records: number, crc32: number } {
  return typeof value === 'object' && value !== null && (value as { end?: unknown }).end === true
}
