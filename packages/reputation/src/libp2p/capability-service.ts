/** Measures what other peers can do, and answers those who measure this one: `/skein/check/1.0.0`, docs/specs/capability.md. */
import { peerIdFromString } from '@libp2p/peer-id'
import { sha256 } from '@noble/hashes/sha2.js'
import { deadline, DeadlineError, equalBytes, randomBytes } from '@skein/core'
import { monotonicMs, systemClock, systemRandom } from '@skein/core/system'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { TypedEventEmitter } from 'main-event'
import { memoryMeasurement } from '../challenge/capability-measurement.ts'
import { ChallengeDesk } from '../challenge/challenge-desk.ts'
import { DIGEST_BYTES } from '../challenge/merkle-tree.ts'
import { NONCE_BYTES } from '../challenge/memory-challenge.ts'
import { faultOf } from '../challenge/memory-verifier.ts'
import { CapabilityError } from './capability-error.ts'
import { CheckStream, STEPS } from './check-stream.ts'
import type { AbortOptions, Connection, Libp2p, Startable, Stream } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { MemoryMeasurement } from '../challenge/capability-measurement.ts'
import type { ChallengeDeskInit, ChallengeRefusal } from '../challenge/challenge-desk.ts'
import type { ChallengeProver, StartProver } from '../challenge/challenge-prover.ts'
import type { MemoryProof } from '../challenge/memory-challenge.ts'
import type { CheckAnswer, CheckRequest } from '../pb/check.ts'

export interface CapabilityServiceInit {
  libp2p: Pick<Libp2p, 'peerId' | 'handle' | 'unhandle' | 'getConnections' | 'dial'>
  /** Answers challenges, within these bounds. Left out: this peer declines them, as one in a browser does */
  prover?: ChallengeDeskInit & { start: StartProver }
  /** Whether this peer dealt with another before: most of what it answers is kept for those @default nobody is known */
  isKnown?: (peer: string) => boolean
  /** Where another asks from: strangers of one network are answered as one @default all are of one */
  networkOf?: (peer: string) => string | undefined
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface MeasureMemoryOptions extends AbortOptions {
  /**
   * Size of the buffer, a power of two from 64 MiB to 4 GiB. The peer says when it is too much for it.
   *
   * @default 268_435_456
   */
  bytes?: number
}

export interface CapabilityEvents {
  /** … and another may come */
  'challenge:answered': CustomEvent<{ peer: string, bytes: number }>
  'challenge:refused': CustomEvent<{ peer: string, refusal: ChallengeRefusal['type'] }>
}

const MEBIBYTE = 1024 * 1024
/** Peers measured at once: more would measure this one's own load. */
const MAX_MEASURING = 2
const PINGS = 3
/** Pings that are answered. */
const MAX_PINGS = 8
const STEP_TIMEOUT_MS = 10_000
const WALK_TIMEOUT_MS = 30_000
/** The slowest that a buffer is waited for, bytes a second, besides `STEP_TIMEOUT_MS`. */
const SLOWEST_FILL = 20_000_000
/** A challenge that is answered is over by then, whatever it asks for. */
const ANSWER_TIMEOUT_MS = 300_000
/** Streams that are read at once; most are refused as busy. */
const MAX_ANSWERING = 16

export class CapabilityService extends TypedEventEmitter<CapabilityEvents> implements Startable {
  private readonly init: CapabilityServiceInit
  private readonly clock: Clock
  private readonly random: Random
  private readonly desk?: ChallengeDesk
  private shutdown = new AbortController()
  private measuring = 0
  private answering = 0

  constructor (init: CapabilityServiceInit) {
    super()
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.desk = init.prover && new ChallengeDesk(init.prover)
  }

  async start (): Promise<void> {
    this.shutdown = new AbortController()
    if (this.init.prover !== undefined) {
      await this.init.libp2p.handle(PROTOCOLS.check, (stream, connection) => { void this.answer(stream, connection) }, {
        maxInboundStreams: 2, maxOutboundStreams: 2
      })
    }
  }

  async stop (): Promise<void> {
    this.shutdown.abort()
    if (this.init.prover !== undefined) {
      await this.init.libp2p.unhandle(PROTOCOLS.check)
    }
  }

  /**
   * Has a peer fill a buffer and walk over it, and times it. Costs that peer some seconds of a core, this one some 10 ms.
   *
   * @throws {CapabilityError} saying why there is no measurement
   * @throws what aborted it, when `signal` fires
   */
  async measureMemory (peer: string, { bytes = 256 * MEBIBYTE, signal }: MeasureMemoryOptions = {}): Promise<MemoryMeasurement> {
    if (this.measuring >= MAX_MEASURING) {
      throw new CapabilityError('busy', `${MAX_MEASURING} peers are being measured already`, { retryAfterMs: STEP_TIMEOUT_MS })
    }
    this.measuring++
    const limit = deadline(this.clock, STEP_TIMEOUT_MS, [this.shutdown.signal, signal])
    let stream: CheckStream | undefined
    try {
      stream = new CheckStream(await this.open(peer, limit.signal), 'verifier')
      const measurement = await this.challenge(stream, peer, bytes, limit)
      await stream.close({ signal: limit.signal })
      return measurement
    } catch (error) {
      stream?.abort(error as Error)
      signal?.throwIfAborted()
      throw asCapabilityError(error, limit.signal)
    } finally {
      this.measuring--
      limit.clear()
    }
  }

