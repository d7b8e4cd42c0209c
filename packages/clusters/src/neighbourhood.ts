/**
 * What a peer learns from those it is connected to: how far away they are, where it stands itself, which zone it belongs to, and how the clusters
 * around it are divided. It greets them one after the other; a greeting and its answer bring what each says of itself, and a round trip.
 */
import { BoundedMap, TokenBucket } from '@skein/core'
import { isGreeting } from './greeting.ts'
import { GreetingRound } from './greeting-round.ts'
import { isCoordinate, NetworkCoordinate, predictRoundTripMs } from './network-coordinate.ts'
import { NeighbourClaims } from './neighbour-claims.ts'
import { newNeighbourhoodCounters } from './neighbourhood-counters.ts'
import { RoundTripTable } from './round-trip-table.ts'
import { StableCoordinate } from './stable-coordinate.ts'
import { chooseZone, isZoneName, WHOLE_REGION } from './zone.ts'
import type { Greeting } from './greeting.ts'
import type { GreetingRoundInit } from './greeting-round.ts'
import type { Coordinate, NetworkCoordinateInit } from './network-coordinate.ts'
import type { NeighbourClaimsInit } from './neighbour-claims.ts'
import type { NeighbourhoodCounters } from './neighbourhood-counters.ts'
import type { MeasuredTrip, RoundTripTableInit } from './round-trip-table.ts'
import type { StableCoordinateInit } from './stable-coordinate.ts'
import type { ZoneAnchor, ZoneRules } from './zone.ts'
import type { Machine, Random } from '@skein/core'

/**
 * - `greet`: greet this peer, and say what came of it: `onAnswer` or `onGreetFailed`
 * - `answer`: answer the greeting of this peer
 * - `refuse`: do not: it asks too often, too many do, or it says what cannot be
 * - `moved`: the coordinate that is told to others has changed
 * - `zone`: this peer belongs to another zone now
 * - `claims`: what the neighbours say of their clusters has changed
 * - `penalize`: this peer sent what no honest peer sends
 */
export type NeighbourhoodEffect =
  | { type: 'greet', peer: string, greeting: Greeting }
  | { type: 'answer', peer: string, greeting: Greeting }
  | { type: 'refuse', peer: string }
  | { type: 'moved', coordinate: Coordinate }
  | { type: 'zone', zone: string }
  | { type: 'claims' }
  | { type: 'penalize', peer: string, reason: 'malformed' }

export interface NeighbourhoodInit extends GreetingRoundInit, NeighbourClaimsInit, RoundTripTableInit {
  maxNeighbours?: number
  /** Short name of the region this peer is in; empty when it is in none */
  region: string
  coordinate?: NetworkCoordinateInit
  stable?: StableCoordinateInit
  zone?: ZoneRules
  /**
   * Samples after which the coordinate counts as settled, and greetings become rare. With 64, of 300 peers that all start at once and have 24
   * neighbours each, some are on the wrong side of a region for ten minutes; with 128, none after five.
   *
   * @default 128
   */
  settleSamples?: number
  /**
   * It counts as settled after this time too, ms: who has one neighbour would be greeting it for ever.
   *
   * @default 600_000
   */
  maxSettlingMs?: number
}

/** Samples before a zone is chosen or a round trip predicted: with fewer, the coordinate may be anywhere. */
const ENOUGH_SAMPLES = 64
/** Answers to all together: what one core has for it, with 4,000 neighbours that ask once in 30 s well within it. */
const ANSWERS_PER_SECOND = 200
const MAX_ASKED = 4096
const MAX_ANCHORS = 8

export class Neighbourhood implements Machine<NeighbourhoodEffect> {
  readonly counters: NeighbourhoodCounters = newNeighbourhoodCounters()
  private readonly init: Required<Pick<NeighbourhoodInit, 'region' | 'settleSamples' | 'maxSettlingMs'>>
  private readonly zoneRules: ZoneRules
  private readonly effects: NeighbourhoodEffect[] = []
  private readonly round: GreetingRound
  private readonly network: NetworkCoordinate
  private readonly stable: StableCoordinate
  private readonly heard: NeighbourClaims
  private readonly trips: RoundTripTable
  private readonly answers: TokenBucket
  private readonly leastAnswerMs: number
  private readonly answeredMs = new BoundedMap<string, number>({ maxSize: MAX_ASKED })
  private anchors: ZoneAnchor[] = []
  private own: { depth: number, coordinator?: string } = { depth: 0 }
  private zoneName = WHOLE_REGION
  private samples = 0
  private firstMs?: number

