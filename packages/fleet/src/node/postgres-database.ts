/** PostgreSQL, for several control planes over one fleet. Statements run at READ COMMITTED; what must not change meanwhile is locked by row. */
import { createHash } from 'node:crypto'
import { BoundedMap } from '@skein/core'
import pg from 'pg'
import type { SqlDatabase, SqlRunner, SqlValue } from '../store/sql-database.ts'

export interface PostgresInit {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** Connections at once; more wait @default 10 */
  maxConnections?: number
  /** Told of connections that broke while nobody used them; the next one who asks gets another @default () => {} */
  onProblem?: (error: Error) => void
}

const CONNECT_TIMEOUT_MS = 10_000
/** A statement that takes longer hangs: on a lock of a control plane that stands still, or on the disk. */
const STATEMENT_TIMEOUT_MS = 15_000
/** A transaction whose process does nothing for so long is ended by the server, and its locks with it. */
const IDLE_TRANSACTION_TIMEOUT_MS = 10_000
/** Deadlocks and lost serializations are for the caller to try again (PostgreSQL manual, 13.5). */
const TRY_AGAIN = new Set(['40001', '40P01'])
const MAX_TRIES = 5
/** Of statements; there are fewer than a hundred. */
const MAX_NAMES = 1_000
const INT8_OID = 20
const NUMERIC_OID = 1700
/** "skein" in ASCII: what advisory lock migrations wait for. */
const MIGRATION_LOCK = 0x736b65696e

export function openPostgres ({ url, maxConnections = 10, onProblem = () => {} }: PostgresInit): SqlDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
    application_name: 'skein-fleet',
    types: { getTypeParser }
  })
  pool.on('error', onProblem)
  return new PostgresDatabase(pool)
}

/** Counts and times are whole numbers far below 2^53. */
const getTypeParser: typeof pg.types.getTypeParser = (id: number, format?: unknown) =>
  (id === INT8_OID || id === NUMERIC_OID) && format !== 'binary' ? Number : pg.types.getTypeParser(id, format as 'text')

/**
 * Statements differ by a handful of shapes, and each is parsed and planned once for a connection. Those without values are run once, and may be
 * several in one.
 */
function prepared (sql: string, values: SqlValue[]): pg.QueryConfig {
  return values.length === 0 ? { text: sql } : { name: nameOf(sql), text: sql, values }
}

const names = new BoundedMap<string, string>({ maxSize: MAX_NAMES })

function nameOf (sql: string): string {
  let name = names.get(sql)
  if (name === undefined) {
    name = createHash('sha256').update(sql).digest('base64url').slice(0, 24)
    names.set(sql, name)
  }
  return name
}

class PostgresDatabase implements SqlDatabase {
  readonly forUpdate = 'FOR UPDATE'
  readonly skipLocked = 'FOR UPDATE SKIP LOCKED'
  // holds for the transaction that this statement is: PostgreSQL manual, 30.4
  readonly unhurried = 'set_config(\'synchronous_commit\', \'off\', true)'
  readonly migrationLock = `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`
  private readonly pool: pg.Pool

  constructor (pool: pg.Pool) {
    this.pool = pool
  }

  async query<Row> (sql: string, values: SqlValue[] = []): Promise<Row[]> {
    return (await this.pool.query(prepared(sql, values))).rows as Row[]
  }

  async transaction<T> (work: (runner: SqlRunner) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.once(work)
      } catch (error) {
        if (tries >= MAX_TRIES || !TRY_AGAIN.has((error as { code?: string }).code ?? '')) {
          throw error
        }
      }
    }
  }

  async nowMs (): Promise<number> {
    const [row] = await this.query<{ now_ms: number }>('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000) AS now_ms')
    return row?.now_ms as number
  }

  async close (): Promise<void> {
    await this.pool.end()
  }

  private async once<T> (work: (runner: SqlRunner) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work({ query: async (sql, values = []) => (await client.query(prepared(sql, values))).rows })
      await client.query('COMMIT')
      return result
    } catch (error) {
      // a connection that cannot even roll back is thrown away
      await client.query('ROLLBACK').catch((failure: Error) => { broken = failure })
      throw error
    } finally {
      client.release(broken)
    }
  }
}
