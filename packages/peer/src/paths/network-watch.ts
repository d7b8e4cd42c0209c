/** Notices that this machine is in another network: its own addresses are looked at now and then, as libp2p does not tell. */
import type { Cancel, Clock } from '@skein/core'

export interface NetworkWatchInit {
  /** Of this machine's interfaces, those of loopback left out */
  addresses: () => readonly string[]
  onChange: (addresses: readonly string[]) => void
  clock: Clock
}

/** A look takes some tens of microseconds; calls go on this much later than they could, ms. */
const LOOK_INTERVAL_MS = 500

export class NetworkWatch {
  private readonly init: NetworkWatchInit
  private known = ''
  private cancelLook: Cancel | undefined

  constructor (init: NetworkWatchInit) {
    this.init = init
  }

  start (): void {
    this.known = this.look().join()
    this.again()
  }

  stop (): void {
    this.cancelLook?.()
  }

  private again (): void {
    const { clock } = this.init
    this.cancelLook = clock.schedule(clock.nowMs() + LOOK_INTERVAL_MS, () => {
      const addresses = this.look()
      if (addresses.join() !== this.known) {
        this.known = addresses.join()
        this.init.onChange(addresses)
      }
      this.again()
    })
  }

  private look (): string[] {
    return [...this.init.addresses()].sort()
  }
}
