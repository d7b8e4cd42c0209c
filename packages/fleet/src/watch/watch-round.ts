/** What becomes of a node after a poll: its figures, and the difference between what it carries and what it should. Pure. */
import { msToMonthEnd } from '../session/fleet-time.ts'
import { budgetOf, healthScore } from './node-health.ts'
import type { AdmitRequest, NodeStatistics, RevokeRequest } from '../agent/node-agent.ts'
import type { Assignment } from '../store/fleet-store.ts'
import type { NodeReport, PoolNode } from '../store/pool-node.ts'
import type { SessionRecord } from '../store/session-record.ts'
import type { Budget, BudgetState } from './node-health.ts'

/** It answered. Bytes are counted from the last answer on, or from its start where that was later. */
export function answered (node: PoolNode, statistics: NodeStatistics, month: string, nowMs: number): NodeReport {
  const { bootId, bytes, lossShare, cpuShare, memoryShare } = statistics
  const sinceBytes = node.bootId === bootId ? bytes - (node.bootBytes ?? 0) : bytes
  return {
    health: healthScore({ alive: true, usedShare: node.used / node.capacity, lossShare, cpuShare, memoryShare }),
    month,
    monthBytes: (node.month === month ? node.monthBytes : 0) + Math.max(0, sinceBytes),
    silentPolls: 0,
    seenMs: nowMs,
    bootId,
    bootBytes: bytes
  }
}

export function keptSilent (node: PoolNode, month: string): NodeReport {
  return { health: 0, month, monthBytes: node.month === month ? node.monthBytes : 0, silentPolls: node.silentPolls + 1 }
}

const BUDGET_ORDER: BudgetState[] = ['unmetered', 'ok', 'warn', 'stop']

/** The budget, when it has come to a warning or to its end with this report. */
export function budgetAlarm (node: PoolNode, report: NodeReport, nowMs: number): Budget | undefined {
  const before = budgetOf(node.monthLimitBytes, node.month === report.month ? node.monthBytes : 0, 0)
  const after = budgetOf(node.monthLimitBytes, report.monthBytes, msToMonthEnd(nowMs))
  const isWorse = BUDGET_ORDER.indexOf(after.state) > BUDGET_ORDER.indexOf(before.state)
  return isWorse && (after.state === 'warn' || after.state === 'stop') ? after : undefined
}

export interface Reconciliation {
  /** Carried, and nobody's: left by a crash, or by a time in which the node was thought lost */
  revoke: RevokeRequest[]
  /** Sessions that have a place there and are not carried: the node was started again, or they are on the way there */
  missing: string[]
}

/**
 * `statistics` must be older than `assignments`: an assignment is there before its stream is admitted, so a stream without one has none any more.
 */
export function reconcile (statistics: NodeStatistics, assignments: Assignment[]): Reconciliation {
  const assigned = new Set(assignments.map(({ sessionId }) => sessionId))
  const carried = new Set(statistics.streams.map(({ sessionId }) => sessionId))
  return {
    revoke: statistics.streams.filter(({ sessionId }) => !assigned.has(sessionId)).map(({ sessionId, fence }) => ({ sessionId, fence })),
    missing: [...assigned].filter(sessionId => !carried.has(sessionId))
  }
}

/** What of it is to be admitted again; who is provisioned is admitted by who does that. */
export function toAdmit (missing: string[], sessions: SessionRecord[]): AdmitRequest[] {
  const wanted = new Set(missing)
  return sessions.filter(({ id, state }) => wanted.has(id) && state === 'active')
    .map(({ id, streamToken, fence }) => ({ sessionId: id, streamToken, fence }))
}

/** Of a node: each is carried twice for a while, and the nodes that take them take others too. */
const MAX_EVACUATED = 8
/** After a move that came to nothing, as there was no room elsewhere. */
const EVACUATE_AGAIN_MS = 60_000

/** What of a node that is to be emptied is moved now. */
export function toEvacuate (nodeId: string, sessions: SessionRecord[], nowMs: number): SessionRecord[] {
  const here = sessions.filter(({ state, place }) => state === 'active' && place?.instanceId === nodeId)
  const moving = here.filter(({ move }) => move !== undefined).length
  return here.filter(({ move, moveFailedMs = -Infinity }) => move === undefined && nowMs - moveFailedMs >= EVACUATE_AGAIN_MS)
    .slice(0, Math.max(0, MAX_EVACUATED - moving))
}
