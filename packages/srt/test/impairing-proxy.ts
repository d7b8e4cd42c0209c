/**
 * A UDP proxy that makes a bad link of loopback: it loses, delays, disorders and doubles packets as a seed says. For each client it has a socket of its own
 * towards the target, as a NAT would. `sch_netem` of the kernel would do it too where there is one.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { RemoteInfo, Socket } from 'node:dgram'
import { randomFloat, SeededRandom } from '@skein/core'
import { monotonicMs } from '@skein/core/system'

export interface Impairment {
  /** Of packets, each way */
  lossRatio: number
  /** Each packet takes so long, ms @default 0 */
  delayMs?: number
  /** And up to so much longer, each for itself: packets overtake one another @default 0 */
  jitterMs?: number
  /** Of packets, that come twice @default 0 */
  duplicateRatio?: number
}

export interface ProxyOptions extends Impairment {
  target: { host?: string, port: number }
  seed: number
  /** @default '127.0.0.1' */
  host?: string
}

const BUFFER_BYTES = 4 << 20
const MAX_CLIENTS = 64

/** Packets on their way, by the millisecond in which they arrive. */
class DelayLine {
  private readonly due = new Map<number, Array<() => void>>()
  private timer?: NodeJS.Timeout
  private tick = Math.floor(monotonicMs())

  add (delayMs: number, arrive: () => void): void {
    const at = Math.max(this.tick + 1, Math.ceil(monotonicMs() + delayMs))
    const list = this.due.get(at)
    if (list === undefined) {
      this.due.set(at, [arrive])
    } else {
      list.push(arrive)
    }
    this.timer ??= setTimeout(() => { this.run() }, 1)
  }

  stop (): void {
    clearTimeout(this.timer)
    this.due.clear()
  }

  private run (): void {
    const now = Math.floor(monotonicMs())
    for (; this.tick < now; this.tick++) {
      const list = this.due.get(this.tick + 1)
      this.due.delete(this.tick + 1)
      list?.forEach(arrive => { arrive() })
    }
    this.timer = this.due.size === 0 ? undefined : setTimeout(() => { this.run() }, 1)
  }
}

export class ImpairingProxy {
  /** Packets that came in, and that were lost, each way */
  readonly forward = { packets: 0, lost: 0 }
  readonly backward = { packets: 0, lost: 0 }
  impairment: Impairment
  private readonly options: ProxyOptions
  private readonly random: SeededRandom
  private readonly line = new DelayLine()
  private readonly front: Socket
  private readonly clients = new Map<string, Socket>()

  private constructor (options: ProxyOptions, front: Socket) {
    this.options = options
    this.impairment = options
    this.random = new SeededRandom(options.seed)
    this.front = front
  }

  static async start (options: ProxyOptions): Promise<ImpairingProxy> {
    const front = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES })
    const proxy = new ImpairingProxy(options, front)
    front.on('message', (packet, from) => { proxy.onFront(packet, from) })
    front.on('error', () => {})
    front.bind(0, options.host ?? '127.0.0.1')
    await once(front, 'listening')
    return proxy
  }

  get port (): number {
    return (this.front.address() as AddressInfo).port
  }

  stop (): void {
    this.line.stop()
    this.front.close()
    for (const client of this.clients.values()) {
      client.close()
    }
    this.clients.clear()
  }

  private onFront (packet: Buffer, from: RemoteInfo): void {
    const { host = '127.0.0.1', port } = this.options.target
    const back = this.client(from)
    this.pass(this.forward, () => { back.send(packet, port, host) })
  }

  private client (from: RemoteInfo): Socket {
    const key = `${from.address}:${from.port}`
    const known = this.clients.get(key)
    if (known !== undefined) {
      return known
    }
    if (this.clients.size === MAX_CLIENTS) {
      throw new Error(`A proxy has ${MAX_CLIENTS} clients at most`)
    }
    const back = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES })
    back.on('error', () => {})
    back.on('message', packet => {
      this.pass(this.backward, () => { this.front.send(packet, from.port, from.address) })
    })
    this.clients.set(key, back)
    return back
  }

  private pass (count: { packets: number, lost: number }, arrive: () => void): void {
    const { lossRatio, delayMs = 0, jitterMs = 0, duplicateRatio = 0 } = this.impairment
    count.packets++
    if (randomFloat(this.random) < lossRatio) {
      count.lost++
      return
    }
    const copies = randomFloat(this.random) < duplicateRatio ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      this.line.add(delayMs + randomFloat(this.random) * jitterMs, arrive)
    }
  }
}
