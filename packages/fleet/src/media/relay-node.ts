/**
 * A relay node of the fleet: an SRTLA receiver and a media relay that let in whom the control plane has admitted, and nobody else, and tell it how
 * they do.
 */
import { randomBytes, toHex } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { createMediaRelay } from '@skein/media-relay/node'
import { StreamAdmissions } from '../agent/stream-admissions.ts'
import { Rounds } from '../node/rounds.ts'
import { serveNode } from '../node/serve-node.ts'
import { LoadMeter } from './node-load.ts'
import { lossShare, packetCount, playerId, publisherId, streamStatistics } from './relay-figures.ts'
import type { Clock } from '@skein/core'
import type { MediaRelay, MediaRelayInit } from '@skein/media-relay/node'
import type { NodeAgent, NodeHealth, NodeStatistics } from '../agent/node-agent.ts'
import type { NodeLoad } from './node-load.ts'
import type { PacketCount } from './relay-figures.ts'

export interface RelayNodeInit {
  /** Streams at once */
  capacity: number
  /** What the control plane shows; at least 32 characters */
  key: string
  /** IP address at which the control plane manages it @default '127.0.0.1' */
  manageHost?: string
  /** TCP port there; 0 takes any free one @default 3000 */
  managePort?: number
  /** Addresses that the control plane comes from @default all */
  allowFrom?: string[]
  /** Ports for media, latency, bounds; a node keeps nothing, and has none of the relay's own APIs */
  relay?: Omit<MediaRelayInit, 'dataFolder' | 'apiPort' | 'statsPort' | 'linkStatsPort' | 'maxStreams' | 'newAdminKey' | 'clock'>
  /** Told of what went wrong here, and of what should be mended @default () => {} */
  onProblem?: (message: string) => void
  /** @default systemClock() */
  clock?: Clock
}

export interface RelayNode {
  /** Where the control plane manages it */
  url: string
  relay: MediaRelay
  admissions: StreamAdmissions
  /** Lets streams in and out in this process, as the control plane does over the API */
  agent: NodeAgent
  close (): Promise<void>
}

/** Losses and load are shares of this long; the control plane asks as often. */
const SAMPLE_MS = 2_000
const BOOT_ID_BYTES = 8
const PLAYERS_PER_STREAM = 100

/**
 * @throws {RangeError} when the key is too short
 * @throws {MediaListenError | SrtlaListenError | FleetListenError} when a port cannot be opened
 */
export async function createRelayNode (init: RelayNodeInit): Promise<RelayNode> {
  const { capacity, clock = systemClock(), onProblem = () => {} } = init
  const relay = await createMediaRelay({
    onProblem,
    ...init.relay,
    fanout: { maxPublishers: capacity, maxPlayers: capacity * PLAYERS_PER_STREAM, maxPlayersPerPublisher: PLAYERS_PER_STREAM, ...init.relay?.fanout },
    maxStreams: capacity,
    apiPort: false,
    statsPort: false,
    linkStatsPort: false
  })
  const agent = new RelayAgent(relay, new StreamAdmissions({ capacity }), clock)
  const sampling = new Rounds({
    clock, everyMs: SAMPLE_MS, round: async () => { agent.sample() }, onProblem: error => { onProblem(error.message) }
  })
  try {
    const served = await serveNode({
      agent,
      key: init.key,
      host: init.manageHost,
      port: init.managePort ?? 3_000,
      allowFrom: init.allowFrom,
      onProblem: error => { onProblem(error.message) }
    })
    return {
      url: served.url,
      relay,
      admissions: agent.admissions,
      agent,
      close: async () => {
        await served.close()
        await sampling.stop()
        await relay.stop()
      }
    }
  } catch (error) {
    await sampling.stop()
    await relay.stop()
    throw error
  }
}

class RelayAgent implements NodeAgent {
  readonly admissions: StreamAdmissions
  private readonly relay: MediaRelay
  private readonly bootId = toHex(randomBytes(systemRandom(), BOOT_ID_BYTES))
  private readonly meter: LoadMeter
  private load: NodeLoad
  /** Of those with a publisher, by stream token; bounded by what is admitted */
  private counts = new Map<string, PacketCount>()
  private losses = new Map<string, number>()
  private totalLoss = 0

  constructor (relay: MediaRelay, admissions: StreamAdmissions, clock: Clock) {
    this.relay = relay
    this.admissions = admissions
    this.meter = new LoadMeter(clock)
    this.load = this.meter.read()
  }

  /** Once in a while: shares are of the time between. */
  sample (): void {
    this.load = this.meter.read()
    const counts = new Map<string, PacketCount>()
    const losses = new Map<string, number>()
    const before: PacketCount = { received: 0, lost: 0 }
    const now: PacketCount = { received: 0, lost: 0 }
    for (const { streamToken } of this.admissions.list()) {
      const figures = this.relay.figuresOf(playerId(streamToken))
      if (typeof figures === 'string') {
        continue
      }
      const count = packetCount(figures)
      const last = this.counts.get(streamToken)
      const isSame = last !== undefined && last.received <= count.received && last.lost <= count.lost
      counts.set(streamToken, count)
      losses.set(streamToken, lossShare(count, last))
      now.received += count.received
      now.lost += count.lost
      before.received += isSame ? last.received : 0
      before.lost += isSame ? last.lost : 0
    }
    this.counts = counts
    this.losses = losses
    this.totalLoss = lossShare(now, before)
  }

  async health (): Promise<NodeHealth> {
    return { bootId: this.bootId, draining: this.admissions.draining, ...this.load }
  }

  async statistics (): Promise<NodeStatistics> {
    const groups = this.relay.linkGroups()
    return {
      ...await this.health(),
      bytes: this.relay.carriedBytes,
      lossShare: this.totalLoss,
      streams: this.admissions.list().map(request => {
        const figures = this.relay.figuresOf(playerId(request.streamToken))
        return streamStatistics(request, typeof figures === 'string' ? undefined : figures, this.losses.get(request.streamToken) ?? 0, groups)
      })
    }
  }

  async admit (request: Parameters<NodeAgent['admit']>[0]): Promise<void> {
    const before = this.tokenOf(request.sessionId)
    this.admissions.admit(request)
    if (before !== undefined && before !== request.streamToken) {
      await this.relay.book.removeStream(playerId(before))
    }
    const { streamToken } = request
    await this.relay.book.addStream({ publisher: publisherId(streamToken), player: playerId(streamToken), description: request.sessionId })
  }

  async revoke (request: Parameters<NodeAgent['revoke']>[0]): Promise<void> {
    const streamToken = this.tokenOf(request.sessionId)
    if (this.admissions.revoke(request) && streamToken !== undefined) {
      await this.relay.book.removeStream(playerId(streamToken))
    }
  }

  async drain (draining: boolean): Promise<void> {
    this.admissions.draining = draining
  }

  private tokenOf (sessionId: string): string | undefined {
    return this.admissions.list().find(request => request.sessionId === sessionId)?.streamToken
  }
}