  constructor (init: NeighbourhoodInit, random: Random, nowMs: number) {
    this.init = {
      region: init.region,
      settleSamples: init.settleSamples ?? 128,
      maxSettlingMs: init.maxSettlingMs ?? 600_000
    }
    this.zoneRules = init.zone ?? {}
    this.round = new GreetingRound(init, random)
    this.network = new NetworkCoordinate({ maxNeighbours: init.maxNeighbours, ...init.coordinate }, random)
    this.stable = new StableCoordinate(init.stable)
    this.heard = new NeighbourClaims(init)
    this.trips = new RoundTripTable(init)
    // half the time after which it may ask again, as the network may bring two greetings nearer to each other
    this.leastAnswerMs = (init.minGreetMs ?? 5000) / 2
    this.answers = new TokenBucket({ ratePerSecond: ANSWERS_PER_SECOND, burst: 2 * ANSWERS_PER_SECOND }, nowMs)
    if (!isGreeting(this.greeting)) {
      throw new RangeError(`Not the name of a region: ${JSON.stringify(init.region)}. It has small letters, digits and hyphens, 32 at most`)
    }
  }

  /** Where this peer stands, as it is told to others: it changes only when the peer has really gone elsewhere. */
  get coordinate (): Coordinate {
    const now = this.network.coordinate
    return { ...this.stable.coordinate ?? now, error: now.error }
  }

  get zone (): string {
    return this.zoneName
  }

  /** Neighbours that are greeted. */
  get neighbours (): number {
    return this.round.size
  }

  /**
   * What this peer tells of itself. The coordinate is the one that moves, not the one that stays: neighbours that steered by where this peer was
   * would need about twice as long to find their places.
   */
  get greeting (): Greeting {
    return { coordinate: this.network.coordinate, region: this.init.region, zone: this.zoneName, ...this.own }
  }

  /** The depths that neighbours in a zone say their clusters have: what `clusterDepth` wants. */
  claims (region: string, zone: string, nowMs: number): number[] {
    return this.heard.depths(region, zone, nowMs)
  }

  /** Where peers of this region stand that this one knows, by name, itself first: of them anchors of zones are chosen. */
  standing (self: string, nowMs: number): ZoneAnchor[] {
    const own = this.samples < ENOUGH_SAMPLES ? [] : [{ name: self, coordinate: this.coordinate }]
    return [...own, ...this.heard.standing(this.init.region, nowMs)]
  }

  /** Who coordinates a cluster, as neighbours in it say: the one that most say first. */
  coordinators (scope: string, nowMs: number): string[] {
    return this.heard.coordinators(scope, nowMs)
  }

  /** The round trip to a peer as it was measured, a low one of the last four, ms. */
  roundTripMs (peer: string, nowMs: number): number | undefined {
    return this.trips.roundTripMs(peer, nowMs)
  }

  /** The round trip to who stands there, ms; `undefined` while this peer does not know where it stands itself. */
  predictRoundTripMs (coordinate: Coordinate): number | undefined {
    return this.samples < ENOUGH_SAMPLES || !isCoordinate(coordinate) ? undefined : predictRoundTripMs(this.network.coordinate, coordinate)
  }

  /** A peer that speaks the protocol is connected, not through a limited relay. */
  onConnected (peer: string, nowMs: number): void {
    if (this.round.add(peer)) {
      this.firstMs ??= nowMs
    }
    this.settle(nowMs)
  }

  /** What it said goes with it, so that nobody has more voices than connections. */
  onDisconnected (peer: string, nowMs: number): void {
    this.round.remove(peer)
    if (this.heard.forget(peer)) {
      this.effects.push({ type: 'claims' })
    }
    this.settle(nowMs)
  }

  /** All connections are gone, or nobody looks after them any more; what was learned of this peer itself stays. */
  onStopped (): void {
    this.round.clear()
    this.heard.clear()
    this.effects.length = 0
  }

  /** The cluster of this peer, and who coordinates it. @throws {RangeError} when there is none of such a depth */
  onCluster (cluster: { depth: number, coordinator?: string }): void {
    if (!isGreeting({ ...this.greeting, ...cluster })) {
      throw new RangeError(`No cluster has a depth of ${cluster.depth}`)
    }
    this.own = { ...cluster }
  }

