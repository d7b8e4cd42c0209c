/**
 * Peer exchange as `PeerExchange` of `@skein/pex` does it, in typed arrays, for millions of devices. A message takes no time and no connection
 * outlasts its exchange; in a world of machines of which the same holds each view has the same records in the same order.
 */
import { EXCHANGE_BOUNDS, recordsWanted } from '@skein/pex'
import { RandomStream } from '../engine/random-stream.ts'
import { TimerWheel } from '../engine/timer-wheel.ts'
import { CheckedViews } from './checked-views.ts'
import { DialMemory, OWN_KNOWLEDGE } from './dial-memory.ts'
import { RecordMessage } from './record-message.ts'
import type { CheckedViewsInit } from './checked-views.ts'

export interface CheckedExchangeInit extends CheckedViewsInit {
  seed: number
  /** Each device draws as a machine does that is given the generator of this stream for its number */
  stream: number
  /** As of `PeerExchangeInit` */
  roundMs?: number
  fillMs?: number
  answersPerMinute?: number
  referralsPerMinute?: number
  /** Whether a device can be reached by another, by their numbers. @default always */
  reaches?: (from: number, to: number) => boolean
  /** What a stranger answers, one that is no device of this kernel; `from` is a device. Undefined: it is not there */
  answer?: (stranger: number, from: number, message: RecordMessage, nowMs: number) => void
}

/** Numbers of strangers begin here: those whose views are not kept, such as an attacker's. */
export const FIRST_STRANGER = 2 ** 30
const NOBODY = -1
const MAX_TRIES = 8
const MAX_REFERRED = 8
const GROWTH = 1024

export class CheckedExchange {
  readonly views: CheckedViews
  /** The device in a slot; −1 when it is empty */
  readonly deviceIn: Int32Array
  /** Questions that were put, failed, were refused for load; answers that were given; of a slot, how often it was asked */
  readonly totals = { asks: 0, failed: 0, refused: 0, answers: 0 }
  readonly askedOf: Int32Array
  nowMs = 0
  private readonly init: CheckedExchangeInit
  private readonly random: RandomStream
  private readonly dials: DialMemory
  private readonly wheel: TimerWheel
  private slotOfDevice = new Int32Array(GROWTH).fill(NOBODY)
  private devices = 0
  private readonly draws: Uint32Array
  private readonly rounds: Uint32Array
  private readonly nextRoundMs: Int32Array
  private readonly answers: Tokens
  private readonly referrals: Tokens
  private readonly asked = new RecordMessage()
  private readonly answered = new RecordMessage()
  private readonly candidates: Int32Array

  constructor (init: CheckedExchangeInit) {
    const { slots } = init
    this.init = init
    this.views = new CheckedViews(init)
    this.random = new RandomStream(init.seed, init.stream)
    this.dials = new DialMemory(slots, init.networkOf)
    this.wheel = new TimerWheel({ words: 1, initialEvents: slots, maxEvents: 4 * slots + 1000 })
    this.deviceIn = new Int32Array(slots).fill(NOBODY)
    this.askedOf = new Int32Array(slots)
    this.draws = new Uint32Array(slots)
    this.rounds = new Uint32Array(slots)
    this.nextRoundMs = new Int32Array(slots)
    this.answers = new Tokens(slots, init.answersPerMinute ?? 120)
    this.referrals = new Tokens(slots, init.referralsPerMinute ?? 1200)
    this.candidates = new Int32Array(init.viewSize)
  }

  static byteLength (slots: number, viewSize: number): number {
    return CheckedViews.byteLength(slots, viewSize) + DialMemory.byteLength(slots) + slots * 100
  }

