/** What the roadmap says of each scale, from 1K to 10B devices, and how figures bear it out. A claim that fails is a finding about the roadmap. */
import { measuredRegions, roundTripMs } from '../engine/region-round-trips.ts'
import { MAX_SEED_CONNECTIONS, MEAN_SESSION_MS, SEED_COST } from '../seeds/seed-demand.ts'
import { GOSSIP_COPIES, REFRESH_S } from '../traffic/device-traffic.ts'
import type { ScaleFigures } from './scale-figures.ts'

export type Verdict = 'holds' | 'fails' | 'depends'

export interface Judgement {
  found: string
  verdict: Verdict
  /** Of what it depends, or why it fails */
  because: string
}

export interface RoadmapClaim {
  says: string
  judge: (figures: ScaleFigures) => Judgement
}

export interface Rung {
  nodes: number
  name: string
  claims: RoadmapClaim[]
}

/** The one region in which the roadmap's seed stands is the south of the United States. */
const ONE_REGION = 'us-south'
const FAR_MS = 150
/** Memory of the roadmap's one process, and what a connection takes. */
const ONE_PROCESS_BYTES = 256e6
/** Measured: Redis scripts of a discover at 100K devices, and the time of one, s. */
const SCRIPTS = 9
const SCRIPT_S = 25e-6
/** The roadmap's limit: a discover in 10 s. */
const LEAST_PAUSE_S = 10
/** Of a device, above which its line is felt to be busy, B/s: 100 kbit/s. */
const BUSY_RATE = 12_500

