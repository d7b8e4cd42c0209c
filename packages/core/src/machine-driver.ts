/** Runs a machine under a clock: drains its effects after each input and keeps one timer for it. */
import type { Cancel, Clock } from './clock.ts'
import type { Machine } from './machine.ts'

export interface MachineDriverInit<Effect, M extends Machine<Effect>> {
  machine: M
  clock: Clock
  /** Carries out one effect. May feed the machine again at once; must not throw */
  perform: (effect: Effect) => void
  /**
   * Most effects that one input may cause before the driver concludes that the machine is looping and throws.
   *
   * @default 100_000
   */
  maxEffects?: number
}

export class MachineDriver<Effect, M extends Machine<Effect>> {
  readonly machine: M
  private readonly clock: Clock
  private readonly perform: (effect: Effect) => void
  private readonly maxEffects: number
  private draining = false
  private stopped = false
  private timer?: { atMs: number, cancel: Cancel }

  constructor (init: MachineDriverInit<Effect, M>) {
    this.machine = init.machine
    this.clock = init.clock
    this.perform = init.perform
    this.maxEffects = init.maxEffects ?? 100_000
  }

  /** Feeds the machine; ignored after `stop()`. */
  input (feed: (machine: M, nowMs: number) => void): void {
    if (this.stopped) {
      return
    }
    feed(this.machine, this.clock.nowMs())
    this.drain()
  }

  /** No input, effect or timer after this. */
  stop (): void {
    this.stopped = true
    this.timer?.cancel()
    this.timer = undefined
  }

  private drain (): void {
    if (this.draining) {
      return // an effect fed the machine: the loop below picks up what came of it
    }
    this.draining = true
    try {
      for (let count = 0; !this.stopped; count++) {
        const effect = this.machine.poll()
        if (effect === undefined) {
          break
        }
        if (count >= this.maxEffects) {
          throw new Error(`The machine caused more than ${this.maxEffects} effects at once`)
        }
        this.perform(effect)
      }
    } finally {
      this.draining = false
    }
    this.arm()
  }

  private arm (): void {
    const atMs = this.stopped ? undefined : this.machine.nextTimeoutMs()
    if (atMs === this.timer?.atMs) {
      return
    }
    this.timer?.cancel()
    this.timer = atMs === undefined
      ? undefined
      : {
          atMs,
          cancel: this.clock.schedule(atMs, () => {
            this.timer = undefined
            this.input((machine, nowMs) => { machine.onTimeout(nowMs) })
          })
        }
  }
}
