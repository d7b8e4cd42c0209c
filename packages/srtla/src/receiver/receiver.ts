/** The receiver's side of SRTLA: makes groups, takes in their links, passes SRT on, acknowledges, and finds ways back. */
import { randomBytes } from '@skein/core'
import { HALF_ID_BYTES, ID_BYTES, KEEPALIVE, REG1, REG2, REG3, REG_ERR, REG_NGP } from '../packet.ts'
import { encodeBare, encodeRegistration, packetType, readKeepalive, registrationId, writeAckSequence } from '../packet.ts'
import { dataSequence, isSrtData, readConclusion, SRT_ACK, SRT_HANDSHAKE, SRT_HEADER_BYTES, SRT_NAK } from '../srt-packet.ts'
import { AskerLimits, askerOf } from './asker-limits.ts'
import { fairShares } from './fair-shares.ts'
import { GroupTable } from './group-table.ts'
import { nakLinks } from './nak-links.ts'
import type { Machine, Random } from '@skein/core'
import type { AskerLimitsInit } from './asker-limits.ts'
import type { Origin, ReceiverGroup, ReceiverLink } from './group.ts'

export interface SrtlaReceiverInit {
  /** @default 200 */
  maxGroups?: number
  /** @default 16 */
  maxLinksPerGroup?: number
  /** A link that is silent for longer is removed, ms @default 10_000 */
  linkTimeoutMs?: number
  /** A group that has had no link for longer is removed, ms @default 10_000 */
  emptyGroupTimeoutMs?: number
  /**
   * What this machine can pass on, packets/s. At more, groups get fair shares of it, and what is beyond a group's share is dropped: a group never
   * loses packets because another one sends many. More than the machine can do leaves it to the system's buffer who loses.
   *
   * @default 50_000
   */
  maxPacketsPerSecond?: number
  /** How often addresses may fail to register */
  askers?: AskerLimitsInit
  /** Pad own packets to 32 bytes, for networks that drop smaller ones @default false */
  padded?: boolean
}

/** Takes packets as the machine decides on them, at once; the bytes are reused after the call, but for those that came in with it. */
export interface ReceiverWire {
  /** To the sender, over one of its links */
  toLink: (link: ReceiverLink, bytes: Uint8Array) => void
  /** To one that is no link */
  toOrigin: (origin: Origin, bytes: Uint8Array) => void
  /** To whoever listens for SRT, from the group's own socket */
  toListener: (group: ReceiverGroup, bytes: Uint8Array) => void
}

export type RefusalReason = 'address-blocked' | 'table-full' | 'address-in-use' | 'group-full'

export type ReceiverEffect =
  | { type: 'group-opened', group: ReceiverGroup }
  | { type: 'group-closed', group: ReceiverGroup }
  | { type: 'link-added', link: ReceiverLink }
  | { type: 'link-lost', link: ReceiverLink }
  | { type: 'stream-named', group: ReceiverGroup }
  | { type: 'listener-absent', group: ReceiverGroup }
  | { type: 'listener-back', group: ReceiverGroup }
  | { type: 'refused', origin: Origin, reason: RefusalReason }

export interface ReceiverCounters {
  groups: number
  /** Groups that were asked for and never joined */
  ghosts: number
  acks: number
  naks: number
  nakCopies: number
  /** From addresses that are no link */
  strangers: number
  refused: Record<RefusalReason, number>
  droppedPackets: number
}

/** How often time-outs are looked for. */
const SWEEP_MS = 3_000
/** How often bytes are read for the shares of links. */
const READING_MS = 500
/** For how long allowances are dealt. */
const TURN_MS = 100
/** Effects that wait to be polled; a driver that does not poll loses the oldest. */
const MAX_EFFECTS = 4_096