export const LADDER: readonly Rung[] = [
  {
    nodes: 1e3,
    name: '1K',
    claims: [
      { says: 'discover answers get large, about 500 KB', judge: answersGetLarge },
      { says: 'at most 1 discover in 10 s', judge: asksSeldom },
      { says: 'peerJoined broadcasts are noticeable', judge: ({ broadcastRate, nodes }) => at(`${rate(broadcastRate)} at each device, ${rate(broadcastRate * nodes)} at the seed`,
        broadcastRate > 1_000 ? 'holds' : 'fails', 'the sessions are those of a file-sharing network, 300 B for a change') },
      { says: 'costs $6 a month', judge: costs(6) }
    ]
  },
  {
    nodes: 1e4,
    name: '10K',
    claims: [
      { says: 'one process hits a memory wall (256 MB)', judge: ({ demand: { connections } }) => at(`${bytes(connections * SEED_COST.connectionBytes)} of connections`,
        connections * SEED_COST.connectionBytes > ONE_PROCESS_BYTES ? 'holds' : 'fails', 'each device is connected to its seeds') },
      { says: 'a single region is 150 ms and more away for half the planet', judge: () => {
        const far = share(measuredRegions(), region => roundTripMs(ONE_REGION, region) >= FAR_MS)
        return at(`${percent(far)} of the regions are ${FAR_MS} ms and more from ${ONE_REGION}`, far >= 0.4 ? 'holds' : 'fails', 'as many devices in each measured region')
      } },
      { says: 'discover gives the top K, not everybody', judge: staysSmall },
      { says: 'costs $50 a month', judge: costs(50) }
    ]
  },
  {
    nodes: 1e5,
    name: '100K',
    claims: [
      { says: 'Redis becomes a hotspot for discover', judge: redisIsHot },
      { says: 'less than 5 % of the traffic is relayed', judge: relaysLittle },
      { says: 'costs $200 to $500 a month', judge: costs(500) }
    ]
  },
  {
    nodes: 1e6,
    name: '1M',
    claims: [
      { says: 'polling overwhelms any central service', judge: ({ demand }) => at(`${count(demand.requests)} requests/s are ${demand.cpu.toFixed(1)} cores; ` +
        `${count(demand.connections)} connections are ${count(demand.connections / MAX_SEED_CONNECTIONS)} seeds`, 'fails', 'connections are what costs, not polling') },
      { says: 'the relay only bootstraps, then they disconnect', judge: ({ stage, demand, lastDemand }) => at(
        `stage ${stage}: ${count(demand.connections)} connected on average; bootstrap: ${count(lastDemand.connections)}`,
        stage === 'bootstrap' ? 'holds' : 'depends', 'on the stage: a seed changes to bootstrap beyond 1M (1.25M with its hysteresis)') },
      { says: 'a DHT finds providers', judge: ({ hops, rounds, p50Ms, p95Ms }) => at(`${hops.toFixed(2)} hops, ${rounds.toFixed(1)} rounds, p95 ${ms(p95Ms)}`,
        p95Ms < 5_000 ? 'holds' : 'fails', `half of the lookups take at most ${ms(p50Ms)}; tables are ideal, everybody answers`) },
      { says: 'costs $50 a month', judge: costs(50) }
    ]
  },
  {
    nodes: 1e7,
    name: '10M',
    claims: [
      { says: 'gossip takes too long to converge', judge: ({ nodes, broadcastRate, digests }) => at(
        `flat: ${(Math.log(nodes) / Math.log(8)).toFixed(1)} rounds, one more than at 1M; by digests within ${digests.convergenceS} s`,
        'fails', `what breaks is its bandwidth: flat gossip is ${rate(broadcastRate * GOSSIP_COPIES)} at each device`) },
      { says: 'the DHT churns', judge: () => at(`${percent(1 - Math.exp(-REFRESH_S * 1000 / MEAN_SESSION_MS))} of the contacts go between refreshes`,
        'fails', 'it is the same at every size') },
      { says: 'one bootstrap relay is hammered', judge: ({ demand }) => at(`${count(demand.joins)} connections/s, ${demand.cpu.toFixed(1)} cores: ${count(demand.seeds)} seeds`,
        demand.seeds > 1 ? 'holds' : 'fails', 'sessions of 5.4 h on average, each device at its seeds') },
      { says: '5 % relayed would be 500K connections', judge: ({ nodes, relayed }) => at(`${percent(relayed.mobile)} of one connection each: ${count(nodes * relayed.mobile)}`,
        relayed.mobile * nodes <= 500_000 ? 'holds' : 'fails', 'homes and phones mixed') },
      { says: 'costs $200 a month', judge: costs(200) }
    ]
  },
  {
    nodes: 1e8,
    name: '100M',
    claims: [
      { says: 'the latency of DHT lookups breaks', judge: ({ rounds, p50Ms, p95Ms }) => at(`${rounds.toFixed(1)} rounds, p50 ${ms(p50Ms)}, p95 ${ms(p95Ms)}`,
        p95Ms > 5_000 ? 'holds' : 'fails', 'a tenfold network adds about half a round; stale tables are not in it') },
      { says: 'gossip costs too much bandwidth', judge: ({ broadcastRate, digests }) => {
        const [flat, tiered] = [broadcastRate * GOSSIP_COPIES, digests.clusterRate + digests.digestRate]
        return at(`flat ${rate(flat)}, by digests ${rate(tiered)}`, flat <= BUSY_RATE ? 'fails' : tiered > BUSY_RATE ? 'holds' : 'depends', 'on flat gossip: by digests it does not')
      } },
      { says: 'costs $500 a month (one of many seeds)', judge: shared(500) }
    ]
  },
  {
    nodes: 1e9,
    name: '1B',
    claims: [
      { says: 'about 30 hops at most, 3 to 5 in practice', judge: ({ nodes, hops }) => at(`${hops.toFixed(2)} hops; at most log2 N = ${Math.log2(nodes).toFixed(0)}`,
        hops >= 3 && hops <= 5 ? 'holds' : 'fails', 'ideal tables, k = 20') },
      { says: 'each knows O(log N) peers', judge: ({ nodes }) => at(`${(20 * (Math.log2(nodes / 20) + 1)).toFixed(0)} contacts: 20 for each of ${Math.ceil(Math.log2(nodes / 20) + 1)} buckets`, 'holds', '') },
      { says: 'regional operators (cost N/A)', judge: shared(500) }
    ]
  },
  {
    nodes: 1e10,
    name: '10B',
    claims: [
      { says: 'there is no relay; costs $0', judge: ({ lastDemand: { price, seeds } }) => at(`${dollars(price)} for ${count(seeds)} seeds if every session began at seeds`,
        'depends', 'on devices that join by local broadcast, QR, NFC or remembered peers: $0 needs all of them') }
    ]
  }
]

/** The rung that is closest to a size. */
export function rungOf (nodes: number): Rung {
  const at = Math.round(Math.log10(nodes)) - 3
  return LADDER[Math.min(LADDER.length - 1, Math.max(0, at))] as Rung
}

function answersGetLarge ({ everyoneBytes, discoverBytes }: ScaleFigures): Judgement {
  return at(`${bytes(everyoneBytes)} if it lists everybody as the original does; ours at most ${bytes(discoverBytes)}`,
    everyoneBytes >= 250_000 && everyoneBytes <= 1_000_000 ? 'holds' : 'fails', 'of the original; ours names 20 at most')
}

