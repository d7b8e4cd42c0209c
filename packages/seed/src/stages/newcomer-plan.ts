/** What a newcomer gets from a seed at each stage, and when the seed lets it go. */
import { STAGE_DUTIES } from './stage.ts'
import type { Stage, StageDuties } from './stage.ts'

export interface NewcomerWant {
  /** How many other peers and models it asks for */
  peers: number
  models: number
}

export interface NewcomerPlan extends Pick<StageDuties, 'discover' | 'signal' | 'relay' | 'letsGo'> {
  /** How many of each it is given */
  peers: number
  models: number
  /** It is not to come back sooner than this, ms; 0: it renews at half the life of its registration */
  renewAfterMs: number
}

/** Most peers that a newcomer is named, at any stage: from as many networks and regions as there are, they are more than enough to join. */
export const MAX_NEWCOMER_PEERS = 20

/** Renewals that a network of a million and more is to cost its seed; each is a connection, its handshake and a signature, some 3 ms of CPU. */
const RENEWALS_PER_SECOND = 50
/** Half the longest life of a registration: a small network that is pinned to the last stage still renews in time. */
const MIN_RENEWAL_MS = 150_000
const MAX_RENEWAL_MS = 24 * 3_600_000

export function newcomerPlan (stage: Stage, want: NewcomerWant, networkSize = 0): NewcomerPlan {
  const { discover, letsGo, maxModels, relay, signal } = STAGE_DUTIES[stage]
  return {
    discover,
    signal,
    relay,
    letsGo,
    peers: Math.min(want.peers, MAX_NEWCOMER_PEERS),
    models: Math.min(want.models, maxModels),
    renewAfterMs: letsGo ? Math.round(Math.min(MAX_RENEWAL_MS, Math.max(MIN_RENEWAL_MS, networkSize / RENEWALS_PER_SECOND * 1000))) : 0
  }
}

/** What a seed knows of a peer that is connected to it. */
export interface Newcomer {
  connectedMs: number
  /** When its request was answered */
  answeredMs?: number
  /** It is registered */
  registered: boolean
  /** How many others it said that it is connected to */
  otherConnections: number
}

export interface LetGoRule {
  /**
   * A peer with so many other connections has joined.
   *
   * @default 4
   */
  enoughConnections?: number
  /**
   * After its answer a peer with enough connections is given this long to take it in, ms.
   *
   * @default 1_000
   */
  settleMs?: number
  /**
   * After its answer any other peer is given this long to dial those it was named, ms.
   *
   * @default 10_000
   */
  joinMs?: number
  /**
   * A peer that asked for nothing, or was refused, is given this long, ms.
   *
   * @default 60_000
   */
  strangerMs?: number
}

/** When a connection is closed at a stage that lets newcomers go. */
export function letGoAtMs (newcomer: Newcomer, rule: LetGoRule = {}): number {
  if (newcomer.answeredMs === undefined || !newcomer.registered) {
    return (newcomer.answeredMs ?? newcomer.connectedMs) + (rule.strangerMs ?? 60_000)
  }
  const joined = newcomer.otherConnections >= (rule.enoughConnections ?? 4)
  return newcomer.answeredMs + (joined ? rule.settleMs ?? 1_000 : rule.joinMs ?? 10_000)
}
