/** The options of `skein resolve`. */
import { resolve } from '../commands/resolve.ts'
import { json } from '../json-option.ts'
import { SEED_HELP } from '../mesh-options.ts'
import { seedAddress } from '../address-values.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function resolveOptions (command: Command, run: Run): void {
  json(command
    .argument('<name>', 'k7mx2p9a, or k7mx2p9a.PEER with the peer id of its owner')
    .option('--seed <address>', SEED_HELP, seedAddress, [])
    .option('--timeout <seconds>', 'give up after this long', wholeNumber(1, 600), 10)
    .addHelpText('after', `
Each peer may say a name. Where several say the same, it is ambiguous, and you are told so; with the owner behind it, it is that peer's alone.
A name only tells the way. Who may stream is decided by the stream id.

Examples:
  $ skein resolve k7mx2p9a --seed /ip4/127.0.0.1/tcp/7310/p2p/12D3Koo…
  $ skein resolve k7mx2p9a.12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB --seed ADDR --json

Exit status: 0 when it was resolved, 1 when nobody says it, or several do.`))
    .action(run(resolve))
}
