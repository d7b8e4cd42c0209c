/** The circuits that this peer calls through: those that stand idle are closed, as a relay has few for each peer and one keeps another caller out. */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline } from '@skein/core'
import { isRelayed } from '@skein/records'
import type { Libp2p } from '@libp2p/interface'
import type { Cancel, Clock } from '@skein/core'

export interface IdleCircuitsInit {
  libp2p: Pick<Libp2p, 'getConnections'>
  clock: Clock
  /**
   * How long a circuit is kept for the next call, ms. Another costs five round trips through the relay.
   *
   * @default 10_000
   */
  idleMs?: number
}

const CLOSE_TIMEOUT_MS = 5_000

export class IdleCircuits {
  private readonly init: IdleCircuitsInit
  /** Peers that are no longer called; those with a circuit, so no more than there are connections */
  private readonly idle = new Map<string, Cancel>()

  constructor (init: IdleCircuitsInit) {
    this.init = init
  }

  onCalled (peer: string): void {
    this.idle.get(peer)?.()
    this.idle.delete(peer)
  }

  /** The last call to that peer is over. */
  onIdle (peer: string): void {
    const { clock, idleMs = 10_000 } = this.init
    this.onCalled(peer)
    if (this.circuits(peer).length > 0) {
      this.idle.set(peer, clock.schedule(clock.nowMs() + idleMs, () => {
        this.idle.delete(peer)
        void this.close(peer)
      }))
    }
  }

  stop (): void {
    this.idle.forEach(cancel => { cancel() })
    this.idle.clear()
  }

  private circuits (peer: string): ReturnType<Libp2p['getConnections']> {
    return this.init.libp2p.getConnections(peerIdFromString(peer)).filter(connection => isRelayed(connection) && connection.direction === 'outbound')
  }

  private async close (peer: string): Promise<void> {
    const limit = deadline(this.init.clock, CLOSE_TIMEOUT_MS)
    await Promise.all(this.circuits(peer).map(async connection => {
      await connection.close({ signal: limit.signal }).catch(error => { connection.abort(error as Error) })
    }))
    limit.clear()
  }
}
