/**
 * Whether Redis is asked at all: not while it fails, and then again with growing pauses, one question at a time (circuit breaker; M. Nygard, Release
 * It!, chapter 5). A machine: it does not know what it breaks.
 */
import { randomFloat } from '@skein/core'
import type { Machine, Random } from '@skein/core'

export interface CircuitBreakerInit {
  /** Failures without a success between them that end the asking @default 3 */
  failures?: number
  /** The first pause, doubled after each probe that failed, ms @default 250 */
  firstPauseMs?: number
  /** @default 10_000 */
  maxPauseMs?: number
}

/** `probe`: ask whether it answers, and tell `onSuccess` or `onFailure`. `state`: from now on it is asked, or not. */
export type CircuitBreakerEffect = { type: 'probe' } | { type: 'state', up: boolean }

export class CircuitBreaker implements Machine<CircuitBreakerEffect> {
  private readonly maxFailures: number
  private readonly firstPauseMs: number
  private readonly maxPauseMs: number
  private readonly random: Random
  private readonly effects: CircuitBreakerEffect[] = []
  private failures = 0
  private pauseMs: number
  private probeAtMs?: number
  private closed = false
  private probing = false

  /** Begins open: it is asked nothing until a first probe was answered. */
  constructor (init: CircuitBreakerInit, random: Random) {
    this.maxFailures = init.failures ?? 3
    this.firstPauseMs = init.firstPauseMs ?? 250
    this.maxPauseMs = init.maxPauseMs ?? 10_000
    this.pauseMs = this.firstPauseMs
    this.random = random
  }

  /** Whether it is asked. */
  get up (): boolean {
    return this.closed
  }

  onStart (): void {
    this.probe()
  }

  /** It has just become reachable: no need to wait for the end of the pause. */
  onReachable (): void {
    if (!this.closed && !this.probing) {
      this.probe()
    }
  }

  onSuccess (): void {
    this.failures = 0
    if (!this.closed && this.probing) {
      this.probing = false
      this.closed = true
      this.pauseMs = this.firstPauseMs
      this.effects.push({ type: 'state', up: true })
    }
  }

  onFailure (nowMs: number): void {
    if (this.closed) {
      this.failures++
      if (this.failures >= this.maxFailures) {
        this.closed = false
        this.effects.push({ type: 'state', up: false })
        this.pause(nowMs)
      }
    } else if (this.probing) {
      this.probing = false
      this.pauseMs = Math.min(this.maxPauseMs, 2 * this.pauseMs)
      this.pause(nowMs)
    }
    // what was under way when it opened fails as well, and says nothing new
  }

  onTimeout (nowMs: number): void {
    if (this.probeAtMs !== undefined && nowMs >= this.probeAtMs) {
      this.probe()
    }
  }

  poll (): CircuitBreakerEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.probeAtMs
  }

  private probe (): void {
    this.probeAtMs = undefined
    this.probing = true
    this.effects.push({ type: 'probe' })
  }

  /** Three quarters of the pause at the least: so a fleet does not come back in one moment. */
  private pause (nowMs: number): void {
    this.failures = 0
    this.probeAtMs = nowMs + this.pauseMs * (0.75 + 0.25 * randomFloat(this.random))
  }
}
