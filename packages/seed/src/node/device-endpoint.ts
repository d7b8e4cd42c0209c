/** The WebSocket endpoint of existing devices: drives the relay machine over the sockets that an HTTP server hands over. */
import { MachineDriver } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { WebSocketServer } from 'ws'
import { DeviceHub } from '../devices/device-hub.ts'
import { verifyDeviceSignature } from '../devices/device-signature.ts'
import { ownerOf } from '../devices/socket-address.ts'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { DeviceCounters, DeviceEffect, SocketId } from '../devices/device-hub.ts'
import type { DeviceLimits } from '../devices/device-limits.ts'
import type { DeviceListener, DevicePort } from '../devices/device-port.ts'
import type { DeviceEntry } from '../devices/device-table.ts'
import type { Clock, Random } from '@skein/core'

export interface DeviceEndpointInit extends DeviceLimits {
  /**
   * The client's address; an operator behind a proxy takes it from the header which that proxy sets.
   *
   * @default the other end of the connection
   */
  addressOf?: (request: IncomingMessage) => string
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

/** What a metrics endpoint shows. */
export interface DeviceStats extends DeviceCounters {
  sockets: number
  devices: number
}

export interface DeviceEndpoint {
  /** For the server's `upgrade` event; the path is the server's to check */
  handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** For `bridgeDevices` */
  readonly port: DevicePort
  stats: () => DeviceStats
  /** Refuses new sockets and closes the others, which reconnect elsewhere or later (1001) */
  stop: () => Promise<void>
}

/** How long a client may take to answer the closing handshake, ms. */
const CLOSE_TIMEOUT_MS = 2_000
/** A client that does not take what it is owed within this time, ms, is given up. */
const STALL_TIMEOUT_MS = 60_000
const STALL_CHECK_MS = 50
const GOING_AWAY = 1001

/** Serves the device relay protocol 1.0 on sockets handed to `handleUpgrade`. */
export function deviceEndpoint (init: DeviceEndpointInit = {}): DeviceEndpoint {
  return new Endpoint(init)
}

interface Link {
  id: SocketId
  webSocket: WebSocket
  /** The socket below, whose writes are held together until the end of the tick */
  raw: Duplex
  corked: boolean
  cancelStall?: () => void
}

class Endpoint implements DeviceEndpoint {
  readonly port: DevicePort
  private readonly clock: Clock
  private readonly addressOf: (request: IncomingMessage) => string
  private readonly server: WebSocketServer
  private readonly driver: MachineDriver<DeviceEffect, DeviceHub>
  private readonly links = new Map<SocketId, Link>()
  /** Those that have bytes waiting since some flush */
  private readonly congested = new Set<Link>()
  private readonly corked: Link[] = []
  private listener?: DeviceListener
  private nextId = 0
  private stopping?: Promise<void>

