/**
 * Which connections are dead: one on which nothing came for a while is pinged, and given up when nothing comes after that. A process that was held up
 * has not heard anybody meanwhile, so time counts only while it runs.
 */
import { TimerTable } from '@skein/core'
import type { Machine } from '@skein/core'

export interface LivenessInit {
  /** Silence after which a connection is pinged, ms @default 60_000 */
  pingAfterMs?: number
  /** How long it may then be silent still, ms @default 30_000 */
  answerTimeoutMs?: number
  /** A look that comes so late says that the process was held up, and all are given their time anew, ms @default 2_000 */
  stallMs?: number
}

export type LivenessEffect = { type: 'ping', id: number } | { type: 'close', id: number }

interface Life {
  heardMs: number
  /** When it was asked, since it was last heard */
  pingedMs?: number
}

export class ConnectionLiveness implements Machine<LivenessEffect> {
  private readonly pingAfterMs: number
  private readonly answerTimeoutMs: number
  private readonly stallMs: number
  private readonly lives = new Map<number, Life>()
  private readonly timers = new TimerTable<number>()
  private readonly effects: LivenessEffect[] = []

  constructor (init: LivenessInit = {}) {
    this.pingAfterMs = init.pingAfterMs ?? 60_000
    this.answerTimeoutMs = init.answerTimeoutMs ?? 30_000
    this.stallMs = init.stallMs ?? 2_000
  }

  get size (): number {
    return this.lives.size
  }

  onOpen (id: number, nowMs: number): void {
    this.lives.set(id, { heardMs: nowMs })
    this.timers.set(id, nowMs + this.pingAfterMs)
  }

  /** Bytes came. Cheap: the timer is looked at when it is due. */
  onHeard (id: number, nowMs: number): void {
    const life = this.lives.get(id)
    if (life !== undefined) {
      life.heardMs = nowMs
      life.pingedMs = undefined
    }
  }

  onClose (id: number): void {
    this.lives.delete(id)
    this.timers.delete(id)
  }

  onTimeout (nowMs: number): void {
    const stalled = nowMs - (this.timers.nextMs() ?? nowMs) >= this.stallMs
    for (let id = this.timers.popDue(nowMs); id !== undefined; id = this.timers.popDue(nowMs)) {
      const life = this.lives.get(id) as Life
      const dueMs = life.pingedMs === undefined ? life.heardMs + this.pingAfterMs : life.pingedMs + this.answerTimeoutMs
      if (dueMs > nowMs) {
        this.timers.set(id, dueMs)
      } else if (life.pingedMs !== undefined && !stalled) {
        this.lives.delete(id)
        this.effects.push({ type: 'close', id })
      } else {
        // answers to an earlier ping may wait to be read
        life.pingedMs = nowMs
        this.timers.set(id, nowMs + this.answerTimeoutMs)
        this.effects.push({ type: 'ping', id })
      }
    }
  }

  poll (): LivenessEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }
}
