/** A WebRTC data channel as the raw connection on which libp2p puts encryption and streams. */
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { WebRtcError } from './webrtc-error.ts'
import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'

/** What every implementation takes in one message (RFC 8831, §6.6). */
const MAX_MESSAGE_BYTES = 16 * 1024
/** Sending stops above the first and goes on below the second: a channel that holds more than 16 MiB breaks in Chromium. */
const MAX_BUFFERED_BYTES = 1024 * 1024
const LOW_BUFFERED_BYTES = 256 * 1024

export interface ChannelConnectionInit {
  peerConnection: RTCPeerConnection
  channel: RTCDataChannel
  remoteAddr: Multiaddr
  direction: MessageStreamDirection
  log: Logger
}

export class ChannelConnection extends AbstractMultiaddrConnection {
  private readonly peerConnection: RTCPeerConnection
  private readonly channel: RTCDataChannel

  constructor ({ peerConnection, channel, ...init }: ChannelConnectionInit) {
    super({ ...init, maxMessageSize: MAX_MESSAGE_BYTES })
    this.peerConnection = peerConnection
    this.channel = channel
    channel.bufferedAmountLowThreshold = LOW_BUFFERED_BYTES
    channel.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) {
        this.onData(new Uint8Array(data))
      } else {
        this.abort(new WebRtcError('Text came where bytes were due'))
      }
    })
    channel.addEventListener('bufferedamountlow', () => { this.safeDispatchEvent('drain') })
    channel.addEventListener('close', () => {
      this.onTransportClosed()
      peerConnection.close()
    })
    peerConnection.addEventListener('connectionstatechange', () => {
      if (peerConnection.connectionState === 'failed') {
        this.abort(new WebRtcError('The other side is not there any more'))
      }
    })
  }

  override sendData (data: Uint8ArrayList): { sentBytes: number, canSendMore: boolean } {
    this.channel.send(data.subarray() as Uint8Array<ArrayBuffer>)
    return { sentBytes: data.byteLength, canSendMore: this.channel.bufferedAmount < MAX_BUFFERED_BYTES }
  }

  /** What was sent goes out before the channel ends (RFC 8831, §6.7). */
  override async sendClose (options?: AbortOptions): Promise<void> {
    if (this.channel.readyState === 'open' && this.channel.bufferedAmount > 0) {
      this.channel.bufferedAmountLowThreshold = 0
      const sent = Promise.withResolvers<void>()
      const events = ['bufferedamountlow', 'close'] as const
      events.forEach(name => { this.channel.addEventListener(name, () => { sent.resolve() }, { once: true }) })
      options?.signal?.addEventListener('abort', () => { sent.resolve() }, { once: true })
      await sent.promise
    }
    this.channel.close()
  }

  override sendReset (): void {
    this.channel.close()
    this.peerConnection.close()
  }

  /** Data channels cannot be held back; the windows of the streams on them are what does it. */
  override sendPause (): void {}

  override sendResume (): void {}
}
