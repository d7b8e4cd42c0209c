/** `skein simulate`: a scenario, run once or many times, into a folder of results; and shards of it merged. */
import { join, relative, sep } from 'node:path'
import { systemClock } from '@skein/core/system'
import { OptionTwiceError, readGrid } from '@skein/simulator'
import {
  changes, loadScenario, makePlan, mergeShards, readReplay, repeatRun, replayFailure, replayManifest, sameFailure, scenarioNames, simulate, VERSION
} from '@skein/simulator/run'
import { duration, ProgressLine } from '../progress-line.ts'
import { describeScenario, failureText, optionsText, summaryText } from '../scenario-text.ts'
import { SHIPPED_SCENARIOS } from '../shipped-scenarios.ts'
import { StoppedError } from '../stop-signal.ts'
import type { Failure, Plan, ScenarioFile, Shard, SimulationOutcome } from '@skein/simulator/run'
import type { CommandContext } from '../command-context.ts'

/** Runs ended with an error, or did not bear out what the scenario claims. */
export class SimulationFailedError extends Error {
  static override name = 'SimulationFailedError'
  override readonly name = 'SimulationFailedError'
  /** Runs */
  readonly errors: number
  readonly refuted: number

  constructor (errors: number, refuted: number) {
    super([
      ...errors > 0 ? [`${errors} ${errors === 1 ? 'run' : 'runs'} ended with an error`] : [],
      ...refuted > 0 ? [`a claim did not hold in ${refuted} ${refuted === 1 ? 'run' : 'runs'}`] : []
    ].join(', and '))
    this.errors = errors
    this.refuted = refuted
  }
}

export interface SimulateCommandOptions {
  list?: boolean
  help?: boolean
  nodes?: string
  set: Array<[name: string, value: string]>
  sweep: Array<[name: string, values: string]>
  small?: boolean
  seed: number
  runs: number
  workers: number
  out?: string
  force?: boolean
  forceMemory?: boolean
  shard?: Shard
  replay?: string
}

export interface MergeCommandOptions {
  out: string
  force?: boolean
}

/** No scenario was named. */
export class NoScenarioError extends Error {
  static override name = 'NoScenarioError'
  override readonly name = 'NoScenarioError'

  constructor (known: string[]) {
    super(`Which scenario? There are: ${known.join(', ')}. skein simulate --list says what each claims; --help has examples`)
  }
}

export async function simulateCommand (context: CommandContext, options: SimulateCommandOptions, source: string | undefined): Promise<void> {
  if (options.list === true) {
    return await list(context)
  }
  if (options.replay !== undefined) {
    return await replay(context, options, options.replay, source)
  }
  if (source === undefined) {
    throw new NoScenarioError(scenarioNames(SHIPPED_SCENARIOS))
  }
  const file = await loadScenario(source, SHIPPED_SCENARIOS)
  if (options.help === true) {
    const { name, claims, expected, options, metrics, small } = file.scenario
    context.output.event('scenario', { name, claims, expected, options, metrics, small }, describeScenario(file.scenario))
    return
  }
  const grid = readGrid(file.scenario, { set: settings(options), sweep: sweeps(options), small: options.small })
  await runPlan(context, options, file, makePlan(file, grid, { version: VERSION, seed: options.seed, runs: options.runs }))
}

export async function mergeCommand ({ output }: CommandContext, { out, force }: MergeCommandOptions, folders: string[]): Promise<void> {
  const { folder, summary, manifest } = await mergeShards({ folders, out, force })
  output.event('merged', { folder, shards: folders.length, runs: manifest.done, summary },
    `${manifest.done} runs of ${folders.length} ${folders.length === 1 ? 'shard' : 'shards'}\n${summaryText(summary)}\n${report(folder)}`)
}

async function list ({ output }: CommandContext): Promise<void> {
  for (const name of scenarioNames(SHIPPED_SCENARIOS)) {
    const { scenario: { claims } } = await loadScenario(name, SHIPPED_SCENARIOS)
    output.event('scenario', { name, claims }, `${name}\n    ${claims}`)
  }
}

function settings ({ set, nodes }: SimulateCommandOptions): Record<string, string> {
  return unique([...nodes === undefined ? [] : [['nodes', nodes] as const], ...set])
}

function sweeps ({ sweep }: SimulateCommandOptions): Record<string, string[]> {
  return Object.fromEntries(Object.entries(unique(sweep)).map(([name, values]) => [name, values.split(',').map(value => value.trim())]))
}

