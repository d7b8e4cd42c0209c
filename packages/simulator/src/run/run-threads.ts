/** Whole runs, spread over threads. In which order they end has no influence on what they are. */
import { Worker } from 'node:worker_threads'
import { ProgressCell } from './progress-cell.ts'
import type { Clock } from '@skein/core'
import type { Job } from './plan.ts'
import type { RunRecord } from '../scenario/run-recorder.ts'
import type { RunProblem, RunThreadData, RunThreadReply, RunThreadRequest } from './run-thread.ts'

export interface JobResult {
  job: Job
  outcome: { type: 'done', record: RunRecord } | { type: 'failed', problem: RunProblem }
}

export interface RunThreadsInit {
  /** Of the scenario's module */
  url: string
  /** Runs at the same time */
  threads: number
  /** Threads that each run may use itself */
  workersPerRun: number
  signal: AbortSignal
  clock: Clock
  /** Results come in the order of the jobs, without those that were stopped */
  onResult: (result: JobResult) => void
  /** Runs that are done, parts counted */
  onProgress?: (done: number) => void
  /** Says after which failures it is no use to start more runs */
  giveUp?: () => boolean
}

/** A thread that has not stopped by itself by then is ended, whatever it does. */
const STOP_GRACE_MS = 1_000
const PROGRESS_INTERVAL_MS = 100
/** How many results may wait for an earlier one: what a thread has done beyond that stays unstarted. Curves take up to 60 KB each. */
const MAX_WAITING = 256

/** Resolves when all jobs have ended, or those that ran when the signal fired have. */
export async function runJobs (jobs: Job[], init: RunThreadsInit): Promise<void> {
  const waiting = new Map<number, JobResult | 'stopped'>()
  let next = 0
  let emitted = 0
  let ended = 0
  const cells = new Set<ProgressCell>()
  const wakers = new Set<() => void>()

  const emit = (): void => {
    for (let result = waiting.get(emitted); result !== undefined; result = waiting.get(emitted)) {
      waiting.delete(emitted++)
      if (result !== 'stopped') {
        init.onResult(result)
      }
    }
    for (const wake of wakers) {
      wake()
    }
    wakers.clear()
  }
  const tell = (): void => { init.onProgress?.(ended + [...cells].reduce((sum, cell) => sum + cell.progress, 0)) }

  const worker = async (): Promise<void> => {
    let thread: RunThread | undefined
    try {
      while (next < jobs.length && !init.signal.aborted && init.giveUp?.() !== true) {
        if (next - emitted >= MAX_WAITING) {
          await new Promise<void>(resolve => { wakers.add(resolve) })
          continue
        }
        const at = next++
        const job = jobs[at] as Job
        thread ??= new RunThread(init)
        cells.add(thread.cell)
        const reply = await thread.run(job, init.workersPerRun)
        cells.delete(thread.cell)
        if (thread.ended) {
          thread = undefined
        }
        ended++
        waiting.set(at, reply.type === 'stopped' ? 'stopped' : { job, outcome: reply })
        emit()
      }
    } finally {
      await thread?.end()
    }
  }

  let cancel = (): void => {}
  const tick = (): void => {
    tell()
    cancel = init.clock.schedule(init.clock.nowMs() + PROGRESS_INTERVAL_MS, tick)
  }
  tick()
  try {
    await Promise.all(Array.from({ length: Math.min(init.threads, jobs.length) }, worker))
    tell()
  } finally {
    cancel()
  }
}

/** One thread. A thread that dies fails its run and no other. */
class RunThread {
  readonly cell = new ProgressCell()
  ended = false
  private readonly worker: Worker
  private readonly init: RunThreadsInit
  private settle: ((reply: RunThreadReply) => void) | undefined
  private readonly onAbort = (): void => { this.stop() }

  constructor (init: RunThreadsInit) {
    this.init = init
    const data: RunThreadData = { url: init.url, cell: this.cell.memory }
    // what a scenario prints would stand between the lines of a program's output
    this.worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './run-thread.ts' : './run-thread.js', import.meta.url), {
      workerData: data,
      stdout: true
    })
    this.worker.stdout.pipe(process.stderr, { end: false })
    this.worker.on('message', (reply: RunThreadReply) => { this.reply(reply) })
    this.worker.on('error', (error: unknown) => {
      const { name, code, message, stack } = error as { name?: string, code?: string, message?: string, stack?: string }
      this.ended = true
      this.reply({ type: 'failed', problem: { name: code ?? name ?? 'Error', message: message ?? String(error), stack: stack ?? '' } })
    })
    this.worker.on('exit', code => {
      this.ended = true
      this.reply(init.signal.aborted
        ? { type: 'stopped' }
        : { type: 'failed', problem: { name: 'Error', message: `The thread of the run ended with status ${code}`, stack: '' } })
    })
    init.signal.addEventListener('abort', this.onAbort, { once: true })
  }

  async run (job: Job, workers: number): Promise<RunThreadReply> {
    this.cell.report(0, 1)
    const reply = new Promise<RunThreadReply>(resolve => { this.settle = resolve })
    this.post({ type: 'run', job, workers })
    return await reply
  }

  async end (): Promise<void> {
    this.init.signal.removeEventListener('abort', this.onAbort)
    await this.worker.terminate()
  }

  private stop (): void {
    this.cell.stop()
    this.post({ type: 'stop' })
    const { clock } = this.init
    const cancel = clock.schedule(clock.nowMs() + STOP_GRACE_MS, () => { void this.worker.terminate() })
    this.worker.once('exit', cancel)
  }

  private post (request: RunThreadRequest): void {
    this.worker.postMessage(request, [])
  }

  private reply (reply: RunThreadReply): void {
    this.settle?.(reply)
    this.settle = undefined
  }
}
