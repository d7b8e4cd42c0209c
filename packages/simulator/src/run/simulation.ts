/** A simulation from its plan to its folder of results. */
import { systemClock } from '@skein/core/system'
import { failureOf } from './failure.ts'
import { makeManifest, thisMachine } from './manifest.ts'
import { availableMemoryBytes, runsThatFit } from './memory-limit.ts'
import { planId, planJobs } from './plan.ts'
import { curveRow, resultRow } from './result-row.ts'
import { FILES, RunDirectory } from './run-directory.ts'
import { runJobs } from './run-threads.ts'
import type { Clock } from '@skein/core'
import type { Failure } from './failure.ts'
import type { Shard } from './manifest.ts'
import type { Job, Plan } from './plan.ts'
import type { ResultRow } from './result-row.ts'
import type { ScenarioFile } from './scenario-file.ts'
import type { Summary } from './summary.ts'

export interface SimulationInit {
  file: ScenarioFile
  plan: Plan
  /** @default a folder here, named after the plan */
  out?: string
  /**
   * Replaces results that are there
   *
   * @default false
   */
  force?: boolean
  /**
   * Does not ask whether it fits into memory
   *
   * @default false
   */
  forceMemory?: boolean
  /** @default what this machine has free, bytes */
  availableBytes?: number
  /** Runs every n-th job only, for `mergeShards` */
  shard?: Shard
  /** Threads */
  workers: number
  signal: AbortSignal
  clock?: Clock
  onStart?: (start: { folder: string, jobs: number, concurrent: number, workersPerRun: number }) => void
  /** Runs that are done, parts counted */
  onProgress?: (done: number, total: number) => void
  onRun?: (row: ResultRow) => void
  onFailure?: (failure: Failure, file: string | undefined) => void
}

export interface SimulationOutcome {
  folder: string
  /** Not of a shard */
  summary?: Summary
  jobs: number
  done: number
  /** Runs that ended with an error, and runs in which a claim did not hold */
  errors: number
  refuted: number
}

/** Failures beyond these are counted, and have no file. */
const MAX_FAILURE_FILES = 10
/** Errors after which it is stopped: what fails this often is wrong in itself. */
const MAX_ERRORS = 100

export async function simulate (init: SimulationInit): Promise<SimulationOutcome> {
  const { plan, shard, workers } = init
  const clock = init.clock ?? systemClock()
  const startMs = clock.nowMs()
  const jobs = planJobs(plan).filter(({ index }) => shard === undefined || index % shard.of === shard.index)
  const { concurrent, workersPerRun } = spread(init, jobs)
  const directory = new RunDirectory(init.out ?? defaultFolder(plan, shard), init.force === true)
  init.onStart?.({ folder: directory.folder, jobs: jobs.length, concurrent, workersPerRun })

  let done = 0
  let refuted = 0
  const failed: number[] = []
  const writeManifest = (): void => {
    directory.write(FILES.manifest, makeManifest({
      plan, shard, jobs: jobs.length, done, failed, durationMs: Math.round(clock.nowMs() - startMs), machine: thisMachine(workers)
    }))
  }
  writeManifest() // a process that is killed leaves results that say what they are
  await runJobs(jobs, {
    url: init.file.url,
    threads: concurrent,
    workersPerRun,
    signal: init.signal,
    clock,
    giveUp: () => failed.length >= MAX_ERRORS,
    onProgress: done => { init.onProgress?.(done, jobs.length) },
    onResult: result => {
      const row = resultRow(result)
      directory.add(row, curveRow(result))
      done++
      const failure = failureOf(plan, result)
      if (failure?.kind === 'error') {
        failed.push(row.job)
      } else if (failure !== undefined) {
        refuted++
      }
      if (failure !== undefined) {
        const written = failed.length + refuted <= MAX_FAILURE_FILES ? directory.write(`failure-${row.job}.json`, failure) : undefined
        init.onFailure?.(failure, written)
      }
      init.onRun?.(row)
    }
  })

  const outcome = { folder: directory.folder, jobs: jobs.length, done, errors: failed.length, refuted }
  if (shard !== undefined) {
    directory.close()
    writeManifest()
    return outcome
  }
  writeManifest()
  return { ...outcome, summary: await directory.finish(plan) }
}

/** Whole runs first; threads that are left over go to the runs. Fewer at a time where memory wants it: the results are the same. */
function spread ({ file, workers, forceMemory, availableBytes }: SimulationInit, jobs: Job[]): { concurrent: number, workersPerRun: number } {
  const fitting = forceMemory === true ? Infinity : runsThatFit(file.scenario, jobs, availableBytes ?? availableMemoryBytes())
  const concurrent = Math.max(1, Math.min(workers, jobs.length, fitting))
  return { concurrent, workersPerRun: Math.max(1, Math.floor(workers / concurrent)) }
}

function defaultFolder (plan: Plan, shard: Shard | undefined): string {
  const part = shard === undefined ? '' : `-shard-${shard.index}-of-${shard.of}`
  return `skein-${plan.scenario.name}-${planId(plan).slice(0, 8)}${part}`
}

/** One run, again. Nothing is written. */
export async function repeatRun (file: ScenarioFile, plan: Plan, job: Job, init: { workers: number, signal: AbortSignal, clock?: Clock }): Promise<{
  row: ResultRow | undefined
  failure: Failure | undefined
}> {
  let row: ResultRow | undefined
  let failure: Failure | undefined
  await runJobs([job], {
    url: file.url,
    threads: 1,
    workersPerRun: init.workers,
    signal: init.signal,
    clock: init.clock ?? systemClock(),
    onResult: result => {
      row = resultRow(result)
      failure = failureOf(plan, result)
    }
  })
  return { row, failure }
}
