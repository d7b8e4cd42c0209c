/**
 * A peer of a cluster: it says once that it is there, knows the other members and who coordinates them, tells that one its loads and asks it where
 * there is capacity; and where its turn comes it coordinates. All without I/O.
 */
import { randomFloat } from '@skein/core'
import { ClusterChoice, MOVED_LIFE_MS } from './cluster-choice.ts'
import { decodeAnswer, decodeMessage, encodeMessage } from './cluster-message.ts'
import { ClusterMessageError, decodeNotice, MAX_TOLD_PARTS } from './cluster-notice.ts'
import { ClusterLookout } from './cluster-lookout.ts'
import { MAX_CLUSTER_PEERS, MIN_CLUSTER_PEERS } from './cluster-depth.ts'
import { clusterTopic, CoordinatorLadder } from './coordinator-ladder.ts'
import { clusterPoint, prefixOf } from './cluster-point.ts'
import { LoadTable } from './load-table.ts'
import { LoadTeller } from './load-teller.ts'
import { PartLevel } from './part-level.ts'
import { RegionAnchors } from './region-anchors.ts'
import { scopeName, zonePart } from './scope.ts'
import { WHOLE_REGION } from './zone.ts'
import type { ToldPart } from './cluster-census.ts'
import type { ClusterBounds } from './cluster-depth.ts'
import type { ClusterAnswer, ClusterMessage, MembersAnswer } from './cluster-message.ts'
import type { ClusterEffect } from './cluster-effect.ts'
import type { LeaseNotice, Notice } from './cluster-notice.ts'
import type { RegionAnswer } from './digest-exchange.ts'
import type { ModelLoad } from './load-table.ts'
import type { RegionCapacity } from './region-capacity.ts'
import type { WeighClaim } from './rendezvous.ts'
import type { ZoneAnchor } from './zone.ts'
import type { Machine, Random, TopicVerdict } from '@skein/core'

export interface ClusterMemberInit {
  self: string
  region: string
  /** @default 'all' */
  zone?: string
  bounds?: ClusterBounds
  /**
   * How much load this peer could carry as a coordinator; 0: it never is one.
   *
   * @default 0
   */
  weight?: number
  /**
   * What the weight that another peer claims is worth: one that is known to fail should weigh little, so that it comes last in line. Views may
   * differ: who weighs otherwise follows another, and both are told all there is.
   *
   * @default what it claims
   */
  weigh?: WeighClaim
  /**
   * Peers of the region, and where they stand: of them zones are named, should this peer coordinate the region.
   *
   * @default none: then it names none
   */
  standing?: () => ZoneAnchor[]
}

/** In that time digests have come from all parts of a region. */
const REGION_KNOWN_MS = 360_000
/** Between the choice of a zone and the move to it, at least; twice as long at most. */
const ZONE_STAY_MS = 30_000

export class ClusterMember implements Machine<ClusterEffect> {
  private readonly self: string
  private readonly region: string
  private readonly bounds: ClusterBounds
  private readonly random: Random
  private readonly effects: ClusterEffect[] = []
  private readonly connected = new Set<string>()
  private readonly ladder: CoordinatorLadder
  private readonly teller: LoadTeller
  private readonly loadTable = new LoadTable()
  private lookout: ClusterLookout
  private zone: string
  private weight: number
  private models: readonly ModelLoad[] = []
  private addresses: string[] = []
  private choice: ClusterChoice
  private level: PartLevel
  private seenCoordinator?: string
  private readonly standing: () => ZoneAnchor[]
  private readonly weigh: WeighClaim | undefined
  private readonly anchors: RegionAnchors
  private isAnchorNewsOwed = false
  private nextZone?: { zone: string, atMs: number }

