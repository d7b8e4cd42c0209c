/**
 * How a peer gets into a topic and stays there: finds somebody, asks once for the list of members, connects to a few of them, and compares what it
 * knows with who coordinates when their checksums differ.
 */
import { BoundedMap, randomBelow, randomFloat } from '@skein/core'
import { encodeMessage } from './cluster-message.ts'
import type { MembersAnswer } from './cluster-message.ts'
import type { EmitClusterEffect } from './cluster-effect.ts'
import type { MemberTable } from './member-table.ts'
import type { Random } from '@skein/core'

export interface TopicAttachmentInit {
  self: string
  topic: string
  /** What is sought and advertised */
  scope: string
  table: MemberTable
  random: Random
  emit: EmitClusterEffect
  /** It knows the members now, or is the first */
  onListed: (nowMs: number) => void
}

interface Attempt {
  notBeforeMs: number
  waitMs: number
}

/** Connections to peers of the topic that are wanted: what GossipSub has in a mesh. */
const WANTED_SUBSCRIBERS = 6
const CONNECT_EVERY_MS = 4000
const CONNECTS_AT_ONCE = 2
const FIRST_SEEK_PAUSE_MS = 5000
/** While nobody was found */
const LONGEST_LONELY_PAUSE_MS = 60_000
/** Of those that advertise, so that two meshes of one topic find each other */
const LONGEST_SEEK_PAUSE_MS = 300_000
const SEEK_TIMEOUT_MS = 60_000
const ASK_TIMEOUT_MS = 20_000
const ASK_AGAIN_MS = 1000
const FIRST_RETRY_MS = 30_000
const LONGEST_RETRY_MS = 600_000
/** Members whose checksum differs ask after a time of their own, so that not all do at once. */
const SYNC_AFTER_MS = 5000
const SYNC_SPREAD_MS = 60_000
const SYNC_PAUSE_MS = 120_000
const MAX_KNOWN = 32
const MAX_ATTEMPTS = 256

export class TopicAttachment {
  private readonly init: TopicAttachmentInit
  private subscribers = new Set<string>()
  /** Where some can be dialled, and have not been yet */
  private readonly known = new BoundedMap<string, string[]>({ maxSize: MAX_KNOWN })
  private readonly attempts = new BoundedMap<string, Attempt>({ maxSize: MAX_ATTEMPTS })
  private asked?: { peer: string, atMs: number }
  private listed = false
  /** It began as the first, and has not met another since */
  private alone = false
  private advertises = false
  private seeking = false
  private seekAtMs: number
  private seekPauseMs = FIRST_SEEK_PAUSE_MS
  private askAtMs: number
  private connectAtMs: number
  private syncWith?: { peer: string, atMs: number }
  private syncedMs = -Infinity

  constructor (init: TopicAttachmentInit, nowMs: number) {
    this.init = init
    this.seekAtMs = nowMs
    this.askAtMs = nowMs
    this.connectAtMs = nowMs
  }

  get isListed (): boolean {
    return this.listed
  }

  get subscriberCount (): number {
    return this.subscribers.size
  }

  isSubscriber (peer: string): boolean {
    return this.subscribers.has(peer)
  }

  /** It is known who is there, from the topic that this one came from. */
  skipList (nowMs: number): void {
    this.listed = true
    this.scheduleSync(undefined, nowMs)
  }

  onSubscribers (peers: readonly string[], nowMs: number): void {
    const first = this.subscribers.size === 0 && peers.length > 0
    this.subscribers = new Set(peers)
    if (first) {
      this.connectAtMs = nowMs + CONNECT_EVERY_MS
      if (this.alone) {
        this.alone = false
        this.askFor(peers[0] as string, nowMs)
      }
    } else if (peers.length === 0 && !this.seeking) {
      this.seekPauseMs = FIRST_SEEK_PAUSE_MS
      this.seekAtMs = Math.min(this.seekAtMs, nowMs + FIRST_SEEK_PAUSE_MS)
    }
    this.onTimeout(nowMs)
  }

