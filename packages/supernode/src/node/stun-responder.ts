/** A STUN server over UDP (RFC 8489), with RFC 5780's second port and address where they are given: tells peers how the internet sees them. */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { BoundedMap, TokenBucket } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { networkOf } from '@skein/records'
import { answerStun } from '../stun-answer.ts'
import type { RemoteInfo, Socket } from 'node:dgram'
import type { Clock } from '@skein/core'
import type { StunOrigin, StunOrigins } from '../stun-answer.ts'
import type { StunAddress } from '../stun-message.ts'

export interface StunResponderInit {
  /**
   * Address to listen at; one of IPv6 makes it a server of IPv6. For both there are two of these.
   *
   * @default '0.0.0.0'
   */
  host?: string
  /**
   * UDP port; 0 for a free one.
   *
   * @default 3478
   */
  port?: number
  /** A second port (0: a free one), with which a client can find out how its router filters. Needs an address that is not `0.0.0.0` or `::` */
  alternatePort?: number
  /** A second address of this machine, which needs `alternatePort` too: with it clients find out all of RFC 5780 from one server */
  alternateHost?: string
  /** How others see `host` and `alternateHost`, where a router translates them */
  announce?: { host?: string, alternateHost?: string }
  /**
   * Answers to one /24 (IPv6: /48), on average in a second, and at once.
   *
   * @default 10, 50
   */
  limit?: { ratePerSecond: number, burst: number }
  /**
   * Answers over all, on average in a second and at once: what forged sources can make of this server.
   *
   * @default 1_000
   */
  maxPerSecond?: number
  /** @default systemClock() */
  clock?: Clock
}

/** Counted since the start. */
export interface StunCounters {
  answered_total: number
  answered_bytes_total: number
  received_bytes_total: number
  /** What was no question of STUN */
  ignored_total: number
  /** Beyond the limit of a network, or of all */
  limited_total: number
  /** Answers that the system did not send */
  failed_total: number
}

/** A port or an address could not be had: another program listens there, or it is not one of this machine. */
export class StunListenError extends Error {
  static override name = 'StunListenError'
  override readonly name = 'StunListenError'
  readonly host: string
  readonly port: number

  constructor (host: string, port: number, options: ErrorOptions) {
    super(`UDP port ${port} of ${host} cannot be listened at: choose another, or stop what listens there`, options)
    this.host = host
    this.port = port
  }
}

const DEFAULT_PORT = 3478
const MAX_NETWORKS = 16_384

const PLACES = ['own', 'otherPort', 'otherHost', 'otherBoth'] as const satisfies readonly StunOrigin[]

interface Listening {
  socket: Socket
  /** As others see it */
  at: StunAddress
}

type Places = Partial<Record<StunOrigin, Listening>>

export class StunResponder {
  readonly counters: StunCounters = {
    answered_total: 0, answered_bytes_total: 0, received_bytes_total: 0, ignored_total: 0, limited_total: 0, failed_total: 0
  }

  private readonly clock: Clock
  private readonly limit: { ratePerSecond: number, burst: number }
  private readonly all: TokenBucket
  private readonly networks = new BoundedMap<string, TokenBucket>({ maxSize: MAX_NETWORKS })
  private readonly sockets: Socket[] = []
  private readonly places: Places = {}

  private constructor (init: StunResponderInit) {
    this.clock = init.clock ?? systemClock()
    this.limit = init.limit ?? { ratePerSecond: 10, burst: 50 }
    const maxPerSecond = init.maxPerSecond ?? 1_000
    this.all = new TokenBucket({ ratePerSecond: maxPerSecond, burst: maxPerSecond }, this.clock.nowMs())
  }

  /**
   * @throws {StunListenError} when a port or an address cannot be had
   * @throws {RangeError} for a second port or address without what it needs
   */
  static async start (init: StunResponderInit = {}): Promise<StunResponder> {
    const host = init.host ?? '0.0.0.0'
    if (init.alternateHost !== undefined && (init.alternatePort === undefined || isIPv6(host) !== isIPv6(init.alternateHost))) {
      throw new RangeError('A second address needs a second port, and is of the same family as the first one')
    }
    if (init.alternatePort !== undefined && (host === '0.0.0.0' || host === '::')) {
      throw new RangeError('With a second port the address to listen at must be named: answers tell it')
    }
    const responder = new StunResponder(init)
    try {
      await responder.listen(host, init)
      return responder
    } catch (error) {
      await responder.stop()
      throw error
    }
  }

