/**
 * Which targets a stream has connections to: pure. Make before break: the one before goes on until the one that is wanted now does its work, and a
 * while longer.
 */
import { targetKey } from './stream-target.ts'
import type { Machine } from '@skein/core'
import type { StreamTarget } from './stream-target.ts'

export interface TargetSuccessionInit {
  /** So long the one before goes on beside the one that does its work, ms */
  overlapMs: number
}

export type SuccessionEffect =
  | { type: 'open', target: StreamTarget }
  | { type: 'close', target: StreamTarget }

interface Entry {
  target: StreamTarget
  isServing: boolean
  failures: number
  /** It has ended, and is tried again then */
  retryAtMs?: number
  closeAtMs?: number
}

/** Targets at once: a stream that is moved again while it is being moved leaves the oldest. */
export const MAX_TARGETS = 3
const RETRY_MS = 500
const MAX_RETRY_MS = 8_000

export class TargetSuccession implements Machine<SuccessionEffect> {
  private readonly overlapMs: number
  private readonly effects: SuccessionEffect[] = []
  /** The oldest first */
  private readonly entries = new Map<string, Entry>()
  private current: string | undefined

  constructor ({ overlapMs }: TargetSuccessionInit) {
    this.overlapMs = overlapMs
  }

  /** Where the stream belongs now. While that is not known nothing changes. */
  onTarget (target: StreamTarget, nowMs: number): void {
    const key = targetKey(target)
    if (key === this.current) {
      return
    }
    this.current = key
    const entry = this.entries.get(key) ?? { target, isServing: false, failures: 0, retryAtMs: nowMs }
    entry.closeAtMs = undefined
    this.entries.delete(key)
    this.entries.set(key, entry)
    for (const [oldest, old] of this.entries) {
      if (this.entries.size <= MAX_TARGETS) {
        break
      }
      this.close(oldest, old)
    }
    if (entry.isServing) {
      this.leaveOthers(nowMs)
    }
    this.onTimeout(nowMs)
  }

  /** The connection to it does its work. */
  onServing (target: StreamTarget, nowMs: number): void {
    const key = targetKey(target)
    const entry = this.entries.get(key)
    if (entry !== undefined && entry.retryAtMs === undefined) {
      entry.isServing = true
      entry.failures = 0
      if (key === this.current) {
        this.leaveOthers(nowMs)
      }
    }
  }

  /** The connection to it has ended, or could not be made. */
  onEnded (target: StreamTarget, nowMs: number): void {
    const key = targetKey(target)
    const entry = this.entries.get(key)
    if (entry === undefined) {
      return
    }
    if (key !== this.current) {
      this.entries.delete(key)
      return
    }
    entry.isServing = false
    entry.retryAtMs = nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(entry.failures++, 10))
    for (const other of this.entries.values()) {
      other.closeAtMs = undefined
    }
  }

  /** Nothing is wanted any more. */
  onOver (): void {
    for (const [key, entry] of this.entries) {
      this.close(key, entry)
    }
    this.current = undefined
  }

  onTimeout (nowMs: number): void {
    for (const [key, entry] of this.entries) {
      if (entry.closeAtMs !== undefined && nowMs >= entry.closeAtMs) {
        this.close(key, entry)
      } else if (entry.retryAtMs !== undefined && nowMs >= entry.retryAtMs) {
        entry.retryAtMs = undefined
        this.effects.push({ type: 'open', target: entry.target })
      }
    }
  }

  poll (): SuccessionEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const times = [...this.entries.values()].flatMap(({ retryAtMs, closeAtMs }) => [retryAtMs, closeAtMs]).filter(time => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  private leaveOthers (nowMs: number): void {
    for (const [key, entry] of this.entries) {
      if (key !== this.current) {
        entry.closeAtMs ??= nowMs + this.overlapMs
      }
    }
  }

  private close (key: string, { target, retryAtMs }: Entry): void {
    this.entries.delete(key)
    if (retryAtMs === undefined) {
      this.effects.push({ type: 'close', target })
    }
  }
}
