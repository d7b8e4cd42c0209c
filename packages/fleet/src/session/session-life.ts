/**
 * The life of a session as a machine without I/O: what it is, what happens, and what becomes of it. The store compares and swaps what comes out, so
 * that of two processes to which things happen at once one is told to look again.
 *
 *     provisioning → active → releasing → ended
 *
 * with ways from provisioning to releasing (failed, stopped, run out), and from active back to provisioning (its node is lost).
 */
import { isLive } from '../store/session-record.ts'
import type { EndReason, RelayPlace, SessionRecord, StepTime } from '../store/session-record.ts'

export const REAP_MS = 60_000

export interface SessionTimes {
  /** A session lives so long without a heartbeat @default 300_000 */
  leaseMs: number
  /** What clients are told to keep to; ten may be lost before the lease is @default 30_000 */
  heartbeatMs: number
  /**
   * Who works on a session says so at each step; when nothing was said for so long, another takes over. Longer than a step may take: what is shorter
   * has work done twice, which is harmless, and not faster.
   *
   * @default 15_000
   */
  workMs: number
  /**
   * After a move the place that was left goes on for so long, for those who remember the old address: twice the life of a record of DNS. The reaper
   * calls it off in its next round.
   *
   * @default 120_000
   */
  moveDrainMs: number
}

export const SESSION_TIMES: Readonly<SessionTimes> = { leaseMs: 300_000, heartbeatMs: 30_000, workMs: 15_000, moveDrainMs: 120_000 }

export type SessionEvent =
  /** The user, or who watches over it, says that it is wanted */
  | { type: 'renewed' }
  /** Nobody works on it any more, and a process takes it over */
  | { type: 'adopted' }
  | { type: 'stepped', fence: number, steps: StepTime[] }
  | { type: 'provisioned', fence: number, place: RelayPlace, steps: StepTime[] }
  | { type: 'failed', fence: number, message: string }
  | { type: 'stopped' }
  /** Its node has been lost: it needs another */
  | { type: 'displaced', fence: number }
  | { type: 'released', fence: number }
  /** The user wants it in another region, or its node is to be emptied */
  | { type: 'moving', region: string, evacuates?: boolean }
  | { type: 'moved', fence: number, place: RelayPlace }
  | { type: 'moveFailed', fence: number, message: string }

/** What the process that brought the change has to do now, under the new fence. */
export type SessionWork = 'provision' | 'release' | 'move'

/**
 * - `stale`: another has taken over
 * - `expired`: the lease has run out; `adopted` is the way on
 * - `ended`: it is over for its user
 * - `busy`: another works on it
 */
export type Refusal = 'stale' | 'expired' | 'ended' | 'busy'

export type Transition =
  | { type: 'changed', session: SessionRecord, work?: SessionWork }
  | { type: 'refused', reason: Refusal }

/** A new session, as the process that makes it begins to work on it. */
export function newSession (
  wanted: Pick<SessionRecord, 'id' | 'userId' | 'slot' | 'name' | 'provider' | 'region' | 'relayId' | 'streamToken'>,
  nowMs: number,
  { leaseMs, workMs } = SESSION_TIMES
): SessionRecord {
  return {
    ...wanted,
    state: 'provisioning',
    steps: [],
    fence: 1,
    leaseUntilMs: nowMs + leaseMs,
    workUntilMs: nowMs + workMs,
    createdMs: nowMs,
    version: 1
  }
}

export function hasExpired (session: SessionRecord, nowMs: number): boolean {
  return isLive(session) && session.leaseUntilMs <= nowMs
}

