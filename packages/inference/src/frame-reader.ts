/** Cuts a byte stream into frames: each is a minimal varint, its length, and that many bytes of protobuf. */
import { InferenceError } from './errors.ts'

export interface FrameBytes {
  /** The protobuf message */
  body: Uint8Array
  /** The same with its length prefix */
  wire: Uint8Array
}

/** Four bytes of varint: up to 256 MiB. */
const MAX_PREFIX_BYTES = 4
const EMPTY = new Uint8Array(0)

export class FrameReader {
  /** Largest frame taken, bytes */
  maxFrameBytes: number
  private buffer: Uint8Array = EMPTY
  private start = 0
  private end = 0
  /** Whether `buffer` is ours to write to; a chunk that came in is only looked at */
  private owned = false

  constructor (maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes
  }

  get bufferedBytes (): number {
    return this.end - this.start
  }

  /** Adds a chunk. Frames given out before are overwritten: be done with them. Take all frames between two calls. */
  push (chunk: Uint8Array): void {
    const pending = this.end - this.start
    if (pending === 0) {
      this.buffer = chunk
      this.start = 0
      this.end = chunk.length
      this.owned = false
      return
    }
    const needed = pending + chunk.length
    if (!this.owned || this.buffer.length < needed) {
      // doubling: a large frame that comes in small chunks is copied a few times, not once for each chunk
      const grown = new Uint8Array(Math.max(needed, 2 * pending))
      grown.set(this.buffer.subarray(this.start, this.end))
      this.buffer = grown
      this.start = 0
      this.owned = true
    } else if (this.buffer.length - this.start < needed) {
      this.buffer.copyWithin(0, this.start, this.end)
      this.start = 0
    }
    this.buffer.set(chunk, this.start + pending)
    this.end = this.start + needed
  }

  /**
   * The next whole frame.
   *
   * @throws {InferenceError} `oversize` or `stream_corrupt`; the stream cannot be read on
   */
  next (): FrameBytes | undefined {
    let length = 0
    let prefix = 0
    for (;;) {
      if (this.start + prefix >= this.end) {
        return undefined
      }
      const byte = this.buffer[this.start + prefix] as number
      length += (byte & 0x7f) * 2 ** (7 * prefix)
      prefix++
      if (byte < 0x80) {
        if (byte === 0 && prefix > 1) {
          throw new InferenceError('stream_corrupt', 'A length prefix is longer than it needs to be')
        }
        break
      }
      if (prefix === MAX_PREFIX_BYTES) {
        throw new InferenceError('oversize', `A frame is longer than the ${this.maxFrameBytes} bytes allowed`)
      }
    }
    if (length > this.maxFrameBytes) {
      throw new InferenceError('oversize', `A frame of ${length} bytes is longer than the ${this.maxFrameBytes} allowed`)
    }
    const from = this.start
    const to = from + prefix + length
    if (to > this.end) {
      return undefined
    }
    this.start = to
    return { body: this.buffer.subarray(from + prefix, to), wire: this.buffer.subarray(from, to) }
  }
}

/** A message with its length in front. */
export function prefixLength (body: Uint8Array): Uint8Array<ArrayBuffer> {
  const prefix: number[] = []
  for (let rest = body.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      prefix.push(rest)
      break
    }
    prefix.push((rest & 0x7f) | 0x80)
  }
  const wire = new Uint8Array(prefix.length + body.length)
  wire.set(prefix)
  wire.set(body, prefix.length)
  return wire
}
