/** Messages over a stream of `/skein/punch/1.0.0` (docs/specs/punching.md): each after its length as an unsigned varint, at most 1 KiB. */
import { lpStream } from '@libp2p/utils'
import { decodePunch, encodePunch, MAX_PUNCH_MESSAGE_BYTES, PunchProtocolError } from './punch-message.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'
import type { Punch, PunchKind } from './punch-message.ts'

export class PunchStream {
  private readonly messages: ReturnType<typeof lpStream>

  constructor (stream: Stream) {
    this.messages = lpStream(stream, { maxDataLength: MAX_PUNCH_MESSAGE_BYTES })
  }

  async write (punch: Punch, options: AbortOptions): Promise<void> {
    await this.messages.write(encodePunch(punch), options)
  }

  /** @throws {PunchProtocolError} when it is none of `kinds` */
  async read<K extends PunchKind> (kinds: readonly K[], options: AbortOptions): Promise<Punch & { kind: K }> {
    const punch = decodePunch((await this.messages.read(options)).subarray())
    if (!(kinds as readonly string[]).includes(punch.kind)) {
      throw new PunchProtocolError(punch.kind === 'refuse'
        ? `The other side refused: ${punch.reason ?? ''}`
        : `${punch.kind} came where ${kinds.join(' or ')} was due`)
    }
    return punch as Punch & { kind: K }
  }
}
