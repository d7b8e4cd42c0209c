/** The little that the store asks of a database of SQL, so that its statements are written once. */

export type SqlValue = string | number | null

export interface SqlRunner {
  /** Runs one statement with `$1`, `$2`, …; changes say what they changed by RETURNING. */
  query <Row> (sql: string, values?: SqlValue[]): Promise<Row[]>
}

export interface SqlDatabase extends SqlRunner {
  /** Appended to a SELECT whose rows are about to be changed; empty where a transaction has the database to itself */
  forUpdate: string
  /** The same, passing over rows that another transaction holds */
  skipLocked: string
  /**
   * Put after RETURNING in a change whose loss does no harm when the machine of the database loses power: it does not wait for the disk. Left out
   * where nothing does.
   */
  unhurried?: string
  /** Waits, in a transaction, for others that migrate; left out where a transaction has the database to itself */
  migrationLock?: string
  /** All of it or nothing. `work` may be run again when the database asks for that, so it does nothing but ask `runner`. */
  transaction <T> (work: (runner: SqlRunner) => Promise<T>): Promise<T>
  /** ms since the epoch */
  nowMs (): Promise<number>
  close (): Promise<void>
}
