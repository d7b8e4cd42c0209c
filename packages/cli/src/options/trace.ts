/** The options of `skein trace`. */
import { trace } from '../commands/trace.ts'
import { json } from '../json-option.ts'
import { SEED_HELP } from '../mesh-options.ts'
import { seedAddress } from '../address-values.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function traceOptions (command: Command, run: Run): void {
  json(command
    .argument('<model>', 'model id')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--region <name>', 'this machine\'s region', '')
    .option('--wanted <n>', 'stop after this many offers', wholeNumber(1, 100), 20)
    .option('--call [question]', 'ask the model too, and tell when the first token comes')
    .option('--data <folder>', 'go by what the peer of this data folder remembers of others; that peer must not be running')
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 30)
    .addHelpText('after', `
Examples:
  $ skein trace skein-smoke-1 --seed /ip4/127.0.0.1/tcp/7310/p2p/12D3Koo…
  $ skein trace llama3.2:3b --seed ADDR --call "Say hello" --json

Exit status: 0 when a provider was found, and with --call when it answered; 1 when not.`))
    .action(run(trace))
}
