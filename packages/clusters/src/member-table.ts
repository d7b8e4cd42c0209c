/** The members of one topic, as one peer knows them, and who has left it not long ago. */
import { BoundedMap, crc32 } from '@skein/core'
import { clusterPoint } from './cluster-point.ts'

export interface Member {
  peer: string
  /** Of its newest presence */
  seq: number
  /** As a candidate for the seat; 0 when it does not want it */
  weight: number
  /** The part that it coordinates, in a topic of coordinators */
  scope?: string
}

export interface FormerMember {
  peer: string
  /** Presence up to this one does not hold any more */
  seq: number
  atMs: number
  weight: number
  /** The depth of the cluster that it has moved to */
  movedTo?: number
}

export interface MemberTableInit {
  /**
   * A cluster that is about to split has 1025; further ones are passed over.
   *
   * @default 2048
   */
  maxMembers?: number
  /**
   * For so long it is remembered who left, so that a list that is out of date does not bring it back.
   *
   * @default 3_600_000
   */
  formerMs?: number
}

interface KnownMember extends Member {
  point: number
  hash: number
}

/** Parts into which members are sorted to compare two tables. */
export const MEMBER_BUCKETS = 64

export class MemberTable {
  private readonly maxMembers: number
  private readonly formerMs: number
  private readonly known = new Map<string, KnownMember>()
  private readonly left: BoundedMap<string, FormerMember>
  private readonly buckets = new Uint32Array(MEMBER_BUCKETS)

  constructor (init: MemberTableInit = {}) {
    this.maxMembers = init.maxMembers ?? 2048
    this.formerMs = init.formerMs ?? 3_600_000
    this.left = new BoundedMap({ maxSize: this.maxMembers })
  }

  get size (): number {
    return this.known.size
  }

  /** Two tables with the same members have the same, two others hardly ever. */
  get checksum (): number {
    return this.buckets.reduce((sum, bucket, i) => (Math.imul(sum, 31) + bucket + i) >>> 0, 0)
  }

  has (peer: string): boolean {
    return this.known.has(peer)
  }

  get (peer: string): Member | undefined {
    return this.known.get(peer)
  }

  values (): IterableIterator<Member> {
    return this.known.values()
  }

  /** Points of all members. */
  points (): number[] {
    return Array.from(this.known.values(), ({ point }) => point)
  }

  /** `false` when it is out of date, or there is no room. */
  onPresence ({ peer, seq, weight, scope }: Member, nowMs: number): boolean {
    const known = this.known.get(peer)
    const former = this.formerOf(peer, nowMs)
    if ((known !== undefined && seq <= known.seq) || (former !== undefined && seq <= former.seq)) {
      return false
    }
    if (known === undefined && this.known.size >= this.maxMembers) {
      return false
    }
    this.left.delete(peer)
    this.forget(peer)
    const entry = { peer, seq, weight, scope, point: known?.point ?? clusterPoint(peer), hash: crc32(new TextEncoder().encode(`${peer} ${seq}`)) }
    this.known.set(peer, entry)
    this.flip(entry)
    return true
  }

  /** A peer left, or was found gone: presence up to `seq` does not hold any more. `false` when that is no news. */
  onLeft (peer: string, seq: number, nowMs: number, movedTo?: number): boolean {
    const known = this.known.get(peer)
    if (known === undefined ? (this.formerOf(peer, nowMs)?.seq ?? -1) >= seq : known.seq > seq) {
      return false
    }
    this.forget(peer)
    this.left.set(peer, { peer, seq, atMs: nowMs, weight: known?.weight ?? 0, movedTo })
    return true
  }

  /** Who left within the last `withinMs`. */
  former (nowMs: number, withinMs = this.formerMs): FormerMember[] {
    return [...this.left.values()].filter(({ atMs }) => nowMs - atMs < withinMs)
  }

  bucketChecksums (): Uint32Array {
    return this.buckets.slice()
  }

  /** Those in buckets with other checksums than these; all without any. */
  differing (checksums?: Uint32Array): Member[] {
    return [...this.known.values()].filter(({ point }) => this.differs(point, checksums))
  }

  differingFormer (nowMs: number, checksums?: Uint32Array): FormerMember[] {
    return checksums === undefined ? [] : this.former(nowMs).filter(({ peer }) => this.differs(clusterPoint(peer), checksums))
  }

  private differs (point: number, checksums?: Uint32Array): boolean {
    return checksums === undefined || checksums[point % MEMBER_BUCKETS] !== this.buckets[point % MEMBER_BUCKETS]
  }

  private formerOf (peer: string, nowMs: number): FormerMember | undefined {
    const former = this.left.get(peer)
    return former !== undefined && nowMs - former.atMs < this.formerMs ? former : undefined
  }

  private forget (peer: string): void {
    const known = this.known.get(peer)
    if (known !== undefined) {
      this.known.delete(peer)
      this.flip(known)
    }
  }

  /** Exclusive or: what was added is taken out by adding it again. */
  private flip ({ point, hash }: KnownMember): void {
    const bucket = point % MEMBER_BUCKETS
    this.buckets[bucket] = ((this.buckets[bucket] as number) ^ hash) >>> 0
  }
}
