/** Decides at which stage a seed is: what the operator pinned, otherwise by the size of the network, and not too often. */
import { STAGE_HYSTERESIS, stageFor } from './stage.ts'
import type { Stage } from './stage.ts'
import type { Machine } from '@skein/core'

export type StageEffect = { type: 'stage', from: Stage, to: Stage }

export interface StageKeeperInit {
  /** The operator's word; estimates are noted and not followed */
  pin?: Stage
  /**
   * A seed stays at a stage for at least this long, ms, unless it is pinned. The first estimate is followed at once.
   *
   * @default 600_000
   */
  dwellMs?: number
  /** See `stageFor` @default 1.25 */
  hysteresis?: number
}

export class StageKeeper implements Machine<StageEffect> {
  private readonly dwellMs: number
  private readonly hysteresis: number
  private readonly effects: StageEffect[] = []
  private pin: Stage | undefined
  private current: Stage
  private nodes: number | undefined
  private changedMs: number | undefined
  private dueMs: number | undefined

  constructor (init: StageKeeperInit = {}) {
    this.pin = init.pin
    this.dwellMs = init.dwellMs ?? 600_000
    this.hysteresis = init.hysteresis ?? STAGE_HYSTERESIS
    // until it is known better, a seed does everything: in a large network that costs minutes of work, the reverse would cost joins
    this.current = init.pin ?? 'hub'
  }

  get stage (): Stage {
    return this.current
  }

  get pinned (): boolean {
    return this.pin !== undefined
  }

  /** The network has so many nodes, as far as is known. */
  onSize (nodes: number, nowMs: number): void {
    const first = this.nodes === undefined
    this.nodes = nodes
    if (this.pin === undefined) {
      if (first) {
        this.move(stageFor(nodes), nowMs)
        this.changedMs = nowMs
      } else {
        this.consider(nowMs)
      }
    }
  }

  /** The operator pins a stage, or (`undefined`) leaves it to the estimates again. */
  onPin (pin: Stage | undefined, nowMs: number): void {
    this.pin = pin
    this.dueMs = undefined
    if (pin !== undefined) {
      this.move(pin, nowMs)
    } else if (this.nodes !== undefined) {
      this.move(stageFor(this.nodes), nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    if (this.dueMs !== undefined && nowMs >= this.dueMs) {
      this.consider(nowMs)
    }
  }

  poll (): StageEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.dueMs
  }

  private consider (nowMs: number): void {
    this.dueMs = undefined
    const wanted = this.nodes === undefined ? this.current : stageFor(this.nodes, this.current, this.hysteresis)
    if (wanted === this.current) {
      return
    }
    const freeMs = (this.changedMs ?? -Infinity) + this.dwellMs
    if (nowMs >= freeMs) {
      this.move(wanted, nowMs)
    } else {
      this.dueMs = freeMs
    }
  }

  private move (to: Stage, nowMs: number): void {
    if (to !== this.current) {
      this.effects.push({ type: 'stage', from: this.current, to })
      this.current = to
      this.changedMs = nowMs
    }
  }
}
