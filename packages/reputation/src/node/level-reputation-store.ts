/**
 * A reputation ledger in a LevelDB folder. A CRC-32 with each record shows records that were changed; their count, the XOR of their CRCs and the
 * number of the save show those that are missing or old. So damage is told of, and what is damaged is never served.
 */
import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { readLedgerRecord, recordKey } from '../ledger-record.ts'
import { checkedValue, readChecked } from './checked-value.ts'
import { ReputationStoreError } from './reputation-store-error.ts'
import { SaveMark } from './save-mark.ts'
import type { LedgerChange } from '../ledger-changes.ts'
import type { LedgerRecord } from '../ledger-record.ts'

type Level = ClassicLevel<string, Uint8Array>

/** What was found wrong when the store was opened. What was whole was kept. */
export interface StoreDamage {
  /** Records that were there and damaged */
  unreadable: number
  /** Records that are gone without a trace; `undefined` when their number is lost too */
  missing: number | undefined
  /** The last saves are gone: so many; or records are older than they should be */
  stale: boolean
  /** Where the damaged folder was put; the one before it, if any, was deleted */
  movedTo: string
}

export interface LevelReputationStoreInit {
  /** The folder; made if it is not there */
  path: string
  /** Told of damage before `openReputationStore` resolves; the folder is rebuilt from what is whole */
  onDamage?: (damage: StoreDamage) => void
}

export interface ReputationStore {
  /** What is kept now */
  records: () => Promise<LedgerRecord[]>
  /** Resolves when the change is on disk. @throws {ReputationStoreError} `full` or `unusable`: nothing of the change is kept, the rest is */
  save: (change: LedgerChange) => Promise<void>
  /** Makes these the records that are kept, in one step. @throws {ReputationStoreError} */
  replace: (records: LedgerRecord[]) => Promise<void>
  close: () => Promise<void>
}

const META_KEY = 'meta'
const RECORD_PREFIX = 'record/'
/** A store that could not be written is opened again only with this much space: opening needs some, and must not fail. */
const REOPEN_BYTES = 8 * 1024 * 1024

interface Meta {
  saves: number
  count: number
  /** XOR of the CRCs of all records */
  sum: number
}

interface Contents {
  records: LedgerRecord[]
  crcs: Map<string, number>
  meta: Meta | undefined
  unreadable: number
}

/**
 * Opens the store, checks all of it, and rebuilds it from what is whole where it is damaged.
 *
 * @throws {ReputationStoreError} `in_use`, `full` when there is no space to open it, `unusable`
 */
export async function openReputationStore ({ path, onDamage }: LevelReputationStoreInit): Promise<ReputationStore> {
  await mkdir(dirname(path), { recursive: true }).catch(error => { throw storeError(path, error) })
  await finishRebuild(path)
  const opened = await openLevel(path).catch(async error => {
    if (isCorruption(error)) {
      return await openRepaired(path)
    }
    throw storeError(path, error)
  })
  const { mark, saves: marked } = await SaveMark.open(path).catch(error => { throw storeError(path, error) })
  const contents = opened === undefined ? undefined : await readContents(opened).catch(() => undefined)
  const isNew = contents?.meta === undefined && contents?.records.length === 0 && contents.unreadable === 0 && marked === 0
  const damage = isNew ? undefined : damageOf(contents, marked)
  try {
    if (opened !== undefined && contents !== undefined && damage === undefined) {
      const store = new LevelReputationStore(path, opened, mark, contents)
      if (isNew) {
        await store.replace([])
      }
      return store
    }

    // it is known which records are damaged, but not whether LevelDB's own files are sound: better a new folder
    await opened?.close()
    await mark.close()
    const movedTo = await rebuild(path, contents?.records ?? [])
    const store = await openReputationStore({ path })
    onDamage?.({ ...damage as Omit<StoreDamage, 'movedTo'>, movedTo })
    return store
  } catch (error) {
    throw storeError(path, error)
  }
}

