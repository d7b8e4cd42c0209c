/** A media relay: its ports, its file, and the fan-out between them. */
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@skein/core/system'
import { ReceiverService, StatsPort } from '@skein/srtla/node'
import { TypedEventEmitter } from 'main-event'
import { FanoutDriver } from '../fanout/fanout-driver.ts'
import { managementApi } from '../http/management-api.ts'
import { statsApi } from '../http/stats-api.ts'
import { RelayBook } from '../relay-book.ts'
import { EMPTY_STATE } from '../relay-state.ts'
import { bondedOptions } from './bonded-options.ts'
import { openJsonPort } from './json-port.ts'
import { keyDigest, makeKey } from './key-text.ts'
import { PlayerPort } from './player-port.ts'
import { PublisherPort } from './publisher-port.ts'
import { RelayFile } from './relay-file.ts'
import { relayMetrics } from './relay-metrics.ts'
import { TrafficCount } from './traffic-count.ts'
import type { Publication } from '../fanout/publication.ts'
import type { PublisherFigures } from '../http/stats-api.ts'
import type { RelayState } from '../relay-state.ts'
import type { GroupStats } from '@skein/srtla'
import type { JsonHandler } from '../http/json-exchange.ts'
import type { JsonPort } from './json-port.ts'
import type { MediaRelayEvents } from './media-relay-events.ts'
import type { MediaRelayInit } from './media-relay-init.ts'

const RELAY_FILE = 'media-relay.json'
const ADMIN_KEY_NAME = 'admin'

/**
 * Opens all ports of a media relay.
 *
 * @throws {MediaListenError} when a port cannot be opened
 * @throws {RelayFileError} when its file cannot be used
 */
export async function createMediaRelay (init: MediaRelayInit = {}): Promise<MediaRelay> {
  const file = init.dataFolder === undefined ? undefined : await RelayFile.open(join(init.dataFolder, RELAY_FILE))
  const relay = new MediaRelay(init, file)
  try {
    await relay.open()
    return relay
  } catch (error) {
    await relay.stop()
    throw error
  }
}

export class MediaRelay extends TypedEventEmitter<MediaRelayEvents> {
  /** Stream ids and keys */
  readonly book: RelayBook
  /** What hands packets on; other sources and players than those of SRT may be added */
  readonly fanout: FanoutDriver
  /** A key for everything, made at this start as there was none or a new one was wanted; it is shown nowhere else */
  adminKey?: string
  private readonly init: MediaRelayInit
  private readonly file?: RelayFile
  private readonly clock
  private publishers?: PublisherPort
  private players?: PlayerPort
  private srtla?: ReceiverService
  private linkStats?: StatsPort
  private api?: JsonPort
  private stats?: JsonPort
  private readonly traffic = new TrafficCount()
  private saveProblem?: string
  private stopping?: Promise<void>

  constructor (init: MediaRelayInit, file?: RelayFile) {
    super()
    this.init = init
    this.file = file
    this.clock = init.clock ?? systemClock()
    const random = init.random ?? systemRandom()
    this.book = new RelayBook({
      state: file?.state ?? EMPTY_STATE,
      save: async state => { await this.save(state) },
      makeKey: () => makeKey(random),
      digest: keyDigest,
      nowMs: () => this.clock.nowMs(),
      maxStreams: init.maxStreams,
      maxKeys: init.maxKeys,
      onRevoked: entry => { this.fanout.onRevoked(entry) }
    })
    this.fanout = new FanoutDriver({
      ...init.fanout,
      streams: this.book.streams,
      clock: this.clock,
      carriage: init.carriage,
      onStale: ({ publisher }, isStale) => { this.safeDispatchEvent(isStale ? 'publisher:stale' : 'publisher:back', { detail: { publisher } }) }
    })
  }

  /** UDP port of publishers. */
  get publisherPort (): number {
    return this.publishers?.port ?? 0
  }

  /** UDP port of players. */
  get playerPort (): number {
    return this.players?.port ?? 0
  }

  /** UDP port of SRTLA senders; `undefined` without an SRTLA receiver. */
  get srtlaPort (): number | undefined {
    return this.srtla?.port
  }

  /** '' without that port. */
  get apiUrl (): string {
    return this.api?.url ?? ''
  }

  /** '' without that port. */
  get statsUrl (): string {
    return this.stats?.url ?? ''
  }

  /** `undefined` without an SRTLA receiver, or without that port. */
  get linkStatsUrl (): string | undefined {
    return this.linkStats?.url
  }

  /** In and out of the ports for publishers and players since the start, with headers and what was sent twice. */
  get carriedBytes (): number {
    return this.traffic.bytes
  }

  /** Streams that come over links, by their stream ids, and each of their links. */
  linkGroups (): GroupStats[] {
    return this.srtla?.stats().groups ?? []
  }

