/** The messages of a stream of `/skein/check/1.0.0`: after their lengths as unsigned varints, requests of at most 128 bytes, answers of 512 KiB. */
import { lpStream } from '@libp2p/utils'
import { CheckAnswer, CheckRequest } from '../pb/check.ts'
import { BLOCK_OPENINGS, NONCE_BYTES, SEGMENT_OPENINGS } from '../challenge/memory-challenge.ts'
import { SEGMENT_STEPS } from '../challenge/memory-walk.ts'
import { CapabilityError } from './capability-error.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'

export const MAX_REQUEST_BYTES = 128
/** The openings of a challenge of 256 MiB take 245 KiB, of 4 GiB 280 KiB. */
export const MAX_ANSWER_BYTES = 512 * 1024

/** The numbers of the steps on the wire. */
export const STEPS = { ping: 1, fill: 2, walk: 3, open: 4 } as const

const SEGMENT_LIMITS = { blocks: SEGMENT_STEPS, paths: SEGMENT_STEPS }
const ANSWER_LIMITS = { blocks: BLOCK_OPENINGS, segments: SEGMENT_OPENINGS, segments$: SEGMENT_LIMITS }

export class CheckStream {
  private readonly stream: Stream
  private readonly messages: ReturnType<typeof lpStream>

  /** @param side of this peer: what it reads is bounded by what the other may send */
  constructor (stream: Stream, side: 'verifier' | 'prover') {
    this.stream = stream
    this.messages = lpStream(stream, { maxDataLength: side === 'verifier' ? MAX_ANSWER_BYTES : MAX_REQUEST_BYTES })
  }

  /** @throws {CapabilityError} `protocol` when it is not an answer */
  async ask (request: Partial<CheckRequest>, options: AbortOptions): Promise<CheckAnswer> {
    await this.messages.write(CheckRequest.encode(request), options)
    return CheckAnswer.decode(await this.read(options), { limits: ANSWER_LIMITS })
  }

  async readRequest (options: AbortOptions): Promise<CheckRequest> {
    const request = CheckRequest.decode(await this.read(options))
    if (request.nonce.length !== NONCE_BYTES) {
      throw new CapabilityError('protocol', `A nonce has ${NONCE_BYTES} bytes`)
    }
    return request
  }

  async writeAnswer (answer: Partial<CheckAnswer>, options: AbortOptions): Promise<void> {
    await this.messages.write(CheckAnswer.encode(answer), options)
  }

  async close (options: AbortOptions): Promise<void> {
    await this.stream.close(options)
  }

  abort (error: Error): void {
    this.stream.abort(error)
  }

  private async read (options: AbortOptions): Promise<Uint8Array> {
    return (await this.messages.read(options)).subarray()
  }
}
