/** The highest fence that this super-node has signed, in a file: no lease after a restart may have a lower one. */
import { join } from 'node:path'
import { crc32 } from '@skein/core'
import { DurableText } from '../durable-text.ts'
import type { Clock } from '@skein/core'
import type { FenceMark } from '@skein/supernode'

export const FENCE_FILE = 'super-node-fence.json'
const MAX_FILE_CHARS = 1_024

/** The mark could not be written: no lease is signed, for a restart could sign a lower one. */
export class FenceFileError extends Error {
  static override name = 'FenceFileError'
  override readonly name = 'FenceFileError'
  readonly path: string

  constructor (path: string, options: ErrorOptions) {
    super(`${path} cannot be written, so no lease is signed: ${(options.cause as Error | undefined)?.message ?? 'unknown'}`, options)
    this.path = path
  }
}

export class FenceFile {
  private readonly file: DurableText
  private readonly clock: Clock
  private problem?: Error

  constructor ({ folder, clock }: { folder: string, clock: Clock }) {
    this.clock = clock
    this.file = new DurableText(join(folder, FENCE_FILE), error => { this.problem = error })
  }

  async load (): Promise<FenceMark | undefined> {
    const text = await this.file.read()
    if (text === undefined) {
      return undefined
    }
    const mark = parseMark(text)
    if (mark === undefined) {
      await this.file.putAside()
      // leases are minutes apart: one for each second since 1970 is above any that was signed
      return { term: 0, fence: Math.floor(this.clock.nowMs() / 1000) }
    }
    return mark
  }

  /** @throws {FenceFileError} */
  async save ({ term, fence }: FenceMark): Promise<void> {
    if (!await this.file.write(`${JSON.stringify({ version: 1, term, fence, crc32: checksum(term, fence) })}\n`)) {
      throw new FenceFileError(this.file.path, { cause: this.problem })
    }
  }
}

function parseMark (text: string): FenceMark | undefined {
  try {
    const { version, term, fence, crc32: sum } = JSON.parse(text.slice(0, MAX_FILE_CHARS)) as Record<string, number>
    return version === 1 && Number.isSafeInteger(term) && Number.isSafeInteger(fence) && sum === checksum(term as number, fence as number)
      ? { term: term as number, fence: fence as number }
      : undefined
  } catch {
    return undefined
  }
}

function checksum (term: number, fence: number): number {
  return crc32(new TextEncoder().encode(`${term} ${fence}`))
}
