/** What all runs came to: for each point of the grid, each metric with its confidence interval, and how often each claim held. */
import { gridPoints } from '../scenario/option-grid.ts'
import { estimate } from './student-t.ts'
import type { OptionRecord } from '../scenario/option-grid.ts'
import type { Table } from '../scenario/run-recorder.ts'
import type { Plan } from './plan.ts'
import type { ResultRow } from './result-row.ts'
import type { Estimate } from './student-t.ts'

export interface MetricSummary extends Estimate {
  unit: string
}

export interface CheckSummary {
  claim: string
  /** Runs in which it held, of those in which it was checked */
  held: number
  runs: number
  /** Of the first run in which it did not hold, or else of the first run */
  found: string
}

export interface PointSummary {
  /** The swept options */
  point: OptionRecord
  metrics: Record<string, MetricSummary>
  checks: CheckSummary[]
  /** Of the first run, if it made any */
  tables?: Table[]
  /** Runs that ended with an error */
  failed: number
}

export interface Summary {
  scenario: string
  version: string
  options: OptionRecord
  seed: number
  /** Of each point */
  runs: number
  /** Whether every run was made, be it with an error */
  complete: boolean
  points: PointSummary[]
}

/** @param rows in the order of their jobs */
export function summarize (plan: Plan, rows: readonly ResultRow[], jobs: number): Summary {
  const byPoint = Map.groupBy(rows, ({ job }) => Math.floor(job / plan.runs))
  return {
    scenario: plan.scenario.name,
    version: plan.version,
    options: plan.options,
    seed: plan.seed,
    runs: plan.runs,
    complete: rows.length === jobs,
    points: gridPoints(plan.scenario, plan).map(({ swept }, at) => summarizePoint(plan, swept, byPoint.get(at) ?? []))
  }
}

function summarizePoint (plan: Plan, point: OptionRecord, rows: ResultRow[]): PointSummary {
  const tables = rows.find(row => row.tables !== undefined)?.tables
  const done = rows.map(({ metrics }) => metrics).filter(metrics => metrics !== undefined)
  return {
    point,
    metrics: done.length === 0
      ? {}
      : Object.fromEntries(Object.entries(plan.scenario.metrics).map(([name, { unit }]) =>
          [name, { ...estimate(done.map(metrics => metrics[name]!)), unit }])),
    checks: [...Map.groupBy(rows.flatMap(({ checks }) => checks ?? []), check => check.claim)].map(([claim, results]) => ({
      claim,
      held: results.filter(({ holds }) => holds).length,
      runs: results.length,
      found: (results.find(({ holds }) => !holds) ?? results[0]!).found
    })),
    ...tables === undefined ? {} : { tables },
    failed: rows.filter(({ error }) => error !== undefined).length
  }
}
