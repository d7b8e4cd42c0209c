/** Asks a super-node for a place for a session, to keep it, or to take it back, over `/skein/lease/1.0.0`. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import { openSessionLease, PROTOCOLS, RecordError } from '@skein/records'
import { MAX_RETRY_AFTER_MS } from '../lease-answer.ts'
import { SESSION_REFUSALS } from '../session-question.ts'
import { LeaseProtocolError, readAnswer, writeQuestion } from './lease-stream.ts'
import type { AbortOptions, Libp2p, Stream } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { SessionLease } from '@skein/records'
import type { SessionAnswer } from '../pb/lease-exchange.ts'
import type { SessionRefusal, SessionRequest } from '../session-question.ts'

/** The super-node answered, and will not. */
export class SessionRefusedError extends Error {
  static override name = 'SessionRefusedError'
  override readonly name = 'SessionRefusedError'
  readonly refusal: SessionRefusal
  /** Ask it again after this, ms; `undefined` when it did not say */
  readonly retryAfterMs: number | undefined

  constructor (refusal: SessionRefusal, retryAfterMs?: number) {
    super(`The super-node does not carry the session: ${refusal}. Ask another${retryAfterMs === undefined ? '' : `, or again in ${retryAfterMs} ms`}`)
    this.refusal = refusal
    this.retryAfterMs = retryAfterMs
  }
}

export interface AskSessionOptions extends AbortOptions {
  /** The super-node, a peer id as text */
  holder: string
  /** Where it can be dialled, multiaddr texts without its id */
  addresses: readonly string[]
  /** Its region: one that does not know sessions answers who is elected there */
  region: string
  /** For all of it, dialling included, ms. @default 5_000 */
  timeoutMs?: number
  clock: Clock
}

/**
 * @returns what it holds now; `undefined` when it was given back
 * @throws {SessionRefusedError} with `unsupported` also where it is of a version that does not know sessions
 * @throws {LeaseProtocolError} when it answers with something else
 * @throws {DeadlineError} of `@skein/core`, or what aborted it, or libp2p's error when it cannot be reached
 */
export async function askSession (
  libp2p: Pick<Libp2p, 'dialProtocol' | 'peerId'>, request: SessionRequest, options: AskSessionOptions
): Promise<{ lease: SessionLease, leaving: boolean } | undefined> {
  const { holder, addresses, region, clock } = options
  const limit = deadline(clock, options.timeoutMs ?? 5_000, [options.signal])
  const { signal } = limit
  let stream: Stream | undefined
  try {
    const target = addresses.length === 0 ? peerIdFromString(holder) : addresses.map(address => multiaddr(`${address}/p2p/${holder}`))
    stream = await libp2p.dialProtocol(target, PROTOCOLS.lease, { signal, runOnLimitedConnection: true })
    await writeQuestion(stream, { region, session: request }, { signal })
    const { session: answer } = await readAnswer(stream, { signal })
    const read = stream
    stream = undefined
    // the answer is there: an end that does not come in order is no failure
    await read.close({ signal }).catch((error: Error) => { read.abort(error) })
    return await opened(answer, request, holder, libp2p.peerId.toString())
  } catch (error) {
    stream?.abort(error as Error)
    signal.throwIfAborted()
    throw error
  } finally {
    limit.clear()
  }
}

async function opened (
  answer: SessionAnswer | undefined, { action, session, fence }: SessionRequest, holder: string, owner: string
): Promise<{ lease: SessionLease, leaving: boolean } | undefined> {
  if (answer === undefined) {
    throw new SessionRefusedError('unsupported')
  }
  const { refusal, retryAfterMs, leaving } = answer
  if (refusal !== '') {
    const known = SESSION_REFUSALS.find(name => name === refusal) ?? 'unsupported'
    throw new SessionRefusedError(known, retryAfterMs === 0 ? undefined : Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
  }
  if (action === 'give') {
    return undefined
  }
  try {
    const { lease } = await openSessionLease(answer.lease)
    if (lease.holder !== holder || lease.owner !== owner || lease.session !== session || lease.fence !== fence) {
      throw new LeaseProtocolError('bad_lease', 'A lease of another session, owner, number or super-node than was asked for')
    }
    return { lease, leaving }
  } catch (error) {
    if (error instanceof RecordError) {
      throw new LeaseProtocolError('bad_lease', `A session's lease that cannot be believed: ${error.message}`, { cause: error })
    }
    throw error
  }
}
