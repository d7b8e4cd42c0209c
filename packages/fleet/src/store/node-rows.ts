/** Pool nodes and their places in SQL: what is told of them, and the atomic pick. */
import { BUDGET_STOP_SHARE, MAX_SILENT_POLLS, MIN_HEALTH } from './pool-node.ts'
import { StaleFenceError } from './store-error.ts'
import type { Assignment, AssignmentRole, AssignNextRequest, AssignRequest, UnassignRequest } from './fleet-store.ts'
import type { NodeReport, NodeSpec, NodeState, PoolNode } from './pool-node.ts'
import type { SessionState } from './session-record.ts'
import type { SqlDatabase, SqlRunner, SqlValue } from './sql-database.ts'

interface NodeRow {
  id: string
  region: string
  capacity: number
  used: number
  owner: string | null
  state: NodeState
  health: number
  month: string
  month_bytes: number
  month_limit_bytes: number | null
  silent_polls: number
  seen_ms: number | null
  boot_id: string | null
  boot_bytes: number | null
  body: string
}

interface AssignmentRow {
  session_id: string
  role: AssignmentRole
  node_id: string
  fence: number
  assigned_ms: number
}

/** By name: a statement that a connection has prepared must give the same after a newer program has added columns. */
const NODE_COLUMNS = 'id, region, capacity, used, owner, state, health, month, month_bytes, month_limit_bytes, silent_polls, seen_ms, boot_id, ' +
  'boot_bytes, body'
/** Who comes in vain so often, each time because another was faster, is told that there is no place: every round somebody got one. */
const MAX_ROUNDS = 200
const MAX_AVOIDED = 32

export async function putNode (sql: SqlRunner, spec: NodeSpec): Promise<void> {
  const { id, region, capacity, owner, monthLimitBytes, ...body } = spec
  await sql.query(`
    INSERT INTO pool_nodes (id, region, capacity, used, owner, state, health, month, month_bytes, month_limit_bytes, silent_polls, body)
    VALUES ($1, $2, $3, 0, $4, 'active', 100, '', 0, $5, 0, $6)
    ON CONFLICT (id) DO UPDATE SET region = excluded.region, capacity = excluded.capacity, owner = excluded.owner,
      month_limit_bytes = excluded.month_limit_bytes, body = excluded.body`,
  [id, region, capacity, owner ?? null, monthLimitBytes ?? null, JSON.stringify(body)])
}

export async function readNodes (sql: SqlRunner, where: string, values: SqlValue[]): Promise<PoolNode[]> {
  const rows = await sql.query<NodeRow>(`SELECT ${NODE_COLUMNS} FROM pool_nodes ${where} ORDER BY id`, values)
  return rows.map(row => ({
    ...JSON.parse(row.body) as Pick<PoolNode, 'ingest' | 'play' | 'manageUrl' | 'manageKey'>,
    id: row.id,
    region: row.region,
    capacity: row.capacity,
    used: row.used,
    owner: row.owner ?? undefined,
    state: row.state,
    health: row.health,
    month: row.month,
    monthBytes: row.month_bytes,
    monthLimitBytes: row.month_limit_bytes ?? undefined,
    silentPolls: row.silent_polls,
    seenMs: row.seen_ms ?? undefined,
    bootId: row.boot_id ?? undefined,
    bootBytes: row.boot_bytes ?? undefined
  }))
}

export async function reportNode (sql: SqlRunner, id: string, report: NodeReport): Promise<boolean> {
  const rows = await sql.query(`
    UPDATE pool_nodes SET health = $2, month = $3, month_bytes = $4, silent_polls = $5, seen_ms = COALESCE($6, seen_ms),
      boot_id = COALESCE($7, boot_id), boot_bytes = COALESCE($8, boot_bytes)
    WHERE id = $1 RETURNING id`,
  [id, report.health, report.month, report.monthBytes, report.silentPolls, report.seenMs ?? null, report.bootId ?? null, report.bootBytes ?? null])
  return rows.length > 0
}

/** In a transaction. Rows are locked in this order: session, node. */
export async function assign (database: SqlDatabase, sql: SqlRunner, request: AssignRequest): Promise<Assignment | undefined> {
  const { sessionId, fence, region } = request
  await lockSession(database, sql, sessionId, 'provisioning', fence)
  const present = await readAssignments(sql, 'WHERE session_id = $1', [sessionId])
  const held = present.find(({ role }) => role === 'held')
  if (held !== undefined) {
    await sql.query('UPDATE assignments SET fence = $2 WHERE session_id = $1 AND role = \'held\'', [sessionId, fence])
    return { ...held, fence }
  }
  // a place that it has left is soon called off, by session and node: it must not be taken anew meanwhile
  const avoid = [...request.avoid ?? [], ...present.map(({ nodeId }) => nodeId)]
  return await place(sql, request, 'held', await pick(database, sql, { ...request, avoid }, region === '' ? [''] : [region, '']))
}

