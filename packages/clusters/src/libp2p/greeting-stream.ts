/** A stream of `/skein/coordinates/1.0.0`: greetings one way, answers the other, by turns; each after its length as an unsigned varint. */
import { lpStream } from '@libp2p/utils'
import { decodeGreeting, encodeGreeting, GreetingError, MAX_GREETING_BYTES } from '../greeting.ts'
import type { Greeting } from '../greeting.ts'
import type { AbortOptions, Connection, Stream } from '@libp2p/interface'

/** What may wait to be read; who sends more does not keep to turns, and the stream is reset. */
const MAX_UNREAD_BYTES = 4 * MAX_GREETING_BYTES

export class GreetingStream {
  readonly connection: Connection
  private readonly stream: Stream
  private readonly messages: ReturnType<typeof lpStream>

  constructor (stream: Stream, connection: Connection) {
    this.stream = stream
    this.connection = connection
    this.messages = lpStream(stream, { maxDataLength: MAX_GREETING_BYTES, maxBufferSize: MAX_UNREAD_BYTES })
  }

  get isOpen (): boolean {
    return this.stream.status === 'open' && this.stream.writeStatus === 'writable' && this.stream.remoteWriteStatus === 'writable'
  }

  async write (greeting: Greeting, nonce: number, options: AbortOptions): Promise<void> {
    await this.messages.write(encodeGreeting(greeting, nonce), options)
  }

  /** @throws {GreetingError} when it is none, or too large */
  async read (options: AbortOptions): Promise<{ greeting: Greeting, nonce: number }> {
    let bytes: Uint8Array
    try {
      bytes = (await this.messages.read(options)).subarray()
    } catch (error) {
      if (error instanceof Error && error.name.startsWith('InvalidData')) {
        throw new GreetingError(`A greeting of more than ${MAX_GREETING_BYTES} bytes`, { cause: error })
      }
      throw error
    }
    return decodeGreeting(bytes)
  }

  /** Lets what was sent arrive. */
  close (): void {
    this.stream.close().catch(error => { this.stream.abort(error as Error) })
  }

  abort (error: Error): void {
    this.stream.abort(error)
  }
}
