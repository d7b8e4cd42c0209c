/** What is asked for, as values: the options of all runs, and the grid of points that the sweeps span. */
import { optionOf, OptionValueError, parseOptionValue } from './option-value.ts'
import type { OptionValue } from './option-value.ts'
import type { ScenarioOptions } from './scenario.ts'

export type OptionRecord = Record<string, OptionValue>

/** One point of the grid. */
export interface GridPoint {
  /** The swept options alone */
  swept: OptionRecord
  /** Every option */
  options: OptionRecord
}

export interface OptionGrid {
  /** Every option that is not swept, in the order of the scenario's table */
  options: OptionRecord
  sweep: Record<string, OptionValue[]>
}

export interface GridRequest {
  /** Texts by name of option */
  set?: Record<string, string>
  sweep?: Record<string, string[]>
  /**
   * Starts from the scenario's small values
   *
   * @default false
   */
  small?: boolean
}

/** An option was given more than once, so that it is not clear which value counts. */
export class OptionTwiceError extends Error {
  static override name = 'OptionTwiceError'
  override readonly name = 'OptionTwiceError'
  readonly option: string

  constructor (option: string) {
    super(`${option} is given twice: set it or sweep it, once`)
    this.option = option
  }
}

/** Reads the texts. Throws `UnknownOptionError`, `OptionValueError`, `OptionTwiceError`. */
export function readGrid (scenario: { name: string, options: ScenarioOptions, small: object }, request: GridRequest): OptionGrid {
  const small = request.small === true ? scenario.small as OptionRecord : {}
  const given = Object.entries(request.set ?? {}).map(([name, text]) => [name, parseOptionValue(name, optionOf(scenario, name), text)] as const)
  const sweep = Object.fromEntries(Object.entries(request.sweep ?? {}).map(([name, texts]) => [name, readSweep(scenario, name, texts)]))
  for (const [name] of given) {
    if (Object.hasOwn(sweep, name)) {
      throw new OptionTwiceError(name)
    }
  }
  const defaults = Object.entries(scenario.options).map(([name, option]) => [name, small[name] ?? option.default] as const)
  const all: OptionRecord = { ...Object.fromEntries(defaults), ...Object.fromEntries(given) }
  return { options: Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(sweep, name))), sweep }
}

function readSweep (scenario: { name: string, options: ScenarioOptions }, name: string, texts: string[]): OptionValue[] {
  const option = optionOf(scenario, name)
  const values = texts.map(text => parseOptionValue(name, option, text))
  if (values.length === 0) {
    throw new OptionValueError(name, '', 'at least one value to sweep over')
  }
  if (new Set(values).size < values.length) {
    throw new OptionValueError(name, texts.join(','), 'each value once')
  }
  return values
}

/** How many points the grid has; cheap, whatever its size. */
export function countPoints (grid: OptionGrid): number {
  return Object.values(grid.sweep).reduce((product, values) => product * values.length, 1)
}

/** The points in order: the last sweep changes fastest. */
export function gridPoints (scenario: { options: ScenarioOptions }, grid: OptionGrid): GridPoint[] {
  let combinations: OptionRecord[] = [{}]
  for (const [name, values] of Object.entries(grid.sweep)) {
    combinations = combinations.flatMap(combination => values.map(value => ({ ...combination, [name]: value })))
  }
  const names = Object.keys(scenario.options)
  return combinations.map(swept => ({ swept, options: Object.fromEntries(names.map(name => [name, swept[name] ?? grid.options[name]!])) }))
}
