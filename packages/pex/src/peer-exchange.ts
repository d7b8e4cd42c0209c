/** Peer exchange (`/skein/pex/1.0.0`) without I/O: whom to ask and when, what to answer, what others do wrong. */
import { BoundedMap, randomBelow, TokenBucket } from '@skein/core'
import { DialLimits } from './dial-limits.ts'
import { dropsAsked, EXCHANGE_BOUNDS, recordsWanted } from './exchange-rules.ts'
import { newExchangeCounters } from './exchange-counters.ts'
import { PeerView } from './peer-view.ts'
import type { ExchangeCounters, PexOffence } from './exchange-counters.ts'
import type { PeerRecord } from './peer-record.ts'
import type { PeerViewInit } from './peer-view.ts'
import type { Machine, Random } from '@skein/core'

export interface PeerExchangeInit extends PeerViewInit {
  /** Limits of dials, which all that dial strangers share. Default: its own */
  dials?: DialLimits
  /**
   * Between two exchanges that this peer begins, each with another peer, ms. Shorter: a livelier view, and more traffic.
   *
   * @default 60_000
   */
  roundMs?: number
  /**
   * The same while the view is less than half full, ms.
   *
   * @default 2_000
   */
  fillMs?: number
  /**
   * Whether it asks others, and by that becomes known to them. Without it answers only: a seed that was in views would be dialled for exchange by
   * those it has let go.
   *
   * @default true
   */
  asks?: boolean
  /**
   * Asking peers that are answered in a minute; more are told to come again.
   *
   * @default 120
   */
  answersPerMinute?: number
  /**
   * Of those that are told to come again, so many in a minute are told of eight peers to ask meanwhile. Without it 100,000 newcomers that all know
   * the same twenty learn of others at the pace at which those twenty answer.
   *
   * @default 1200
   */
  referralsPerMinute?: number
}

export type PexEffect =
  /** Send own record, freshly signed, and `records`. With `addresses` the peer is not connected: dial these and no others */
  | { type: 'ask', peer: string, addresses: string[], records: PeerRecord[], wanted: number }
  | { type: 'answer', peer: string, records: PeerRecord[] }
  /** With some to ask meanwhile, when it is refused for load */
  | { type: 'refuse', peer: string, retryAfterMs: number, records: PeerRecord[] }
  /** For the address book */
  | { type: 'learned', source: string, records: PeerRecord[] }
  | { type: 'penalize', peer: string, reason: PexOffence }

interface Question {
  /** Dialled for it */
  addresses: string[]
  sent: number
  wanted: number
  deadlineMs: number
}

/** Without an answer by then, ms: dial, handshake and both messages. */
export const ASK_TIMEOUT_MS = 15_000
const MAX_QUESTIONS = 8
const MAX_REMEMBERED = 4096
const MAX_CONNECTED = 16_384
const MAX_NEIGHBOURS = 64
/** Peers of the view looked at for one that may be asked now. */
const MAX_TRIES = 8
/** Told of to a peer that is refused for load. */
const MAX_REFERRED = 8
/** Room for the own record and the other fields of a message. */
const RESERVED_BYTES = 1024

export class PeerExchange implements Machine<PexEffect> {
  readonly view: PeerView
  readonly counters: ExchangeCounters = newExchangeCounters()
  private readonly init: PeerExchangeInit
  private readonly random: Random
  private readonly dials: DialLimits
  private readonly answers: TokenBucket
  private readonly referrals: TokenBucket
  private readonly connected = new BoundedMap<string, true>({ maxSize: MAX_CONNECTED })
  private neighbours: string[] = []
  private readonly askedAt = new BoundedMap<string, number>({ maxSize: MAX_REMEMBERED })
  private readonly heardAt = new BoundedMap<string, number>({ maxSize: MAX_REMEMBERED })
  private readonly questions = new Map<string, Question>()
  private readonly effects: PexEffect[] = []
  private rounds = 0
  private nextRoundMs: number

  constructor (init: PeerExchangeInit, random: Random, nowMs: number) {
    this.init = init
    this.random = random
    this.view = new PeerView(init)
    this.dials = init.dials ?? new DialLimits()
    const perMinute = init.answersPerMinute ?? 120
    this.answers = new TokenBucket({ ratePerSecond: perMinute / 60, burst: perMinute }, nowMs)
    const referrals = init.referralsPerMinute ?? 1200
    this.referrals = new TokenBucket({ ratePerSecond: referrals / 60, burst: referrals }, nowMs)
    // not all at once, when many start together
    this.nextRoundMs = nowMs + randomBelow(random, init.fillMs ?? 2_000)
  }

  /**
   * In how many views this peer is, by how often it is asked against how often it asks one of its own view, which is as large as others' are;
   * `undefined` before it has asked ten times. Exchange with neighbours, which are asked whether they are in the view or not, draws the estimate
   * towards the mean.
   */
  get inDegreeEstimate (): number | undefined {
    const { asks_total: asks, answers_total: answers } = this.counters
    return asks < 10 ? undefined : this.view.size * answers / asks
  }