  constructor (init: ClusterMemberInit, random: Random, nowMs: number) {
    this.self = init.self
    this.region = init.region
    this.zone = init.zone ?? WHOLE_REGION
    this.bounds = init.bounds ?? {}
    this.weight = init.weight ?? 0
    this.random = random
    this.standing = init.standing ?? (() => [])
    this.weigh = init.weigh
    this.anchors = new RegionAnchors({ region: init.region, maxPeers: this.bounds.maxPeers ?? MAX_CLUSTER_PEERS })
    const emit = (effect: ClusterEffect): void => { this.effects.push(effect) }
    const tell = (atMs: number): ReturnType<ClusterMember['tell']> => this.tell(atMs)
    this.ladder = new CoordinatorLadder({
      self: this.self,
      weigh: init.weigh,
      random,
      emit,
      tell,
      ownAddresses: () => this.addresses,
      isConnected: peer => this.connected.has(peer),
      capacity: atMs => this.capacity(atMs),
      onLease: (height, notice, atMs) => { this.hearAnchors(height, notice.anchors, atMs) }
    })
    this.teller = new LoadTeller({
      random,
      send: (peer, bytes, atMs) => { this.sendLoad(peer, bytes, atMs) },
      onUnreachable: (peer, atMs) => { this.level.onUnreachable(peer, atMs) }
    })
    this.choice = this.newChoice(nowMs)
    this.lookout = this.newLookout(nowMs)
    this.level = this.newLevel(nowMs)
    this.settle(nowMs)
  }

  /** The name of its cluster. */
  get scope (): string {
    return this.level.scope
  }

  get depth (): number {
    return this.choice.depth
  }

  /** Members of its cluster that it knows, itself included. */
  get memberCount (): number {
    return this.level.table.size
  }

  /** It knows who is in its cluster. */
  get isSettled (): boolean {
    return this.level.isListed
  }

  get coordinator (): string | undefined {
    return this.level.coordinator
  }

  get coordinatorAddresses (): string[] {
    const { coordinator } = this
    return coordinator === undefined ? [] : this.level.addressesOf(coordinator)
  }

  /** The anchors of the region's zones, as far as they were told; none where the region is one zone. */
  get zoneAnchors (): ZoneAnchor[] {
    return this.anchors.told
  }

  /** The parts that it coordinates, its cluster first. */
  get held (): string[] {
    return this.ladder.held
  }

  get topics (): string[] {
    return this.levels.map(({ topic }) => topic)
  }

  hasMember (peer: string): boolean {
    return this.level.table.has(peer)
  }

  /** Where there is capacity for a model, if this peer coordinates its cluster; `undefined` when another has to be asked. */
  where (model: string, nowMs: number): RegionAnswer[] | undefined {
    return this.ladder.where(this.level, model, nowMs)
  }

  /** It is nearest to another anchor now. It stays for a moment, so that those whom it coordinates have heard of the anchors when it goes. */
  onZone (zone: string, nowMs: number): void {
    if (zone === this.zone) {
      this.nextZone = undefined
    } else if (zone !== this.nextZone?.zone) {
      this.nextZone = { zone, atMs: nowMs + ZONE_STAY_MS * (1 + randomFloat(this.random)) }
    }
  }

  private moveToZone (nowMs: number): void {
    const { nextZone } = this
    if (nextZone !== undefined && nextZone.atMs <= nowMs) {
      this.nextZone = undefined
      this.zone = nextZone.zone
      this.leaveLevels(nowMs)
      this.loadTable.retain(() => false)
      this.choice = this.newChoice(nowMs)
      this.lookout = this.newLookout(nowMs)
      this.enterCluster(nowMs)
    }
  }

  /** The depths that connected peers of the same zone have. */
  onClaims (depths: readonly number[], nowMs: number): void {
    this.choice.onClaims(depths, nowMs)
    this.settle(nowMs)
  }

  onLoads (models: readonly ModelLoad[], nowMs: number): void {
    this.models = models
    this.teller.onLoads(models, this.weight > 0, nowMs)
  }

  onWeight (weight: number, nowMs: number): void {
    this.weight = weight
    this.teller.onLoads(this.models, weight > 0, nowMs)
    this.levels.forEach(level => { level.onWeight(weight, nowMs) })
    this.settle(nowMs)
  }

  /** Where this peer can be dialled. */
  onAddresses (addresses: readonly string[]): void {
    this.addresses = [...addresses]
  }

  onConnected (peer: string): void {
    this.connected.add(peer)
    this.levels.forEach(level => { level.onHeard(peer) })
  }

  onDisconnected (peer: string, nowMs: number): void {
    this.connected.delete(peer)
    this.levels.forEach(level => { level.onDisconnected(peer, nowMs) })
  }

  onProbed (peer: string, reachable: boolean, nowMs: number): void {
    this.levels.forEach(level => { level.onProbed(peer, reachable, nowMs) })
    this.settle(nowMs)
  }

