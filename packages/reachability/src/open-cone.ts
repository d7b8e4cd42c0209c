/**
 * Whether it is enough to listen on a port that was sent from. A NAT that lets everybody in to a mapping of UDP (RFC 5780 tells) may not do so over
 * TCP: what came of it when it was tried counts more.
 */
import type { NatVerdict } from './nat-verdict.ts'

/** Who connects may have gone; several in a row have not. */
const MAX_FAILURES = 2
const PAUSE_MS = 3_600_000

export function isOpenCone (nat: NatVerdict | undefined): boolean {
  return nat?.filtering === 'open' && (nat.mapping === 'endpoint-independent' || nat.mapping === 'none')
}

export class OpenCone {
  private readonly nat: () => NatVerdict | undefined
  private readonly nowMs: () => number
  private failures = 0
  private pausedUntilMs = -Infinity

  constructor (nat: () => NatVerdict | undefined, nowMs: () => number) {
    this.nat = nat
    this.nowMs = nowMs
  }

  is (): boolean {
    return isOpenCone(this.nat()) && this.nowMs() >= this.pausedUntilMs
  }

  onListened (worked: boolean): void {
    this.failures = worked ? 0 : this.failures + 1
    if (this.failures >= MAX_FAILURES) {
      this.failures = 0
      this.pausedUntilMs = this.nowMs() + PAUSE_MS
    }
  }
}
