/** Listens at one UDP port for connections of SRT in stream mode, bonded or not. */
import { getThinWaistAddresses } from '@libp2p/utils'
import { SrtListener } from '@skein/srt/node'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { addressText, bondedAddress } from './bonded-address.ts'
import { ListeningPort } from './bonded-port.ts'
import { SrtConnection } from './srt-connection.ts'
import type { Listener, ListenerEvents, Logger, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ConnectionOptions } from '@skein/srt'
import type { SrtSocket } from '@skein/srt/node'

export interface SrtlaListenerInit {
  upgrader: Upgrader
  options: ConnectionOptions
  maxConnections: number
  log: Logger
}

export class SrtlaListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  private readonly init: SrtlaListenerInit
  private readonly shutdown = new AbortController()
  private readonly connections = new Set<SrtConnection>()
  private srt: SrtListener | undefined
  private port: ListeningPort | undefined
  private listening: Multiaddr | undefined

  constructor (init: SrtlaListenerInit) {
    super()
    this.init = init
  }

  /** @throws {SrtlaListenError} when the port cannot be had */
  async listen (address: Multiaddr): Promise<void> {
    const { host, port } = bondedAddress(address) ?? {}
    if (host === undefined || port === undefined || this.srt !== undefined) {
      throw new Error(host === undefined ? `${address.toString()} is no address such as /ip4/0.0.0.0/udp/7310/srtla` : 'It listens already')
    }
    this.srt = await SrtListener.listen({
      ...this.init.options,
      maxConnections: this.init.maxConnections,
      openPort: async onPacket => this.port = await ListeningPort.open(host, port, onPacket)
    })
    this.listening = address
    void this.acceptAll(this.srt)
    this.safeDispatchEvent('listening')
  }

  getAddrs (): Multiaddr[] {
    if (this.srt === undefined || this.listening === undefined) {
      return []
    }
    const { host, port } = bondedAddress(this.listening) as { host: string, port: number }
    const bare = multiaddr(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/udp/${port}`)
    return getThinWaistAddresses(bare, this.srt.address.port).map(address => {
      const [seenHost] = address.getComponents()
      return addressText(seenHost?.value ?? host, this.srt?.address.port ?? port)
    })
  }

  updateAnnounceAddrs (): void {}

  async close (): Promise<void> {
    const { srt } = this
    if (srt !== undefined) {
      this.srt = undefined
      this.shutdown.abort(new Error('The listener is closed'))
      this.connections.forEach(connection => { connection.abort(new Error('The listener is closed')) })
      await srt.close()
      this.safeDispatchEvent('close')
    }
  }

  private async acceptAll (srt: SrtListener): Promise<void> {
    for await (const socket of srt) {
      void this.accept(socket)
    }
  }

  private async accept (socket: SrtSocket): Promise<void> {
    const { upgrader, log } = this.init
    const { address, port, links } = this.port?.originOf(socket.remoteAddress, socket.remotePort) ??
      { address: socket.remoteAddress, port: socket.remotePort, links: 1 }
    const connection = new SrtConnection({
      socket,
      remoteAddr: addressText(address, port),
      localAddr: this.listening,
      direction: 'inbound',
      log: log.newScope('connection')
    })
    log('new inbound connection %s over %d links', connection.remoteAddr, links)
    this.connections.add(connection)
    connection.addEventListener('close', () => { this.connections.delete(connection) })
    try {
      await upgrader.upgradeInbound(connection, { signal: this.shutdown.signal })
    } catch (error) {
      log.error('inbound connection from %s was not upgraded - %e', connection.remoteAddr, error)
      connection.abort(error as Error)
    }
  }
}
