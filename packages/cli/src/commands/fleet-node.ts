/** `skein fleet node serve`: a relay node of the fleet. */
import { createRelayNode } from '@skein/fleet/media'
import { openOrganizations } from '@skein/srtla/node'
import { untilStopped } from '../command-context.ts'
import { reportMediaEvents } from '../media-relay-text.ts'
import { FleetOptionsError } from './fleet.ts'
import type { CommandContext } from '../command-context.ts'

export interface ServeNodeOptions {
  capacity: number
  host: string
  srtlaPort: number
  publisherPort: number
  playerPort: number
  manageHost: string
  managePort: number
  allowFrom?: string[]
  latency: number
  passphrase?: string
  mmdb?: string
}

const MIN_KEY_LENGTH = 32

export async function serveFleetNode ({ output, stop }: CommandContext, options: ServeNodeOptions): Promise<void> {
  const key = process.env.SKEIN_FLEET_NODE_KEY ?? ''
  if (key.length < MIN_KEY_LENGTH) {
    throw new FleetOptionsError(`Put the key that the control plane shows into SKEIN_FLEET_NODE_KEY, ${MIN_KEY_LENGTH} characters or more: ` +
      'openssl rand -hex 24 makes one')
  }
  const organizations = await openOrganizations(options.mmdb)
  const node = await createRelayNode({
    capacity: options.capacity,
    key,
    manageHost: options.manageHost,
    managePort: options.managePort,
    allowFrom: options.allowFrom,
    relay: {
      host: options.host,
      srtlaPort: options.srtlaPort,
      publisherPort: options.publisherPort,
      playerPort: options.playerPort,
      latencyMs: options.latency,
      passphrase: options.passphrase,
      organizationOf: organizations.organizationOf
    },
    onProblem: message => { output.event('problem', { message }, `warning: ${message}`) }
  })
  try {
    const { relay, url } = node
    reportMediaEvents(relay, output)
    const { srtlaPort, publisherPort, playerPort } = relay
    output.event('started', { manage: url, srtlaPort, publisherPort, playerPort, capacity: options.capacity }, [
      `manage    ${url}`,
      `bonded    SRTLA to UDP port ${srtlaPort}`,
      `publish   SRT to UDP port ${publisherPort}, over one link`,
      `play      SRT from UDP port ${playerPort}`,
      `carries ${options.capacity} streams, those that the control plane admits: skein fleet node add ID --manage ${url} …`
    ].join('\n'))
    await untilStopped(stop)
  } finally {
    await node.close()
  }
  output.event('stopped', {}, 'stopped')
}
