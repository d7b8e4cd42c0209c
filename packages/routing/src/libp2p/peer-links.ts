/**
 * Requests to other peers: one outbound stream a peer, opened when it is first needed, shared by all requests under way and closed
 * when it has been idle. A peer that cannot be reached rests for a while, so that lookups do not dial it again each time.
 */
import { BoundedMap, deadline } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { RoutingMessage } from '../pb/routing.ts'
import { encodeFrame, FrameReader, RoutingProtocolError } from './frame.ts'
import type { RoutingCounters } from './counters.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { PeerKey } from '../lookup.ts'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Clock } from '@skein/core'

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
  /** Most requests under way on one stream */
  maxUnderWay: number
  /** Most requests that wait for one stream */
  maxWaiting: number
  /** Most streams; the one that was idle longest is closed for a further one */
  maxLinks: number
  /** The peer does not speak the protocol */
  onUnsupported: (peer: KnownPeer) => void
}

export type OnAnswer = (answer: RoutingMessage | RoutingRequestError) => void

interface Request {
  body: Uint8Array
  onAnswer: OnAnswer
  deadlineMs: number
}

interface Link {
  peer: KnownPeer
  stream: Stream | undefined
  underWay: Map<number, Request>
  waiting: Request[]
  nextId: number
  usedMs: number
  closed: boolean
}

interface Rest {
  untilMs: number
  failures: number
}

const FIRST_REST_MS = 5000
const LONGEST_REST_MS = 60_000
const MAX_RESTS = 4096
const ANSWER_LIMITS = { found: { offers: 128, closer: 128 }, stored: { results: 4096 } }

