/** The store over a database of SQL; what is atomic is a transaction or one statement. */
import { migrate } from './migrations.ts'
import * as nodeRows from './node-rows.ts'
import * as sessionRows from './session-rows.ts'
import type {
  Assignment, AssignNextRequest, AssignRequest, FleetStore, InsertOutcome, KeyRecord, ReplaceOptions, SessionFilter, SlotRecord, UnassignRequest,
  UserRecord
} from './fleet-store.ts'
import type { NodeReport, NodeSpec, NodeState, PoolNode } from './pool-node.ts'
import type { SessionRecord, SessionState } from './session-record.ts'
import type { SqlDatabase, SqlValue } from './sql-database.ts'

interface SlotRow {
  user_id: string
  slot: number
  label: string
  name: string
  created_ms: number
  moves: string
}

interface KeyRow {
  id: string
  secret_hash: string
  scopes: string
  user_id: string | null
  created_ms: number
}

/** Remembered of a slot: more than may be made in a day. */
const MAX_MOVES = 16

export class SqlFleetStore implements FleetStore {
  private readonly database: SqlDatabase

  constructor (database: SqlDatabase) {
    this.database = database
  }

  async migrate (): Promise<void> {
    await migrate(this.database)
  }

  async nowMs (): Promise<number> {
    return await this.database.nowMs()
  }

  async close (): Promise<void> {
    await this.database.close()
  }

  async putNode (spec: NodeSpec): Promise<void> {
    await nodeRows.putNode(this.database, spec)
  }

  async node (id: string): Promise<PoolNode | undefined> {
    return (await nodeRows.readNodes(this.database, 'WHERE id = $1', [id]))[0]
  }

  async nodes ({ owner }: { owner?: string } = {}): Promise<PoolNode[]> {
    return owner === undefined
      ? await nodeRows.readNodes(this.database, '', [])
      : await nodeRows.readNodes(this.database, 'WHERE owner = $1', [owner])
  }

  async reportNode (id: string, report: NodeReport): Promise<boolean> {
    return await nodeRows.reportNode(this.database, id, report)
  }

  async setNodeState (id: string, state: NodeState): Promise<boolean> {
    return await this.hasChanged('UPDATE pool_nodes SET state = $2 WHERE id = $1 RETURNING id', [id, state])
  }

  async removeNode (id: string): Promise<boolean> {
    return await this.hasChanged('DELETE FROM pool_nodes WHERE id = $1 AND used = 0 RETURNING id', [id])
  }

  async assign (request: AssignRequest): Promise<Assignment | undefined> {
    return await this.database.transaction(async sql => await nodeRows.assign(this.database, sql, request))
  }

  async assignNext (request: AssignNextRequest): Promise<Assignment | undefined> {
    return await this.database.transaction(async sql => await nodeRows.assignNext(this.database, sql, request))
  }

  async holdAt (request: { sessionId: string, fence: number, nodeId: string }): Promise<void> {
    await this.database.transaction(async sql => { await nodeRows.holdAt(this.database, sql, request) })
  }

  async movingAssignments (limit: number): Promise<Assignment[]> {
    return (await nodeRows.readAssignments(this.database, 'WHERE role <> \'held\'', [])).slice(0, limit)
  }

  async assignments (filter: { sessionId: string } | { nodeId: string }): Promise<Assignment[]> {
    return 'sessionId' in filter
      ? await nodeRows.readAssignments(this.database, 'WHERE session_id = $1', [filter.sessionId])
      : await nodeRows.readAssignments(this.database, 'WHERE node_id = $1', [filter.nodeId])
  }

  async assignedSessions (nodeId: string): Promise<SessionRecord[]> {
    return await sessionRows.readSessions(this.database,
      'WHERE id IN (SELECT session_id FROM assignments WHERE node_id = $1) ORDER BY id', [nodeId])
  }

  async unassign (request: UnassignRequest): Promise<boolean> {
    return await this.database.transaction(async sql => await nodeRows.unassign(sql, request))
  }

  async insertSession (session: SessionRecord): Promise<InsertOutcome> {
    return await this.database.transaction(async sql => await sessionRows.insertSession(this.database, sql, session))
  }

  async session (id: string): Promise<SessionRecord | undefined> {
    return (await sessionRows.readSessions(this.database, 'WHERE id = $1', [id]))[0]
  }

  async liveSession (userId: string, slot: number): Promise<SessionRecord | undefined> {
    return (await sessionRows.readSessions(this.database,
      'WHERE user_id = $1 AND slot = $2 AND state IN (\'provisioning\', \'active\')', [userId, slot]))[0]
  }

  async sessions (filter: SessionFilter = {}): Promise<SessionRecord[]> {
    return await sessionRows.readPage(this.database, filter)
  }

  async countSessions (): Promise<Record<SessionState, number>> {
    const rows = await this.database.query<{ state: SessionState, count: number }>('SELECT state, count(*) AS count FROM sessions GROUP BY state')
    const counts: Record<SessionState, number> = { provisioning: 0, active: 0, releasing: 0, ended: 0 }
    for (const { state, count } of rows) {
      counts[state] = count
    }
    return counts
  }

  async replaceSession (session: SessionRecord, version: number, options?: ReplaceOptions): Promise<boolean> {
    return await sessionRows.replaceSession(this.database, session, version, options)
  }

