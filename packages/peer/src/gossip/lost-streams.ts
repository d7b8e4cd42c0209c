/** GossipSub opens one stream to a peer when it connects. One that was lost since, such as to a peer that read too slowly, would stay lost. */
import { isRelayed } from '@skein/records'
import type { Libp2p } from '@libp2p/interface'
import type { GossipSubInside } from './gossip-inside.ts'

/** A peer is without a stream for so long before it is opened again, and so many are opened in a heartbeat. */
const REOPEN_INTERVAL_MS = 10_000
const REOPENS_PER_HEARTBEAT = 8

export class LostStreams {
  private readonly service: GossipSubInside
  private readonly libp2p: Pick<Libp2p, 'getConnections'>
  /** Peers without a stream, and since when, or when it was last tried; as many as are connected at most */
  private readonly lostMs = new Map<string, number>()

  constructor (service: GossipSubInside, libp2p: Pick<Libp2p, 'getConnections'>) {
    this.service = service
    this.libp2p = libp2p
  }

  /** Opens those that are due; how many they are. */
  onHeartbeat (nowMs: number): number {
    const { service } = this
    for (const id of this.lostMs.keys()) {
      if (!service.peers.has(id) || service.streamsOutbound.has(id)) {
        this.lostMs.delete(id)
      }
    }
    let reopened = 0
    for (const [id, peer] of service.peers) {
      if (service.streamsOutbound.has(id)) {
        continue
      }
      const lostMs = this.lostMs.get(id)
      if (lostMs === undefined) {
        this.lostMs.set(id, nowMs)
      } else if (nowMs - lostMs >= REOPEN_INTERVAL_MS && reopened < REOPENS_PER_HEARTBEAT) {
        const connection = this.libp2p.getConnections(peer).find(connection => connection.status === 'open' && !isRelayed(connection))
        this.lostMs.set(id, nowMs)
        if (connection !== undefined) {
          reopened++
          service.onPeerConnected(peer, connection)
        }
      }
    }
    return reopened
  }

  clear (): void {
    this.lostMs.clear()
  }
}
