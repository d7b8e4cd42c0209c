/** Options on the command line, made from the table of a command's configuration. */
import { Option } from 'commander'
import { configVariableOf, describeOptions, isList, optionIn } from '@skein/seed/node'
import type { Command } from 'commander'
import type { OptionDescription, OptionTable } from '@skein/seed/node'

/** Values are taken as texts; `resolveConfig` reads them, as it does those of the environment and the file. */
export function tableOptions (command: Command, table: OptionTable): Command {
  command
    .option('--config <file>', `YAML file with any of the options below by their keys (or ${configVariableOf(table)})`)
    .option('--print-config', 'print the effective configuration, with where each value came from, and end')
  for (const description of describeOptions(table)) {
    for (const option of optionsOf(table, description)) {
      command.addOption(option)
    }
  }
  return command
}

/** What commander read, by the names of the table. */
export function flagsOf (table: OptionTable, values: Record<string, unknown>): Partial<Record<string, unknown>> {
  return Object.fromEntries(describeOptions(table).flatMap(description => {
    const value = values[(optionsOf(table, description)[0] as Option).attributeName()]
    return value === undefined ? [] : [[description.name, value]]
  }))
}

function optionsOf (table: OptionTable, { name, flag, environment, expects, help, default: byDefault }: OptionDescription): Option[] {
  const option = optionIn(table, name)
  const also = `(${isList(option) ? 'repeatable; ' : ''}default: ${byDefault}; ${environment}; key ${name})`
  if (option.type === 'switch') {
    return [new Option(flag, `${help} ${also}`), new Option(flag.replace('--', '--no-'), 'the contrary, over what a file or the environment says')]
  }
  const taken = new Option(`${flag} <${PLACEHOLDERS[option.type] ?? 'text'}>`, `${help}: ${expects} ${also}`)
  return [isList(option) ? taken.argParser((value: string, previous: string[] = []) => [...previous, value]) : taken]
}

const PLACEHOLDERS: Partial<Record<ReturnType<typeof optionIn>['type'], string>> = {
  addresses: 'address', seeds: 'address', networks: 'network', endpoint: 'endpoint', redis: 'address', prefix: 'prefix', folder: 'folder',
  bytes: 'amount', rate: 'rate', share: 'share', schedule: 'windows', zone: 'name',
  number: 'n', limit: 'n', choice: 'name', choices: 'names', file: 'file', peers: 'id', policy: 'policy'
}
