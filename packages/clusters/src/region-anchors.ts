/**
 * The anchors of a region's zones, as one peer knows them: named by who coordinates the region, from those it knows there, and told downwards with
 * the leases of the parts.
 */
import { rendezvousOrder, seatEpoch } from './rendezvous.ts'
import { zoneAnchors } from './zone.ts'
import type { ZoneAnchor, ZoneRules } from './zone.ts'

export interface RegionAnchorsInit {
  region: string
  /** A region with no more peers is one zone: one cluster has room for all of them */
  maxPeers: number
  rules?: ZoneRules
}

/** What was told with a lease counts as long as leases live, and one more minute. */
const TOLD_LIFE_MS = 660_000
/** Coordinates drift together: where an anchor stood an hour ago says nothing. */
const SEEN_LIFE_MS = 3_600_000
/** Which place those coordinates came from: not told by anybody, told at the level of the cluster (0), above it, named by this peer. */
const UNTOLD = -1
const NAMED = Infinity

export class RegionAnchors {
  private readonly init: RegionAnchorsInit
  private anchors: ZoneAnchor[] = []
  private height = UNTOLD
  private toldMs = -Infinity
  /** When each was seen where it is said to stand, by name */
  private readonly seenMs = new Map<string, number>()

  constructor (init: RegionAnchorsInit) {
    this.init = init
  }

  get told (): ZoneAnchor[] {
    return this.anchors
  }

  /**
   * Who coordinates a part that this peer is in, so many levels above its cluster, told of these; those further up know better. Who tells of none may
   * not have heard of them: then those that are known hold for an hour. `true` when they are others than before.
   */
  onTold (height: number, anchors: readonly ZoneAnchor[], nowMs: number): boolean {
    const isLess = anchors.length === 0 && this.anchors.some(({ name }) => nowMs - (this.seenMs.get(name) ?? -Infinity) < SEEN_LIFE_MS)
    if (isLess || (height < this.height && nowMs - this.toldMs < TOLD_LIFE_MS)) {
      return false
    }
    anchors.forEach(({ name }) => { this.seenMs.set(name, nowMs) })
    return this.take(height, anchors, nowMs)
  }

  /**
   * This peer coordinates the region, which has so many peers, and knows where these of them stand. Anchors stay as long as somebody has seen them
   * lately; others follow in the order in which all would draw them. `true` when they are others than before.
   */
  onHeld (candidates: readonly ZoneAnchor[], peers: number, nowMs: number): boolean {
    const { region, maxPeers, rules } = this.init
    const isLarge = peers > (this.anchors.length > 1 ? maxPeers / 2 : maxPeers)
    const known = new Map(candidates.map(candidate => [candidate.name, candidate]))
    known.forEach((_, name) => { this.seenMs.set(name, nowMs) })
    const staying = this.anchors.map(anchor => known.get(anchor.name) ?? anchor)
      .filter(({ name }) => nowMs - (this.seenMs.get(name) ?? -Infinity) < SEEN_LIFE_MS)
    const others = rendezvousOrder([...known.keys()].map(peer => ({ peer, weight: 1 })), region, seatEpoch(nowMs))
      .flatMap(({ peer }) => known.get(peer) ?? [])
    const anchors = isLarge ? zoneAnchors([...staying, ...others], rules) : []
    // one anchor is as good as none
    return this.take(NAMED, anchors.length > 1 ? anchors : [], nowMs)
  }

  /** This peer coordinates the region no more: it hears from others again. */
  onReleased (): void {
    if (this.height === NAMED) {
      this.height = UNTOLD
    }
  }

  private take (height: number, anchors: readonly ZoneAnchor[], nowMs: number): boolean {
    const before = this.anchors
    this.height = height
    this.toldMs = nowMs
    this.anchors = [...anchors]
    for (const name of this.seenMs.keys()) {
      if (!anchors.some(anchor => anchor.name === name)) {
        this.seenMs.delete(name)
      }
    }
    return JSON.stringify(before) !== JSON.stringify(this.anchors)
  }
}
