/** The sender's side of SRTLA: spreads one stream of SRT over several links, and brings what comes back over them to the local end. */
import { ACK, ackCount, ackSequence, KEEPALIVE, keepaliveTimeMs, packetType } from '../packet.ts'
import { REG2, REG3, REG_ERR, REG_NAK, REG_NGP, registrationId } from '../packet.ts'
import { READING_MS } from '../recent-bytes.ts'
import { dataSequence, isRetransmission, isSrtData, readConclusion } from '../srt-packet.ts'
import { SRT_ACK, SRT_HANDSHAKE, SRT_HEADER_BYTES, SRT_NAK } from '../srt-packet.ts'
import { AdaptiveRule } from './adaptive-rule.ts'
import { ClassicRule, START_WINDOW } from './classic-rule.ts'
import { SenderLink } from './link.ts'
import { Registration } from './registration.ts'
import { MAX_LINKS, SentLog } from './sent-log.ts'
import { SrtAnswers } from './srt-answers.ts'
import { Upkeep } from './upkeep.ts'
import type { Machine, Random } from '@skein/core'
import type { LinkRule } from './link-rule.ts'
import type { SenderCounters, SenderEffect, SenderWire } from './sender-wire.ts'

export type SenderMode = 'adaptive' | 'classic'

export interface SrtlaSenderInit {
  /**
   * `classic`: the rule of the first implementation. `adaptive` carries more over unequal links and has less sent again.
   *
   * @default 'adaptive'
   */
  mode?: SenderMode
  /**
   * Adaptive mode: how long a reported loss may be kept back while the packet may still be on its way, ms. More saves retransmissions; it has to be
   * well below the latency of the stream, half of which is the most that is taken. 0 passes on every report at once.
   *
   * @default 400
   */
  maxHoldMs?: number
  /** Pad own packets to 32 bytes, for networks that drop smaller ones @default false */
  padded?: boolean
}

const CLASSIC_TICK_MS = 1_000
const ADAPTIVE_TICK_MS = 100
/** What an echo can tell; more is a clock that was set. */
const MAX_RTT_MS = 10_000
/** Effects that wait to be polled; a driver that does not poll loses the oldest. */
const MAX_EFFECTS = 1_024

export class SrtlaSender implements Machine<SenderEffect> {
  readonly mode: SenderMode
  readonly links: SenderLink[] = []
  readonly counters: SenderCounters = { unsent: 0, copies: 0, naks: 0, falseAlarms: 0, retransmissions: 0, packets: 0, bytes: 0 }
  /** As the handshake of SRT told it last */
  streamId: string | undefined
  private readonly bySlot = new Array<SenderLink | undefined>(MAX_LINKS).fill(undefined)
  private readonly log = new SentLog()
  private readonly rule: LinkRule
  private readonly answers: SrtAnswers
  private readonly registration: Registration
  private readonly upkeep: Upkeep
  private readonly wire: SenderWire
  private readonly tickMs: number
  private readonly effects: SenderEffect[] = []
  private nextTickMs: number
  private nextReadingMs: number

  /** @param random has to be fit for secrets: the id of the group is made of it */
  constructor (init: SrtlaSenderInit, random: Random, wire: SenderWire, nowMs: number) {
    this.mode = init.mode ?? 'adaptive'
    this.wire = wire
    this.registration = new Registration(random)
    this.tickMs = this.mode === 'classic' ? CLASSIC_TICK_MS : ADAPTIVE_TICK_MS
    this.nextTickMs = nowMs
    this.nextReadingMs = nowMs
    this.rule = this.mode === 'classic' ? new ClassicRule(this.log) : new AdaptiveRule(this.log)
    this.answers = new SrtAnswers({
      log: this.log,
      rule: this.rule,
      counters: this.counters,
      linkOf: slot => this.bySlot[slot],
      toLocal: bytes => { wire.toLocal(bytes) },
      maxHoldMs: this.mode === 'classic' ? undefined : init.maxHoldMs ?? 400
    })
    this.upkeep = new Upkeep({
      log: this.log,
      rule: this.rule,
      registration: this.registration,
      isClassic: this.mode === 'classic',
      padded: init.padded,
      send: (link, bytes, atMs) => { this.send(link, bytes, atMs) }
    })
  }

