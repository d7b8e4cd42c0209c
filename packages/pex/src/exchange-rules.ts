/**
 * The rules of peer exchange as pure functions: what a message may hold, and which entry of a full view gives way. The machine and the
 * simulator's kernel over typed arrays call the same ones.
 */

/**
 * - `swap`: what was sent is replaced by what was received; both sides put their own record into the message.
 * - `age`: of what was sent the oldest gives way first, only who asks sends its own record, and takes the one it asked from its view: each peer makes
 *   one link to itself with each message, however well it is known (S. Voulgaris et al., "CYCLON", 2005, §2.2).
 * - `newest`: of the whole view and all that is received the newest records stay (M. Jelasity et al., "Gossip-based Peer Sampling", 2007, healer).
 */
export const EXCHANGE_POLICIES = ['swap', 'age', 'newest'] as const
export type ExchangePolicy = typeof EXCHANGE_POLICIES[number]

export const EXCHANGE_BOUNDS = {
  /** Entries that one message may add to a view */
  maxAdded: 50,
  /** Entries that may be dropped from a view for one message */
  maxDropped: 50,
  /** Between two messages of one peer to another, ms */
  leastPauseMs: 60_000,
  /** By how much a message may come early, as the network delays one more than the next, ms */
  pauseToleranceMs: 5_000,
  /** Of a message as it is sent */
  maxMessageBytes: 16 * 1024,
  /** Between two feelers, which ask whether a peer of the address book is still there, ms */
  feelerPauseMs: 120_000
} as const

/**
 * Whether the sender puts its own record into a message. If the one that is asked did too, who is asked more often would be known more widely, and
 * asked more often still.
 */
export function sendsOwnRecord (policy: ExchangePolicy, asks: boolean): boolean {
  return policy === 'swap' || asks
}

/** Whether the one that asks takes the one it asked from its view: it has had its turn. */
export function dropsAsked (policy: ExchangePolicy): boolean {
  return policy !== 'swap'
}

/**
 * Which entry gives way first: the one with the greatest rank; one below 0 stays.
 *
 * @param age rounds since the record was signed
 * @param sent whether it was part of the message that this one answers
 */
export function dropRank (policy: ExchangePolicy, age: number, sent: boolean): number {
  return policy === 'newest' ? age : !sent ? -1 : policy === 'age' ? age : 0
}

/** Whether an entry may take the place of another. */
export function mayReplace (policy: ExchangePolicy, newAge: number, oldAge: number): boolean {
  return policy !== 'newest' || newAge < oldAge
}

/**
 * How many records a peer asks for, its own being one of those it sends: as many as a message may hold until its view is full and has been mixed for
 * ten rounds; then 16. Links are made one a message, however many it holds, so few records spread them as evenly, at a third of the traffic.
 */
export function recordsWanted (viewSize: number, size: number, rounds: number): number {
  return size < viewSize || rounds < 10 ? EXCHANGE_BOUNDS.maxAdded : 16
}

/**
 * Which entries of a full view give way where only checked peers are told of: the oldest of all, as many as were sent. Whom a peer tells of has asked
 * it or was asked by it, so that a record is copied once for each connection of its peer: the newest cannot flood views, as they do where all entries
 * are told on, and records from the start go within minutes. As nothing goes that nothing was sent for, who sends much empties no view.
 *
 * @param ages of the entries, in any unit
 * @returns places in `ages`, the oldest first
 */
export function oldestToGo (ages: readonly number[], sent: number): number[] {
  return ages
    .map((age, place) => ({ rank: dropRank('newest', age, false), place }))
    .sort((a, b) => b.rank - a.rank)
    .slice(0, Math.min(sent, EXCHANGE_BOUNDS.maxDropped))
    .map(({ place }) => place)
}
