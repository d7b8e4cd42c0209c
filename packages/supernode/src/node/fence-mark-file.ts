/**
 * The highest number of a lease in a file: written beside it and put in its place, synced, so that it survives a power cut, and a damaged one is
 * seen.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from '@skein/core'
import type { FenceMark } from '../super-node-term.ts'

/**
 * What is in the file is no mark. Numbers that start anew would be refused by all clients that remember the last ones: give the peer a new key, or
 * write a file with a number that is above all that were signed.
 */
export class FenceMarkError extends Error {
  static override name = 'FenceMarkError'
  override readonly name = 'FenceMarkError'
  readonly path: string

  constructor (path: string, options?: ErrorOptions) {
    super(`${path} is damaged: the number of the last lease is not known, and clients refuse lower ones. Restore it, or use a new key`, options)
    this.path = path
  }
}

/** A line of JSON and its CRC-32; a mark has far less. */
const MAX_BYTES = 256

export class FenceMarkFile {
  readonly path: string

  constructor (path: string) {
    this.path = path
  }

  /**
   * `undefined` when there is no file.
   *
   * @throws {FenceMarkError}
   */
  async load (): Promise<FenceMark | undefined> {
    let text: string
    try {
      const bytes = await readFile(this.path)
      text = bytes.length > MAX_BYTES ? '' : new TextDecoder().decode(bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return undefined
      }
      throw error
    }
    const [, json, sum] = /^(\{.*\}) ([0-9a-f]{8})\n$/.exec(text) ?? []
    if (json === undefined || sum !== checksum(json)) {
      throw new FenceMarkError(this.path)
    }
    const { term, fence } = JSON.parse(json) as Record<string, unknown>
    if (!Number.isSafeInteger(term) || !Number.isSafeInteger(fence)) {
      throw new FenceMarkError(this.path)
    }
    return { term: term as number, fence: fence as number }
  }

  /** Resolves when it is on the disk: the file, and that it has its name. */
  async save ({ term, fence }: FenceMark): Promise<void> {
    const json = JSON.stringify({ term, fence })
    const folder = dirname(this.path)
    await mkdir(folder, { recursive: true })
    await written(`${this.path}.new`, `${json} ${checksum(json)}\n`)
    await rename(`${this.path}.new`, this.path)
    await synced(folder)
  }
}

async function written (path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function synced (folder: string): Promise<void> {
  // Windows cannot sync a folder
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

function checksum (json: string): string {
  return crc32(new TextEncoder().encode(json)).toString(16).padStart(8, '0')
}
