/** Both sides of a measurement of bandwidth over one connection: a round is a stream, and only what is known to have been received counts. */
import { deadline, equalBytes, randomBytes, sleep, TokenBucket } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { BLOCK_BYTES, nextRound, rateOf } from '../bandwidth-rounds.ts'
import { CONTENT_NONCE_BYTES, echoOf, MeasuredContent } from '../measured-content.ts'
import { DialBackProtocolError, DialBackStream } from './dial-back-stream.ts'
import type { BandwidthRound as Round } from '../bandwidth-rounds.ts'
import type { BandwidthRound } from '../pb/dial-back.ts'
import type { Connection } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'

export interface BandwidthMeterInit {
  clock: Clock
  random: Random
  /** Time that nobody sets, ms */
  monotonicMs: () => number
  /** What is sent at most in a second, by either side */
  maxBytesPerSecond: number
}

export interface MeasuredBandwidth {
  /** Bytes/s, the lower one of both directions; `undefined` when the other side would not be measured, or failed at it */
  bytesPerSecond: number | undefined
  /** What came from the other side, bytes */
  receivedBytes: number
  /** What it is known to have been sent */
  sentBytes: number
  /** What it refused with, or what it did wrong */
  refusal?: string
  /** Of a refusal that does not last */
  retryAfterMs?: number
}

/** The other side will not: a refusal as it named it. */
class RoundRefused extends Error {
  readonly retryAfterMs: number

  constructor (refusal: string, retryAfterMs: number) {
    super(refusal)
    this.retryAfterMs = retryAfterMs
  }
}

/** Blocks that are sent at once before the pace is looked at. */
const BURST_BLOCKS = 4
/** The side that is measured gives up later than the one that measures: it is for that one to say when it is over, ms. */
const SERVED_ROUND_MS = 3_000
const ANSWER_MS = 5_000

export class BandwidthMeter {
  private readonly init: BandwidthMeterInit

  constructor (init: BandwidthMeterInit) {
    this.init = init
  }

  /** First what the peer sends, then what it receives: each at most 2 s and 8 MiB. */
  async measure (connection: Connection, signal: AbortSignal): Promise<MeasuredBandwidth> {
    const given: Round[] = []
    const taken: Round[] = []
    try {
      await this.runRounds(given, async (bytes, timeoutMs) => await this.receive(connection, bytes, timeoutMs, signal))
      await this.runRounds(taken, async (bytes, timeoutMs) => await this.send(connection, bytes, timeoutMs, signal))
    } catch (error) {
      signal.throwIfAborted()
      const retry = error instanceof RoundRefused ? { retryAfterMs: error.retryAfterMs } : {}
      return { bytesPerSecond: undefined, receivedBytes: sum(given), sentBytes: sum(taken), refusal: refusalOf(error), ...retry }
    }
    const rates = [rateOf(given), rateOf(taken)].filter(rate => rate !== undefined)
    return { bytesPerSecond: rates.length === 2 ? Math.min(...rates) : undefined, receivedBytes: sum(given), sentBytes: sum(taken) }
  }

  /** Answers a round; the budget for it has been taken. */
  async serve (messages: DialBackStream, round: BandwidthRound, signal: AbortSignal): Promise<void> {
    const limit = deadline(this.init.clock, SERVED_ROUND_MS, [signal])
    try {
      await messages.writeAnswer({}, limit)
      if (round.give > 0) {
        await this.sendBlocks(messages, new MeasuredContent(round.nonce), round.give / BLOCK_BYTES, limit.signal)
        return
      }
      for (let left = round.take; left > 0; left -= BLOCK_BYTES) {
        const block = await messages.readBlock(limit)
        if (block.length !== BLOCK_BYTES) {
          throw new DialBackProtocolError('malformed', `A block of ${block.length} bytes`)
        }
        await messages.writeBlock(echoOf(block), limit)
      }
    } finally {
      limit.clear()
    }
  }

  private async runRounds (rounds: Round[], run: (bytes: number, timeoutMs: number) => Promise<Round>): Promise<void> {
    for (let next = nextRound(rounds); next !== undefined; next = nextRound(rounds)) {
      const round = await run(next.bytes, next.timeoutMs)
      rounds.push(round)
      if (round.bytes < next.bytes) {
        return // its time was over
      }
    }
  }