export class PeerLinks {
  private readonly init: PeerLinksInit
  private readonly links = new Map<PeerKey, Link>()
  private readonly rests = new BoundedMap<PeerKey, Rest>({ maxSize: MAX_RESTS })
  private readonly shutdown = new AbortController()

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
    this.rests.delete(peer)
  }

  /** Nothing can be said of who is reachable: what was learned while being offline is forgotten. */
  wakeAll (): void {
    this.rests.clear()
  }

  /** Sends a message without its id; the answer or the failure is told once, perhaps before this returns. */
  request (peer: KnownPeer, body: Uint8Array, onAnswer: OnAnswer): void {
    const { clock, counters, maxUnderWay, maxWaiting, requestTimeoutMs } = this.init
    const nowMs = clock.nowMs()
    counters.requests_total++
    let link = this.links.get(peer.peer)
    if (link === undefined) {
      if (this.shutdown.signal.aborted) {
        this.refuse(onAnswer, 'closed', 'Stopped')
        return
      }
      if (this.isResting(peer.peer) && this.init.connectionManager.getConnections(peer.peerId).length === 0) {
        this.refuse(onAnswer, 'resting', 'The peer could not be reached a short while ago')
        return
      }
      if (this.links.size >= this.init.maxLinks && !this.closeIdlest()) {
        this.refuse(onAnswer, 'busy', 'Too many peers are being asked at once')
        return
      }
      link = { peer, stream: undefined, underWay: new Map(), waiting: [], nextId: 1, usedMs: nowMs, closed: false }
      this.links.set(peer.peer, link)
      void this.open(link)
    }
    const request = { body, onAnswer, deadlineMs: nowMs + requestTimeoutMs }
    if (link.stream !== undefined && link.underWay.size < maxUnderWay) {
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
      } else if (link.underWay.size + link.waiting.length === 0 && nowMs - link.usedMs >= this.init.idleMs) {
        this.close(link)
      }
    }
  }

  stop (): void {
    this.shutdown.abort()
    for (const link of this.links.values()) {
      this.drop(link, new RoutingRequestError('closed', 'Stopped'), false)
    }
  }

  private async open (link: Link): Promise<void> {
    const limit = deadline(this.init.clock, this.init.openTimeoutMs, [this.shutdown.signal])
    try {
      const connection = this.connectionTo(link.peer) ?? await this.dial(link.peer, limit.signal)
      const stream = await connection.newStream(PROTOCOLS.routing, { signal: limit.signal, runOnLimitedConnection: true })
      if (link.closed) {
        stream.abort(new RoutingRequestError('closed', 'No longer needed'))
        return
      }
      this.init.counters.streams_opened_total++
      this.attach(link, stream)
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
    return open.find(connection => connection.limits === undefined) ?? open[0]
  }

  private async dial (peer: KnownPeer, signal: AbortSignal): Promise<Connection> {
    this.init.counters.dials_total++
    const targets = peer.dialTargets()
    // addresses that others told go into the peer store only when they have worked: the dial queue sees to that
    return await this.init.connectionManager.openConnection(targets.length > 0 ? targets : peer.peerId, { signal })
  }

  private attach (link: Link, stream: Stream): void {
    const reader = new FrameReader()
    link.stream = stream
    stream.addEventListener('message', (event: StreamMessageEvent) => {
      try {
        for (const frame of reader.read(event.data.subarray())) {
          this.receive(link, frame)
        }
      } catch (error) {
        this.init.counters.protocol_errors_total++
        this.drop(link, new RoutingRequestError('protocol', 'The peer broke the protocol', { cause: error }), true)
      }
    })
    const onEnd = (): void => { this.drop(link, new RoutingRequestError('closed', 'The stream was closed'), false) }
    stream.addEventListener('remoteCloseWrite', onEnd)
    stream.addEventListener('close', onEnd)
    if (stream.status !== 'open') {
      onEnd()
      return
    }
    this.fill(link, stream)
  }

  private receive (link: Link, frame: Uint8Array): void {
    let answer: RoutingMessage
    try {
      answer = RoutingMessage.decode(frame, { limits: ANSWER_LIMITS })
    } catch (cause) {
      throw new RoutingProtocolError('malformed', 'Not a message', { cause })
    }
    const request = link.underWay.get(answer.id)
    if (request === undefined) {
      throw new RoutingProtocolError('malformed', 'An answer to a request that was not made')
    }
    link.underWay.delete(answer.id)
    link.usedMs = this.init.clock.nowMs()
    this.rests.delete(link.peer.peer)
    if (link.stream !== undefined) {
      this.fill(link, link.stream)
    }
    if (answer.retryAfterMs > 0) {
      this.refuse(request.onAnswer, 'refused_for_load', 'The peer is busy', answer.retryAfterMs)
    } else {
      request.onAnswer(answer)
    }
  }

  private fill (link: Link, stream: Stream): void {
    while (!link.closed && link.underWay.size < this.init.maxUnderWay) {
      const request = link.waiting.shift()
      if (request === undefined) {
        return
      }
      this.send(link, stream, request)
    }
  }

  private send (link: Link, stream: Stream, request: Request): void {
    const id = link.nextId
    link.nextId = id === 0xffffffff ? 1 : id + 1
    link.underWay.set(id, request)
    link.usedMs = this.init.clock.nowMs()
    try {
      stream.send(encodeFrame(idField(id), request.body))
    } catch (cause) {
      this.drop(link, new RoutingRequestError('closed', 'The stream was closed', { cause }), false)
    }
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
      this.rests.set(link.peer.peer, { failures, untilMs: this.init.clock.nowMs() + restMs })
    }
    link.stream?.abort(error)
    const requests = [...link.underWay.values(), ...link.waiting]
    link.underWay.clear()
    link.waiting = []
    for (const request of requests) {
      this.init.counters.request_failures_total++
      request.onAnswer(error)
    }
  }

  private close (link: Link): void {
    link.closed = true
    this.links.delete(link.peer.peer)
    link.stream?.close().catch(error => { link.stream?.abort(error as Error) })
  }

  private closeIdlest (): boolean {
    let idlest: Link | undefined
    for (const link of this.links.values()) {
      if (link.underWay.size + link.waiting.length === 0 && (idlest === undefined || link.usedMs < idlest.usedMs)) {
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

/** The id as a protobuf field. Fields may come in any order and in pieces, so a body is encoded once and sent to many with an id before it. */
export function idField (id: number): Uint8Array {
  const bytes = [0x08]
  for (let rest = id; ; rest = Math.floor(rest / 128)) {
    if (rest < 0x80) {
      bytes.push(rest)
      return Uint8Array.from(bytes)
    }
    bytes.push((rest % 128) | 0x80)
  }
}
