/** Who is online, and since when, in 4 bytes a device: the tick of its last change, and one bit. */
import { ChurnKernel } from '../engine/churn-kernel.ts'
import type { ChurnModel } from '../engine/churn.ts'

export interface PresenceInit {
  seed: number
  model: ChurnModel
  devices: number
  /** How finely sessions are told apart, ms. @default 100 */
  tickMs?: number
}

export class Presence {
  readonly tickMs: number
  private readonly churn: ChurnKernel
  /** Ticks since the start, plus 1 so that what was before the start is 0; times 2, and 1 when online */
  private readonly changed: Uint32Array

  constructor (init: PresenceInit) {
    this.churn = new ChurnKernel({ seed: init.seed, model: init.model, fromDevice: 0, toDevice: init.devices, tickMs: init.tickMs })
    this.tickMs = this.churn.tickMs
    this.changed = new Uint32Array(init.devices)
    for (let device = 0; device < init.devices; device++) {
      this.changed[device] = this.churn.isOnline(device) ? 1 : 0
    }
  }

  get online (): number {
    return this.churn.online
  }

  get changes (): number {
    return this.churn.joins + this.churn.leaves
  }

  get byteLength (): number {
    return this.churn.byteLength + this.changed.byteLength
  }

  /** Lets all changes happen that are before a tick. */
  runBefore (tick: number, onJoin: (device: number) => void): void {
    const { changed } = this
    this.churn.runBefore(tick, (device, online, at) => {
      changed[device] = 2 * (at + 1) + (online ? 1 : 0)
      if (online) {
        onJoin(device)
      }
    })
  }

  isOnline (device: number): boolean {
    return ((this.changed[device] as number) & 1) === 1
  }

  /** The tick at which it came, or went; -1: before the start. */
  changedAt (device: number): number {
    return ((this.changed[device] as number) >>> 1) - 1
  }

  /**
   * Whether it was online at a tick. Of what it did before its last change nothing is known: it is taken to have been as it was before that for
   * long.
   */
  wasOnline (device: number, tick: number): boolean {
    const changed = this.changed[device] as number
    return ((changed & 1) === 1) === ((changed >>> 1) - 1 <= tick)
  }
}
