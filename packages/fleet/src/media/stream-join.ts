/**
 * Makes one stream of the copies of it that come from several places: pure. Relays hand packets on as they got them, in their order, so that the
 * same packets come from each place, some time earlier or later. What was handed out is remembered; where another copy is to take over, a run of its
 * packets is looked for in there, and it goes on right after the last packet that was handed out. No clock, no field of MPEG-TS is needed, and none
 * is changed.
 */
import { isSame, PacketLog } from './packet-log.ts'
import type { Machine } from '@skein/core'
import type { PacketLogInit } from './packet-log.ts'

export interface StreamJoinInit extends PacketLogInit {
  /** So long may the place that is played from be silent while another sends, ms @default 1_000 */
  patienceMs?: number
}

/** `begun`: it is the first. `joined`: it went on with the next packet. `cut`: something may be missing, or come twice */
export type JoinKind = 'begun' | 'joined' | 'cut'

export type JoinEffect =
  | { type: 'packet', packet: Uint8Array }
  | { type: 'switched', source: string, how: JoinKind }

interface Source {
  /** While it is not the one that is played from: what came */
  readonly waiting: PacketLog
  lastPacketMs: number
}

/** So many packets in a row have to be the same, one of them like no other: stuffing is the same everywhere. */
const RUN_PACKETS = 8
/** While a copy catches up, so many packets of it may not be found before it is taken for another stream. */
const MAX_MISSES = 64

export class StreamJoin implements Machine<JoinEffect> {
  private readonly init: StreamJoinInit
  private readonly patienceMs: number
  private readonly effects: JoinEffect[] = []
  private readonly delivered: PacketLog
  /** A few: who opens them bounds them */
  private readonly sources = new Map<string, Source>()
  private leader: string | undefined
  private preferred: string | undefined
  /** Position among what was delivered of what the leader brings next, as long as it is behind */
  private catchUpAt: number | undefined
  private misses = 0
  private leaderLostMs = 0

  constructor (init: StreamJoinInit = {}) {
    this.init = init
    this.patienceMs = init.patienceMs ?? 1_000
    this.delivered = new PacketLog(init)
  }

  /** From now on it is to be played from there, as soon as that can be done without a gap. */
  onPreferred (source: string, nowMs: number): void {
    this.preferred = source
    this.onTimeout(nowMs)
  }

  onPacket (name: string, packet: Uint8Array, nowMs: number): void {
    const source = this.sources.get(name) ?? { waiting: new PacketLog(this.init), lastPacketMs: nowMs }
    this.sources.set(name, source)
    source.lastPacketMs = nowMs
    if (this.leader === undefined && this.delivered.size === 0) {
      this.lead(name, 'begun')
    }
    if (name !== this.leader) {
      source.waiting.push(packet)
      this.onWaiting(name, source.waiting, nowMs)
    } else if (this.catchUpAt === undefined) {
      this.deliver(packet)
      this.onDelivered(packet)
    } else {
      this.catchUp(packet, this.catchUpAt)
    }
  }

  /** Nothing comes from there any more. */
  onEnded (name: string, nowMs: number): void {
    this.sources.delete(name)
    if (this.leader === name) {
      this.leader = undefined
      this.catchUpAt = undefined
      this.leaderLostMs = nowMs
      this.joinAny()
    }
  }

  onTimeout (nowMs: number): void {
    const atMs = this.nextTimeoutMs()
    if (atMs !== undefined && nowMs >= atMs && !this.joinAny()) {
      const name = this.others().sort((a, b) => Number(b === this.preferred) - Number(a === this.preferred))[0] as string
      this.takeOver(name, (this.sources.get(name) as Source).waiting.first, 'cut')
    }
  }

