/** What a neighbour's conduct in one topic is worth, computed from how much is said there (GossipSub v1.1, "Peer Scoring"; P1 to P4). */
import type { TopicScoreParams } from '@libp2p/gossipsub/score'

/** Peers of a mesh, as many as each node wants; the messages of a topic come first from one of them. */
export const MESH_DEGREE = 6
/** With fewer neighbours a node looks for more, and judges none by what it does not bring. */
export const MESH_DEGREE_LOW = 4

/** What ten minutes in the mesh are worth: little, because silence earns it too. */
export const MAX_MESH_TIME_SCORE = 1
/** What being the first with messages is worth. */
export const MAX_DELIVERY_SCORE = 8
/** Three messages that no honest peer sends: −90, not listened to. */
const INVALID_WEIGHT = -10
const INVALID_MEMORY_S = 600
/**
 * What a neighbour that brings nothing loses: more than being there has earned it (3), so that it leaves the mesh, and less than the 10 at which
 * gossip ends, because one that has no other neighbours has nothing to bring.
 */
const SILENCE_SCORE = 6
/** What of it stays after it was pruned, so that it does not come back at once. */
const SILENCE_AFTERWARDS_SCORE = 4
const SILENCE_MEMORY_S = 300
/** The share of what there is that an honest neighbour always brings. The measured one of slow peers with four neighbours is above a quarter. */
const EXPECTED_SHARE = 0.05
/** Messages in the time that is looked at, below which nobody is judged by what he did not bring. */
const ENOUGH_MESSAGES = 60
/** A second neighbour's copy of a message that came this long after the first counts too: so slow may an honest one be, ms. */
const DELIVERY_WINDOW_MS = 2_000

export interface TopicTraffic {
  /** Most messages of all honest members in a second */
  messagesPerSecond: number
  /** Messages of others that were accepted lately, forgotten as `deliveryMemory` says */
  accepted: number
  /** Peers of this node's mesh of the topic */
  neighbours: number
  /** Topics that this node has joined */
  topics: number
}

/** Seconds after which a message counts a third of what it did: as long as a hundred take at the highest rate, half a minute to ten. */
export function deliveryMemorySeconds (messagesPerSecond: number): number {
  return Math.min(600, Math.max(30, 100 / messagesPerSecond))
}

/** What is left after a second of a counter that is forgotten in so many. */
export function decayOf (seconds: number): number {
  return Math.exp(-1 / seconds)
}

export function topicScoreParams ({ messagesPerSecond, accepted, neighbours, topics }: TopicTraffic): TopicScoreParams {
  const memoryS = deliveryMemorySeconds(messagesPerSecond)
  // a quarter of the fair share at the highest rate: topics are mostly quieter than they may be
  const deliveries = Math.max(5, messagesPerSecond * memoryS / MESH_DEGREE / 4)
  const expected = Math.max(1, accepted * EXPECTED_SHARE)
  const judged = accepted >= ENOUGH_MESSAGES && neighbours >= MESH_DEGREE_LOW
  // a peer that is alone with this node is silent in all topics at once
  const silence = judged ? 1 / Math.max(1, topics) : 0
  return {
    topicWeight: 1,
    timeInMeshWeight: MAX_MESH_TIME_SCORE / 10,
    timeInMeshQuantum: 60_000,
    timeInMeshCap: 10,
    firstMessageDeliveriesWeight: MAX_DELIVERY_SCORE / deliveries,
    firstMessageDeliveriesDecay: decayOf(memoryS),
    firstMessageDeliveriesCap: deliveries,
    meshMessageDeliveriesWeight: -silence * SILENCE_SCORE / expected ** 2,
    meshMessageDeliveriesDecay: decayOf(memoryS),
    meshMessageDeliveriesCap: Math.max(100, 4 * expected),
    meshMessageDeliveriesThreshold: expected,
    meshMessageDeliveriesWindow: DELIVERY_WINDOW_MS,
    // who is new has brought nothing yet of what is remembered: after half of it, one that brings a quarter of all has twice what is expected
    meshMessageDeliveriesActivation: memoryS * 1000 / 2,
    meshFailurePenaltyWeight: -silence * SILENCE_AFTERWARDS_SCORE / expected ** 2,
    meshFailurePenaltyDecay: decayOf(SILENCE_MEMORY_S),
    invalidMessageDeliveriesWeight: INVALID_WEIGHT,
    invalidMessageDeliveriesDecay: decayOf(INVALID_MEMORY_S)
  }
}