/** In a transaction. */
export async function assignNext (database: SqlDatabase, sql: SqlRunner, request: AssignNextRequest): Promise<Assignment | undefined> {
  const { sessionId, fence, region, elsewhere = false, currentNodeId } = request
  await lockSession(database, sql, sessionId, 'active', fence)
  const present = await readAssignments(sql, 'WHERE session_id = $1 AND node_id <> $2 AND role IN (\'held\', \'next\')', [sessionId, currentNodeId])
  if (present[0] !== undefined) {
    await sql.query('UPDATE assignments SET fence = $2 WHERE session_id = $1', [sessionId, fence])
    return { ...present[0], fence }
  }
  return await place(sql, request, 'next', await pick(database, sql, { ...request, avoid: [currentNodeId] }, elsewhere ? [region, ''] : [region]))
}

/** In a transaction. */
export async function holdAt (
  database: SqlDatabase, sql: SqlRunner, { sessionId, fence, nodeId }: { sessionId: string, fence: number, nodeId: string }
): Promise<void> {
  await lockSession(database, sql, sessionId, 'active', fence)
  const wanted = await readAssignments(sql, 'WHERE session_id = $1 AND node_id = $2', [sessionId, nodeId])
  if (wanted[0] === undefined || wanted[0].role === 'held') {
    return
  }
  // there is one of each role at any moment: it steps aside while the other changes
  await sql.query('UPDATE assignments SET role = \'swap\' WHERE session_id = $1 AND node_id = $2', [sessionId, nodeId])
  await sql.query('UPDATE assignments SET role = \'left\' WHERE session_id = $1 AND role = \'held\'', [sessionId])
  await sql.query('UPDATE assignments SET role = \'held\' WHERE session_id = $1 AND role = \'swap\'', [sessionId])
}

/** @throws {StaleFenceError} */
async function lockSession (database: SqlDatabase, sql: SqlRunner, id: string, state: SessionState, fence: number): Promise<void> {
  const [session] = await sql.query<{ state: string, fence: number }>(
    `SELECT state, fence FROM sessions WHERE id = $1 ${database.forUpdate}`, [id])
  if (session?.state !== state || session.fence !== fence) {
    throw new StaleFenceError(id, fence)
  }
}

async function place (
  sql: SqlRunner, { sessionId, fence, nowMs }: Pick<AssignRequest, 'sessionId' | 'fence' | 'nowMs'>, role: AssignmentRole, nodeId: string | undefined
): Promise<Assignment | undefined> {
  if (nodeId === undefined) {
    return undefined
  }
  await sql.query('INSERT INTO assignments (session_id, role, node_id, fence, assigned_ms) VALUES ($1, $2, $3, $4, $5)',
    [sessionId, role, nodeId, fence, nowMs])
  return { sessionId, role, nodeId, fence, assignedMs: nowMs }
}

/**
 * Takes a place at the node that is picked, whose row it holds from then on. First what no other transaction holds, which costs no waiting; where all
 * that might do are held, it waits for one of them rather than go to another region, or say that the fleet is full.
 */
async function pick (
  database: SqlDatabase, sql: SqlRunner, { month, avoid = [] }: Pick<AssignRequest, 'month' | 'avoid'>, regions: string[]
): Promise<string | undefined> {
  const avoided = avoid.slice(-MAX_AVOIDED)
  for (const wanted of regions) {
    const values: SqlValue[] = [MIN_HEALTH, month, BUDGET_STOP_SHARE, wanted, MAX_SILENT_POLLS, ...avoided]
    const candidates = `
      SELECT id FROM pool_nodes WHERE owner IS NULL AND state = 'active' AND health >= $1 AND used < capacity AND silent_polls < $5
        AND (month_limit_bytes IS NULL OR month <> $2 OR month_bytes < month_limit_bytes * CAST($3 AS DOUBLE PRECISION))
        AND ($4 = '' OR region = $4)
        ${avoided.length === 0 ? '' : `AND id NOT IN (${avoided.map((_, at) => `$${at + 6}`).join(', ')})`}
      ORDER BY used * 1.0 / capacity, id LIMIT 1`

    for (let round = 0; round < MAX_ROUNDS; round++) {
      const locked = `${candidates} ${round % 2 === 0 ? database.skipLocked : database.forUpdate}`
      const [row] = await sql.query<{ id: string }>(`UPDATE pool_nodes SET used = used + 1 WHERE id = (${locked}) RETURNING id`, values)
      if (row !== undefined) {
        return row.id
      }
      // one that was waited for may be full now; whether there are others is seen without waiting
      if (database.forUpdate === '' || (await sql.query(candidates, values)).length === 0) {
        break
      }
    }
  }
  return undefined
}

/** In a transaction. */
export async function unassign (sql: SqlRunner, { sessionId, nodeId, fence }: UnassignRequest): Promise<boolean> {
  const rows = await sql.query(
    'DELETE FROM assignments WHERE session_id = $1 AND node_id = $2 AND fence <= $3 RETURNING session_id', [sessionId, nodeId, fence])
  if (rows.length > 0) {
    await sql.query('UPDATE pool_nodes SET used = used - $2 WHERE id = $1', [nodeId, rows.length])
  }
  return rows.length > 0
}

export async function readAssignments (sql: SqlRunner, where: string, values: SqlValue[]): Promise<Assignment[]> {
  const rows = await sql.query<AssignmentRow>(`
    SELECT session_id, role, node_id, fence, assigned_ms FROM assignments ${where} ORDER BY session_id, role`, values)
  return rows.map(row => ({ sessionId: row.session_id, role: row.role, nodeId: row.node_id, fence: row.fence, assignedMs: row.assigned_ms }))
}