  onConnected (peer: string, nowMs: number): void {
    this.connected.set(peer, true)
    this.view.check(peer, nowMs)
    this.hasten(nowMs)
  }

  onDisconnected (peer: string, nowMs: number): void {
    this.connected.delete(peer)
    this.view.check(peer, nowMs)
  }

  /** This node leaves the network: the view stays, for when it comes back. */
  onStopped (nowMs: number): void {
    for (const peer of [...this.connected.keys()]) {
      this.onDisconnected(peer, nowMs)
    }
    this.neighbours = []
    this.questions.clear()
    this.effects.length = 0
  }

  /** The neighbours in a mesh, of which every other question goes to one; the first 64 count. */
  onNeighbours (peers: readonly string[]): void {
    this.neighbours = peers.slice(0, MAX_NEIGHBOURS)
  }

  /** Records from one's own memory, or from who is trusted to give them; not told to others before they are connected. */
  onKnown (records: readonly PeerRecord[], nowMs: number): void {
    this.view.merge(this.init.self, records.slice(0, this.view.viewSize), 0, nowMs)
  }

  /** Whether a question of this peer would be refused now: its records need not be read then. */
  isTooSoon (peer: string, nowMs: number): boolean {
    return nowMs - (this.heardAt.get(peer) ?? -Infinity) < EXCHANGE_BOUNDS.leastPauseMs - EXCHANGE_BOUNDS.pauseToleranceMs
  }

  /** A peer asks. Signatures and lives of the records have been checked. */
  onAsk (from: string, message: { records: readonly PeerRecord[], wanted: number }, nowMs: number): void {
    const pauseMs = EXCHANGE_BOUNDS.leastPauseMs
    if (this.isTooSoon(from, nowMs)) {
      this.refuse(from, (this.heardAt.get(from) ?? nowMs) + pauseMs - nowMs, 'too_soon')
      return
    }
    this.heardAt.set(from, nowMs)
    const offence = offenceOf(message.records, EXCHANGE_BOUNDS.maxAdded)
    if (offence !== undefined) {
      this.refuse(from, pauseMs, offence)
      return
    }
    if (!this.answers.take(1, nowMs)) {
      this.counters.refused_for_load_total++
      const records = this.referrals.take(1, nowMs) ? this.compose(from, Math.min(message.wanted, MAX_REFERRED), nowMs) : []
      this.effects.push({ type: 'refuse', peer: from, retryAfterMs: pauseMs, records })
      return
    }
    this.counters.answers_total++
    this.view.check(from, nowMs)
    const records = this.compose(from, message.wanted, nowMs)
    this.effects.push({ type: 'answer', peer: from, records })
    this.take(from, message.records, records.length, nowMs)
  }

  /** The answer to an `ask`. Signatures and lives of the records have been checked. */
  onAnswer (from: string, records: readonly PeerRecord[], nowMs: number): void {
    const question = this.questions.get(from)
    if (question === undefined) {
      this.penalize(from, 'unsolicited')
      return
    }
    this.end(from, question, true)
    const offence = offenceOf(records, question.wanted)
    if (offence !== undefined) {
      this.penalize(from, offence)
      return
    }
    this.view.check(from, nowMs)
    this.take(from, records, question.sent, nowMs)
  }

  /** The peer asked to be left alone for now: it is there, and is asked again like any other. What it told of others is taken if there is room. */
  onRefused (from: string, records: readonly PeerRecord[], nowMs: number): void {
    const question = this.questions.get(from)
    if (question === undefined) {
      return
    }
    this.end(from, question, true)
    this.counters.asks_refused_total++
    const offence = offenceOf(records, Math.min(question.wanted, MAX_REFERRED))
    if (offence !== undefined) {
      this.penalize(from, offence)
      return
    }
    this.take(from, records, 0, nowMs)
  }

  /** The peer could not be reached, or did not answer. */
  onAskFailed (peer: string): void {
    const question = this.questions.get(peer)
    if (question !== undefined) {
      this.end(peer, question, false)
      this.counters.asks_failed_total++
      this.view.drop(peer)
    }
  }

  /** A message of the peer was not read: one of it, or of too many others, is being read. */
  onBusy (): void {
    this.counters.refused_busy_total++
  }

  /** What only the reader of a message sees: that it is too large, not a message, or holds a record that nobody signed. */
  onOffence (from: string, reason: PexOffence): void {
    this.questions.delete(from)
    this.penalize(from, reason)
  }

  onTimeout (nowMs: number): void {
    for (const [peer, { deadlineMs }] of this.questions) {
      if (deadlineMs <= nowMs) {
        this.onAskFailed(peer)
      }
    }
    if (nowMs >= this.nextRoundMs) {
      this.view.dropExpired(nowMs)
      const asked = this.init.asks !== false && this.questions.size < MAX_QUESTIONS && this.ask(nowMs)
      const { roundMs = 60_000, fillMs = 2_000 } = this.init
      // with nobody to ask for now a short pause is of no use
      this.nextRoundMs = nowMs + (this.view.size < this.view.viewSize / 2 && asked ? fillMs : roundMs)
    }
  }

