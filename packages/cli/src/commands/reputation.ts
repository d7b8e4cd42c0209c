/** `skein reputation`: looks at, exports and imports what a peer remembers of others. */
import { createReadStream } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '@skein/core/system'
import { exportLines, importLines, readShelfRecord, ReputationLedger } from '@skein/reputation'
import { openReputationStore } from '@skein/reputation/node'
import type { CommandContext } from '../command-context.ts'
import type { Output } from '../output.ts'
import type { LedgerRecord } from '@skein/reputation'
import type { ReputationStore } from '@skein/reputation/node'

export interface ReputationCommandOptions {
  dataDir?: string
  /** As other commands call it */
  data?: string
}

export interface ReputationListOptions extends ReputationCommandOptions {
  service?: string
  limit: number
}

/** Nothing is remembered of that peer. */
export class UnknownPeerError extends Error {
  static override name = 'UnknownPeerError'
  override readonly name = 'UnknownPeerError'
  readonly code = 'unknown_peer'
  readonly peer: string

  constructor (peer: string) {
    super(`Nothing is remembered of ${peer}; skein reputation list names those that are`)
    this.peer = peer
  }
}

/** The highest scores first. */
export async function listReputation ({ output }: CommandContext, options: ReputationListOptions): Promise<void> {
  await withStore(options, output, async store => {
    const { ledger, nowMs } = ledgerOf(await store.records())
    const standings = [...ledger.standings()].filter(({ service }) => options.service === undefined || service === options.service)
      .map(({ peer, service }) => ledger.explain(peer, service, nowMs))
      .sort((a, b) => b.score - a.score || (a.peer < b.peer ? -1 : 1))
    for (const { peer, service, score, firstHand, witnesses } of standings.slice(0, options.limit)) {
      const counted = firstHand?.counted ?? 0
      output.event('standing', { peer, service, score, counted, lastMs: firstHand?.lastMs, witnesses: witnesses.length },
        `${score.toFixed(2)}  ${service.padEnd(10)}  ${peer}  ${plural(counted, 'dealing')}, ${plural(witnesses.length, 'witness', 'witnesses')}`)
    }
    output.event('listed', { standings: standings.length, shown: Math.min(options.limit, standings.length) }, standings.length === 0
      ? 'nobody is remembered yet'
      : `${Math.min(options.limit, standings.length)} of ${plural(standings.length, 'standing')}`)
  })
}

/** Why the scores of a peer are what they are, and what receipts there are to show. */
export async function showReputation ({ output }: CommandContext, options: ReputationCommandOptions, peer: string): Promise<void> {
  await withStore(options, output, async store => {
    const { ledger, nowMs } = ledgerOf(await store.records())
    const services = [...ledger.standings()].filter(standing => standing.peer === peer).map(({ service }) => service)
    const receipts = ledger.receiptsWith(peer, nowMs)
    if (services.length === 0 && receipts.length === 0) {
      throw new UnknownPeerError(peer)
    }
    for (const service of services.sort()) {
      const why = ledger.explain(peer, service, nowMs)
      output.event('explanation', { ...why }, `${service}  ${why.score.toFixed(2)}\n${why.reasons.map(reason => `  ${reason}`).join('\n')}`)
    }
    for (const { receipt, byProvider, byConsumer } of receipts) {
      const signed = [byProvider === undefined ? [] : 'provider', byConsumer === undefined ? [] : 'consumer'].flat()
      output.event('receipt', { receipt, signed }, [
        `${((nowMs - receipt.issuedAtMs) / 3_600_000).toFixed(1)} hours ago`,
        `${receipt.kind} ${receipt.provider === peer ? 'from it' : 'to it'}`,
        receipt.outcome,
        receipt.kind === 'inference' ? `${receipt.tokensOut} tokens of ${receipt.model}` : `${receipt.bytes} bytes`,
        `signed by ${signed.join(' and ')}`
      ].join('  '))
    }
  })
}

export async function exportReputation ({ output }: CommandContext, options: ReputationCommandOptions, file: string): Promise<void> {
  await withStore(options, output, async store => {
    const records = await store.records()
    const lines = [...exportLines(records, '', systemClock().nowMs())]
    // not half a file under the name when the disk is full
    await writeFile(`${file}.part`, `${lines.join('\n')}\n`)
    await rename(`${file}.part`, file)
    output.event('exported', { records: records.length, file }, `${plural(records.length, 'record')} in ${file}`)
  })
}

/** All of the file or nothing of it; what was remembered before is replaced. */
export async function importReputation ({ output }: CommandContext, options: ReputationCommandOptions, file: string): Promise<void> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
  const { records, expired } = await importLines(lines, systemClock().nowMs())
  await withStore(options, output, async store => {
    await store.replace(records)
    output.event('imported', { records: records.length, expired, file },
      `${plural(records.length, 'record')} from ${file}${expired === 0 ? '' : `; ${plural(expired, 'receipt')} had expired`}`)
  })
}

async function withStore (options: ReputationCommandOptions, output: Output, use: (store: ReputationStore) => Promise<void>): Promise<void> {
  const folder = options.dataDir ?? options.data ?? join(homedir(), '.skein', 'peer')
  const store = await openReputationStore({
    path: join(folder, 'reputation'),
    onDamage: damage => {
      const { unreadable, missing, stale, movedTo } = damage
      const lost = missing === undefined ? 'an unknown number of' : String(unreadable + missing)
      output.event('damage', { ...damage },
        `warning: the store was damaged and rebuilt; ${lost} records are lost${stale ? ', some may be old' : ''}. The damaged one is in ${movedTo}`)
    }
  })
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

/** A ledger as it was kept. Networks are not kept, so all witnesses share the cap of one: scores shown may be a little closer to first-hand. */
function ledgerOf (records: LedgerRecord[]): { ledger: ReputationLedger, nowMs: number } {
  const nowMs = systemClock().nowMs()
  const receipts = records.flatMap(record => record.type === 'receipt' ? [{ proof: readShelfRecord(record), peer: record.peer }] : [])
  const first = receipts[0]
  const self = first === undefined ? '' : first.peer === first.proof.receipt.provider ? first.proof.receipt.consumer : first.proof.receipt.provider
  const ledger = new ReputationLedger({ self })
  ledger.restore(records, nowMs)
  receipts.forEach(({ proof }) => { ledger.restoreReceipt(proof) })
  return { ledger, nowMs }
}

function plural (count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
