/** What this process takes of all processors of the machine, measured between two questions. */
import { availableParallelism } from 'node:os'
import { monotonicMs } from '@skein/core/system'

export interface CpuShareInit {
  /** Processors that this process may use @default as many as the system says */
  processors?: number
  /** ms since some moment @default monotonicMs */
  nowMs?: () => number
  /** Microseconds of processor time so far @default process.cpuUsage() */
  usage?: () => { user: number, system: number }
}

/** Shorter spans say more of the clock than of the process. */
const MIN_SPAN_MS = 100

/** Gives a function that says it, 0 to 1, of the time since it was asked before. */
export function cpuShare (init: CpuShareInit = {}): () => number {
  const { processors = availableParallelism(), nowMs = monotonicMs, usage = () => process.cpuUsage() } = init
  let last = { atMs: nowMs(), usage: usage() }
  let share = 0
  return () => {
    const now = { atMs: nowMs(), usage: usage() }
    const spanMs = now.atMs - last.atMs
    if (spanMs >= MIN_SPAN_MS) {
      const tookMs = (now.usage.user + now.usage.system - last.usage.user - last.usage.system) / 1000
      share = Math.min(1, Math.max(0, tookMs / spanMs / processors))
      last = now
    }
    return share
  }
}
