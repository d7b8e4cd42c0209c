/**
 * EigenTrust (S. Kamvar, M. Schlosser, H. Garcia-Molina, "The EigenTrust Algorithm for Reputation Management in P2P Networks", WWW 2003), seen from
 * one peer: itself is the only one that is trusted beforehand. Trust runs along normalised edges over any number of hops; a witness's weight is
 * what stays with it. The graph is what this peer's witnesses said, at most 5,000 peers.
 */
import { expectation, FAILURE_WEIGHT } from './evidence.ts'
import type { TrustGraph, WitnessOpinion, WitnessRule } from './witness-rule.ts'

/** The share of trust that returns to this peer each round: the paper's a. */
const RETURN_SHARE = 0.15
const ROUNDS = 20
const MAX_PEERS = 5000

export const eigenTrust: WitnessRule = {
  name: 'eigen-trust',
  weigh: (witnesses, graph) => {
    const trust = trustVector(graph)
    return witnesses.flatMap(({ peer, network, said }): WitnessOpinion[] => {
      const weight = trust.get(peer) ?? 0
      return weight <= 0 || said.good + said.bad <= 0 ? [] : [{ witness: peer, network, weight, expects: expectation(said) }]
    })
  }
}

/** How much trust each peer has in the end; the sum, with this peer's own, is 1. */
export function trustVector (graph: TrustGraph): Map<string, number> {
  const SELF = ''
  const edges = new Map<string, Array<[string, number]>>([[SELF, normalised([...graph.own()])]])
  for (const targets of edges.values()) { // grows while it is walked
    for (const [peer] of targets) {
      if (!edges.has(peer) && edges.size < MAX_PEERS) {
        const said = [...graph.statements(peer)].map(([subject, { good, bad }]): [string, number] => [subject, good - FAILURE_WEIGHT * bad])
        edges.set(peer, normalised(said))
      }
    }
  }

  let trust = new Map([[SELF, 1]])
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Map([[SELF, RETURN_SHARE]])
    for (const [peer, share] of trust) {
      const targets = edges.get(peer) ?? []
      const passed = (1 - RETURN_SHARE) * share
      if (targets.length === 0) {
        next.set(SELF, (next.get(SELF) ?? 0) + passed) // one who trusts nobody gives it back, as in the paper
      }
      for (const [target, part] of targets) {
        next.set(target, (next.get(target) ?? 0) + passed * part)
      }
    }
    trust = next
  }
  trust.delete(SELF)
  return trust
}

function normalised (edges: Array<[string, number]>): Array<[string, number]> {
  const positive = edges.filter(([, value]) => value > 0)
  const sum = positive.reduce((total, [, value]) => total + value, 0)
  return positive.map(([peer, value]) => [peer, value / sum])
}
