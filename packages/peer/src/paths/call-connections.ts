/** The connections over which a peer calls others: which to take, how one comes about, and how long to wait for a better one. */
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import { sleep } from '@skein/core'
import { isWorthWaiting } from '@skein/reachability'
import { isRelayed } from '@skein/records'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Offer } from '@skein/records'
import type { PathKind } from '../ranking.ts'
import type { PeerPaths } from './peer-paths.ts'

export interface ConnectionsInit {
  libp2p: Pick<Libp2p, 'getConnections'>
  /** Not there without relays, or when it is turned off */
  paths?: Pick<PeerPaths, 'connectionTo' | 'pathOf'>
}

export interface DialsInit {
  libp2p: Pick<Libp2p, 'dial' | 'getConnections'> & { peerStore: Pick<Libp2p['peerStore'], 'merge'> }
}

export interface PatienceInit {
  clock: Clock
  paths?: Pick<PeerPaths, 'pathTo' | 'patienceMs'>
}

/** Nobody tells when a way has failed, ms. */
const LOOK_MS = 20

/**
 * The best connection to a peer. Left to itself libp2p takes any that has no limits, one that is about to be let go too; and where there are limits
 * it would make another circuit for each call.
 */
export function connectionTo ({ paths, libp2p }: ConnectionsInit, peer: PeerId): Connection | undefined {
  if (paths !== undefined) {
    return paths.connectionTo(peer.toString())
  }
  const open = libp2p.getConnections(peer).filter(({ status }) => status === 'open')
  return open.find(connection => !isRelayed(connection)) ?? open[0]
}

export function pathOf ({ paths }: Pick<ConnectionsInit, 'paths'>, connection: Connection): PathKind {
  return paths?.pathOf(connection) ?? (isRelayed(connection) ? 'relayed' : 'direct')
}

/**
 * Dials a peer by what its offer says, which saves another lookup; a dial of it that is under way takes those addresses up.
 *
 * @param options.force another connection, where there are some
 * @throws what libp2p does when it cannot be dialled
 */
export async function dialOffered (
  { libp2p }: DialsInit, { peer, addresses }: Offer, options: { signal: AbortSignal, force?: boolean }
): Promise<Connection> {
  const peerId = peerIdFromString(peer)
  if (addresses.length === 0) {
    return await libp2p.dial(peerId, options)
  }
  const told = addresses.map(address => multiaddr(withPeer(address, peer)))
  if (libp2p.getConnections(peerId).length === 0) {
    await libp2p.peerStore.merge(peerId, { multiaddrs: told }, { signal: options.signal })
  }
  return await libp2p.dial(told, options)
}

/** Waits while a better path to a peer that a relay reaches may be about to stand. @throws what aborted it, when the signal fires */
export async function awaitBetterPath (peer: string, { clock, paths }: PatienceInit, signal: AbortSignal): Promise<void> {
  for (;;) {
    const path = paths?.pathTo(peer)
    if (paths === undefined || path === undefined || !isWorthWaiting(path, paths.patienceMs, clock.nowMs())) {
      return
    }
    await sleep(clock, LOOK_MS, { signal })
  }
}

/** An address of a peer that ends with its id. */
export function withPeer (address: string, peer: string): string {
  return address.endsWith(`/p2p/${peer}`) ? address : `${address}/p2p/${peer}`
}
