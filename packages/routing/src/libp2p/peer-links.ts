/**
 * Requests to other peers: one stream a peer, opened when it is first needed unless the peer has opened one, shared by all requests under way and
 * closed when it has been idle. A peer that cannot be reached rests for a while, so that lookups do not dial it again each time.
 */
import { BoundedMap, deadline } from '@skein/core'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { RoutingProtocolError } from './frame.ts'
import type { RoutingCounters } from './counters.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { RoutingStream } from './routing-stream.ts'
import type { RoutingMessage } from '../pb/routing.ts'
import type { PeerKey } from '../contact.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Cancel, Clock } from '@skein/core'

/** A request came to nothing: the peer could not be reached, did not answer in time, or refused for load. */
export class RoutingRequestError extends Error {
  static override name = 'RoutingRequestError'
  override readonly name = 'RoutingRequestError'
  readonly reason: 'unreachable' | 'resting' | 'timeout' | 'closed' | 'busy' | 'refused_for_load' | 'protocol'
  /** When the peer wants to be asked again, if it said so */
  readonly retryAfterMs: number | undefined

  constructor (reason: RoutingRequestError['reason'], message: string, options: { retryAfterMs?: number, cause?: unknown } = {}) {
    super(message, options)
    this.reason = reason
    this.retryAfterMs = options.retryAfterMs
  }
}

export interface PeerLinksInit {
  clock: Clock
  connectionManager: ConnectionManager
  counters: RoutingCounters
  /** Time for an answer, from when the request was made */
  requestTimeoutMs: number
  /** Time to dial and open a stream */
  openTimeoutMs: number
  /** A stream without requests for this long is closed */
  idleMs: number
  /** Beyond the first few, a further dial is begun this long after the one before, or when one is done */
  dialStaggerMs: number
  /** Most requests under way on one stream */
  maxUnderWay: number
  /** Most requests that wait for one stream */
  maxWaiting: number
  /** Most streams; the one that was idle longest is closed for a further one */
  maxLinks: number
  /** Makes the stream one of the protocol */
  wrap: (stream: Stream, connection: Connection, peer: KnownPeer) => RoutingStream
  /** The peer does not speak the protocol */
  onUnsupported: (peer: KnownPeer) => void
}

export type OnAnswer = (answer: RoutingMessage | RoutingRequestError) => void

interface Request {
  body: Uint8Array
  onAnswer: OnAnswer
  deadlineMs: number
  /** The stream it was sent on was closed, and it was sent again */
  again: boolean
  /** Whether anybody still waits for the answer: what nobody waits for is not worth a dial */
  isWanted: () => boolean
}

interface Link {
  peer: KnownPeer
  stream: RoutingStream | undefined
  underWay: Map<number, Request>
  waiting: Request[]
  nextId: number
  closed: boolean
}

/** A link whose peer is to be dialled. */
interface Turn {
  link: Link
  /** Told whether to go on */
  begin: (go: boolean) => void
}

interface Rest {
  untilMs: number
  failures: number
  /** It lied: it rests though it is connected */
  distrusted: boolean
}

const FIRST_REST_MS = 5000
const LONGEST_REST_MS = 60_000
const DISTRUST_MS = 60_000
const MAX_RESTS = 4096
/** Dials that need not wait: enough that one dead peer holds nobody up. A handshake costs several ms of CPU at both ends. */
const EAGER_DIALS = 2
const MAX_DIALS = 32

export class PeerLinks {
  private readonly init: PeerLinksInit
  private readonly links = new Map<PeerKey, Link>()
  private readonly rests = new BoundedMap<PeerKey, Rest>({ maxSize: MAX_RESTS })
  private readonly shutdown = new AbortController()
  /** At most one for each link */
  private readonly turns: Turn[] = []
  private dialing = 0
  private nextDialMs = 0
  private cancelDial: Cancel | undefined

  constructor (init: PeerLinksInit) {
    this.init = init
  }

  get size (): number {
    return this.links.size
  }

  /** Whether the peer could not be reached a short while ago. */
  isResting (peer: PeerKey): boolean {
    const rest = this.rests.get(peer)
    return rest !== undefined && rest.untilMs > this.init.clock.nowMs()
  }

  /** The peer shows that it is there. */
  wake (peer: PeerKey): void {
    if (this.rests.get(peer)?.distrusted !== true) {
      this.rests.delete(peer)
    }
  }

  /** This peer was offline: what it learned of others meanwhile says nothing. */
  wakeAll (): void {
    for (const peer of [...this.rests.keys()]) {
      this.wake(peer)
    }
  }

  /** The peer gave something that no honest peer gives: it is not asked for a while. */
  distrust (peer: KnownPeer): void {
    const link = this.links.get(peer.peer)
    if (link !== undefined) {
      this.drop(link, new RoutingRequestError('protocol', 'The peer is not believed'), false)
    }
    this.rests.set(peer.peer, { untilMs: this.init.clock.nowMs() + DISTRUST_MS, failures: 1, distrusted: true })
  }

