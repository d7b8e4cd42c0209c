/** Length-prefixed frames on a byte stream: an unsigned varint, then that many bytes. */
import { concatBytes } from '@skein/core'

/** Most bytes of one message. */
export const MAX_FRAME_BYTES = 64 * 1024

/** Length bytes of the largest frame, and one more that must not be needed. */
const MAX_PREFIX_BYTES = 3

/** The other side sent something that no implementation of the protocol sends. */
export class RoutingProtocolError extends Error {
  static override name = 'RoutingProtocolError'
  override readonly name = 'RoutingProtocolError'
  readonly reason: 'malformed' | 'oversize'

  constructor (reason: 'malformed' | 'oversize', message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Puts the length before `parts`. */
export function encodeFrame (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const part of parts) {
    length += part.length
  }
  const prefix: number[] = []
  for (let rest = length; ; rest >>>= 7) {
    if (rest < 0x80) {
      prefix.push(rest)
      break
    }
    prefix.push((rest & 0x7f) | 0x80)
  }
  const frame = new Uint8Array(prefix.length + length)
  frame.set(prefix)
  let offset = prefix.length
  for (const part of parts) {
    frame.set(part, offset)
    offset += part.length
  }
  return frame
}

/** Cuts a stream of chunks into frames; holds at most one incomplete frame. */
export class FrameReader {
  private rest: Uint8Array | undefined

  /**
   * The frames that are complete with this chunk. They share its memory: copy what is kept.
   *
   * @throws {RoutingProtocolError} when a frame is longer than allowed; the stream is of no more use then
   */
  read (chunk: Uint8Array): Uint8Array[] {
    const bytes = this.rest === undefined ? chunk : concatBytes(this.rest, chunk)
    const frames: Uint8Array[] = []
    let offset = 0
    for (;;) {
      const start = this.bodyStart(bytes, offset)
      if (start === undefined) {
        break
      }
      const end = start.at + start.length
      if (end > bytes.length) {
        break
      }
      frames.push(bytes.subarray(start.at, end))
      offset = end
    }
    this.rest = offset === bytes.length ? undefined : bytes.subarray(offset)
    return frames
  }

  private bodyStart (bytes: Uint8Array, offset: number): { at: number, length: number } | undefined {
    let length = 0
    for (let i = 0; i < MAX_PREFIX_BYTES; i++) {
      const byte = bytes[offset + i]
      if (byte === undefined) {
        return undefined
      }
      length |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) {
        if (length > MAX_FRAME_BYTES) {
          break
        }
        return { at: offset + i + 1, length }
      }
    }
    throw new RoutingProtocolError('oversize', `A message of more than ${MAX_FRAME_BYTES} bytes`)
  }
}
