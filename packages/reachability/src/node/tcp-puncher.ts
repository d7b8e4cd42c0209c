/**
 * TCP simultaneous open under Node (RFC 9293, §3.5; P. Srisuresh, B. Ford, D. Kegel, RFC 5128, §3.4): both sides connect from a port that they keep
 * to the address at which the other's port is seen. Where that is tells a public node, to which a connection from the same port is made first: NATs
 * that map endpoint-independently show the same address to all.
 *
 * The side that leads upgrades the connection as outbound, the other as inbound: two initiators would fail in the handshake of noise, and two clients
 * in yamux.
 */
import { createServer } from 'node:net'
import { tcp } from '@libp2p/tcp'
import { deadline, randomFloat, sleep } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { multiaddr } from '@multiformats/multiaddr'
import type {
  AbortOptions, ComponentLogger, Connection, Libp2pEvents, Metrics, MultiaddrConnection, PeerId, TypedEventTarget, Upgrader
} from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock, Random } from '@skein/core'
import type { HolePuncher, PunchPort } from '../libp2p/hole-puncher.ts'

export interface TcpPuncherComponents {
  upgrader: Upgrader
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  metrics?: Metrics
}

export interface TcpPuncherInit {
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

/** For one public node to tell where it sees the port, ms. */
const OBSERVE_TIMEOUT_MS = 5_000
/** Of one attempt, ms; a SYN that was lost is sent again after a second. */
const ATTEMPT_MS = 2_500
/**
 * A SYN that comes before the other side's own is answered with a reset, by a NAT or by the host behind one that lets everybody in; ms until the next
 * attempt, at random. Two sides that wait equally long reset each other in turns for ever where the way between them is shorter than the pause.
 */
const MAX_AFTER_RESET_MS = 10
/** Resets by somebody who wants nothing of this: from the hundredth on there is so long between two attempts, ms. */
const MAX_QUICK_ATTEMPTS = 100
const SLOW_PAUSE_MS = 100
/** Public nodes that are asked before a punch is given up. */
const MAX_OBSERVERS = 3
const MAX_PUNCHED = 1_024
/** Connections on a port that is listened on for one peer. */
const MAX_TAKEN = 8

export class TcpPuncher implements HolePuncher {
  private readonly components: TcpPuncherComponents
  private readonly clock: Clock
  private readonly random: Random
  /** Ids of connections; the oldest is forgotten at the bound */
  private readonly punched = new Set<string>()
  private readonly expected = new Set<string>()

  constructor (components: TcpPuncherComponents, init: TcpPuncherInit = {}) {
    this.components = components
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    components.events.addEventListener('connection:open', ({ detail }) => {
      if (this.expected.has(keyOf(detail.remoteAddr))) {
        this.punched.add(detail.id)
        if (this.punched.size > MAX_PUNCHED) {
          this.punched.delete(this.punched.values().next().value as string)
        }
      }
    })
  }

  isPunched (connection: Connection): boolean {
    return this.punched.has(connection.id) || this.expected.has(keyOf(connection.remoteAddr))
  }

  async open ({ signal }: Required<AbortOptions>): Promise<PunchPort> {
    const observers = this.observers()
    let failure: unknown = new Error('This peer has no TCP connection to a public node that could tell where it is seen')
    for (const observer of observers.slice(0, MAX_OBSERVERS)) {
      const localPort = await freePort()
      const limit = deadline(this.clock, OBSERVE_TIMEOUT_MS, [signal])
      try {
        const { connection, observed } = await this.observe(observer, localPort, limit.signal)
        const closing = new AbortController()
        return {
          observed: [observed],
          connect: async (peer, addresses, role, options) => await this.punch(localPort, peer, addresses, role, options),
          listen: async (peer, role, options) =>
            await this.listen(localPort, observed, peer, role, { signal: AbortSignal.any([options.signal, closing.signal]) }),
          close: async () => {
            closing.abort(new Error('The punch is over'))
            await connection.close().catch(error => { connection.abort(error as Error) })
          }
        }
      } catch (error) {
        signal.throwIfAborted()
        failure = error
      } finally {
        limit.clear()
      }
    }
    throw failure
  }

  /** Public nodes that this peer dialled over plain TCP. */
  private observers (): Multiaddr[] {
    return this.components.connectionManager.getConnections()
      .filter(({ direction, status }) => direction === 'outbound' && status === 'open')
      .filter(({ remoteAddr }) => /^\/ip[46]\/[^/]+\/tcp\/\d+(\/p2p\/[^/]+)?$/.test(remoteAddr.toString()))
      .map(({ remoteAddr, remotePeer }) => multiaddr(`${keyOf(remoteAddr)}/p2p/${remotePeer.toString()}`))
  }

  /** A connection from the port, and where its other end sees it. */
  private async observe (observer: Multiaddr, localPort: number, signal: AbortSignal): Promise<{ connection: Connection, observed: Multiaddr }> {
    const { events, upgrader } = this.components
    const seen = Promise.withResolvers<Multiaddr>()
    let id: string | undefined
    const early = new Map<string, Multiaddr>()
    const onIdentify = ({ detail }: Libp2pEvents['peer:identify']): void => {
      if (detail.observedAddr !== undefined) {
        early.set(detail.connection.id, detail.observedAddr)
        if (detail.connection.id === id) {
          seen.resolve(detail.observedAddr)
        }
      }
    }
    const onAbort = (): void => { seen.reject(signal.reason) }
    events.addEventListener('peer:identify', onIdentify)
    signal.addEventListener('abort', onAbort, { once: true })
    seen.promise.catch(() => {}) // it may be rejected before anybody waits
    let connection: Connection | undefined
    try {
      connection = await upgrader.upgradeOutbound(await this.socket(observer, localPort, signal), { signal })
      id = connection.id
      const known = early.get(id)
      if (known !== undefined) {
        seen.resolve(known)
      }
      return { connection, observed: await seen.promise }
    } catch (error) {
      connection?.abort(error as Error)
      throw error
    } finally {
      events.removeEventListener('peer:identify', onIdentify)
      signal.removeEventListener('abort', onAbort)
    }
  }

