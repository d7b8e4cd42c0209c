/** A peer's place in its cluster: which region it stands in, how much it may coordinate, what it can take on. */
import { platform } from '#platform'
import { ClusterRendezvous } from './cluster-rendezvous.ts'
import type { ClusterBounds, ModelLoad } from '@skein/clusters'
import type { ClusterService, ClusterServiceInit, CoordinatesService } from '@skein/clusters/libp2p'
import type { Libp2p } from '@libp2p/interface'
import type { Clock, Random, Topics } from '@skein/core'
import type { Offer } from '@skein/records'
import type { LimitedDial } from './limited-dial.ts'
import type { SelfDescription } from './mesh-membership.ts'
import type { SkeinServices } from './mesh-options.ts'

export interface ClusterOptions {
  /** How large clusters are. All peers of a network must have the same @default 256 to 1024 peers */
  bounds?: ClusterBounds
  /**
   * How much this peer may coordinate, against others; 0: it never does.
   *
   * @default 4, 2, 1 and 0 for tiers 1 to 4; 0 on battery, in a browser, and for who cannot be dialled
   */
  weight?: number
}

export interface MeshClustersInit {
  libp2p: Libp2p<SkeinServices>
  topics: Topics
  connect: LimitedDial
  self: SelfDescription
  /** Whether others dial this peer */
  dialable: boolean
  /** Known to fail or to lie */
  isDistrusted: (peer: string) => boolean
  options: ClusterOptions
  clock: Clock
  random: Random
}

/** The region of those that name none, or one that no scope can be named after. */
const NOWHERE = 'unknown'
/** Behind all others in line, and still there when nobody else is. */
const DISTRUSTED_WEIGHT = 1e-6
const TIER_WEIGHTS = [4, 2, 1, 0]

/** The cluster service of a peer; not started. `undefined` on a platform without. */
export function meshClusters (init: MeshClustersInit): ClusterService | undefined {
  if (platform.regional === undefined) {
    return undefined
  }
  const { libp2p, topics, connect, self, dialable, isDistrusted, options, clock, random } = init
  const part: ClusterServiceInit = {
    libp2p,
    topics,
    rendezvous: new ClusterRendezvous(libp2p.services.routing, libp2p.logger.forComponent('skein:clusters')),
    region: clusterRegion(self.region),
    bounds: options.bounds,
    weight: options.weight ?? coordinatorWeight(self, dialable),
    weigh: (peer, claimed) => isDistrusted(peer) ? claimed * DISTRUSTED_WEIGHT : claimed,
    connect,
    standing: () => libp2p.services.coordinates?.standing() ?? [],
    clock,
    random
  }
  const clusters = new platform.regional.ClusterService(part)
  const { coordinates } = libp2p.services
  if (coordinates !== undefined) {
    joinPieces(clusters, coordinates, part.region)
  }
  return clusters
}

/** The zone comes from measured round trips to the anchors, the depth from what neighbours say; they hear of this peer's own. */
function joinPieces (clusters: ClusterService, coordinates: CoordinatesService, region: string): void {
  const tell = (): void => {
    if (clusters.depth !== undefined) {
      coordinates.setCluster({ depth: clusters.depth, coordinator: clusters.coordinator })
    }
  }
  clusters.addEventListener('cluster:changed', tell)
  clusters.addEventListener('coordinator:changed', tell)
  clusters.addEventListener('anchors:changed', ({ detail }) => { coordinates.setAnchors(detail.anchors) })
  const claim = (): void => { clusters.setClaims(coordinates.claims(region, coordinates.zone)) }
  coordinates.addEventListener('claims:changed', claim)
  coordinates.addEventListener('zone:changed', ({ detail }) => {
    clusters.setZone(detail.zone)
    claim()
  })
}

/** A region as clusters name it: `EU West` is `eu-west`. */
export function clusterRegion (region: string): string {
  const name = region.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 32)
  return name === '' ? NOWHERE : name
}

export function coordinatorWeight ({ tier, onMainsPower }: Pick<SelfDescription, 'tier' | 'onMainsPower'>, dialable: boolean): number {
  return dialable && onMainsPower ? TIER_WEIGHTS[tier - 1] ?? 0 : 0
}

/** How many requests each model that is served could take now. */
export function loadsOf (offers: Iterable<Offer>): ModelLoad[] {
  return [...offers].map(({ model, maxConcurrent, queueDepth }) => ({ model, free: Math.max(0, maxConcurrent - queueDepth) }))
}
