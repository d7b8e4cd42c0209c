/** What the roadmap says of each scale, from 1K to 10B devices. A claim that fails is a finding about the roadmap, not about Skein. */
import {
  answersGetLarge, asksSeldom, broadcastIsNoticed, churns, convergesSlowly, costs, findsProviders, gossipIsDear, hitsMemoryWall, hopsAreFew,
  isHammered, knowsFew, lookupsBreak, needsNoRelay, oneRegionIsFar, onlyBootstraps, pollingOverwhelms, redisIsHot, relaysLittle, relaysMany, shared,
  staysSmall
} from './judgements.ts'
import type { Judge } from './judgements.ts'

/** What the tables show of each scale, whether the roadmap says something of it or not. */
export const FIGURES = ['seed load', 'traffic of a device', 'discover', 'lookup', 'relayed', 'seeds and cost'] as const
export type FigureName = typeof FIGURES[number]

export interface RoadmapClaim {
  figure: FigureName
  says: string
  judge: Judge
}

export interface Rung {
  nodes: number
  name: string
  claims: RoadmapClaim[]
}

export const LADDER: readonly Rung[] = [
  {
    nodes: 1e3,
    name: '1K',
    claims: [
      { figure: 'discover', says: 'discover answers get large, about 500 KB', judge: answersGetLarge },
      { figure: 'seed load', says: 'at most 1 discover in 10 s', judge: asksSeldom },
      { figure: 'traffic of a device', says: 'peerJoined broadcasts are noticeable', judge: broadcastIsNoticed },
      { figure: 'seeds and cost', says: 'costs $6 a month', judge: costs(6) }
    ]
  },
  {
    nodes: 1e4,
    name: '10K',
    claims: [
      { figure: 'seeds and cost', says: 'one process hits a memory wall (256 MB)', judge: hitsMemoryWall },
      { figure: 'seed load', says: 'a single region is 150 ms and more away for half the planet', judge: oneRegionIsFar },
      { figure: 'discover', says: 'discover gives the top K, not everybody', judge: staysSmall },
      { figure: 'seeds and cost', says: 'costs $50 a month', judge: costs(50) }
    ]
  },
  {
    nodes: 1e5,
    name: '100K',
    claims: [
      { figure: 'discover', says: 'Redis becomes a hotspot for discover', judge: redisIsHot },
      { figure: 'relayed', says: 'less than 5 % of the traffic is relayed', judge: relaysLittle },
      { figure: 'seeds and cost', says: 'costs $200 to $500 a month', judge: costs(500) }
    ]
  },
  {
    nodes: 1e6,
    name: '1M',
    claims: [
      { figure: 'seed load', says: 'polling overwhelms any central service', judge: pollingOverwhelms },
      { figure: 'seed load', says: 'the relay only bootstraps, then they disconnect', judge: onlyBootstraps },
      { figure: 'lookup', says: 'a DHT finds providers', judge: findsProviders },
      { figure: 'seeds and cost', says: 'costs $50 a month', judge: costs(50) }
    ]
  },
  {
    nodes: 1e7,
    name: '10M',
    claims: [
      { figure: 'traffic of a device', says: 'gossip takes too long to converge', judge: convergesSlowly },
      { figure: 'lookup', says: 'the DHT churns', judge: churns },
      { figure: 'seed load', says: 'one bootstrap relay is hammered', judge: isHammered },
      { figure: 'relayed', says: 'even 5 % relayed is 500K connections', judge: relaysMany },
      { figure: 'seeds and cost', says: 'costs $200 a month', judge: costs(200) }
    ]
  },
  {
    nodes: 1e8,
    name: '100M',
    claims: [
      { figure: 'lookup', says: 'the latency of DHT lookups breaks', judge: lookupsBreak },
      { figure: 'traffic of a device', says: 'gossip costs too much bandwidth', judge: gossipIsDear },
      { figure: 'seeds and cost', says: 'costs $500 a month (one of many seeds)', judge: shared(500) }
    ]
  },
  {
    nodes: 1e9,
    name: '1B',
    claims: [
      { figure: 'lookup', says: 'about 30 hops at most, 3 to 5 in practice', judge: hopsAreFew },
      { figure: 'lookup', says: 'each knows O(log N) peers', judge: knowsFew },
      { figure: 'seeds and cost', says: 'regional operators (cost N/A)', judge: shared(500) }
    ]
  },
  {
    nodes: 1e10,
    name: '10B',
    claims: [
      { figure: 'seeds and cost', says: 'there is no relay; costs $0', judge: needsNoRelay }
    ]
  }
]

/** The rung that is closest to a size. */
export function rungOf (nodes: number): Rung {
  const at = Math.round(Math.log10(nodes)) - 3
  return LADDER[Math.min(LADDER.length - 1, Math.max(0, at))] as Rung
}
