/** The options of `skein supernode`, and its commands. */
import { SUPER_NODE_TABLE } from '@skein/seed/node'
import { drainSuperNode, superNodeStatus } from '../commands/supernode-control.ts'
import { supernode } from '../commands/supernode.ts'
import { json } from '../json-option.ts'
import { tableOptions } from '../table-options.ts'
import type { Command } from 'commander'
import type { CommandContext, Run } from '../command-context.ts'

type Asking = (context: CommandContext, options: Record<string, unknown>) => Promise<void>

export function superNodeOptions (command: Command, run: Run): void {
  json(tableOptions(command, SUPER_NODE_TABLE))
    .addHelpText('after', `
Each option may also be given by its environment variable, or by its key in the file of --config; a flag wins over the environment, the environment
over the file. What is relayed is encrypted from end to end: this machine sees who talks with whom and how much, not what. Ctrl-C lets those who are
connected go on elsewhere and ends; a second one ends it at once.

Examples:
  $ skein supernode --seed ADDR --region eu-west
  $ skein supernode --seed ADDR --per-day 10GB --per-month 200GB --bandwidth 20Mbit --cpu 50%
  $ skein supernode --seed ADDR --schedule "Mon-Fri 20:00-06:00; Sat,Sun 00:00-24:00" --time-zone Europe/Berlin
  $ skein supernode status                       what it did, and why it is elected or not
  $ skein supernode drain                        no new clients; it ends when the last has gone

Exit status: 0 after a drain, 1 when it failed, 2 when the configuration is wrong.`)
    .action(run(supernode))
  // the options before a command belong to it too: commander gives --data and --json to the one that knows them first
  const control = (name: string, description: string, action: Asking): Command => {
    const part = command.command(name).description(description)
    return part.action(async () => { await run(action)(part.optsWithGlobals(), part) })
  }
  control('status', 'Show what the super-node of this machine does and did, and why it is elected or not', superNodeStatus)
    .addHelpText('after', `
Options: --data, --config and --json, as for skein supernode.

Examples:
  $ skein supernode status
  $ skein supernode status --json --data /var/lib/skein-supernode`)
  control('drain', 'Let those who are connected to the super-node of this machine go on elsewhere, and end it', drainSuperNode)
    .addHelpText('after', `
Options: --data, --config and --json, as for skein supernode.

Examples:
  $ skein supernode drain`)
}
