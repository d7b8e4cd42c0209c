/** Shards of one simulation into one: the same results, byte for byte, as if one machine had made them. */
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeManifest, planOf } from './manifest.ts'
import { planJobs } from './plan.ts'
import { FILES, readCurves, readManifest, readRows, RunDirectory } from './run-directory.ts'
import type { Manifest } from './manifest.ts'
import type { CurveRow } from './result-row.ts'
import type { Summary } from './summary.ts'

/** A folder that holds no shard. */
export class ShardFolderError extends Error {
  static override name = 'ShardFolderError'
  override readonly name = 'ShardFolderError'
  readonly folder: string

  constructor (folder: string, problem: string, options: ErrorOptions = {}) {
    super(`${folder} ${problem}`, options)
    this.folder = folder
  }
}

/** Shards of different simulations. */
export class ShardMismatchError extends Error {
  static override name = 'ShardMismatchError'
  override readonly name = 'ShardMismatchError'
  readonly folder: string
  readonly field: string

  constructor (folder: string, field: string, first: string, found: unknown, wanted: unknown) {
    super(`${folder} is of another simulation than ${first}: ${field} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
    this.folder = folder
    this.field = field
  }
}

/** Not all shards are there. */
export class ShardMissingError extends Error {
  static override name = 'ShardMissingError'
  override readonly name = 'ShardMissingError'
  readonly missing: number[]
  readonly of: number

  constructor (missing: number[], of: number) {
    super(`Of ${of} shards, ${missing.slice(0, 20).map(index => `${index}/${of}`).join(', ')}${missing.length > 20 ? ', …' : ''} ` +
      `${missing.length === 1 ? 'is' : 'are'} missing. Run ${missing.length === 1 ? 'it' : 'them'} with --shard, and merge again`)
    this.missing = missing
    this.of = of
  }
}

/** A shard is there twice. */
export class ShardDoubleError extends Error {
  static override name = 'ShardDoubleError'
  override readonly name = 'ShardDoubleError'
  readonly index: number
  readonly folders: [string, string]

  constructor (index: number, of: number, folders: [string, string]) {
    super(`${folders.join(' and ')} are both shard ${index}/${of}: name one of them`)
    this.index = index
    this.folders = folders
  }
}

/** A shard that was stopped before its end. */
export class ShardIncompleteError extends Error {
  static override name = 'ShardIncompleteError'
  override readonly name = 'ShardIncompleteError'
  readonly folder: string
  readonly done: number
  readonly jobs: number

  constructor (folder: string, done: number, jobs: number) {
    super(`${folder} is incomplete: ${done} of ${jobs} runs. Run that shard again with --force`)
    this.folder = folder
    this.done = done
    this.jobs = jobs
  }
}

interface ShardFolder {
  folder: string
  manifest: Manifest
}

export interface MergeInit {
  folders: string[]
  out: string
  /** @default false */
  force?: boolean
}

/** Throws one of the errors above, or `OutputExistsError`, before it writes anything. */
export async function mergeShards ({ folders, out, force }: MergeInit): Promise<{ folder: string, summary: Summary, manifest: Manifest }> {
  const shards = order(folders.map(folder => ({ folder, manifest: readShard(folder) })))
  const plan = planOf(shards[0]!.manifest)
  const rows = shards.flatMap(({ folder }) => readRows(folder)).sort((a, b) => a.job - b.job)
  const jobs = planJobs(plan)
  const wrong = rows.findIndex((row, i) => row.job !== i)
  if (wrong !== -1 || rows.length !== jobs.length) {
    throw new ShardFolderError(shards[(wrong === -1 ? rows.length : wrong) % shards.length]!.folder, 'does not hold the runs that its manifest says')
  }

  const directory = new RunDirectory(out, force === true)
  const curves = shards.map(({ folder }) => new CurveReader(readCurves(folder)))
  for (const row of rows) {
    directory.add(row, await curves[row.job % shards.length]!.take(row.job))
  }
  for (const { folder } of shards) {
    for (const file of readdirSync(folder).filter(name => name.startsWith('failure-'))) {
      copyFileSync(join(folder, file), join(directory.folder, file))
    }
  }
  const manifest = makeManifest({
    plan,
    jobs: jobs.length,
    done: rows.length,
    failed: shards.flatMap(({ manifest }) => manifest.failed).sort((a, b) => a - b),
    durationMs: shards.flatMap(({ manifest }) => manifest.durationMs),
    machine: shards.flatMap(({ manifest }) => manifest.machine)
  })
  directory.write(FILES.manifest, manifest)
  return { folder: directory.folder, summary: await directory.finish(plan), manifest }
}

function readShard (folder: string): Manifest {
  let manifest: Manifest
  try {
    manifest = readManifest(folder)
  } catch (error) {
    throw new ShardFolderError(folder, `has no ${FILES.manifest} that can be read`, { cause: error })
  }
  if (manifest.shard === undefined) {
    throw new ShardFolderError(folder, 'is not a shard: it was not run with --shard')
  }
  return manifest
}

/** The shards by their index, once it is sure that they are one simulation, whole. */
function order (shards: ShardFolder[]): ShardFolder[] {
  const first = shards[0]
  if (first === undefined) {
    throw new ShardFolderError('merge', 'needs at least one folder of a shard')
  }
  for (const shard of shards) {
    requireSame(first, shard)
    if (!shard.manifest.complete) {
      throw new ShardIncompleteError(shard.folder, shard.manifest.done, shard.manifest.jobs)
    }
  }
  const of = first.manifest.shard!.of
  const byIndex: Array<ShardFolder | undefined> = Array.from({ length: of })
  for (const shard of shards) {
    const { index } = shard.manifest.shard!
    const other = byIndex[index]
    if (other !== undefined) {
      throw new ShardDoubleError(index, of, [other.folder, shard.folder])
    }
    byIndex[index] = shard
  }
  const missing = [...byIndex.keys()].filter(index => byIndex[index] === undefined)
  if (missing.length > 0) {
    throw new ShardMissingError(missing, of)
  }
  return byIndex as ShardFolder[]
}

function requireSame (first: ShardFolder, shard: ShardFolder): void {
  const fields: Array<[name: string, read: (manifest: Manifest) => unknown]> = [
    ['the scenario', manifest => manifest.scenario.name],
    ['the hash of the scenario file', manifest => manifest.scenario.sha256],
    ['the version', manifest => manifest.version],
    ['the options', manifest => manifest.options],
    ['the sweep', manifest => manifest.sweep],
    ['the seed', manifest => manifest.seed],
    ['the number of runs', manifest => manifest.runs],
    ['the number of shards', manifest => manifest.shard?.of],
    ['the plan', manifest => manifest.plan]
  ]
  for (const [name, read] of fields) {
    const [found, wanted] = [read(shard.manifest), read(first.manifest)]
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      throw new ShardMismatchError(shard.folder, name, first.folder, found, wanted)
    }
  }
}

/** The curves of a shard, asked for by their jobs in order. */
class CurveReader {
  private readonly rows: AsyncGenerator<CurveRow>
  private ahead: IteratorResult<CurveRow, void> | undefined

  constructor (rows: AsyncGenerator<CurveRow>) {
    this.rows = rows
  }

  async take (job: number): Promise<CurveRow | undefined> {
    this.ahead ??= await this.rows.next()
    if (this.ahead.done === true || this.ahead.value.job !== job) {
      return undefined
    }
    const row = this.ahead.value
    this.ahead = undefined
    return row
  }
}
