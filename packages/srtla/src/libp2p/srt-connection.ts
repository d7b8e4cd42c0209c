/** A connection of SRT in stream mode as the raw connection on which libp2p puts encryption and streams. */
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SrtSocket } from '@skein/srt/node'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SrtConnectionInit {
  socket: SrtSocket
  remoteAddr: Multiaddr
  localAddr?: Multiaddr
  direction: MessageStreamDirection
  log: Logger
}

export class SrtConnection extends AbstractMultiaddrConnection {
  private readonly socket: SrtSocket
  private readonly resumed: Array<() => void> = []
  private isPaused = false
  private waitsForRoom = false

  constructor ({ socket, ...init }: SrtConnectionInit) {
    super(init)
    this.socket = socket
    void this.receive()
  }

  override sendData (data: Uint8ArrayList): { sentBytes: number, canSendMore: boolean } {
    const bytes = data.subarray()
    for (let at = 0; at < bytes.length; at += this.socket.payloadBytes) {
      if (!this.socket.writeNow(bytes.subarray(at, at + this.socket.payloadBytes))) {
        void this.awaitRoom()
        return { sentBytes: at, canSendMore: false }
      }
    }
    return { sentBytes: bytes.length, canSendMore: true }
  }

  override async sendClose (options?: AbortOptions): Promise<void> {
    await raceSignal(this.socket.close(), options?.signal)
  }

  override sendReset (): void {
    this.socket.abort()
  }

  /** What is not read waits in the buffer of SRT, and the other side stops when that is full. */
  override sendPause (): void {
    this.isPaused = true
  }

  override sendResume (): void {
    this.isPaused = false
    this.resumed.splice(0).forEach(resume => { resume() })
  }

  private async receive (): Promise<void> {
    try {
      for (let payload = await this.socket.read(); payload !== undefined; payload = await this.socket.read()) {
        this.onData(payload)
        if (this.isPaused) {
          await new Promise<void>(resolve => { this.resumed.push(resolve) })
        }
      }
      this.onTransportClosed()
    } catch (error) {
      this.onTransportClosed(error as Error)
    }
  }

  private async awaitRoom (): Promise<void> {
    if (!this.waitsForRoom) {
      this.waitsForRoom = true
      await this.socket.writable()
      this.waitsForRoom = false
      this.safeDispatchEvent('drain')
    }
  }
}