/** Makes a new folder with these records first: where that fails, for want of space, the damaged one is still there. Returns where it was put. */
async function rebuild (path: string, records: LedgerRecord[]): Promise<string> {
  const [rebuilt, movedTo] = [`${path}.rebuilt`, `${path}.damaged`]
  await rm(rebuilt, { recursive: true, force: true })
  const store = new LevelReputationStore(rebuilt, await openLevel(rebuilt), (await SaveMark.open(rebuilt)).mark, nothing())
  try {
    await store.replace(records)
  } finally {
    await store.close()
  }
  await rm(movedTo, { recursive: true, force: true })
  await rename(path, movedTo)
  await rename(rebuilt, path)
  return movedTo
}

/** A process that ended between the two renames left no folder, and a rebuilt one beside. */
async function finishRebuild (path: string): Promise<void> {
  const isThere = await stat(path).then(() => true, () => false)
  if (!isThere) {
    await rename(`${path}.rebuilt`, path).catch(() => {}) // as a rule there is none
  }
}

function nothing (): Contents {
  return { records: [], crcs: new Map(), meta: undefined, unreadable: 0 }
}

class LevelReputationStore implements ReputationStore {
  private readonly path: string
  private readonly mark: SaveMark
  private db: Level
  private crcs: Map<string, number>
  private meta: Meta
  /** A write failed: LevelDB's log may end in half a record, after which nothing may be written */
  private broken = false
  private saving: Promise<void> = Promise.resolve()

  constructor (path: string, db: Level, mark: SaveMark, { crcs, meta }: Contents) {
    this.path = path
    this.db = db
    this.mark = mark
    this.crcs = crcs
    this.meta = meta ?? { saves: 0, count: 0, sum: 0 }
  }

  async records (): Promise<LedgerRecord[]> {
    return (await readContents(this.db)).records
  }

  async save ({ put, deleted }: LedgerChange): Promise<void> {
    if (put.length > 0 || deleted.length > 0) {
      await this.inTurn(async () => { await this.write(put, deleted.map(key => RECORD_PREFIX + key)) })
    }
  }

  async replace (records: LedgerRecord[]): Promise<void> {
    await this.inTurn(async () => {
      const kept = new Set(records.map(record => RECORD_PREFIX + recordKey(record)))
      await this.write(records, [...this.crcs.keys()].filter(key => !kept.has(key)))
    })
  }

  async close (): Promise<void> {
    await this.saving.catch(() => {})
    await this.db.close()
    await this.mark.close()
  }

  /** One write at a time: count and sum go from one to the next. */
  private async inTurn (task: () => Promise<void>): Promise<void> {
    const turn = this.saving.catch(() => {}).then(task)
    this.saving = turn
    await turn
  }

  private async write (put: LedgerRecord[], deleted: string[]): Promise<void> {
    if (this.broken) {
      await this.reopen()
    }
    const crcs = new Map<string, number | undefined>()
    const operations: Array<{ type: 'put', key: string, value: Uint8Array } | { type: 'del', key: string }> = []
    for (const key of deleted) {
      crcs.set(key, undefined)
      operations.push({ type: 'del', key })
    }
    for (const record of put) {
      const key = RECORD_PREFIX + recordKey(record)
      const { bytes, crc } = checkedValue(key, JSON.stringify(record))
      crcs.set(key, crc)
      operations.push({ type: 'put', key, value: bytes })
    }
    let { count, sum } = this.meta
    for (const [key, crc] of crcs) {
      const old = this.crcs.get(key)
      count += (crc === undefined ? 0 : 1) - (old === undefined ? 0 : 1)
      sum = (sum ^ (crc ?? 0) ^ (old ?? 0)) >>> 0
    }
    const meta = { saves: this.meta.saves + 1, count, sum }
    operations.push({ type: 'put', key: META_KEY, value: checkedValue(META_KEY, JSON.stringify(meta)).bytes })

    try {
      await this.db.batch(operations, { sync: true })
    } catch (error) {
      this.broken = true
      throw storeError(this.path, error)
    }
    this.meta = meta
    for (const [key, crc] of crcs) {
      if (crc === undefined) {
        this.crcs.delete(key)
      } else {
        this.crcs.set(key, crc)
      }
    }
    // the change is kept; without the mark a later loss of it might not be seen, that is all
    await this.mark.write(meta.saves).catch(() => {})
  }

