/** Runs an SRTLA sender on UDP: a local port for SRT, and for each link a socket bound to its source address. */
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { MachineDriver } from '@skein/core'
import { systemRandom } from '@skein/core/system'
import { handshakeSocket } from '../srt-packet.ts'
import { SrtlaSender } from '../sender/sender.ts'
import { senderStats } from '../sender/sender-stats.ts'
import { monotonicClock } from './monotonic-clock.ts'
import { senderMetrics } from './sender-metrics.ts'
import { connectUdp, openUdp, receiveRoomPackets } from './udp-socket.ts'
import type { RemoteInfo, Socket } from 'node:dgram'
import type { Clock } from '@skein/core'
import type { Registry } from 'prom-client'
import type { SenderLink } from '../sender/link.ts'
import type { SrtlaSenderInit } from '../sender/sender.ts'
import type { SenderStats } from '../sender/sender-stats.ts'
import type { SenderEffect } from '../sender/sender-wire.ts'

export interface SenderServiceInit {
  /** UDP port at which SRT is taken; 0 for a free one. Left out where SRT is spoken in this process: `send()` and `onPacket` */
  port?: number
  /** Takes the packets for the local end, in place of the port */
  onPacket?: (bytes: Uint8Array) => void
  /**
   * Address of that port.
   *
   * @default '0.0.0.0'
   */
  host?: string
  /** The SRTLA receiver */
  receiver: { host: string, port: number }
  /** Source addresses of the links; `setLinks()` changes them */
  links: string[]
  /** Mode and times */
  sender?: SrtlaSenderInit
  /** Whose network an address belongs to, for statistics */
  organizationOf?: (address: string) => string | undefined
  onEvent?: (event: SenderEffect) => void
  /** Told of what an operator should mend, such as an address that is not one of this machine */
  onProblem?: (message: string) => void
  /** Monotonic @default performance.now() */
  clock?: Clock
}

/** No address of the receiver is of the family of a link. */
export class ReceiverAddressError extends Error {
  static override name = 'ReceiverAddressError'
  override readonly name = 'ReceiverAddressError'
  readonly host: string

  constructor (host: string, options?: ErrorOptions) {
    super(`The receiver ${host} has no address that is known: check its name`, options)
    this.host = host
  }
}

interface OpenLink {
  socket: Socket
  link: SenderLink
}

/** An address that could not be used is tried again so often: its interface may come up. */
const REOPEN_MS = 1_000
/** So long has an encoder to be silent before anything from elsewhere is taken for it. */
const TAKE_OVER_MS = 2_000

export class SenderService {
  private readonly init: SenderServiceInit
  private readonly clock: Clock
  private readonly machine: SrtlaSender
  private readonly driver: MachineDriver<SenderEffect, SrtlaSender>
  private readonly open = new Map<string, OpenLink>()
  private readonly socketBySlot: Array<Socket | undefined> = []
  private readonly told = new Set<string>()
  private wanted: string[] = []
  private opening: Promise<void> = Promise.resolve()
  private local: Socket | undefined
  private encoder: { address: string, port: number } | undefined
  private encoderHeardMs = -Infinity
  private addresses: string[] = []
  private cancelReopen: (() => void) | undefined
  private stopped = false

  private constructor (init: SenderServiceInit) {
    this.init = init
    this.clock = init.clock ?? monotonicClock()
    this.machine = new SrtlaSender(init.sender ?? {}, systemRandom(), {
      toLink: (link, bytes) => { this.socketBySlot[link.slot]?.send(bytes) },
      toLocal: bytes => {
        if (init.onPacket !== undefined) {
          init.onPacket(bytes)
        } else if (this.encoder !== undefined) {
          this.local?.send(bytes, this.encoder.port, this.encoder.address)
        }
      }
    }, this.clock.nowMs())
    this.driver = new MachineDriver({ machine: this.machine, clock: this.clock, perform: effect => { init.onEvent?.(effect) } })
  }

  /**
   * @throws {SrtlaListenError} when the local port cannot be had
   * @throws {ReceiverAddressError} when the name of the receiver is not known
   */
  static async start (init: SenderServiceInit): Promise<SenderService> {
    const service = new SenderService(init)
    try {
      await service.listen()
      await service.setLinks(init.links)
      return service
    } catch (error) {
      await service.stop()
      throw error
    }
  }

  /** The UDP port at which SRT is taken; 0 without one. */
  get port (): number {
    return this.local?.address().port ?? 0
  }

  /** What the system keeps of packets from one link while this process does not read, packets. */
  get roomPackets (): number {
    const rooms = [...this.open.values()].map(({ socket }) => receiveRoomPackets(socket))
    return rooms.length === 0 ? 0 : Math.min(...rooms)
  }

  get sender (): SrtlaSender {
    return this.machine
  }

  /** What `/stats` answers. */
  stats (): SenderStats {
    return senderStats(this.machine, this.clock.nowMs(), this.init.organizationOf)
  }

  /** What is counted, for Prometheus. */
  metrics (): Registry {
    return senderMetrics(this)
  }

