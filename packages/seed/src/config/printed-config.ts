/** The effective configuration as YAML, secrets masked, with where each value came from; it can be read back as a file. */
import { Document, isPair, isScalar } from 'yaml'
import { optionIn, SEED_TABLE } from './option-table.ts'
import { writeValue } from './option-value.ts'
import type { ValueSource } from './config-error.ts'
import type { OptionTable } from './option-table.ts'

export interface PrintedConfig {
  config: Record<string, unknown>
  sources: Record<string, ValueSource>
}

export function printConfig ({ config, sources }: PrintedConfig, table: OptionTable = SEED_TABLE): string {
  const values = plainConfig({ config }, table)
  const document = new Document(values, { aliasDuplicateObjects: false })
  const pairs = (document.contents as { items?: unknown[] } | null)?.items ?? []
  for (const pair of pairs) {
    if (isPair(pair) && isScalar(pair.key)) {
      pair.key.commentBefore = ` ${placeOf(sources[pair.key.value as string] as ValueSource)}`
    }
  }
  return document.toString({ lineWidth: 0 })
}

/** What is logged at the start: the values, without comments. */
export function plainConfig ({ config }: Pick<PrintedConfig, 'config'>, table: OptionTable = SEED_TABLE): Record<string, unknown> {
  return Object.fromEntries(Object.keys(table.options).map(name => [name, writeValue(optionIn(table, name), config[name])]))
}

function placeOf (source: ValueSource): string {
  switch (source.from) {
    case 'flag': return `flag --${source.name}`
    case 'environment': return `environment ${source.name}`
    case 'file': return `file ${source.path}`
    default: return 'default'
  }
}