  private async receive (connection: Connection, bytes: number, timeoutMs: number, signal: AbortSignal): Promise<Round> {
    const nonce = randomBytes(this.init.random, CONTENT_NONCE_BYTES)
    return await this.round(connection, { nonce, give: bytes, take: 0 }, timeoutMs, signal, async (messages, count, limit) => {
      const content = new MeasuredContent(nonce)
      for (let i = 0; i < bytes / BLOCK_BYTES; i++) {
        const block = await messages.readBlock({ signal: limit })
        if (!equalBytes(block, content.block(i))) {
          throw new DialBackProtocolError('bad_content', 'It sent other content than it was asked for')
        }
        count(block.length)
      }
    })
  }

  private async send (connection: Connection, bytes: number, timeoutMs: number, signal: AbortSignal): Promise<Round> {
    // of a nonce that the other side is not told, so that it cannot name the ends of blocks that it has not read
    const content = new MeasuredContent(randomBytes(this.init.random, CONTENT_NONCE_BYTES))
    const told = new Uint8Array(CONTENT_NONCE_BYTES)
    return await this.round(connection, { nonce: told, give: 0, take: bytes }, timeoutMs, signal, async (messages, count, limit) => {
      const blocks = bytes / BLOCK_BYTES
      const sending = this.sendBlocks(messages, content, blocks, limit)
      sending.catch(() => {}) // what it fails of ends the reading below too
      for (let i = 0; i < blocks; i++) {
        if (!equalBytes(await messages.readBlock({ signal: limit }), echoOf(content.block(i)))) {
          throw new DialBackProtocolError('bad_content', 'It confirmed bytes that it was not sent')
        }
        count(BLOCK_BYTES)
      }
      await sending
    })
  }

  /** One round as the side that measures. When its time is over, what was confirmed by then counts. */
  private async round (
    connection: Connection, request: BandwidthRound, timeoutMs: number, signal: AbortSignal,
    run: (messages: DialBackStream, count: (bytes: number) => void, limit: AbortSignal) => Promise<void>
  ): Promise<Round> {
    const opening = deadline(this.init.clock, ANSWER_MS, [signal])
    const stream = await connection.newStream(PROTOCOLS.dialBack, { signal: opening.signal }).finally(() => { opening.clear() })
    const limit = deadline(this.init.clock, timeoutMs, [signal])
    const startMs = this.init.monotonicMs()
    let bytes = 0
    let endMs = startMs
    try {
      const messages = new DialBackStream(stream)
      await messages.writeRequest({ round: request }, limit)
      const { refusal, retryAfterMs } = await messages.readAnswer(limit)
      if (refusal !== '') {
        throw new RoundRefused(refusal, retryAfterMs)
      }
      await run(messages, count => {
        bytes += count
        endMs = this.init.monotonicMs()
      }, limit.signal)
      stream.close({ signal }).catch(error => { stream.abort(error as Error) })
      return { bytes, elapsedMs: endMs - startMs }
    } catch (error) {
      stream.abort(error as Error)
      signal.throwIfAborted()
      if (!limit.signal.aborted) {
        throw error
      }
      return { bytes, elapsedMs: this.init.monotonicMs() - startMs }
    } finally {
      limit.clear()
    }
  }

  private async sendBlocks (messages: DialBackStream, content: MeasuredContent, blocks: number, signal: AbortSignal): Promise<void> {
    const { clock, maxBytesPerSecond } = this.init
    const pace = new TokenBucket({ ratePerSecond: maxBytesPerSecond, burst: BURST_BLOCKS * BLOCK_BYTES }, clock.nowMs())
    for (let i = 0; i < blocks; i++) {
      while (!pace.take(BLOCK_BYTES, clock.nowMs())) {
        await sleep(clock, pace.waitMs(BLOCK_BYTES, clock.nowMs()), { signal })
      }
      await messages.writeBlock(content.block(i), { signal })
    }
  }
}

function sum (rounds: readonly Round[]): number {
  return rounds.reduce((total, { bytes }) => total + bytes, 0)
}

function refusalOf (error: unknown): string {
  return error instanceof RoundRefused ? error.message : error instanceof DialBackProtocolError ? error.offence : 'failed'
}
