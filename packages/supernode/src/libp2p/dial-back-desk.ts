/** What others ask of this node over `/skein/dial-back/1.0.0`: to be dialled, and to be measured. */
import { BoundedMap, deadline, TokenBucket } from '@skein/core'
import { CONTENT_NONCE_BYTES } from '../measured-content.ts'
import { isRoundBytes } from '../bandwidth-rounds.ts'
import { MAX_DIALLED_ADDRESSES, withoutPeer } from '../dial-queue.ts'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { ASK_NONCE_BYTES, DialBackProtocolError, DialBackStream } from './dial-back-stream.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { MeasurementBudget } from '../measurement-budget.ts'
import type { BandwidthRound, DialBackAnswer, DialBackAsk, DialBackHello, DialBackOutcome } from '../pb/dial-back.ts'
import type { BandwidthMeter, MeasuredBandwidth } from './bandwidth-meter.ts'
import type { DialBackCounters } from './dial-back-counters.ts'
import type { FreshDials } from './fresh-dial.ts'

export interface DialBackDeskInit {
  networkOf: (address: string) => VerifiedNetwork | undefined
  answers: boolean
  admits: (peer: string) => boolean
  /** For being measured */
  budget: MeasurementBudget
  dials: FreshDials
  meter: BandwidthMeter
  measure: (connection: Connection, signal: AbortSignal) => Promise<MeasuredBandwidth>
  /** Whether this node asked for that */
  heard: (peer: string, hello: DialBackHello, connection: Connection) => boolean
  counters: DialBackCounters
  clock: Clock
}

/** Streams answered at once; more are reset. */
const MAX_ANSWERING = 64
/** Asks answered at once. */
const MAX_ASKS = 8
/** … of one /24, on average, and at once. */
const ASK_RATE = { ratePerSecond: 1 / 60, burst: 3 }
const MAX_NETWORKS = 4_096
const REQUEST_MS = 10_000
const ASK_MS = 60_000
const BUSY_MS = 30_000
/** For so long after a round the peer that measures may go on before another begins, ms. */
const SESSION_MS = 1_000
/** A peer that waits for another to have measured comes again after this, ms. */
const SESSION_RETRY_MS = 3_000

export class DialBackDesk {
  private readonly init: DialBackDeskInit
  private readonly asks = new BoundedMap<string, TokenBucket>({ maxSize: MAX_NETWORKS })
  private answering = 0
  private asking = 0
  /** Who measures this node now: two at once would each see a part of its bandwidth */
  private session: { connection: Connection, untilMs: number } | undefined

  constructor (init: DialBackDeskInit) {
    this.init = init
  }

  async answer (stream: Stream, connection: Connection, shutdown: AbortSignal): Promise<void> {
    if (this.answering >= MAX_ANSWERING) {
      stream.abort(new Error('Too many dial-backs are being answered'))
      return
    }
    this.answering++
    const limit = deadline(this.init.clock, REQUEST_MS, [shutdown])
    try {
      const messages = new DialBackStream(stream)
      const { ask, hello, round } = await messages.readRequest(limit)
      if (ask !== undefined) {
        limit.set(ASK_MS)
        await this.answerAsk(messages, ask, connection, limit.signal)
      } else if (hello !== undefined) {
        const isExpected = this.init.heard(connection.remotePeer.toString(), hello, connection)
        await this.write(messages, { refusal: isExpected ? '' : 'not_here' }, limit.signal)
      } else if (round !== undefined) {
        await this.answerRound(messages, round, connection, limit.signal)
      }
      await stream.close(limit)
    } catch (error) {
      this.init.counters.refused_total++
      stream.abort(error as Error)
    } finally {
      limit.clear()
      this.answering--
    }
  }

  private async answerRound (messages: DialBackStream, round: BandwidthRound, connection: Connection, signal: AbortSignal): Promise<void> {
    const { give, take, nonce } = round
    const bytes = give + take
    if ((give !== 0) === (take !== 0) || !isRoundBytes(bytes) || nonce.length !== CONTENT_NONCE_BYTES) {
      throw new DialBackProtocolError('malformed', 'Not a round')
    }
    if (isRelayed(connection) || !this.init.admits(connection.remotePeer.toString())) {
      await this.write(messages, { refusal: 'not_here' }, signal)
      return
    }
    const nowMs = this.init.clock.nowMs()
    const waitMs = this.isTakenByAnother(connection, nowMs)
      ? SESSION_RETRY_MS
      : this.init.budget.take(bytes, this.init.networkOf(connection.remoteAddr.toString())?.wide, nowMs)
    if (waitMs > 0) {
      await this.write(messages, { refusal: 'busy', retryAfterMs: Math.min(waitMs, 0xffff_ffff) }, signal)
      return
    }
    this.session = { connection, untilMs: Infinity }
    try {
      await this.init.meter.serve(messages, round, signal)
      this.init.counters.measurement_bytes_total += bytes
    } finally {
      this.session = { connection, untilMs: this.init.clock.nowMs() + SESSION_MS }
    }
  }

