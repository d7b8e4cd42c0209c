/**
 * One peer in one topic: that of its cluster, or that of the coordinators of the parts of a larger part. It knows the members, and who of them has
 * the seat. The topic of those that coordinate regions has no seat.
 */
import { BoundedMap, randomFloat, TokenBucket } from '@skein/core'
import { encodeMessage } from './cluster-message.ts'
import { encodeNotice } from './cluster-notice.ts'
import { CoordinatorSeat } from './coordinator-seat.ts'
import { MemberTable } from './member-table.ts'
import { PresenceWatch } from './presence-watch.ts'
import { TopicAttachment } from './topic-attachment.ts'
import type { MembersAnswer, ToldHolder } from './cluster-message.ts'
import type { LeaseNotice, Notice } from './cluster-notice.ts'
import type { EmitClusterEffect } from './cluster-effect.ts'
import type { Lease, SeatEffect } from './coordinator-seat.ts'
import type { FormerMember, Member } from './member-table.ts'
import type { SeatCandidate, WeighClaim } from './rendezvous.ts'
import type { Random, TopicVerdict } from '@skein/core'

export interface PartLevelInit {
  self: string
  /** The part whose members, or the coordinators of whose parts, meet; empty for the whole network */
  scope: string
  topic: string
  /** The part that this peer coordinates, and why it is here */
  ownScope?: string
  weight: number
  /** What the weight that another peer claims is worth */
  weigh?: WeighClaim
  random: Random
  emit: EmitClusterEffect
  isConnected: (peer: string) => boolean
  /** Whether such a peer belongs here */
  belongs: (peer: string, scope: string | undefined) => boolean
  /** Where this peer can be dialled */
  ownAddresses: () => string[]
  /** What who has the seat says besides */
  tell: (nowMs: number) => Pick<LeaseNotice, 'parts' | 'anchors'>
  onLease?: (holder: string, notice: LeaseNotice, nowMs: number) => void
  onLeft?: (peer: string) => void
}

/** Notices of one peer: so many at once, and one in so many seconds. */
const NOTICES_AT_ONCE = 8
const SECONDS_PER_NOTICE = 10
const MAX_PUBLISHERS = 1024
/** Clocks may differ by so much. */
const CLOCK_SKEW_S = 120
/** Who hears of its own end answers at most so often. */
const DENIAL_PAUSE_MS = 60_000
/** GossipSub makes its mesh within one heartbeat. */
const PRESENCE_AFTER_MS = 500
const PRESENCE_SPREAD_MS = 1000
const LINE_CHECK_MS = 20_000
/** Within this who has the seat has announced it, or one of the others is asked. */
const FIRST_LINE_CHECK_MS = 3000
const REFRESH_AFTER_MS = 2000
const NEWS_PAUSE_MS = 60_000
/** So many of those in line let themselves be found, with who has the seat. */
const ADVERTISED_PLACES = 3
const MAX_HOLDERS = 8

