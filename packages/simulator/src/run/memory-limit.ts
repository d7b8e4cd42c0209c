/** Whether runs fit into the memory of this machine, or of the container it is. */
import type { OptionRecord } from '../scenario/option-grid.ts'
import type { Scenario } from '../scenario/scenario.ts'
import type { Job } from './plan.ts'

/** A run that would not fit. Says so before anything starts. */
export class MemoryError extends Error {
  static override name = 'MemoryError'
  override readonly name = 'MemoryError'
  readonly neededBytes: number
  readonly availableBytes: number
  readonly options: OptionRecord

  constructor (neededBytes: number, availableBytes: number, options: OptionRecord) {
    super(`A run with ${Object.entries(options).map(([name, value]) => `${name}=${value}`).join(' ')} takes about ${gigabytes(neededBytes)}, ` +
      `and ${gigabytes(availableBytes)} are free. Run it smaller, or elsewhere, or with --force-memory if the estimate is wrong`)
    this.neededBytes = neededBytes
    this.availableBytes = availableBytes
    this.options = options
  }
}

/** What the process may still take, bytes: the limits of its control group, where it has one, count. */
export function availableMemoryBytes (): number {
  const constrained = process.constrainedMemory()
  const available = process.availableMemory()
  // 0, and a number near 2^64, both mean that nothing limits the process
  return constrained > 0 && constrained < Number.MAX_SAFE_INTEGER ? Math.min(available, constrained) : available
}

/** How many of the runs, the largest ones at worst, fit at the same time. Throws `MemoryError` when one alone does not. */
export function runsThatFit (scenario: Pick<Scenario, 'estimateMemoryBytes'>, jobs: readonly Job[], availableBytes: number): number {
  const estimate = scenario.estimateMemoryBytes
  if (estimate === undefined) {
    return Infinity
  }
  let largest: { bytes: number, options: OptionRecord } = { bytes: 0, options: {} }
  // the runs of a point differ in their seeds alone
  for (const { options } of new Map(jobs.map(job => [job.point, job])).values()) {
    const bytes = estimate(options as Parameters<typeof estimate>[0])
    if (bytes > largest.bytes) {
      largest = { bytes, options }
    }
  }
  if (largest.bytes > availableBytes) {
    throw new MemoryError(largest.bytes, availableBytes, largest.options)
  }
  return largest.bytes === 0 ? Infinity : Math.floor(availableBytes / largest.bytes)
}

function gigabytes (bytes: number): string {
  return bytes >= 1e8 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`
}
