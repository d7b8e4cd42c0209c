/**
 * What a device of a mesh sends and receives to stay part of it, in bytes a second: formulas over what is done how often, and sizes. Every byte
 * between two devices counts at both, so that what a device causes counts twice: all cause the same, and each also answers as often as it asks.
 * Left out: what keeps idle connections open, and the traffic of requests to models.
 */

/** Copies of a message that a device of a gossip mesh sees (D. Vyzovitis et al., "GossipSub", 2020: five to six times the least). */
export const GOSSIP_COPIES = 6
/** News that a device came or went: its signed record, and an envelope. */
const CHANGE_BYTES = 300
/** One of the closer peers in an answer: its id, and three addresses. */
const PEER_BYTES = 110
const CLOSER_PEERS = 20
const REQUEST_BYTES = 50
/** A signed offer, with its keys. */
const OFFER_BYTES = 350
/** Offers live for 120 s and are renewed at 0.9 to 1 of half of it. */
const OFFER_RENEWAL_S = 57
/** A model is announced under its own key, and under that of it and the region. */
const KEYS_OF_OFFER = 2
/** kad-dht looks for itself, and into its table, so often. */
export const REFRESH_S = 300

/** Joins and leaves of so many devices online, 1/s, each online for so long on average. */
export function changesPerSecond (nodes: number, meanSessionMs: number): number {
  return 2 * nodes / (meanSessionMs / 1000)
}

/** Each device told once of every other that comes or goes. */
export function broadcastRate (nodes: number, meanSessionMs: number): number {
  return changesPerSecond(nodes, meanSessionMs) * CHANGE_BYTES
}

export interface DigestRule {
  /** Devices that know each other one by one */
  clusterSize: number
  /** Clusters of a zone, zones of a region, and so on */
  siblings: number
  /** What is told of one of them: who coordinates it, how many there are, which models */
  digestBytes: number
  /** How often within a zone; half as often at each level above, s */
  digestEveryS: number
}

export interface DigestLoad {
  /** Gossip in the cluster, B/s */
  clusterRate: number
  /** Digests of what is beside it, of all levels, B/s */
  digestRate: number
  levels: number
  /** Until news is known at the other end of the network, s at most */
  convergenceS: number
}

/** Gossip in clusters, and digests of clusters, zones and regions to each device once. */
export function digestLoad (nodes: number, meanSessionMs: number, { clusterSize, siblings, digestBytes, digestEveryS }: DigestRule): DigestLoad {
  const clusterRate = GOSSIP_COPIES * broadcastRate(Math.min(nodes, clusterSize), meanSessionMs)
  let [levels, digestRate, convergenceS] = [0, 0, 0]
  for (let parts = nodes / clusterSize; parts > 1; parts /= siblings) {
    const everyS = digestEveryS * 2 ** levels
    digestRate += Math.min(siblings, parts) * digestBytes / everyS
    convergenceS += everyS
    levels++
  }
  return { clusterRate, digestRate, levels, convergenceS }
}

/**
 * Lookups that kad-dht makes of its own, 1/s: one for itself, and one for each prefix up to that of the closest peer. Its version 16 counts prefixes
 * in whole bytes.
 */
export function maintenanceLookups (nodes: number): number {
  return (2 + Math.floor(Math.log2(nodes) / 8)) / REFRESH_S
}

/** Kademlia's own traffic of a device, B/s, with so many requests to a lookup. */
export function maintenanceRate (nodes: number, requests: number): number {
  return 2 * maintenanceLookups(nodes) * requests * (REQUEST_BYTES + CLOSER_PEERS * PEER_BYTES)
}

/** Keeping offers stored, B/s: each renewal is a lookup that stores at those it asks. `models` that a device serves, on average. */
export function offerRate (models: number, requests: number): number {
  return 2 * models * KEYS_OF_OFFER / OFFER_RENEWAL_S * requests * (OFFER_BYTES + CLOSER_PEERS * PEER_BYTES)
}
