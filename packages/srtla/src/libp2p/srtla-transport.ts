/**
 * A libp2p transport over SRT in stream mode, which many UDP links carry at once where there are several: `transports: [srtla()]`. Its addresses are
 * `/ip4/192.0.2.1/udp/7310/srtla`.
 */
import { networkInterfaces } from 'node:os'
import { serviceCapabilities, transportSymbol } from '@libp2p/interface'
import { registerBondedAddresses } from '@skein/records'
import { connect } from '@skein/srt/node'
import { lookup } from 'node:dns/promises'
import { ipFamily, sourceAddresses } from '../node/source-addresses.ts'
import { bondedAddress } from './bonded-address.ts'
import { BondedPort } from './bonded-port.ts'
import { SrtConnection } from './srt-connection.ts'
import { SrtlaListener } from './srtla-listener.ts'
import type { ComponentLogger, Connection, CreateListenerOptions, DialTransportOptions, Listener, Logger, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ConnectionOptions } from '@skein/srt'

export interface SrtlaTransportInit {
  /**
   * Source addresses of this machine, each a link of its own. With two or more that lead to the other side's family a connection is bonded over them;
   * otherwise it is SRT alone. More links carry more, and go on when one fails; each costs a keepalive a second.
   *
   * @default one address of each network interface that leads out, where the other side is not of this machine or its own network
   */
  links?: readonly string[] | (() => readonly string[])
  /** Connections that are let in at a listener; more are refused @default 256 */
  maxConnections?: number
  /** Buffers and times of SRT */
  srt?: Pick<ConnectionOptions, 'receiveBufferPackets' | 'sendBufferPackets' | 'mss' | 'peerIdleTimeoutMs' | 'lingerMs'>
}

export interface SrtlaComponents {
  logger: ComponentLogger
}

/** What was written is given so long to arrive when a connection is closed; SRT's own default is three minutes. */
const LINGER_MS = 10_000
const CONNECT_TIMEOUT_MS = 10_000

export class SrtlaTransport implements Transport {
  readonly [transportSymbol] = true as const
  readonly [Symbol.toStringTag] = '@skein/srtla'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  private readonly init: SrtlaTransportInit
  private readonly log: Logger

  constructor (components: SrtlaComponents, init: SrtlaTransportInit = {}) {
    this.init = init
    this.log = components.logger.forComponent('skein:srtla')
  }

  /** @throws SrtConnectTimeoutError, SrtRejectedError, the reason of the signal, what the upgrade throws */
  async dial (address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    options.signal.throwIfAborted()
    const { host: name, port, family } = bondedAddress(address) ?? {}
    if (name === undefined || port === undefined) {
      throw new Error(`${address.toString()} is no address such as /ip4/192.0.2.1/udp/7310/srtla`)
    }
    const host = ipFamily(name) === 0 ? (await lookup(name, { family: family === undefined ? 0 : family === 'ip4' ? 4 : 6 })).address : name
    const links = this.linksTo(host)
    this.log('dialling %a over %d links', address, Math.max(1, links.length))
    const socket = await connect({
      ...this.options,
      host,
      port,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      signal: options.signal,
      ...links.length < 2 ? {} : { openPort: async onPacket => await BondedPort.open({ host, port }, links, onPacket) }
    })
    const connection = new SrtConnection({ socket, remoteAddr: address, direction: 'outbound', log: this.log.newScope('connection') })
    try {
      return await options.upgrader.upgradeOutbound(connection, options)
    } catch (error) {
      connection.abort(error as Error)
      throw error
    }
  }

  createListener ({ upgrader }: CreateListenerOptions): Listener {
    return new SrtlaListener({
      upgrader,
      options: this.options,
      maxConnections: this.init.maxConnections ?? 256,
      log: this.log.newScope('listener')
    })
  }

  listenFilter (addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(address => ipFamily(bondedAddress(address)?.host ?? '') !== 0)
  }

  dialFilter (addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(address => bondedAddress(address) !== undefined)
  }

  private get options (): ConnectionOptions {
    return { lingerMs: LINGER_MS, ...this.init.srt, mode: 'stream' }
  }

  private linksTo (host: string): string[] {
    const { links } = this.init
    const family = ipFamily(host)
    return links === undefined
      ? sourceAddresses(host, networkInterfaces())
      : [...typeof links === 'function' ? links() : links].filter(link => ipFamily(link) === family)
  }
}

/** @param init @see SrtlaTransportInit */
export function srtla (init: SrtlaTransportInit = {}): (components: SrtlaComponents) => SrtlaTransport {
  registerBondedAddresses()
  return components => new SrtlaTransport(components, init)
}
