/** Keeps a ledger on disk: takes in what was kept, and saves what changes every few seconds. */
import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { readShelfRecord } from '../ledger-export.ts'
import type { ReputationLedger } from '../reputation-ledger.ts'
import type { ReputationStore } from './level-reputation-store.ts'
import type { Clock } from '@skein/core'

export interface ReputationKeeperInit {
  ledger: ReputationLedger
  store: ReputationStore
  /**
   * Time between two saves, ms; a crash loses so much.
   *
   * @default 5000
   */
  intervalMs?: number
  /** Told of a save that failed, with a `ReputationStoreError`; it is tried again with the next */
  onFailure?: (error: unknown) => void
  /** @default systemClock() */
  clock?: Clock
}

export class ReputationKeeper {
  private readonly init: ReputationKeeperInit
  private readonly clock: Clock
  private readonly shutdown = new AbortController()
  private running: Promise<void> = Promise.resolve()

  constructor (init: ReputationKeeperInit) {
    this.init = init
    this.clock = init.clock ?? systemClock()
  }

  /** Takes in what was kept, and begins to save. Call once, before the ledger is used. */
  async start (): Promise<void> {
    const { ledger, store } = this.init
    const nowMs = this.clock.nowMs()
    const records = await store.records()
    ledger.restore(records, nowMs)
    for (const record of records) {
      if (record.type === 'receipt') {
        const proof = readShelfRecord(record)
        if (proof.receipt.expiresAtMs > nowMs) {
          ledger.restoreReceipt(proof)
        } else {
          ledger.changes.deleted(`receipt/${record.receipt}`)
        }
      }
    }
    this.running = this.run()
  }

  /** Saves what changed, now. @throws {ReputationStoreError} and keeps the changes for the next time */
  async save (): Promise<void> {
    const { ledger, store } = this.init
    const whole = ledger.changes.overflowed
    const change = ledger.changes.take()
    try {
      if (whole) {
        await store.replace([...ledger.records()])
      } else {
        await store.save(change)
      }
    } catch (error) {
      ledger.changes.giveBack(change, whole)
      throw error
    }
  }

  /** Saves a last time and ends; the store stays open. @throws {ReputationStoreError} */
  async stop (): Promise<void> {
    this.shutdown.abort()
    await this.running
    await this.save()
  }

  private async run (): Promise<void> {
    const { ledger, onFailure, intervalMs = 5000 } = this.init
    const { signal } = this.shutdown
    while (!signal.aborted) {
      await sleep(this.clock, intervalMs, { signal }).catch(() => {})
      if (!signal.aborted) {
        ledger.onTimeout(this.clock.nowMs())
        await this.save().catch(error => { onFailure?.(error) })
      }
    }
  }
}