export class SrtlaReceiver implements Machine<ReceiverEffect> {
  readonly counters: ReceiverCounters = {
    groups: 0,
    ghosts: 0,
    acks: 0,
    naks: 0,
    nakCopies: 0,
    strangers: 0,
    refused: { 'address-blocked': 0, 'table-full': 0, 'address-in-use': 0, 'group-full': 0 },
    droppedPackets: 0
  }

  private readonly table: GroupTable
  private readonly limits: AskerLimits
  private readonly random: Random
  private readonly wire: ReceiverWire
  private readonly linkTimeoutMs: number
  private readonly emptyGroupTimeoutMs: number
  private readonly turnPackets: number
  private readonly answers: Record<typeof REG3 | typeof REG_ERR | typeof REG_NGP, Uint8Array>
  private readonly nakChoice: ReceiverLink[] = []
  private readonly effects: ReceiverEffect[] = []
  private turnEndsMs = -Infinity
  /** Packets of this turn that no group had a claim to */
  private spare = 0
  private nextReadingMs = Infinity
  private nextSweepMs = Infinity

  /** @param random has to be fit for secrets: ids of groups are made of it */
  constructor (init: SrtlaReceiverInit, random: Random, wire: ReceiverWire) {
    this.table = new GroupTable({ maxGroups: init.maxGroups ?? 200, maxLinksPerGroup: init.maxLinksPerGroup ?? 16 })
    this.limits = new AskerLimits(init.askers)
    this.random = random
    this.wire = wire
    this.linkTimeoutMs = init.linkTimeoutMs ?? 10_000
    this.emptyGroupTimeoutMs = init.emptyGroupTimeoutMs ?? 10_000
    this.turnPackets = (init.maxPacketsPerSecond ?? 50_000) * TURN_MS / 1_000
    const options = { padded: init.padded ?? false }
    this.answers = { [REG3]: encodeBare(REG3, options), [REG_ERR]: encodeBare(REG_ERR, options), [REG_NGP]: encodeBare(REG_NGP, options) }
  }

  get groups (): ReadonlySet<ReceiverGroup> {
    return this.table.groups
  }

  /** Whether there is something to poll: a driver need not ask after each packet. */
  get hasEffects (): boolean {
    return this.effects.length > 0
  }

  /** The link that packets from there belong to. */
  linkAt (address: string, port: number): ReceiverLink | undefined {
    return this.table.linkAt(address, port)
  }

  /** A datagram from a link. */
  onLinkPacket (bytes: Uint8Array, length: number, link: ReceiverLink, nowMs: number): void {
    link.lastHeardMs = nowMs
    if ((bytes[0] as number) >= 0x90) {
      this.onControl(bytes, length, link, nowMs)
      return
    }
    if (length < SRT_HEADER_BYTES) {
      return
    }
    const { group } = link
    link.lastSrtMs = nowMs
    group.lastActive = link
    if (nowMs >= this.turnEndsMs) {
      this.dealTurn(nowMs)
    }
    group.packetsInTurn++
    if (group.allowance > 0) {
      group.allowance--
    } else if (this.spare > 0) {
      this.spare--
    } else {
      group.droppedPackets++
      this.counters.droppedPackets++
      return
    }
    link.bytes += length
    link.packets++
    group.totalBytes += length
    group.totalPackets++
    this.wire.toListener(group, bytes)
    if (isSrtData(bytes)) {
      writeAckSequence(link.ack, link.ackCount++, dataSequence(bytes))
      if (link.ackIsFull) {
        link.ackCount = 0
        this.counters.acks++
        this.wire.toLink(link, link.ack)
      }
    } else if (packetType(bytes, length) === SRT_HANDSHAKE) {
      this.onHandshake(bytes, length, group)
    }
  }

  /** A datagram from elsewhere. Answers are never larger than what asked for them. */
  onStrangerPacket (bytes: Uint8Array, length: number, origin: Origin, nowMs: number): void {
    const type = packetType(bytes, length)
    const id = registrationId(bytes, length)
    if (id !== undefined && type === REG1) {
      this.onFirstRegistration(id, origin, nowMs)
    } else if (id !== undefined && type === REG2) {
      this.onLinkRegistration(id, origin, nowMs)
    } else {
      this.counters.strangers++
    }
  }

