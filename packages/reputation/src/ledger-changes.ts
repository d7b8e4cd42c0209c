/** What changed in a ledger since it was last asked: the newest state of each record, and which are gone. */
import { recordKey } from './ledger-record.ts'
import type { LedgerRecord } from './ledger-record.ts'

export interface LedgerChange {
  put: LedgerRecord[]
  /** Keys, as `recordKey` makes them */
  deleted: string[]
}

/** Beyond it nobody is asking, or more changes than is worth telling apart; 16 MB at most, with receipts. */
const MAX_CHANGES = 10_000

export class LedgerChanges {
  private pending = new Map<string, LedgerRecord | undefined>()
  private lost = false

  get size (): number {
    return this.pending.size
  }

  /** Too many changed for it to be remembered which: save all records anew. Until then nothing is remembered. */
  get overflowed (): boolean {
    return this.lost
  }

  put (record: LedgerRecord): void {
    this.set(recordKey(record), record)
  }

  deleted (key: string): void {
    this.set(key, undefined)
  }

  /** What changed; from now on it counts as saved. */
  take (): LedgerChange {
    const change: LedgerChange = { put: [], deleted: [] }
    for (const [key, record] of this.pending) {
      if (record === undefined) {
        change.deleted.push(key)
      } else {
        change.put.push(record)
      }
    }
    this.pending = new Map()
    this.lost = false
    return change
  }

  /** It was not saved after all: what has not changed again since is to be saved with the next. */
  giveBack ({ put, deleted }: LedgerChange, overflowed = false): void {
    this.lost ||= overflowed
    const newer = this.pending
    this.pending = new Map()
    put.forEach(record => { this.put(record) })
    deleted.forEach(key => { this.deleted(key) })
    for (const [key, record] of newer) {
      this.set(key, record)
    }
  }

  private set (key: string, record: LedgerRecord | undefined): void {
    if (this.pending.size >= MAX_CHANGES && !this.pending.has(key)) {
      this.lost = true
      this.pending.clear()
    }
    if (!this.lost) {
      this.pending.set(key, record)
    }
  }
}
