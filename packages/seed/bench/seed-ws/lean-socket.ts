/** A WebSocket client that costs next to nothing, so that a bench on one machine measures the server: prepared frames out, messages counted in. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const MASK = [0x3a, 0x5c, 0x91, 0xe7] as const

export class LeanSocket {
  /** Called with the size of each message, and its bytes where all are in the buffer that came */
  onMessage: (bytes: number, message: Buffer | undefined) => void = () => {}
  received = 0
  private readonly socket: Socket
  /** Of the message under way: bytes still to come, and its size */
  private left = 0
  private size = 0
  private rest: Buffer = Buffer.alloc(0)

  private constructor (socket: Socket) {
    this.socket = socket
  }

  static async open (url: string): Promise<LeanSocket> {
    const { hostname, port, pathname, search } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
    const [head] = await once(socket, 'data') as [Buffer]
    if (!head.toString('latin1').startsWith('HTTP/1.1 101 ')) {
      throw new Error(`No WebSocket: ${head.toString('latin1').split('\r\n')[0]}`)
    }
    const lean = new LeanSocket(socket)
    socket.on('data', data => { lean.onData(data) })
    socket.on('error', () => {})
    return lean
  }

  /** @param frames - of `frameOf` */
  send (frames: Buffer): void {
    this.socket.write(frames)
  }

  close (): void {
    this.socket.destroy()
  }

  private onData (data: Buffer): void {
    let chunk = this.rest.length === 0 ? data : Buffer.concat([this.rest, data])
    this.rest = Buffer.alloc(0)
    while (chunk.length > 0) {
      if (this.left > 0) {
        const taken = Math.min(this.left, chunk.length)
        this.left -= taken
        chunk = chunk.subarray(taken)
        if (this.left === 0) {
          this.received++
          this.onMessage(this.size, undefined)
        }
        continue
      }
      const headBytes = chunk.length < 2 ? 2 : chunk[1] === 126 ? 4 : chunk[1] === 127 ? 10 : 2
      if (chunk.length < headBytes) {
        this.rest = chunk
        return
      }
      const size = headBytes === 2 ? chunk[1] as number : headBytes === 4 ? chunk.readUInt16BE(2) : Number(chunk.readBigUInt64BE(2))
      if (((chunk[0] as number) & 0x0f) > 2) {
        throw new Error('A control frame came, for which this client is too simple')
      }
      if (chunk.length >= headBytes + size) {
        this.received++
        this.onMessage(size, chunk.subarray(headBytes, headBytes + size))
        chunk = chunk.subarray(headBytes + size)
      } else {
        this.size = size
        this.left = size
        chunk = chunk.subarray(headBytes)
      }
    }
  }
}

/** One masked text frame. */
export function frameOf (text: string): Buffer {
  const payload = Buffer.from(text)
  const head = payload.length < 126
    ? Buffer.from([0x81, 0x80 | payload.length])
    : Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff])
  for (let i = 0; i < payload.length; i++) {
    payload[i] = (payload[i] as number) ^ (MASK[i & 3] as number)
  }
  return Buffer.concat([head, Buffer.from(MASK), payload])
}
