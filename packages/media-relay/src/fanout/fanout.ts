/**
 * Hands what is published to those who play it. Each player has a queue of its own, whose oldest packets go when it is full: who reads too slowly
 * loses packets, and slows nobody. A publisher that has gone silent gives way to a new one of the same id; one that sends does not.
 */
import { PlayerSession } from './player-session.ts'
import { Publication } from './publication.ts'
import type { Machine } from '@skein/core'

export interface FanoutInit {
  /** A publisher without a packet of media for so long may be taken over, ms @default 3_000 */
  staleAfterMs?: number
  /** Packets that wait for one player whose connection takes no more @default 2_048, 2.7 s of 8 Mbit/s */
  maxQueuePackets?: number
  /** The same in bytes @default 4_194_304 */
  maxQueueBytes?: number
  /** Publishers at once @default 100 */
  maxPublishers?: number
  /** Players at once @default 500 */
  maxPlayers?: number
  /** Players of one publisher at once @default 100 */
  maxPlayersPerPublisher?: number
}

export interface FanoutWire {
  /**
   * Gives a packet to a player's connection, at once. The bytes are shared with other players, and must not be changed.
   *
   * @returns whether it was taken; when not, `onWritable` tells when one is again
   */
  toPlayer: (session: PlayerSession, packet: Uint8Array) => boolean
}

/** `limit`: whoever pays for what is carried gives no more. */
export type CloseReason = 'taken-over' | 'in-use' | 'too-many' | 'revoked' | 'limit'

export type FanoutEffect =
  | { type: 'close-publisher', publication: Publication, reason: CloseReason }
  | { type: 'close-player', session: PlayerSession, reason: CloseReason }
  | { type: 'publisher-stale', publication: Publication }
  | { type: 'publisher-back', publication: Publication }

/** Since the start; what came from a publisher that was taken over is in none. */
export interface FanoutCounters {
  publishers: number
  players: number
  receivedPackets: number
  receivedBytes: number
  /** Taken by connections of players */
  sentPackets: number
  sentBytes: number
  /** Left out for players whose queue was full */
  droppedPackets: number
  droppedBytes: number
}

/** How often silent publishers are looked for. */
const SWEEP_MS = 500

export class Fanout implements Machine<FanoutEffect> {
  readonly staleAfterMs: number
  readonly counters: FanoutCounters = {
    publishers: 0, players: 0, receivedPackets: 0, receivedBytes: 0, sentPackets: 0, sentBytes: 0, droppedPackets: 0, droppedBytes: 0
  }

  private readonly limits: Required<Omit<FanoutInit, 'staleAfterMs'>>
  private readonly wire: FanoutWire
  /** The one that counts, by publisher id. Bounded by `maxPublishers` */
  private readonly publications = new Map<string, Publication>()
  /** By publisher id; bounded by `maxPlayers` */
  private readonly sessions = new Map<string, Set<PlayerSession>>()
  private players = 0
  private readonly effects: FanoutEffect[] = []
  private sweepAtMs: number | undefined

  constructor (init: FanoutInit, wire: FanoutWire) {
    this.staleAfterMs = init.staleAfterMs ?? 3_000
    this.limits = {
      maxQueuePackets: init.maxQueuePackets ?? 2_048,
      maxQueueBytes: init.maxQueueBytes ?? 4 * 1024 * 1024,
      maxPublishers: init.maxPublishers ?? 100,
      maxPlayers: init.maxPlayers ?? 500,
      maxPlayersPerPublisher: init.maxPlayersPerPublisher ?? 100
    }
    this.wire = wire
  }

  get publisherCount (): number {
    return this.publications.size
  }

  get playerCount (): number {
    return this.players
  }

  /** Those that count now, one for each publisher id. */
  get current (): IterableIterator<Publication> {
    return this.publications.values()
  }

  /** Who publishes under that id now. */
  publicationOf (publisher: string): Publication | undefined {
    return this.publications.get(publisher)
  }

  sessionsOf (publisher: string): PlayerSession[] {
    return [...this.sessions.get(publisher) ?? []]
  }

  /** Whether a publisher of that id would be let in now. */
  publisherVerdict (publisher: string, nowMs: number): 'free' | 'in-use' | 'too-many' {
    const current = this.publications.get(publisher)
    if (current !== undefined) {
      return nowMs - current.lastPacketMs >= this.staleAfterMs ? 'free' : 'in-use'
    }
    return this.publications.size >= this.limits.maxPublishers ? 'too-many' : 'free'
  }

  playerVerdict (publisher: string): 'free' | 'too-many' {
    const ofPublisher = this.sessions.get(publisher)?.size ?? 0
    return this.players >= this.limits.maxPlayers || ofPublisher >= this.limits.maxPlayersPerPublisher ? 'too-many' : 'free'
  }

