/** When a session may be moved from one region to another, and when what it has left is given back. Moves cost two places, and players a jump. */
import type { SessionRecord } from '../store/session-record.ts'

export const MOVE_COOL_DOWN_MS = 3_600_000
export const MAX_MOVES_A_DAY = 6
const DAY_MS = 86_400_000

/**
 * - `not_active`: it has no relay yet, or is over
 * - `same_region`: it is there
 * - `moving`: the last move is not over
 * - `cool_down`, `daily_limit`: too soon; see `retryAfterMs`
 * - `not_movable`: its provider cannot
 */
export type MoveRefusal = 'not_active' | 'same_region' | 'moving' | 'cool_down' | 'daily_limit' | 'not_movable'

export class MoveRefusedError extends Error {
  static override name = 'MoveRefusedError'
  override readonly name = 'MoveRefusedError'
  readonly reason: MoveRefusal
  /** When it may be asked again; left out where time does not help */
  readonly retryAfterMs?: number

  constructor (reason: MoveRefusal, retryAfterMs?: number) {
    super(MESSAGES[reason])
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

const MESSAGES: Record<MoveRefusal, string> = {
  not_active: 'The session has no relay now that could be moved: wait until it is active, or start one',
  same_region: 'The session is in that region',
  moving: 'The session is being moved, or its last place is not given back yet: wait two minutes',
  cool_down: 'A session is moved once an hour at most: wait',
  daily_limit: `A session is moved ${MAX_MOVES_A_DAY} times in 24 hours at most: wait`,
  not_movable: 'The relay of this session is not one of the fleet\'s, which could be changed for another'
}

export function moveRefusal (
  session: SessionRecord, region: string, moves: readonly number[], nowMs: number
): { reason: MoveRefusal, retryAfterMs?: number } | undefined {
  if (session.state !== 'active' || session.place === undefined) {
    return { reason: 'not_active' }
  }
  if (session.move !== undefined) {
    return { reason: 'moving' }
  }
  if (session.place.region === region) {
    return { reason: 'same_region' }
  }
  const last = moves.at(-1)
  if (last !== undefined && nowMs - last < MOVE_COOL_DOWN_MS) {
    return { reason: 'cool_down', retryAfterMs: last + MOVE_COOL_DOWN_MS - nowMs }
  }
  const today = moves.filter(atMs => nowMs - atMs < DAY_MS)
  return today.length < MAX_MOVES_A_DAY
    ? undefined
    : { reason: 'daily_limit', retryAfterMs: (today.at(-MAX_MOVES_A_DAY) as number) + DAY_MS - nowMs }
}

/** Whether what a session has left, or was going to, is to be given back now. */
export function isToBeLeft (role: 'next' | 'left', session: SessionRecord | undefined, nowMs: number, drainMs: number): boolean {
  if (session === undefined || session.state === 'releasing' || session.state === 'ended') {
    return false // its release sees to all of its places
  }
  return session.move === undefined && (role === 'next' || nowMs - (session.movedMs ?? 0) >= drainMs)
}