  /** The anchors of this peer's region, from its coordinator. Those that are none are passed over; beyond 8, too. */
  onAnchors (anchors: Iterable<ZoneAnchor>): void {
    const taken = new Map<string, ZoneAnchor>()
    for (const anchor of anchors) {
      if (taken.size >= MAX_ANCHORS) {
        break
      }
      if (isZoneName(anchor.name) && anchor.name !== WHOLE_REGION && isCoordinate(anchor.coordinate)) {
        taken.set(anchor.name, anchor)
      }
    }
    this.anchors = [...taken.values()]
    this.chooseZone()
  }

  /** A peer greets this one. */
  onGreeting (peer: string, greeting: Greeting, nowMs: number): void {
    this.counters.greetings_received_total++
    const early = nowMs - (this.answeredMs.get(peer) ?? -Infinity) < this.leastAnswerMs
    if (early || !this.answers.take(1, nowMs)) {
      this.counters.greetings_refused_total++
      this.effects.push({ type: 'refuse', peer })
      return
    }
    this.answeredMs.set(peer, nowMs)
    this.effects.push(this.listen(peer, greeting, nowMs) ? { type: 'answer', peer, greeting: this.greeting } : { type: 'refuse', peer })
  }

  /** A peer that was greeted answered. */
  onAnswer (peer: string, greeting: Greeting, trip: MeasuredTrip, nowMs: number): void {
    if (!this.round.isUnderWay(peer)) {
      return
    }
    const sound = this.listen(peer, greeting, nowMs)
    this.round.onEnded(peer, sound, nowMs)
    if (sound) {
      this.counters.greetings_answered_total++
      this.measure(peer, greeting.coordinate, trip, nowMs)
    } else {
      this.counters.greetings_failed_total++
    }
    this.settle(nowMs)
  }

  onGreetFailed (peer: string, nowMs: number): void {
    this.counters.greetings_failed_total++
    this.round.onEnded(peer, false, nowMs)
    this.settle(nowMs)
  }

  /** A peer sent what cannot be read. */
  onMalformed (peer: string): void {
    this.penalize(peer)
  }

  onTimeout (nowMs: number): void {
    this.settle(nowMs)
  }

  poll (): NeighbourhoodEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const atMs = this.round.nextAtMs()
    return atMs === Infinity ? undefined : Math.max(atMs, this.firstMs ?? 0)
  }

  private settle (nowMs: number): void {
    if (this.heard.expire(nowMs)) {
      this.effects.push({ type: 'claims' })
    }
    const settling = this.samples < this.init.settleSamples && nowMs - (this.firstMs ?? nowMs) < this.init.maxSettlingMs
    const peer = this.round.next(settling, nowMs)
    if (peer !== undefined) {
      this.counters.greetings_sent_total++
      this.effects.push({ type: 'greet', peer, greeting: this.greeting })
    }
  }

  /** Notes what a neighbour says. `false` when it cannot be. */
  private listen (peer: string, greeting: Greeting, nowMs: number): boolean {
    if (!isGreeting(greeting)) {
      this.penalize(peer)
      return false
    }
    if (this.round.has(peer) && this.heard.onGreeting(peer, greeting, nowMs)) {
      this.effects.push({ type: 'claims' })
    }
    return true
  }

  private measure (peer: string, remote: Coordinate, trip: MeasuredTrip, nowMs: number): void {
    const { roundTripMs, relayed } = trip
    if (!(roundTripMs >= 0 && roundTripMs < Infinity)) {
      return
    }
    this.trips.onMeasured(peer, trip, nowMs)
    if (relayed) {
      return
    }
    const result = this.network.onSample(peer, remote, roundTripMs, nowMs)
    this.counters.samples_total[result]++
    if (result !== 'moved') {
      return
    }
    this.samples++
    if (this.stable.onMoved(this.network.coordinate, this.trips.nearestMs(nowMs))) {
      this.effects.push({ type: 'moved', coordinate: this.coordinate })
    }
    this.chooseZone()
  }

  private chooseZone (): void {
    const zone = this.samples < ENOUGH_SAMPLES ? this.zoneName : chooseZone(this.coordinate, this.anchors, this.zoneName, this.zoneRules)
    if (zone !== this.zoneName) {
      this.zoneName = zone
      this.counters.zone_changes_total++
      this.effects.push({ type: 'zone', zone })
    }
  }

  private penalize (peer: string): void {
    this.counters.offences_total.malformed++
    this.effects.push({ type: 'penalize', peer, reason: 'malformed' })
  }
}
