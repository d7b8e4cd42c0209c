/** `skein stake`: a signed ledger of what is staked for peers. */
import { appendFile, readFile } from 'node:fs/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { systemClock } from '@skein/core/system'
import { loadIdentity } from '@skein/peer/node'
import { ledgerAuthority, readStakeLedger, stakeLine } from '@skein/seed/node'
import { daysUntil, ifMissing } from './credential.ts'
import type { CommandContext } from '../command-context.ts'

const DAY_MS = 86_400_000

export interface AddStakeOptions {
  ledger: string
  key: string
  amount: number
  unit: string
  days: number
}

/** Appends an entry; the ledger is checked before. */
export async function addStake ({ output }: CommandContext, options: AddStakeOptions, peer: string): Promise<void> {
  const privateKey = await loadIdentity(options.key)
  const before = await readStakeLedger(await readFile(options.ledger, 'utf8').catch(ifMissing('')), ledgerAuthority(privateKey))
  const nowMs = systemClock().nowMs()
  const stake = {
    peer: peerIdFromString(peer).toString(),
    amount: options.amount,
    unit: options.unit,
    untilMs: Math.floor(nowMs + options.days * DAY_MS)
  }
  await appendFile(options.ledger, await stakeLine(stake, before, privateKey, nowMs))
  output.event('staked', { ...stake, seq: before.entries + 1 },
    stake.amount === 0 ? `the stake of ${stake.peer} is taken back` : `${stake.amount} ${stake.unit} staked for ${stake.peer}`)
}

export interface ShowStakeOptions {
  ledger: string
  authority: string
}

/** Shows what is staked, once all of the ledger is found to be in order. */
export async function showStakes ({ output }: CommandContext, options: ShowStakeOptions): Promise<void> {
  const { stakes, entries, head } = await readStakeLedger(await readFile(options.ledger, 'utf8'), options.authority)
  const nowMs = systemClock().nowMs()
  for (const [peer, { amount, unit, untilMs }] of stakes) {
    const over = untilMs <= nowMs
    output.event('stake', { peer, amount, unit, untilMs, over },
      `${String(amount).padStart(12)} ${unit.padEnd(6)} ${peer}  bound until ${daysUntil(untilMs)}`)
  }
  output.event('ledger', { entries, head }, `${entries} entries in order; head ${head}`)
}
