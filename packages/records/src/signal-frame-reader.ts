/** Frames of `/skein/signal/1.0.0` on a byte stream: an unsigned varint with the length, then a `SignalFrame`. */
import { MAX_SIGNAL_FRAME_BYTES, SignalFrame } from './signal-message.ts'

/** Length bytes of the largest frame. */
const MAX_PREFIX_BYTES = 3

/** The other side sent something that no implementation of the protocol sends: the stream is of no more use. */
export class SignalFrameError extends Error {
  static override name = 'SignalFrameError'
  override readonly name = 'SignalFrameError'
  readonly reason: 'malformed' | 'oversize'

  constructor (reason: SignalFrameError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** A frame as it goes on the stream. */
export function encodeSignalFrame (frame: Partial<SignalFrame>): Uint8Array<ArrayBuffer> {
  const body = SignalFrame.encode(frame)
  const prefix: number[] = []
  for (let rest = body.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      prefix.push(rest)
      break
    }
    prefix.push((rest & 0x7f) | 0x80)
  }
  const bytes = new Uint8Array(prefix.length + body.length)
  bytes.set(prefix)
  bytes.set(body, prefix.length)
  return bytes
}

/** Cuts what comes into frames; holds at most one that is incomplete. */
export class SignalFrameReader {
  private length = 0
  private prefixBytes = 0
  private body: Uint8Array<ArrayBuffer> | undefined
  private filled = 0

  /**
   * The frames that are complete with this chunk; they share no memory with it.
   *
   * @throws {SignalFrameError} when a frame is longer than allowed or is no message
   */
  read (chunk: Uint8Array): SignalFrame[] {
    const frames: SignalFrame[] = []
    let offset = 0
    while (offset < chunk.length) {
      if (this.body === undefined) {
        this.onPrefix(chunk[offset++] as number)
      }
      if (this.body !== undefined) {
        const part = chunk.subarray(offset, offset + this.body.length - this.filled)
        this.body.set(part, this.filled)
        this.filled += part.length
        offset += part.length
        if (this.filled === this.body.length) {
          const whole = this.body
          this.body = undefined
          frames.push(decode(whole))
        }
      }
    }
    return frames
  }

  private onPrefix (byte: number): void {
    this.length |= (byte & 0x7f) << (7 * this.prefixBytes++)
    const last = byte < 0x80
    if (last ? this.length > MAX_SIGNAL_FRAME_BYTES : this.prefixBytes === MAX_PREFIX_BYTES) {
      throw new SignalFrameError('oversize', `A frame of more than ${MAX_SIGNAL_FRAME_BYTES} bytes`)
    }
    if (last) {
      this.body = new Uint8Array(this.length)
      this.filled = 0
      this.length = 0
      this.prefixBytes = 0
    }
  }
}

function decode (bytes: Uint8Array): SignalFrame {
  try {
    return SignalFrame.decode(bytes)
  } catch (cause) {
    throw new SignalFrameError('malformed', 'Not a signal frame', { cause })
  }
}
