/** What a scenario tells of one run, taken down and checked: metrics, checks, curves and distributions within their bounds. */
import type { ScenarioMetric } from './scenario.ts'

/** A curve keeps this many points: evenly spaced ones, and the last. */
export const SERIES_POINTS = 2_000
export const DISTRIBUTION_QUANTILES = 200
/** Different curves, distributions, or checks of one run; a scenario that makes more has put a variable into a name. */
const MAX_NAMES = 100
const MAX_TEXT = 500
/** A table is read, not searched: what is larger belongs into metrics and sweeps. */
const MAX_TABLES = 10
const MAX_COLUMNS = 12
const MAX_ROWS = 100
const MAX_CELL = 200

export interface CheckResult {
  claim: string
  holds: boolean
  found: string
}

export interface Series {
  name: string
  x: string
  y: string
  points: Array<[x: number, y: number]>
}

export interface Distribution {
  name: string
  unit: string
  /** From the smallest value to the largest, at equal shares of the values */
  quantiles: number[]
}

export interface Table {
  name: string
  columns: string[]
  /** As many cells as there are columns */
  rows: string[][]
}

export interface RunRecord {
  metrics: Record<string, number>
  checks: CheckResult[]
  series: Series[]
  distributions: Distribution[]
  tables: Table[]
}

/** The scenario's own mistake: a metric that it does not declare, a value that is no number, a name used twice. */
export class ScenarioMistakeError extends Error {
  static override name = 'ScenarioMistakeError'
  override readonly name = 'ScenarioMistakeError'
  readonly scenario: string

  constructor (scenario: string, mistake: string) {
    super(`The scenario ${scenario} ${mistake}`)
    this.scenario = scenario
  }
}

export class RunRecorder {
  private readonly scenario: { name: string, metrics: Record<string, ScenarioMetric> }
  private readonly metrics = new Map<string, number>()
  private readonly checks: CheckResult[] = []
  private readonly kept = new Map<string, Series>()
  private readonly distributions = new Map<string, Distribution>()
  private readonly tables = new Map<string, Table>()

  constructor (scenario: { name: string, metrics: Record<string, ScenarioMetric> }) {
    this.scenario = scenario
  }

  record (metric: string, value: number): void {
    if (!Object.hasOwn(this.scenario.metrics, metric)) {
      throw this.mistake(`records "${metric}", which is none of its metrics: ${Object.keys(this.scenario.metrics).join(', ')}`)
    }
    if (this.metrics.has(metric)) {
      throw this.mistake(`records ${metric} twice in one run`)
    }
    this.metrics.set(metric, this.finite(`metric ${metric}`, value))
  }

  series (name: string, points: Iterable<readonly [number, number]>, axes: { x: string, y: string }): void {
    const all = Array.from(points, ([x, y]): [number, number] => [this.finite(`curve ${name}`, x), this.finite(`curve ${name}`, y)])
    const step = Math.ceil(all.length / SERIES_POINTS)
    const thinned = step <= 1 ? all : all.filter((_, i) => i % step === 0 && i < all.length - 1).slice(0, SERIES_POINTS - 1).concat([all.at(-1)!])
    this.add(this.kept, 'curve', { name, x: axes.x, y: axes.y, points: thinned })
  }

  distribution (name: string, values: ArrayLike<number>, unit: string): void {
    if (values.length === 0) {
      throw this.mistake(`gives the distribution ${name} no values`)
    }
    const sorted = Float64Array.from(values).sort() // numbers by size, NaN last
    this.finite(`distribution ${name}`, sorted.at(-1)!)
    this.finite(`distribution ${name}`, sorted[0]!)
    const quantiles = Array.from({ length: DISTRIBUTION_QUANTILES }, (_, i) => quantile(sorted, i / (DISTRIBUTION_QUANTILES - 1)))
    this.add(this.distributions, 'distribution', { name, unit, quantiles })
  }

  table (name: string, columns: readonly string[], rows: ReadonlyArray<readonly string[]>): void {
    if (columns.length === 0 || columns.length > MAX_COLUMNS || rows.length > MAX_ROWS || this.tables.size === MAX_TABLES) {
      throw this.mistake(`gives more than ${MAX_TABLES} tables, or the table ${name} not 1 to ${MAX_COLUMNS} columns, or more than ${MAX_ROWS} rows`)
    }
    if (rows.some(row => row.length !== columns.length)) {
      throw this.mistake(`gives the table ${name} a row that has not ${columns.length} cells`)
    }
    const cut = (cells: readonly string[]): string[] => cells.map(cell => cell.slice(0, MAX_CELL))
    this.add(this.tables, 'table', { name: name.slice(0, MAX_CELL), columns: cut(columns), rows: rows.map(cut) })
  }

  check (claim: string, holds: boolean, found: string): void {
    if (this.checks.some(check => check.claim === claim)) {
      throw this.mistake(`checks "${claim}" twice in one run`)
    }
    if (this.checks.length === MAX_NAMES) {
      throw this.mistake(`makes more than ${MAX_NAMES} checks in one run`)
    }
    this.checks.push({ claim: claim.slice(0, MAX_TEXT), holds, found: found.slice(0, MAX_TEXT) })
  }

  /** Call when the run has ended. Every metric has to be there. */
  finish (): RunRecord {
    const missing = Object.keys(this.scenario.metrics).filter(name => !this.metrics.has(name))
    if (missing.length > 0) {
      throw this.mistake(`did not record ${missing.join(', ')}`)
    }
    return {
      metrics: Object.fromEntries(Object.keys(this.scenario.metrics).map(name => [name, this.metrics.get(name)!])),
      checks: this.checks,
      series: [...this.kept.values()],
      distributions: [...this.distributions.values()],
      tables: [...this.tables.values()]
    }
  }

  private add <T extends { name: string }> (kept: Map<string, T>, what: string, value: T): void {
    if (kept.has(value.name)) {
      throw this.mistake(`gives the ${what} ${value.name} twice in one run`)
    }
    if (kept.size === MAX_NAMES) {
      throw this.mistake(`gives more than ${MAX_NAMES} of a ${what} in one run`)
    }
    kept.set(value.name, value)
  }

  private finite (what: string, value: number): number {
    if (!Number.isFinite(value)) {
      throw this.mistake(`gives ${what} the value ${value}`)
    }
    return value + 0 // JSON has no −0, and what is read back has to be what was written
  }

  private mistake (text: string): ScenarioMistakeError {
    return new ScenarioMistakeError(this.scenario.name, text)
  }
}

/** Between the values at either side, in proportion. */
function quantile (sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return low + (high - low) * (at - below) + 0
}
