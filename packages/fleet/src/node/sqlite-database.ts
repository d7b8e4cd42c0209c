/**
 * SQLite in this process (`node:sqlite`), for one control plane without a server. Several processes may open the same file: a transaction has it to
 * itself.
 *
 * Node has the module since 22.5, without a flag since 22.13, and warns there that it is experimental; 22.12 wants `--experimental-sqlite`.
 */
import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { SqliteMissingError } from '../store/store-error.ts'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '@skein/core'
import type { SqlDatabase, SqlRunner, SqlValue } from '../store/sql-database.ts'

/** Another process may hold the file for so long, and is asked so often whether it still does, ms. SQLite would wait by standing still. */
const BUSY_TIMEOUT_MS = 5_000
const BUSY_RETRY_MS = 5
/** sqlite.org/rescode.html */
const SQLITE_BUSY = 5
/** Statements differ by a handful of shapes; at this many the oldest is prepared anew. */
const MAX_STATEMENTS = 200

/** @throws {SqliteMissingError} on a Node without it */
export async function openSqlite (path: string, clock: Clock): Promise<SqlDatabase> {
  const { DatabaseSync } = await import('node:sqlite').catch((cause: unknown) => { throw new SqliteMissingError({ cause }) })
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  // What was acknowledged survives a kill of the process. NORMAL may lose the last of it when the machine loses power; that is mended as any crash
  // is: nodes are told to forget sessions that nobody knows, and clients start them anew. FULL stands still for the disk at each change.
  connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 0')
  return new SqliteDatabase(connection, clock)
}

class SqliteDatabase implements SqlDatabase {
  readonly forUpdate = ''
  readonly skipLocked = ''
  private readonly connection: DatabaseSync
  private readonly clock: Clock
  private readonly statements = new Map<string, StatementSync>()
  /** The end of the line of those who wait: there is one connection, and what others ask must not fall into a transaction */
  private turn: Promise<unknown> = Promise.resolve()

  constructor (connection: DatabaseSync, clock: Clock) {
    this.connection = connection
    this.clock = clock
  }

  async query<Row> (sql: string, values: SqlValue[] = []): Promise<Row[]> {
    return await this.inTurn(async () => await this.patiently(() => this.run<Row>(sql, values)))
  }

  async transaction<T> (work: (runner: SqlRunner) => Promise<T>): Promise<T> {
    return await this.inTurn(async () => {
      await this.patiently(() => this.run('BEGIN IMMEDIATE'))
      try {
        const result = await work({ query: async (sql, values) => this.run(sql, values) })
        this.run('COMMIT')
        return result
      } catch (error) {
        // a full disk, and the like, may have ended it already
        if (this.connection.isTransaction !== false) {
          this.run('ROLLBACK')
        }
        throw error
      }
    })
  }

  async nowMs (): Promise<number> {
    return Math.floor(this.clock.nowMs())
  }

  async close (): Promise<void> {
    await this.inTurn(async () => {
      this.statements.clear()
      this.connection.close()
    })
  }

  private async inTurn<T> (work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work)
    this.turn = result.catch(() => {})
    return await result
  }

  /** Nothing was done of a statement that found the file busy. */
  private async patiently<T> (work: () => T): Promise<T> {
    const clock = systemClock()
    const untilMs = clock.nowMs() + BUSY_TIMEOUT_MS
    for (;;) {
      try {
        return work()
      } catch (error) {
        if ((error as { errcode?: number }).errcode !== SQLITE_BUSY || clock.nowMs() >= untilMs) {
          throw error
        }
      }
      await sleep(clock, BUSY_RETRY_MS)
    }
  }

  private run<Row> (sql: string, values: SqlValue[] = []): Row[] {
    let statement = this.statements.get(sql)
    if (statement === undefined) {
      statement = this.connection.prepare(sql)
      if (this.statements.size >= MAX_STATEMENTS) {
        this.statements.delete(this.statements.keys().next().value as string)
      }
      this.statements.set(sql, statement)
    }
    return statement.all(Object.fromEntries(values.map((value, at) => [`$${at + 1}`, value]))) as Row[]
  }
}
