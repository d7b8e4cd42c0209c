/** Bytes that connections of SRT have carried in and out, repeats and headers with them: what a provider counts, short of acknowledgements. */
import type { SrtSocket } from '@skein/srt/node'

/** IP and UDP headers of a packet. */
const HEADER_BYTES = 28

export class TrafficCount {
  /** Of connections that have ended */
  private endedBytes = 0
  /** Bounded by who counts them */
  private readonly sockets = new Set<Pick<SrtSocket, 'statistics'>>()

  add (socket: Pick<SrtSocket, 'statistics'>): void {
    this.sockets.add(socket)
  }

  onEnded (socket: Pick<SrtSocket, 'statistics'>): void {
    if (this.sockets.delete(socket)) {
      this.endedBytes += bytesOf(socket)
    }
  }

  /** Since the first one was added. */
  get bytes (): number {
    let bytes = this.endedBytes
    for (const socket of this.sockets) {
      bytes += bytesOf(socket)
    }
    return bytes
  }
}

function bytesOf (socket: Pick<SrtSocket, 'statistics'>): number {
  const { byteRecvTotal, pktRecvTotal, byteSentTotal, pktSentTotal } = socket.statistics()
  return byteRecvTotal + byteSentTotal + (pktRecvTotal + pktSentTotal) * HEADER_BYTES
}
