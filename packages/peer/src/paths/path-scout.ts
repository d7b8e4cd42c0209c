/**
 * Looks for better ways to providers that were not called: a relay carried an answer, and one of the others may be reached without. They are
 * connected, which is all that it takes for the paths to them to be improved; nothing is asked of them.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline } from '@skein/core'
import type { Clock } from '@skein/core'
import type { Libp2p } from '@libp2p/interface'
import type { Offer } from '@skein/records'

export interface PathScoutInit {
  libp2p: Pick<Libp2p, 'getConnections'>
  clock: Clock
  /** Whether it was ever reached: what is to be found out of it is known then */
  isKnown: (peer: string) => boolean
  connect: (offer: Offer, signal: AbortSignal) => Promise<unknown>
  /** Told when it stands: a circuit that nobody uses is to be closed again */
  onConnected: (peer: string) => void
}

/** At once; more are left for the next answer. */
const MAX_SCOUTED = 2
const CONNECT_TIMEOUT_MS = 10_000

export class PathScout {
  private readonly init: PathScoutInit
  private readonly underWay = new Set<string>()
  private readonly stopping = new AbortController()

  constructor (init: PathScoutInit) {
    this.init = init
  }

  /** A relay carried an answer; `others` offer the same. */
  onRelayed (others: readonly Offer[]): void {
    const { isKnown, libp2p } = this.init
    const unknown = others.filter(({ peer }) =>
      !this.underWay.has(peer) && !isKnown(peer) && libp2p.getConnections(peerIdFromString(peer)).length === 0)
    for (const offer of unknown.slice(0, MAX_SCOUTED - this.underWay.size)) {
      void this.scout(offer)
    }
  }

  stop (): void {
    this.stopping.abort(new Error('This peer is stopping'))
  }

  private async scout (offer: Offer): Promise<void> {
    const { clock, connect, onConnected } = this.init
    const limit = deadline(clock, CONNECT_TIMEOUT_MS, [this.stopping.signal])
    this.underWay.add(offer.peer)
    try {
      await connect(offer, limit.signal)
      onConnected(offer.peer)
    } catch {
      // it was only looked for
    } finally {
      limit.clear()
      this.underWay.delete(offer.peer)
    }
  }
}
