/** How well a node does, as one number in place of a yes or no; and what its month of bytes comes to. */
import { BUDGET_STOP_SHARE, BUDGET_WARN_SHARE } from '../store/pool-node.ts'

export interface HealthInput {
  /** Its process answers */
  alive: boolean
  /** Share of its places taken, 0 to 1 */
  usedShare: number
  /** Of all its streams, 0 to 1 */
  lossShare: number
  cpuShare: number
  memoryShare: number
}

/** Bonded streams mend a few percent of loss; at this much nothing is left of its part of the score. */
const WORST_LOSS = 0.1

/**
 * 0 to 100: 30 for the process, 25 for free places, 25 for little loss, 20 for processor and memory, of which the scarcer counts. A node whose
 * process does not answer has 0: nothing else is known of it.
 */
export function healthScore ({ alive, usedShare, lossShare, cpuShare, memoryShare }: HealthInput): number {
  if (!alive) {
    return 0
  }
  const score = 30 + 25 * (1 - share(usedShare)) + 25 * (1 - share(lossShare / WORST_LOSS)) + 20 * (1 - share(Math.max(cpuShare, memoryShare)))
  return Math.round(score * 10) / 10
}

function share (value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 1
}

export type BudgetState = 'unmetered' | 'ok' | 'warn' | 'stop'

export interface Budget {
  state: BudgetState
  /** Of the month's bytes, 0 and up; left out where there is no limit */
  usedShare?: number
  /** What may flow from now to the end of the month on average without the limit being hit, bit/s */
  safeBps?: number
}

export function budgetOf (limitBytes: number | undefined, usedBytes: number, msToMonthEnd: number): Budget {
  if (limitBytes === undefined) {
    return { state: 'unmetered' }
  }
  const usedShare = usedBytes / limitBytes
  return {
    state: usedShare >= BUDGET_STOP_SHARE ? 'stop' : usedShare >= BUDGET_WARN_SHARE ? 'warn' : 'ok',
    usedShare,
    safeBps: Math.max(0, limitBytes - usedBytes) * 8 / Math.max(1, msToMonthEnd / 1_000)
  }
}
