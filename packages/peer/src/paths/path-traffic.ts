/** What went over which path: bytes of answers, changes of paths, and the budget for relays. */
import { PATHS, RelayBudget } from '@skein/reachability'
import type { BudgetState, Path, RelayBudgetInit } from '@skein/reachability'

/** All only grow. */
export interface PathTrafficCounters {
  /** Bytes of answers to this peer and from it, by path */
  bytes_total: Record<Path, number>
  /** By `FROM TO`; `none` is not connected */
  changes_total: Record<string, number>
}

export class PathTraffic {
  readonly counters: PathTrafficCounters = { bytes_total: { direct: 0, punched: 0, bonded: 0, relayed: 0 }, changes_total: {} }
  private readonly budget: RelayBudget

  /** @throws {RangeError} when the budget makes no sense */
  constructor (budget?: RelayBudgetInit) {
    this.budget = new RelayBudget(budget)
  }

  /** An answer of another peer: this one chose the way. */
  onAnswered (path: Path, bytes: number, nowMs: number): void {
    this.counters.bytes_total[path] += bytes
    this.budget.onBytes(path, bytes, nowMs)
  }

  /** An answer to another peer: the way was chosen by that one, whose budget it is. */
  onServed (path: Path, bytes: number): void {
    this.counters.bytes_total[path] += bytes
  }

  /** At most as many kinds of change as there are pairs of paths. */
  onChanged (from: Path | undefined, to: Path | undefined): void {
    const change = `${from ?? 'none'} ${to ?? 'none'}`
    this.counters.changes_total[change] = (this.counters.changes_total[change] ?? 0) + 1
  }

  state (nowMs: number): BudgetState {
    return this.budget.state(nowMs)
  }
}

export function isPath (path: string): path is Path {
  return (PATHS as readonly string[]).includes(path)
}
