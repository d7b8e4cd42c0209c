/** Takes the time of each step of provisioning, and tells of it. */
import { PROVISION_STEPS } from '../store/session-record.ts'
import type { Clock } from '@skein/core'
import type { ProvisionStep, StepTime } from '../store/session-record.ts'
import type { ProvisionOptions } from './provisioner.ts'

export class TrackedSteps {
  private readonly clock: Clock
  private readonly options: ProvisionOptions
  private readonly steps: StepTime[] = []

  constructor (clock: Clock, options: ProvisionOptions) {
    this.clock = clock
    this.options = options
  }

  /** Begins the next step, which ends the one before it; a step may be begun again when another node is tried. */
  async begin (step: ProvisionStep): Promise<void> {
    this.options.signal?.throwIfAborted()
    const nowMs = Math.floor(this.clock.nowMs())
    this.end(nowMs)
    const at = PROVISION_STEPS.indexOf(step)
    // another try: what came after is not done any more
    while (this.steps.length > at) {
      this.steps.pop()
    }
    this.steps.push({ step, startedMs: nowMs })
    await this.tell()
  }

  /** `ready` is a moment. */
  async finish (): Promise<void> {
    const nowMs = Math.floor(this.clock.nowMs())
    this.end(nowMs)
    this.steps.push({ step: 'ready', startedMs: nowMs, endedMs: nowMs })
    await this.tell()
  }

  private end (nowMs: number): void {
    const last = this.steps.at(-1)
    if (last !== undefined) {
      last.endedMs ??= nowMs
    }
  }

  private async tell (): Promise<void> {
    await this.options.onProgress?.(this.steps.map(step => ({ ...step })))
  }
}
