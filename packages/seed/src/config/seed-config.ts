/** Puts the configuration of a seed together: flag before environment before file before default, each value with where it came from. */
import { isMap, parseDocument } from 'yaml'
import { ConfigError, ConfigFileError } from './config-error.ts'
import { CONFIG_VARIABLE, ENVIRONMENT_PREFIX, environmentOf, flagOf, OPTION_NAMES, optionOf } from './option-table.ts'
import { expectation, readValue } from './option-value.ts'
import type { ValueSource } from './config-error.ts'
import type { OptionName, SeedConfig } from './option-table.ts'

export interface GivenConfig {
  /** By option name; text, texts, or for a switch a boolean. Names that are no options are not looked at */
  flags?: Partial<Record<string, unknown>>
  environment?: Record<string, string | undefined>
  file?: { path: string, text: string }
  /** What `~` stands for */
  home?: string
}

export interface ResolvedConfig {
  config: SeedConfig
  sources: Record<OptionName, ValueSource>
}

/** Largest configuration file, bytes. */
export const MAX_CONFIG_FILE_BYTES = 65_536
/** What Kubernetes sets for services that are called `skein-seed` and `skein-seed-redis`. */
const NOT_OURS = /^SKEIN_SEED_(?:REDIS_)?(SERVICE_(HOST|PORT)(_.*)?|PORT(_.*)?)$/

/**
 * @throws {ConfigError} naming the key, the value and what is expected
 * @throws {ConfigFileError} when the file is no YAML
 */
export function resolveConfig (given: GivenConfig = {}): ResolvedConfig {
  const environment = given.environment ?? {}
  const inFile = given.file == null ? {} : parseFile(given.file)
  checkNames(Object.keys(inFile), OPTION_NAMES, name => ({ from: 'file', name, path: given.file?.path ?? '' }))
  checkNames(
    Object.keys(environment).filter(name => name.startsWith(ENVIRONMENT_PREFIX) && !NOT_OURS.test(name)),
    [CONFIG_VARIABLE, ...OPTION_NAMES.map(environmentOf)],
    name => ({ from: 'environment', name })
  )

  const config: Record<string, unknown> = {}
  const sources: Partial<Record<OptionName, ValueSource>> = {}
  for (const name of OPTION_NAMES) {
    const [value, source] = find(name, given.flags ?? {}, environment, inFile, given.file?.path ?? '')
    const read = source.from === 'default' ? value : readValue(name, value, source)
    config[name] = isPath(name) && read !== undefined ? expandHome(read as string, given.home) : copy(read)
    sources[name] = source
  }
  return { config: config as SeedConfig, sources: sources as Record<OptionName, ValueSource> }
}

function find (
  name: OptionName,
  flags: Partial<Record<string, unknown>>,
  environment: Record<string, string | undefined>,
  inFile: Record<string, unknown>,
  path: string
): [unknown, ValueSource] {
  const option = optionOf(name)
  if (flags[name] !== undefined) {
    return [flags[name], { from: 'flag', name: flagOf(name) }]
  }
  for (const variable of [environmentOf(name), option.alsoEnvironment]) {
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

function isPath (name: OptionName): boolean {
  return ['folder', 'file'].includes(optionOf(name).type)
}

function expandHome (folder: string, home: string | undefined): string {
  return home != null && /^~(\/|$)/.test(folder) ? `${home}${folder.slice(1)}` : folder
}

function copy (value: unknown): unknown {
  return Array.isArray(value) ? [...value as unknown[]] : value
}

export interface OptionDescription {
  name: OptionName
  flag: string
  environment: string
  expects: string
  help: string
  default: string
}

/** The table for a person: help and documentation are made of it. */
export function describeOptions (): OptionDescription[] {
  return OPTION_NAMES.map(name => {
    const option = optionOf(name)
    const byDefault = Array.isArray(option.default) ? option.default.join(', ') : String(option.default ?? '')
    return {
      name,
      flag: `--${flagOf(name)}`,
      environment: environmentOf(name),
      expects: expectation(option),
      help: option.help,
      default: byDefault === '' ? 'none' : byDefault
    }
  })
}
