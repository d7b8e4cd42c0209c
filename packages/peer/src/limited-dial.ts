/** A dial of a peer that others named, within the limits that all share who dial strangers. */
import { peerIdFromString } from '@libp2p/peer-id'
import { DialRefusedError } from '@skein/pex/libp2p'
import { isRelayed } from '@skein/records'
import { multiaddr } from '@multiformats/multiaddr'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { DialLimits } from '@skein/pex'

export interface LimitedDialInit {
  libp2p: Pick<Libp2p, 'dial' | 'getConnections' | 'peerStore'>
  dials: DialLimits
  clock: Clock
}

/** How many addresses of one peer are tried. */
const MAX_ADDRESSES = 8

export type LimitedDial = (peer: string, addresses: readonly string[], signal: AbortSignal) => Promise<Connection>

/**
 * Dials a peer at its addresses (multiaddr texts, with its id or without), or at those that are known of it when there are none. A connection that
 * stands is given back. It throws `DialRefusedError` when the limits let no address through.
 */
export function limitedDial ({ libp2p, dials, clock }: LimitedDialInit): LimitedDial {
  return async (peer, addresses, signal) => {
    const id = peerIdFromString(peer)
    const standing = libp2p.getConnections(id).filter(({ status }) => status === 'open')
    const open = standing.find(connection => !isRelayed(connection)) ?? standing[0]
    if (open !== undefined) {
      return open
    }
    const suffix = `/p2p/${peer}`
    const known = (addresses.length > 0 ? [...addresses] : await storedAddresses(libp2p, peer, signal))
      .map(address => address.endsWith(suffix) ? address.slice(0, -suffix.length) : address).slice(0, MAX_ADDRESSES)
    const allowed = dials.take(known, clock.nowMs())
    if (allowed.length === 0) {
      throw new DialRefusedError(peer, known.length === 0 ? 'no_address' : 'network')
    }
    return await libp2p.dial(allowed.map(address => multiaddr(address + suffix)), { signal })
  }
}

async function storedAddresses ({ peerStore }: Pick<Libp2p, 'peerStore'>, peer: string, signal: AbortSignal): Promise<string[]> {
  try {
    return (await peerStore.get(peerIdFromString(peer), { signal })).addresses.map(({ multiaddr: address }) => address.toString())
  } catch {
    signal.throwIfAborted()
    return []
  }
}
