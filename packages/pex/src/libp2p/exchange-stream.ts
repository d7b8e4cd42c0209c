/** One message each way over a stream of `/skein/pex/1.0.0`: after its length as an unsigned varint, at most 16 KiB. */
import { lpStream } from '@libp2p/utils'
import { EXCHANGE_BOUNDS } from '../exchange-rules.ts'
import { ExchangeMessage } from '../pb/exchange.ts'
import type { PexOffence } from '../exchange-counters.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'

/** The other side sent something that no implementation of the protocol sends. */
export class ExchangeProtocolError extends Error {
  static override name = 'ExchangeProtocolError'
  override readonly name = 'ExchangeProtocolError'
  readonly offence: PexOffence

  constructor (offence: PexOffence, message: string, options?: ErrorOptions) {
    super(message, options)
    this.offence = offence
  }
}

export class ExchangeStream {
  private readonly messages: ReturnType<typeof lpStream>

  constructor (stream: Stream) {
    this.messages = lpStream(stream, { maxDataLength: EXCHANGE_BOUNDS.maxMessageBytes })
  }

  /** @throws {ExchangeProtocolError} when it is too large, not a message, or holds too many records */
  async read (options: AbortOptions): Promise<ExchangeMessage> {
    let bytes: Uint8Array
    try {
      bytes = (await this.messages.read(options)).subarray()
    } catch (error) {
      if (error instanceof Error && error.name.startsWith('InvalidData')) {
        throw new ExchangeProtocolError('oversize', `A message of more than ${EXCHANGE_BOUNDS.maxMessageBytes} bytes`, { cause: error })
      }
      throw error
    }
    let message: ExchangeMessage
    try {
      message = ExchangeMessage.decode(bytes)
    } catch (cause) {
      throw new ExchangeProtocolError('malformed', 'Not a message', { cause })
    }
    if (message.records.length > EXCHANGE_BOUNDS.maxAdded) {
      throw new ExchangeProtocolError('too_many', `A message of ${message.records.length} records`)
    }
    return message
  }

  async write (message: Partial<ExchangeMessage>, options: AbortOptions): Promise<void> {
    await this.messages.write(ExchangeMessage.encode(message), options)
  }
}
