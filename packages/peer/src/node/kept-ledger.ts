/** A ledger of reputation in the data folder of a peer. */
import { openReputationStore, ReputationKeeper } from '@skein/reputation/node'
import type { Clock } from '@skein/core'
import type { ReputationLedger } from '@skein/reputation'
import type { ReputationStore } from '@skein/reputation/node'
import type { KeptLedger } from '../platform.ts'

export interface KeptLedgerInit {
  saveIntervalMs: number | undefined
  clock: Clock
  /** Told in words for a person */
  onDamage: (what: string) => void
}

/** What is remembered of others is worth less than a peer that starts: where there can be no store, the ledger lasts as long as the process. */
export async function keepLedger (path: string, ledger: ReputationLedger, { saveIntervalMs, clock, onDamage }: KeptLedgerInit): Promise<KeptLedger> {
  let store: ReputationStore
  try {
    store = await openReputationStore({
      path,
      onDamage: ({ unreadable, missing, movedTo }) => {
        const lost = missing === undefined ? 'An unknown number of' : String(unreadable + missing)
        onDamage(`${lost} records of whom this peer trusts were damaged; the rest is used. The damaged ones are in ${movedTo}`)
      }
    })
  } catch (error) {
    onDamage(`Whom this peer trusts is not kept: ${(error as Error).message}`)
    return { stop: async () => {} }
  }
  let told = ''
  const onFailure = (error: unknown): void => {
    const { message } = error as Error
    if (message !== told) {
      told = message
      onDamage(`Whom this peer trusts was not saved, and will be tried again: ${message}`)
    }
  }
  const keeper = new ReputationKeeper({ ledger, store, clock, onFailure, ...saveIntervalMs === undefined ? {} : { intervalMs: saveIntervalMs } })
  await keeper.start()
  let stopping: Promise<void> | undefined
  return {
    stop: async () => {
      stopping ??= keeper.stop().catch(onFailure).then(async () => { await store.close() })
      await stopping
    }
  }
}
