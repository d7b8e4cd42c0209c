/** The effective configuration as YAML, secrets masked, with where each value came from; it can be read back as a file. */
import { Document, isPair, isScalar } from 'yaml'
import { OPTION_NAMES, optionOf } from './option-table.ts'
import { writeValue } from './option-value.ts'
import type { ValueSource } from './config-error.ts'
import type { OptionName } from './option-table.ts'
import type { ResolvedConfig } from './seed-config.ts'

export function printConfig ({ config, sources }: ResolvedConfig): string {
  const values = Object.fromEntries(OPTION_NAMES.map(name => [name, writeValue(optionOf(name), config[name])]))
  const document = new Document(values, { aliasDuplicateObjects: false })
  const pairs = (document.contents as { items?: unknown[] } | null)?.items ?? []
  for (const pair of pairs) {
    if (isPair(pair) && isScalar(pair.key)) {
      pair.key.commentBefore = ` ${placeOf(sources[pair.key.value as OptionName])}`
    }
  }
  return document.toString({ lineWidth: 0 })
}

/** What is logged at the start: the values, without comments. */
export function plainConfig ({ config }: Pick<ResolvedConfig, 'config'>): Record<string, unknown> {
  return Object.fromEntries(OPTION_NAMES.map(name => [name, writeValue(optionOf(name), config[name])]))
}

function placeOf (source: ValueSource): string {
  switch (source.from) {
    case 'flag': return `flag --${source.name}`
    case 'environment': return `environment ${source.name}`
    case 'file': return `file ${source.path}`
    default: return 'default'
  }
}
