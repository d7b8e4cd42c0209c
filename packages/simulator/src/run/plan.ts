/** What is going to be run: every point of the grid with every seed, in one order that does not depend on who runs it. */
import { createHash } from 'node:crypto'
import { countPoints, gridPoints } from '../scenario/option-grid.ts'
import { runSeed } from './run-seeds.ts'
import type { OptionGrid, OptionRecord } from '../scenario/option-grid.ts'
import type { OptionValue } from '../scenario/option-value.ts'
import type { Scenario, ScenarioMetric, ScenarioOption } from '../scenario/scenario.ts'
import type { ScenarioFile } from './scenario-file.ts'

/** One run at one point. */
export interface Job {
  /** 0 to jobs − 1 */
  index: number
  point: number
  run: number
  seed: number
  swept: OptionRecord
  options: OptionRecord
}

/** All that a report needs of a scenario, so that shards can be merged where its file is not. */
export interface ScenarioDescription {
  name: string
  /** As it was asked for: a name, or a path */
  source: string
  sha256: string
  claims: string
  expected: string
  options: Record<string, ScenarioOption>
  metrics: Record<string, ScenarioMetric>
}

/** Plans of the same simulation are equal, byte for byte, on every machine. */
export interface Plan {
  scenario: ScenarioDescription
  /** Of the simulator */
  version: string
  /** Every option that is not swept */
  options: OptionRecord
  sweep: Record<string, OptionValue[]>
  seed: number
  /** Of each point */
  runs: number
  /** By number of the run */
  seeds: number[]
}

/** More than can be held; a simulation of this size is several. */
export const MAX_JOBS = 100_000

export class TooManyRunsError extends Error {
  static override name = 'TooManyRunsError'
  override readonly name = 'TooManyRunsError'
  readonly jobs: number
  readonly max: number

  constructor (jobs: number) {
    super(`${jobs} runs were asked for; ${MAX_JOBS} is the most. Sweep over fewer values, or split it into several simulations`)
    this.jobs = jobs
    this.max = MAX_JOBS
  }
}

export function makePlan (file: ScenarioFile, grid: OptionGrid, init: { version: string, seed: number, runs: number }): Plan {
  const jobs = countPoints(grid) * init.runs
  if (jobs > MAX_JOBS) {
    throw new TooManyRunsError(jobs)
  }
  return {
    scenario: describe(file),
    version: init.version,
    ...grid,
    seed: init.seed,
    runs: init.runs,
    seeds: Array.from({ length: init.runs }, (_, run) => runSeed(init.seed, run))
  }
}

function describe ({ scenario, source, sha256 }: ScenarioFile): ScenarioDescription {
  const { name, claims, expected, options, metrics } = scenario as Scenario
  return { name, source, sha256, claims, expected, options, metrics }
}

/** Points first, so that what is done when it is stopped are whole points. */
export function planJobs (plan: Plan): Job[] {
  return gridPoints(plan.scenario, plan).flatMap(({ swept, options }, point) => plan.seeds.map((seed, run) =>
    ({ index: point * plan.runs + run, point, run, seed, swept, options })))
}

/** Names what is simulated, for a folder, and to tell whether shards belong together; where the scenario's file lies makes no difference. */
export function planId (plan: Plan): string {
  const { source: _, ...scenario } = plan.scenario
  return createHash('sha256').update(JSON.stringify({ ...plan, scenario })).digest('hex').slice(0, 16)
}