export function transition (session: SessionRecord, event: SessionEvent, nowMs: number, times = SESSION_TIMES): Transition {
  const { state, fence } = session
  if ('fence' in event && event.fence !== fence) {
    return { type: 'refused', reason: 'stale' }
  }
  switch (event.type) {
    case 'renewed':
      if (!isLive(session)) {
        return { type: 'refused', reason: 'ended' }
      }
      return hasExpired(session, nowMs)
        ? { type: 'refused', reason: 'expired' }
        : changed(session, { leaseUntilMs: Math.max(session.leaseUntilMs, nowMs + times.leaseMs) })
    case 'adopted':
      return adopt(session, nowMs, times)
    case 'stepped':
      if (state === 'active' && session.move !== undefined) {
        return changed(session, { move: { ...session.move, steps: event.steps }, workUntilMs: nowMs + times.workMs })
      }
      return state === 'provisioning'
        ? changed(session, { steps: event.steps, workUntilMs: nowMs + times.workMs })
        : { type: 'refused', reason: 'stale' }
    case 'provisioned':
      return state === 'provisioning'
        ? changed(session, { state: 'active', place: event.place, steps: event.steps, workUntilMs: 0, failure: undefined })
        : { type: 'refused', reason: 'stale' }
    case 'failed':
      return state === 'provisioning'
        ? release(session, 'failed', nowMs, times, event.message)
        : { type: 'refused', reason: 'stale' }
    case 'stopped':
      return isLive(session) ? release(session, 'stopped', nowMs, times) : { type: 'refused', reason: 'ended' }
    case 'displaced':
      return state === 'active'
        ? changed(session, {
          state: 'provisioning', place: undefined, move: undefined, steps: [], fence: fence + 1, workUntilMs: nowMs + times.workMs
        }, 'provision')
        : { type: 'refused', reason: 'stale' }
    case 'moving':
      if (state !== 'active') {
        return { type: 'refused', reason: isLive(session) ? 'busy' : 'ended' }
      }
      return session.move === undefined
        ? changed(session, {
          move: { region: event.region, startedMs: nowMs, steps: [], evacuates: event.evacuates },
          moveFailure: undefined,
          moveFailedMs: undefined,
          fence: fence + 1,
          workUntilMs: nowMs + times.workMs
        }, 'move')
        : { type: 'refused', reason: 'busy' }
    case 'moved':
      return state === 'active' && session.move !== undefined
        ? changed(session, {
          place: event.place,
          region: session.move.evacuates === true ? session.region : session.move.region,
          move: undefined,
          movedMs: nowMs,
          workUntilMs: 0
        })
        : { type: 'refused', reason: 'stale' }
    case 'moveFailed':
      return state === 'active' && session.move !== undefined
        ? changed(session, { move: undefined, moveFailure: event.message, moveFailedMs: nowMs, workUntilMs: 0 })
        : { type: 'refused', reason: 'stale' }
    case 'released':
      return state === 'releasing'
        ? changed(session, { state: 'ended', workUntilMs: 0, endedMs: nowMs, place: undefined })
        : { type: 'refused', reason: 'stale' }
  }
}

/** A lease that has run out comes before work that was left lying. */
function adopt (session: SessionRecord, nowMs: number, times: SessionTimes): Transition {
  if (hasExpired(session, nowMs)) {
    return release(session, 'expired', nowMs, times)
  }
  if (session.state === 'ended') {
    return { type: 'refused', reason: 'ended' }
  }
  if ((session.state === 'active' && session.move === undefined) || session.workUntilMs > nowMs) {
    return { type: 'refused', reason: 'busy' }
  }
  const work = ({ provisioning: 'provision', active: 'move', releasing: 'release' } as const)[session.state]
  return changed(session, { fence: session.fence + 1, workUntilMs: nowMs + times.workMs }, work)
}

function release (session: SessionRecord, endReason: EndReason, nowMs: number, times: SessionTimes, failure = session.failure): Transition {
  return changed(session, {
    state: 'releasing', endReason, failure, move: undefined, fence: session.fence + 1, workUntilMs: nowMs + times.workMs
  }, 'release')
}

function changed (session: SessionRecord, fields: Partial<SessionRecord>, work?: SessionWork): Transition {
  return { type: 'changed', session: { ...session, ...fields, version: session.version + 1 }, work }
}
