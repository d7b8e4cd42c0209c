/** A peer's gossip: its topics, and what it thinks of others, from the addresses that the user named on. */
import { GossipTopics } from './gossip-topics.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Connection, Libp2p, Logger, PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { PeerScores } from './peer-scores.ts'

export interface PeerGossipInit {
  libp2p: Pick<Libp2p, 'peerId' | 'getConnections' | 'addEventListener' | 'removeEventListener'>
  service: GossipSub
  /** Those that the service was made with */
  scores: PeerScores
  clock: Clock
  log: Logger
  /** Multiaddr texts that the user gave, with `/p2p/…` or without. Who is there is trusted; at most 256 */
  named: readonly string[]
  /** The neighbours of all topics together, when they are others than before; at most once a second */
  onNeighbours?: (peers: PeerId[]) => void
}

const PEER_SUFFIX = /\/p2p\/([^/]+)$/

export class PeerGossip {
  readonly topics: GossipTopics
  private readonly init: PeerGossipInit
  /** Named addresses that do not say who is there */
  private readonly named: ReadonlySet<string>

  constructor (init: PeerGossipInit) {
    this.init = init
    this.topics = new GossipTopics(init)
    this.named = new Set(init.named.filter(address => !PEER_SUFFIX.test(address)))
    for (const address of init.named) {
      const peer = PEER_SUFFIX.exec(address)?.[1]
      if (peer !== undefined) {
        init.scores.trust(peer)
      }
    }
  }

  start (): void {
    this.init.libp2p.addEventListener('connection:open', this.onOpen)
    this.topics.start()
  }

  stop (): void {
    this.init.libp2p.removeEventListener('connection:open', this.onOpen)
    this.topics.stop()
  }

  /** An exchange, an answer or an offer of the peer went well. */
  onService (peer: string): void {
    this.init.scores.onService(peer, this.init.clock.nowMs())
  }

  /** The peer did what no honest peer does; `too_soon` counts less than anything else. */
  onOffence (peer: string, reason: string): void {
    this.init.scores.onOffence(peer, reason, this.init.clock.nowMs())
  }

  private readonly onOpen = ({ detail: { direction, remoteAddr, remotePeer } }: CustomEvent<Connection>): void => {
    // one that dialled in may say that it comes from anywhere
    if (direction === 'outbound' && this.named.has(remoteAddr.toString().replace(PEER_SUFFIX, ''))) {
      this.init.scores.trust(remotePeer.toString())
    }
  }
}
