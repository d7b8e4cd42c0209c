/** Signals over a stream of `/skein/webrtc/1.0.0`: each after its length as an unsigned varint, at most 16 KiB. */
import { lpStream } from '@libp2p/utils'
import { WebRtcSignal } from './pb/webrtc.ts'
import { WebRtcError } from './webrtc-error.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'

const MAX_MESSAGE_BYTES = 16 * 1024
const MAX_REASON_CHARS = 200
const KINDS = ['offer', 'answer', 'candidate', 'refuse'] as const
type SignalKind = typeof KINDS[number]

export interface Signal {
  kind: SignalKind
  text: string
  mid?: string
}

export class SignalStream {
  private readonly messages: ReturnType<typeof lpStream>

  constructor (stream: Stream) {
    this.messages = lpStream(stream, { maxDataLength: MAX_MESSAGE_BYTES })
  }

  async write ({ kind, text, mid = '' }: Signal, options: AbortOptions): Promise<void> {
    await this.messages.write(WebRtcSignal.encode({ kind, text, mid }), options)
  }

  /** @throws {WebRtcError} when the other side refuses, or says what nobody says */
  async read (options: AbortOptions): Promise<Signal> {
    const { kind, text, mid } = decode((await this.messages.read(options)).subarray())
    if (kind === 'refuse') {
      throw new WebRtcError(`The other side refused: ${text.slice(0, MAX_REASON_CHARS)}`)
    }
    return { kind, text, mid }
  }
}

function decode (bytes: Uint8Array): Required<Signal> {
  let message: WebRtcSignal
  try {
    message = WebRtcSignal.decode(bytes)
  } catch (cause) {
    throw new WebRtcError('Not a signal', { cause })
  }
  const kind = KINDS.find(known => known === message.kind)
  if (kind === undefined) {
    throw new WebRtcError(`An unknown kind of signal: ${message.kind.slice(0, 32)}`)
  }
  return { ...message, kind }
}