export class PartLevel {
  readonly scope: string
  readonly topic: string
  readonly table = new MemberTable()
  /** Since when this peer has the seat */
  heldSinceMs?: number
  private readonly init: PartLevelInit
  private readonly seat?: CoordinatorSeat
  private readonly watch: PresenceWatch
  private readonly attachment: TopicAttachment
  private readonly addresses = new BoundedMap<string, string[]>({ maxSize: MAX_HOLDERS })
  private readonly publishers = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PUBLISHERS })
  /** Leases that were told of before the members were known */
  private readonly early = new BoundedMap<string, Lease>({ maxSize: MAX_HOLDERS })
  private weight: number
  private seq = 0
  private presenceAtMs: number
  private isPresenceOwed = true
  private isLeaseOwed = false
  private refreshAtMs = Infinity
  /** When it denied last that it is gone, or will */
  private deniedMs = -Infinity
  private newsMs = -Infinity
  private lineCheckMs: number

  constructor (init: PartLevelInit, nowMs: number) {
    const { self, scope, topic, random, emit } = init
    this.init = init
    this.scope = scope
    this.topic = topic
    this.weight = init.weight
    if (scope !== '') {
      this.seat = new CoordinatorSeat({ self, scope })
    }
    this.watch = new PresenceWatch({ table: this.table, random, emit, onGone: (gone, atMs) => { this.sayGone(gone, atMs) } })
    this.attachment = new TopicAttachment({ self, topic, scope, table: this.table, random, emit, onListed: atMs => { this.onListed(atMs) } }, nowMs)
    this.presenceAtMs = nowMs + PRESENCE_AFTER_MS + randomFloat(random) * PRESENCE_SPREAD_MS
    this.lineCheckMs = nowMs + LINE_CHECK_MS
    this.renewOwn(nowMs)
    emit({ type: 'join', topic })
  }

  /** It knows the members, so that it can tell who comes first. */
  get isListed (): boolean {
    return this.attachment.isListed
  }

  get isHolder (): boolean {
    return this.seat?.lease !== undefined
  }

  get coordinator (): string | undefined {
    return this.seat?.coordinator
  }

  /** All that have the seat, and where they can be dialled. */
  holders (): ToldHolder[] {
    return (this.seat?.holding ?? []).map(lease => ({ ...lease, addresses: this.addressesOf(lease.holder) }))
  }

  addressesOf (peer: string): string[] {
    return peer === this.init.self ? this.init.ownAddresses() : this.addresses.get(peer) ?? []
  }

  /** It comes from a topic in which it heard who would be here; of all of them, if that was a larger part. */
  onMoved (members: readonly Member[], isComplete: boolean, nowMs: number): void {
    members.forEach(member => this.table.onPresence(member, nowMs))
    if (isComplete) {
      this.attachment.skipList(nowMs)
      this.refresh(nowMs)
      this.settle(nowMs)
    }
  }

  /** What who has the seat says besides has changed. */
  onNews (nowMs: number): void {
    if (this.isHolder && nowMs - this.newsMs >= NEWS_PAUSE_MS) {
      this.newsMs = nowMs
      this.isLeaseOwed = true
      this.settle(nowMs)
    }
  }

  onWeight (weight: number, nowMs: number): void {
    if (weight !== this.weight) {
      this.weight = weight
      this.owePresence(nowMs)
    }
  }

  onSubscribers (peers: readonly string[], nowMs: number): void {
    this.attachment.onSubscribers(peers, nowMs)
    peers.forEach(peer => { this.watch.onHeard(peer) })
    this.settle(nowMs)
  }

  onFound (peer: string, addresses: string[], nowMs: number): void {
    this.attachment.onFound(peer, addresses, nowMs)
  }

  onSought (nowMs: number): void {
    this.attachment.onSought(nowMs)
    this.settle(nowMs)
  }

  onDisconnected (peer: string, nowMs: number): void {
    this.watch.onDisconnected(peer, nowMs)
  }

  onHeard (peer: string): void {
    this.watch.onHeard(peer)
    this.seat?.onHeard(peer)
  }

  onProbed (peer: string, reachable: boolean, nowMs: number): void {
    if (this.watch.onProbed(peer, reachable, nowMs)) {
      this.onUnreachable(peer, nowMs)
    }
  }

  onUnreachable (peer: string, nowMs: number): void {
    this.seat?.onUnreachable(peer, nowMs)
    this.settle(nowMs)
  }

  onAnswer (peer: string, answer: MembersAnswer, nowMs: number): void {
    for (const { addresses, ...lease } of answer.holders) {
      this.addresses.set(lease.holder, addresses)
      this.early.set(lease.holder, lease)
    }
    this.takeMembers(answer, nowMs)
    this.attachment.onAnswer(peer, answer, nowMs)
    this.settle(nowMs)
  }

  onAskFailed (peer: string, nowMs: number): void {
    this.attachment.onAskFailed(peer, nowMs)
  }

  /** Members of which another knew, and this one did not. */
  onPush (answer: MembersAnswer, nowMs: number): void {
    const before = this.table.checksum
    this.takeMembers(answer, nowMs)
    if (this.table.checksum !== before) {
      this.onNews(nowMs) // others may not have heard of them either: they see it by the checksum
    }
    this.settle(nowMs)
  }

  onHeartbeat (lease: Lease, more: boolean, nowMs: number): void {
    this.takeLease(lease, more, nowMs)
    this.settle(nowMs)
  }

  /** What to answer who asks for members; `near` is for the driver to fill. */
  answer (buckets: Uint32Array | undefined, nowMs: number): MembersAnswer {
    return {
      topic: this.topic,
      members: [
        ...this.table.differing(buckets).map(member => ({ ...member, gone: false })),
        ...this.table.differingFormer(nowMs, buckets).map(({ peer, seq }) => ({ peer, seq, weight: 0, gone: true }))
      ],
      near: [],
      holders: this.holders(),
      buckets: buckets === undefined ? undefined : this.table.bucketChecksums()
    }
  }

  /** Whether a notice is to be passed on. */
  verdict (from: string, notice: Notice, nowMs: number): TopicVerdict {
    const scope = notice.type === 'presence' ? notice.scope : this.table.get(from)?.scope
    const isKnown = this.table.has(from)
    if ((notice.type === 'presence' || isKnown) && !this.init.belongs(from, scope)) {
      return 'reject'
    }
    // one who is said to be gone has to be able to deny it with a higher number
    const isEarly = notice.type === 'gone' && notice.peers.some(({ seq }) => seq > nowMs / 1000 + CLOCK_SKEW_S / 2)
    const isLate = 'seq' in notice && (notice.seq > nowMs / 1000 + CLOCK_SKEW_S || notice.seq < (this.table.get(from)?.seq ?? 0))
    return isLate || isEarly || (notice.type === 'gone' && !isKnown) || !this.publisher(from, nowMs).take(1, nowMs) ? 'ignore' : 'accept'
  }

  onNotice (from: string, notice: Notice, nowMs: number): void {
    this.onHeard(from)
    switch (notice.type) {
      case 'presence':
        this.table.onPresence({ peer: from, ...notice }, nowMs)
        this.onTableChanged(nowMs)
        break
      case 'leave':
        this.drop(from, notice.seq, nowMs, notice.movedTo)
        this.onTableChanged(nowMs)
        break
      case 'gone':
        notice.peers.forEach(({ peer, seq }) => { this.hearGone(peer, seq, nowMs) })
        this.onTableChanged(nowMs)
        break
      case 'lease':
        this.hearLease(from, notice.notice, nowMs)
    }
    this.settle(nowMs)
  }

  /** Says that it leaves, and to which depth it goes, and leaves. */
  leave (nowMs: number, movedTo?: number): void {
    this.seat?.onLeave(nowMs)
    this.settle(nowMs)
    this.attachment.onAdvertise(false, nowMs)
    if (!this.isPresenceOwed || this.attachment.subscriberCount > 0) {
      this.publish({ type: 'leave', seq: this.seq, movedTo })
    }
    this.init.emit({ type: 'leave', topic: this.topic })
  }

  onTimeout (nowMs: number): void {
    if (this.refreshAtMs <= nowMs) {
      this.refresh(nowMs)
    }
    this.seat?.onTimeout(nowMs)
    this.watch.onTimeout(nowMs)
    this.attachment.onTimeout(nowMs)
    this.settle(nowMs)
  }

  nextTimeoutMs (): number {
    return Math.min(
      this.seat?.nextTimeoutMs() ?? Infinity,
      this.watch.nextTimeoutMs(),
      this.attachment.nextTimeoutMs(),
      this.refreshAtMs,
      this.isPresenceOwed && this.attachment.subscriberCount > 0 ? this.presenceAtMs : Infinity,
      this.lineCheckMs
    )
  }

  /** What is owed to others, and what the seat wants. */
  private settle (nowMs: number): void {
    for (let effect = this.seat?.poll(); effect !== undefined; effect = this.seat?.poll()) {
      this.performSeat(effect, nowMs)
    }
    if (this.attachment.subscriberCount > 0) {
      if (this.isPresenceOwed && this.presenceAtMs <= nowMs) {
        this.isPresenceOwed = false
        this.publish({ type: 'presence', seq: this.seq, weight: this.weight, scope: this.init.ownScope })
      }
      if (this.isLeaseOwed && !this.isPresenceOwed) {
        this.isLeaseOwed = false
        this.announce(this.seat?.lease, nowMs)
      }
    }
    if (this.lineCheckMs <= nowMs) {
      this.checkLine(nowMs)
      this.checkPresence(nowMs)
      if (this.isListed && this.coordinator === undefined && this.hasCandidates()) {
        this.attachment.onNoCoordinator(nowMs)
      }
    }
  }

  /** Who is connected would have joined the topic if it were a member. */
  private checkPresence (nowMs: number): void {
    for (const { peer } of this.table.values()) {
      if (peer !== this.init.self && this.init.isConnected(peer) && !this.attachment.isSubscriber(peer)) {
        this.watch.onAbsent(peer, nowMs)
      }
    }
    this.attachment.onUnknown(this.init.belongs, nowMs)
  }

  private performSeat (effect: SeatEffect, nowMs: number): void {
    switch (effect.type) {
      case 'announce':
        this.heldSinceMs ??= nowMs
        this.isLeaseOwed = true
        break
      case 'heartbeat': {
        const { term, expiresAtMs } = effect.lease
        const bytes = encodeMessage({ type: 'heartbeat', scope: this.scope, term, expiresAtMs, more: effect.more })
        effect.to.forEach(peer => { this.init.emit({ type: 'send', peer, addresses: this.addressesOf(peer), bytes }) })
        break
      }
      case 'step_down':
        this.heldSinceMs = undefined
        this.isLeaseOwed = false
        this.announce(undefined, nowMs)
        this.checkLine(nowMs)
        break
      case 'coordinator':
        this.init.emit({ type: 'coordinator', scope: this.scope, peer: effect.peer })
        this.checkLine(nowMs)
    }
  }

  private announce (lease: Lease | undefined, nowMs: number): void {
    const { term = 0, expiresAtMs } = lease ?? {}
    const addresses = this.init.ownAddresses()
    this.publish({ type: 'lease', notice: { term, expiresAtMs, addresses, checksum: this.table.checksum, ...this.init.tell(nowMs) } })
  }

  private publish (notice: Notice): void {
    this.init.emit({ type: 'publish', topic: this.topic, bytes: encodeNotice(notice) })
  }

  /** Lets itself be found when it is among those that know most, or there is nobody else to. */
  private checkLine (nowMs: number): void {
    this.lineCheckMs = nowMs + LINE_CHECK_MS
    if (!this.isListed) {
      return
    }
    const place = this.seat?.place(nowMs)
    const inLine = this.hasCandidates() ? place !== undefined && place < ADVERTISED_PLACES : this.isAmongLowest()
    this.attachment.onAdvertise(this.isHolder || inLine, nowMs)
  }

  private hasCandidates (): boolean {
    return this.seat !== undefined && [...this.table.values()].some(({ weight }) => weight > 0)
  }

  private isAmongLowest (): boolean {
    let lower = 0
    for (const { peer } of this.table.values()) {
      lower += peer < this.init.self ? 1 : 0
    }
    return lower < ADVERTISED_PLACES
  }

  private hearLease (from: string, notice: LeaseNotice, nowMs: number): void {
    const { term, expiresAtMs, addresses, checksum } = notice
    if (expiresAtMs === undefined) {
      this.early.delete(from)
      this.seat?.onStepDown(from, nowMs)
      return
    }
    this.addresses.set(from, addresses)
    this.takeLease({ holder: from, term, expiresAtMs }, undefined, nowMs)
    this.attachment.onChecksum(from, checksum, nowMs)
    this.init.onLease?.(from, notice, nowMs)
  }

  private takeLease (lease: Lease, more: boolean | undefined, nowMs: number): void {
    if (this.seat?.onLease(lease, more, nowMs) === false) {
      this.early.set(lease.holder, lease)
    }
  }

  private hearGone (peer: string, seq: number, nowMs: number): void {
    if (peer !== this.init.self) {
      this.drop(peer, seq, nowMs)
    } else if (seq >= this.seq) {
      const atMs = Math.max(nowMs, this.deniedMs + (this.deniedMs > nowMs ? 0 : DENIAL_PAUSE_MS))
      this.deniedMs = atMs
      this.seq = seq
      this.owePresence(nowMs, atMs)
    }
  }

  private sayGone (gone: Array<{ peer: string, seq: number }>, nowMs: number): void {
    this.publish({ type: 'gone', peers: gone })
    gone.forEach(({ peer, seq }) => { this.drop(peer, seq, nowMs) })
    this.refresh(nowMs)
    this.settle(nowMs)
  }

  private drop (peer: string, seq: number, nowMs: number, movedTo?: number): void {
    if (this.table.onLeft(peer, seq, nowMs, movedTo)) {
      this.init.onLeft?.(peer)
    }
  }

  former (nowMs: number, withinMs: number): FormerMember[] {
    return this.table.former(nowMs, withinMs)
  }

  private takeMembers ({ members }: MembersAnswer, nowMs: number): void {
    for (const { gone, ...member } of members) {
      if (gone) {
        this.hearGone(member.peer, member.seq, nowMs)
      } else if (member.peer === this.init.self) {
        // of an earlier start: who knows it has to hear of this one
        if (member.seq >= this.seq) {
          this.seq = member.seq
          this.owePresence(nowMs)
        }
      } else if (member.seq <= nowMs / 1000 + CLOCK_SKEW_S && this.init.belongs(member.peer, member.scope)) {
        this.table.onPresence(member, nowMs)
      }
    }
    this.refresh(nowMs)
  }

  /** Says again, with a higher number, that it is here. */
  private owePresence (nowMs: number, atMs = nowMs): void {
    this.renewOwn(nowMs)
    this.presenceAtMs = Math.max(this.presenceAtMs, atMs)
    this.isPresenceOwed = true
    this.refresh(nowMs)
    this.settle(nowMs)
  }

  private renewOwn (nowMs: number): void {
    this.seq = Math.max(this.seq + 1, Math.floor(nowMs / 1000))
    this.table.onPresence({ peer: this.init.self, seq: this.seq, weight: this.weight, scope: this.init.ownScope }, nowMs)
  }

  private onListed (nowMs: number): void {
    this.lineCheckMs = Math.min(this.lineCheckMs, nowMs + FIRST_LINE_CHECK_MS)
    this.refresh(nowMs)
  }

  /** The members are others now. While somebody has the seat, it matters little who else could have it. */
  private onTableChanged (nowMs: number): void {
    const { coordinator } = this
    if (coordinator === undefined || !this.table.has(coordinator)) {
      this.refresh(nowMs)
    } else {
      this.refreshAtMs = Math.min(this.refreshAtMs, nowMs + REFRESH_AFTER_MS)
    }
  }

  /** The seat is for those that know who else might have it. */
  private refresh (nowMs: number): void {
    this.refreshAtMs = Infinity
    if (this.isListed) {
      const told = [...this.early.values()].filter(({ holder }) => this.table.has(holder))
      told.forEach(({ holder }) => this.early.delete(holder))
      this.seat?.onMembers(this.candidates(), nowMs, told)
    }
  }

  private * candidates (): IterableIterator<SeatCandidate> {
    const { weigh, self } = this.init
    for (const member of this.table.values()) {
      yield weigh === undefined || member.peer === self ? member : { peer: member.peer, weight: weigh(member.peer, member.weight) }
    }
  }

  private publisher (peer: string, nowMs: number): TokenBucket {
    const bucket = this.publishers.get(peer) ?? new TokenBucket({ ratePerSecond: 1 / SECONDS_PER_NOTICE, burst: NOTICES_AT_ONCE }, nowMs)
    this.publishers.set(peer, bucket)
    return bucket
  }
}
