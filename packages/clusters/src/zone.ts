/**
 * Zones: a region whose peers are far apart is divided by who is near which anchor. Anchors are super-nodes of the region that stand apart; a
 * coordinate alone would not do, as those of a system without landmarks turn and drift together.
 */
import { planeDistanceMs } from './network-coordinate.ts'
import type { Coordinate } from './network-coordinate.ts'

export interface ZoneAnchor {
  /** The name of its zone */
  name: string
  coordinate: Coordinate
}

export interface ZoneRules {
  /**
   * Anchors are at least so far apart, ms: a region across which everything is nearer is one zone.
   *
   * @default 20
   */
  separationMs?: number
  /**
   * Most zones of a region.
   *
   * @default 8
   */
  maxZones?: number
  /**
   * Another zone must be nearer by this share of the distance, and by `minGainMs`, before a peer moves there.
   *
   * @default 0.25
   */
  minGain?: number
  /** @default 5 */
  minGainMs?: number
}

/** The zone of a peer whose region has one zone, or that does not know yet where the others are. */
export const WHOLE_REGION = 'all'

/** Whether a zone may be named so. */
export function isZoneName (name: string): boolean {
  return /^[a-zA-Z0-9]{1,64}$/.test(name)
}

/**
 * The anchors of a region: candidates in the order given (that of `rendezvousOrder`), each that stands apart from those before it. Who knows the same
 * first candidates knows the same anchors, whatever else it knows.
 */
export function zoneAnchors (candidates: Iterable<ZoneAnchor>, { separationMs = 20, maxZones = 8 }: ZoneRules = {}): ZoneAnchor[] {
  const anchors: ZoneAnchor[] = []
  for (const candidate of candidates) {
    if (anchors.length >= maxZones) {
      break
    }
    if (anchors.every(anchor => planeDistanceMs(anchor.coordinate, candidate.coordinate) >= separationMs)) {
      anchors.push(candidate)
    }
  }
  return anchors
}

/**
 * The zone of a peer: that of the nearest anchor, or the one it is in while that is still an anchor and none is nearer by far. Where there are not
 * two anchors there is one zone, and its name does not depend on who the one anchor is.
 */
export function chooseZone (coordinate: Coordinate, anchors: ZoneAnchor[], current?: string, rules: ZoneRules = {}): string {
  const { minGain = 0.25, minGainMs = 5 } = rules
  const byDistance = anchors.map(anchor => ({ name: anchor.name, distanceMs: planeDistanceMs(coordinate, anchor.coordinate) }))
    .sort((a, b) => a.distanceMs - b.distanceMs || (a.name < b.name ? -1 : 1))
  const nearest = byDistance[0]
  const own = byDistance.find(({ name }) => name === current)
  if (nearest === undefined || byDistance.length < 2) {
    return WHOLE_REGION
  }
  const stays = own !== undefined && own.distanceMs - nearest.distanceMs < Math.max(minGainMs, minGain * own.distanceMs)
  return stays ? own.name : nearest.name
}
