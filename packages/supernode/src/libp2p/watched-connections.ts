/** Connections that are kept open to some peers, so that it is seen at once when one of them dies. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import type { AddressedPeer } from '../board-effect.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '@skein/core'

const DIAL_TIMEOUT_MS = 10_000
const TAG = 'skein-watched-super-node'
/** Of 100: others that are in use by people come before. */
const TAG_VALUE = 30

export class WatchedConnections {
  private readonly libp2p: Pick<Libp2p, 'dial' | 'getConnections' | 'peerStore'>
  private readonly clock: Clock
  private readonly watched = new Map<string, AddressedPeer>()

  constructor (libp2p: Pick<Libp2p, 'dial' | 'getConnections' | 'peerStore'>, clock: Clock) {
    this.libp2p = libp2p
    this.clock = clock
  }

  /** Watches these and no others: holders of seats, at most 64. */
  async watch (peers: readonly AddressedPeer[], signal: AbortSignal): Promise<void> {
    const before = [...this.watched.keys()]
    this.watched.clear()
    peers.forEach(watched => { this.watched.set(watched.peer, watched) })
    await Promise.all(before.filter(peer => !this.watched.has(peer)).map(async peer => { await this.tag(peer, false) }))
    await Promise.all(peers.map(async ({ peer }) => { await this.connect(peer, signal) }))
  }

  /** Connects again to one that is watched and was lost, as it can be reached. */
  async connect (peer: string, signal: AbortSignal): Promise<void> {
    const watched = this.watched.get(peer)
    const id = peerIdFromString(peer)
    if (watched === undefined) {
      return
    }
    await this.tag(peer, true)
    if (this.libp2p.getConnections(id).length === 0) {
      const limit = deadline(this.clock, DIAL_TIMEOUT_MS, [signal])
      // one that cannot be reached is found out by verifiers; nothing is lost here
      await this.libp2p.dial(dialled(watched), { signal: limit.signal }).catch(() => {})
      limit.clear()
    }
  }

  private async tag (peer: string, isWatched: boolean): Promise<void> {
    await this.libp2p.peerStore.merge(peerIdFromString(peer), { tags: { [TAG]: isWatched ? { value: TAG_VALUE } : undefined } }).catch(() => {})
  }
}

/** Its addresses with its id, for `dial`; those that cannot be read are left out. */
export function dialled ({ peer, addresses }: AddressedPeer): ReturnType<typeof multiaddr>[] {
  const suffix = `/p2p/${peer}`
  return addresses.flatMap(address => {
    try {
      return [multiaddr(address.endsWith(suffix) ? address : `${address}${suffix}`)]
    } catch {
      return []
    }
  })
}
