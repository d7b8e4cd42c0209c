/** A connection to SQLite in the thread that opens it. */
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import type { SqlValue } from '../store/sql-database.ts'

/** Statements differ by a handful of shapes; at this many the oldest is prepared anew. */
const MAX_STATEMENTS = 200

/** In this thread, or in another where this one has no SQLite. */
export interface SqliteLink {
  run (sql: string, values?: SqlValue[]): unknown[] | Promise<unknown[]>
  /** Harmless where SQLite has ended the transaction already, as it does when the disk is full */
  rollBack (): void | Promise<void>
  close (): void | Promise<void>
}

export class SqliteConnection implements SqliteLink {
  private readonly connection: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()

  constructor (path: string) {
    this.connection = new DatabaseSync(path)
    // What was acknowledged survives a kill of the process. NORMAL may lose the last of it when the machine loses power; that is mended as any crash
    // is: nodes are told to forget sessions that nobody knows, and clients start them anew. FULL stands still for the disk at each change.
    this.connection.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    this.connection.exec('PRAGMA busy_timeout = 0')
  }

  run (sql: string, values: SqlValue[] = []): unknown[] {
    let statement = this.statements.get(sql)
    if (statement === undefined) {
      statement = this.connection.prepare(sql)
      if (this.statements.size >= MAX_STATEMENTS) {
        this.statements.delete(this.statements.keys().next().value as string)
      }
      this.statements.set(sql, statement)
    }
    return statement.all(Object.fromEntries(values.map((value, at) => [`$${at + 1}`, value])))
  }

  rollBack (): void {
    // not told by Node 22 before 22.16
    if (this.connection.isTransaction !== false) {
      this.run('ROLLBACK')
    }
  }

  close (): void {
    this.statements.clear()
    this.connection.close()
  }
}
