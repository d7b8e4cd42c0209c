/** One offer or question and one answer over a stream of `/skein/receipt/1.0.0`: each after its length as an unsigned varint. */
import { lpStream } from '@libp2p/utils'
import { ReceiptAnswer, ReceiptOffer } from '../pb/exchange.ts'
import { MAX_TOLD_BYTES, MAX_TOLD_RECEIPTS } from '../told-receipts.ts'
import type { ReceiptCounters, ReceiptOffence } from './receipt-counters.ts'
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

export class ReceiptStream {
  private readonly messages: ReturnType<typeof lpStream>
  private readonly maxBytes: number

  private readonly counters?: Pick<ReceiptCounters, 'received_bytes_total' | 'sent_bytes_total'>

  /** @param options `asking`: the other side is asked for its receipts, and may say more than to an offer */
  constructor (stream: Stream, options: { asking?: boolean, counters?: ReceiptCounters } = {}) {
    const { asking = false, counters } = options
    this.counters = counters
    this.maxBytes = asking ? MAX_TOLD_BYTES : MAX_MESSAGE_BYTES
    this.messages = lpStream(stream, { maxDataLength: this.maxBytes })
  }

  async readOffer (options: AbortOptions): Promise<ReceiptOffer> {
    return decoded(await this.read(options), bytes => ReceiptOffer.decode(bytes))
  }

  async readAnswer (options: AbortOptions): Promise<ReceiptAnswer> {
    return decoded(await this.read(options), bytes => ReceiptAnswer.decode(bytes, { limits: { told: MAX_TOLD_RECEIPTS } }))
  }

  async writeOffer (offer: Partial<ReceiptOffer>, options: AbortOptions): Promise<void> {
    await this.write(ReceiptOffer.encode(offer), options)
  }

  async writeAnswer (answer: Partial<ReceiptAnswer>, options: AbortOptions): Promise<void> {
    await this.write(ReceiptAnswer.encode(answer), options)
  }

  private async write (bytes: Uint8Array<ArrayBuffer>, options: AbortOptions): Promise<void> {
    if (this.counters !== undefined) {
      this.counters.sent_bytes_total += bytes.length
    }
    await this.messages.write(bytes, options)
  }

  private async read (options: AbortOptions): Promise<Uint8Array> {
    try {
      const bytes = (await this.messages.read(options)).subarray()
      if (this.counters !== undefined) {
        this.counters.received_bytes_total += bytes.length
      }
      return bytes
    } catch (error) {
      if (error instanceof Error && error.name.startsWith('InvalidData')) {
        throw new ReceiptProtocolError('oversize', `A message of more than ${this.maxBytes} bytes`, { cause: error })
      }
      throw error
    }
  }
}

function decoded<T> (bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes)
  } catch (cause) {
    throw new ReceiptProtocolError('malformed', 'Not a message', { cause })
  }
}