  /** A new device in an empty slot, which knows some others. Returns its number: those before it have smaller ones. */
  start (slot: number, known: readonly number[]): number {
    const device = this.devices++
    if (device >= this.slotOfDevice.length) {
      const longer = new Int32Array(this.slotOfDevice.length * 2).fill(NOBODY)
      longer.set(this.slotOfDevice)
      this.slotOfDevice = longer
    }
    this.slotOfDevice[device] = slot
    this.deviceIn[slot] = device
    this.views.length[slot] = 0
    this.dials.clear(slot)
    this.draws[slot] = 0
    this.rounds[slot] = 0
    this.answers.fill(slot, this.nowMs)
    this.referrals.fill(slot, this.nowMs)
    this.wake(slot, this.nowMs + this.below(slot, this.init.fillMs ?? 2_000))
    const message = this.asked
    for (let from = 0; from < Math.min(known.length, this.init.viewSize); from += EXCHANGE_BOUNDS.maxAdded) {
      message.length = 0
      known.slice(from, Math.min(from + EXCHANGE_BOUNDS.maxAdded, this.init.viewSize)).forEach(peer => { message.add(peer, this.nowMs) })
      this.views.merge(slot, device, device, message, 0, this.nowMs)
    }
    return device
  }

  /** The device in a slot has gone. */
  stop (slot: number): void {
    this.slotOfDevice[this.deviceIn[slot] as number] = NOBODY
    this.deviceIn[slot] = NOBODY
    this.views.length[slot] = 0
  }

  /** Where a device is; −1 when it has gone. */
  slotOf (device: number): number {
    return device < this.devices ? this.slotOfDevice[device] as number : NOBODY
  }

  /** Lets all happen that is before a time, ms. */
  run (untilMs: number): void {
    const event = new Int32Array(1)
    for (let tick = this.wheel.nextTick(untilMs); tick !== undefined; tick = this.wheel.nextTick(untilMs)) {
      this.nowMs = tick
      const due: number[] = []
      while (this.wheel.pop(event, 0, tick + 1)) {
        due.push(event[0] as number)
      }
      due.sort((a, b) => a - b)
      for (const slot of due) {
        if (this.nextRoundMs[slot] === tick && this.deviceIn[slot] !== NOBODY) {
          this.round(slot)
        }
      }
    }
    this.nowMs = untilMs
  }

  /** A stranger asks a device that is there and tells it of these. Returns whether it was answered. */
  hear (stranger: number, slot: number, message: RecordMessage, wanted: number): boolean {
    return this.onAsk(slot, stranger, message, wanted)
  }

  private round (slot: number): void {
    const { views, nowMs, init: { viewSize, roundMs = 60_000, fillMs = 2_000 } } = this
    views.dropExpired(slot, nowMs)
    const device = this.deviceIn[slot] as number
    const partner = this.choosePartner(slot, device)
    if (partner === NOBODY) {
      this.wake(slot, nowMs + roundMs)
      return
    }
    const wanted = recordsWanted(viewSize, views.length[slot] as number, this.rounds[slot] as number)
    if ((views.length[slot] as number) > viewSize / 2) {
      views.drop(slot, partner)
    }
    this.asked.length = 0
    views.compose(slot, partner, wanted - 1, nowMs, this.asked, bound => this.below(slot, bound))
    const sent = this.asked.length
    this.asked.add(device, nowMs)
    this.rounds[slot]!++
    this.totals.asks++
    this.wake(slot, nowMs + ((views.length[slot] as number) < viewSize / 2 ? fillMs : roundMs))
    this.exchange(slot, device, partner, sent, wanted)
  }

  private exchange (slot: number, device: number, partner: number, sent: number, wanted: number): void {
    const { views, nowMs, init: { reaches, answer } } = this
    const stranger = partner >= FIRST_STRANGER
    const other = stranger ? NOBODY : this.slotOf(partner)
    if ((stranger ? answer === undefined : other === NOBODY) || reaches?.(device, partner) === false) {
      this.totals.failed++
      this.dials.onEnd(slot, device, partner, false, nowMs)
      views.drop(slot, partner)
      return
    }
    this.dials.onEnd(slot, device, partner, true, nowMs)
    this.answered.length = 0
    if (stranger) {
      answer?.(partner, device, this.answered, nowMs)
    } else if (!this.onAsk(other, device, this.asked, wanted)) {
      this.totals.refused++
      this.take(slot, device, partner, this.answered, 0)
      return
    }
    views.check(slot, partner, nowMs)
    this.take(slot, device, partner, this.answered, sent)
  }

