/** Runs an SRTLA receiver on UDP: one port for all senders, and for each group a socket of its own towards whoever listens for SRT. */
import { isIPv6 } from 'node:net'
import { MachineDriver } from '@skein/core'
import { systemRandom } from '@skein/core/system'
import { receiverStats } from '../receiver/group-stats.ts'
import { KEEPALIVE, packetType } from '../packet.ts'
import { SrtlaReceiver } from '../receiver/receiver.ts'
import { udpUpstream } from './group-upstream.ts'
import { monotonicClock } from './monotonic-clock.ts'
import { receiverMetrics } from './receiver-metrics.ts'
import { BUFFER_BYTES, openUdp, receiveBufferBytes, receiveRoomPackets, SrtlaListenError } from './udp-socket.ts'
import type { RemoteInfo, Socket } from 'node:dgram'
import type { Clock } from '@skein/core'
import type { Registry } from 'prom-client'
import type { ReceiverGroup, ReceiverLink } from '../receiver/group.ts'
import type { ReceiverStats } from '../receiver/group-stats.ts'
import type { SrtlaReceiverInit } from '../receiver/receiver.ts'
import type { ReceiverEffect } from '../receiver/receiver-wire.ts'
import type { GroupUpstream, OpenUpstream } from './group-upstream.ts'

export interface ReceiverServiceInit {
  /**
   * UDP port for senders; 0 for a free one.
   *
   * @default 5000
   */
  port?: number
  /**
   * Addresses to listen at, each of IPv4 or IPv6.
   *
   * @default ['0.0.0.0', '::'], the second where the system has IPv6
   */
  hosts?: string[]
  /** Who listens for SRT: host and UDP port, or what takes the packets of a group in this process */
  srt: { host: string, port: number } | OpenUpstream
  /** Takes packets of SRT that come without SRTLA; `sendPlain()` is the way back @default they are dropped */
  onPlain?: (bytes: Uint8Array, address: string, port: number) => void
  /** Bounds and times */
  receiver?: SrtlaReceiverInit
  /**
   * Receive buffer of the port, bytes.
   *
   * @default 4_194_304
   */
  bufferBytes?: number
  /** Whose network an address belongs to, for statistics */
  organizationOf?: (address: string) => string | undefined
  /** Told of what happens: groups, links, refusals, an SRT listener that is absent */
  onEvent?: (event: ReceiverEffect) => void
  /** Told of what an operator should mend; once each */
  onProblem?: (message: string) => void
  /** Monotonic @default performance.now() */
  clock?: Clock
}

const DEFAULT_PORT = 5_000
const REOPEN_MS = 1_000
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

export class ReceiverService {
  private readonly init: ReceiverServiceInit
  private readonly clock: Clock
  private readonly machine: SrtlaReceiver
  private readonly driver: MachineDriver<ReceiverEffect, SrtlaReceiver>
  /** Towards whoever listens for SRT */
  private readonly upstreams = new Map<ReceiverGroup, GroupUpstream>()
  private open: OpenUpstream
  private socket4: Socket | undefined
  private socket6: Socket | undefined
  private stopped = false