  async dueSessions (nowMs: number, limit: number): Promise<SessionRecord[]> {
    return await sessionRows.readDue(this.database, nowMs, limit)
  }

  async forgetSessions (beforeMs: number): Promise<number> {
    return (await this.database.query('DELETE FROM sessions WHERE state = \'ended\' AND ended_ms < $1 RETURNING id', [beforeMs])).length
  }

  async beat (nowMs: number, graceMs: number): Promise<number> {
    return await this.database.transaction(async sql => await sessionRows.beat(this.database, sql, nowMs, graceMs))
  }

  async lead (job: string, holder: string, nowMs: number, lifeMs: number): Promise<boolean> {
    return await this.hasChanged(`
      INSERT INTO leaders (job, holder, until_ms) VALUES ($1, $2, $3)
      ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms
      WHERE leaders.holder = excluded.holder OR leaders.until_ms <= $4 RETURNING job`, [job, holder, nowMs + lifeMs, nowMs])
  }

  async putUser ({ id, maxActive }: UserRecord): Promise<void> {
    await this.database.query(`
      INSERT INTO fleet_users (id, max_active) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET max_active = excluded.max_active`, [id, maxActive])
  }

  async user (id: string): Promise<UserRecord | undefined> {
    const [row] = await this.database.query<{ id: string, max_active: number }>('SELECT id, max_active FROM fleet_users WHERE id = $1', [id])
    return row && { id: row.id, maxActive: row.max_active }
  }

  async insertSlot ({ userId, slot, label, name, createdMs, moves }: SlotRecord): Promise<boolean> {
    return await this.hasChanged(`
      INSERT INTO slots (user_id, slot, label, name, created_ms, moves) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING name`,
    [userId, slot, label, name, createdMs, JSON.stringify(moves)])
  }

  async slot (userId: string, slot: number): Promise<SlotRecord | undefined> {
    return (await this.readSlots('WHERE user_id = $1 AND slot = $2', [userId, slot]))[0]
  }

  async slots (userId: string): Promise<SlotRecord[]> {
    return await this.readSlots('WHERE user_id = $1', [userId])
  }

  async slotByName (name: string): Promise<SlotRecord | undefined> {
    return (await this.readSlots('WHERE name = $1', [name]))[0]
  }

  async labelSlot (userId: string, slot: number, label: string): Promise<boolean> {
    return await this.hasChanged('UPDATE slots SET label = $3 WHERE user_id = $1 AND slot = $2 RETURNING name', [userId, slot, label])
  }

  async addMove (userId: string, slot: number, atMs: number): Promise<void> {
    await this.database.transaction(async sql => {
      const [row] = await sql.query<{ moves: string }>(
        `SELECT moves FROM slots WHERE user_id = $1 AND slot = $2 ${this.database.forUpdate}`, [userId, slot])
      if (row !== undefined) {
        const moves = [...JSON.parse(row.moves) as number[], atMs].slice(-MAX_MOVES)
        await sql.query('UPDATE slots SET moves = $3 WHERE user_id = $1 AND slot = $2', [userId, slot, JSON.stringify(moves)])
      }
    })
  }

  async removeSlot (userId: string, slot: number): Promise<boolean> {
    return await this.hasChanged('DELETE FROM slots WHERE user_id = $1 AND slot = $2 RETURNING name', [userId, slot])
  }

  async putKey ({ id, secretHash, scopes, userId, createdMs }: KeyRecord): Promise<void> {
    await this.database.query('INSERT INTO api_keys (id, secret_hash, scopes, user_id, created_ms) VALUES ($1, $2, $3, $4, $5)',
      [id, secretHash, scopes.join(' '), userId ?? null, createdMs])
  }

  async key (id: string): Promise<KeyRecord | undefined> {
    return (await this.readKeys('WHERE id = $1', [id]))[0]
  }

  async keys (): Promise<KeyRecord[]> {
    return await this.readKeys('', [])
  }

  async removeKey (id: string): Promise<boolean> {
    return await this.hasChanged('DELETE FROM api_keys WHERE id = $1 RETURNING id', [id])
  }

  private async readSlots (where: string, values: SqlValue[]): Promise<SlotRecord[]> {
    const rows = await this.database.query<SlotRow>(`SELECT user_id, slot, label, name, created_ms, moves FROM slots ${where} ORDER BY slot`, values)
    return rows.map(row => ({
      userId: row.user_id, slot: row.slot, label: row.label, name: row.name, createdMs: row.created_ms, moves: JSON.parse(row.moves) as number[]
    }))
  }

  private async readKeys (where: string, values: SqlValue[]): Promise<KeyRecord[]> {
    const rows = await this.database.query<KeyRow>(`SELECT id, secret_hash, scopes, user_id, created_ms FROM api_keys ${where} ORDER BY id`, values)
    return rows.map(row => ({
      id: row.id, secretHash: row.secret_hash, scopes: row.scopes.split(' '), userId: row.user_id ?? undefined, createdMs: row.created_ms
    }))
  }

  private async hasChanged (sql: string, values: SqlValue[]): Promise<boolean> {
    return (await this.database.query(sql, values)).length > 0
  }
}
