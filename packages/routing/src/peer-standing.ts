/**
 * How a peer counts among the closest to a key: fully, in addition to those that do, or not at all. What is known of a peer, and where it stands, can
 * make a lookup ask more peers and an offer be stored at more; it never takes the place of a peer away, so that slander gains nothing.
 */
import type { Contact, PeerKey } from './contact.ts'

/** Peers with a score below this are asked last and do not count: half of what a newcomer has (0.2). */
export const DISTRUSTED_BELOW = 0.1

/** The networks that a peer is seen in, as names: /24 and /16 or autonomous system. */
export interface PeerNetwork {
  small: string
  wide: string
}

export interface StandingRules<C extends Contact> {
  /** What is known of a peer, 0 to 1; `undefined`: nothing. Below 0.1 it is asked last, and in addition to the k closest. */
  trustOf?: (peer: PeerKey) => number | undefined
  /** Where a peer stands; `undefined` for one to which no rule of networks applies. */
  networkOf?: (contact: C) => PeerNetwork | undefined
  /**
   * Most of one small network (/24) among the k closest; more are asked last, and hold nothing.
   *
   * @default 2
   */
  maxPerSmallNetwork?: number
  /**
   * Most of one wide network (a /16, or an autonomous system) among the k closest, as a share of k.
   *
   * @default 0.25
   */
  maxWideShare?: number
}

/** The same rules for one lookup, by what was known of each of its candidates at first: a score may cost more than a comparison. */
export function remembered<C extends Contact> (rules: StandingRules<C>): StandingRules<C> {
  const { trustOf } = rules
  if (trustOf === undefined) {
    return rules
  }
  const known = new Map<PeerKey, number | undefined>()
  return {
    ...rules,
    trustOf: peer => {
      if (!known.has(peer)) {
        known.set(peer, trustOf(peer))
      }
      return known.get(peer)
    }
  }
}

/**
 * - `counts`: one of the k closest
 * - `extra`: known to be bad: in addition to the k closest
 * - `surplus`: closer ones of its network fill what it may have
 */
export type Standing = 'counts' | 'extra' | 'surplus'

/** Judges peers in the order of their distance. */
export function standings<C extends Contact> (rules: StandingRules<C>, k: number): (contact: C) => Standing {
  const { maxPerSmallNetwork = 2, maxWideShare = 0.25, networkOf, trustOf } = rules
  const maxWide = Math.max(maxPerSmallNetwork, Math.floor(maxWideShare * k))
  const counts = new Map<string, number>()
  return contact => {
    if ((trustOf?.(contact.peer) ?? 1) < DISTRUSTED_BELOW) {
      return 'extra'
    }
    const network = networkOf?.(contact)
    if (network !== undefined) {
      const small = counts.get(`s${network.small}`) ?? 0
      const wide = counts.get(`w${network.wide}`) ?? 0
      if (small >= maxPerSmallNetwork || wide >= maxWide) {
        return 'surplus'
      }
      counts.set(`s${network.small}`, small + 1)
      counts.set(`w${network.wide}`, wide + 1)
    }
    return 'counts'
  }
}

/** The k closest that count, and the distrusted ones that lie between them; of `contacts`, sorted by distance, at most 2k. */
export function closestOf<C extends Contact> (contacts: Iterable<C>, k: number, rules: StandingRules<C>): C[] {
  const standing = standings(rules, k)
  const closest: C[] = []
  let counted = 0
  let extra = 0
  for (const contact of contacts) {
    const place = standing(contact)
    if (place === 'counts') {
      closest.push(contact)
      if (++counted === k) {
        break
      }
    } else if (place === 'extra' && extra++ < k) {
      closest.push(contact)
    }
  }
  return closest
}
