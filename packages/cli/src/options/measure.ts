/** The options of `skein measure`. */
import { measure } from '../commands/measure.ts'
import { json } from '../json-option.ts'
import { SEED_HELP } from '../mesh-options.ts'
import { seedAddress } from '../address-values.ts'
import { challengeSize, wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function measureOptions (command: Command, run: Run): void {
  json(command
    .argument('<peer>', 'peer id, or a multiaddr that ends with one')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--model <id>', 'a model that it serves, to be timed')
    .option('--memory <MiB>', 'buffer that it is asked to fill, a power of two from 64 to 4096; 0 leaves memory out', challengeSize, 256)
    .option('--data <folder>', 'identity to ask with (or SKEIN_DATA): a peer answers strangers less often', process.env.SKEIN_DATA)
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 120)
    .addHelpText('after', `
A peer answers one challenge at a time, six an hour, two of them for strangers; then it is busy. What comes out is a measurement, not an attestation:
the peer may have had another machine do the work.

Examples:
  $ skein measure 12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB --seed ADDR --model skein-smoke-1
  $ skein measure /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo… --memory 64 --json

Exit status: 0 when it was measured, 1 when it was not.`))
    .action(run(measure))
}