  /** Connected peers that have joined a topic too. */
  onSubscribers (topic: string, peers: readonly string[], nowMs: number): void {
    this.levelOf(topic)?.onSubscribers(peers, nowMs)
    this.settle(nowMs)
  }

  onFound (scope: string, peer: string, addresses: string[], nowMs: number): void {
    const level = this.levels.find(one => one.scope === scope)
    if (level !== undefined) {
      level.onFound(peer, addresses, nowMs)
    } else if (scope === this.lookout.scope && peer !== this.self && this.lookout.isAsking(nowMs)) {
      const { topic } = this.level
      this.effects.push({ type: 'ask', peer, addresses, bytes: encodeMessage({ type: 'members', topic }), topic })
    }
  }

  onSought (scope: string, nowMs: number): void {
    this.levels.find(level => level.scope === scope)?.onSought(nowMs)
    this.settle(nowMs)
  }

  /** Whether a notice in a topic is to be passed on, before `onNotice`. */
  verdict (topic: string, from: string, bytes: Uint8Array, nowMs: number): TopicVerdict {
    const notice = readNotice(bytes)
    return notice === undefined ? 'reject' : this.levelOf(topic)?.verdict(from, notice, nowMs) ?? 'ignore'
  }

  /** A notice of which `verdict` was to accept it. */
  onNotice (topic: string, from: string, bytes: Uint8Array, nowMs: number): void {
    const notice = readNotice(bytes)
    if (notice !== undefined && from !== this.self) {
      this.levelOf(topic)?.onNotice(from, notice, nowMs)
      this.settle(nowMs)
    }
  }

  /** A message over a stream of that peer. What it is to be answered, where it is a question. */
  onMessage (from: string, bytes: Uint8Array, nowMs: number): ClusterAnswer | undefined {
    try {
      const answer = this.take(from, decodeMessage(bytes), nowMs)
      this.settle(nowMs)
      return answer
    } catch (error) {
      if (!(error instanceof ClusterMessageError)) {
        throw error
      }
      this.effects.push({ type: 'penalize', peer: from, reason: 'malformed' })
      return undefined
    }
  }

  /** What came back for an `ask`. */
  onAnswer (peer: string, topic: string, bytes: Uint8Array, nowMs: number): void {
    try {
      const answer = decodeAnswer(bytes)
      if (answer.type === 'members') {
        this.takeMembers(peer, topic, answer.answer, nowMs)
      }
      this.settle(nowMs)
    } catch (error) {
      if (!(error instanceof ClusterMessageError)) {
        throw error
      }
      this.effects.push({ type: 'penalize', peer, reason: 'malformed' })
      this.onAskFailed(peer, topic, nowMs)
    }
  }

  onAskFailed (peer: string, topic: string, nowMs: number): void {
    this.levelOf(topic)?.onAskFailed(peer, nowMs)
    this.settle(nowMs)
  }

  /** A `send` did not arrive, or who was to be asked did not answer. */
  onUnreachable (peer: string, nowMs: number): void {
    if (peer === this.level.coordinator) {
      this.teller.onSendFailed(peer, nowMs)
    } else {
      this.levels.forEach(level => { level.onUnreachable(peer, nowMs) })
    }
    this.settle(nowMs)
  }

  /** It leaves the network: what it coordinates goes to others at once. */
  onLeave (nowMs: number): void {
    this.leaveLevels(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.moveToZone(nowMs)
    this.level.onTimeout(nowMs)
    this.teller.onTimeout(nowMs)
    this.ladder.onTimeout(nowMs)
    this.lookout.onTimeout(this.isLost, nowMs)
    this.settle(nowMs)
  }

  poll (): ClusterEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const { level, teller, ladder, choice, lookout } = this
    const next = Math.min(this.nextZone?.atMs ?? Infinity, ...[level, teller, ladder, choice, lookout].map(one => one.nextTimeoutMs()))
    return next === Infinity ? undefined : next
  }

  private get levels (): PartLevel[] {
    return [this.level, ...this.ladder.levels]
  }

  private levelOf (topic: string): PartLevel | undefined {
    return this.levels.find(level => level.topic === topic)
  }