  /** A packet of SRT from this process; its bytes must not change any more. */
  send (bytes: Uint8Array): void {
    this.machine.onLocalPacket(bytes, bytes.length, this.clock.nowMs())
  }

  /** Takes these source addresses for links from now on; those that stay go on as they are. */
  async setLinks (addresses: readonly string[]): Promise<void> {
    this.wanted = [...new Set(addresses)]
    for (const name of [...this.open.keys()].filter(name => !this.wanted.includes(name))) {
      this.closeLink(name)
    }
    this.opening = this.opening.then(async () => { await this.openMissing() })
    await this.opening
  }

  async stop (): Promise<void> {
    this.stopped = true
    this.cancelReopen?.()
    this.driver.stop()
    await this.opening
    for (const name of [...this.open.keys()]) {
      this.closeLink(name)
    }
    await new Promise<void>(resolve => {
      if (this.local === undefined) {
        resolve()
      } else {
        this.local.close(resolve)
        this.local = undefined
      }
    })
  }

  private async listen (): Promise<void> {
    const { host } = this.init.receiver
    try {
      this.addresses = isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host]
    } catch (cause) {
      throw new ReceiverAddressError(host, { cause })
    }
    if (this.init.port !== undefined) {
      this.local = await openUdp({ host: this.init.host ?? '0.0.0.0', port: this.init.port })
      this.local.on('error', () => {}) // the encoder went away; its next packet tells where it is
      this.local.on('message', (bytes, from) => { this.onLocalMessage(bytes, from) })
    }
    this.driver.input(() => {})
  }

  private onLocalMessage (bytes: Uint8Array, from: RemoteInfo): void {
    const nowMs = this.clock.nowMs()
    if (this.encoder?.port !== from.port || this.encoder.address !== from.address) {
      // a stray packet does not take the stream over, a new connection does
      if (this.encoder !== undefined && nowMs - this.encoderHeardMs < TAKE_OVER_MS && handshakeSocket(bytes) === undefined) {
        return
      }
      this.encoder = { address: from.address, port: from.port }
    }
    this.encoderHeardMs = nowMs
    this.machine.onLocalPacket(bytes, bytes.length, nowMs)
  }

  private async openMissing (): Promise<void> {
    for (const name of this.wanted) {
      if (!this.stopped && !this.open.has(name)) {
        await this.openLink(name)
      }
    }
    const isMissing = this.wanted.some(name => !this.open.has(name))
    this.cancelReopen?.()
    this.cancelReopen = isMissing && !this.stopped
      ? this.clock.schedule(this.clock.nowMs() + REOPEN_MS, () => { this.opening = this.opening.then(async () => { await this.openMissing() }) })
      : undefined
  }

  private async openLink (name: string): Promise<void> {
    const remote = this.addresses.find(address => isIPv6(address) === isIPv6(name))
    if (remote === undefined) {
      this.tell(name, `${this.init.receiver.host} has no address of the family of ${name}`)
      return
    }
    let socket: Socket
    try {
      socket = await openUdp({ host: name, port: 0 })
    } catch (error) {
      this.tell(name, `${name} cannot be used for a link now: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`)
      return
    }
    try {
      await connectUdp(socket, this.init.receiver.port, remote)
    } catch (error) {
      socket.close()
      this.tell(name, `${name} does not lead to ${remote}: ${(error as Error).message}`)
      return
    }
    if (this.stopped || !this.wanted.includes(name)) {
      socket.close()
      return
    }
    this.told.delete(name)
    this.driver.input((machine, nowMs) => {
      const link = machine.addLink(name, nowMs, slot => { this.socketBySlot[slot] = socket })
      if (link === undefined) {
        socket.close()
        this.tell(name, `${name} is one link too many: 16 is the most`)
        return
      }
      this.open.set(name, { socket, link })
      socket.on('error', error => { this.onSocketError(link, error as NodeJS.ErrnoException) })
      socket.on('message', bytes => { this.onLinkMessage(link, bytes) })
    })
  }

  private onLinkMessage (link: SenderLink, bytes: Uint8Array): void {
    this.machine.onLinkPacket(bytes, bytes.length, link, this.clock.nowMs())
    if (this.machine.hasEffects) {
      this.driver.input(() => {})
    }
  }

  private onSocketError (link: SenderLink, error: NodeJS.ErrnoException): void {
    if (this.open.get(link.name)?.link === link) {
      // a buffer that is full is no broken link
      if (error.code !== 'EAGAIN' && error.code !== 'ENOBUFS') {
        this.driver.input((machine, nowMs) => { machine.onLinkBroken(link, nowMs) })
      }
    }
  }

  private closeLink (name: string): void {
    const open = this.open.get(name)
    if (open !== undefined) {
      this.open.delete(name)
      this.socketBySlot[open.link.slot] = undefined
      this.driver.input((machine, nowMs) => { machine.removeLink(open.link, nowMs) })
      open.socket.close()
    }
  }

  private tell (name: string, message: string): void {
    if (!this.told.has(name)) {
      this.told.add(name)
      this.init.onProblem?.(message)
    }
  }
}
