/** A failure file or a manifest, read so that what it tells of can be run again. */
import { readFileSync } from 'node:fs'
import { readGrid } from '../scenario/option-grid.ts'
import { makePlan } from './plan.ts'
import type { OptionRecord } from '../scenario/option-grid.ts'
import type { OptionValue } from '../scenario/option-value.ts'
import type { Failure } from './failure.ts'
import type { Manifest } from './manifest.ts'
import type { Job, Plan } from './plan.ts'
import type { ScenarioFile } from './scenario-file.ts'

export type Replay = { type: 'failure', failure: Failure } | { type: 'manifest', manifest: Manifest }

/** Neither a failure file nor a manifest. */
export class ReplayFileError extends Error {
  static override name = 'ReplayFileError'
  override readonly name = 'ReplayFileError'
  readonly path: string

  constructor (path: string, problem: string, options: ErrorOptions = {}) {
    super(`${path} ${problem}. --replay takes a failure-….json or a manifest.json`, options)
    this.path = path
  }
}

export function readReplay (path: string): Replay {
  let value: Partial<Failure & Manifest>
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Failure & Manifest>
  } catch (error) {
    throw new ReplayFileError(path, 'cannot be read', { cause: error })
  }
  if (typeof value !== 'object' || value === null || typeof value.scenario?.source !== 'string' || typeof value.options !== 'object') {
    throw new ReplayFileError(path, 'does not say what was run')
  }
  if (value.kind === 'error' || value.kind === 'check') {
    return { type: 'failure', failure: value as Failure }
  }
  if (Array.isArray(value.seeds) && typeof value.sweep === 'object') {
    return { type: 'manifest', manifest: value as Manifest }
  }
  throw new ReplayFileError(path, 'does not say what was run')
}

/** The run that failed. Throws what `readGrid` throws, where the scenario has changed. */
export function replayFailure (file: ScenarioFile, failure: Failure, version: string): { plan: Plan, job: Job } {
  const grid = readGrid(file.scenario, { set: texts(failure.options) })
  const plan = makePlan(file, grid, { version, seed: failure.seed, runs: 1 })
  return { plan, job: { index: failure.job, point: 0, run: failure.run, seed: failure.seed, swept: {}, options: grid.options } }
}

/** The whole simulation. */
export function replayManifest (file: ScenarioFile, manifest: Manifest, version: string): Plan {
  const sweep = Object.fromEntries(Object.entries(manifest.sweep).map(([name, values]) => [name, values.map(text)]))
  return makePlan(file, readGrid(file.scenario, { set: texts(manifest.options), sweep }), { version, seed: manifest.seed, runs: manifest.runs })
}

/** What is different now, so that the replay may differ too. */
export function changes (then: { scenario: { sha256: string }, version: string }, now: { sha256: string, version: string }): string[] {
  return [
    ...then.scenario.sha256 === now.sha256 ? [] : ['the scenario file has changed since'],
    ...then.version === now.version ? [] : [`the version is ${now.version}, and was ${then.version}`]
  ]
}

function texts (options: OptionRecord): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, text(value)]))
}

function text (value: OptionValue): string {
  return String(value)
}