  /** A publisher is connected. One that is not let in, as another came in while it shook hands, is told to close. */
  onPublisher (publisher: string, nowMs: number): Publication {
    const publication = new Publication(publisher, nowMs)
    const verdict = this.publisherVerdict(publisher, nowMs)
    if (verdict !== 'free') {
      this.effects.push({ type: 'close-publisher', publication, reason: verdict })
      return publication
    }
    const current = this.publications.get(publisher)
    if (current !== undefined) {
      this.effects.push({ type: 'close-publisher', publication: current, reason: 'taken-over' })
    }
    this.publications.set(publisher, publication)
    this.counters.publishers++
    this.sweepAtMs ??= nowMs + SWEEP_MS
    return publication
  }

  onPublisherClosed (publication: Publication): void {
    if (this.publications.get(publication.publisher) === publication) {
      this.publications.delete(publication.publisher)
    }
  }

  /** A player is connected; it gets what is published from now on. */
  onPlayer (player: string, publisher: string, nowMs: number): PlayerSession {
    const queue = { maxPackets: this.limits.maxQueuePackets, maxBytes: this.limits.maxQueueBytes }
    const session = new PlayerSession(player, publisher, queue, nowMs)
    if (this.playerVerdict(publisher) !== 'free') {
      this.effects.push({ type: 'close-player', session, reason: 'too-many' })
      return session
    }
    const sessions = this.sessions.get(publisher) ?? new Set()
    this.sessions.set(publisher, sessions.add(session))
    this.players++
    this.counters.players++
    return session
  }

  onPlayerClosed (session: PlayerSession): void {
    const sessions = this.sessions.get(session.publisher)
    if (sessions?.delete(session) === true) {
      this.players--
      session.queue.clear()
      if (sessions.size === 0) {
        this.sessions.delete(session.publisher)
      }
    }
  }

  /** A packet was published. What comes from one that was taken over goes nowhere. */
  onPacket (publication: Publication, packet: Uint8Array, nowMs: number): void {
    if (this.publications.get(publication.publisher) !== publication) {
      return
    }
    publication.onPacket(packet.length, nowMs)
    this.counters.receivedPackets++
    this.counters.receivedBytes += packet.length
    if (publication.isStale) {
      publication.isStale = false
      this.effects.push({ type: 'publisher-back', publication })
    }
    const sessions = this.sessions.get(publication.publisher)
    if (sessions !== undefined) {
      for (const session of sessions) {
        if (!session.isWritable || !this.send(session, packet)) {
          this.enqueue(session, packet)
        }
      }
    }
  }

  /** A player's connection takes packets again. */
  onWritable (session: PlayerSession): void {
    session.isWritable = true
    for (let packet = session.queue.first; packet !== undefined && this.send(session, packet); packet = session.queue.first) {
      session.queue.shift()
    }
  }

  /** A player id is known no more: who plays by it has to go, and who publishes for nobody else too. */
  onRevoked (player: string, publisher: string, isPublisherKnown: boolean): void {
    for (const session of this.sessions.get(publisher) ?? []) {
      if (session.player === player) {
        this.effects.push({ type: 'close-player', session, reason: 'revoked' })
      }
    }
    const publication = this.publications.get(publisher)
    if (!isPublisherKnown && publication !== undefined) {
      this.effects.push({ type: 'close-publisher', publication, reason: 'revoked' })
    }
  }

  onTimeout (nowMs: number): void {
    if (this.sweepAtMs === undefined || nowMs < this.sweepAtMs) {
      return
    }
    for (const publication of this.publications.values()) {
      if (!publication.isStale && nowMs - publication.lastPacketMs >= this.staleAfterMs) {
        publication.isStale = true
        this.effects.push({ type: 'publisher-stale', publication })
      }
    }
    this.sweepAtMs = this.publications.size === 0 ? undefined : nowMs + SWEEP_MS
  }

  poll (): FanoutEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.sweepAtMs
  }

  private send (session: PlayerSession, packet: Uint8Array): boolean {
    session.isWritable = this.wire.toPlayer(session, packet)
    if (session.isWritable) {
      session.sentPackets++
      this.counters.sentPackets++
      this.counters.sentBytes += packet.length
    }
    return session.isWritable
  }

  private enqueue ({ queue }: PlayerSession, packet: Uint8Array): void {
    const { droppedPackets, droppedBytes } = queue
    queue.push(packet)
    this.counters.droppedPackets += queue.droppedPackets - droppedPackets
    this.counters.droppedBytes += queue.droppedBytes - droppedBytes
  }
}
