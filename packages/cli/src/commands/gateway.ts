/** `skein gateway`: an OpenAI-compatible HTTP endpoint for the models of the mesh. */
import { createPeer } from '@skein/peer'
import { untilStopped } from '../command-context.ts'
import { peerInit } from '../node-options.ts'
import { startGateway } from '../peer-gateway.ts'
import type { CommandContext } from '../command-context.ts'
import type { NodeOptions } from '../node-options.ts'

const DRAIN_MS = 10_000

export interface GatewayCommandOptions extends NodeOptions {
  port: number
  host: string
  apiKey: string[]
}

export async function gateway ({ output, stop }: CommandContext, options: GatewayCommandOptions): Promise<void> {
  const peer = await createPeer({ ...await peerInit('gateway', options, output), signal: stop })
  try {
    const running = await startGateway(peer, { port: options.port, host: options.host, apiKeys: options.apiKey })
    try {
      output.event('listening', { id: peer.id, addresses: peer.addresses, url: running.baseURL },
        `gateway of peer ${peer.id}\nOPENAI_BASE_URL=${running.baseURL}${options.apiKey.length === 0 ? '  (any API key)' : ''}`)
      if (options.apiKey.length === 0 && !/^(localhost|127\.|::1$)/.test(options.host)) {
        const message = 'whoever reaches this address may use the mesh through it: set --api-key'
        output.event('warning', { message }, `warning: ${message}`)
      }
      await untilStopped(stop)
    } finally {
      await running.stop({ drainMs: DRAIN_MS })
    }
  } finally {
    await peer.stop()
    output.event('stopped', {}, 'stopped')
  }
}
