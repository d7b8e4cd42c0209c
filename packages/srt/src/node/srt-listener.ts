/** Callers let in at one UDP port: `SrtListener`. */
import { randomBelow } from '@skein/core'
import { systemRandom } from '@skein/core/system'
import { SrtClosedError } from '../connection-error.ts'
import { connectionSettings } from '../connection-options.ts'
import type { ConnectionOptions, ConnectionSettings } from '../connection-options.ts'
import { ListenerHandshake } from '../listener-handshake.ts'
import type { ConnectionRequest } from '../listener-handshake.ts'
import { destination, HEADER_BYTES } from '../packet-header.ts'
import type { RejectReason } from '../reject-reason.ts'
import type { AbortOptions } from './abort-options.ts'
import { AdmissionControl } from './admission-control.ts'
import type { Admission, CallerInfo } from './admission-control.ts'
import { monotonicClock } from './monotonic-clock.ts'
import { nodeCrypto } from './node-crypto.ts'
import { SrtSocket } from './srt-socket.ts'
import type { OpenPacketPort, PacketPort } from './packet-port.ts'
import { UdpPort } from './udp-port.ts'
import { Wakeups } from './wakeups.ts'

export interface ListenOptions extends ConnectionOptions {
  /** An IP address @default '0.0.0.0' */
  host?: string
  /** @default 0, any that is free: see `address` */
  port?: number
  /** In place of a UDP port of this machine; `host` and `port` mean nothing then */
  openPort?: OpenPacketPort
  /** Decides on a caller before there is a connection. One that throws, or takes longer than 2 s, refuses @default all are let in */
  onRequest?: (caller: CallerInfo) => Admission | Promise<Admission>
  /** More are refused ('resource') @default 256 */
  maxConnections?: number
  /** Callers that are being decided on, or were let in and have not said anything yet; more are refused ('backlog') @default 64 */
  maxHalfOpen?: number
  /** Connections that nobody has taken from the listener; more are refused ('backlog') @default 64 */
  maxBacklog?: number
  /** Requests from one address, each of which may cost a millisecond: a second, after a burst of twice as many; more are not answered @default 50 */
  maxRequestsPerSecond?: number
}

interface Entry {
  socket: SrtSocket
  key: string
  address: string
  port: number
  /** To answer with when the caller asks again, as the answer was lost */
  response: Uint8Array
  isSilent: boolean
}

export class SrtListener implements AsyncIterable<SrtSocket> {
  private readonly clock = monotonicClock()
  private readonly options: ListenOptions
  private readonly settings: ConnectionSettings
  private readonly handshake: ListenerHandshake
  private readonly admission: AdmissionControl
  /** By socket id */
  private readonly entries = new Map<number, Entry>()
  /** By address, port and socket id of the caller */
  private readonly callers = new Map<string, Entry | 'deciding'>()
  private readonly accepted: SrtSocket[] = []
  private readonly acceptors = new Wakeups()
  private readonly maxBacklog: number
  private udp?: PacketPort
  private isClosed = false

  private constructor (options: ListenOptions) {
    this.options = options
    this.settings = connectionSettings(options)
    this.maxBacklog = options.maxBacklog ?? 64
    this.handshake = new ListenerHandshake({ crypto: nodeCrypto(), settings: this.settings })
    this.admission = new AdmissionControl(options)
  }

  /** Opens the port. @throws SrtOptionError, what the system says of the port */
  static async listen (options: ListenOptions = {}): Promise<SrtListener> {
    const listener = new SrtListener(options)
    const openUdp: OpenPacketPort = async onPacket => await UdpPort.open({ host: options.host ?? '0.0.0.0', port: options.port, onPacket })
    listener.udp = await (options.openPort ?? openUdp)((packet, address, port) => { listener.onPacket(packet, address, port) })
    return listener
  }

  get address (): { address: string, port: number } {
    return (this.udp as PacketPort).address
  }

  /** How many there are, and how many of them have not said anything yet or are being decided on. */
  get connections (): { open: number, halfOpen: number } {
    return { open: this.entries.size, halfOpen: this.admission.halfOpen }
  }