  private isTakenByAnother ({ id }: Connection, nowMs: number): boolean {
    const { session } = this
    return session !== undefined && session.connection.id !== id && session.connection.status === 'open' && nowMs < session.untilMs
  }

  private async answerAsk (messages: DialBackStream, ask: DialBackAsk, connection: Connection, signal: AbortSignal): Promise<void> {
    const isAsk = ask.nonce.length === ASK_NONCE_BYTES && ask.addresses.length > 0 && ask.addresses.length <= MAX_DIALLED_ADDRESSES
    if (!isAsk) {
      throw new DialBackProtocolError('malformed', 'An ask names 1 to 8 addresses and a nonce')
    }
    const network = this.init.networkOf(connection.remoteAddr.toString())
    if (!this.init.answers || isRelayed(connection) || network === undefined) {
      await this.write(messages, { refusal: 'not_here' }, signal)
      return
    }
    const retryAfterMs = this.asking >= MAX_ASKS ? BUSY_MS : this.askWaitMs(network.small)
    if (retryAfterMs > 0) {
      await this.write(messages, { refusal: 'busy', retryAfterMs }, signal)
      return
    }
    this.asking++
    try {
      const outcomes = await this.dialBack(messages, ask, connection.remotePeer.toString(), signal)
      this.init.counters.answered_total++
      await messages.writeAnswer({ outcomes }, { signal })
    } finally {
      this.asking--
    }
  }

  private async dialBack (messages: DialBackStream, ask: DialBackAsk, peer: string, signal: AbortSignal): Promise<DialBackOutcome[]> {
    const addresses = ask.addresses.map(address => withoutPeer(address, peer))
    const speeds = new Map<string, number>()
    let isMeasured = !ask.measure
    const tour = await this.init.dials.tour({
      peer,
      addresses,
      triesUnpaid: false,
      demand: async bytes => {
        await messages.writeAnswer({ payBytes: bytes }, { signal })
        let paid = 0
        while (paid < bytes) {
          const { length } = await messages.readBlock({ signal })
          if (length === 0) {
            throw new DialBackProtocolError('malformed', 'An empty block')
          }
          paid += length
        }
        return bytes
      },
      onReached: async (fresh, { address }) => {
        await this.greet(fresh, { nonce: ask.nonce, address: addresses.indexOf(address) }, signal)
        if (!isMeasured) {
          isMeasured = true
          const { bytesPerSecond } = await this.init.measure(fresh, signal)
          if (bytesPerSecond !== undefined) {
            speeds.set(address, bytesPerSecond)
          }
        }
        return 0
      },
      signal
    })
    return addresses.map(address => ({ status: tour.get(address) ?? 'failed', bytesPerSecond: BigInt(speeds.get(address) ?? 0) }))
  }

  /** That the connection stands is what was asked for; whether the peer takes note of it is its own affair. */
  private async greet (fresh: Connection, hello: DialBackHello, signal: AbortSignal): Promise<void> {
    const limit = deadline(this.init.clock, REQUEST_MS, [signal])
    try {
      const stream = await fresh.newStream(PROTOCOLS.dialBack, limit)
      try {
        const messages = new DialBackStream(stream)
        await messages.writeRequest({ hello }, limit)
        await messages.readAnswer(limit)
      } finally {
        stream.close(limit).catch(error => { stream.abort(error as Error) })
      }
    } catch {
      signal.throwIfAborted()
    } finally {
      limit.clear()
    }
  }

  private askWaitMs (network: string): number {
    const nowMs = this.init.clock.nowMs()
    const bucket = this.asks.touch(network) ?? new TokenBucket(ASK_RATE, nowMs)
    this.asks.set(network, bucket)
    return bucket.take(1, nowMs) ? 0 : bucket.waitMs(1, nowMs)
  }

  private async write (messages: DialBackStream, answer: Partial<DialBackAnswer>, signal: AbortSignal): Promise<void> {
    if (answer.refusal !== '') {
      this.init.counters.refused_total++
    }
    await messages.writeAnswer(answer, { signal })
  }
}
