/** `skein peer`: a peer that serves models. */
import { createPeer } from '@skein/peer'
import { untilStopped } from '../command-context.ts'
import { peerInit } from '../node-options.ts'
import { backendFor } from '../served-backend.ts'
import type { CommandContext } from '../command-context.ts'
import type { NodeOptions } from '../node-options.ts'
import type { ServedOptions } from '../served-backend.ts'

/** How long answers under way may take when the peer is told to end. */
const DRAIN_MS = 10_000

export interface PeerCommandOptions extends NodeOptions, ServedOptions {
  serve: string[]
  offerLife: number
}

export async function peer ({ output, stop }: CommandContext, options: PeerCommandOptions): Promise<void> {
  const running = await createPeer({
    ...await peerInit('peer', options, output),
    routing: { offerLifeMs: options.offerLife * 1000 },
    signal: stop
  })
  try {
    running.addEventListener('model:served', ({ detail }) => { output.event('serving', detail, `serving ${detail.model}`) })
    running.addEventListener('model:withdrawn', ({ detail }) => { output.event('withdrawn', detail, `no longer serving ${detail.model}`) })
    output.event('listening', { id: running.id, addresses: running.addresses },
      `peer ${running.id}\n${running.addresses.map(address => `  ${address}`).join('\n')}`)
    for (const what of options.serve) {
      await running.serve(await backendFor(what, options))
    }
    const { connections } = running.stats()
    output.event('ready', { connections }, connections > 0 || options.seed.length === 0
      ? 'ready; Ctrl-C drains and stops'
      : 'no seed answered yet; dialling goes on')
    await untilStopped(stop)
    output.event('draining', {}, `draining for up to ${DRAIN_MS / 1000} s; Ctrl-C again stops at once`)
  } finally {
    await running.stop({ drainMs: DRAIN_MS })
    output.event('stopped', {}, 'stopped')
  }
}
