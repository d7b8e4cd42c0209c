/** The lines of `results.jsonl` and `curves.jsonl`: what one run came to, and its curves. */
import type { OptionRecord } from '../scenario/option-grid.ts'
import type { CheckResult, Distribution, Series, Table } from '../scenario/run-recorder.ts'
import type { JobResult } from './run-threads.ts'

export interface ResultRow {
  job: number
  /** The swept options */
  point: OptionRecord
  run: number
  seed: number
  /** None when the run failed */
  metrics?: Record<string, number>
  checks?: CheckResult[]
  /** Of the first run at a point, if it made any */
  tables?: Table[]
  error?: { name: string, message: string }
}

export interface CurveRow {
  job: number
  series: Series[]
  distributions: Distribution[]
}

export function resultRow ({ job, outcome }: JobResult): ResultRow {
  const row = { job: job.index, point: job.swept, run: job.run, seed: job.seed }
  if (outcome.type === 'failed') {
    return { ...row, error: { name: outcome.problem.name, message: outcome.problem.message } }
  }
  const { metrics, checks, tables } = outcome.record
  return { ...row, metrics, checks, ...job.run === 0 && tables.length > 0 ? { tables } : {} }
}

/** `undefined` when the run drew none. */
export function curveRow ({ job, outcome }: JobResult): CurveRow | undefined {
  if (outcome.type === 'failed' || outcome.record.series.length + outcome.record.distributions.length === 0) {
    return undefined
  }
  return { job: job.index, series: outcome.record.series, distributions: outcome.record.distributions }
}

/** `results.csv`: one line a run, as RFC 4180 has it. */
export function csvTable (rows: readonly ResultRow[], swept: readonly string[], metrics: readonly string[]): string {
  const header = ['job', ...swept, 'run', 'seed', ...metrics, 'checks_failed', 'error']
  const lines = rows.map(({ job, point, run, seed, metrics: values, checks, error }) => [
    job,
    ...swept.map(name => point[name] ?? ''),
    run,
    seed,
    ...metrics.map(name => values?.[name] ?? ''),
    checks === undefined ? '' : checks.filter(check => !check.holds).length,
    error === undefined ? '' : `${error.name}: ${error.message}`
  ])
  return [header, ...lines].map(line => `${line.map(quote).join(',')}\r\n`).join('')
}

function quote (value: string | number | boolean): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