  /** Whether there is something to poll: a driver need not ask after each packet. */
  get hasEffects (): boolean {
    return this.effects.length > 0
  }

  /** Of the group: its first half is this sender's, the rest the receiver's once it has made one */
  get groupId (): Uint8Array {
    return this.registration.id
  }

  inFlightOf (link: SenderLink): number {
    return this.log.inFlight[link.slot] as number
  }

  /**
   * A link is there, and joins at once; `undefined` when there are 16.
   *
   * @param prepare told of its slot before anything is sent over it
   */
  addLink (name: string, nowMs: number, prepare?: (slot: number) => void): SenderLink | undefined {
    const slot = this.bySlot.indexOf(undefined)
    if (slot < 0) {
      return undefined
    }
    prepare?.(slot)
    const link = new SenderLink(name, slot, START_WINDOW, nowMs)
    this.bySlot[slot] = link
    this.links.push(link)
    this.upkeep.join(link, nowMs)
    return link
  }

  removeLink (link: SenderLink, _nowMs: number): void {
    const at = this.links.indexOf(link)
    if (at >= 0) {
      this.links.splice(at, 1)
      this.bySlot[link.slot] = undefined
      this.log.forgetSlot(link.slot)
      this.registration.onLinkRemoved(link)
    }
  }

  /** The system says that nothing can be sent over it. */
  onLinkBroken (link: SenderLink, nowMs: number): void {
    if (link.state === 'up') {
      this.takeDown(link, nowMs)
    }
  }

  /** A packet from the local end, to be sent over one of the links. */
  onLocalPacket (bytes: Uint8Array, length: number, nowMs: number): void {
    if (length < SRT_HEADER_BYTES) {
      return
    }
    const isData = isSrtData(bytes)
    if (!isData && packetType(bytes, length) === SRT_HANDSHAKE) { // a connection begins
      this.log.clear()
      this.answers.clear()
      this.answers.onHandshake(bytes, length)
      const conclusion = readConclusion(bytes, length)
      this.streamId = conclusion === undefined ? this.streamId : conclusion.streamId
    }
    const isRepeated = isData && isRetransmission(bytes)
    const link = this.rule.choose(this.links, nowMs, !isData || isRepeated)
    if (link === undefined) {
      this.counters.unsent++
      return
    }
    if (isData) {
      this.log.record(dataSequence(bytes), link.slot, nowMs)
      this.rule.onSent(link, nowMs)
    }
    link.packets++
    link.bytes += length
    this.counters.packets++
    this.counters.bytes += length
    if (isRepeated) {
      this.counters.retransmissions++
    }
    this.send(link, bytes, nowMs)
    this.answers.review(nowMs)
  }

  /** A packet from the receiver, over one of the links. */
  onLinkPacket (bytes: Uint8Array, length: number, link: SenderLink, nowMs: number): void {
    const type = packetType(bytes, length)
    if (type !== REG_NGP && type !== REG2) {
      link.lastHeardMs = nowMs
    }
    if (type >= KEEPALIVE) {
      this.onControl(type, bytes, length, link, nowMs)
    } else if (length < SRT_HEADER_BYTES) {
      return
    } else if (type === SRT_ACK) {
      this.answers.onAck(bytes, length)
    } else if (type === SRT_NAK) {
      this.answers.onNak(bytes, length, nowMs)
    } else {
      if (type === SRT_HANDSHAKE) {
        this.answers.onHandshake(bytes, length)
      }
      this.wire.toLocal(bytes)
    }
  }

