/** The peers that this one dealt with, in two parts: a flood of strangers pushes out strangers, never those that are known. */
import { BoundedMap } from '@skein/core'
import { FAILURE_WEIGHT, faded, HALF_LIFE_MS, weightOf } from './evidence.ts'
import type { Standing } from './standing.ts'

/** A peer counts as known from this much evidence on, faded. */
const KNOWN_WEIGHT = 3

/** Services of one peer; at the bound the one without news for longest gives way. */
const MAX_SERVICES = 8

/** The part of the places that is for strangers. */
const STRANGER_SHARE = 0.25

export type Standings = Map<string, Standing>

export interface StandingBookInit {
  /** Most peers */
  maxPeers: number
  /** Told of each standing that had to make room */
  onForget: (peer: string, service: string) => void
}

export class StandingBook {
  private readonly known: BoundedMap<string, Standings>
  private readonly strange: BoundedMap<string, Standings>
  private readonly onForget: StandingBookInit['onForget']
  /** What all delivered: kept as a sum, as all of it fades alike */
  private sum = 0
  private sumMs = 0

  constructor ({ maxPeers, onForget }: StandingBookInit) {
    const strangers = Math.max(1, Math.floor(maxPeers * STRANGER_SHARE))
    const onEvict = (peer: string, standings: Standings): void => {
      this.sum = Math.max(0, this.sum - deliveredBy(standings, this.sumMs))
      for (const service of standings.keys()) {
        onForget(peer, service)
      }
    }
    this.known = new BoundedMap({ maxSize: Math.max(1, maxPeers - strangers), onEvict })
    this.strange = new BoundedMap({ maxSize: strangers, onEvict })
    this.onForget = onForget
  }

  get size (): number {
    return this.known.size + this.strange.size
  }

  of (peer: string): Standings | undefined {
    return this.known.get(peer) ?? this.strange.get(peer)
  }

  get (peer: string, service: string): Standing | undefined {
    return this.of(peer)?.get(service)
  }

  /** Puts a new standing, which is news of its peer. */
  set (peer: string, standing: Standing, nowMs: number): void {
    const standings = this.of(peer) ?? new Map<string, Standing>()
    this.sum = Math.max(0, this.deliveredByAll(nowMs) - deliveredBy(standings, this.sumMs))
    if (!standings.has(standing.service) && standings.size >= MAX_SERVICES) {
      const oldest = [...standings.values()].reduce((a, b) => a.evidence.atMs <= b.evidence.atMs ? a : b)
      standings.delete(oldest.service)
      this.onForget(peer, oldest.service)
    }
    standings.set(standing.service, standing)
    this.sum += deliveredBy(standings, this.sumMs)
    const isKnown = this.known.has(peer) || [...standings.values()].some(({ evidence }) => weightOf(evidence) >= KNOWN_WEIGHT)
    if (isKnown) {
      this.strange.delete(peer)
      this.known.set(peer, standings)
    } else {
      this.strange.set(peer, standings)
    }
  }

  /** How much `peer` has done for this one, over all services, less what it failed in: as far as that goes, its word counts. */
  delivered (peer: string, nowMs: number): number {
    return deliveredBy(this.of(peer) ?? new Map(), nowMs)
  }

  /** The same of all peers together. */
  deliveredByAll (nowMs: number): number {
    if (nowMs > this.sumMs) {
      this.sum *= 0.5 ** ((nowMs - this.sumMs) / HALF_LIFE_MS)
      this.sumMs = nowMs
    }
    return this.sum
  }

  * peers (): IterableIterator<string> {
    yield * this.known.keys()
    yield * this.strange.keys()
  }

  * entries (): IterableIterator<[peer: string, standing: Standing]> {
    for (const part of [this.known, this.strange]) {
      for (const [peer, standings] of part) {
        for (const standing of standings.values()) {
          yield [peer, standing]
        }
      }
    }
  }
}

function deliveredBy (standings: Standings, nowMs: number): number {
  let sum = 0
  for (const { evidence } of standings.values()) {
    const { good, bad } = faded(evidence, nowMs)
    sum += good - FAILURE_WEIGHT * bad
  }
  return Math.max(0, sum)
}
