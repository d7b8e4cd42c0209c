/** The options of `skein find`. */
import { find } from '../commands/find.ts'
import { json } from '../json-option.ts'
import { SEED_HELP } from '../mesh-options.ts'
import { seedAddress } from '../address-values.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function findOptions (command: Command, run: Run): void {
  json(command
    .argument('<model>', 'model id')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--region <name>', 'this machine\'s region', '')
    .option('--wanted <n>', 'stop after this many offers', wholeNumber(1, 100), 20)
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 10)
    .option('--why', 'tell who would be asked first, who after it, and why')
    .option('--data <folder>', 'go by what the peer of this data folder remembers of others; that peer must not be running')
    .addHelpText('after', `
Examples:
  $ skein find skein-smoke-1 --seed /ip4/127.0.0.1/tcp/7310/p2p/12D3Koo…
  $ skein find skein-smoke-1 --seed ADDR --why --data ~/.skein/gateway
  $ skein find llama3.2:3b --seed ADDR --region eu-west --json

Exit status: 0 when at least one offer was found, 1 when none was.`))
    .action(run(find))
}