function unique (pairs: ReadonlyArray<readonly [string, string]>): Record<string, string> {
  const seen: Record<string, string> = {}
  for (const [name, value] of pairs) {
    if (Object.hasOwn(seen, name)) {
      throw new OptionTwiceError(name)
    }
    seen[name] = value
  }
  return seen
}

async function runPlan ({ output, stop }: CommandContext, options: SimulateCommandOptions, file: ScenarioFile, plan: Plan): Promise<void> {
  const progress = new ProgressLine(output)
  const clock = systemClock()
  const startMs = clock.nowMs()
  const outcome = await simulate({
    file,
    plan,
    out: options.out,
    force: options.force,
    forceMemory: options.forceMemory,
    shard: options.shard,
    workers: options.workers,
    signal: stop,
    onStart: ({ folder, jobs, concurrent, workersPerRun }) => {
      const { version, options, sweep, seed } = plan
      output.event('started', { folder, jobs, concurrent, workersPerRun, version, options, sweep, seed },
        `${plan.scenario.name}: ${jobs} ${jobs === 1 ? 'run' : 'runs'}, ${concurrent} at a time; ${optionsText(plan.options)}`)
    },
    onProgress: (done, total) => { progress.update(done, total) },
    onRun: row => { output.event('run', { ...row }) },
    onFailure: (failure, path) => {
      progress.clear()
      const shown = path === undefined ? undefined : shownPath(path)
      output.event('failure', { ...failure, file: shown }, failureText(failure, shown))
    }
  })
  progress.clear()
  conclude({ output, stop }, outcome, clock.nowMs() - startMs)
}

/** Tells what came out, and throws when that is not what was asked for. */
function conclude ({ output, stop }: CommandContext, { folder, summary, jobs, done, errors, refuted }: SimulationOutcome, durationMs: number): void {
  const shown = shownPath(folder)
  const facts = { folder: shown, complete: done === jobs, runs: done, jobs, errors, refuted, durationMs: Math.round(durationMs), summary }
  output.event('done', facts, [
    `${done} of ${jobs} runs in ${duration(durationMs)}`,
    ...summary === undefined ? [`${shown}: merge all shards with skein simulate merge`] : [summaryText(summary), report(folder)]
  ].filter(text => text !== '').join('\n'))
  if (stop.aborted && done < jobs) {
    const signal = stop.reason instanceof StoppedError ? stop.reason.signal : 'SIGINT'
    throw new StoppedError(signal, `Stopped: ${done} of ${jobs} runs are in ${shown}, which is marked as incomplete`)
  }
  if (errors + refuted > 0) {
    throw new SimulationFailedError(errors, refuted)
  }
}

/** From here, unless that is a long way up. */
function shownPath (path: string): string {
  const way = relative('', path)
  return way.startsWith(`..${sep}..`) ? path : way
}

function report (folder: string): string {
  return `report: ${shownPath(join(folder, 'report.html'))}`
}

async function replay (context: CommandContext, options: SimulateCommandOptions, path: string, source: string | undefined): Promise<void> {
  const { output, stop } = context
  const what = readReplay(path)
  const then = what.type === 'failure' ? what.failure : what.manifest
  const file = await loadScenario(source ?? then.scenario.source, SHIPPED_SCENARIOS)
  const changed = changes(then, { sha256: file.sha256, version: VERSION })
  if (changed.length > 0) {
    output.event('changed', { changed }, `warning: ${changed.join(', and ')}; it may come out differently`)
  }
  if (what.type === 'manifest') {
    return await runPlan(context, options, file, replayManifest(file, what.manifest, VERSION))
  }
  const { plan, job } = replayFailure(file, what.failure, VERSION)
  const { row, failure } = await repeatRun(file, plan, job, { workers: options.workers, signal: stop })
  if (row === undefined) {
    stop.throwIfAborted()
  }
  if (failure === undefined) {
    output.event('replayed', { failed: false, row }, `the run does not fail now: ${optionsText(row?.metrics ?? {})}`)
    return
  }
  tellReplay(context, what.failure, failure)
  throw new SimulationFailedError(failure.kind === 'error' ? 1 : 0, failure.kind === 'check' ? 1 : 0)
}

function tellReplay ({ output }: CommandContext, then: Failure, now: Failure): void {
  const same = sameFailure(then, now)
  const stack = now.error?.stack === undefined ? '' : `\n${now.error.stack}`
  output.event('replayed', { failed: true, same, failure: now },
    `${failureText(now, undefined)}\n  ${same ? 'the same failure' : 'another failure than in the file'}${stack}`)
}