  /** Where it listens, as others see it; the host is `0.0.0.0` or `::` when it listens at all of them. */
  get address (): StunAddress {
    return (this.places.own as Listening).at
  }

  async stop (): Promise<void> {
    await Promise.all(this.sockets.splice(0).map(async socket => { await new Promise<void>(resolve => { socket.close(() => { resolve() }) }) }))
  }

  private async listen (host: string, { port, alternatePort, alternateHost, announce }: StunResponderInit): Promise<void> {
    const own = await this.bind(host, port ?? DEFAULT_PORT, announce?.host)
    this.places.own = own
    if (alternatePort !== undefined) {
      this.places.otherPort = await this.bind(host, alternatePort, announce?.host)
    }
    if (alternateHost !== undefined) {
      this.places.otherHost = await this.bind(alternateHost, own.at.port, announce?.alternateHost)
      this.places.otherBoth = await this.bind(alternateHost, (this.places.otherPort as Listening).at.port, announce?.alternateHost)
    }
    for (const place of PLACES) {
      const seenFromThere = placesFrom(place, this.places)
      this.places[place]?.socket.on('message', (bytes, source) => { this.onDatagram(bytes, source, seenFromThere) })
    }
  }

  private async bind (host: string, port: number, seenAs: string | undefined): Promise<Listening> {
    const family = isIPv6(host) ? 'IPv6' : 'IPv4'
    const socket = createSocket({ type: family === 'IPv6' ? 'udp6' : 'udp4', ipv6Only: family === 'IPv6' })
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.bind(port, host, resolve)
      })
    } catch (cause) {
      socket.close()
      throw new StunListenError(host, port, { cause })
    }
    socket.removeAllListeners('error')
    // such as that a client has gone, which the system tells of an earlier answer
    socket.on('error', () => { this.counters.failed_total++ })
    this.sockets.push(socket)
    return { socket, at: { family, host: seenAs ?? host, port: socket.address().port } }
  }

  private onDatagram (bytes: Uint8Array, source: RemoteInfo, places: Places): void {
    this.counters.received_bytes_total += bytes.length
    const origins: StunOrigins = Object.fromEntries(PLACES.map(place => [place, places[place]?.at]))
    const answer = source.port === 0
      ? undefined
      : answerStun(bytes, { family: source.family, host: source.address, port: source.port }, origins)
    if (answer === undefined) {
      this.counters.ignored_total++
    } else if (this.admits(source)) {
      this.send(answer.bytes, source, (places[answer.from] as Listening).socket)
    } else {
      this.counters.limited_total++
    }
  }

  private send (bytes: Uint8Array, { port, address }: RemoteInfo, socket: Socket): void {
    socket.send(bytes, port, address, error => {
      if (error !== null) {
        this.counters.failed_total++
        return
      }
      this.counters.answered_total++
      this.counters.answered_bytes_total += bytes.length
    })
  }

  private admits ({ family, address }: RemoteInfo): boolean {
    const nowMs = this.clock.nowMs()
    const network = networkOf(`/${family === 'IPv6' ? 'ip6' : 'ip4'}/${address.replace(/%.*$/, '')}`) ?? address
    const bucket = this.networks.touch(network) ?? new TokenBucket(this.limit, nowMs)
    this.networks.set(network, bucket)
    return bucket.waitMs(1, nowMs) === 0 && this.all.take(1, nowMs) && bucket.take(1, nowMs)
  }
}

/** The places as one of them sees them: what is the other port for the first is the first one's for that. */
function placesFrom (place: StunOrigin, { own, otherPort, otherHost, otherBoth }: Places): Places {
  switch (place) {
    case 'own': return { own, otherPort, otherHost, otherBoth }
    case 'otherPort': return { own: otherPort, otherPort: own, otherHost: otherBoth, otherBoth: otherHost }
    case 'otherHost': return { own: otherHost, otherPort: otherBoth, otherHost: own, otherBoth: otherPort }
    case 'otherBoth': return { own: otherBoth, otherPort: otherHost, otherHost: otherPort, otherBoth: own }
  }
}
