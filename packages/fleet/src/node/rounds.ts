/** Does something again and again, never twice at once, until it is stopped. */
import { sleep } from '@skein/core'
import type { Clock } from '@skein/core'

export interface RoundsInit {
  clock: Clock
  /** From the begin of one to the begin of the next, ms; a tenth of it is left free where one takes longer */
  everyMs: number
  round: (signal: AbortSignal) => Promise<void>
  /** Told of a round that failed; the next one comes all the same */
  onProblem: (error: Error) => void
}

export class Rounds {
  private readonly stopping = new AbortController()
  private readonly running: Promise<void>

  constructor (init: RoundsInit) {
    this.running = this.run(init)
  }

  /** Resolves when nothing of it is under way. */
  async stop (): Promise<void> {
    this.stopping.abort(new Error('The control plane is stopping'))
    await this.running
  }

  private async run ({ clock, everyMs, round, onProblem }: RoundsInit): Promise<void> {
    const { signal } = this.stopping
    while (!signal.aborted) {
      const beganMs = clock.nowMs()
      try {
        await round(signal)
      } catch (error) {
        if (!signal.aborted) {
          onProblem(error as Error)
        }
      }
      await sleep(clock, Math.max(everyMs / 10, beganMs + everyMs - clock.nowMs()), { signal }).catch(() => {})
    }
  }
}