  private async punch (
    localPort: number, peer: PeerId, addresses: Multiaddr[], role: 'initiator' | 'responder', { signal }: Required<AbortOptions>
  ): Promise<Connection> {
    const others = new AbortController()
    const either = AbortSignal.any([signal, others.signal])
    const targets = addresses.map(address => multiaddr(`${keyOf(address)}/p2p/${peer.toString()}`))
    targets.forEach(target => this.expected.add(keyOf(target)))
    try {
      const socket = await Promise.any(targets.map(async target => await this.meet(target, localPort, either)))
      others.abort(new Error('Another address was quicker'))
      return await this.upgrade(socket, peer, role, signal)
    } finally {
      others.abort(new Error('The punch is over'))
      targets.forEach(target => this.expected.delete(keyOf(target)))
    }
  }

  /**
   * Listens on the port, which works beside the connection that stands from it, and not before that. Nobody is sent a reset then whose SYN comes
   * early: two sides behind NATs that let everybody in would reset each other in turns.
   */
  private async listen (
    localPort: number, observed: Multiaddr, peer: PeerId, role: 'initiator' | 'responder', { signal }: Required<AbortOptions>
  ): Promise<{ accepted: Promise<Connection> }> {
    const { logger, metrics } = this.components
    const won = Promise.withResolvers<Connection>()
    const take = async (socket: MultiaddrConnection): Promise<void> => {
      const key = keyOf(socket.remoteAddr)
      this.expected.add(key)
      try {
        const connection = await this.upgrade(socket, peer, role, signal)
        if (!connection.remotePeer.equals(peer)) {
          connection.abort(new Error('Another peer than the one that was to come'))
          return
        }
        won.resolve(connection)
      } finally {
        this.expected.delete(key)
      }
    }
    const transport = tcp({ maxConnections: MAX_TAKEN })({ logger, metrics })
    const listener = transport.createListener({ upgrader: { upgradeInbound: take } as unknown as Upgrader })
    await listener.listen(multiaddr(`${observed.toString().startsWith('/ip6/') ? '/ip6/::' : '/ip4/0.0.0.0'}/tcp/${localPort}`))
    signal.addEventListener('abort', () => { won.reject(signal.reason) }, { once: true })
    // the port alone is closed: `close()` would end the connection that came too
    const stop = (): void => { (listener as unknown as { pause: (forEver: boolean) => void }).pause(true) }
    won.promise.then(stop, stop)
    return { accepted: won.promise }
  }

  /** Connects until it works or the signal fires. */
  private async meet (target: Multiaddr, localPort: number, signal: AbortSignal): Promise<MultiaddrConnection> {
    for (let attempt = 1; ; attempt++) {
      const limit = deadline(this.clock, ATTEMPT_MS, [signal])
      try {
        return await this.socket(target, localPort, limit.signal)
      } catch {
        signal.throwIfAborted()
        await sleep(this.clock, attempt < MAX_QUICK_ATTEMPTS ? MAX_AFTER_RESET_MS * randomFloat(this.random) : SLOW_PAUSE_MS, { signal })
      } finally {
        limit.clear()
      }
    }
  }

  private async upgrade (socket: MultiaddrConnection, peer: PeerId, role: 'initiator' | 'responder', signal: AbortSignal): Promise<Connection> {
    const { upgrader, events } = this.components
    // the muxer takes its side from this
    Object.assign(socket, { direction: role === 'initiator' ? 'outbound' : 'inbound' })
    if (role === 'initiator') {
      return await upgrader.upgradeOutbound(socket, { signal })
    }
    const opened = Promise.withResolvers<Connection>()
    const onOpen = ({ detail }: CustomEvent<Connection>): void => {
      if (detail.remotePeer.equals(peer) && keyOf(detail.remoteAddr) === keyOf(socket.remoteAddr)) {
        opened.resolve(detail)
      }
    }
    events.addEventListener('connection:open', onOpen)
    signal.addEventListener('abort', () => { opened.reject(signal.reason) }, { once: true })
    opened.promise.catch(() => {})
    try {
      await upgrader.upgradeInbound(socket, { signal })
      return await opened.promise
    } finally {
      events.removeEventListener('connection:open', onOpen)
    }
  }

  /** A connected socket as libp2p's own transport makes it, not upgraded. */
  private async socket (target: Multiaddr, localPort: number, signal: AbortSignal): Promise<MultiaddrConnection> {
    const made = Promise.withResolvers<MultiaddrConnection>()
    const { logger, metrics } = this.components
    const transport = tcp()({ logger, metrics })
    const upgrader = {
      upgradeOutbound: async (socket: MultiaddrConnection) => {
        made.resolve(socket)
        return undefined
      }
    }
    await transport.dial(target, { signal, localPort, upgrader } as unknown as Parameters<typeof transport.dial>[1])
    return await made.promise
  }
}

/** Address and port alone. */
function keyOf (address: Multiaddr): string {
  return address.toString().split('/').slice(0, 5).join('/')
}

/** A port that nobody listens on: one that does would take the other side's SYN. */
async function freePort (): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, () => {
      const address = server.address()
      server.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : 0) })
    })
  })
}
