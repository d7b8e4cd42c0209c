/** `skein seed`: a bootstrap seed. */
import { createSeed } from '@skein/seed'
import { untilStopped } from '../command-context.ts'
import { peerInit } from '../node-options.ts'
import type { CommandContext } from '../command-context.ts'
import type { NodeOptions } from '../node-options.ts'

const DEFAULT_LISTEN = ['/ip4/0.0.0.0/tcp/7310']
const DRAIN_MS = 5_000

export async function seed ({ output, stop }: CommandContext, options: NodeOptions): Promise<void> {
  const running = await createSeed({ ...peerInit('seed', options, output), listen: options.listen ?? DEFAULT_LISTEN, signal: stop })
  try {
    output.event('listening', { id: running.id, addresses: running.addresses },
      ['seed ' + running.id, ...running.addresses.map(address => `  ${address}`), 'Give one of these addresses to peers: skein peer --seed ADDRESS']
        .join('\n'))
    await untilStopped(stop)
  } finally {
    await running.stop({ drainMs: DRAIN_MS })
    output.event('stopped', {}, 'stopped')
  }
}