  poll (): PexEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number {
    let next = this.nextRoundMs
    for (const { deadlineMs } of this.questions.values()) {
      next = Math.min(next, deadlineMs)
    }
    return next
  }

  private ask (nowMs: number): boolean {
    const neighbours = this.neighbours.filter(peer => this.connected.has(peer) && this.mayAsk(peer, nowMs))
    const useNeighbour = neighbours.length > 0 && this.rounds % 2 === 1
    const partner = (useNeighbour ? undefined : this.fromView(nowMs)) ?? this.known(neighbours) ??
      this.known([...this.connected.keys()].filter(peer => this.mayAsk(peer, nowMs)))
    if (partner === undefined) {
      return false
    }
    const { peer, addresses, source } = partner
    const { view } = this
    if (addresses.length > 0) {
      this.dials.onDial(addresses, source, nowMs)
    }
    const wanted = recordsWanted(view.viewSize, view.size, this.rounds)
    // with room left it does no harm to know it still
    if (dropsAsked('age') && view.size > view.viewSize / 2) {
      view.drop(peer)
    }
    const sent = this.compose(peer, wanted - 1, nowMs)
    this.questions.set(peer, { addresses, sent: sent.length, wanted, deadlineMs: nowMs + ASK_TIMEOUT_MS })
    this.askedAt.set(peer, nowMs)
    this.rounds++
    this.counters.asks_total++
    this.effects.push({ type: 'ask', peer, addresses, records: sent, wanted })
    return true
  }

  private end (peer: string, { addresses, deadlineMs }: Question, reached: boolean): void {
    this.questions.delete(peer)
    if (addresses.length > 0) {
      const dialledMs = deadlineMs - ASK_TIMEOUT_MS
      if (reached) {
        this.dials.onSucceeded(addresses, dialledMs)
      } else {
        this.dials.onFailed(addresses, dialledMs)
      }
    }
  }

  /** One of the view, drawn at random, that is connected or may be dialled. */
  private fromView (nowMs: number): Partner | undefined {
    const entries = [...this.view.values()].filter(({ record }) => this.mayAsk(record.peer, nowMs))
    for (let tries = 0; tries < MAX_TRIES && entries.length > 0; tries++) {
      const at = randomBelow(this.random, entries.length)
      const [entry] = entries.splice(at, 1)
      if (entry === undefined) {
        break
      }
      const { record } = entry
      const source = entry.source === record.peer || entry.source === this.init.self ? undefined : entry.source
      if (this.connected.has(record.peer)) {
        return { peer: record.peer, addresses: [], source: undefined }
      }
      const addresses = this.dials.plan(record.addresses, source, nowMs)
      if (addresses.length > 0) {
        return { peer: record.peer, addresses, source }
      }
    }
    return undefined
  }

  private known (peers: string[]): Partner | undefined {
    return peers.length === 0 ? undefined : { peer: peers[randomBelow(this.random, peers.length)] as string, addresses: [], source: undefined }
  }

  private mayAsk (peer: string, nowMs: number): boolean {
    return !this.questions.has(peer) && nowMs - (this.askedAt.get(peer) ?? -Infinity) >= EXCHANGE_BOUNDS.leastPauseMs
  }

  private compose (to: string, count: number, nowMs: number): PeerRecord[] {
    const maxBytes = EXCHANGE_BOUNDS.maxMessageBytes - RESERVED_BYTES
    return this.view.compose(to, count, maxBytes, peer => this.connected.has(peer), nowMs, this.random)
  }

  private take (from: string, records: readonly PeerRecord[], sent: number, nowMs: number): void {
    const { added, dropped, crowded } = this.view.merge(from, records, sent, nowMs)
    this.counters.records_received_total += records.length
    this.counters.records_added_total += added.length
    this.counters.records_dropped_total += dropped
    this.counters.records_crowded_total += crowded
    if (added.length > 0) {
      this.hasten(nowMs)
      this.effects.push({ type: 'learned', source: from, records: added })
    }
  }

  /** There is somebody to ask now: while the view is less than half full it is not put off. */
  private hasten (nowMs: number): void {
    if (this.init.asks !== false && this.view.size < this.view.viewSize / 2) {
      this.nextRoundMs = Math.min(this.nextRoundMs, nowMs + (this.init.fillMs ?? 2_000))
    }
  }

  private refuse (peer: string, retryAfterMs: number, offence: PexOffence): void {
    this.effects.push({ type: 'refuse', peer, retryAfterMs: Math.ceil(retryAfterMs), records: [] })
    this.penalize(peer, offence)
  }

  private penalize (peer: string, reason: PexOffence): void {
    this.counters.offences_total[reason]++
    if (reason === 'bad_record') {
      this.view.dropFrom(peer)
    }
    this.effects.push({ type: 'penalize', peer, reason })
  }
}

interface Partner {
  peer: string
  addresses: string[]
  source: string | undefined
}

function offenceOf (records: readonly PeerRecord[], most: number): PexOffence | undefined {
  if (records.length > most) {
    return 'too_many'
  }
  return new Set(records.map(({ peer }) => peer)).size < records.length ? 'duplicate' : undefined
}
