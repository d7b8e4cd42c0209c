/** The connections over which a peer calls others: which to take, how one comes about, and how long to wait for a better one. */
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, sleep } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { isWorthWaiting } from '@skein/reachability'
import { isRelayed } from '@skein/records'
import { isReachedThroughRelay } from '../ranking.ts'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Offer } from '@skein/records'
import type { ProviderView } from '../ranking.ts'
import type { PeerPaths } from './peer-paths.ts'

export interface CallConnectionsInit {
  libp2p: Pick<Libp2p, 'dial' | 'getConnections'> & { peerStore: Pick<Libp2p['peerStore'], 'merge'> }
  clock: Clock
  /** Not there without relays, or when it is turned off */
  paths?: Pick<PeerPaths, 'connectionTo' | 'hasIPv6' | 'pathTo' | 'patienceMs'>
}

export interface CallLimits {
  signal: AbortSignal
  /** In which the first content must come, ms */
  firstDeltaTimeoutMs: number
}

/** Nobody tells when a way has failed, ms. */
const LOOK_MS = 20

export class CallConnections {
  private readonly init: CallConnectionsInit

  constructor (init: CallConnectionsInit) {
    this.init = init
  }

  /**
   * The best connection to a peer. Left to itself libp2p takes any that has no limits, one that is about to be let go too; and where there are limits
   * it would make another circuit for each call.
   */
  to (peerId: PeerId): Connection | undefined {
    const { paths, libp2p } = this.init
    const open = libp2p.getConnections(peerId).filter(({ status }) => status === 'open')
    return paths?.connectionTo(peerId.toString()) ?? open.find(connection => !isRelayed(connection)) ?? open[0]
  }

  /**
   * Before a call: connects to one that only a relay reaches, and waits for a moment for a better path. Others are dialled by whoever opens the
   * stream.
   *
   * @throws {InferenceError} `connection_failed`
   */
  async beforeCall (offer: Offer, view: ProviderView, { signal, firstDeltaTimeoutMs }: CallLimits): Promise<void> {
    const { clock, paths } = this.init
    if (paths === undefined || paths.patienceMs === 0 || !isReachedThroughRelay(offer, view, paths.hasIPv6)) {
      await this.prepare(offer, signal)
      return
    }
    const limit = deadline(clock, firstDeltaTimeoutMs, [signal])
    try {
      await this.connect(offer, limit.signal)
      for (let waits = true; waits;) {
        const path = paths.pathTo(offer.peer)
        waits = path !== undefined && isWorthWaiting(path, paths.patienceMs, clock.nowMs())
        if (waits) {
          await sleep(clock, LOOK_MS, { signal: limit.signal })
        }
      }
    } catch (error) {
      signal.throwIfAborted()
      throw new InferenceError('connection_failed', `The peer could not be reached: ${(error as Error).message}`, { cause: error })
    } finally {
      limit.clear()
    }
  }

  /** @throws what libp2p does when it cannot be dialled */
  async connect (offer: Offer, signal: AbortSignal): Promise<void> {
    const peerId = peerIdFromString(offer.peer)
    const told = await this.learn(offer, signal)
    if (this.to(peerId) === undefined) {
      await this.init.libp2p.dial(told.length > 0 ? told : peerId, { signal })
    }
  }

  /** The dial of whoever opens the stream takes up what this one is given, as would one that began before an address was known. */
  private async prepare (offer: Offer, signal: AbortSignal): Promise<void> {
    const told = await this.learn(offer, signal)
    if (told.length > 0) {
      this.init.libp2p.dial(told, { signal }).catch(() => {}) // the call joins it, and tells what came of it
    }
  }

  /** An offer brings the addresses of its peer along: one that is not connected can be dialled without another lookup. */
  private async learn ({ peer, addresses }: Offer, signal: AbortSignal): Promise<Multiaddr[]> {
    const { libp2p } = this.init
    const peerId = peerIdFromString(peer)
    if (addresses.length === 0 || libp2p.getConnections(peerId).length > 0) {
      return []
    }
    const suffix = `/p2p/${peer}`
    const told = addresses.map(address => multiaddr(address.endsWith(suffix) ? address : address + suffix))
    await libp2p.peerStore.merge(peerId, { multiaddrs: told }, { signal })
    return told
  }
}
