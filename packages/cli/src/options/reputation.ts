/** The commands of `skein reputation`, and their options. */
import { Option } from 'commander'
import { exportReputation, importReputation, listReputation, showReputation } from '../commands/reputation.ts'
import { json } from '../json-option.ts'
import { wholeNumber } from '../option-values.ts'
import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function reputationOptions (command: Command, run: Run): void {
  const part = (usage: string, description: string, examples: string, isDefault = false): Command => json(command.command(usage, { isDefault }))
    .description(description)
    .option('--data-dir <folder>', 'the peer\'s data folder (or SKEIN_DATA; default: ~/.skein/peer)', process.env.SKEIN_DATA)
    .addOption(new Option('--data <folder>').hideHelp())
    .addHelpText('after', `
The peer must not be running: its store has one user at a time.

Examples:
${examples}`)

  command.addHelpText('after', `
Examples:
  $ skein reputation list
  $ skein reputation show 12D3Koo…
  $ skein reputation export reputation.jsonl`)
  part('list', 'List whom the peer trusts to deliver, the highest scores first',
    '  $ skein reputation list\n  $ skein reputation list --service inference --limit 10 --json', true)
    .option('--service <name>', 'one service alone: inference, relay, honesty')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 100_000), 50)
    .action(run(listReputation))
  part('show <peer>', 'Show why the scores of one peer are what they are, and the receipts of dealings with it',
    '  $ skein reputation show 12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB')
    .action(run(showReputation))
  part('export <file>', 'Write all of it into a file of JSON lines', '  $ skein reputation export reputation.jsonl --data-dir ~/.skein/gateway')
    .action(run(exportReputation))
  part('import <file>', 'Replace it by what was exported; a file that is not whole changes nothing', '  $ skein reputation import reputation.jsonl')
    .action(run(importReputation))
}