  private async challenge (stream: CheckStream, peer: string, bytes: number, limit: ReturnType<typeof deadline>): Promise<MemoryMeasurement> {
    const { signal } = limit
    const challenge = { bytes, verifier: this.init.libp2p.peerId.toString(), prover: peer, nonce: this.nonce() }
    const roundTripMs = await this.ping(stream, signal)

    limit.set(STEP_TIMEOUT_MS + bytes / SLOWEST_FILL * 1000)
    const filled = await this.timed(stream, { step: STEPS.fill, nonce: challenge.nonce, mebibytes: Math.floor(bytes / MEBIBYTE) }, signal)
    const walkNonce = this.nonce()
    limit.set(WALK_TIMEOUT_MS)
    const walked = await this.timed(stream, { step: STEPS.walk, nonce: walkNonce }, signal)
    const openNonce = this.nonce()
    limit.set(STEP_TIMEOUT_MS)
    const proof = refuseRefusal(await stream.ask({ step: STEPS.open, nonce: openNonce }, { signal }))

    const fault = faultOf(proof, { challenge, root: filled.root, walkNonce, walkRoot: walked.root, openNonce }, sha256)
    if (fault !== undefined) {
      throw new CapabilityError('wrong', 'What the peer opened does not follow from its commitment: it did not hold that buffer', { fault })
    }
    return memoryMeasurement(bytes, { fillMs: filled.elapsedMs, walkMs: walked.elapsedMs, roundTripMs })
  }

  private async timed (stream: CheckStream, request: Partial<CheckRequest>, signal: AbortSignal): Promise<{ root: Uint8Array, elapsedMs: number }> {
    const startMs = monotonicMs()
    const { commitment } = refuseRefusal(await stream.ask(request, { signal }))
    const elapsedMs = monotonicMs() - startMs
    if (commitment.length !== DIGEST_BYTES) {
      throw new CapabilityError('protocol', `A commitment has ${DIGEST_BYTES} bytes`)
    }
    return { root: commitment, elapsedMs }
  }

  /** The shortest of some round trips over this very stream, ms. */
  private async ping (stream: CheckStream, signal: AbortSignal): Promise<number> {
    let shortestMs = Infinity
    for (let i = 0; i < PINGS; i++) {
      const nonce = this.nonce()
      const startMs = monotonicMs()
      const { commitment } = refuseRefusal(await stream.ask({ step: STEPS.ping, nonce }, { signal }))
      shortestMs = Math.min(shortestMs, monotonicMs() - startMs)
      if (!equalBytes(commitment, nonce)) {
        throw new CapabilityError('protocol', 'A ping was answered with something else')
      }
    }
    return shortestMs
  }

  /** A relay would carry a quarter of a megabyte for it, and add its own time: only direct connections are measured over. */
  private async open (peer: string, signal: AbortSignal): Promise<Stream> {
    const { libp2p } = this.init
    const id = peerIdFromString(peer)
    const direct = (): Connection | undefined => libp2p.getConnections(id).find(open => open.status === 'open' && !isRelayed(open))
    const connection = direct() ?? await libp2p.dial(id, { signal })
    if (isRelayed(connection)) {
      throw new CapabilityError('unreachable', 'The peer is reached through a relay only, and cannot be measured there')
    }
    return await connection.newStream(PROTOCOLS.check, { signal })
  }

  private async answer (stream: Stream, connection: Connection): Promise<void> {
    const { prover: bounds } = this.init
    if (bounds === undefined || this.answering >= MAX_ANSWERING) {
      stream.abort(new Error('Too many challenges are being answered'))
      return
    }
    this.answering++
    const limit = deadline(this.clock, ANSWER_TIMEOUT_MS, [this.shutdown.signal])
    const messages = new CheckStream(stream, 'prover')
    const session = new ProverSession(this.desk as ChallengeDesk, bounds.start, {
      peer: connection.remotePeer.toString(), self: this.init.libp2p.peerId.toString(), isKnown: this.init.isKnown, networkOf: this.init.networkOf
    })
    const onClose = (): void => { void session.close() }
    // a verifier that goes away must not hold the place, or the memory
    stream.addEventListener('close', onClose, { once: true })
    limit.signal.addEventListener('abort', onClose, { once: true })
    try {
      while (!session.over) {
        const request = await this.nextRequest(messages, limit.signal)
        await messages.writeAnswer(await session.on(request, this.clock.nowMs()), { signal: limit.signal })
      }
      await messages.close({ signal: limit.signal })
      await session.close()
      const { peer, bytes, refusal } = session
      if (refusal !== undefined) {
        this.safeDispatchEvent('challenge:refused', { detail: { peer, refusal } })
      } else {
        this.safeDispatchEvent('challenge:answered', { detail: { peer, bytes } })
      }
    } catch (error) {
      messages.abort(error as Error)
    } finally {
      await session.close()
      limit.clear()
      this.answering--
    }
  }

