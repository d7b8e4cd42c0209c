/** The values of a scenario's options: read from text, checked against the table, and written again. */
import { nearestName } from './nearest-name.ts'
import type { ScenarioOption, ScenarioOptions } from './scenario.ts'

export type OptionValue = number | string | boolean

/** There is no such option. */
export class UnknownOptionError extends Error {
  static override name = 'UnknownOptionError'
  override readonly name = 'UnknownOptionError'
  readonly option: string
  readonly nearest: string | undefined
  readonly known: string[]

  constructor (option: string, scenario: string, known: string[]) {
    const nearest = nearestName(option, known)
    super(`${scenario} has no option "${option}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`} It has: ${known.join(', ')}`)
    this.option = option
    this.nearest = nearest
    this.known = known
  }
}

/** A value that the option does not take. */
export class OptionValueError extends Error {
  static override name = 'OptionValueError'
  override readonly name = 'OptionValueError'
  readonly option: string
  readonly value: string
  readonly expected: string

  constructor (option: string, value: string, expected: string) {
    super(`${option}=${value}: expected ${expected}`)
    this.option = option
    this.value = value
    this.expected = expected
  }
}

const SUFFIXES: Record<string, number> = { K: 1e3, M: 1e6, B: 1e9, G: 1e9, T: 1e12 }

export function optionOf (scenario: { name: string, options: ScenarioOptions }, name: string): ScenarioOption {
  const option = Object.hasOwn(scenario.options, name) ? scenario.options[name] : undefined
  if (option === undefined) {
    throw new UnknownOptionError(name, scenario.name, Object.keys(scenario.options))
  }
  return option
}

/** Throws `OptionValueError`. */
export function parseOptionValue (name: string, option: ScenarioOption, text: string): OptionValue {
  const value = readValue(option, text.trim())
  if (value === undefined) {
    throw new OptionValueError(name, text, `${describeExpected(option)}${guess(option, text)}`)
  }
  return value
}

function readValue (option: ScenarioOption, text: string): OptionValue | undefined {
  switch (option.type) {
    case 'count': {
      const value = parseCount(text)
      return value !== undefined && value >= option.min && value <= option.max ? value : undefined
    }
    case 'number': {
      const value = text === '' ? NaN : Number(text)
      return value >= option.min && value <= option.max ? value : undefined
    }
    case 'choice':
      return option.choices.includes(text) ? text : undefined
    case 'switch':
      return text === 'true' || text === 'on' ? true : text === 'false' || text === 'off' ? false : undefined
  }
}

function guess (option: ScenarioOption, text: string): string {
  const nearest = option.type === 'choice' ? nearestName(text, option.choices) : undefined
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`
}

/** `1000`, `1e6`, `1_000_000`, `100K`, `10M`, `1.5B`; `undefined` when it is not a whole number of 0 or more. */
export function parseCount (text: string): number | undefined {
  const [, digits, suffix] = /^(\d[\d_]*(?:\.\d+)?(?:e\+?\d+)?)([KMBGT])?$/i.exec(text) ?? []
  if (digits === undefined) {
    return undefined
  }
  const value = Number(digits.replaceAll('_', '')) * (suffix === undefined ? 1 : SUFFIXES[suffix.toUpperCase()]!)
  const whole = Math.round(value)
  // 1.1K is 1100.0000000000002 as a product, and meant to be whole
  return Number.isSafeInteger(whole) && Math.abs(value - whole) <= whole * 1e-12 ? whole : undefined
}

/** What the option takes, for messages and help. */
export function describeExpected (option: ScenarioOption): string {
  switch (option.type) {
    case 'count': return `a whole number from ${formatCount(option.min)} to ${formatCount(option.max)}`
    case 'number': return `a number from ${option.min} to ${option.max}${option.unit === '' ? '' : ` ${option.unit}`}`
    case 'choice': return `one of ${option.choices.join(', ')}`
    case 'switch': return 'true or false'
  }
}

/** 1000000 → `1M`, as it can be read again. */
export function formatCount (value: number): string {
  for (const [suffix, factor] of [['T', 1e12], ['B', 1e9], ['M', 1e6], ['K', 1e3]] as const) {
    if (value >= factor && Number.isInteger(value / factor * 1000) && String(value / factor).length <= 5) {
      return `${value / factor}${suffix}`
    }
  }
  return String(value)
}

export function formatOptionValue (option: ScenarioOption, value: OptionValue): string {
  return option.type === 'count' ? formatCount(value as number) : String(value)
}
