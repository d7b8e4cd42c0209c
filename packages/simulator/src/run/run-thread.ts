/** The thread in which runs happen: it loads the scenario once, and then takes one run after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { RunRecorder } from '../scenario/run-recorder.ts'
import { ProgressCell } from './progress-cell.ts'
import { importScenario } from './scenario-file.ts'
import type { RunRecord } from '../scenario/run-recorder.ts'
import type { RunContext, Scenario } from '../scenario/scenario.ts'
import type { Job } from './plan.ts'

export interface RunThreadData {
  url: string
  cell: SharedArrayBuffer
}

export type RunThreadRequest = { type: 'run', job: Job, workers: number } | { type: 'stop' }

export interface RunProblem {
  name: string
  message: string
  stack: string
}

export type RunThreadReply = { type: 'done', record: RunRecord } | { type: 'failed', problem: RunProblem } | { type: 'stopped' }

const stop = new AbortController()
const { url, cell: memory } = workerData as RunThreadData
const cell = new ProgressCell(memory)

async function run (scenario: Scenario, job: Job, workers: number): Promise<RunThreadReply> {
  const recorder = new RunRecorder(scenario)
  const context: RunContext = {
    options: job.options as RunContext['options'],
    seed: job.seed,
    workers,
    signal: stop.signal,
    progress: (done, total) => {
      cell.report(done, total)
      if (cell.stopped) {
        stop.abort() // a kernel that never yields does not get the message
      }
      stop.signal.throwIfAborted()
    },
    record: (metric, value) => { recorder.record(metric, value) },
    series: (name, points, axes) => { recorder.series(name, points, axes) },
    distribution: (name, values, unit) => { recorder.distribution(name, values, unit) },
    table: (name, columns, rows) => { recorder.table(name, columns, rows) },
    check: (claim, holds, found) => { recorder.check(claim, holds, found) }
  }
  try {
    await scenario.run(context)
    return stop.signal.aborted ? { type: 'stopped' } : { type: 'done', record: recorder.finish() }
  } catch (error) {
    return stop.signal.aborted ? { type: 'stopped' } : { type: 'failed', problem: describe(error) }
  }
}

function describe (error: unknown): RunProblem {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack ?? '' }
    : { name: 'Error', message: String(error), stack: '' }
}

const loading = importScenario(url, url)
parentPort?.on('message', (request: RunThreadRequest) => {
  if (request.type === 'stop') {
    stop.abort()
  } else {
    loading.then(async scenario => await run(scenario, request.job, request.workers))
      .catch((error: unknown): RunThreadReply => ({ type: 'failed', problem: describe(error) }))
      .then(reply => { parentPort?.postMessage(reply, []) }, () => {})
  }
})
