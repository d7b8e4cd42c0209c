/** `skein srtla send`: SRT of an encoder over several links. */
import { LinkWatch, SenderService, StatsPort } from '@skein/srtla/node'
import { untilStopped } from '../command-context.ts'
import { carriersOf } from '../organizations.ts'
import { senderEventFields, senderEventLine } from '../srtla-text.ts'
import type { SenderMode } from '@skein/srtla'
import type { LinkSource } from '@skein/srtla/node'
import type { CommandContext } from '../command-context.ts'

export interface SrtlaSendOptions {
  interfaces?: string[]
  ipv6?: boolean
  mode: SenderMode
  listenHost: string
  maxHold: number
  pad?: boolean
  statsPort?: number
  statsHost: string
  mmdb?: string
}

/** Neither a file of addresses nor interfaces were named, or both were: name one of them. */
export class LinkSourceError extends Error {
  static override name = 'LinkSourceError'
  override readonly name = 'LinkSourceError'

  constructor (message = 'Name either a file with the source addresses of the links, or --interfaces') {
    super(message)
  }
}

export async function srtlaSend (
  { output, stop }: CommandContext, options: SrtlaSendOptions, listenPort: number, host: string, port: number, file: string | undefined
): Promise<void> {
  const onProblem = (message: string): void => { output.event('problem', { message }, `warning: ${message}`) }
  const { organizationOf } = await carriersOf(options.mmdb, onProblem)
  let service: SenderService | undefined
  let stats: StatsPort | undefined
  const watch = await LinkWatch.start({
    source: sourceOf(file, options),
    onProblem,
    onLinks: async addresses => {
      output.event('links', { addresses }, `links: ${addresses.join(', ') || 'none'}`)
      await service?.setLinks(addresses)
    }
  })
  const onHangUp = (): void => { void watch.reload() }
  process.on('SIGHUP', onHangUp)
  try {
    service = await SenderService.start({
      port: listenPort,
      host: options.listenHost,
      receiver: { host, port },
      links: [...watch.links],
      sender: { mode: options.mode, maxHoldMs: options.maxHold, padded: options.pad },
      organizationOf,
      onProblem,
      onEvent: event => { output.event(event.type, senderEventFields(event), senderEventLine(event)) }
    })
    stats = options.statsPort === undefined ? undefined : await StatsPort.open({ service, port: options.statsPort, host: options.statsHost })
    output.event('listening', { host: options.listenHost, port: service.port, links: watch.links, stats: stats?.url }, [
      `takes SRT at UDP port ${service.port} and sends it to ${host} port ${port}`,
      `  over ${watch.links.join(', ') || 'no link yet'}`,
      ...stats === undefined ? [] : [`  ${stats.url}/stats /metrics /health`]
    ].join('\n'))
    await untilStopped(stop)
  } finally {
    process.off('SIGHUP', onHangUp)
    watch.close()
    await stats?.close()
    await service?.stop()
  }
  output.event('stopped', {}, 'stopped')
}

function sourceOf (file: string | undefined, { interfaces, ipv6 }: SrtlaSendOptions): LinkSource {
  if ((file === undefined) === (interfaces === undefined)) {
    throw new LinkSourceError()
  }
  return file === undefined ? { type: 'interfaces', names: interfaces ?? [], family: ipv6 === true ? 6 : 4 } : { type: 'file', path: file }
}