  /** Sends a message without its id; the answer or the failure is told once, perhaps before this returns. */
  request (peer: KnownPeer, body: Uint8Array, onAnswer: OnAnswer, isWanted: () => boolean = () => true): void {
    this.init.counters.requests_total++
    this.place(peer, { body, onAnswer, deadlineMs: this.init.clock.nowMs() + this.init.requestTimeoutMs, again: false, isWanted })
  }

  /** A stream that the peer opened serves for requests to it as well, when there is none yet. */
  adopt (stream: RoutingStream): void {
    const { peer } = stream
    this.wake(peer.peer)
    const link = this.links.get(peer.peer)
    if (link !== undefined && link.stream === undefined) {
      link.stream = stream
      this.fill(link, stream)
    } else if (link === undefined && this.links.size < this.init.maxLinks) {
      this.links.set(peer.peer, { peer, stream, underWay: new Map(), waiting: [], nextId: 1, closed: false })
    }
  }

  /** @throws {RoutingProtocolError} when nothing was asked that this answers */
  onAnswer (stream: RoutingStream, answer: RoutingMessage): void {
    const link = this.links.get(stream.peer.peer)
    const request = link?.stream === stream ? link.underWay.get(answer.id) : undefined
    if (link === undefined || request === undefined) {
      throw new RoutingProtocolError('malformed', 'An answer to a request that was not made')
    }
    link.underWay.delete(answer.id)
    stream.usedMs = this.init.clock.nowMs()
    this.wake(link.peer.peer)
    this.fill(link, stream)
    if (answer.retryAfterMs > 0) {
      this.refuse(request.onAnswer, 'refused_for_load', 'The peer is busy', answer.retryAfterMs)
    } else {
      request.onAnswer(answer)
    }
  }

  /** A stream has ended. */
  onEnd (stream: RoutingStream, error: RoutingProtocolError | undefined): void {
    const link = this.links.get(stream.peer.peer)
    if (link?.stream === stream) {
      const reason = error === undefined ? 'closed' : 'protocol'
      this.drop(link, new RoutingRequestError(reason, 'The stream was closed', { cause: error }), error !== undefined)
    }
  }

  private place (peer: KnownPeer, request: Request): void {
    const { onAnswer } = request
    const { maxUnderWay, maxWaiting } = this.init
    let link = this.links.get(peer.peer)
    if (link === undefined) {
      if (this.shutdown.signal.aborted) {
        this.refuse(onAnswer, 'closed', 'Stopped')
        return
      }
      if (this.isResting(peer.peer) && (this.rests.get(peer.peer)?.distrusted === true || this.connectionTo(peer) === undefined)) {
        this.refuse(onAnswer, 'resting', 'The peer could not be reached, or was not to be believed, a short while ago')
        return
      }
      if (this.links.size >= this.init.maxLinks && !this.closeIdlest()) {
        this.refuse(onAnswer, 'busy', 'Too many peers are being asked at once')
        return
      }
      link = { peer, stream: undefined, underWay: new Map(), waiting: [request], nextId: 1, closed: false }
      this.links.set(peer.peer, link)
      void this.open(link)
    } else if (link.stream !== undefined && link.underWay.size < maxUnderWay) {
      this.send(link, link.stream, request)
    } else if (link.waiting.length < maxWaiting) {
      link.waiting.push(request)
    } else {
      this.refuse(onAnswer, 'busy', 'Too many requests wait for this peer')
    }
  }

  /** Fails what is overdue and closes what is idle. Call about once a second. */
  sweep (nowMs: number): void {
    for (const link of this.links.values()) {
      let overdue = link.waiting[0] !== undefined && link.waiting[0].deadlineMs <= nowMs
      for (const request of link.underWay.values()) {
        overdue ||= request.deadlineMs <= nowMs
        break
      }
      if (overdue) {
        this.drop(link, new RoutingRequestError('timeout', 'No answer in time'), true)
      } else if (link.stream?.isInbound === false && isIdle(link) && nowMs - link.stream.usedMs >= this.init.idleMs) {
        // the one that opened it closes it
        this.close(link)
      }
    }
  }

  stop (): void {
    this.shutdown.abort()
    this.cancelDial?.()
    for (const link of this.links.values()) {
      this.drop(link, new RoutingRequestError('closed', 'Stopped'), false)
    }
    for (const { begin } of this.turns.splice(0)) {
      begin(false)
    }
  }