  onFound (peer: string, addresses: string[], nowMs: number): void {
    if (peer !== this.init.self) {
      this.known.set(peer, addresses)
      if (!this.listed || this.alone) {
        this.askAtMs = Math.min(this.askAtMs, nowMs)
        this.alone = false
        this.askFor(peer, nowMs)
      } else if (!this.subscribers.has(peer)) {
        this.syncWith = { peer, atMs: nowMs }
      }
    }
    this.onTimeout(nowMs)
  }

  onSought (nowMs: number): void {
    this.seeking = false
    this.seekAtMs = nowMs + this.seekPauseMs * (0.75 + randomFloat(this.init.random) / 2)
    const longest = this.subscribers.size === 0 ? LONGEST_LONELY_PAUSE_MS : LONGEST_SEEK_PAUSE_MS
    this.seekPauseMs = Math.min(longest, this.seekPauseMs * 2)
    if (!this.listed && this.known.size === 0 && this.subscribers.size === 0 && this.asked === undefined) {
      this.alone = true
      this.becomeListed(nowMs)
    }
    this.onTimeout(nowMs)
  }

  /** Another one answered as one that is a member. */
  onAnswer (peer: string, answer: MembersAnswer, nowMs: number): void {
    this.asked = undefined
    for (const { peer: other, addresses } of answer.near) {
      if (other !== this.init.self && !this.known.has(other)) {
        this.known.set(other, addresses)
      }
    }
    if (answer.buckets !== undefined) {
      this.push(peer, answer)
    }
    this.becomeListed(nowMs)
    this.onTimeout(nowMs)
  }

  /** It did not answer, or is not a member. */
  onAskFailed (peer: string, nowMs: number): void {
    this.known.delete(peer)
    this.note(peer, nowMs)
    if (this.asked?.peer === peer) {
      this.asked = undefined
      this.askAtMs = nowMs + ASK_AGAIN_MS
    }
    if (!this.listed && this.known.size === 0 && this.subscribers.size === 0 && !this.seeking) {
      this.seekAtMs = Math.min(this.seekAtMs, nowMs + FIRST_SEEK_PAUSE_MS)
    }
  }

  /** Who coordinates says what it knows. */
  onChecksum (peer: string, checksum: number, nowMs: number): void {
    if (this.listed && checksum !== this.init.table.checksum) {
      this.scheduleSync(peer, nowMs)
    }
  }

  /** Looks for one that has joined the topic, belongs here and is not known as a member: it is asked, as its presence was not heard. */
  onUnknown (belongs: (peer: string, scope: undefined) => boolean, nowMs: number): void {
    const unknown = [...this.subscribers].find(peer => !this.init.table.has(peer) && belongs(peer, undefined))
    if (unknown !== undefined && this.listed) {
      this.scheduleSync(unknown, nowMs)
    }
  }

  /** Others want the seat, and it is not known who has it: one of the others may know. */
  onNoCoordinator (nowMs: number): void {
    if (this.asked === undefined && this.subscribers.size > 0) {
      this.syncWith = { peer: '', atMs: nowMs }
    }
  }

  /** Whether those that seek are to find this peer. */
  onAdvertise (active: boolean, nowMs: number): void {
    if (active !== this.advertises) {
      this.advertises = active
      this.init.emit({ type: 'advertise', scope: this.init.scope, active })
      if (active) {
        this.seekPauseMs = FIRST_SEEK_PAUSE_MS
        this.seekAtMs = Math.min(this.seekAtMs, nowMs + FIRST_SEEK_PAUSE_MS)
      }
    }
  }

  onTimeout (nowMs: number): void {
    if (this.asked !== undefined && this.asked.atMs + ASK_TIMEOUT_MS <= nowMs) {
      this.onAskFailed(this.asked.peer, nowMs)
    }
    if (this.wantsSeek && this.seekAtMs <= nowMs) {
      this.seeking = true
      this.seekAtMs = nowMs + SEEK_TIMEOUT_MS
      this.init.emit({ type: 'seek', scope: this.init.scope })
    }
    if (!this.listed && this.asked === undefined && this.askAtMs <= nowMs) {
      const peer = this.drawSubscriber() ?? this.known.keys().next().value
      if (peer !== undefined) {
        this.askFor(peer, nowMs)
      }
    }
    if (this.wantsMore && this.connectAtMs <= nowMs) {
      this.connectAtMs = nowMs + CONNECT_EVERY_MS * (0.75 + randomFloat(this.init.random) / 2)
      this.connect(nowMs)
    }
    if (this.syncWith !== undefined && this.syncWith.atMs <= nowMs) {
      const peer = this.syncWith.peer === '' ? this.drawSubscriber() : this.syncWith.peer
      this.syncWith = undefined
      this.syncedMs = nowMs
      if (peer !== undefined) {
        this.askFor(peer, nowMs)
      }
    }
  }

