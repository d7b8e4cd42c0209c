/** What `@libp2p/gossipsub` 17 has and does not declare, in one place: whoever raises its version looks here. */
import type { Connection, PeerId } from '@libp2p/interface'
import type { GossipSub, PublishResult } from '@libp2p/gossipsub'
import type { RPC } from '@libp2p/gossipsub/message'
import type { PeerScore } from '@libp2p/gossipsub/score'

export interface GossipSubInside extends GossipSub {
  readonly score: PeerScore
  readonly peers: ReadonlyMap<string, PeerId>
  readonly mcache: { getGossipIDs: (topics: Set<string>) => Map<string, Uint8Array[]> }
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  isStarted: () => boolean
  getMeshPeers: (topic: string) => string[]
  handleReceivedRpc: (from: PeerId, rpc: RPC) => Promise<void>
  pushGossip: (to: string, known: { topicID: string, messageIDs: Uint8Array[] }) => void
  sendRpc: (to: string, rpc: RPC) => boolean
  onPeerConnected: (peer: PeerId, connection: Connection) => void
  publish: (topic: string, data?: Uint8Array, options?: { floodPublish?: boolean }) => Promise<PublishResult>
}

const METHODS = ['isStarted', 'getMeshPeers', 'handleReceivedRpc', 'pushGossip', 'sendRpc', 'onPeerConnected', 'publish'] as const
const SCORE_METHODS = ['addPeer', 'addIP', 'removePeer', 'rejectInvalidMessage', 'stop'] as const

/** @throws when the installed version is built differently: without its guards it must not run */
export function insideOf (service: GossipSub): GossipSubInside {
  const inside = service as GossipSubInside
  const missing = [
    ...METHODS.filter(name => typeof inside[name] !== 'function'),
    ...SCORE_METHODS.filter(name => typeof inside.score?.[name] !== 'function'),
    ...inside.peers instanceof Map ? [] : ['peers'],
    ...typeof inside.mcache?.getGossipIDs === 'function' ? [] : ['mcache']
  ]
  if (missing.length > 0) {
    throw new Error(`This version of @libp2p/gossipsub has no ${missing.join(', ')}; use 17.1`)
  }
  return inside
}