  private async open (link: Link): Promise<void> {
    const limit = deadline(this.init.clock, this.init.openTimeoutMs, [this.shutdown.signal])
    try {
      const connection = this.connectionTo(link.peer) ?? await this.dialInTurn(link, limit.signal)
      if (connection === undefined) {
        return
      }
      const stream = await connection.newStream(PROTOCOLS.routing, { signal: limit.signal, runOnLimitedConnection: true })
      if (link.closed || link.stream !== undefined) {
        stream.abort(new RoutingRequestError('closed', 'No longer needed'))
        return
      }
      this.init.counters.streams_opened_total++
      link.stream = this.init.wrap(stream, connection, link.peer)
      this.fill(link, link.stream)
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
        this.init.onUnsupported(link.peer)
      }
      this.drop(link, new RoutingRequestError('unreachable', 'The peer could not be reached', { cause: error }), true)
    } finally {
      limit.clear()
    }
  }

  private connectionTo (peer: KnownPeer): Connection | undefined {
    const open = this.init.connectionManager.getConnections(peer.peerId).filter(connection => connection.status === 'open')
    // one without limits rather than one through a relay
    return open.find(connection => !isRelayed(connection)) ?? open[0]
  }

  /** `undefined` when the link is no longer wanted, or has got a stream from the other side. */
  private async dialInTurn (link: Link, signal: AbortSignal): Promise<Connection | undefined> {
    const go = await new Promise<boolean>(resolve => {
      this.turns.push({ link, begin: resolve })
      this.beginDials()
    })
    if (!go) {
      return undefined
    }
    try {
      return await this.dial(link.peer, signal)
    } finally {
      this.dialing--
      this.beginDials()
    }
  }

  private beginDials (): void {
    this.cancelDial?.()
    this.cancelDial = undefined
    const nowMs = this.init.clock.nowMs()
    while (this.turns.length > 0 && this.dialing < MAX_DIALS) {
      const { link, begin } = this.turns[0] as Turn
      const isWanted = !link.closed && link.stream === undefined && link.waiting.some(request => request.isWanted())
      if (isWanted && this.dialing >= EAGER_DIALS && nowMs < this.nextDialMs) {
        this.cancelDial = this.init.clock.schedule(this.nextDialMs, () => { this.beginDials() })
        return
      }
      this.turns.shift()
      if (isWanted) {
        this.dialing++
        this.nextDialMs = nowMs + this.init.dialStaggerMs
      } else if (link.stream === undefined) {
        this.drop(link, new RoutingRequestError('closed', 'No longer needed'), false)
      }
      begin(isWanted)
    }
  }

  private async dial (peer: KnownPeer, signal: AbortSignal): Promise<Connection> {
    this.init.counters.dials_total++
    const targets = peer.dialTargets()
    // addresses that others told go into the peer store only when they have worked: the dial queue sees to that
    return await this.init.connectionManager.openConnection(targets.length > 0 ? targets : peer.peerId, { signal })
  }

  private fill (link: Link, stream: RoutingStream): void {
    while (!link.closed && link.underWay.size < this.init.maxUnderWay) {
      const request = link.waiting.shift()
      if (request === undefined) {
        return
      }
      this.send(link, stream, request)
    }
  }

  private send (link: Link, stream: RoutingStream, request: Request): void {
    const id = link.nextId
    link.nextId = id === 0xffffffff ? 1 : id + 1
    link.underWay.set(id, request)
    stream.usedMs = this.init.clock.nowMs()
    // when it fails, `onEnd` has been told
    stream.send(id, request.body)
  }

  private drop (link: Link, error: RoutingRequestError, rest: boolean): void {
    if (link.closed) {
      return
    }
    link.closed = true
    this.links.delete(link.peer.peer)
    if (rest && !this.shutdown.signal.aborted) {
      const failures = (this.rests.get(link.peer.peer)?.failures ?? 0) + 1
      const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (failures - 1))
      this.rests.set(link.peer.peer, { failures, untilMs: this.init.clock.nowMs() + restMs, distrusted: false })
    }
    link.stream?.abort(error)
    const requests = [...link.underWay.values(), ...link.waiting]
    link.underWay.clear()
    link.waiting = []
    for (const request of requests) {
      if (error.reason === 'closed' && link.stream !== undefined && !request.again && !this.shutdown.signal.aborted) {
        // the other side may have closed an idle stream just as this was sent; asking and storing twice does no harm
        request.again = true
        this.place(link.peer, request)
      } else {
        this.init.counters.request_failures_total++
        request.onAnswer(error)
      }
    }
  }

  private close (link: Link): void {
    link.closed = true
    this.links.delete(link.peer.peer)
    link.stream?.close()
  }

  private closeIdlest (): boolean {
    let idlest: Link | undefined
    for (const link of this.links.values()) {
      if (isIdle(link) && link.stream !== undefined && link.stream.usedMs < (idlest?.stream?.usedMs ?? Infinity)) {
        idlest = link
      }
    }
    if (idlest !== undefined) {
      this.close(idlest)
    }
    return idlest !== undefined
  }

  private refuse (onAnswer: OnAnswer, reason: RoutingRequestError['reason'], message: string, retryAfterMs?: number): void {
    this.init.counters.request_failures_total++
    onAnswer(new RoutingRequestError(reason, message, { retryAfterMs }))
  }
}

function isIdle (link: Link): boolean {
  return link.underWay.size + link.waiting.length === 0
}