  /** A packet from whoever listens for SRT. */
  onListenerPacket (bytes: Uint8Array, length: number, group: ReceiverGroup, nowMs: number): void {
    if (group.listenerIsAbsent) {
      group.listenerIsAbsent = false
      this.effect({ type: 'listener-back', group })
    }
    if (length < SRT_HEADER_BYTES) {
      return
    }
    const type = packetType(bytes, length)
    if (type === SRT_ACK) {
      for (const link of group.links) {
        this.wire.toLink(link, bytes)
      }
    } else if (type === SRT_NAK) {
      this.counters.naks++
      const count = nakLinks(group, nowMs, this.nakChoice)
      this.counters.nakCopies += count
      for (let i = 0; i < count; i++) {
        this.wire.toLink(this.nakChoice[i] as ReceiverLink, bytes)
      }
    } else {
      const link = group.lastActive ?? group.links[0]
      if (link !== undefined) {
        this.wire.toLink(link, bytes)
      }
    }
  }

  /** Nobody listens where the packets of a group go. The group stays: SRT of the other side tries again, and somebody may listen by then. */
  onListenerAbsent (group: ReceiverGroup, _nowMs: number): void {
    if (!group.listenerIsAbsent && this.table.groups.has(group)) {
      group.listenerIsAbsent = true
      this.effect({ type: 'listener-absent', group })
    }
  }

  onTimeout (nowMs: number): void {
    if (nowMs >= this.nextReadingMs) {
      this.nextReadingMs = nowMs + READING_MS
      for (const group of this.table.groups) {
        for (const link of group.links) {
          link.takeReading()
        }
      }
    }
    if (nowMs >= this.nextSweepMs) {
      this.nextSweepMs = nowMs + SWEEP_MS
      this.sweep(nowMs)
    }
    if (this.table.groups.size === 0) {
      this.nextReadingMs = this.nextSweepMs = Infinity
    }
  }

