/** A connection of SRT to which packets go until its send buffer is full; then one waits with it, and no more are taken. */
import type { CloseReason } from '../fanout/fanout.ts'
import type { PlayerSink } from '../fanout/fanout-driver.ts'
import type { SrtSocket } from '@skein/srt/node'

export class SocketSink implements PlayerSink {
  private readonly socket: SrtSocket
  private readonly onWritable: () => void
  private readonly onClose: (reason: CloseReason) => void
  private isWaiting = false

  /** @param onWritable - told when it takes packets again @param onClose - told why it was closed, before it is */
  constructor (socket: SrtSocket, onWritable: () => void, onClose: (reason: CloseReason) => void) {
    this.socket = socket
    this.onWritable = onWritable
    this.onClose = onClose
  }

  send (packet: Uint8Array): boolean {
    if (this.isWaiting) {
      return false
    }
    if (packet.length > this.socket.payloadBytes || !this.socket.writeNow(packet)) {
      this.isWaiting = true
      void this.sendLater(packet)
    }
    return true
  }

  close (reason: CloseReason): void {
    this.onClose(reason)
    this.socket.abort()
  }

  /** Cuts it too, where the other side takes smaller packets. */
  private async sendLater (packet: Uint8Array): Promise<void> {
    try {
      await this.socket.write(packet)
    } catch {
      return // the connection has ended, and takes no more
    }
    this.isWaiting = false
    this.onWritable()
  }
}
