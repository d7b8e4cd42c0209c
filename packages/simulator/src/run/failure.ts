/** A run that failed, by an error or by a claim that did not hold, with all that it takes to repeat it. */
import type { OptionRecord } from '../scenario/option-grid.ts'
import type { CheckResult } from '../scenario/run-recorder.ts'
import type { Plan } from './plan.ts'
import type { JobResult } from './run-threads.ts'

export interface Failure {
  kind: 'error' | 'check'
  scenario: { name: string, source: string, sha256: string }
  version: string
  job: number
  run: number
  seed: number
  /** Every option */
  options: OptionRecord
  error?: { name: string, message: string, stack: string }
  /** Those that did not hold */
  checks?: CheckResult[]
}

/** `undefined` when nothing failed. */
export function failureOf (plan: Plan, { job, outcome }: JobResult): Failure | undefined {
  const { name, source, sha256 } = plan.scenario
  const run = { scenario: { name, source, sha256 }, version: plan.version, job: job.index, run: job.run, seed: job.seed, options: job.options }
  if (outcome.type === 'failed') {
    return { kind: 'error', ...run, error: outcome.problem }
  }
  const checks = outcome.record.checks.filter(({ holds }) => !holds)
  return checks.length === 0 ? undefined : { kind: 'check', ...run, checks }
}

/** Whether two failures are the same one. Stacks differ with the places where the files lie. */
export function sameFailure (a: Failure, b: Failure): boolean {
  const essence = ({ kind, error, checks }: Failure): string => JSON.stringify([kind, error?.name, error?.message, checks])
  return essence(a) === essence(b)
}