  private take (from: string, message: ClusterMessage, nowMs: number): ClusterAnswer | undefined {
    switch (message.type) {
      case 'heartbeat': {
        const { scope, term, expiresAtMs, more } = message
        this.levels.find(level => level.scope === scope)?.onHeartbeat({ holder: from, term, expiresAtMs }, more, nowMs)
        return undefined
      }
      case 'digest':
        this.ladder.onDigest(from, message.bytes, nowMs)
        return undefined
      case 'load':
        if (prefixOf(clusterPoint(from), this.depth) === prefixOf(this.choice.point, this.depth)) {
          this.level.onHeard(from)
          this.loadTable.onLoad(from, message.seq, message.models, nowMs)
        }
        return undefined
      case 'push':
        this.levelOf(message.answer.topic ?? '')?.onPush(message.answer, nowMs)
        return undefined
      case 'members':
        return { type: 'members', answer: this.levelOf(message.topic)?.answer(message.buckets, nowMs) ?? this.hintFor(from, nowMs) }
      case 'where':
        return { type: 'where', regions: this.where(message.model, nowMs) }
    }
  }

  private takeMembers (peer: string, topic: string, answer: MembersAnswer, nowMs: number): void {
    if (answer.topic === topic) {
      this.levelOf(topic)?.onAnswer(peer, answer, nowMs)
      return
    }
    this.levelOf(topic)?.onAskFailed(peer, nowMs)
    const part = answer.cluster === undefined ? undefined : zonePart(answer.cluster)
    if (topic === this.level.topic && part?.zone === this.zone && answer.cluster?.startsWith(`${this.region}/`) === true) {
      this.choice.onHint(part.depth, nowMs)
      if (this.isLost && (answer.parts?.length ?? 0) > 0) {
        this.choice.onTold(answer.parts ?? [], nowMs)
        this.level.onNews(nowMs)
      }
    }
  }

  /** Where a peer belongs that asked for a cluster which this one is not in. */
  private hintFor (peer: string, nowMs: number): MembersAnswer {
    const point = clusterPoint(peer)
    const parts = this.knownParts(nowMs)
    const around = parts.filter(({ prefix, depth }) => prefixOf(point, depth) === prefix)
    const depth = around.length === 0 ? this.depth : Math.max(...around.map(part => part.depth))
    return { members: [], near: [], holders: [], cluster: scopeName(this.region, this.zone, prefixOf(point, depth), depth), parts }
  }

  /** What follows: it moves, tells another coordinator, coordinates more or less. */
  private settle (nowMs: number): void {
    if (this.choice.nextTimeoutMs() <= nowMs) {
      this.choice.onTold(this.ladder.parts(), nowMs)
    }
    const depth = this.choice.decide(this.level.table, this.level.isListed, this.isLost, nowMs)
    if (depth !== undefined) {
      this.move(depth, nowMs)
    }
    this.ladder.settle(this.level, this.weight, nowMs)
    if (!this.held.includes(this.region)) {
      this.anchors.onReleased()
    }
    if (this.isAnchorNewsOwed) {
      this.isAnchorNewsOwed = false
      this.levels.forEach(level => { level.onNews(nowMs) })
    }
    if (this.level.coordinator !== this.seenCoordinator) {
      this.seenCoordinator = this.level.coordinator
      this.teller.onCoordinator(this.seenCoordinator, nowMs)
    }
  }

  private move (depth: number, nowMs: number): void {
    const { level, choice } = this
    const isKnown = level.isListed && depth > choice.depth
    const prefix = prefixOf(choice.point, depth)
    const moved = level.former(nowMs, MOVED_LIFE_MS)
      .filter(({ peer, movedTo }) => movedTo === depth && prefixOf(clusterPoint(peer), depth) === prefix)
      .map(({ peer, seq, weight }) => ({ peer, seq: seq - 1, weight }))
    this.leaveLevels(nowMs, depth)
    choice.onMoved(level.table, depth, nowMs)
    this.loadTable.retain(peer => prefixOf(clusterPoint(peer), depth) === prefix)
    this.enterCluster(nowMs)
    this.level.onMoved(moved, isKnown, nowMs)
  }

  private leaveLevels (nowMs: number, movedTo?: number): void {
    this.ladder.leave(nowMs)
    this.level.leave(nowMs, movedTo)
  }

  private enterCluster (nowMs: number): void {
    this.level = this.newLevel(nowMs)
    this.settle(nowMs)
  }

