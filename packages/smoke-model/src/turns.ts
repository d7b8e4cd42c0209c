/** Keeps computations that share a thread from holding up the event loop: after a slice of work all of them wait for one turn of the loop. */
import type { Clock } from '@skein/core'

export interface TurnsInit {
  clock: Clock
  /** Lets the event loop do everything else that is due */
  breathe: () => Promise<void>
  /** Work between two turns of the loop, all computations together */
  sliceMs: number
}

export class Turns {
  private readonly init: TurnsInit
  private workedMs = 0
  private turn: Promise<void> | undefined

  constructor (init: TurnsInit) {
    this.init = init
  }

  /** Resolves when the caller may compute a little; those who wait are served in order. */
  async take (): Promise<void> {
    while (this.workedMs >= this.init.sliceMs) {
      this.turn ??= this.begin()
      await this.turn
    }
  }

  work<T> (task: () => T): T {
    const { clock } = this.init
    const startedMs = clock.nowMs()
    try {
      return task()
    } finally {
      this.workedMs += clock.nowMs() - startedMs
    }
  }

  private async begin (): Promise<void> {
    try {
      await this.init.breathe()
    } finally {
      this.workedMs = 0
      this.turn = undefined
    }
  }
}
