/** A file that says which process has something. One whose process is gone was left by a crash, and counts no more. */
import { open, readFile, rm } from 'node:fs/promises'

/** Of this process: in a container the one before may have had the same id. */
const held = new Set<string>()

export class ProcessLock {
  private readonly path: string

  private constructor (path: string) {
    this.path = path
  }

  /** The lock, or the id of the process that has it. */
  static async take (path: string): Promise<ProcessLock | number> {
    for (let attempt = 0; ; attempt++) {
      try {
        const file = await open(path, 'wx', 0o600)
        try {
          await file.writeFile(String(process.pid))
        } finally {
          await file.close()
        }
        held.add(path)
        return new ProcessLock(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
          throw error
        }
      }
      const owner = Number(await readFile(path, 'utf8').catch(() => ''))
      const isOwned = owner === process.pid ? held.has(path) : isRunning(owner)
      if (isOwned || attempt > 0) {
        return owner
      }
      await rm(path, { force: true })
    }
  }

  async release (): Promise<void> {
    held.delete(this.path)
    await rm(this.path, { force: true })
  }
}

function isRunning (pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) {
    return false
  }
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
