/** A connection of SRT in stream mode as the raw connection on which libp2p puts encryption and streams. */
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { Uint8ArrayList } from 'uint8arraylist'
import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SrtSocket } from '@skein/srt/node'

export interface SrtConnectionInit {
  socket: SrtSocket
  remoteAddr: Multiaddr
  localAddr?: Multiaddr
  direction: MessageStreamDirection
  log: Logger
}

/** At once; what is more waits its turn. */
const MAX_HANDED_OUT_BYTES = 65_536

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
    const { payloadBytes, roomPackets } = this.socket
    // only what fits is made one piece: the rest is looked at again and again while there is no room
    const bytes = data.subarray(0, Math.min(data.byteLength, roomPackets * payloadBytes))
    let sentBytes = 0
    while (sentBytes < bytes.length && this.socket.writeNow(bytes.subarray(sentBytes, sentBytes + payloadBytes))) {
      sentBytes = Math.min(bytes.length, sentBytes + payloadBytes)
    }
    const canSendMore = sentBytes === data.byteLength
    if (!canSendMore) {
      void this.awaitRoom()
    }
    return { sentBytes, canSendMore }
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
        this.onData(this.withMore(payload))
        if (this.isPaused) {
          await new Promise<void>(resolve => { this.resumed.push(resolve) })
        }
      }
      this.onTransportClosed()
    } catch (error) {
      this.onTransportClosed(error as Error)
    }
  }

  /** What came with it: to hand out each packet by itself would cost more than to receive it. */
  private withMore (first: Uint8Array): Uint8Array | Uint8ArrayList {
    let payload = this.socket.readNow()
    if (payload === undefined) {
      return first
    }
    const all = new Uint8ArrayList(first)
    for (; payload !== undefined; payload = all.byteLength < MAX_HANDED_OUT_BYTES ? this.socket.readNow() : undefined) {
      all.append(payload)
    }
    return all
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
