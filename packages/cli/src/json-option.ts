/** The option of every command that says something to programs. */
import type { Command } from 'commander'

export function json (command: Command): Command {
  return command.option('--json', 'one JSON object a line instead of text')
}
