/**
 * SQLite in a thread of its own, which may have what a flag of Node switches on where the process was started without it: Node 22 before 22.13 has
 * `node:sqlite` behind `--experimental-sqlite`.
 */
import { Worker } from 'node:worker_threads'
import { SqliteMissingError } from '../store/store-error.ts'
import type { SqlValue } from '../store/sql-database.ts'
import type { SqliteLink } from './sqlite-connection.ts'

export type SqliteQuestion = { type: 'run', sql: string, values?: SqlValue[] } | { type: 'rollBack' } | { type: 'close' }
export interface SqliteAnswer {
  rows?: unknown[]
  failure?: { message: string, code?: string, errcode?: number }
}

interface Waiting {
  resolve: (rows: unknown[]) => void
  reject: (error: Error) => void
}

export class ThreadedSqlite implements SqliteLink {
  private readonly worker: Worker
  /** Answers come in the order of the questions. Who asks waits for the answer, so that there are few */
  private readonly waiting: Waiting[] = []
  private failure: Error | undefined

  /** @throws {SqliteMissingError} */
  static async open (path: string): Promise<ThreadedSqlite> {
    const link = new ThreadedSqlite(path)
    try {
      await link.answer() // it says that it is there
    } catch (cause) {
      throw (cause as { code?: string }).code === 'ERR_UNKNOWN_BUILTIN_MODULE' ? new SqliteMissingError({ cause }) : cause
    }
    return link
  }

  private constructor (path: string) {
    const url = new URL(import.meta.url.endsWith('.ts') ? './sqlite-thread.ts' : './sqlite-thread.js', import.meta.url)
    try {
      this.worker = new Worker(url, { workerData: path, execArgv: ['--experimental-sqlite'] })
    } catch (cause) {
      throw new SqliteMissingError({ cause }) // a Node that has not the flag
    }
    this.worker.on('message', ({ rows = [], failure }: SqliteAnswer) => {
      const waiting = this.waiting.shift()
      if (failure === undefined) {
        waiting?.resolve(rows)
      } else {
        waiting?.reject(Object.assign(new Error(failure.message), failure))
      }
      this.hold()
    })
    this.worker.on('error', (error: Error) => { this.end(error) })
    this.worker.on('exit', () => { this.end(new Error('The thread that has SQLite has ended')) })
  }

  async run (sql: string, values?: SqlValue[]): Promise<unknown[]> {
    return await this.ask({ type: 'run', sql, values })
  }

  async rollBack (): Promise<void> {
    await this.ask({ type: 'rollBack' })
  }

  async close (): Promise<void> {
    try {
      await this.ask({ type: 'close' })
    } finally {
      await this.worker.terminate()
    }
  }

  private async ask (question: SqliteQuestion): Promise<unknown[]> {
    const answer = this.answer()
    this.worker.postMessage(question, [])
    return await answer
  }

  private async answer (): Promise<unknown[]> {
    if (this.failure !== undefined) {
      throw this.failure
    }
    return await new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.hold()
    })
  }

  /** The process lives on for an answer that somebody waits for, and for nothing else of the thread. */
  private hold (): void {
    if (this.waiting.length > 0) {
      this.worker.ref()
    } else {
      this.worker.unref()
    }
  }

  private end (error: Error): void {
    this.failure ??= error
    for (const { reject } of this.waiting.splice(0)) {
      reject(this.failure)
    }
  }
}
