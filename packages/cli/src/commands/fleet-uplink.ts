/** `skein fleet connect --srt`: what an encoder sends goes to where the slot is. */
import { FleetUplink } from '@skein/fleet/media'
import { LinkWatch } from '@skein/srtla/node'
import type { SessionView } from '@skein/fleet'
import type { StreamTarget } from '@skein/fleet/media'
import type { LinkSource } from '@skein/srtla/node'
import type { Output } from '../output.ts'

export interface UplinkOptions {
  srt?: number
  srtHost: string
  links?: string
  interfaces?: string[]
  latency: number
  passphrase?: string
  /** Seconds */
  settle: number
  /** Seconds */
  overlap: number
}

export interface OpenUplink {
  follow: (session: SessionView | undefined) => void
  /** Safe to call twice */
  stop: () => Promise<void>
}

/** Both a file of links and interfaces were named. */
export class LinkChoiceError extends Error {
  static override name = 'LinkChoiceError'
  override readonly name = 'LinkChoiceError'

  constructor () {
    super('Name the links either with --links or with --interfaces')
  }
}

export async function openUplink (output: Output, options: UplinkOptions, port: number): Promise<OpenUplink> {
  const { srtHost, links, interfaces, latency, passphrase, settle, overlap } = options
  const onProblem = (message: string): void => { output.event('problem', { message }, `warning: ${message}`) }
  const source = sourceOf(links, interfaces)
  let uplink: FleetUplink | undefined
  const watch = source && await LinkWatch.start({
    source,
    onProblem,
    onLinks: async addresses => {
      output.event('links', { addresses }, `links: ${addresses.join(', ') || 'none'}`)
      await uplink?.setLinks(addresses)
    }
  })
  try {
    uplink = await FleetUplink.open({
      host: srtHost, port, links: watch && [...watch.links], latencyMs: latency, passphrase, settleMs: settle * 1_000, overlapMs: overlap * 1_000,
      onProblem
    })
  } catch (error) {
    watch?.close()
    throw error
  }
  report(uplink, output)
  output.event('listening', { host: srtHost, port: uplink.port, links: watch?.links }, `the encoder sends to srt://${srtHost}:${uplink.port}`)
  const { follow, stop } = uplink
  return {
    follow: session => { follow.call(uplink, session) },
    stop: async () => {
      watch?.close()
      await stop.call(uplink)
    }
  }
}

function report (uplink: FleetUplink, output: Output): void {
  uplink.addEventListener('encoder:connected', ({ detail: { address } }) => {
    output.event('encoder:connected', { address }, `an encoder sends from ${address}`)
  })
  uplink.addEventListener('encoder:closed', () => { output.event('encoder:closed', {}, 'the encoder sends no more') })
  uplink.addEventListener('uplink:up', ({ detail }) => {
    output.event('uplink:up', shown(detail), `sends to ${detail.instanceId} (${detail.region})`)
  })
  uplink.addEventListener('uplink:down', ({ detail }) => {
    output.event('uplink:down', shown(detail), `sends to ${detail.instanceId} no more`)
  })
  uplink.addEventListener('uplink:failed', ({ detail }) => {
    output.event('uplink:failed', { ...shown(detail), message: detail.message }, `${detail.instanceId}: ${detail.message}; trying again`)
  })
}

/** Without the stream id, which is a secret. */
export function shown ({ instanceId, region, host, port }: StreamTarget): Record<string, unknown> {
  return { instanceId, region, host, port }
}

function sourceOf (path: string | undefined, names: string[] | undefined): LinkSource | undefined {
  if (path !== undefined && names !== undefined) {
    throw new LinkChoiceError()
  }
  if (path !== undefined) {
    return { type: 'file', path }
  }
  return names === undefined ? undefined : { type: 'interfaces', names, family: 4 }
}
