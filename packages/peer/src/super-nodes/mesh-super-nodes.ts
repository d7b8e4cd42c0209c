/** The super-nodes that a peer uses: where those who elect them are found, and what a peer may set. */
import { closeUnused } from '@skein/pex/libp2p'
import { SuperNodeClient } from '@skein/supernode/libp2p'
import { clusterRegion } from '../mesh-clusters.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { ModelRouting } from '@skein/routing/libp2p'
import type { LeasePollInit, SuperNodeSetInit } from '@skein/supernode'
import type { LimitedDial } from '../limited-dial.ts'
import type { SkeinServices } from '../mesh-options.ts'
import type { RelayedListening } from '../relay/relayed-listening.ts'
import type { NetworkLookup } from '../trust/network-lookup.ts'
import type { PeerTrust } from '../trust/peer-trust.ts'

export interface SuperNodeOptions extends SuperNodeSetInit {
  /**
   * The region whose super-nodes are used.
   *
   * @default that of the peer
   */
  region?: string
  /** How often, and of how many networks, electors are asked who holds seats */
  poll?: LeasePollInit
}

export interface MeshSuperNodesInit {
  libp2p: Libp2p<SkeinServices>
  connect: LimitedDial
  region: string
  trust: Pick<PeerTrust, 'networkOf' | 'isDistrusted'>
  networkOf: NetworkLookup
  /** Left out, nothing is reserved */
  relays?: Pick<RelayedListening, 'atSuperNodes'>
  options: SuperNodeOptions
  clock: Clock
  random: Random
}

/** Under what those who elect for a region announce themselves; peers serve no model of such a name. */
export const ELECTOR_PREFIX = '/skein/supernode/1/'

/** Electors that one search gives. */
const MAX_FOUND = 16

/** The part of a peer that uses super-nodes; not started. */
export function meshSuperNodes (init: MeshSuperNodesInit): SuperNodeClient {
  const { libp2p, connect, trust, networkOf, relays, clock, random } = init
  const { region, poll, ...set } = init.options
  return new SuperNodeClient({
    libp2p,
    region: clusterRegion(region ?? init.region),
    connect,
    reservations: relays?.atSuperNodes,
    networkOfPeer: peer => trust.networkOf(peer),
    isDistrusted: peer => trust.isDistrusted(peer, 'relay'),
    networkOf,
    seek: (where, signal) => electorsOf(libp2p.services.routing, where, signal),
    onUnused: peer => { closeQuietly(libp2p, peer, clock) },
    set,
    poll,
    clock,
    random,
    log: libp2p.logger.forComponent('skein:super-nodes')
  })
}

async function * electorsOf (
  routing: ModelRouting, region: string, signal: AbortSignal
): AsyncGenerator<{ peer: string, addresses: string[] }, void, undefined> {
  // one looks here once in some minutes, and those who elect come and go: what is remembered is of little use
  const found = routing.findModel(ELECTOR_PREFIX + region, { signal, region: '', wanted: MAX_FOUND, cache: false })
  for await (const { offer: { peer, addresses } } of found) {
    if (addresses.length > 0) {
      yield { peer, addresses }
    }
  }
}

function closeQuietly (libp2p: Libp2p, peer: PeerId, clock: Clock): void {
  closeUnused({ getConnections: id => libp2p.getConnections(id), peerStore: libp2p.peerStore }, peer, clock)
    .catch((error: Error) => { libp2p.logger.forComponent('skein:super-nodes')('%s was not closed: %s', peer, error.message) })
}
