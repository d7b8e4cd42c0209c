/** The tables of the store, version after version; a version that was published is never changed. */
import { StoreVersionError } from './store-error.ts'
import type { SqlDatabase } from './sql-database.ts'

/**
 * `used` of a node is what the pick goes by and changes while it holds the row: a count of assignments would be taken from a snapshot that may be
 * older than the lock. Sessions carry in columns what is asked for or compared, and the rest in `body`.
 */
export const MIGRATIONS: string[][] = [
  [
    `CREATE TABLE pool_nodes (
      id TEXT PRIMARY KEY, region TEXT NOT NULL, capacity BIGINT NOT NULL CHECK (capacity >= 1), used BIGINT NOT NULL CHECK (used >= 0), owner TEXT,
      state TEXT NOT NULL, health DOUBLE PRECISION NOT NULL, month TEXT NOT NULL, month_bytes BIGINT NOT NULL, month_limit_bytes BIGINT,
      silent_polls BIGINT NOT NULL, seen_ms BIGINT, boot_id TEXT, boot_bytes BIGINT, body TEXT NOT NULL)`,
    `CREATE TABLE sessions (
      id TEXT PRIMARY KEY, user_id TEXT NOT NULL, slot BIGINT NOT NULL, state TEXT NOT NULL, fence BIGINT NOT NULL, lease_until_ms BIGINT NOT NULL,
      work_until_ms BIGINT NOT NULL, ended_ms BIGINT, version BIGINT NOT NULL, body TEXT NOT NULL)`,
    'CREATE UNIQUE INDEX sessions_live ON sessions (user_id, slot) WHERE state IN (\'provisioning\', \'active\')',
    'CREATE INDEX sessions_of_user ON sessions (user_id, id)',
    'CREATE INDEX sessions_by_lease ON sessions (lease_until_ms) WHERE state IN (\'provisioning\', \'active\')',
    'CREATE INDEX sessions_in_work ON sessions (work_until_ms) WHERE work_until_ms > 0',
    'CREATE INDEX sessions_ended ON sessions (ended_ms) WHERE state = \'ended\'',
    `CREATE TABLE assignments (
      session_id TEXT NOT NULL, role TEXT NOT NULL, node_id TEXT NOT NULL REFERENCES pool_nodes (id), fence BIGINT NOT NULL,
      assigned_ms BIGINT NOT NULL, PRIMARY KEY (session_id, role))`,
    'CREATE INDEX assignments_of_node ON assignments (node_id)',
    'CREATE INDEX assignments_of_moves ON assignments (session_id) WHERE role <> \'held\'',
    'CREATE TABLE fleet_users (id TEXT PRIMARY KEY, max_active BIGINT NOT NULL)',
    `CREATE TABLE slots (
      user_id TEXT NOT NULL, slot BIGINT NOT NULL, label TEXT NOT NULL, name TEXT NOT NULL UNIQUE, created_ms BIGINT NOT NULL, moves TEXT NOT NULL,
      PRIMARY KEY (user_id, slot))`,
    'CREATE TABLE api_keys (id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, scopes TEXT NOT NULL, user_id TEXT, created_ms BIGINT NOT NULL)',
    'CREATE TABLE control_beat (id BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL)',
    'CREATE TABLE leaders (job TEXT PRIMARY KEY, holder TEXT NOT NULL, until_ms BIGINT NOT NULL)'
  ]
]

/** @throws {StoreVersionError} when a newer program was here */
export async function migrate (database: SqlDatabase, migrations = MIGRATIONS): Promise<void> {
  await database.transaction(async sql => {
    if (database.migrationLock !== undefined) {
      await sql.query(database.migrationLock)
    }
    await sql.query('CREATE TABLE IF NOT EXISTS fleet_version (version BIGINT NOT NULL)')
    const [row] = await sql.query<{ version: number }>('SELECT version FROM fleet_version')
    const found = row?.version ?? 0
    if (found > migrations.length) {
      throw new StoreVersionError(found, migrations.length)
    }
    for (const statement of migrations.slice(found).flat()) {
      await sql.query(statement)
    }
    await sql.query('DELETE FROM fleet_version')
    await sql.query('INSERT INTO fleet_version (version) VALUES ($1)', [migrations.length])
  })
}