  private newChoice (nowMs: number): ClusterChoice {
    const { self, region, zone, bounds, random } = this
    return new ClusterChoice({ self, region, zone, bounds, random }, nowMs)
  }

  private newLookout (nowMs: number): ClusterLookout {
    const { random, region, zone } = this
    return new ClusterLookout({ scope: scopeName(region, zone), random, emit: effect => { this.effects.push(effect) } }, nowMs)
  }

  /** Nobody coordinates its cluster, or that is too small: it may be where others have been. */
  private get isLost (): boolean {
    const { minPeers = MIN_CLUSTER_PEERS } = this.bounds
    return this.level.coordinator === undefined || this.level.table.size < minPeers || this.ladder.hasRival(this.level)
  }

  private newLevel (nowMs: number): PartLevel {
    const { scope, depth, point } = this.choice
    this.effects.push({ type: 'cluster', scope })
    return new PartLevel({
      self: this.self,
      scope,
      topic: clusterTopic(scope),
      weight: this.weight,
      weigh: this.weigh,
      random: this.random,
      emit: effect => { this.effects.push(effect) },
      belongs: peer => prefixOf(clusterPoint(peer), depth) === prefixOf(point, depth),
      tell: atMs => this.tell(atMs),
      ownAddresses: () => this.addresses,
      isConnected: peer => this.connected.has(peer),
      onLease: (holder, notice, atMs) => {
        this.choice.onTold(notice.parts, atMs)
        if (holder === this.level.coordinator) {
          this.hearAnchors(0, notice.anchors, atMs)
        }
      },
      onLeft: peer => { this.loadTable.onPeerLeft(peer) }
    }, nowMs)
  }

  private tell (nowMs: number): Pick<LeaseNotice, 'parts' | 'anchors'> {
    const { ladder, anchors, region } = this
    const regionPeers = ladder.peersOf(region, nowMs)
    // who has it only now has not heard yet how large it is, and goes on with the anchors that it was told of
    const isKnown = nowMs - (ladder.heldSinceMs(region) ?? Infinity) >= REGION_KNOWN_MS
    if (regionPeers !== undefined && isKnown && anchors.onHeld(this.standing(), regionPeers, nowMs)) {
      this.onAnchorsChanged()
    }
    return { parts: this.knownParts(nowMs).slice(0, MAX_TOLD_PARTS), anchors: anchors.told }
  }

  private hearAnchors (height: number, told: readonly ZoneAnchor[], nowMs: number): void {
    if (this.anchors.onTold(height, told, nowMs)) {
      this.onAnchorsChanged()
    }
  }

  /** Those of the parts that this peer coordinates hear of it. */
  private onAnchorsChanged (): void {
    this.isAnchorNewsOwed = true
    this.effects.push({ type: 'anchors', anchors: this.anchors.told })
  }

  /** As far as this peer coordinates, and was told; those nearest to it first. */
  private knownParts (nowMs: number): ToldPart[] {
    const parts = new Map([...this.choice.parts(nowMs), ...this.ladder.parts()].map(part => [`${part.depth} ${part.prefix}`, part]))
    return [...parts.values()].sort((a, b) => commonBits(b, this.choice.point) - commonBits(a, this.choice.point))
  }

  private capacity (nowMs: number): RegionCapacity {
    const { models, peers } = this.loadTable.capacity(nowMs)
    return { peers: Math.max(peers, this.memberCount), models }
  }

  private sendLoad (peer: string, bytes: Uint8Array, nowMs: number): void {
    if (peer === this.self) {
      const message = decodeMessage(bytes)
      if (message.type === 'load') {
        this.loadTable.onLoad(this.self, message.seq, message.models, nowMs)
      }
    } else {
      this.effects.push({ type: 'send', peer, addresses: this.level.addressesOf(peer), bytes })
    }
  }
}

/** How many bits of a part's prefix are those of a point. */
function commonBits ({ prefix, depth }: ToldPart, point: number): number {
  const differing = (prefixOf(point, depth) ^ prefix) >>> 0
  return differing === 0 ? depth : depth - (32 - Math.clz32(differing))
}

function readNotice (bytes: Uint8Array): Notice | undefined {
  try {
    return decodeNotice(bytes)
  } catch (error) {
    if (!(error instanceof ClusterMessageError)) {
      throw error
    }
    return undefined
  }
}
