/**
 * Keeps peers of few networks from filling kad-dht's routing table, which has no option for that: its `add` is the one door through which entries
 * come, and this stands in it. Who is already there is never put out for a newcomer; kad-dht itself gives an entry up only when a ping of it failed.
 */
import { TableCensus } from '../table-diversity.ts'
import type { KnownPeer, PeerDirectory } from './peer-directory.ts'
import type { RoutingTableView } from './routing-table-view.ts'
import type { PeerKey } from '../contact.ts'
import type { PeerNetwork } from '../peer-standing.ts'
import type { AdmissionRefusal, DiversityRule, Placed } from '../table-diversity.ts'
import type { PeerId } from '@libp2p/interface'

export interface TableGuardInit {
  view: RoutingTableView
  directory: PeerDirectory
  rule?: DiversityRule
  bucketOf: (peer: KnownPeer) => number
  /** By the connection where there is one, or else by the addresses that are known */
  networkOf: (peer: KnownPeer) => PeerNetwork | undefined
  /** Makes the addresses of a peer known */
  load: (peer: KnownPeer) => Promise<void>
  onRefused: (peer: KnownPeer, reason: AdmissionRefusal) => void
}

export class TableGuard {
  private readonly init: TableGuardInit
  private readonly census: TableCensus
  private readonly entries = new Map<PeerKey, Placed>()
  private readonly add: NonNullable<RoutingTableView['add']> | undefined

  constructor (init: TableGuardInit) {
    this.init = init
    this.census = new TableCensus(init.rule)
    const { view } = init
    this.add = view.add
    if (this.add !== undefined) {
      view.add = async (peer, options) => {
        if (await this.admits(peer)) {
          await this.add?.call(view, peer, options)
        }
      }
    }
  }

  /** Gives the table its door back. */
  stop (): void {
    if (this.add !== undefined) {
      this.init.view.add = this.add
    }
  }

  /**
   * An entry came in. kad-dht has pinged it, so that it is connected and its network is known for sure: when it is another than its addresses said,
   * it may have to leave again. `false` when it does.
   */
  onAdded (peer: KnownPeer): boolean {
    if (this.entries.has(peer.peer)) {
      return true
    }
    const placed = this.place(peer)
    const reason = this.census.refusal(placed)
    if (reason !== undefined && this.init.view.remove !== undefined) {
      this.init.onRefused(peer, reason)
      void this.init.view.remove(peer.peerId).catch(() => {})
      return false
    }
    this.entries.set(peer.peer, placed)
    this.census.count(placed, 1)
    return true
  }

  onRemoved (peer: KnownPeer): void {
    const placed = this.entries.get(peer.peer)
    if (placed !== undefined) {
      this.entries.delete(peer.peer)
      this.census.count(placed, -1)
    }
  }

  private async admits (peerId: PeerId): Promise<boolean> {
    const peer = this.init.directory.of(peerId)
    if (this.entries.has(peer.peer)) {
      return true
    }
    if (!peer.isLoaded) {
      await this.init.load(peer)
    }
    const reason = this.census.refusal(this.place(peer))
    if (reason !== undefined) {
      this.init.onRefused(peer, reason)
    }
    return reason === undefined
  }

  private place (peer: KnownPeer): Placed {
    return { bucket: this.init.bucketOf(peer), network: this.init.networkOf(peer) }
  }
}
