/** `skein srtla receive`: streams that come over several links, passed on to an SRT listener. */
import { ReceiverService, StatsPort } from '@skein/srtla/node'
import { untilStopped } from '../command-context.ts'
import { carriersOf } from '../organizations.ts'
import { receiverEventFields, receiverEventLine } from '../srtla-text.ts'
import type { CommandContext } from '../command-context.ts'

export interface SrtlaReceiveOptions {
  port: number
  host?: string[]
  srtHost: string
  srtPort: number
  stats: boolean
  statsPort: number
  statsHost: string
  mmdb?: string
  maxGroups: number
  maxLinks: number
  linkTimeout: number
  maxPackets: number
  pad?: boolean
}

export async function srtlaReceive ({ output, stop }: CommandContext, options: SrtlaReceiveOptions): Promise<void> {
  const onProblem = (message: string): void => { output.event('problem', { message }, `warning: ${message}`) }
  const organizations = await carriersOf(options.mmdb, onProblem)
  const service = await ReceiverService.start({
    port: options.port,
    hosts: options.host,
    srt: { host: options.srtHost, port: options.srtPort },
    receiver: {
      maxGroups: options.maxGroups,
      maxLinksPerGroup: options.maxLinks,
      linkTimeoutMs: options.linkTimeout * 1_000,
      maxPacketsPerSecond: options.maxPackets,
      padded: options.pad
    },
    organizationOf: organizations.organizationOf,
    onProblem,
    onEvent: event => { output.event(event.type, receiverEventFields(event), receiverEventLine(event)) }
  })
  let stats: StatsPort | undefined
  try {
    stats = options.stats ? await StatsPort.open({ service, port: options.statsPort, host: options.statsHost }) : undefined
    output.event('listening', { port: service.port, srt: { host: options.srtHost, port: options.srtPort }, stats: stats?.url }, [
      `takes SRTLA at UDP port ${service.port}, and passes it on to ${options.srtHost} port ${options.srtPort}`,
      ...stats === undefined ? [] : [`  ${stats.url}/stats /metrics /health`]
    ].join('\n'))
    await untilStopped(stop)
  } finally {
    await stats?.close()
    await service.stop()
  }
  output.event('stopped', {}, 'stopped')
}
