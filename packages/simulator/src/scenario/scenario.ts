/** What a scenario is: a typed description of what is claimed, what can be set, what is measured, and the function that runs it once. */

export type ScenarioOption =
  /** A whole number; `1e6` and `100K`, `10M`, `1B` are read too */
  | { type: 'count', default: number, min: number, max: number, help: string }
  | { type: 'number', default: number, min: number, max: number, unit: string, help: string }
  | { type: 'choice', default: string, choices: readonly string[], help: string }
  | { type: 'switch', default: boolean, help: string }

export type ScenarioOptions = Record<string, ScenarioOption>

/** The values a run is given, by the table of options. */
export type OptionValues<O extends ScenarioOptions> = {
  [K in keyof O]: O[K] extends { type: 'choice', choices: ReadonlyArray<infer C> } ? C : O[K] extends { type: 'switch' } ? boolean : number
}

export interface ScenarioMetric {
  /** `ms`, `B/s`, `hops`, `share` (0 to 1), `count`, … */
  unit: string
  help: string
}

export interface Scenario<O extends ScenarioOptions = ScenarioOptions, M extends Record<string, ScenarioMetric> = Record<string, ScenarioMetric>> {
  /** As on the command line: `lookup-depth` */
  name: string
  /** What it claims, in a sentence or two, with the source of the numbers it is compared with */
  claims: string
  /** What is expected to come out */
  expected: string
  options: O
  metrics: M
  /** The values with which CI runs it: seconds, not minutes */
  small: Partial<OptionValues<O>>
  /** The memory that a run with these options takes, bytes; a run that does not fit is refused before it starts */
  estimateMemoryBytes?: (options: OptionValues<O>) => number
  /** One run. Must depend on nothing but its context */
  run: (context: RunContext<O, M>) => Promise<void> | void
}

export interface RunContext<O extends ScenarioOptions = ScenarioOptions, M extends Record<string, ScenarioMetric> = Record<string, ScenarioMetric>> {
  readonly options: OptionValues<O>
  /** Of this run; every random number is a hash of it */
  readonly seed: number
  /** Threads that this run may use; what comes out must not depend on it */
  readonly workers: number
  readonly signal: AbortSignal
  /** How far the run is; as often as it likes. Throws the signal's reason once that has fired */
  progress: (done: number, total: number) => void
  /** The value of a metric of this run, once for each metric */
  record: (metric: keyof M & string, value: number) => void
  /** A curve for the report, such as reach by round; at most 2,000 points are kept */
  series: (name: string, points: Iterable<readonly [x: number, y: number]>, axes: { x: string, y: string }) => void
  /** The distribution of a quantity for the report; kept as 200 quantiles */
  distribution: (name: string, values: ArrayLike<number>, unit: string) => void
  /**
   * A table for the terminal and the report, such as a figure beside what a document says of it. Shown of the first run at each point,
   * since texts have no mean. At most 10 tables, 12 columns, 100 rows and 200 characters in a cell
   */
  table: (name: string, columns: readonly string[], rows: ReadonlyArray<readonly string[]>) => void
  /** What the scenario claims, checked: shown in the report, and a run in CI fails by it */
  check: (claim: string, holds: boolean, found: string) => void
}

/** Gives a scenario its types: `export default defineScenario({ … })`. */
export function defineScenario<const O extends ScenarioOptions, const M extends Record<string, ScenarioMetric>> (
  scenario: Scenario<O, M>
): Scenario<O, M> {
  return scenario
}
