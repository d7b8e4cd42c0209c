/**
 * What several say, of whom some lie: each wide network (a /16) has one voice, all of one autonomous system have one vote together, and the median
 * counts. As in `judgeDialBack`.
 */
import { systemKey } from './candidate.ts'
import type { VerifiedNetwork } from '@skein/records'

export interface Voice {
  network: VerifiedNetwork
  value: number
}

interface Vote {
  wide: string
  system: number | string
  value: number
  weight: number
}

/** One vote a wide network, each with its part of the vote of its system. */
export function votesOf (voices: readonly Voice[]): Vote[] {
  const votes = [...Map.groupBy(voices, ({ network }) => network.wide)].map(([wide, group]) => ({
    wide,
    // a /16 that some say is in one system and some in another is counted in the smallest: a liar must not split it
    system: group.map(({ network }) => systemKey(network)).sort()[0] as number | string,
    value: lowerMedian(group.map(({ value }) => value)),
    weight: 1
  }))
  const perSystem = Map.groupBy(votes, ({ system }) => system)
  return votes.map(vote => ({ ...vote, weight: 1 / (perSystem.get(vote.system)?.length ?? 1) }))
}

/** The lower one of two in the middle, by votes; `undefined` when nobody says anything. */
export function medianVote (voices: readonly Voice[]): number | undefined {
  const votes = votesOf(voices)
  const half = weightOfVotes(votes) / 2
  let below = 0
  for (const { value, weight } of votes.sort((a, b) => a.value - b.value)) {
    below += weight
    if (below >= half - 1e-9) {
      return value
    }
  }
  return undefined
}

export function weightOfVotes (votes: ReadonlyArray<Pick<Vote, 'weight'>>): number {
  return votes.reduce((sum, { weight }) => sum + weight, 0)
}

/** Whether they are in enough different networks and systems for their word to count. */
export function isSpread (voices: readonly Voice[], minNetworks: number, minSystems: number): boolean {
  const votes = votesOf(voices)
  return votes.length >= minNetworks && new Set(votes.map(({ system }) => system)).size >= minSystems
}

function lowerMedian (values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] as number
}
