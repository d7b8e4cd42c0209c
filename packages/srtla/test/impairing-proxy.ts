/** A UDP proxy that treats packets as their source address says: each link its rate, delay, losses and buffer, seeded. Counts what it does. */
import { createSocket } from 'node:dgram'
import { SeededRandom } from '@skein/core'
import { LinkModel } from './link-model.ts'
import type { Socket } from 'node:dgram'
import type { LinkModelInit } from './link-model.ts'

export interface ImpairingProxyInit {
  seed: number
  target: { host: string, port: number }
  /** By source address; others pass as they are */
  links: Record<string, LinkModelInit>
  /** Those with the same one share what their links carry, as several streams over one modem do @default each stream has links to itself */
  shared?: SharedLinks
}

/** By source address. */
export type SharedLinks = Map<string, { up: LinkModel, down: LinkModel }>

interface Way {
  model: LinkModel
  waiting: Array<{ atMs: number, bytes: Uint8Array }>
  timer: NodeJS.Timeout | undefined
  send: (bytes: Uint8Array) => void
}

interface Client {
  host: string
  upstream: Socket
  up: Way
  down: Way
}

const PLAIN: LinkModelInit = { delayMs: 0, loss: 0 }

export class ImpairingProxy {
  /** Packets from the clients that arrived at the proxy, by source address */
  readonly packets = new Map<string, number>()
  private readonly init: ImpairingProxyInit
  private readonly random: SeededRandom
  private readonly socket = createSocket('udp4')
  private readonly clients = new Map<string, Client>()
  private readonly cut = new Set<string>()
  private closed = false

  private constructor (init: ImpairingProxyInit) {
    this.init = init
    this.random = new SeededRandom(init.seed)
  }

  static async start (init: ImpairingProxyInit): Promise<ImpairingProxy> {
    const proxy = new ImpairingProxy(init)
    await new Promise<void>((resolve, reject) => {
      proxy.socket.once('error', reject)
      proxy.socket.bind(0, '127.0.0.1', resolve)
    })
    proxy.socket.setRecvBufferSize(4 << 20)
    proxy.socket.on('error', () => {})
    proxy.socket.on('message', (bytes, from) => {
      proxy.packets.set(from.address, (proxy.packets.get(from.address) ?? 0) + 1)
      const client = proxy.clients.get(`${from.address}:${from.port}`) ?? proxy.addClient(from.address, from.port)
      proxy.pass(client.up, bytes)
    })
    return proxy
  }

  get port (): number {
    return this.socket.address().port
  }

  /** Nothing goes over the link of that source address until it is restored. */
  cutLink (host: string): void {
    this.cut.add(host)
    this.applyCuts()
  }

  restoreLink (host: string): void {
    this.cut.delete(host)
    this.applyCuts()
  }

  async stop (): Promise<void> {
    this.closed = true
    const sockets = [this.socket, ...[...this.clients.values()].map(({ upstream }) => upstream)]
    for (const { up, down } of this.clients.values()) {
      clearTimeout(up.timer)
      clearTimeout(down.timer)
    }
    await Promise.all(sockets.map(async socket => { await new Promise<void>(resolve => { socket.close(resolve) }) }))
  }

  private addClient (host: string, port: number): Client {
    const { target, links, shared } = this.init
    const model = links[host] ?? PLAIN
    const upstream = createSocket('udp4')
    const models = shared?.get(host) ?? { up: new LinkModel(model, this.random), down: new LinkModel(model, this.random) }
    shared?.set(host, models)
    const way = (model: LinkModel, send: Way['send']): Way => ({ model, waiting: [], timer: undefined, send })
    const client: Client = {
      host,
      upstream,
      up: way(models.up, bytes => { upstream.send(bytes, target.port, target.host) }),
      down: way(models.down, bytes => { this.socket.send(bytes, port, host) })
    }
    // the far end sees the address of the link
    upstream.bind(0, host)
    upstream.on('error', () => {})
    upstream.on('message', bytes => { this.pass(client.down, bytes) })
    this.clients.set(`${host}:${port}`, client)
    this.applyCuts()
    return client
  }

  private applyCuts (): void {
    for (const { host, up, down } of this.clients.values()) {
      for (const way of [up, down]) {
        way.model.isCut = this.cut.has(host)
        if (way.model.isCut) {
          way.waiting.length = 0
        }
      }
    }
  }

  private pass (way: Way, bytes: Uint8Array): void {
    const atMs = way.model.arrivalMs(bytes.length, performance.now())
    if (atMs !== undefined) {
      way.waiting.push({ atMs, bytes })
      this.arm(way)
    }
  }

  private arm (way: Way): void {
    const first = way.waiting[0]
    if (first !== undefined && way.timer === undefined && !this.closed) {
      way.timer = setTimeout(() => {
        way.timer = undefined
        this.release(way)
      }, Math.max(0, first.atMs - performance.now()))
    }
  }

  private release (way: Way): void {
    // timers of the platform count whole milliseconds
    const untilMs = performance.now() + 0.5
    let count = 0
    while (count < way.waiting.length && (way.waiting[count] as { atMs: number }).atMs <= untilMs) {
      way.send((way.waiting[count] as { bytes: Uint8Array }).bytes)
      count++
    }
    way.waiting.splice(0, count)
    this.arm(way)
  }
}
