/**
 * What this node has seen of its peers outside the topics, as GossipSub's application score (P5): who was named by the user, what went well, how long
 * they are here, what they did wrong. It forgets with time, and remembers across reconnects what GossipSub forgets with the connection.
 */
import { BoundedMap } from '@skein/core'
import { Colocation } from './colocation.ts'

/** A peer that the user or a seed list names. Above what PX is accepted from, below what makes four offences forgettable. */
export const TRUSTED_SCORE = 20
/** An exchange, an answer or an offer that went well; five make a peer as good as one that was named. Half is forgotten in an hour. */
export const SERVICE_SCORE = 3
export const MAX_SERVICE_SCORE = 15
const SERVICE_HALF_LIFE_MS = 3_600_000
/** Being connected costs a stranger little, so it is worth little: 1 for each ten minutes, 2 at most. */
const TIME_SCORE_MS = 600_000
export const MAX_TIME_SCORE = 2
/** One offence ends gossip with a stranger (−10), three publishing to it (−50), five listening to it (−80). Half is forgotten in ten minutes. */
export const OFFENCE_SCORE = 20
/** What a peer with a fast clock, or one that does not know that it asked before its restart, may do. */
const LIGHT_OFFENCE_SCORE = 4
const LIGHT_OFFENCES: ReadonlySet<string> = new Set(['too_soon'])
export const MAX_FAULT_SCORE = 100
const FAULT_HALF_LIFE_MS = 600_000

export interface PeerScoresInit {
  /**
   * Most peers whose services and faults are remembered; beyond, the one that did neither for longest is forgotten.
   *
   * @default 4_096
   */
  maxPeers?: number
  /** @default new Colocation() */
  colocation?: Colocation
}

interface PeerRecord {
  services: number
  faults: number
  updatedMs: number
}

/** Most peers that are named. The bootstrap list has 256 entries. */
const MAX_TRUSTED = 1_024

export class PeerScores {
  private readonly records: BoundedMap<string, PeerRecord>
  private readonly trusted = new BoundedMap<string, true>({ maxSize: MAX_TRUSTED })
  /** Connected peers, and since when */
  private readonly since = new Map<string, number>()
  private readonly colocation: Colocation

  constructor (init: PeerScoresInit = {}) {
    this.records = new BoundedMap({ maxSize: init.maxPeers ?? 4_096 })
    this.colocation = init.colocation ?? new Colocation()
  }

  onConnected (peer: string, nowMs: number): void {
    this.since.set(peer, nowMs)
  }

  /** @param ip of the connection, as text */
  onAddress (peer: string, ip: string): void {
    this.colocation.onConnected(peer, ip)
  }

  /**
   * @param gossipScore what GossipSub thought of the peer, this score included. What of it was bad goes on counting here: a peer that leaves and
   * comes back is the same peer
   */
  onDisconnected (peer: string, gossipScore: number, nowMs: number): void {
    const atTopics = gossipScore - this.score(peer, nowMs)
    this.since.delete(peer)
    this.colocation.onDisconnected(peer)
    if (atTopics < 0) {
      this.update(peer, { services: 0, faults: -atTopics }, nowMs)
    }
  }

  /** The peer did what no honest peer does. */
  onOffence (peer: string, reason: string, nowMs: number): void {
    this.update(peer, { services: 0, faults: LIGHT_OFFENCES.has(reason) ? LIGHT_OFFENCE_SCORE : OFFENCE_SCORE }, nowMs)
  }

  /** An exchange, an answer or an offer of the peer went well. */
  onService (peer: string, nowMs: number): void {
    this.update(peer, { services: SERVICE_SCORE, faults: 0 }, nowMs)
  }

  /** The user, or a list that the user gave, named the peer. */
  trust (peer: string): void {
    this.trusted.set(peer, true)
  }

  isTrusted (peer: string): boolean {
    return this.trusted.has(peer)
  }

  /** From −100 and below (offences, and places of one network) to 37. */
  score (peer: string, nowMs: number): number {
    const sinceMs = this.since.get(peer)
    const { services, faults } = this.recordOf(peer, nowMs)
    const time = sinceMs === undefined ? 0 : Math.min(MAX_TIME_SCORE, Math.max(0, nowMs - sinceMs) / TIME_SCORE_MS)
    return time + services - faults + (this.isTrusted(peer) ? TRUSTED_SCORE : -this.colocation.costOf(peer))
  }

  private recordOf (peer: string, nowMs: number): { services: number, faults: number } {
    const record = this.records.get(peer)
    if (record === undefined) {
      return { services: 0, faults: 0 }
    }
    const elapsedMs = Math.max(0, nowMs - record.updatedMs)
    return {
      services: record.services * 2 ** (-elapsedMs / SERVICE_HALF_LIFE_MS),
      faults: record.faults * 2 ** (-elapsedMs / FAULT_HALF_LIFE_MS)
    }
  }

  private update (peer: string, more: { services: number, faults: number }, nowMs: number): void {
    const now = this.recordOf(peer, nowMs)
    this.records.set(peer, {
      services: Math.min(MAX_SERVICE_SCORE, now.services + more.services),
      faults: Math.min(MAX_FAULT_SCORE, now.faults + more.faults),
      updatedMs: nowMs
    })
  }
}
