/** What a lookup does, told step by step to whoever wants to see it. */

interface Asked {
  /** Peer id, as text */
  peer: string
  /** The key that is walked to, as hex: one for each region that is asked, and that of the whole world */
  key: string
  /** First bits that the peer's place in the key space and the key have in common: more are nearer */
  sharedBits: number
}

/**
 * - `asked`: a request is sent, or a dial begun for it
 * - `answered`: with offers and closer peers, as many as were of use
 * - `failed`: why is one of `RoutingRequestError`'s reasons
 * - `ended`: all that is close to the keys was asked, or enough was found
 */
export type LookupStep =
  | { type: 'asked', atMs: number } & Asked
  | { type: 'answered', atMs: number, tookMs: number, offers: number, closer: number } & Asked
  | { type: 'failed', atMs: number, tookMs: number, reason: string } & Asked
  | { type: 'ended', atMs: number, complete: boolean }

export type OnLookupStep = (step: LookupStep) => void
