/** What the word of others is worth: the interface of the rules that weigh witnesses, and the caps that hold whatever the rule. */
import { weightOf } from './evidence.ts'

/** The most that one witness moves a score by, as a share of it. */
export const MAX_WITNESS_PULL = 0.05
/** All witnesses of one network (an autonomous system where it is known). */
export const MAX_NETWORK_PULL = 0.2
/** All witnesses together. */
export const MAX_PULL = 0.5

/** First-hand evidence of this weight halves what witnesses move. */
const OWN_WEIGHT = 10

/** Success and failure, faded to the time of asking. */
export interface Account {
  good: number
  bad: number
}

export interface Witness {
  peer: string
  /** Its network; those of an unknown one count as one network together */
  network?: string
  /** What it did for this peer, less what it failed in */
  delivered: number
  /** What it says of the subject */
  said: Account
}

/** What a rule may look at: whom this peer dealt with, and what those say. */
export interface TrustGraph {
  /** What all peers did for this one */
  deliveredByAll: number
  /** This peer's own edges: who did how much for it */
  own: () => Iterable<[peer: string, delivered: number]>
  /** What a witness says of others */
  statements: (witness: string) => Iterable<[subject: string, said: Account]>
}

export interface WitnessOpinion {
  witness: string
  network?: string
  /** How much of this peer's ear it has, 0 to 1 */
  weight: number
  /** What it lets expect of the subject, 0 to 1 */
  expects: number
}

/** A published way to weigh the word of others. Pure: what it is given is all it knows. */
export interface WitnessRule {
  name: string
  weigh: (witnesses: Witness[], graph: TrustGraph) => WitnessOpinion[]
}

export interface WitnessPull extends WitnessOpinion {
  /** By what share of the score it moves it, after the caps */
  pull: number
  /** Which cap cut it last */
  cappedBy?: 'witness' | 'network' | 'all'
}

/**
 * Turns opinions into shares of the score that they move: each towards what it expects, by its weight and no more, the less the more this peer
 * knows itself. The caps of a network and of all shrink pulls up and down alike, so that an attacker cannot use up the room of others.
 */
export function pullsOf (score: number, own: Account, opinions: WitnessOpinion[]): WitnessPull[] {
  const openness = OWN_WEIGHT / (OWN_WEIGHT + weightOf(own))
  const pulls = opinions.map((opinion): WitnessPull => {
    const direction = score > 0 ? Math.max(-1, Math.min(1, (opinion.expects - score) / score)) : 0
    const wanted = Math.min(1, opinion.weight) * openness * direction
    const pull = Math.max(-MAX_WITNESS_PULL, Math.min(MAX_WITNESS_PULL, wanted))
    return { ...opinion, pull, ...(pull === wanted ? {} : { cappedBy: 'witness' }) }
  })
  for (const ofNetwork of Map.groupBy(pulls, ({ network }) => network ?? '').values()) {
    shrink(ofNetwork, MAX_NETWORK_PULL, 'network')
  }
  shrink(pulls, MAX_PULL, 'all')
  return pulls
}

/** Up and down each have the whole cap: so those who praise cannot silence those who complain. */
function shrink (pulls: WitnessPull[], cap: number, cappedBy: 'network' | 'all'): void {
  for (const sign of [1, -1]) {
    const side = pulls.filter(({ pull }) => pull * sign > 0)
    const sum = side.reduce((total, { pull }) => total + pull * sign, 0)
    if (sum > cap) {
      for (const entry of side) {
        entry.pull *= cap / sum
        entry.cappedBy = cappedBy
      }
    }
  }
}