  poll (): JoinEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.others().length === 0 ? undefined : this.silentSinceMs() + this.patienceMs
  }

  private silentSinceMs (): number {
    return this.leader === undefined ? this.leaderLostMs : (this.sources.get(this.leader)?.lastPacketMs ?? this.leaderLostMs)
  }

  /** Those that bring packets while the leader does not. */
  private others (): string[] {
    const silentSinceMs = this.silentSinceMs()
    return [...this.sources].filter(([name, { waiting, lastPacketMs }]) =>
      name !== this.leader && waiting.size > 0 && lastPacketMs >= silentSinceMs).map(([name]) => name)
  }

  /** A copy has brought a packet: it may be one that was handed out before. */
  private onWaiting (name: string, waiting: PacketLog, nowMs: number): void {
    if (name === this.preferred || this.leader === undefined) {
      const at = waiting.next - 1
      const found = this.delivered.find(waiting.at(at) as Uint8Array)
      if (found !== undefined && waiting.find(waiting.at(at) as Uint8Array) === at) {
        this.tryJoin(name, found, at)
      }
    }
    this.onTimeout(nowMs)
  }

  /** A packet was handed out: the copy that is to take over may have brought it before. */
  private onDelivered (packet: Uint8Array): void {
    const waiting = this.preferred === this.leader ? undefined : this.sources.get(this.preferred ?? '')?.waiting
    const at = waiting?.find(packet)
    if (at !== undefined && this.delivered.find(packet) === this.delivered.next - 1) {
      this.tryJoin(this.preferred as string, this.delivered.next - 1, at)
    }
  }

  /** Looks through all that waits: the place that was played from is gone. */
  private joinAny (): boolean {
    const names = [...this.sources.keys()].filter(name => name !== this.leader)
    for (const name of names.sort((a, b) => Number(b === this.preferred) - Number(a === this.preferred))) {
      const { waiting } = this.sources.get(name) as Source
      for (let at = waiting.next - 1; at >= waiting.first; at--) {
        const packet = waiting.at(at) as Uint8Array
        const found = this.delivered.find(packet)
        if (found !== undefined && waiting.find(packet) === at && this.tryJoin(name, found, at)) {
          return true
        }
      }
    }
    return false
  }

  /** The packet delivered at `found` is the one waiting at `at`: if those around them are the same, it takes over. */
  private tryJoin (name: string, found: number, at: number): boolean {
    const { waiting } = this.sources.get(name) as Source
    for (let back = 1; back < RUN_PACKETS; back++) {
      if (!isSame(this.delivered.at(found - back), waiting.at(at - back))) {
        return false
      }
    }
    const behind = this.delivered.next - 1 - found
    const both = Math.min(behind, waiting.next - 1 - at)
    for (let ahead = 1; ahead <= both; ahead++) {
      if (!isSame(this.delivered.at(found + ahead), waiting.at(at + ahead))) {
        return false
      }
    }
    if (both === behind) {
      this.takeOver(name, at + behind + 1, 'joined')
    } else {
      this.takeOver(name, waiting.next, undefined)
      this.catchUpAt = found + both + 1
      this.misses = 0
    }
    return true
  }

  /** @param from - of what waits, all from there on is handed out @param how - left out when it has to catch up first */
  private takeOver (name: string, from: number, how: JoinKind | undefined): void {
    const { waiting } = this.sources.get(name) as Source
    this.leader = name
    this.catchUpAt = undefined
    if (how !== undefined) {
      this.lead(name, how)
    }
    for (let at = from; at < waiting.next; at++) {
      this.deliver(waiting.at(at) as Uint8Array)
    }
    // what others bring from here on is kept, so that they can take over again
    for (const source of this.sources.values()) {
      source.waiting.clear()
    }
  }

  private lead (name: string, how: JoinKind): void {
    this.leader = name
    this.effects.push({ type: 'switched', source: name, how })
  }

  private deliver (packet: Uint8Array): void {
    this.delivered.push(packet)
    this.effects.push({ type: 'packet', packet })
  }

  /** The leader is behind: what it brings was handed out before. */
  private catchUp (packet: Uint8Array, expected: number): void {
    const found = isSame(this.delivered.at(expected), packet) ? expected : this.delivered.find(packet)
    if (found !== undefined && found >= expected) {
      this.catchUpAt = found + 1 // those between were lost on its way
      if (this.catchUpAt === this.delivered.next) {
        this.catchUpAt = undefined
        this.lead(this.leader as string, 'joined')
      }
    } else if (++this.misses > MAX_MISSES) {
      this.catchUpAt = undefined
      this.lead(this.leader as string, 'cut')
      this.deliver(packet)
    }
  }
}
