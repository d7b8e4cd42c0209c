/** A configuration that cannot be used: which key, which value, and what was expected instead. */

/** Where a value was given. */
export type ValueSource =
  | { from: 'flag', name: string }
  | { from: 'environment', name: string }
  | { from: 'file', name: string, path: string }
  | { from: 'default' }

export class ConfigError extends Error {
  static override name = 'ConfigError'
  override readonly name = 'ConfigError'
  /** The option, or the unknown name */
  readonly key: string
  /** As it was given; masked when it is a secret */
  readonly value: unknown
  readonly expected: string
  readonly source: ValueSource

  constructor (key: string, value: unknown, expected: string, source: ValueSource, options: ErrorOptions = {}) {
    super(`${place(source, value)}: expected ${expected}`, options)
    this.key = key
    this.value = value
    this.expected = expected
    this.source = source
  }
}

/** The configuration file cannot be read, or is no YAML. */
export class ConfigFileError extends Error {
  static override name = 'ConfigFileError'
  override readonly name = 'ConfigFileError'
  readonly path: string

  constructor (path: string, problem: string, options: ErrorOptions = {}) {
    super(`The configuration file ${path} ${problem}`, options)
    this.path = path
  }
}

function place (source: ValueSource, value: unknown): string {
  const shown = value === undefined ? '' : shorten(typeof value === 'string' ? value : JSON.stringify(value))
  switch (source.from) {
    case 'flag': return `--${source.name} ${shown}`.trim()
    case 'environment': return `${source.name}=${shown}`
    case 'file': return `${source.path}: ${source.name}: ${shown}`
    default: return shown
  }
}

function shorten (text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`
}