  poll (): ReceiverEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const atMs = Math.min(this.nextReadingMs, this.nextSweepMs)
    return atMs === Infinity ? undefined : atMs
  }

  private onControl (bytes: Uint8Array, length: number, link: ReceiverLink, nowMs: number): void {
    const type = packetType(bytes, length)
    if (type === KEEPALIVE) {
      link.report = readKeepalive(bytes, length) ?? link.report
      this.wire.toLink(link, bytes)
    } else if (type === REG2) {
      const id = registrationId(bytes, length)
      if (id !== undefined) {
        this.onLinkRegistration(id, link, nowMs)
      }
    } else if (type === REG1) {
      const id = registrationId(bytes, length)
      if (id !== undefined) {
        this.onFirstRegistration(id, link, nowMs)
      }
    }
  }

  private onFirstRegistration (id: Uint8Array, origin: Origin, nowMs: number): void {
    const known = this.table.byHalfId(id)
    if (known !== undefined) { // the REG2 was lost: the same one again
      this.wire.toOrigin(origin, encodeRegistration(REG2, known.id))
      return
    }
    const asker = askerOf(origin.address)
    if (this.limits.isBlocked(asker, nowMs)) {
      this.refuse(origin, 'address-blocked')
      return
    }
    if (this.table.linkAt(origin.address, origin.port) !== undefined) {
      this.limits.onFailure(asker, nowMs)
      this.refuse(origin, 'address-in-use')
      return
    }
    const leaving = this.table.roomFor(asker)
    if (leaving === undefined) {
      this.limits.onFailure(asker, nowMs)
      this.refuse(origin, 'table-full')
      return
    }
    for (const ghost of leaving) {
      this.removeGhost(ghost, nowMs)
    }
    const full = new Uint8Array(ID_BYTES)
    full.set(id.subarray(0, HALF_ID_BYTES))
    full.set(randomBytes(this.random, ID_BYTES - HALF_ID_BYTES), HALF_ID_BYTES)
    this.table.addGroup(full, asker, nowMs)
    this.wire.toOrigin(origin, encodeRegistration(REG2, full))
    if (this.nextSweepMs === Infinity) {
      this.nextSweepMs = nowMs + SWEEP_MS
      this.nextReadingMs = nowMs + READING_MS
    }
  }

  private onLinkRegistration (id: Uint8Array, origin: Origin, nowMs: number): void {
    const group = this.table.byId(id)
    if (group === undefined) {
      this.wire.toOrigin(origin, this.answers[REG_NGP])
      return
    }
    const link = this.table.linkAt(origin.address, origin.port)
    if (link !== undefined) {
      if (link.group === group) {
        this.wire.toOrigin(origin, this.answers[REG3])
      } else {
        this.refuse(origin, 'address-in-use')
      }
      return
    }
    if (!this.table.hasRoomForLink(group)) {
      this.refuse(origin, 'group-full')
      return
    }
    const wasGhost = group.isGhost
    const added = this.table.addLink(group, origin, nowMs)
    if (wasGhost) {
      this.counters.groups++
      this.limits.onSuccess(group.asker)
      group.allowance = Math.ceil(this.turnPackets / this.table.groups.size)
      this.effect({ type: 'group-opened', group })
    }
    this.effect({ type: 'link-added', link: added })
    this.wire.toOrigin(origin, this.answers[REG3])
  }

  private onHandshake (bytes: Uint8Array, length: number, group: ReceiverGroup): void {
    const streamId = readConclusion(bytes, length)?.streamId
    if (streamId !== undefined && streamId !== group.streamId) {
      group.streamId = streamId
      this.effect({ type: 'stream-named', group })
    }
  }

  private sweep (nowMs: number): void {
    for (const group of this.table.groups) {
      for (const link of group.links.filter(({ lastHeardMs }) => nowMs - lastHeardMs >= this.linkTimeoutMs)) {
        this.table.removeLink(link, nowMs)
        this.effect({ type: 'link-lost', link })
      }
      if (group.emptySinceMs === undefined || nowMs - group.emptySinceMs < this.emptyGroupTimeoutMs) {
        continue
      }
      if (group.isGhost) {
        this.removeGhost(group, nowMs)
      } else {
        this.table.removeGroup(group)
        this.effect({ type: 'group-closed', group })
      }
    }
  }

  private removeGhost (ghost: ReceiverGroup, nowMs: number): void {
    this.table.removeGroup(ghost)
    this.counters.ghosts++
    this.limits.onFailure(ghost.asker, nowMs)
  }

  /** Allowances of the next turn, by what groups sent in this one. */
  private dealTurn (nowMs: number): void {
    this.turnEndsMs = nowMs + TURN_MS
    const groups = [...this.table.groups].filter(({ isGhost }) => !isGhost)
    const shares = fairShares(groups.map(({ packetsInTurn }) => packetsInTurn), this.turnPackets)
    for (const [i, group] of groups.entries()) {
      // an equal share is there at once for one that sent little so far
      group.allowance = Math.ceil(Math.max(shares[i] as number, this.turnPackets / groups.length))
      group.packetsInTurn = 0
    }
    this.spare = Math.max(0, this.turnPackets - shares.reduce((sum, share) => sum + share, 0))
  }

  private refuse (origin: Origin, reason: RefusalReason): void {
    this.counters.refused[reason]++
    this.wire.toOrigin(origin, this.answers[REG_ERR])
    this.effect({ type: 'refused', origin: { address: origin.address, port: origin.port, family: origin.family }, reason })
  }

  private effect (effect: ReceiverEffect): void {
    if (this.effects.length >= MAX_EFFECTS) {
      this.effects.shift()
    }
    this.effects.push(effect)
  }
}
