/** Joins what carries streams at a super-node with the sessions that take places there: `createSuperNode({ sessions: sessionIngest(…) })`. */
import type { SessionIngest } from '@skein/supernode/libp2p'

/**
 * @param carrier - a `StreamAdmissions`, which is asked for each that publishes or plays, or the `agent` of a relay node
 * @param init - with `place`: where streams are sent to and played from, as others reach it; `undefined` while nothing listens there
 */
export function sessionIngest (carrier: Pick<SessionIngest, 'admit' | 'revoke'>, init: Omit<SessionIngest, 'admit' | 'revoke'>): SessionIngest {
  return {
    ...init,
    admit: async stream => { await carrier.admit(stream) },
    revoke: async stream => { await carrier.revoke(stream) }
  }
}
