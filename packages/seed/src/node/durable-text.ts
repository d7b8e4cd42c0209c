/** A small text on disk that is there whole or not at all, however the process ends: it is written beside, and takes its place when it is on disk. */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

export class DurableText {
  readonly path: string
  private readonly onProblem: (error: Error) => void
  private written?: string
  private failing = false
  private saving: Promise<void> = Promise.resolve()

  /** @param onProblem it cannot be written; told once until it can again */
  constructor (path: string, onProblem: (error: Error) => void) {
    this.path = path
    this.onProblem = onProblem
  }

  /** `undefined` when there is none. */
  async read (): Promise<string | undefined> {
    try {
      this.written = await readFile(this.path, 'utf8')
      return this.written
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return undefined
      }
      throw error
    }
  }

  /** Moves a damaged one out of the way, and says where to. */
  async putAside (): Promise<string> {
    const movedTo = `${this.path}.damaged`
    await rename(this.path, movedTo)
    this.written = undefined
    return movedTo
  }

  /** One after the other. Does not reject: `onProblem` is told. Resolves to whether it is on disk. */
  async write (text: string): Promise<boolean> {
    const saving = this.saving.then(async () => await this.replace(text))
    this.saving = saving.then(() => {})
    return await saving
  }

  private async replace (text: string): Promise<boolean> {
    if (text === this.written) {
      return true
    }
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
      const file = await open(`${this.path}.new`, 'w', 0o600)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${this.path}.new`, this.path)
      this.written = text
      this.failing = false
      return true
    } catch (error) {
      if (!this.failing) {
        this.onProblem(error as Error)
      }
      this.failing = true
      return false
    }
  }
}
