/** Prints steps with the time since the beginning. */
import type { Clock } from '@skein/core'
import type { Output } from './output.ts'

export class TraceOutput {
  private readonly output: Output
  private readonly clock: Clock
  private readonly startMs: number

  constructor (output: Output, clock: Clock) {
    this.output = output
    this.clock = clock
    this.startMs = clock.nowMs()
  }

  step (event: string, fields: Record<string, unknown>, line: string | undefined): void {
    this.stepAt(this.clock.nowMs(), event, fields, line)
  }

  stepAt (atMs: number, event: string, fields: Record<string, unknown>, line: string | undefined): void {
    const sinceMs = Math.max(0, atMs - this.startMs)
    this.output.event(event, { sinceMs: Math.round(sinceMs * 10) / 10, ...fields }, line && `${sinceMs.toFixed(0).padStart(6)} ms  ${line}`)
  }
}
