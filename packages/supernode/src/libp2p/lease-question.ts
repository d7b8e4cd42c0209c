/** Asks an elector for the leases of those that it elects. What one elector says is one voice: compare those of several networks. */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { openSuperNodeLease, PROTOCOLS, RecordError } from '@skein/records'
import { LEASE_ANSWER_REFUSALS, MAX_RETRY_AFTER_MS } from '../lease-answer.ts'
import { LeaseProtocolError, readAnswer, writeQuestion } from './lease-stream.ts'
import type { LeaseAnswerRefusal } from '../lease-answer.ts'
import type { LeaseAnswer } from '../pb/lease-exchange.ts'
import type { AbortOptions, Libp2p, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '@skein/core'
import type { SignedSuperNodeLease } from '@skein/records'

/** The elector said that it has no answer: another one may have. */
export class LeaseRefusedError extends Error {
  static override name = 'LeaseRefusedError'
  override readonly name = 'LeaseRefusedError'
  readonly refusal: LeaseAnswerRefusal
  /** Ask it again after this, ms; `undefined` when it did not say */
  readonly retryAfterMs: number | undefined

  constructor (refusal: LeaseAnswerRefusal, retryAfterMs?: number) {
    super(`The elector does not say who holds seats: ${refusal}. Ask another${retryAfterMs === undefined ? '' : `, or again in ${retryAfterMs} ms`}`)
    this.refusal = refusal
    this.retryAfterMs = retryAfterMs
  }
}

export interface AskLeasesOptions extends AbortOptions {
  /** Short region name, `eu-west` */
  region: string
  /** For all of it, dialling included, ms. @default 5_000 */
  timeoutMs?: number
  /** @default systemClock() */
  clock?: Clock
}

export interface AskedLeases {
  /** Leases of those that this elector names, signatures checked; one a peer. Those that have expired by this clock are left out */
  leases: SignedSuperNodeLease[]
  /** Of the leases that were sent: those that were issued more than 60 s in the future by this clock. Many mean that it is slow */
  future: number
  /** Peers of the region as the elector counts them */
  peers: number
}

/**
 * @throws {LeaseRefusedError} when it has no answer
 * @throws {LeaseProtocolError} when it answers with something else
 * @throws {DeadlineError} of `@skein/core`, or what aborted it, or libp2p's error when it cannot be reached
 */
export async function askLeases (
  libp2p: Pick<Libp2p, 'dialProtocol'>, peer: string | PeerId | Multiaddr | Multiaddr[], options: AskLeasesOptions
): Promise<AskedLeases> {
  const clock = options.clock ?? systemClock()
  const limit = deadline(clock, options.timeoutMs ?? 5_000, [options.signal])
  const { signal } = limit
  let stream: Stream | undefined
  try {
    const target = typeof peer === 'string' ? peerIdFromString(peer) : peer
    stream = await libp2p.dialProtocol(target, PROTOCOLS.lease, { signal, runOnLimitedConnection: true })
    await writeQuestion(stream, { region: options.region }, { signal })
    const answer = await readAnswer(stream, { signal })
    const read = stream
    stream = undefined
    // the answer is there: an end that does not come in order is no failure
    await read.close({ signal }).catch((error: Error) => { read.abort(error) })
    return await opened(answer, options.region, clock.nowMs())
  } catch (error) {
    stream?.abort(error as Error)
    signal.throwIfAborted()
    throw error
  } finally {
    limit.clear()
  }
}

async function opened ({ leases, peers, refusal, retryAfterMs }: LeaseAnswer, region: string, nowMs: number): Promise<AskedLeases> {
  if (refusal !== '') {
    const known = LEASE_ANSWER_REFUSALS.find(name => name === refusal) ?? 'not_ready'
    throw new LeaseRefusedError(known, retryAfterMs === 0 ? undefined : Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
  }
  const answers = new Map<string, SignedSuperNodeLease>()
  let future = 0
  for (const envelope of leases) {
    try {
      const signed = await openSuperNodeLease(Uint8Array.from(envelope), nowMs)
      if (signed.lease.region !== region) {
        throw new LeaseProtocolError('bad_lease', `A lease of ${signed.lease.region} where ${region} was asked for`)
      }
      answers.set(signed.lease.peer, signed)
    } catch (error) {
      // clocks differ, and the answer was on its way: neither is an offence
      if (!(error instanceof RecordError)) {
        throw error
      }
      if (error.reason !== 'future' && error.reason !== 'expired') {
        throw new LeaseProtocolError('bad_lease', `A lease that cannot be believed: ${error.message}`, { cause: error })
      }
      future += error.reason === 'future' ? 1 : 0
    }
  }
  return { leases: [...answers.values()], future, peers }
}
