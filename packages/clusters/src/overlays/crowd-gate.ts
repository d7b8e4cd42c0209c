/** Whether a model has a topic, as one peer sees it. It opens at more providers than it closes at, and closes only after a while. */
import type { OverlayRules } from './overlay-options.ts'

type GateRules = Pick<OverlayRules, 'openAbove' | 'closeBelow' | 'closeAfterMs' | 'reopenAfterMs'>

export class CrowdGate {
  isOpen = false
  private readonly rules: GateRules
  private belowSinceMs?: number
  private closedMs = -Infinity

  constructor (rules: GateRules) {
    this.rules = rules
  }

  /**
   * @param inSight providers in sight
   * @param subscribers connected peers that have joined the topic: they saw a crowd, though this peer may not
   */
  onCount (inSight: number, subscribers: number, nowMs: number): void {
    const { openAbove, closeBelow, closeAfterMs, reopenAfterMs } = this.rules
    if (!this.isOpen) {
      this.isOpen = inSight > openAbove || (subscribers > 0 && nowMs - this.closedMs >= reopenAfterMs)
      this.belowSinceMs = undefined
    }
    if (!this.isOpen || inSight >= closeBelow) {
      this.belowSinceMs = undefined
      return
    }
    this.belowSinceMs ??= nowMs
    if (nowMs - this.belowSinceMs >= closeAfterMs) {
      this.isOpen = false
      this.closedMs = nowMs
      this.belowSinceMs = undefined
    }
  }
}
