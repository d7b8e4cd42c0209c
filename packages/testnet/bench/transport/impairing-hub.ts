/**
 * A process between two machines: takes whole IP packets of each link from one as UDP payloads, and hands them to the other as the link's model says.
 * `impairing-hub SEED FIRST_PORT MODELS`, models as JSON; link `i` is at `FIRST_PORT + i` on both sides.
 */
import { createSocket } from 'node:dgram'
import { SeededRandom } from '@skein/core'
import { LinkModel } from '../../../srtla/test/link-model.ts'
import type { Socket } from 'node:dgram'
import type { LinkModelInit } from '../../../srtla/test/link-model.ts'

/** The model adds these to what it takes for a payload. */
const IP_AND_UDP_BYTES = 28
const BUFFER_BYTES = 4 << 20
/** Timers of the platform count whole milliseconds. */
const EARLY_MS = 0.5

/** One direction of a link. */
class Way {
  private readonly model: LinkModel
  private readonly send: (packet: Uint8Array) => void
  private readonly waiting: Array<{ atMs: number, packet: Uint8Array }> = []
  private isArmed = false

  constructor (model: LinkModel, send: (packet: Uint8Array) => void) {
    this.model = model
    this.send = send
  }

  pass (packet: Uint8Array): void {
    const atMs = this.model.arrivalMs(packet.length - IP_AND_UDP_BYTES, performance.now())
    if (atMs !== undefined) {
      this.waiting.push({ atMs, packet })
      this.arm()
    }
  }

  private arm (): void {
    const [first] = this.waiting
    if (first !== undefined && !this.isArmed) {
      this.isArmed = true
      setTimeout(() => {
        this.isArmed = false
        const untilMs = performance.now() + EARLY_MS
        for (let next = this.waiting[0]; next !== undefined && next.atMs <= untilMs; next = this.waiting[0]) {
          this.waiting.shift()
          this.send(next.packet)
        }
        this.arm()
      }, Math.max(0, first.atMs - performance.now()))
    }
  }
}

async function open (address: string, port: number, peer: string): Promise<Socket> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => { socket.bind(port, address, resolve) })
  await new Promise<void>(resolve => { socket.connect(port, peer, resolve) })
  socket.setRecvBufferSize(BUFFER_BYTES)
  socket.on('error', () => {}) // the other end is not there yet
  return socket
}

const [seed = '1', firstPort = '0', models = '[]'] = process.argv.slice(2)
const random = new SeededRandom(Number(seed))
for (const [at, init] of (JSON.parse(models) as LinkModelInit[]).entries()) {
  const port = Number(firstPort) + at
  const near = await open('10.78.0.1', port, '10.78.0.2')
  const far = await open('10.78.1.1', port, '10.78.1.2')
  const up = new Way(new LinkModel(init, random), packet => { far.send(packet) })
  const down = new Way(new LinkModel(init, random), packet => { near.send(packet) })
  near.on('message', packet => { up.pass(packet) })
  far.on('message', packet => { down.pass(packet) })
}
console.log('ready')