  /** Leaves the answer, or whom to ask meanwhile, in `answered`. */
  private onAsk (slot: number, from: number, message: RecordMessage, wanted: number): boolean {
    const { views, nowMs } = this
    this.askedOf[slot]!++
    this.answered.length = 0
    if (!this.answers.take(slot, nowMs)) {
      if (this.referrals.take(slot, nowMs)) {
        views.compose(slot, from, Math.min(wanted, MAX_REFERRED), nowMs, this.answered, bound => this.below(slot, bound))
      }
      return false
    }
    this.totals.answers++
    views.check(slot, from, nowMs)
    views.compose(slot, from, wanted, nowMs, this.answered, bound => this.below(slot, bound))
    this.take(slot, this.deviceIn[slot] as number, from, message, this.answered.length)
    return true
  }

  private take (slot: number, device: number, from: number, message: RecordMessage, sent: number): void {
    const { views, nowMs, init: { viewSize, fillMs = 2_000 } } = this
    const added = views.merge(slot, device, from, message, sent, nowMs)
    if (added > 0 && (views.length[slot] as number) < viewSize / 2 && (this.nextRoundMs[slot] as number) > nowMs + fillMs) {
      this.wake(slot, nowMs + fillMs)
    }
  }

  /** One of the view, drawn at random, that was not asked within a minute and may be dialled. */
  private choosePartner (slot: number, device: number): number {
    const { views, dials, candidates, nowMs } = this
    dials.forget(slot, nowMs)
    const from = slot * views.viewSize
    let count = 0
    for (let at = from, end = from + (views.length[slot] as number); at < end; at++) {
      if (!dials.wasAsked(slot, views.peers[at] as number)) {
        candidates[count++] = at
      }
    }
    for (let tries = 0; tries < MAX_TRIES && count > 0; tries++) {
      const chosen = this.below(slot, count)
      const at = candidates[chosen] as number
      candidates.copyWithin(chosen, chosen + 1, count--)
      const peer = views.peers[at] as number
      const told = views.source[at] as number
      const source = told === peer || told === device ? OWN_KNOWLEDGE : told
      if (dials.admits(slot, device, peer, source, nowMs)) {
        dials.onAsk(slot, peer, source, nowMs)
        return peer
      }
    }
    return NOBODY
  }

  private wake (slot: number, atMs: number): void {
    this.nextRoundMs[slot] = atMs
    this.wheel.push(atMs, slot)
  }

  /** As `randomBelow`, with the numbers of the device in a slot. */
  private below (slot: number, bound: number): number {
    const limit = Math.floor(0x100000000 / bound) * bound
    for (;;) {
      const value = this.random.uint32(this.deviceIn[slot] as number, this.draws[slot]!++)
      if (value < limit) {
        return value % bound
      }
    }
  }
}

/** As `TokenBucket`, one for each device, with as many tokens at most as come in a minute. */
class Tokens {
  private readonly perMinute: number
  private readonly tokens: Float64Array
  private readonly atMs: Int32Array

  constructor (slots: number, perMinute: number) {
    this.perMinute = perMinute
    this.tokens = new Float64Array(slots)
    this.atMs = new Int32Array(slots)
  }

  fill (slot: number, nowMs: number): void {
    this.tokens[slot] = this.perMinute
    this.atMs[slot] = nowMs
  }

  take (slot: number, nowMs: number): boolean {
    const tokens = Math.min(this.perMinute, (this.tokens[slot] as number) + (nowMs - (this.atMs[slot] as number)) * (this.perMinute / 60) / 1000)
    this.atMs[slot] = nowMs
    this.tokens[slot] = tokens < 1 ? tokens : tokens - 1
    return tokens >= 1
  }
}
