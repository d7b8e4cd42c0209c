/** A stream of `/skein/dial-back/1.0.0`: a request, answers, and blocks of content, each after its length as an unsigned varint. */
import { lpStream } from '@libp2p/utils'
import { BLOCK_BYTES, MAX_ROUND_BYTES } from '../bandwidth-rounds.ts'
import { MAX_DIALLED_ADDRESSES } from '../dial-queue.ts'
import { DialBackAnswer, DialBackRequest } from '../pb/dial-back.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'

/** 8 addresses of 256 characters, and what is around them. */
const MAX_MESSAGE_BYTES = 4_096
export const ASK_NONCE_BYTES = 16

/**
 * - `oversize`: more than a message may have
 * - `malformed`: not a message, or not one that belongs here
 * - `bad_content`: other bytes than were asked for
 */
export type DialBackOffence = 'oversize' | 'malformed' | 'bad_content'

/** The other side sent what no implementation of the protocol sends: nothing that it says counts. */
export class DialBackProtocolError extends Error {
  static override name = 'DialBackProtocolError'
  override readonly name = 'DialBackProtocolError'
  readonly offence: DialBackOffence

  constructor (offence: DialBackOffence, message: string, options?: ErrorOptions) {
    super(message, options)
    this.offence = offence
  }
}

export class DialBackStream {
  private readonly messages: ReturnType<typeof lpStream>

  constructor (stream: Stream) {
    // blocks come as fast as the link carries them, while earlier ones are being looked at: never more than a round, and what belongs to its frames
    this.messages = lpStream(stream, { maxDataLength: BLOCK_BYTES, maxBufferSize: MAX_ROUND_BYTES + 16 * BLOCK_BYTES })
  }

  async writeRequest (request: DialBackRequest, options: AbortOptions): Promise<void> {
    await this.messages.write(DialBackRequest.encode(request), options)
  }

  async readRequest (options: AbortOptions): Promise<DialBackRequest> {
    const request = decoded(await this.read(MAX_MESSAGE_BYTES, options), {
      decode: bytes => DialBackRequest.decode(bytes, { limits: { ask: { addresses: MAX_DIALLED_ADDRESSES } } })
    })
    if ([request.ask, request.hello, request.round].filter(part => part !== undefined).length !== 1) {
      throw new DialBackProtocolError('malformed', 'A request asks for one thing')
    }
    return request
  }

  async writeAnswer (answer: Partial<DialBackAnswer>, options: AbortOptions): Promise<void> {
    await this.messages.write(DialBackAnswer.encode(answer), options)
  }

  async readAnswer (options: AbortOptions): Promise<DialBackAnswer> {
    return decoded(await this.read(MAX_MESSAGE_BYTES, options), {
      decode: bytes => DialBackAnswer.decode(bytes, { limits: { outcomes: MAX_DIALLED_ADDRESSES } })
    })
  }

  async writeBlock (block: Uint8Array, options: AbortOptions): Promise<void> {
    await this.messages.write(block, options)
  }

  async readBlock (options: AbortOptions): Promise<Uint8Array> {
    return await this.read(BLOCK_BYTES, options)
  }

  private async read (maxBytes: number, options: AbortOptions): Promise<Uint8Array> {
    let bytes: Uint8Array
    try {
      bytes = (await this.messages.read(options)).subarray()
    } catch (error) {
      if (error instanceof Error && error.name.startsWith('InvalidData')) {
        throw new DialBackProtocolError('oversize', `A message of more than ${BLOCK_BYTES} bytes`, { cause: error })
      }
      throw error
    }
    if (bytes.length > maxBytes) {
      throw new DialBackProtocolError('oversize', `A message of ${bytes.length} bytes (${maxBytes} at most)`)
    }
    return bytes
  }
}

function decoded<T> (bytes: Uint8Array, codec: { decode: (bytes: Uint8Array) => T }): T {
  try {
    return codec.decode(bytes)
  } catch (cause) {
    throw new DialBackProtocolError('malformed', 'Not a message', { cause })
  }
}