  /** The next caller that was let in. @throws SrtClosedError when the listener is closed */
  async accept (options: AbortOptions = {}): Promise<SrtSocket> {
    for (;;) {
      const socket = this.accepted.shift()
      if (socket !== undefined) {
        return socket
      }
      if (this.isClosed) {
        throw new SrtClosedError('The SRT listener is closed')
      }
      await this.acceptors.wait(options)
    }
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<SrtSocket> {
    for (;;) {
      try {
        yield await this.accept()
      } catch (error) {
        if (error instanceof SrtClosedError && this.isClosed) {
          return
        }
        throw error
      }
    }
  }

  /** Closes its connections, giving what was written time to arrive, and then the port. */
  async close (): Promise<void> {
    this.isClosed = true
    this.acceptors.wake()
    await Promise.all([...this.entries.values()].map(async ({ socket }) => { await socket.close() }))
    this.udp?.close()
  }

  private onPacket (packet: Uint8Array, address: string, port: number): void {
    if (packet.length < HEADER_BYTES) {
      return
    }
    const id = destination(packet)
    if (id === 0) {
      this.onHandshake(packet, address, port)
      return
    }
    const entry = this.entries.get(id)
    if (entry === undefined || entry.port !== port || entry.address !== address) {
      return // a stranger may guess an id, not an address
    }
    if (entry.isSilent) {
      entry.isSilent = false
      this.admission.onHeard()
    }
    entry.socket.onPacket(packet)
  }

  private onHandshake (packet: Uint8Array, address: string, port: number): void {
    const nowMs = this.clock.nowMs()
    const verdict = this.handshake.onPacket(packet, { address, port }, nowMs)
    if (verdict.type === 'reply' || verdict.type === 'refuse') {
      this.udp?.send(verdict.packet, port, address)
    } else if (verdict.type === 'request') {
      this.onRequest(verdict.request, nowMs)
    }
  }

  private onRequest (request: ConnectionRequest, nowMs: number): void {
    const { address, port, peerSocketId } = request
    const key = `${address} ${port} ${peerSocketId}`
    const known = this.callers.get(key)
    if (known !== undefined) {
      if (known !== 'deciding') {
        this.udp?.send(known.response, port, address)
      }
      return
    }
    const refusal = this.isClosed
      ? 'closing'
      : this.accepted.length >= this.maxBacklog ? 'backlog' : this.admission.onRequest(address, this.entries.size, nowMs)
    if (refusal === 'ignore') {
      return
    }
    if (refusal !== undefined) {
      this.refuse(request, refusal)
      return
    }
    this.callers.set(key, 'deciding')
    void this.decide(request, key)
  }

  private async decide (request: ConnectionRequest, key: string): Promise<void> {
    const admission = await this.admission.ask(this.options.onRequest, request)
    this.callers.delete(key)
    try {
      if (admission.type === 'reject' || this.isClosed) {
        this.admission.onHeard()
        this.refuse(request, admission.type === 'reject' ? admission.reason : 'closing')
      } else {
        this.admit(request, key, admission.options)
      }
    } catch {
      // options that cannot be, say: the caller is not to blame
      this.admission.onHeard()
      this.refuse(request, 'internal')
    }
  }

  private admit (request: ConnectionRequest, key: string, options: ConnectionOptions | undefined): void {
    const settings = options === undefined ? this.settings : connectionSettings({ ...this.options, ...options })
    const { address, port } = request
    const outcome = this.handshake.accept(request, { socketId: this.newSocketId(), settings }, this.clock.nowMs())
    this.udp?.send(outcome.packet, port, address)
    if (outcome.type === 'refused') {
      this.admission.onHeard()
      return
    }
    const { established } = outcome
    const socket = new SrtSocket({
      established,
      remote: { address, port },
      send: packet => { this.udp?.send(packet, port, address) },
      onClosed: () => { this.forget(established.socketId) }
    })
    const entry = { socket, key, address, port, response: outcome.packet, isSilent: true }
    this.entries.set(established.socketId, entry)
    this.callers.set(key, entry)
    this.accepted.push(socket)
    this.shareRoom()
    this.acceptors.wake()
  }

  /** All connections share the buffer of the port. */
  private shareRoom (): void {
    const { roomPackets } = this.udp ?? {}
    if (roomPackets !== undefined) {
      this.entries.forEach(({ socket }) => { socket.onSocketRoom(Math.floor(roomPackets / this.entries.size)) })
    }
  }

  private forget (socketId: number): void {
    const entry = this.entries.get(socketId)
    if (entry !== undefined) {
      this.entries.delete(socketId)
      this.callers.delete(entry.key)
      this.shareRoom()
      if (entry.isSilent) {
        this.admission.onHeard()
      }
      const at = this.accepted.indexOf(entry.socket)
      if (at >= 0 && entry.socket.error !== undefined) {
        this.accepted.splice(at, 1) // gone before anybody took it
      }
    }
  }

  private refuse (request: ConnectionRequest, reason: RejectReason): void {
    this.udp?.send(this.handshake.refuse(request, reason), request.port, request.address)
  }

  private newSocketId (): number {
    for (;;) {
      const id = 1 + randomBelow(systemRandom(), 0x3ffffffe)
      if (!this.entries.has(id)) {
        return id
      }
    }
  }
}
