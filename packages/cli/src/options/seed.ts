/** The options of `skein seed`. */
import { SEED_TABLE } from '@skein/seed/node'
import { seed } from '../commands/seed.ts'
import { json } from '../json-option.ts'
import { tableOptions } from '../table-options.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function seedOptions (command: Command, run: Run): void {
  json(tableOptions(command, SEED_TABLE))
    .addHelpText('after', `
Each option may also be given by its environment variable, or by its key in the file of --config; a flag wins over the environment, the environment
over the file. Lists are separated by commas in the environment.

Examples:
  $ skein seed --listen /ip4/0.0.0.0/tcp/7310 --http 8080 --region eu-west
  $ skein seed --config /etc/skein/seed.yaml --print-config
  $ skein seed --listen /ip4/127.0.0.1/tcp/0 --ephemeral --json

Exit status: 0 after a signal and an orderly end, 1 when it failed, 2 when the configuration is wrong.`)
    .action(run(seed))
}
