/** Lets go of connections that are not needed any more: each is closed once nothing but what it keeps open by itself is on it. */
import { isUsed } from './connection-use.ts'
import type { Connection } from '@libp2p/interface'
import type { Clock } from '@skein/core'

export interface ConnectionRetirementInit {
  clock: Clock
  /** A connection that is open; `undefined` when it is not */
  find: (peer: string, id: string) => Connection | undefined
  /** Whether it is still to be let go: a better one may have gone since */
  isRetired: (peer: string, id: string) => boolean
  signal: () => AbortSignal
}

/** The other side may not know yet of the connection that is better, and just open a stream on the one that is let go, ms. */
const RETIRE_AFTER_MS = 1_000
const LOOK_AGAIN_MS = 500

export class ConnectionRetirement {
  private readonly init: ConnectionRetirementInit

  constructor (init: ConnectionRetirementInit) {
    this.init = init
  }

  retire (peer: string, id: string, afterMs: number = RETIRE_AFTER_MS): void {
    const { clock } = this.init
    clock.schedule(clock.nowMs() + afterMs, () => { void this.close(peer, id) })
  }

  private async close (peer: string, id: string): Promise<void> {
    const { find, isRetired, signal } = this.init
    const connection = find(peer, id)
    if (connection === undefined || !isRetired(peer, id)) {
      return
    }
    if (isUsed(connection)) {
      this.retire(peer, id, LOOK_AGAIN_MS)
      return
    }
    await connection.close({ signal: signal() }).catch(error => { connection.abort(error as Error) })
  }
}
