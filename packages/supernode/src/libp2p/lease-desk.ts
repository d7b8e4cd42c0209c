/** Answers who asks for leases, or for a place for a session, over `/skein/lease/1.0.0`. */
import { BoundedMap, deadline, TokenBucket } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { readQuestion, writeAnswer } from './lease-stream.ts'
import type { ElectedLeases } from '../lease-answer.ts'
import type { LeaseAnswer, SessionAnswer, SessionQuestion } from '../pb/lease-exchange.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Clock } from '@skein/core'

export interface LeaseDeskInit {
  libp2p: Pick<Libp2p, 'handle' | 'unhandle'>
  clock: Clock
  /** What this elector knows of a region */
  answer: (region: string, nowMs: number) => ElectedLeases
  /** Places for sessions; left out where no streams are carried */
  session?: (peer: string, question: SessionQuestion) => Promise<Partial<SessionAnswer>>
}

/** Answered at once; more are cut off. */
const MAX_ANSWERING = 64
const TIMEOUT_MS = 5_000
/** Questions of a peer: a client asks every few minutes. */
const QUESTIONS_PER_SECOND = 0.2
const QUESTIONS_AT_ONCE = 5
const MAX_PEERS = 4096
/** Of sessions: each is renewed every 30 s, and a client has some. */
const SESSION_QUESTIONS_PER_SECOND = 1
const SESSION_QUESTIONS_AT_ONCE = 20

export class LeaseDesk {
  private readonly init: LeaseDeskInit
  private readonly rates = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PEERS })
  private readonly sessionRates = new BoundedMap<string, TokenBucket>({ maxSize: MAX_PEERS })
  private shutdown = new AbortController()
  private answering = 0

  constructor (init: LeaseDeskInit) {
    this.init = init
  }

  async start (): Promise<void> {
    this.shutdown = new AbortController()
    await this.init.libp2p.handle(PROTOCOLS.lease, (stream, connection) => { void this.accept(stream, connection) }, {
      maxInboundStreams: 4,
      maxOutboundStreams: 8,
      runOnLimitedConnection: true
    })
  }

  async stop (): Promise<void> {
    this.shutdown.abort(new Error('The service stopped'))
    await this.init.libp2p.unhandle(PROTOCOLS.lease)
  }

  private async accept (stream: Stream, connection: Connection): Promise<void> {
    if (this.answering >= MAX_ANSWERING) {
      stream.abort(new Error('Too many ask for leases'))
      return
    }
    this.answering++
    const limit = deadline(this.init.clock, TIMEOUT_MS, [this.shutdown.signal])
    const { signal } = limit
    try {
      const { region, session } = await readQuestion(stream, { signal })
      const peer = connection.remotePeer.toString()
      await writeAnswer(stream, session === undefined ? this.answerTo(peer, region) : await this.answerOf(peer, session), { signal })
      await stream.close({ signal })
    } catch (error) {
      stream.abort(error as Error)
    } finally {
      limit.clear()
      this.answering--
    }
  }

  private answerTo (peer: string, region: string): ElectedLeases {
    const nowMs = this.init.clock.nowMs()
    const rate = this.rates.touch(peer) ?? new TokenBucket({ ratePerSecond: QUESTIONS_PER_SECOND, burst: QUESTIONS_AT_ONCE }, nowMs)
    this.rates.set(peer, rate)
    return rate.take(1, nowMs) ? this.init.answer(region, nowMs) : { refusal: 'busy', retryAfterMs: rate.waitMs(1, nowMs) }
  }

  private async answerOf (peer: string, question: SessionQuestion): Promise<Partial<LeaseAnswer>> {
    const { session, clock } = this.init
    if (session === undefined) {
      return { session: sessionAnswer({ refusal: 'unsupported' }) }
    }
    const nowMs = clock.nowMs()
    const bucket = { ratePerSecond: SESSION_QUESTIONS_PER_SECOND, burst: SESSION_QUESTIONS_AT_ONCE }
    const rate = this.sessionRates.touch(peer) ?? new TokenBucket(bucket, nowMs)
    this.sessionRates.set(peer, rate)
    const isBusy = !rate.take(1, nowMs)
    return { session: sessionAnswer(isBusy ? { refusal: 'busy', retryAfterMs: Math.ceil(rate.waitMs(1, nowMs)) } : await session(peer, question)) }
  }
}

function sessionAnswer (answer: Partial<SessionAnswer>): SessionAnswer {
  return { lease: new Uint8Array(0), refusal: '', retryAfterMs: 0, leaving: false, ...answer }
}
