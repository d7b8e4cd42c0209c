/** Messages of `/skein/media/1.0.0` (docs/specs/media.md) as bytes: each after its length as an unsigned varint. */
import { LengthPrefixedDecoder } from '@libp2p/utils'
import { MediaMessage } from '../pb/media.ts'
import type { Stream } from '@libp2p/interface'

/** A datagram of SRT has up to 1,456 bytes. */
export const MAX_MEDIA_MESSAGE_BYTES = 4_096

/** The other side sent what nobody sends who speaks the protocol. */
export class MediaProtocolError extends Error {
  static override name = 'MediaProtocolError'
  override readonly name = 'MediaProtocolError'
}

export interface MediaFields {
  player?: string
  verdict?: string
  packet?: Uint8Array
  dropped?: number
  publisher?: string
  srtlaPort?: number
  publisherPort?: number
}

const NOTHING = new Uint8Array(0)

/** @throws {RangeError} when it is too long to be taken by the other side */
export function encodeMedia (fields: MediaFields): Uint8Array {
  const { player = '', verdict = '', packet = NOTHING, dropped = 0, publisher = '', srtlaPort = 0, publisherPort = 0 } = fields
  const body = MediaMessage.encode({ player, verdict, packet: packet as Uint8Array<ArrayBuffer>, dropped, publisher, srtlaPort, publisherPort })
  if (body.length > MAX_MEDIA_MESSAGE_BYTES) {
    throw new RangeError(`A message has at most ${MAX_MEDIA_MESSAGE_BYTES} bytes, this one has ${body.length}`)
  }
  // a varint of one byte, or of two, which is all that the bound needs
  const prefix = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >>> 7]
  const bytes = new Uint8Array(prefix.length + body.length)
  bytes.set(prefix)
  bytes.set(body, prefix.length)
  return bytes
}

/**
 * Calls back with each message that comes, in order; resets the stream when something else does.
 *
 * @param onMessage - may throw a `MediaProtocolError`
 */
export function readMedia (stream: Stream, onMessage: (message: MediaMessage) => void): void {
  const decoder = new LengthPrefixedDecoder({ maxDataLength: MAX_MEDIA_MESSAGE_BYTES })
  stream.addEventListener('message', ({ data }) => {
    if (stream.status !== 'open') {
      return
    }
    try {
      for (const bytes of decoder.decode(data)) {
        onMessage(MediaMessage.decode(bytes.subarray()))
      }
    } catch (error) {
      stream.abort(error instanceof MediaProtocolError ? error : new MediaProtocolError('Not a message', { cause: error }))
    }
  })
}
