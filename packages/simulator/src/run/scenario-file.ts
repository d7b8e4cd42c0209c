/** Scenarios on disk: those that ship with the project by name, anybody's by path. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { nearestName } from '../scenario/nearest-name.ts'
import type { Scenario } from '../scenario/scenario.ts'

export interface ScenarioFile {
  scenario: Scenario
  /** As it was asked for: a name, or a path */
  source: string
  url: string
  /** Of the text of the file; what it imports is covered by the version */
  sha256: string
}

/** No scenario has that name, and no file that path. */
export class UnknownScenarioError extends Error {
  static override name = 'UnknownScenarioError'
  override readonly name = 'UnknownScenarioError'
  readonly scenario: string
  readonly nearest: string | undefined
  readonly known: string[]

  constructor (scenario: string, known: string[]) {
    const nearest = nearestName(scenario, known)
    super(`There is no scenario "${scenario}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`} ` +
      `There are: ${known.join(', ')}. A file of your own is named by its path: ./${basename(scenario)}.ts`)
    this.scenario = scenario
    this.nearest = nearest
    this.known = known
  }
}

/** The file is there, but it does not load or holds no scenario. */
export class ScenarioFileError extends Error {
  static override name = 'ScenarioFileError'
  override readonly name = 'ScenarioFileError'
  readonly path: string

  constructor (path: string, problem: string, options: ErrorOptions = {}) {
    super(`The scenario file ${path} ${problem}`, options)
    this.path = path
  }
}

/** The names of the scenarios in a folder. */
export function scenarioNames (folder: URL): string[] {
  return readdirSync(folder).filter(isScenario).map(file => file.replace(/\.[jt]s$/, '')).sort()
}

function isScenario (file: string): boolean {
  return /^[a-z0-9][a-z0-9-]*\.[jt]s$/.test(file)
}

/** @param folder of the scenarios that are known by name */
export async function loadScenario (source: string, folder: URL): Promise<ScenarioFile> {
  const path = findFile(source, folder)
  const url = pathToFileURL(path).href
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
  const scenario = await importScenario(url, path)
  if (isName(source) && scenario.name !== source) {
    throw new ScenarioFileError(path, `holds a scenario called ${scenario.name}`)
  }
  return { scenario, source, url, sha256 }
}

function isName (source: string): boolean {
  return !/[/\\]|\.[cm]?[jt]s$/.test(source)
}

/** The default export of a module, if it is a scenario. */
export async function importScenario (url: string, path: string): Promise<Scenario> {
  let module: { default?: unknown }
  try {
    module = await import(url) as { default?: unknown }
  } catch (error) {
    const { code, message } = error as { code?: string, message?: string }
    throw new ScenarioFileError(path, code === 'ERR_UNKNOWN_FILE_EXTENSION'
      ? 'is TypeScript: that takes Node 22.18 or newer'
      : `does not load: ${message ?? String(error)}`, { cause: error })
  }
  const problem = scenarioProblem(module.default)
  if (problem !== undefined) {
    throw new ScenarioFileError(path, problem)
  }
  return module.default as Scenario
}

function findFile (source: string, folder: URL): string {
  if (isName(source)) {
    const file = readdirSync(folder).find(name => isScenario(name) && name.replace(/\.[jt]s$/, '') === source)
    if (file === undefined) {
      throw new UnknownScenarioError(source, scenarioNames(folder))
    }
    return fileURLToPath(new URL(file, folder))
  }
  const path = resolve(source)
  if (!existsSync(path)) {
    throw new ScenarioFileError(path, 'does not exist')
  }
  return path
}

function scenarioProblem (value: unknown): string | undefined {
  const scenario = value as Partial<Scenario> | undefined
  if (typeof scenario !== 'object' || scenario === null || typeof scenario.run !== 'function') {
    return 'has no scenario as its default export: export default defineScenario({ … })'
  }
  const texts = ['name', 'claims', 'expected'] as const
  const missing = [...texts.filter(key => typeof scenario[key] !== 'string'),
    ...(['options', 'metrics', 'small'] as const).filter(key => typeof scenario[key] !== 'object')]
  if (missing.length > 0) {
    return `has a scenario without ${missing.join(', ')}`
  }
  const unknown = Object.keys(scenario.small!).find(name => !Object.hasOwn(scenario.options!, name))
  return unknown === undefined ? undefined : `has a small value for "${unknown}", which is none of its options`
}
