/** Tells the seeds that a peer is registered with how full its relay is: soon after it changed notably, and not oftener than they take. */
import { isNotable } from '../registry/self-renewal.ts'
import type { Cancel, Clock } from '@skein/core'
import type { RelayLoad } from '@skein/records'

export interface RelayNoticeInit {
  /** `undefined` while it takes nobody */
  load: () => RelayLoad | undefined
  /** Registers anew, with what `load` says then */
  tell: () => void
  clock: Clock
}

const MIN_INTERVAL_MS = 10_000

export class RelayNotice {
  private readonly init: RelayNoticeInit
  private told: RelayLoad | undefined
  private toldMs = -Infinity
  private cancel?: Cancel

  constructor (init: RelayNoticeInit) {
    this.init = init
  }

  /** What it says of itself was asked for, and goes out with a registration. */
  get load (): RelayLoad | undefined {
    this.told = this.init.load()
    this.toldMs = this.init.clock.nowMs()
    this.cancel?.()
    this.cancel = undefined
    return this.told
  }

  onLoad (): void {
    const { clock, load, tell } = this.init
    if (this.toldMs !== -Infinity && this.cancel === undefined && isNotable(this.told, load())) {
      this.cancel = clock.schedule(Math.max(clock.nowMs(), this.toldMs + MIN_INTERVAL_MS), () => {
        this.cancel = undefined
        if (isNotable(this.told, load())) {
          tell()
        }
      })
    }
  }

  stop (): void {
    this.cancel?.()
    this.toldMs = -Infinity
  }
}
