/**
 * The stream ids and keys of a relay in one file. A file, not a database: it holds a few MiB at most, is read once and written when an operator
 * changes something. Each change writes a new file beside it, which takes its place when it is on disk: what is there is whole, old or new. A CRC-32
 * shows damage.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from '@skein/core'
import { EMPTY_STATE, readRelayState } from '../relay-state.ts'
import { ProcessLock } from './process-lock.ts'
import type { RelayState } from '../relay-state.ts'

const FORMAT = 'skein media relay 1'

/**
 * - `in_use`: another relay has the file
 * - `damaged`: what is there was not written by a relay, or was changed
 * - `unusable`: it cannot be read or written
 */
export type RelayFileProblem = 'in_use' | 'damaged' | 'unusable'

export class RelayFileError extends Error {
  static override name = 'RelayFileError'
  override readonly name = 'RelayFileError'
  readonly problem: RelayFileProblem
  readonly path: string

  constructor (problem: RelayFileProblem, path: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
    this.path = path
  }
}

export class RelayFile {
  readonly path: string
  /** What was kept when the file was opened */
  readonly state: RelayState

  private readonly lock: ProcessLock

  private constructor (path: string, lock: ProcessLock, state: RelayState) {
    this.path = path
    this.lock = lock
    this.state = state
  }

  /** Reads the file, which need not be there, and keeps other relays from it. @throws {RelayFileError} */
  static async open (path: string): Promise<RelayFile> {
    const lock = await lockOf(path)
    try {
      return new RelayFile(path, lock, await readState(path))
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Resolves when it is on disk. @throws {RelayFileError} `unusable`: what was kept before still is */
  async save (state: RelayState): Promise<void> {
    const text = JSON.stringify(state)
    try {
      const file = await open(`${this.path}.new`, 'w', 0o600)
      try {
        await file.writeFile(`${JSON.stringify({ format: FORMAT, crc32: crcOf(text) }).slice(0, -1)},"state":${text}}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${this.path}.new`, this.path)
      await syncFolder(dirname(this.path))
    } catch (error) {
      throw unusable(this.path, error)
    }
  }

  async close (): Promise<void> {
    await this.lock.release()
  }
}

async function lockOf (path: string): Promise<ProcessLock> {
  let taken: ProcessLock | number
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    taken = await ProcessLock.take(`${path}.lock`)
  } catch (error) {
    throw unusable(path, error)
  }
  if (typeof taken === 'number') {
    throw new RelayFileError('in_use', path,
      `${path} is used by process ${taken}: stop it, or choose another folder. If that is no relay, delete ${path}.lock`)
  }
  return taken
}

async function readState (path: string): Promise<RelayState> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return EMPTY_STATE
    }
    throw unusable(path, error)
  }
  const state = checkedState(text)
  if (state === undefined) {
    throw new RelayFileError('damaged', path,
      `${path} is damaged: put a copy of it back, or move it away to start without stream ids and with a new key`)
  }
  return state
}

function checkedState (text: string): RelayState | undefined {
  try {
    const { format, crc32: crc, state } = JSON.parse(text) as Record<string, unknown>
    return format === FORMAT && crc === crcOf(JSON.stringify(state)) ? readRelayState(state) : undefined
  } catch {
    return undefined
  }
}

function crcOf (text: string): number {
  return crc32(new TextEncoder().encode(text))
}

/** A rename is on disk when its folder is. Windows cannot open folders, and needs none of this. */
async function syncFolder (path: string): Promise<void> {
  if (process.platform === 'win32') {
    return
  }
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function unusable (path: string, error: unknown): RelayFileError {
  return error instanceof RelayFileError
    ? error
    : new RelayFileError('unusable', path, `${path} cannot be used: ${(error as Error).message}`, { cause: error })
}
