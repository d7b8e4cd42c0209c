/** `skein supernode`: this machine carries load for others, within limits. */
import { printConfig, startSuperNodeProcess, SUPER_NODE_TABLE } from '@skein/seed/node'
import { untilStopped } from '../command-context.ts'
import { reportMediaEvents } from '../media-relay-text.ts'
import { superNodeConfig } from '../super-node-config.ts'
import { limitLines, stateLine } from '../super-node-text.ts'
import type { MediaRelay } from '@skein/media-relay/node'
import type { CommandContext } from '../command-context.ts'
import type { SuperNodeConfigOptions } from '../super-node-config.ts'

export interface SuperNodeCommandOptions extends SuperNodeConfigOptions {
  printConfig?: boolean
}

export async function supernode ({ output, stop }: CommandContext, options: SuperNodeCommandOptions): Promise<void> {
  const resolved = await superNodeConfig(options)
  const { config } = resolved
  if (options.printConfig === true) {
    const text = printConfig(resolved, SUPER_NODE_TABLE)
    output.event('config', { text, sources: resolved.sources }, text.trimEnd())
    return
  }

  const asked = Promise.withResolvers<void>()
  const starting = startSuperNodeProcess({
    config,
    signal: stop,
    onState: state => { output.event('state', { ...state }, stateLine(state)) },
    onProblem: message => { output.event('problem', { message }, `warning: ${message}`) },
    onDrain: asked.resolve
  })
  // told to stop before it ran: that is no failure
  const running = await starting.catch(error => { if (!stop.aborted) { throw error } })
  if (running == null) {
    output.event('stopped', {}, 'stopped')
    return
  }
  const { node } = running
  const { id, addresses, state } = node
  try {
    const { media } = node
    if (media !== undefined) {
      reportMediaEvents(media, output)
      if (media.adminKey !== undefined) {
        output.event('key', { key: media.adminKey }, `key for ${media.apiUrl}/api/stream-ids, shown this once: ${media.adminKey}`)
      }
    }
    output.event('listening', { id, addresses, metrics: running.metricsUrl, quota: node.status().quota, ...media && { media: mediaPorts(media) } }, [
      `super-node ${id}`,
      ...addresses.map(address => `  ${address}`),
      ...running.metricsUrl == null ? [] : [`  ${running.metricsUrl}/metrics /health /ready`],
      ...media === undefined ? [] : [`  streams at UDP port ${media.publisherPort} (SRT), ${media.srtlaPort} (SRTLA); ${media.statsUrl}/metrics`],
      ...limitLines(node.status())
    ].join('\n'))
    output.event('state', { ...state }, stateLine(state))
    await Promise.race([untilStopped(stop), asked.promise])
    output.event('draining', { seconds: config.drain },
      `no new clients; ends when the last has gone, in ${config.drain} s at most${stop.aborted ? '. A second signal ends it at once' : ''}`)
    await running.drain()
  } finally {
    const { today, month } = node.status()
    await running.stop()
    output.event('stopped', { today, month }, 'stopped')
  }
}

function mediaPorts ({ srtlaPort, publisherPort, playerPort, apiUrl, statsUrl, linkStatsUrl }: MediaRelay): Record<string, unknown> {
  return { srtlaPort, publisherPort, playerPort, api: apiUrl, stats: statsUrl, linkStats: linkStatsUrl }
}
