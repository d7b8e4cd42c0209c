/** A file that an operator edits while the seed runs: read at the start, and again when it has changed. */
import { open, stat } from 'node:fs/promises'
import type { Cancel, Clock } from '@skein/core'

export interface WatchedFileInit<T> {
  path: string
  maxBytes: number
  /** May throw; `before` is what the file held until now */
  parse: (bytes: Buffer, before: T | undefined) => T | Promise<T>
  clock: Clock
  /** The file has changed, and `value` with it */
  onChange: () => void
  /** The file cannot be read or is wrong; what it held before still counts. Told once for each change */
  onProblem: (error: Error) => void
  /** How often it is looked at, ms @default 2_000 */
  intervalMs?: number
}

/** The file is larger than one of its kind may be. */
export class WatchedFileSizeError extends Error {
  static override name = 'WatchedFileSizeError'
  override readonly name = 'WatchedFileSizeError'
  readonly path: string

  constructor (path: string, maxBytes: number) {
    super(`${path} is larger than ${maxBytes} bytes`)
    this.path = path
  }
}

export class WatchedFile<T> {
  private readonly init: WatchedFileInit<T>
  private current?: { value: T }
  private mark = ''
  private cancel?: Cancel
  private stopped = false

  private constructor (init: WatchedFileInit<T>) {
    this.init = init
  }

  /** @throws when it cannot be read, or `parse` throws */
  static async open<T> (init: WatchedFileInit<T>): Promise<WatchedFile<T>> {
    const file = new WatchedFile(init)
    await file.load()
    file.schedule()
    return file
  }

  get value (): T {
    return (this.current as { value: T }).value
  }

  /** Reads it anew at the next look, whether it has changed or not: what it means depends on something else that has. */
  readAgain (): void {
    this.mark = ''
  }

  stop (): void {
    this.stopped = true
    this.cancel?.()
  }

  private schedule (): void {
    const { clock, intervalMs = 2_000 } = this.init
    if (!this.stopped) {
      this.cancel = clock.schedule(clock.nowMs() + intervalMs, () => { void this.look().finally(() => { this.schedule() }) })
    }
  }

  private async look (): Promise<void> {
    try {
      const mark = await markOf(this.init.path)
      if (mark !== this.mark) {
        this.mark = mark
        await this.load()
        this.init.onChange()
      }
    } catch (error) {
      const message = (error as NodeJS.ErrnoException).code ?? ''
      if (message !== this.mark) {
        // missing for a moment is how some editors write; it is told once, and read when it is back
        this.mark = message === '' ? this.mark : message
        this.init.onProblem(error as Error)
      }
    }
  }

  private async load (): Promise<void> {
    const { path, maxBytes, parse } = this.init
    this.mark = await markOf(path)
    const file = await open(path)
    try {
      if ((await file.stat()).size > maxBytes) {
        throw new WatchedFileSizeError(path, maxBytes)
      }
      this.current = { value: await parse(await file.readFile(), this.current?.value) }
    } finally {
      await file.close()
    }
  }
}

async function markOf (path: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(path)
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
}