  /** Figures of who publishes for a player id. */
  figuresOf (player: string): PublisherFigures | 'unknown' | 'offline' {
    const publisher = this.book.streams.publisherOf(player)
    if (publisher === undefined) {
      return 'unknown'
    }
    const publication = this.fanout.fanout.publicationOf(publisher)
    return (publication === undefined ? undefined : this.figuresNow(publication)) ?? 'offline'
  }

  /** Opens the ports; `createMediaRelay` does. */
  async open (): Promise<void> {
    const { init, fanout } = this
    if (init.apiPort !== false && (init.newAdminKey === true || !this.book.keys.hasAdminWithout(undefined))) {
      const made = await this.book.addKey(ADMIN_KEY_NAME, ['admin'])
      this.adminKey = made.type === 'made' ? made.key : undefined
    }
    const host = init.host ?? '0.0.0.0'
    const srtHost = isIPv6(host) ? (host === '::' ? '::1' : host) : (host === '0.0.0.0' ? '127.0.0.1' : host)
    const { maxPublishers = 100, maxPlayers = 500 } = init.fanout ?? {}
    this.publishers = await PublisherPort.open({
      host,
      port: init.publisherPort ?? 4_001,
      latencyMs: init.latencyMs ?? 120,
      passphrase: init.passphrase,
      maxConnections: 2 * maxPublishers,
      driver: fanout,
      traffic: this.traffic,
      optionsFor: caller => bondedOptions(caller, srtHost, this.srtla?.receiver.groups ?? [], init.latencyMs),
      onConnected: ({ publisher }, address) => { this.safeDispatchEvent('publisher:connected', { detail: { publisher, address } }) },
      onClosed: ({ publisher }, reason) => { this.safeDispatchEvent('publisher:closed', { detail: { publisher, reason } }) },
      onRefused: (reason, address) => { this.safeDispatchEvent('caller:refused', { detail: { role: 'publisher', reason, address } }) }
    })
    this.players = await PlayerPort.open({
      host,
      port: init.playerPort ?? 4_000,
      passphrase: init.passphrase,
      maxConnections: maxPlayers,
      driver: fanout,
      traffic: this.traffic,
      onConnected: ({ player }, address) => { this.safeDispatchEvent('player:connected', { detail: { player, address } }) },
      onClosed: ({ player, sentPackets, queue }, reason) => {
        this.safeDispatchEvent('player:closed', { detail: { player, reason, sentPackets, droppedPackets: queue.droppedPackets } })
      },
      onRefused: (reason, address) => { this.safeDispatchEvent('caller:refused', { detail: { role: 'player', reason, address } }) }
    })
    this.api = await this.openJsonPort('the management API', init.apiPort ?? 3_000,
      managementApi({ book: this.book, problem: () => this.saveProblem }))
    if (init.srtlaPort !== false) {
      this.srtla = await ReceiverService.start({
        port: init.srtlaPort ?? 5_000,
        hosts: host === '0.0.0.0' || host === '::' ? undefined : [host], // its own default is all of both
        srt: { host: srtHost, port: this.publisherPort },
        organizationOf: init.organizationOf,
        onProblem: init.onProblem
      })
      if (init.linkStatsPort !== false) {
        this.linkStats = await StatsPort.open({ service: this.srtla, host: init.managementHost, port: init.linkStatsPort })
      }
    }
    this.stats = await this.openJsonPort('statistics', init.statsPort ?? 8_090, this.statistics(), true)
  }

  /** Ends all connections and closes all ports. Safe to call twice. */
  async stop (): Promise<void> {
    this.stopping ??= this.close()
    await this.stopping
  }

  private figuresNow (publication: Publication): PublisherFigures | undefined {
    return this.publishers?.figuresOf(publication, this.clock.nowMs())
  }

  private statistics (): JsonHandler {
    const registry = relayMetrics({ driver: this.fanout, figuresOf: publication => this.figuresNow(publication), srtla: this.srtla })
    return statsApi({
      figuresOf: player => this.figuresOf(player),
      metrics: async () => ({ type: registry.contentType, text: await registry.metrics() })
    })
  }

  private async close (): Promise<void> {
    await Promise.all([
      this.api?.stop(),
      this.stats?.stop(),
      this.linkStats?.close(),
      this.srtla?.stop(),
      this.publishers?.close(),
      this.players?.close()
    ])
    this.fanout.stop()
    await this.file?.close()
  }

  private async openJsonPort (purpose: string, port: number | false, handler: JsonHandler, isPublic = false): Promise<JsonPort | undefined> {
    return port === false ? undefined : await openJsonPort({ host: this.init.managementHost ?? '127.0.0.1', port, purpose, handler, isPublic })
  }

  private async save (state: RelayState): Promise<void> {
    try {
      await this.file?.save(state)
      this.saveProblem = undefined
    } catch (error) {
      this.saveProblem = (error as Error).message
      throw error
    }
  }
}
