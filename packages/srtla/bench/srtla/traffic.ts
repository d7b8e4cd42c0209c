/** Data packets of SRT at a steady rate over some links, as a sender of SRTLA would send them. */
import { createSocket } from 'node:dgram'
import { encodeRegistration, packetType, REG1, REG2, REG3, writeU32 } from '../../src/index.ts'
import type { Socket } from 'node:dgram'

const PACKET_BYTES = 16 + 1_316
const JOIN_MS = 3_000
const START_MS = 30_000

export class Traffic {
  acks = 0
  private readonly links: Socket[] = []
  private readonly packet = Buffer.alloc(PACKET_BYTES)
  private sequence = 1

  /** @param joins whether the other end is a receiver of SRTLA, which the links have to join */
  static async start (port: number, links: number, joins: boolean): Promise<Traffic> {
    const traffic = new Traffic()
    for (let i = 0; i < links; i++) {
      const socket = createSocket('udp4')
      await new Promise<void>(resolve => { socket.connect(port, '127.0.0.1', resolve) })
      socket.setSendBufferSize(4 << 20)
      socket.on('error', () => {})
      traffic.links.push(socket)
    }
    if (joins) {
      await traffic.join()
    }
    return traffic
  }

  /** How many were sent. */
  async send (packetsPerSecond: number, durationMs: number): Promise<number> {
    const startMs = performance.now()
    let sent = 0
    await new Promise<void>(resolve => {
      const turn = (): void => {
        const elapsedMs = performance.now() - startMs
        const due = Math.floor(Math.min(elapsedMs, durationMs) * packetsPerSecond / 1_000)
        for (; sent < due; sent++) {
          writeU32(this.packet, 0, this.sequence++ & 0x7fffffff)
          ;(this.links[sent % this.links.length] as Socket).send(this.packet)
        }
        if (elapsedMs < durationMs) {
          setTimeout(turn, 1)
        } else {
          resolve()
        }
      }
      turn()
    })
    return sent
  }

  async stop (): Promise<void> {
    await Promise.all(this.links.map(async socket => { await new Promise<void>(resolve => { socket.close(resolve) }) }))
  }

  private async join (): Promise<void> {
    const id = crypto.getRandomValues(new Uint8Array(256))
    const reg2 = await ask(this.links[0] as Socket, encodeRegistration(REG1, id), REG2)
    for (const socket of this.links) {
      await ask(socket, reg2, REG3)
      socket.on('message', () => { this.acks++ })
    }
  }
}

/** Resolves when somebody answers registrations there. */
export async function answersAt (port: number): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  const timer = setInterval(() => { socket.send(encodeRegistration(REG2, new Uint8Array(256)), port, '127.0.0.1') }, 200)
  const limit = setTimeout(() => { throw new Error(`Nobody answers registrations at UDP port ${port}`) }, START_MS)
  await new Promise<void>(resolve => { socket.once('message', () => { resolve() }) })
  clearInterval(timer)
  clearTimeout(limit)
  socket.close()
}

async function ask (socket: Socket, question: Uint8Array, wanted: number): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error('The receiver does not answer registrations')) }, JOIN_MS)
    socket.on('message', function onMessage (bytes) {
      if (packetType(bytes) === wanted) {
        clearTimeout(timer)
        socket.off('message', onMessage)
        resolve(bytes)
      }
    })
    socket.send(question)
  })
}
