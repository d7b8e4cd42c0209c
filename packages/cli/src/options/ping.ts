/** The options of `skein ping`. */
import { ping } from '../commands/ping.ts'
import { json } from '../json-option.ts'
import { SEED_HELP } from '../mesh-options.ts'
import { seedAddress } from '../address-values.ts'
import { seconds, wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function pingOptions (command: Command, run: Run): void {
  json(command
    .argument('<peer>', 'peer id, or a multiaddr that ends with one')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--count <n>', 'how many', wholeNumber(1, 1_000_000), 5)
    .option('--interval <seconds>', 'from one to the next', seconds(0.1, 3_600), 1)
    .option('--timeout <seconds>', 'how long the peer is looked for, and each ping waited for', wholeNumber(1, 600), 10)
    .option('--data <folder>', 'identity to ask with (default: a new one)')
    .addHelpText('after', `
The path is direct, punched (through both routers) or relayed; it may become a better one between two pings.

Examples:
  $ skein ping 12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB --seed ADDR
  $ skein ping /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo… --count 20 --interval 0.2 --json

Exit status: 0 when a ping came back, 1 when none did.`))
    .action(run(ping))
}