  nextTimeoutMs (): number {
    return Math.min(
      this.wantsSeek ? this.seekAtMs : Infinity,
      this.asked === undefined ? Infinity : this.asked.atMs + ASK_TIMEOUT_MS,
      !this.listed && this.asked === undefined && this.subscribers.size + this.known.size > 0 ? this.askAtMs : Infinity,
      this.wantsMore ? this.connectAtMs : Infinity,
      this.syncWith?.atMs ?? Infinity
    )
  }

  private get wantsSeek (): boolean {
    return this.seeking || this.advertises || this.subscribers.size === 0
  }

  private get wantsMore (): boolean {
    return this.subscribers.size < Math.min(WANTED_SUBSCRIBERS, this.init.table.size - 1)
  }

  private becomeListed (nowMs: number): void {
    if (!this.listed) {
      this.listed = true
      this.init.onListed(nowMs)
    }
  }

  private askFor (peer: string, nowMs: number): void {
    if (this.asked === undefined) {
      this.asked = { peer, atMs: nowMs }
      const { topic, table } = this.init
      const bytes = encodeMessage({ type: 'members', topic, buckets: table.size > 1 ? table.bucketChecksums() : undefined })
      this.init.emit({ type: 'ask', peer, addresses: this.known.get(peer) ?? [], bytes, topic })
    }
  }

  /** Tells the other one of members that it does not know. */
  private push (peer: string, { buckets, members }: MembersAnswer): void {
    const told = new Set(members.map(({ peer }) => peer))
    const unknown = this.init.table.differing(buckets).filter(member => !told.has(member.peer)).map(member => ({ ...member, gone: false }))
    if (unknown.length > 0) {
      const answer = { topic: this.init.topic, members: unknown, near: [], holders: [] }
      this.init.emit({ type: 'send', peer, addresses: [], bytes: encodeMessage({ type: 'push', answer }) })
    }
  }

  private connect (nowMs: number): void {
    const candidates = [...this.known.keys()].filter(peer => this.mayTry(peer, nowMs))
    const rest = [...this.init.table.values()].map(({ peer }) => peer).filter(peer => !this.known.has(peer) && this.mayTry(peer, nowMs))
    for (let count = 0; count < CONNECTS_AT_ONCE && candidates.length + rest.length > 0; count++) {
      const from = candidates.length > 0 ? candidates : rest
      const [peer] = from.splice(randomBelow(this.init.random, from.length), 1) as [string]
      this.note(peer, nowMs)
      this.init.emit({ type: 'connect', peer, addresses: this.known.get(peer) ?? [] })
    }
  }

  private mayTry (peer: string, nowMs: number): boolean {
    return peer !== this.init.self && !this.subscribers.has(peer) && (this.attempts.get(peer)?.notBeforeMs ?? 0) <= nowMs
  }

  private note (peer: string, nowMs: number): void {
    const waitMs = Math.min(LONGEST_RETRY_MS, (this.attempts.get(peer)?.waitMs ?? FIRST_RETRY_MS / 2) * 2)
    this.attempts.set(peer, { notBeforeMs: nowMs + waitMs, waitMs })
  }

  private scheduleSync (peer: string | undefined, nowMs: number): void {
    const atMs = Math.max(nowMs + SYNC_AFTER_MS + randomFloat(this.init.random) * SYNC_SPREAD_MS, this.syncedMs + SYNC_PAUSE_MS)
    this.syncWith ??= { peer: peer ?? '', atMs }
  }

  private drawSubscriber (): string | undefined {
    const peers = [...this.subscribers]
    return peers.length === 0 ? undefined : peers[randomBelow(this.init.random, peers.length)]
  }
}
