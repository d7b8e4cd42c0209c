/**
 * Maximum flow over two hops, as in BarterCast (M. Meulpolder et al., "BarterCast: A practical approach to prevent lazy freeriding in P2P networks",
 * HotP2P 2009): what a witness says flows here only through what it did for this peer. Over two hops each path has a witness of its own, so the
 * maximum flow is the sum of the paths' smaller edges, and needs no search.
 *
 * BarterCast maps the flow to a score by an arctangent of bytes. Here a path's share of all that this peer was given is its weight: a witness has
 * as much of this peer's ear as it has earned, which bounds a clique by what it gave, not by how many it is.
 */
import { expectation, weightOf } from './evidence.ts'
import type { WitnessOpinion, WitnessRule } from './witness-rule.ts'

/** As long as this peer was given less than this in all, shares are taken of this: a first witness is not the whole world. */
const MIN_DELIVERED = 20

export const twoHopFlow: WitnessRule = {
  name: 'two-hop-flow',
  weigh: (witnesses, { deliveredByAll }) => witnesses.flatMap(({ peer, network, delivered, said }): WitnessOpinion[] => {
    const weight = weightOf(said)
    const flow = Math.min(delivered, weight)
    if (flow <= 0) {
      return []
    }
    const through = flow / weight
    return [{
      witness: peer,
      network,
      weight: flow / Math.max(MIN_DELIVERED, deliveredByAll),
      expects: expectation({ good: said.good * through, bad: said.bad * through })
    }]
  })
}
