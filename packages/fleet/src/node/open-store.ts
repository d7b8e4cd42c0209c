/** Opens the store that a URL names: a file on this machine, or a PostgreSQL server. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemClock } from '@skein/core/system'
import { SqlFleetStore } from '../store/sql-fleet-store.ts'
import { openPostgres } from './postgres-database.ts'
import { openSqlite } from './sqlite-database.ts'
import type { Clock } from '@skein/core'
import type { FleetStore } from '../store/fleet-store.ts'

export interface OpenStoreOptions {
  /** @default the system's */
  clock?: Clock
  /** Connections to PostgreSQL @default 10 */
  maxConnections?: number
  /** Told of connections to PostgreSQL that broke @default () => {} */
  onProblem?: (error: Error) => void
}

/**
 * @param location - the path of a file, `:memory:`, or `postgres://user:password@host:port/database`
 * @throws {SqliteMissingError} when it is a file, and this Node has no `node:sqlite`, not even with its flag
 * @throws {StoreVersionError} when a newer program has changed the tables
 */
export async function openStore (location: string, options: OpenStoreOptions = {}): Promise<FleetStore> {
  const { clock = systemClock(), maxConnections, onProblem } = options
  const store = new SqlFleetStore(await open())
  try {
    await store.migrate()
  } catch (error) {
    await store.close()
    throw error
  }
  return store

  async function open (): ReturnType<typeof openSqlite> {
    if (/^postgres(ql)?:/.test(location)) {
      return openPostgres({ url: location, maxConnections, onProblem })
    }
    if (location !== ':memory:') {
      await mkdir(dirname(location), { recursive: true })
    }
    return await openSqlite(location, clock)
  }
}
