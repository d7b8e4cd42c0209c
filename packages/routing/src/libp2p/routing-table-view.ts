/** As much of kad-dht's routing table as is used here; its types do not show all of it. */
import type { AbortOptions, PeerId } from '@libp2p/interface'

export interface RoutingTableView {
  closestPeers (kadId: Uint8Array, options?: { count?: number }): PeerId[]
  addEventListener? (type: 'peer:add' | 'peer:remove', listener: (event: CustomEvent<PeerId>) => void): void
  /** Through this all entries come in; what it resolves with is not used */
  add? (peer: PeerId, options?: AbortOptions): Promise<void>
  remove? (peer: PeerId, options?: AbortOptions): Promise<void>
  removeEventListener? (type: 'peer:add' | 'peer:remove', listener: (event: CustomEvent<PeerId>) => void): void
}
