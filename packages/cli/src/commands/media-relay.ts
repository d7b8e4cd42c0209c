/** `skein media-relay`: one SRT publisher to many players. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createMediaRelay } from '@skein/media-relay/node'
import { openOrganizations } from '@skein/srtla/node'
import { untilStopped } from '../command-context.ts'
import { reportMediaEvents } from '../media-relay-text.ts'
import type { StreamEntry } from '@skein/media-relay'
import type { MediaRelay } from '@skein/media-relay/node'
import type { CommandContext } from '../command-context.ts'

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
}

export async function mediaRelay ({ output, stop }: CommandContext, options: MediaRelayOptions): Promise<void> {
  const organizations = await openOrganizations(options.mmdb)
  const relay = await createMediaRelay({
    dataFolder: options.ephemeral === true ? undefined : options.data ?? join(homedir(), '.skein', 'media-relay'),
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
    onProblem: message => { output.event('problem', { message }, `warning: ${message}`) }
  })
  try {
    reportMediaEvents(relay, output)
    for (const entry of options.stream ?? []) {
      await relay.book.addStream(entry)
    }
    if (relay.adminKey !== undefined) {
      output.event('key', { key: relay.adminKey }, `key for the management API, shown this once: ${relay.adminKey}`)
    }
    output.event('listening', {
      publisherPort: relay.publisherPort,
      playerPort: relay.playerPort,
      srtlaPort: relay.srtlaPort,
      api: relay.apiUrl,
      stats: relay.statsUrl,
      linkStats: relay.linkStatsUrl
    }, listeningText(relay, options.host))
    await untilStopped(stop)
  } finally {
    await relay.stop()
  }
  output.event('stopped', {}, 'stopped')
}

function listeningText (relay: MediaRelay, host: string): string {
  const name = host === '0.0.0.0' || host === '::' ? 'HOST' : host.includes(':') ? `[${host}]` : host
  return [
    `publish   srt://${name}:${relay.publisherPort}?streamid=live_TOKEN`,
    ...relay.srtlaPort === undefined ? [] : [`bonded    SRTLA to ${name} UDP port ${relay.srtlaPort}`],
    `play      srt://${name}:${relay.playerPort}?streamid=play_TOKEN`,
    `manage    ${relay.apiUrl}/api/stream-ids /api/keys /health`,
    `watch     ${relay.statsUrl}/stats/play_TOKEN`,
    ...relay.linkStatsUrl === undefined ? [] : [`links     ${relay.linkStatsUrl}/stats /metrics`],
    ...relay.book.streams.size > 0 ? [] : ['there is no stream id yet: make one with --stream or at /api/stream-ids']
  ].join('\n')
}