  private async nextRequest (messages: CheckStream, signal: AbortSignal): Promise<CheckRequest> {
    const limit = deadline(this.clock, STEP_TIMEOUT_MS, [signal])
    try {
      return await messages.readRequest({ signal: limit.signal })
    } finally {
      limit.clear()
    }
  }

  private nonce (): Uint8Array<ArrayBuffer> {
    return randomBytes(this.random, NONCE_BYTES)
  }
}

interface Asker {
  peer: string
  self: string
  isKnown?: (peer: string) => boolean
  networkOf?: (peer: string) => string | undefined
}

/** One verifier being answered: which step may follow, and what holds the memory. */
class ProverSession {
  readonly peer: string
  bytes = 0
  over = false
  refusal?: ChallengeRefusal['type']
  private readonly desk: ChallengeDesk
  private readonly startProver: StartProver
  private readonly asker: Asker
  private prover?: ChallengeProver
  private next: number = STEPS.fill
  private pings = 0
  private holdsPlace = false
  private closed = false

  constructor (desk: ChallengeDesk, startProver: StartProver, asker: Asker) {
    this.desk = desk
    this.startProver = startProver
    this.asker = asker
    this.peer = asker.peer
  }

  async on ({ step, nonce, mebibytes }: CheckRequest, nowMs: number): Promise<Partial<CheckAnswer>> {
    if (step === STEPS.ping && this.pings < MAX_PINGS) {
      this.pings++
      return { commitment: nonce }
    }
    if (this.closed || step !== this.next) {
      throw new CapabilityError('protocol', `Step ${step} does not come next`)
    }
    this.next++
    try {
      switch (step) {
        case STEPS.fill:
          return await this.fill(mebibytes * MEBIBYTE, nonce, nowMs)
        case STEPS.walk:
          return { commitment: Uint8Array.from(await this.prover?.walk(nonce) ?? []) }
        default:
          this.over = true
          return onWire(await this.prover?.open(nonce) ?? { blocks: [], segments: [] })
      }
    } catch {
      this.over = true
      return { refusal: 'failed' }
    }
  }

  /** Harmless when called again. */
  async close (): Promise<void> {
    const { prover, holdsPlace } = this
    this.closed = true
    this.over = true
    this.prover = undefined
    this.holdsPlace = false
    await prover?.close()
    if (holdsPlace) {
      this.desk.release()
    }
  }

  private async fill (bytes: number, nonce: Uint8Array, nowMs: number): Promise<Partial<CheckAnswer>> {
    const { peer, self, isKnown, networkOf } = this.asker
    const refusal = this.desk.take(peer, { known: isKnown?.(peer) ?? false, network: networkOf?.(peer) }, bytes, nowMs)
    if (refusal !== undefined) {
      this.over = true
      this.refusal = refusal.type
      return {
        refusal: refusal.type,
        ...refusal.type === 'busy' ? { retryAfterMs: refusal.retryAfterMs } : {},
        ...refusal.type === 'too_large' ? { mostMebibytes: Math.floor(refusal.mostBytes / MEBIBYTE) } : {}
      }
    }
    this.bytes = bytes
    this.holdsPlace = true
    this.prover = this.startProver()
    return { commitment: Uint8Array.from(await this.prover.begin({ bytes, verifier: peer, prover: self, nonce })) }
  }
}

function onWire (proof: MemoryProof): Partial<CheckAnswer> {
  return proof as Partial<CheckAnswer>
}

const REFUSALS = {
  busy: 'The peer answers no challenge now: it answers another, or has answered enough',
  too_large: 'The peer fills no buffer of that size',
  declined: 'The peer answers no such challenges',
  failed: 'The peer could not go on with the challenge'
} as const

function refuseRefusal (answer: CheckAnswer): CheckAnswer {
  const { refusal, retryAfterMs, mostMebibytes } = answer
  if (refusal === '') {
    return answer
  }
  const code = refusal === 'busy' || refusal === 'too_large' || refusal === 'declined' ? refusal : 'failed'
  throw new CapabilityError(code, REFUSALS[code], {
    ...retryAfterMs > 0 ? { retryAfterMs } : {},
    ...mostMebibytes > 0 ? { mostBytes: mostMebibytes * MEBIBYTE } : {}
  })
}

function asCapabilityError (error: unknown, signal: AbortSignal): CapabilityError {
  if (error instanceof CapabilityError) {
    return error
  }
  if (signal.aborted && signal.reason instanceof DeadlineError) {
    return new CapabilityError('timed_out', 'The peer did not answer in time', { cause: error })
  }
  const { name } = error as Error
  if (name === 'UnsupportedProtocolError') {
    return new CapabilityError('declined', REFUSALS.declined, { cause: error })
  }
  return /InvalidData|MaxLength|RangeError|InvalidMessage/.test(name)
    ? new CapabilityError('protocol', 'The peer answered with something else', { cause: error })
    : new CapabilityError('unreachable', 'The peer could not be asked', { cause: error })
}