function staysSmall ({ discoverBytes }: ScaleFigures): Judgement {
  return at(`at most ${bytes(discoverBytes)}`, discoverBytes <= 12_288 ? 'holds' : 'fails', '20 at most, at any size')
}

function asksSeldom ({ demand: { requestsPerDevice } }: ScaleFigures): Judgement {
  return at(`${requestsPerDevice.toFixed(1)} requests/h`, requestsPerDevice <= 3600 / LEAST_PAUSE_S ? 'holds' : 'fails', 'renewals and questions')
}

/** One core does all that Redis does. */
function redisIsHot ({ nodes, demand }: ScaleFigures): Judgement {
  const cores = (perSecond: number): string => (perSecond * SCRIPTS * SCRIPT_S).toFixed(2)
  const most = nodes / LEAST_PAUSE_S
  return at(`${cores(demand.requests)} cores as devices ask, ${cores(most)} if each discovers every ${LEAST_PAUSE_S} s`,
    demand.requests * SCRIPTS * SCRIPT_S > 0.7 ? 'holds' : most * SCRIPTS * SCRIPT_S > 0.7 ? 'depends' : 'fails', 'on how often devices ask')
}

function relaysLittle ({ relayed, relayedAlone }: ScaleFigures): Judgement {
  const list = ({ home, mobile, office }: ScaleFigures['relayed']): string => `home ${percent(home)}, mobile ${percent(mobile)}, office ${percent(office)}`
  const all = Object.values(relayed)
  return at(list(relayed), all.every(value => value < 0.05) ? 'holds' : all.some(value => value < 0.05) ? 'depends' : 'fails',
    `on the mix of NATs and a choice among providers; without a choice ${list(relayedAlone)}`)
}

function costs (claimed: number): RoadmapClaim['judge'] {
  return figures => {
    const { price, lastPrice, demand, lastDemand, stage } = figures
    const found = `${dollars(price)}: ${count(demand.seeds)} ${demand.seeds === 1 ? 'seed' : 'seeds'} at stage ${stage}`
    if (price <= claimed) {
      return at(found, 'holds', 'at the price list of the options')
    }
    if (stage !== 'bootstrap') {
      return at(found, lastPrice <= claimed ? 'depends' : 'fails',
        `${count(demand.connections)} connections cost; at stage bootstrap ${count(lastDemand.seeds)} ${lastDemand.seeds === 1 ? 'seed' : 'seeds'}, ${dollars(lastPrice)}`)
    }
    return at(found, 'fails', `${gigabytes(demand.sent)} a month cost most: ${reach(figures, claimed)}`)
  }
}

/** What part of sessions may begin at seeds at most, for the claim to hold. */
function reach ({ price }: ScaleFigures, claimed: number): string {
  return `${dollars(claimed)} if ${percent(1 - claimed / price)} of the devices come back by peers they remember`
}

function shared (each: number): RoadmapClaim['judge'] {
  return ({ price, demand }) => at(`${dollars(price)} for ${count(demand.seeds)} seeds`, price <= each ? 'holds' : 'depends',
    `on how many run them: ${count(Math.ceil(price / each))} operators at ${dollars(each)}`)
}

function at (found: string, verdict: Verdict, because: string): Judgement {
  return { found, verdict, because }
}

function share <T> (values: readonly T[], isCounted: (value: T) => boolean): number {
  return values.filter(isCounted).length / values.length
}

export function percent (value: number): string {
  return `${(100 * value).toFixed(1)} %`
}

export function count (value: number): string {
  const [suffix, factor] = value >= 1e9 ? ['B', 1e9] as const : value >= 1e6 ? ['M', 1e6] as const : value >= 1e4 ? ['K', 1e3] as const : ['', 1] as const
  return `${Number((value / factor).toPrecision(3))}${suffix}`
}

export function bytes (value: number): string {
  const [suffix, factor] = value >= 1e9 ? ['GB', 1e9] as const : value >= 1e6 ? ['MB', 1e6] as const : value >= 1e4 ? ['KB', 1e3] as const : ['B', 1] as const
  return `${Number((value / factor).toPrecision(3))} ${suffix}`
}

export function rate (value: number): string {
  return `${bytes(value)}/s`
}

export function dollars (value: number): string {
  return `$${count(value)}`
}

export function ms (value: number): string {
  return `${value.toFixed(0)} ms`
}

function gigabytes (perSecond: number): string {
  return bytes(perSecond * 30 * 24 * 3600)
}
