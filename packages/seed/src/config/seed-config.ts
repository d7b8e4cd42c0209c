/** Puts the configuration of a command together: flag before environment before file before default, each value with where it came from. */
import { isMap, parseDocument } from 'yaml'
import { ConfigError, ConfigFileError } from './config-error.ts'
import { configVariableOf, flagIn, optionIn, SEED_TABLE, variableIn } from './option-table.ts'
import { expectation, readValue, writeValue } from './option-value.ts'
import type { ValueSource } from './config-error.ts'
import type { ConfigOf, OptionTable, SEED_OPTIONS, SeedOption } from './option-table.ts'

export interface GivenConfig {
  /** By option name; text, texts, or for a switch a boolean. Names that are no options are not looked at */
  flags?: Partial<Record<string, unknown>>
  environment?: Record<string, string | undefined>
  file?: { path: string, text: string }
  /** What `~` stands for */
  home?: string
}

export interface ResolvedConfig<O extends Record<string, SeedOption> = typeof SEED_OPTIONS> {
  config: ConfigOf<O>
  sources: Record<keyof O, ValueSource>
}

/** Largest configuration file, bytes. */
export const MAX_CONFIG_FILE_BYTES = 65_536

/**
 * @throws {ConfigError} naming the key, the value and what is expected
 * @throws {ConfigFileError} when the file is no YAML
 */
export function resolveConfig (given?: GivenConfig): ResolvedConfig
export function resolveConfig<O extends Record<string, SeedOption>> (given: GivenConfig, table: OptionTable<O>): ResolvedConfig<O>
export function resolveConfig (given: GivenConfig = {}, table: OptionTable = SEED_TABLE): ResolvedConfig<Record<string, SeedOption>> {
  const names = Object.keys(table.options)
  const environment = given.environment ?? {}
  const inFile = given.file == null ? {} : parseFile(given.file)
  checkNames(Object.keys(inFile), names, name => ({ from: 'file', name, path: given.file?.path ?? '' }))
  checkNames(
    Object.keys(environment).filter(name => name.startsWith(table.environmentPrefix) && table.foreign?.test(name) !== true),
    [configVariableOf(table), ...names.map(name => variableIn(table, name))],
    name => ({ from: 'environment', name })
  )

  const config: Record<string, unknown> = {}
  const sources: Record<string, ValueSource> = {}
  for (const name of names) {
    const [value, source] = find(table, name, given.flags ?? {}, environment, inFile, given.file?.path ?? '')
    const read = source.from === 'default' ? value : readValue(name, value, source, table)
    config[name] = isPath(table, name) && read !== undefined ? expandHome(read as string, given.home) : copy(read)
    sources[name] = source
  }
  return { config: config as ConfigOf<Record<string, SeedOption>>, sources }
}

function find (
  table: OptionTable,
  name: string,
  flags: Partial<Record<string, unknown>>,
  environment: Record<string, string | undefined>,
  inFile: Record<string, unknown>,
  path: string
): [unknown, ValueSource] {
  const option = optionIn(table, name)
  if (flags[name] !== undefined) {
    return [flags[name], { from: 'flag', name: flagIn(table, name) }]
  }
  for (const variable of [variableIn(table, name), option.alsoEnvironment]) {
    // an empty variable is how many a supervisor says "not set"
    if (variable != null && (environment[variable] ?? '') !== '') {
      return [environment[variable], { from: 'environment', name: variable }]
    }
  }
  if (inFile[name] != null) {
    return [inFile[name], { from: 'file', name, path }]
  }
  return [option.default, { from: 'default' }]
}

function parseFile ({ path, text }: { path: string, text: string }): Record<string, unknown> {
  if (text.length > MAX_CONFIG_FILE_BYTES) {
    throw new ConfigFileError(path, `is larger than ${MAX_CONFIG_FILE_BYTES} bytes`)
  }
  const document = parseDocument(text, { uniqueKeys: true })
  const [problem] = document.errors
  if (problem != null) {
    throw new ConfigFileError(path, `is not valid YAML: ${problem.message.split('\n')[0]}`, { cause: problem })
  }
  if (document.contents == null) {
    return {}
  }
  if (!isMap(document.contents)) {
    throw new ConfigFileError(path, 'does not hold options: expected lines such as "region: eu-west"')
  }
  try {
    return document.toJS({ maxAliasCount: 10 }) as Record<string, unknown>
  } catch (error) {
    throw new ConfigFileError(path, `cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function checkNames (names: string[], known: readonly string[], source: (name: string) => ValueSource): void {
  for (const name of names) {
    if (!known.includes(name)) {
      const meant = known.find(candidate => plain(candidate) === plain(name))
      throw new ConfigError(name, undefined, meant == null ? `one of the known names ${known.join(', ')}` : `the name ${meant}`, source(name))
    }
  }
}

/** Without what is written in different ways: `max-connections`, `max_connections`. */
function plain (name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '').replace(/s$/, '')
}

function isPath (table: OptionTable, name: string): boolean {
  return ['folder', 'file'].includes(optionIn(table, name).type)
}

function expandHome (folder: string, home: string | undefined): string {
  return home != null && /^~(\/|$)/.test(folder) ? `${home}${folder.slice(1)}` : folder
}

function copy (value: unknown): unknown {
  return Array.isArray(value) ? [...value as unknown[]] : value
}

export interface OptionDescription {
  name: string
  flag: string
  environment: string
  expects: string
  help: string
  default: string
}

/** The table for a person: help and documentation are made of it. */
export function describeOptions (table: OptionTable = SEED_TABLE): OptionDescription[] {
  return Object.keys(table.options).map(name => {
    const option = optionIn(table, name)
    const byDefault = Array.isArray(option.default) ? option.default.join(', ') : String(writeValue(option, option.default) ?? '')
    return {
      name,
      flag: `--${flagIn(table, name)}`,
      environment: variableIn(table, name),
      expects: expectation(option),
      help: option.help,
      default: byDefault === '' ? 'none' : byDefault
    }
  })
}
