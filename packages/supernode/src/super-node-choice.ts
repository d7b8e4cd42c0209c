/** Which super-node a client takes next: near ones, lightly loaded ones, and never two in one autonomous system. */
import { randomFloat } from '@skein/core'
import { sharesSystem } from './candidate.ts'
import type { Random } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'

/** A super-node whose lease is good. */
export interface KnownSuperNode {
  peer: string
  /** As its lease says; an election has named it with them */
  networks: readonly VerifiedNetwork[]
  /** Share of its reservations or of its bandwidth that is taken, the larger: 0 to 1 */
  load: number
}

/** A super-node that nobody measured is taken for one on the same continent: a near one that is known goes before it, a far one after. */
const UNKNOWN_ROUND_TRIP_MS = 100
/** What differs by less than this does not matter to a client, and clients that all take the nearest fill it up. */
const SAME_MS = 20
const SAME_FACTOR = 1.5

/** What it costs to use one, in ms of round trip: full ones count three times as far. */
export function superNodeCost ({ load }: KnownSuperNode, roundTripMs: number | undefined): number {
  return (roundTripMs ?? UNKNOWN_ROUND_TRIP_MS) * (1 + 2 * Math.min(1, Math.max(0, load)) ** 2)
}

export interface ChoiceInit {
  known: Iterable<KnownSuperNode>
  /** Those that are used already: nothing in their systems is taken */
  used: ReadonlyArray<Pick<KnownSuperNode, 'networks'>>
  /** `undefined` for one that was not measured */
  roundTripMs: (peer: string) => number | undefined
  /** Passed over: used, or backed off from */
  excluded: (peer: string) => boolean
}

/** One of those that are nearly as good as the best, at random in proportion to what they have free. */
export function chooseSuperNode ({ known, used, roundTripMs, excluded }: ChoiceInit, random: Random): KnownSuperNode | undefined {
  const fit = [...known].filter(node => !excluded(node.peer) && !used.some(other => sharesSystem(node, other)))
    .map(node => ({ node, cost: superNodeCost(node, roundTripMs(node.peer)), free: Math.max(0.01, 1 - node.load) }))
  const limit = Math.min(...fit.map(({ cost }) => cost)) * SAME_FACTOR + SAME_MS
  const near = fit.filter(({ cost }) => cost <= limit)
  let at = randomFloat(random) * near.reduce((sum, { free }) => sum + free, 0)
  for (const { node, free } of near) {
    at -= free
    if (at < 0) {
      return node
    }
  }
  return near.at(-1)?.node
}
