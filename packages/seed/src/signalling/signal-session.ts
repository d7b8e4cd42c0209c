/** What a seed keeps of a peer that can be signalled: its stream, what waits for it, and what it waits for. */
import { OutgoingQueue } from './outgoing-queue.ts'
import type { OutgoingQueueInit } from './outgoing-queue.ts'
import type { PendingSignal } from './route-lane.ts'
import type { SessionId } from './signal-effect.ts'

export interface Session {
  id: SessionId
  peer: string
  writable: boolean
  queue: OutgoingQueue
  /** Its own signals without an outcome yet */
  pending: number
  registeredUntilMs: number
  checking: boolean
  /** Signals that wait for the check */
  held: PendingSignal[]
  /** Since when it was sent signals and has said nothing */
  silentSinceMs: number | undefined
  /** It has let a signal expire and said nothing since: where else it is connected goes first */
  suspect: boolean
}

export function newSession (id: SessionId, peer: string, limits: OutgoingQueueInit): Session {
  return {
    id,
    peer,
    writable: true,
    queue: new OutgoingQueue(limits),
    pending: 0,
    registeredUntilMs: -Infinity,
    checking: false,
    held: [],
    silentSinceMs: undefined,
    suspect: false
  }
}

/** Neither it nor anybody else waits for anything on its stream. */
export function isSettled (session: Session): boolean {
  return session.pending === 0 && session.queue.size === 0
}