  private constructor (init: ReceiverServiceInit) {
    this.init = init
    this.clock = init.clock ?? monotonicClock()
    this.open = async () => { throw new Error('The receiver does not run yet') }
    this.machine = new SrtlaReceiver(init.receiver ?? {}, systemRandom(), {
      toLink: (link, bytes) => { this.socketOf(link)?.send(bytes, link.port, link.address) },
      toOrigin: (origin, bytes) => { this.socketOf(origin)?.send(bytes, origin.port, origin.address) },
      toListener: (group, bytes) => {
        this.upstreams.get(group)?.send(bytes) // what comes before there is one is a handshake, and SRT repeats it
      }
    })
    this.driver = new MachineDriver({
      machine: this.machine,
      clock: this.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  /**
   * @throws {SrtlaListenError} when a port or an address cannot be had
   * @throws when the name of the SRT listener is not known
   */
  static async start (init: ReceiverServiceInit): Promise<ReceiverService> {
    const service = new ReceiverService(init)
    try {
      await service.listen()
      return service
    } catch (error) {
      await service.stop()
      throw error
    }
  }

  /** A packet of SRT to one that speaks it without SRTLA; its bytes must not change any more. */
  sendPlain (bytes: Uint8Array, port: number, address: string): void {
    (isIPv6(address) ? this.socket6 : this.socket4)?.send(bytes, port, address)
  }

  /** The UDP port of senders. */
  get port (): number {
    return (this.socket4 ?? this.socket6)?.address().port ?? 0
  }

  /** What the system keeps of packets while this process does not read, packets. */
  get roomPackets (): number {
    const socket = this.socket4 ?? this.socket6
    return socket === undefined ? 0 : receiveRoomPackets(socket)
  }

  get receiver (): SrtlaReceiver {
    return this.machine
  }

  /** What `/stats` answers. */
  stats (): ReceiverStats {
    return receiverStats(this.machine.groups, this.clock.nowMs(), this.init.organizationOf)
  }

  /** What is counted, for Prometheus. */
  metrics (): Registry {
    return receiverMetrics(this)
  }

  nowMs (): number {
    return this.clock.nowMs()
  }

  async stop (): Promise<void> {
    this.stopped = true
    this.driver.stop()
    for (const upstream of this.upstreams.values()) {
      upstream.close()
    }
    this.upstreams.clear()
    const sockets = [this.socket4, this.socket6]
    this.socket4 = this.socket6 = undefined
    await Promise.all(sockets.map(async socket => {
      if (socket !== undefined) {
        await new Promise<void>(resolve => { socket.close(resolve) })
      }
    }))
  }

  private async listen (): Promise<void> {
    const { srt, hosts = ['0.0.0.0', '::'], bufferBytes = BUFFER_BYTES } = this.init
    this.open = typeof srt === 'function' ? srt : await udpUpstream(srt, bufferBytes)
    let port = this.init.port ?? DEFAULT_PORT
    for (const host of hosts) {
      let socket: Socket
      try {
        socket = await openUdp({ host, port, bufferBytes })
      } catch (error) {
        if (this.init.hosts === undefined && isIPv6(host) && error instanceof SrtlaListenError && NO_IPV6.has(error.code)) {
          continue
        }
        throw error
      }
      port = socket.address().port
      if (isIPv6(host)) {
        this.socket6 = socket
      } else {
        this.socket4 = socket
      }
      socket.on('message', (bytes, from) => { this.onMessage(bytes, from) })
      socket.on('error', () => {}) // what one sender's address did to a send; the link falls silent
      this.checkBuffer(socket, bufferBytes)
    }
  }

  private onMessage (bytes: Uint8Array, from: RemoteInfo): void {
    const link = this.machine.linkAt(from.address, from.port)
    if (link === undefined) {
      if (this.init.onPlain !== undefined && packetType(bytes) < KEEPALIVE) {
        this.init.onPlain(bytes, from.address, from.port)
        return
      }
      this.driver.input((machine, nowMs) => { machine.onStrangerPacket(bytes, bytes.length, from, nowMs) })
      return
    }
    this.machine.onLinkPacket(bytes, bytes.length, link, this.clock.nowMs())
    if (this.machine.hasEffects) {
      this.driver.input(() => {})
    }
  }

  private perform (effect: ReceiverEffect): void {
    if (effect.type === 'group-closed' || effect.type === 'session-changed') {
      this.upstreams.get(effect.group)?.close()
      this.upstreams.delete(effect.group)
    }
    if (effect.type === 'group-opened' || effect.type === 'session-changed') {
      void this.openUpstream(effect.group)
    }
    this.init.onEvent?.(effect)
  }

  private async openUpstream (group: ReceiverGroup): Promise<void> {
    const isWanted = (): boolean => !this.stopped && this.machine.groups.has(group) && !this.upstreams.has(group)
    try {
      const upstream = await this.open(group, {
        onPacket: bytes => { this.onListenerPacket(group, bytes) },
        onAbsent: () => { this.driver.input((machine, nowMs) => { machine.onListenerAbsent(group, nowMs) }) }
      })
      if (isWanted()) {
        this.upstreams.set(group, upstream)
      } else {
        upstream.close()
      }
    } catch (error) {
      if (!isWanted()) {
        return
      }
      if (!group.listenerIsAbsent) {
        this.init.onProblem?.((error as Error).message)
      }
      this.driver.input((machine, nowMs) => { machine.onListenerAbsent(group, nowMs) })
      this.clock.schedule(this.clock.nowMs() + REOPEN_MS, () => { void this.openUpstream(group) })
    }
  }

  private onListenerPacket (group: ReceiverGroup, bytes: Uint8Array): void {
    if (this.stopped) {
      return
    }
    this.machine.onListenerPacket(bytes, bytes.length, group, this.clock.nowMs())
    if (this.machine.hasEffects) {
      this.driver.input(() => {})
    }
  }

  private socketOf (to: ReceiverLink | { family: 'IPv4' | 'IPv6' }): Socket | undefined {
    return to.family === 'IPv6' ? this.socket6 : this.socket4
  }

  private checkBuffer (socket: Socket, wanted: number): void {
    const bytes = receiveBufferBytes(socket)
    if (bytes < wanted) {
      this.init.onProblem?.(`The receive buffer holds ${bytes} bytes, not ${wanted}, and bursts may be lost: raise net.core.rmem_max (sysctl)`)
    }
  }
}
