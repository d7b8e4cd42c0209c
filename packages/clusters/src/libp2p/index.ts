/** The drivers of clusters over libp2p. */
export type { ClusterCounters } from './cluster-counters.ts'
export { ClusterService } from './cluster-service.ts'
export type { ClusterEvents, ClusterServiceInit, WhereOptions } from './cluster-service.ts'
export { dialPeer } from './cluster-streams.ts'
export type { ClusterHost } from './cluster-streams.ts'
export type { Found, Rendezvous } from './rendezvous.ts'
export { NoCoordinatorError } from './where-client.ts'
