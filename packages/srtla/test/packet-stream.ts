/** A steady stream of numbered UDP packets of 1316 bytes, as MPEG-TS has them, and the count of which of them came out at the other end. */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'

const BYTES = 1_316
const TICK_MS = 2

export class PacketSource {
  sent = 0
  private readonly socket = createSocket('udp4')
  private timer: NodeJS.Timeout | undefined

  /** Sends for that long, then resolves. */
  async send (port: number, bitsPerSecond: number, durationMs: number): Promise<void> {
    const startMs = performance.now()
    const first = this.sent
    const packet = Buffer.alloc(BYTES)
    await new Promise<void>(resolve => {
      this.timer = setInterval(() => {
        const elapsedMs = Math.min(durationMs, performance.now() - startMs)
        const due = first + Math.floor(elapsedMs * bitsPerSecond / 8_000 / BYTES)
        // the transport stream's sync byte, so that nobody takes it for something else
        for (; this.sent < due; this.sent++) {
          packet.fill(this.sent & 0xff)
          packet[0] = 0x47
          packet.writeUInt32BE(this.sent, 4)
          this.socket.send(Buffer.from(packet), port, '127.0.0.1')
        }
        if (elapsedMs >= durationMs) {
          clearInterval(this.timer)
          resolve()
        }
      }, TICK_MS)
    })
  }

  close (): void {
    clearInterval(this.timer)
    this.socket.close()
  }
}

export class PacketSink {
  /** How often each packet came, by number */
  readonly seen = new Map<number, number>()
  damaged = 0
  private readonly socket: Socket = createSocket('udp4')

  static async open (): Promise<PacketSink> {
    const sink = new PacketSink()
    await new Promise<void>(resolve => { sink.socket.bind(0, '127.0.0.1', resolve) })
    sink.socket.setRecvBufferSize(4 << 20)
    sink.socket.on('message', bytes => {
      const number = bytes.readUInt32BE(4)
      if (bytes.length !== BYTES || bytes[BYTES - 1] !== (number & 0xff)) {
        sink.damaged++
      }
      sink.seen.set(number, (sink.seen.get(number) ?? 0) + 1)
    })
    return sink
  }

  get port (): number {
    return this.socket.address().port
  }

  /** Those between the first and the last that came which did not. */
  missing (from = Math.min(...this.seen.keys()), to = Math.max(...this.seen.keys())): number[] {
    const missing: number[] = []
    for (let i = from; i <= to; i++) {
      if (!this.seen.has(i)) {
        missing.push(i)
      }
    }
    return missing
  }

  close (): void {
    this.socket.close()
  }
}
