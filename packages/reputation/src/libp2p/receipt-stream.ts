/** One offer and one answer over a stream of `/skein/receipt/1.0.0`: each after its length as an unsigned varint, at most 1 KiB. */
import { lpStream } from '@libp2p/utils'
import { ReceiptAnswer, ReceiptOffer } from '../pb/exchange.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'

/** An envelope has 512 bytes at most. */
export const MAX_MESSAGE_BYTES = 1024

/** The other side sent what no implementation of the protocol sends. */
export class ReceiptProtocolError extends Error {
  static override name = 'ReceiptProtocolError'
  override readonly name = 'ReceiptProtocolError'
  readonly offence: ReceiptOffence

  constructor (offence: ReceiptOffence, message: string, options?: ErrorOptions) {
    super(message, options)
    this.offence = offence
  }
}

/** - `oversize`: more than 1 KiB - `malformed`: not a message - `bad_record`: a receipt that its signer did not sign, or not the one asked for */
export type ReceiptOffence = 'oversize' | 'malformed' | 'bad_record'

export class ReceiptStream {
  private readonly messages: ReturnType<typeof lpStream>

  constructor (stream: Stream) {
    this.messages = lpStream(stream, { maxDataLength: MAX_MESSAGE_BYTES })
  }

  async readOffer (options: AbortOptions): Promise<ReceiptOffer> {
    return decoded(await this.read(options), ReceiptOffer)
  }

  async readAnswer (options: AbortOptions): Promise<ReceiptAnswer> {
    return decoded(await this.read(options), ReceiptAnswer)
  }

  async writeOffer (offer: Partial<ReceiptOffer>, options: AbortOptions): Promise<void> {
    await this.messages.write(ReceiptOffer.encode(offer), options)
  }

  async writeAnswer (answer: Partial<ReceiptAnswer>, options: AbortOptions): Promise<void> {
    await this.messages.write(ReceiptAnswer.encode(answer), options)
  }

  private async read (options: AbortOptions): Promise<Uint8Array> {
    try {
      return (await this.messages.read(options)).subarray()
    } catch (error) {
      if (error instanceof Error && error.name.startsWith('InvalidData')) {
        throw new ReceiptProtocolError('oversize', `A message of more than ${MAX_MESSAGE_BYTES} bytes`, { cause: error })
      }
      throw error
    }
  }
}

function decoded<T> (bytes: Uint8Array, codec: { decode: (bytes: Uint8Array) => T }): T {
  try {
    return codec.decode(bytes)
  } catch (cause) {
    throw new ReceiptProtocolError('malformed', 'Not a message', { cause })
  }
}
