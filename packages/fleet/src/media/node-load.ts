/** What this process takes of its machine: processor and memory, as shares. */
import { availableParallelism, totalmem } from 'node:os'
import type { Clock } from '@skein/core'

export interface NodeLoad {
  /** Of all processors since the last time, 0 to 1 */
  cpuShare: number
  /** Of the memory that it may have, 0 to 1 */
  memoryShare: number
}

export class LoadMeter {
  private readonly clock: Clock
  private beforeMs: number
  private before = process.cpuUsage()

  constructor (clock: Clock) {
    this.clock = clock
    this.beforeMs = clock.nowMs()
  }

  read (): NodeLoad {
    const nowMs = this.clock.nowMs()
    const { user, system } = process.cpuUsage(this.before)
    const elapsedMs = Math.max(1, nowMs - this.beforeMs)
    this.before = process.cpuUsage()
    this.beforeMs = nowMs
    const limit = process.constrainedMemory() // of the container; 0, or more than there is, without one
    const memory = limit > 0 && limit < totalmem() ? limit : totalmem()
    return {
      cpuShare: Math.min(1, (user + system) / 1_000 / elapsedMs / availableParallelism()),
      memoryShare: Math.min(1, process.memoryUsage.rss() / memory)
    }
  }
}
