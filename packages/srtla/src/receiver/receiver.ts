/** The receiver's side of SRTLA: makes groups, takes in their links, passes SRT on, acknowledges, and finds ways back. */
import { KEEPALIVE, packetType, readKeepalive, REG1, REG2, registrationId, writeAckSequence } from '../packet.ts'
import { READING_MS } from '../recent-bytes.ts'
import { dataSequence, handshakeSocket, isSrtData, readConclusion, SRT_ACK, SRT_HANDSHAKE, SRT_HEADER_BYTES, SRT_NAK } from '../srt-packet.ts'
import { Admission } from './admission.ts'
import { GroupTable } from './group-table.ts'
import { dataLink } from './data-link.ts'
import { nakLinks } from './nak-links.ts'
import { zeroCounters } from './receiver-wire.ts'
import { Turns } from './turns.ts'
import type { Machine, Random } from '@skein/core'
import type { AskerLimitsInit } from './asker-limits.ts'
import type { Origin, ReceiverGroup, ReceiverLink } from './group.ts'
import type { ReceiverCounters, ReceiverEffect, ReceiverWire } from './receiver-wire.ts'

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

/** How often time-outs are looked for. */
const SWEEP_MS = 3_000
/** Effects that wait to be polled; a driver that does not poll loses the oldest. */
const MAX_EFFECTS = 4_096

export class SrtlaReceiver implements Machine<ReceiverEffect> {
  readonly counters: ReceiverCounters = zeroCounters()
  private readonly table: GroupTable
  private readonly admission: Admission
  private readonly turns: Turns
  private readonly wire: ReceiverWire
  private readonly linkTimeoutMs: number
  private readonly emptyGroupTimeoutMs: number
  private readonly nakChoice: ReceiverLink[] = []
  private readonly effects: ReceiverEffect[] = []
  private nextReadingMs = Infinity
  private nextSweepMs = Infinity

  /** @param random has to be fit for secrets: ids of groups are made of it */
  constructor (init: SrtlaReceiverInit, random: Random, wire: ReceiverWire) {
    this.table = new GroupTable({ maxGroups: init.maxGroups ?? 200, maxLinksPerGroup: init.maxLinksPerGroup ?? 16 })
    this.turns = new Turns(init.maxPacketsPerSecond ?? 50_000, this.table.groups)
    this.wire = wire
    this.linkTimeoutMs = init.linkTimeoutMs ?? 10_000
    this.emptyGroupTimeoutMs = init.emptyGroupTimeoutMs ?? 10_000
    this.admission = new Admission({
      table: this.table,
      counters: this.counters,
      random,
      askers: init.askers,
      padded: init.padded ?? false,
      answer: (origin, bytes) => { wire.toOrigin(origin, bytes) },
      effect: effect => { this.effect(effect) }
    })
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
    if (!this.turns.take(group, nowMs)) {
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
    if (type === REG1 || type === REG2) {
      this.onRegistration(type, bytes, length, origin, nowMs)
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
      const link = isSrtData(bytes) ? dataLink(group, nowMs) : group.lastActive ?? group.links[0]
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
    } else if (type === REG1 || type === REG2) {
      this.onRegistration(type, bytes, length, link, nowMs)
    }
  }

  private onRegistration (type: number, bytes: Uint8Array, length: number, origin: Origin, nowMs: number): void {
    const id = registrationId(bytes, length)
    if (id === undefined) {
      this.counters.strangers++
    } else if (type === REG2) {
      const link = this.admission.onLinkAsked(id, origin, nowMs)
      if (link !== undefined && link.group.links.length === 1) {
        this.turns.onGroup(link.group)
      }
    } else if (this.admission.onGroupAsked(id, origin, nowMs) && this.nextSweepMs === Infinity) {
      this.nextSweepMs = nowMs + SWEEP_MS
      this.nextReadingMs = nowMs + READING_MS
    }
  }

  private onHandshake (bytes: Uint8Array, length: number, group: ReceiverGroup): void {
    const socket = handshakeSocket(bytes, length)
    if (socket !== undefined && socket !== group.srtSocket) {
      if (group.srtSocket !== undefined) {
        this.effect({ type: 'session-changed', group })
      }
      group.srtSocket = socket
    }
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
        this.admission.removeGhost(group, nowMs)
      } else {
        this.table.removeGroup(group)
        this.effect({ type: 'group-closed', group })
      }
    }
  }

  private effect (effect: ReceiverEffect): void {
    if (this.effects.length >= MAX_EFFECTS) {
      this.effects.shift()
    }
    this.effects.push(effect)
  }
}
