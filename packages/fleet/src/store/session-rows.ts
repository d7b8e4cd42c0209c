/** Sessions in SQL: columns for what is asked for or compared, JSON for the rest. */
import type { InsertOutcome, ReplaceOptions, SessionFilter } from './fleet-store.ts'
import type { SessionRecord, SessionState } from './session-record.ts'
import type { SqlDatabase, SqlRunner, SqlValue } from './sql-database.ts'

interface SessionRow {
  id: string
  user_id: string
  slot: number
  state: SessionState
  fence: number
  lease_until_ms: number
  work_until_ms: number
  ended_ms: number | null
  version: number
  body: string
}

/** What a user may have live at once of whom no plan is known. */
export const DEFAULT_MAX_ACTIVE = 3
const MAX_PAGE = 1_000
/** By name: a statement that a connection has prepared must give the same after a newer program has added columns. */
const COLUMNS = 'id, user_id, slot, state, fence, lease_until_ms, work_until_ms, ended_ms, version, body'

/** In a transaction. The user's row is locked, so that two starts of a user do not both see the last free place. */
export async function insertSession (database: SqlDatabase, sql: SqlRunner, session: SessionRecord): Promise<InsertOutcome> {
  const lockUser = async (): Promise<number | undefined> => (await sql.query<{ max_active: number }>(
    `SELECT max_active FROM fleet_users WHERE id = $1 ${database.forUpdate}`, [session.userId]))[0]?.max_active
  let maxActive = await lockUser()
  if (maxActive === undefined) {
    await sql.query('INSERT INTO fleet_users (id, max_active) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING', [session.userId, DEFAULT_MAX_ACTIVE])
    maxActive = await lockUser()
  }
  const live = await sql.query<{ slot: number }>(
    'SELECT slot FROM sessions WHERE user_id = $1 AND state IN (\'provisioning\', \'active\')', [session.userId])
  if (live.some(({ slot }) => slot === session.slot)) {
    return 'exists'
  }
  if (live.length >= (maxActive ?? 0)) {
    return 'limit'
  }
  await sql.query(`
    INSERT INTO sessions (id, user_id, slot, state, fence, lease_until_ms, work_until_ms, ended_ms, version, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
  [session.id, session.userId, session.slot, ...changeable(session)])
  return 'inserted'
}

/** One statement: what was read at `version` is replaced, or nothing is. */
export async function replaceSession (
  database: SqlDatabase, session: SessionRecord, version: number, { mayBeLost = false }: ReplaceOptions = {}
): Promise<boolean> {
  const rows = await database.query(`
    UPDATE sessions SET state = $2, fence = $3, lease_until_ms = $4, work_until_ms = $5, ended_ms = $6, version = $7, body = $8
    WHERE id = $1 AND version = $9 RETURNING id${mayBeLost && database.unhurried !== undefined ? `, ${database.unhurried}` : ''}`,
  [session.id, ...changeable(session), version])
  return rows.length > 0
}

function changeable (session: SessionRecord): SqlValue[] {
  const { id, userId, slot, state, fence, leaseUntilMs, workUntilMs, endedMs, version, ...body } = session
  return [state, fence, leaseUntilMs, workUntilMs, endedMs ?? null, version, JSON.stringify(body)]
}

export async function readSessions (sql: SqlRunner, rest: string, values: SqlValue[]): Promise<SessionRecord[]> {
  const rows = await sql.query<SessionRow>(`SELECT ${COLUMNS} FROM sessions ${rest}`, values)
  return rows.map(row => ({
    ...JSON.parse(row.body) as Omit<SessionRecord, 'id'>,
    id: row.id,
    userId: row.user_id,
    slot: row.slot,
    state: row.state,
    fence: row.fence,
    leaseUntilMs: row.lease_until_ms,
    workUntilMs: row.work_until_ms,
    endedMs: row.ended_ms ?? undefined,
    version: row.version
  }))
}

export async function readPage (sql: SqlRunner, { userId, states, afterId, limit = 100 }: SessionFilter): Promise<SessionRecord[]> {
  const values: SqlValue[] = []
  const put = (value: SqlValue): string => `$${values.push(value)}`
  const conditions = [
    ...userId === undefined ? [] : [`user_id = ${put(userId)}`],
    ...states === undefined ? [] : [`state IN (${states.map(put).join(', ')})`],
    ...afterId === undefined ? [] : [`id > ${put(afterId)}`]
  ]
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  return await readSessions(sql, `${where} ORDER BY id LIMIT ${put(Math.min(MAX_PAGE, limit))}`, values)
}

export async function readDue (sql: SqlRunner, nowMs: number, limit: number): Promise<SessionRecord[]> {
  return await readSessions(sql, `
    WHERE (state IN ('provisioning', 'active') AND lease_until_ms <= $1) OR (work_until_ms > 0 AND work_until_ms <= $1)
    ORDER BY lease_until_ms LIMIT $2`, [nowMs, Math.min(MAX_PAGE, limit)])
}

/** In a transaction. */
export async function beat (database: SqlDatabase, sql: SqlRunner, nowMs: number, graceMs: number): Promise<number> {
  await sql.query('INSERT INTO control_beat (id, at_ms) VALUES (1, $1) ON CONFLICT (id) DO NOTHING', [nowMs])
  const [last] = await sql.query<{ at_ms: number }>(`SELECT at_ms FROM control_beat WHERE id = 1 ${database.forUpdate}`)
  const gapMs = nowMs - (last?.at_ms ?? nowMs)
  if (gapMs > graceMs) {
    await sql.query(`
      UPDATE sessions SET lease_until_ms = lease_until_ms + $1, version = version + 1 WHERE state IN ('provisioning', 'active')`, [gapMs])
  }
  if (gapMs > 0) {
    await sql.query('UPDATE control_beat SET at_ms = $1 WHERE id = 1', [nowMs])
  }
  return gapMs > graceMs ? gapMs : 0
}
