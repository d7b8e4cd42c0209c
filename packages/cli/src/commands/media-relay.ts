/** `skein media-relay`: one SRT publisher to many players. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@skein/core/system'
import { MediaSource } from '@skein/media-relay/libp2p'
import { createMediaRelay } from '@skein/media-relay/node'
import { createPeer } from '@skein/peer'
import { untilStopped } from '../command-context.ts'
import { reportMediaEvents, viewerEvents } from '../media-relay-text.ts'
import { seedNameWarning } from '../node-options.ts'
import { carriersOf } from '../organizations.ts'
import type { StreamEntry } from '@skein/media-relay'
import type { MediaRelay } from '@skein/media-relay/node'
import type { Peer } from '@skein/peer'
import type { CommandContext } from '../command-context.ts'
import type { Output } from '../output.ts'

export interface MediaRelayOptions {
  host: string
  publisherPort: number
  playerPort: number
  srtlaPort: number
  srtla: boolean
  managementHost: string
  apiPort: number
  statsPort: number
  linkStatsPort: number
  stream?: StreamEntry[]
  latency: number
  staleAfter: number
  maxPlayers: number
  passphrase?: string
  mmdb?: string
  data?: string
  ephemeral?: boolean
  newAdminKey?: boolean
  mesh?: boolean
  seed: string[]
  listen?: string[]
}

export async function mediaRelay ({ output, stop }: CommandContext, options: MediaRelayOptions): Promise<void> {
  const onProblem = (message: string): void => { output.event('problem', { message }, `warning: ${message}`) }
  const organizations = await carriersOf(options.mmdb, onProblem)
  const folder = options.ephemeral === true ? undefined : options.data ?? join(homedir(), '.skein', 'media-relay')
  const relay = await createMediaRelay({
    dataFolder: folder,
    host: options.host,
    publisherPort: options.publisherPort,
    playerPort: options.playerPort,
    srtlaPort: options.srtla ? options.srtlaPort : false,
    managementHost: options.managementHost,
    apiPort: options.apiPort,
    statsPort: options.statsPort,
    linkStatsPort: options.linkStatsPort,
    latencyMs: options.latency,
    passphrase: options.passphrase,
    fanout: { staleAfterMs: options.staleAfter * 1_000, maxPlayers: options.maxPlayers, maxPlayersPerPublisher: options.maxPlayers },
    newAdminKey: options.newAdminKey,
    organizationOf: organizations.organizationOf,
    onProblem
  })
  let place: MeshPlace | undefined
  try {
    reportMediaEvents(relay, output)
    for (const entry of options.stream ?? []) {
      await relay.book.addStream(entry)
    }
    if (relay.adminKey !== undefined) {
      output.event('key', { key: relay.adminKey }, `key for the management API, shown this once: ${relay.adminKey}`)
    }
    place = options.mesh === true ? await joinMesh(relay, { ...options, folder }, output, stop) : undefined
    output.event('listening', {
      publisherPort: relay.publisherPort,
      playerPort: relay.playerPort,
      srtlaPort: relay.srtlaPort,
      api: relay.apiUrl,
      stats: relay.statsUrl,
      linkStats: relay.linkStatsUrl,
      ...place !== undefined && { id: place.peer.id, addresses: place.peer.addresses }
    }, listeningText(relay, options.host, place?.peer.addresses))
    await untilStopped(stop)
  } finally {
    await place?.source.stop()
    await place?.peer.stop()
    await relay.stop()
  }
  output.event('stopped', {}, 'stopped')
}

interface MeshPlace {
  peer: Peer
  source: MediaSource
}

interface MeshOptions {
  seed: string[]
  listen?: string[]
  /** Of the relay; the peer has its identity in a folder of its own there */
  folder?: string
}

/** A peer from which others play. */
async function joinMesh (relay: MediaRelay, { seed, listen, folder }: MeshOptions, output: Output, signal: AbortSignal): Promise<MeshPlace> {
  const peer = await createPeer({
    bootstrap: seed,
    listen,
    dataDir: folder === undefined ? undefined : join(folder, 'peer'),
    onSeedNameFailure: seedNameWarning(output),
    onDamage: message => { output.event('damage', { message }, `warning: ${message}`) },
    signal
  })
  const source = new MediaSource({ libp2p: peer.libp2p, fanout: relay.fanout, clock: systemClock(), ...viewerEvents(output) })
  await source.start()
  return { peer, source }
}

function listeningText (relay: MediaRelay, host: string, addresses: string[] = []): string {
  const name = host === '0.0.0.0' || host === '::' ? 'HOST' : host.includes(':') ? `[${host}]` : host
  return [
    `publish   srt://${name}:${relay.publisherPort}?streamid=live_TOKEN`,
    ...relay.srtlaPort === undefined ? [] : [`bonded    SRTLA to ${name} UDP port ${relay.srtlaPort}`],
    `play      srt://${name}:${relay.playerPort}?streamid=play_TOKEN`,
    `manage    ${relay.apiUrl}/api/stream-ids /api/keys /health`,
    `watch     ${relay.statsUrl}/stats/play_TOKEN /metrics`,
    ...relay.linkStatsUrl === undefined ? [] : [`links     ${relay.linkStatsUrl}/stats /metrics`],
    ...addresses.map(address => `mesh      ${address}`),
    ...relay.book.streams.size > 0 ? [] : ['there is no stream id yet: make one with --stream or at /api/stream-ids']
  ].join('\n')
}
