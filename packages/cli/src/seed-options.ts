/** The options of `skein seed` on the command line, made from the seed's table of options. */
import { Option } from 'commander'
import { describeOptions, isList, optionOf } from '@skein/seed/node'
import type { Command } from 'commander'
import type { OptionDescription, OptionName } from '@skein/seed/node'

/** Values are taken as texts; `resolveConfig` reads them, as it does those of the environment and the file. */
export function seedOptions (command: Command): Command {
  command
    .option('--config <file>', 'YAML file with any of the options below by their keys (or SKEIN_SEED_CONFIG)')
    .option('--print-config', 'print the effective configuration, with where each value came from, and end')
  for (const description of describeOptions()) {
    for (const option of optionsOf(description)) {
      command.addOption(option)
    }
  }
  return command
}

/** What commander read, by the names of the table. */
export function flagsOf (values: Record<string, unknown>): Partial<Record<OptionName, unknown>> {
  return Object.fromEntries(describeOptions().flatMap(description => {
    const value = values[(optionsOf(description)[0] as Option).attributeName()]
    return value === undefined ? [] : [[description.name, value]]
  }))
}

function optionsOf ({ name, flag, environment, expects, help, default: byDefault }: OptionDescription): Option[] {
  const option = optionOf(name)
  const also = `(${isList(option) ? 'repeatable; ' : ''}default: ${byDefault}; ${environment}; key ${name})`
  if (option.type === 'switch') {
    return [new Option(flag, `${help} ${also}`), new Option(flag.replace('--', '--no-'), 'the contrary, over what a file or the environment says')]
  }
  const taken = new Option(`${flag} <${PLACEHOLDERS[option.type] ?? 'text'}>`, `${help}: ${expects} ${also}`)
  return [isList(option) ? taken.argParser((value: string, previous: string[] = []) => [...previous, value]) : taken]
}

const PLACEHOLDERS: Partial<Record<ReturnType<typeof optionOf>['type'], string>> = {
  addresses: 'address', seeds: 'address', networks: 'network', endpoint: 'endpoint', redis: 'address', prefix: 'prefix', folder: 'folder',
  number: 'n', limit: 'n', choice: 'name', choices: 'names', file: 'file', peers: 'id', policy: 'policy'
}