  onTimeout (nowMs: number): void {
    if (nowMs >= this.nextReadingMs) {
      this.nextReadingMs = nowMs + READING_MS
      for (const link of this.links) {
        link.takeReading()
      }
    }
    if (nowMs < this.nextTickMs) {
      return
    }
    this.nextTickMs = nowMs + this.tickMs
    for (const link of this.links) {
      if (link.state === 'up' && nowMs - link.lastHeardMs >= this.rule.linkTimeoutMs) {
        this.takeDown(link, nowMs)
      }
      if (link.state === 'up') {
        this.rule.onTick(link, nowMs)
        this.upkeep.keepAlive(link, nowMs)
      } else if (nowMs >= link.nextJoinMs) {
        this.upkeep.join(link, nowMs)
      }
    }
    this.answers.review(nowMs)
  }

  poll (): SenderEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number {
    return Math.min(this.nextTickMs, this.nextReadingMs)
  }

  private onControl (type: number, bytes: Uint8Array, length: number, link: SenderLink, nowMs: number): void {
    if (type === ACK) {
      this.onAck(bytes, length, link, nowMs)
    } else if (type === KEEPALIVE) {
      this.onKeepalive(bytes, length, link, nowMs)
    } else if (type === REG_NGP) {
      const someLinkIsUp = this.links.some(({ state }) => state === 'up')
      if (this.registration.onNoGroup(link, someLinkIsUp, nowMs)) {
        this.upkeep.join(link, nowMs)
      }
    } else if (type === REG2) {
      const id = registrationId(bytes, length)
      if (id !== undefined && this.registration.onGroup(link, id)) {
        this.effect({ type: 'registered' })
        for (const other of this.links) {
          this.upkeep.join(other, nowMs)
        }
      }
    } else if (type === REG3) {
      if (link.state !== 'up') {
        link.state = 'up'
        link.joinTries = 0
        link.path.onProof(nowMs)
        this.effect({ type: 'link-up', link })
        if (this.mode === 'adaptive') {
          this.upkeep.sendKeepalive(link, nowMs) // its round trip is known before much is sent over it
        }
      }
    } else if (type === REG_ERR || type === REG_NAK) {
      this.effect({ type: 'refused', link, what: this.registration.onRefused(link, nowMs) ? 'group' : 'link' })
    }
  }

  private onAck (bytes: Uint8Array, length: number, link: SenderLink, nowMs: number): void {
    const count = ackCount(length)
    let rttMs: number | undefined
    let newestSentMs = link.path.newestAckedSentMs
    for (let i = 0; i < count; i++) {
      const at = this.log.find(ackSequence(bytes, i))
      if (at !== undefined && !this.log.isDelivered(at)) {
        const owner = this.bySlot[this.log.slotOf(at)]
        const sentMs = this.log.sentAtMs(at)
        // a packet that was sent twice may have come by the other way: that says nothing about this one
        const isSure = owner === link && !this.log.wasResent(at)
        this.log.deliver(at, nowMs)
        if (owner !== undefined) {
          this.rule.onDelivered(owner, nowMs)
        }
        if (isSure) {
          newestSentMs = Math.max(newestSentMs, sentMs)
          rttMs = i === count - 1 ? nowMs - sentMs : undefined // the last one caused the ACK, the others waited for it
        }
      }
      this.rule.onSequenceAcked(this.links, nowMs)
    }
    link.path.newestAckedSentMs = newestSentMs
    this.rule.onAcked(link, count, rttMs, nowMs)
    this.answers.review(nowMs)
  }

  private onKeepalive (bytes: Uint8Array, length: number, link: SenderLink, nowMs: number): void {
    const sentMs = keepaliveTimeMs(bytes, length)
    this.rule.onEcho(link, sentMs === undefined ? undefined : Math.max(0, Math.min(MAX_RTT_MS, nowMs - sentMs)), nowMs)
  }

  private takeDown (link: SenderLink, nowMs: number): void {
    link.state = 'down'
    link.nextJoinMs = nowMs
    this.log.forgetSlot(link.slot)
    this.rule.onDown(link)
    this.effect({ type: 'link-down', link })
  }

  private send (link: SenderLink, bytes: Uint8Array, nowMs: number): void {
    link.lastSentMs = nowMs
    this.wire.toLink(link, bytes)
  }

  private effect (effect: SenderEffect): void {
    if (this.effects.length >= MAX_EFFECTS) {
      this.effects.shift()
    }
    this.effects.push(effect)
  }
}
