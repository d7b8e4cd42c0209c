/** Joins what carries streams at a super-node with the sessions that take places there: `createSuperNode({ sessions: sessionIngest(…) })`. */
import type { SessionIngest } from '@skein/supernode/libp2p'
import type { StreamAdmissions } from '../agent/stream-admissions.ts'

/**
 * @param admissions - what carries the streams asks it, for each that publishes or plays: `sessionOf(token)`
 * @param place - where streams are sent to and played from, as others reach it; `undefined` while nothing listens there
 */
export function sessionIngest (
  admissions: StreamAdmissions, place: SessionIngest['place'], init: Omit<SessionIngest, 'capacity' | 'place' | 'admit' | 'revoke'> = {}
): SessionIngest {
  return {
    ...init,
    capacity: admissions.capacity,
    place,
    admit: stream => { admissions.admit(stream) },
    revoke: stream => admissions.revoke(stream)
  }
}