  constructor (init: DeviceEndpointInit) {
    const { addressOf, clock, random, ...limits } = init
    this.clock = clock ?? systemClock()
    this.addressOf = addressOf ?? (request => request.socket.remoteAddress ?? '')
    const hub = new DeviceHub(limits, {
      queuedBytes: socket => this.links.get(socket)?.webSocket.bufferedAmount ?? 0,
      totalQueuedBytes: () => this.totalQueuedBytes(),
      verify: verifyDeviceSignature
    }, random ?? systemRandom())
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: hub.limits.maxMessageBytes,
      // the codec decodes strictly and answers with an error, which the library would not
      skipUTF8Validation: true
    })
    this.driver = new MachineDriver({ machine: hub, clock: this.clock, perform: effect => { this.perform(effect) }, maxEffects: 1_000_000 })
    this.port = this.openPort()
  }

  handleUpgrade (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = ownerOf(this.addressOf(request))
    const refused = this.stopping == null ? this.driver.machine.refusalOf(address) : 'stopping'
    if (refused != null) {
      const { turnedAway } = this.driver.machine.counters
      turnedAway[refused] = (turnedAway[refused] ?? 0) + 1
      const status = refused === 'address' ? '429 Too Many Requests' : '503 Service Unavailable'
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    this.server.handleUpgrade(request, socket, head, webSocket => {
      this.onOpen(webSocket, socket, address, /[?&]events=1(&|$)/.test(request.url ?? ''))
    })
  }

  stats (): DeviceStats {
    const { counters, socketCount, deviceCount } = this.driver.machine
    return { ...structuredClone(counters), sockets: socketCount, devices: deviceCount }
  }

  async stop (): Promise<void> {
    this.stopping ??= this.shutDown()
    await this.stopping
  }

  private async shutDown (): Promise<void> {
    this.driver.stop()
    await Promise.all([...this.links.values()].map(async link => {
      const closed = new Promise(resolve => { link.webSocket.once('close', resolve) })
      this.close(link, GOING_AWAY, 'the server stops')
      await closed
    }))
  }

  private onOpen (webSocket: WebSocket, raw: Duplex, address: string, events: boolean): void {
    const link: Link = { id: this.nextId++, webSocket, raw, corked: false }
    this.links.set(link.id, link)

    webSocket.on('message', (data: RawData, binary: boolean) => {
      this.driver.input((hub, nowMs) => { hub.onMessage(link.id, data as Buffer, binary, nowMs) })
      this.holdBack(link)
    })
    const onAlive = (): void => { this.driver.input((hub, nowMs) => { hub.onAlive(link.id, nowMs) }) }
    webSocket.on('ping', onAlive)
    webSocket.on('pong', onAlive)
    webSocket.on('error', () => {
      // such as a frame that is too large: the library says why and waits for the answer, for which the device is not kept
      this.driver.input((hub, nowMs) => { hub.onClose(link.id, nowMs) })
      this.terminateSoon(webSocket)
    })
    webSocket.on('close', () => {
      this.links.delete(link.id)
      this.congested.delete(link)
      link.cancelStall?.()
      this.driver.input((hub, nowMs) => { hub.onClose(link.id, nowMs) })
    })
    this.driver.input((hub, nowMs) => { hub.onOpen(link.id, { address, events }, nowMs) })
  }

  private perform (effect: DeviceEffect): void {
    switch (effect.type) {
      case 'send':
        this.send(effect.socket, effect.data, effect.binary)
        return
      case 'close': {
        const link = this.links.get(effect.socket)
        if (link != null) {
          this.close(link, effect.code, effect.reason)
        }
        return
      }
      case 'ping':
        this.links.get(effect.socket)?.webSocket.ping()
        return
      case 'deliver':
        this.listener?.onMessage(effect.message)
        return
      case 'device':
        this.listener?.onDevice(effect.nodeID, effect.change)
    }
  }

  private send (socket: SocketId, data: string | Uint8Array, binary: boolean): void {
    const link = this.links.get(socket)
    if (link == null || link.webSocket.readyState !== link.webSocket.OPEN) {
      return
    }
    if (!link.corked) {
      // many messages that come in one read go out in one write: system calls are most of what a message costs
      link.corked = true
      link.raw.cork()
      if (this.corked.push(link) === 1) {
        process.nextTick(() => { this.flush() })
      }
    }
    link.webSocket.send(data, { binary })
  }

  private flush (): void {
    for (const link of this.corked.splice(0)) {
      link.corked = false
      link.raw.uncork()
      if (link.webSocket.bufferedAmount > 0) {
        this.congested.add(link)
      }
    }
  }

  private totalQueuedBytes (): number {
    let bytes = 0
    for (const link of this.congested) {
      const { bufferedAmount } = link.webSocket
      bytes += bufferedAmount
      if (bufferedAmount === 0) {
        this.congested.delete(link)
      }
    }
    return bytes
  }

  /** A client that does not read its answers is not read from either, so that they cannot pile up. */
  private holdBack (link: Link): void {
    const { webSocket } = link
    const { maxQueueBytes } = this.driver.machine.limits
    // what others send it fills half of this at most; the other half is answers to its own messages
    if (webSocket.bufferedAmount <= 2 * maxQueueBytes || webSocket.isPaused) {
      return
    }
    webSocket.pause()
    const untilMs = this.clock.nowMs() + STALL_TIMEOUT_MS
    const look = (): void => {
      if (webSocket.bufferedAmount <= maxQueueBytes) {
        webSocket.resume()
      } else if (this.clock.nowMs() >= untilMs) {
        webSocket.terminate()
      } else {
        link.cancelStall = this.clock.schedule(this.clock.nowMs() + STALL_CHECK_MS, look)
      }
    }
    link.cancelStall = this.clock.schedule(this.clock.nowMs() + STALL_CHECK_MS, look)
  }

  private close (link: Link, code: number, reason: string): void {
    const { webSocket } = link
    webSocket.resume() // or the other side's closing frame would not be read
    webSocket.close(code, reason)
    this.terminateSoon(webSocket)
  }

  private terminateSoon (webSocket: WebSocket): void {
    const cancel = this.clock.schedule(this.clock.nowMs() + CLOSE_TIMEOUT_MS, () => { webSocket.terminate() })
    webSocket.once('close', cancel)
  }

  private openPort (): DevicePort {
    const hub = this.driver.machine
    return {
      setLocalNode: (entry: DeviceEntry | undefined) => {
        this.driver.input((hub, nowMs) => { hub.onLocalNode(entry, nowMs) })
      },
      send: (kind, payload) => {
        let delivery: ReturnType<DeviceHub['onLocalMessage']> = 'peer_not_found'
        this.driver.input((hub, nowMs) => { delivery = hub.onLocalMessage(kind, payload, nowMs) })
        return delivery
      },
      devices: () => hub.devices(),
      devicesWith: model => hub.devicesWith(model),
      deviceOf: nodeID => hub.deviceOf(nodeID),
      listen: listener => { this.listener = listener }
    }
  }
}
