/** The folder that a simulation writes: results as they come, and in the end what is made of them. */
import { closeSync, createReadStream, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { planJobs } from './plan.ts'
import { csvTable } from './result-row.ts'
import { summarize } from './summary.ts'
import type { Manifest } from './manifest.ts'
import type { Plan } from './plan.ts'
import type { CurveRow, ResultRow } from './result-row.ts'
import type { Summary } from './summary.ts'

export const FILES = {
  results: 'results.jsonl',
  curves: 'curves.jsonl',
  table: 'results.csv',
  summary: 'summary.json',
  manifest: 'manifest.json',
  report: 'report.html'
} as const

/** The folder is there and has something in it. */
export class OutputExistsError extends Error {
  static override name = 'OutputExistsError'
  override readonly name = 'OutputExistsError'
  readonly folder: string

  constructor (folder: string) {
    super(`${folder} is there already. Name another with --out, or replace its results with --force`)
    this.folder = folder
  }
}

/** `--force` replaces the results of a simulation; a folder that holds anything else is left alone. */
export class ForeignFolderError extends Error {
  static override name = 'ForeignFolderError'
  override readonly name = 'ForeignFolderError'
  readonly folder: string

  constructor (folder: string, file: string) {
    super(`${folder} holds ${file}, which no simulation wrote; it is not replaced. Name another folder with --out`)
    this.folder = folder
  }
}

export class RunDirectory {
  readonly folder: string
  private readonly results: number
  private readonly curves: number

  /** Throws `OutputExistsError`, and with `force` `ForeignFolderError`. */
  constructor (folder: string, force: boolean) {
    this.folder = resolve(folder)
    clear(this.folder, force)
    mkdirSync(this.folder, { recursive: true })
    this.results = openSync(join(this.folder, FILES.results), 'w')
    this.curves = openSync(join(this.folder, FILES.curves), 'w')
  }

  /** Rows come in the order of their jobs, and are on disk when this returns: what is done survives what comes. */
  add (row: ResultRow, curves: CurveRow | undefined): void {
    writeSync(this.results, `${JSON.stringify(row)}\n`)
    if (curves !== undefined) {
      writeSync(this.curves, `${JSON.stringify(curves)}\n`)
    }
  }

  write (file: string, value: unknown): string {
    const path = join(this.folder, file)
    writeFileSync(path, typeof value === 'string' ? value : `${JSON.stringify(value, undefined, 2)}\n`)
    return path
  }

  /** Makes table, summary and report from the rows that are on disk, so that they are the same whoever wrote those. */
  async finish (plan: Plan): Promise<Summary> {
    this.close()
    const rows = readRows(this.folder)
    const summary = summarize(plan, rows, planJobs(plan).length)
    this.write(FILES.table, csvTable(rows, Object.keys(plan.sweep), Object.keys(plan.scenario.metrics)))
    this.write(FILES.summary, summary)
    const { reportPage } = await import('../report/report-page.ts')
    this.write(FILES.report, await reportPage(plan, summary, readCurves(this.folder)))
    return summary
  }

  /** A shard is finished when it is merged. */
  close (): void {
    closeSync(this.results)
    closeSync(this.curves)
  }
}

export function readRows (folder: string): ResultRow[] {
  return readFileSync(join(folder, FILES.results), 'utf8').split('\n').filter(line => line !== '').map(line => JSON.parse(line) as ResultRow)
}

/** One at a time: all curves of a large simulation do not fit into memory. */
export async function * readCurves (folder: string): AsyncGenerator<CurveRow> {
  for await (const line of createInterface({ input: createReadStream(join(folder, FILES.curves)), crlfDelay: Infinity })) {
    if (line !== '') {
      yield JSON.parse(line) as CurveRow
    }
  }
}

export function readManifest (folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, FILES.manifest), 'utf8')) as Manifest
}

function clear (folder: string, force: boolean): void {
  const present = existsSync(folder) ? readdirSync(folder) : []
  if (present.length > 0 && !force) {
    throw new OutputExistsError(folder)
  }
  const ours = new Set<string>(Object.values(FILES))
  const foreign = present.find(file => !ours.has(file) && !/^failure-\d+\.json$/.test(file))
  if (foreign !== undefined) {
    throw new ForeignFolderError(folder, foreign)
  }
  for (const file of present) {
    rmSync(join(folder, file))
  }
  mkdirSync(dirname(folder), { recursive: true })
}
