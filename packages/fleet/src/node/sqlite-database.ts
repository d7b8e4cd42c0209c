/**
 * SQLite for one control plane without a server. Several processes may open the same file: a transaction has it to itself.
 *
 * Node has the module since 22.5, without a flag since 22.13, and warns there that it is experimental. Before, it is used in a thread that has the
 * flag.
 */
import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { ThreadedSqlite } from './threaded-sqlite.ts'
import type { Clock } from '@skein/core'
import type { SqlDatabase, SqlRunner, SqlValue } from '../store/sql-database.ts'
import type { SqliteLink } from './sqlite-connection.ts'

/** Another process may hold the file for so long, and is asked so often whether it still does, ms. SQLite would wait by standing still. */
const BUSY_TIMEOUT_MS = 5_000
const BUSY_RETRY_MS = 5
/** sqlite.org/rescode.html */
const SQLITE_BUSY = 5

/** @throws {SqliteMissingError} on a Node without it */
export async function openSqlite (path: string, clock: Clock): Promise<SqlDatabase> {
  const here = await import('./sqlite-connection.ts').catch((error: Error & { code?: string }) => {
    if (error.code !== 'ERR_UNKNOWN_BUILTIN_MODULE') {
      throw error
    }
  })
  return new SqliteDatabase(here === undefined ? await ThreadedSqlite.open(path) : new here.SqliteConnection(path), clock)
}

export class SqliteDatabase implements SqlDatabase {
  readonly forUpdate = ''
  readonly skipLocked = ''
  private readonly link: SqliteLink
  private readonly clock: Clock
  /** The end of the line of those who wait: there is one connection, and what others ask must not fall into a transaction */
  private turn: Promise<unknown> = Promise.resolve()

  constructor (link: SqliteLink, clock: Clock) {
    this.link = link
    this.clock = clock
  }

  async query<Row> (sql: string, values: SqlValue[] = []): Promise<Row[]> {
    return await this.inTurn(async () => await this.patiently(sql, values)) as Row[]
  }

  async transaction<T> (work: (runner: SqlRunner) => Promise<T>): Promise<T> {
    return await this.inTurn(async () => {
      await this.patiently('BEGIN IMMEDIATE')
      try {
        const result = await work({ query: async <Row> (sql: string, values?: SqlValue[]) => await this.link.run(sql, values) as Row[] })
        await this.link.run('COMMIT')
        return result
      } catch (error) {
        await this.link.rollBack()
        throw error
      }
    })
  }

  async nowMs (): Promise<number> {
    return Math.floor(this.clock.nowMs())
  }

  async close (): Promise<void> {
    await this.inTurn(async () => { await this.link.close() })
  }

  private async inTurn<T> (work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work)
    this.turn = result.catch(() => {})
    return await result
  }

  /** Nothing was done of a statement that found the file busy. */
  private async patiently (sql: string, values?: SqlValue[]): Promise<unknown[]> {
    const clock = systemClock()
    const untilMs = clock.nowMs() + BUSY_TIMEOUT_MS
    for (;;) {
      try {
        return await this.link.run(sql, values)
      } catch (error) {
        if ((error as { errcode?: number }).errcode !== SQLITE_BUSY || clock.nowMs() >= untilMs) {
          throw error
        }
      }
      await sleep(clock, BUSY_RETRY_MS)
    }
  }
}