  /** After a failed write: what is on disk counts. */
  private async reopen (): Promise<void> {
    const { bavail, bsize } = await statfs(this.path)
    if (bavail * bsize < REOPEN_BYTES) {
      const message = `${this.path}: the disk is full; what was saved before can be read. Make ${REOPEN_BYTES / 1024 / 1024} MiB of room`
      throw new ReputationStoreError('full', this.path, message)
    }
    try {
      await this.db.close()
      this.db = await openLevel(this.path)
      const { crcs, meta } = await readContents(this.db)
      this.crcs = crcs
      this.meta = meta ?? { saves: this.meta.saves, count: 0, sum: 0 }
      this.broken = false
    } catch (error) {
      throw storeError(this.path, error)
    }
  }
}

async function readContents (db: Level): Promise<Contents> {
  const contents = nothing()
  for await (const [key, value] of db.iterator({ gte: RECORD_PREFIX, lt: `${RECORD_PREFIX}\uffff` })) {
    const checked = readChecked(key, value)
    const record = checked === undefined ? undefined : recordOf(checked.text)
    if (checked === undefined || record === undefined || RECORD_PREFIX + recordKey(record) !== key) {
      contents.unreadable++
    } else {
      contents.records.push(record)
      contents.crcs.set(key, checked.crc)
    }
  }
  const meta = await db.get(META_KEY)
  const checked = meta === undefined ? undefined : readChecked(META_KEY, meta)
  contents.meta = checked === undefined ? undefined : JSON.parse(checked.text) as Meta
  return contents
}

function recordOf (text: string): LedgerRecord | undefined {
  try {
    return readLedgerRecord(JSON.parse(text))
  } catch {
    return undefined // written by another version: as good as damaged
  }
}

function damageOf (contents: Contents | undefined, marked: number | undefined): Omit<StoreDamage, 'movedTo'> | undefined {
  if (contents?.meta === undefined) {
    return { unreadable: contents?.unreadable ?? 0, missing: undefined, stale: false }
  }
  const { records, crcs, meta, unreadable } = contents
  const sum = [...crcs.values()].reduce((xor, crc) => (xor ^ crc) >>> 0, 0)
  const missing = Math.max(0, meta.count - records.length - unreadable)
  const allThere = unreadable === 0 && missing === 0
  const stale = marked === undefined || marked > meta.saves || (allThere && (sum !== meta.sum || meta.count !== records.length))
  return unreadable > 0 || missing > 0 || stale ? { unreadable, missing, stale } : undefined
}

/** What LevelDB can make of the files that are left; checked as anything else is. */
async function openRepaired (path: string): Promise<Level | undefined> {
  try {
    await ClassicLevel.repair(path)
    return await openLevel(path)
  } catch {
    return undefined
  }
}

async function openLevel (path: string): Promise<Level> {
  const db: Level = new ClassicLevel(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await db.open()
  return db
}

function storeError (path: string, error: unknown): Error {
  if (error instanceof ReputationStoreError) {
    return error
  }
  const { code, message } = causeOf(error)
  if (code === 'LEVEL_LOCKED') {
    return new ReputationStoreError('in_use', path, `${path} is open in another process: stop that one, or use a folder of its own`, { cause: error })
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left|quota exceeded/i.test(message)) {
    return new ReputationStoreError('full', path, `${path}: the disk is full; what was saved before is kept. Make room`, { cause: error })
  }
  return new ReputationStoreError('unusable', path, `${path} cannot be used: ${message}`, { cause: error })
}

function isCorruption (error: unknown): boolean {
  const { code, message } = causeOf(error)
  // a damaged CURRENT may name a file that is not there
  return code === 'LEVEL_CORRUPTION' || /corruption|no such file/i.test(message)
}

/** classic-level wraps what LevelDB says. */
function causeOf (error: unknown): { code: string | undefined, message: string } {
  const cause = (error as Error).cause as { code?: string, message?: string } | undefined
  return { code: cause?.code ?? (error as { code?: string }).code, message: cause?.message ?? (error as Error).message }
}
