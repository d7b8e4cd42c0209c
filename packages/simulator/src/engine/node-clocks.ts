/** From ticks of a world to the time on each node's own clock, and back. */
import { TimerWheel } from './timer-wheel.ts'
import type { ClockSkew } from './clock-skew.ts'

export interface NodeClocksInit {
  tickMs: number
  /** What a right clock shows at tick 0, ms since the epoch */
  startMs: number
  skew?: ClockSkew
}

export class NodeClocks {
  readonly tickMs: number
  readonly startMs: number
  private readonly skew: ClockSkew | undefined

  constructor ({ tickMs, startMs, skew }: NodeClocksInit) {
    this.tickMs = tickMs
    this.startMs = startMs
    this.skew = skew
  }

  /** What a node's clock shows at a tick, ms since the epoch. */
  localMs (node: number, tick: number): number {
    const elapsedMs = tick * this.tickMs
    return this.startMs + (this.skew === undefined ? elapsedMs : this.skew.offsetMs(node) + elapsedMs * (1 + this.skew.drift(node)))
  }

  /** The first tick, not before `fromTick`, at which a node's clock shows at least so much. Beyond the reach of the queue it is about that. */
  tickOf (node: number, atMs: number, fromTick: number): number {
    const localMs = atMs - this.startMs
    const elapsedMs = this.skew === undefined ? localMs : (localMs - this.skew.offsetMs(node)) / (1 + this.skew.drift(node))
    let tick = Math.max(fromTick, Math.ceil(elapsedMs / this.tickMs))
    while (tick <= fromTick + TimerWheel.horizonTicks && this.localMs(node, tick) < atMs) {
      tick++
    }
    return tick
  }
}
