/** One question and one answer over a stream of `/skein/lease/1.0.0`: each after its length as an unsigned varint. */
import { lpStream } from '@libp2p/utils'
import { MAX_ANSWERED_LEASES, MAX_LEASE_ANSWER_BYTES, MAX_LEASE_QUESTION_BYTES, MAX_REGION_BYTES } from '../lease-answer.ts'
import { LeaseAnswer, LeaseQuestion } from '../pb/lease-exchange.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'

/** - `oversize`: more than a message may have - `malformed`: not a message - `bad_lease`: a lease that nobody signed, or of another region */
export type LeaseOffence = 'oversize' | 'malformed' | 'bad_lease'

/** The other side sent what no implementation of the protocol sends: ask another. */
export class LeaseProtocolError extends Error {
  static override name = 'LeaseProtocolError'
  override readonly name = 'LeaseProtocolError'
  readonly offence: LeaseOffence

  constructor (offence: LeaseOffence, message: string, options?: ErrorOptions) {
    super(message, options)
    this.offence = offence
  }
}

export async function writeQuestion (stream: Stream, question: LeaseQuestion, options: AbortOptions): Promise<void> {
  await lpStream(stream, { maxDataLength: MAX_LEASE_QUESTION_BYTES }).write(LeaseQuestion.encode(question), options)
}

export async function readQuestion (stream: Stream, options: AbortOptions): Promise<LeaseQuestion> {
  const question = decoded(await read(stream, MAX_LEASE_QUESTION_BYTES, options), LeaseQuestion)
  if (question.region.length === 0 || new TextEncoder().encode(question.region).length > MAX_REGION_BYTES) {
    throw new LeaseProtocolError('malformed', `A region has 1 to ${MAX_REGION_BYTES} bytes`)
  }
  return question
}

export async function writeAnswer (stream: Stream, answer: Partial<LeaseAnswer>, options: AbortOptions): Promise<void> {
  await lpStream(stream, { maxDataLength: MAX_LEASE_ANSWER_BYTES }).write(LeaseAnswer.encode(answer), options)
}

export async function readAnswer (stream: Stream, options: AbortOptions): Promise<LeaseAnswer> {
  const bytes = await read(stream, MAX_LEASE_ANSWER_BYTES, options)
  return decoded(bytes, { decode: from => LeaseAnswer.decode(from, { limits: { leases: MAX_ANSWERED_LEASES } }) })
}

async function read (stream: Stream, maxBytes: number, options: AbortOptions): Promise<Uint8Array> {
  try {
    return (await lpStream(stream, { maxDataLength: maxBytes }).read(options)).subarray()
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('InvalidData')) {
      throw new LeaseProtocolError('oversize', `A message of more than ${maxBytes} bytes`, { cause: error })
    }
    throw error
  }
}

function decoded<T> (bytes: Uint8Array, codec: { decode: (bytes: Uint8Array) => T }): T {
  try {
    return codec.decode(bytes)
  } catch (cause) {
    throw new LeaseProtocolError('malformed', 'Not a message', { cause })
  }
}
