/** How the figures of a scale bear out what the roadmap says of it. */
import { ACCESS_NETWORKS } from '../engine/latency.ts'
import { measuredRegions, roundTripMs } from '../engine/region-round-trips.ts'
import { MAX_SEED_CONNECTIONS, MAX_SEED_CPU, MEAN_SESSION_MS, SEED_COST } from '../seeds/seed-demand.ts'
import { GOSSIP_COPIES, REFRESH_S } from '../traffic/device-traffic.ts'
import { bytes, count, dollars, ms, percent, rate } from './figure-text.ts'
import type { SeedDemand } from '../seeds/seed-demand.ts'
import type { ScaleFigures } from './scale-figures.ts'

export type Verdict = 'holds' | 'fails' | 'depends'

export interface Judgement {
  found: string
  verdict: Verdict
  /** Of what it depends, or why it fails */
  because: string
}

export type Judge = (figures: ScaleFigures) => Judgement

/** The one region in which the roadmap's seed stands is the south of the United States. */
const ONE_REGION = 'us-south'
const FAR_MS = 150
const MONTH_S = 30 * 24 * 3600
/** Memory of the roadmap's one process, and what a connection takes. */
const ONE_PROCESS_BYTES = 256e6
/** Measured: Redis scripts of a discover at 100K devices, and the time of one, s. */
const SCRIPTS = 9
const SCRIPT_S = 25e-6
/** The roadmap's limit: a discover in 10 s. */
const LEAST_PAUSE_S = 10
/** Measured of the original (bench/seed-ws): bytes sent while so many joined. */
const STORM_BYTES = 63e6
const STORM_DEVICES = 1_000
/** About half. */
const HALF = 0.45
/** A lookup that takes longer is felt to be broken. */
const PATIENCE_MS = 5_000
/** The heartbeat of GossipSub. */
const GOSSIP_ROUND_MS = 1_000
/** A device that is heard of so much later is as good as unknown: half the life of a registration. */
const MAX_STALE_MS = 150_000
/** A lookup copes with a tenth of its contacts gone. */
const MAX_GONE = 0.1
/** Kademlia's k. */
const BUCKET = 20
/** Of a device, above which its line is felt to be busy, B/s: 100 kbit/s. */
const BUSY_RATE = 12_500

/** The storm is when many come at once; from day to day it is a trickle. */
export function broadcastIsNoticed ({ broadcastRate, nodes }: ScaleFigures): Judgement {
  const found = `${rate(broadcastRate)} at each device, ${rate(broadcastRate * nodes)} at the seed, as devices come and go`
  return at(found, broadcastRate > BUSY_RATE ? 'holds' : 'depends',
    `on how many come at once: the original sent ${bytes(STORM_BYTES)} while ${count(STORM_DEVICES)} joined`)
}

export function oneRegionIsFar (): Judgement {
  const far = (lineMs: number): number => share(measuredRegions(), region => roundTripMs(ONE_REGION, region) + lineMs >= FAR_MS)
  const [bare, home] = [far(0), far(ACCESS_NETWORKS.cable.medianRoundTripMs)]
  return at(`${percent(home)} of the regions are ${FAR_MS} ms and more from ${ONE_REGION} over a cable line, ${percent(bare)} without`,
    bare >= HALF ? 'holds' : home >= HALF ? 'depends' : 'fails', 'on the line at home; as many devices in each measured region')
}

export function answersGetLarge ({ everyoneBytes, discoverBytes }: ScaleFigures): Judgement {
  return at(`${bytes(everyoneBytes)} if it lists everybody as the original does; ours at most ${bytes(discoverBytes)}`,
    everyoneBytes >= 250_000 && everyoneBytes <= 1_000_000 ? 'holds' : 'fails', 'of the original; ours names 20 at most')
}

export function staysSmall ({ discoverBytes }: ScaleFigures): Judgement {
  return at(`at most ${bytes(discoverBytes)}`, discoverBytes <= 12_288 ? 'holds' : 'fails', '20 at most, at any size')
}

export function asksSeldom ({ demand: { requestsPerDevice } }: ScaleFigures): Judgement {
  return at(`${requestsPerDevice.toFixed(1)} requests/h`, requestsPerDevice <= 3600 / LEAST_PAUSE_S ? 'holds' : 'fails', 'renewals and questions')
}

/** One core does all that Redis does. */
export function redisIsHot ({ nodes, demand }: ScaleFigures): Judgement {
  const cores = (perSecond: number): string => (perSecond * SCRIPTS * SCRIPT_S).toFixed(2)
  const most = nodes / LEAST_PAUSE_S
  return at(`${cores(demand.requests)} cores as devices ask, ${cores(most)} if each discovers every ${LEAST_PAUSE_S} s`,
    demand.requests * SCRIPTS * SCRIPT_S > 0.7 ? 'holds' : most * SCRIPTS * SCRIPT_S > 0.7 ? 'depends' : 'fails', 'on how often devices ask')
}

export function relaysLittle ({ relayed, relayedAlone }: ScaleFigures): Judgement {
  const list = ({ home, mobile, office }: ScaleFigures['relayed']): string =>
    `home ${percent(home)}, mobile ${percent(mobile)}, office ${percent(office)}`
  const all = Object.values(relayed)
  return at(list(relayed), all.every(value => value < 0.05) ? 'holds' : all.some(value => value < 0.05) ? 'depends' : 'fails',
    `on the mix of NATs and a choice among providers; without a choice ${list(relayedAlone)}`)
}

export function costs (claimed: number): Judge {
  return figures => {
    const { price, lastPrice, demand, lastDemand, stage } = figures
    const found = `${dollars(price)}: ${seeds(demand)} at stage ${stage}, ${bytes(demand.sent * MONTH_S)} sent`
    if (price <= claimed) {
      return at(found, 'holds', 'at the price list of the options')
    }
    if (stage !== 'bootstrap') {
      const cheaper = lastPrice <= claimed ? '' : `, or ${dollars(claimed)} ${byTraffic(figures, lastDemand, claimed)}`
      return at(found, lastPrice <= claimed ? 'depends' : 'fails',
        `${count(demand.connections)} connections cost; at stage bootstrap ${seeds(lastDemand)}, ${dollars(lastPrice)}${cheaper}`)
    }
    return at(found, 'fails', `traffic to newcomers costs: ${dollars(claimed)} ${byTraffic(figures, demand, claimed)}, or if ` +
      `${percent(1 - claimed / price)} of the sessions begin at peers they remember`)
  }
}

/** What a GB may cost for the claim to hold. */
function byTraffic ({ trafficPrice }: ScaleFigures, { price, sent }: SeedDemand, claimed: number): string {
  const gigabytes = sent * MONTH_S / 1e9
  const least = (claimed - (price - gigabytes * trafficPrice)) / gigabytes
  return least > 0 ? `if a GB cost $${least.toFixed(4)}` : 'at no price of traffic'
}

function seeds ({ seeds }: SeedDemand): string {
  return `${count(seeds)} ${seeds === 1 ? 'seed' : 'seeds'}`
}

export function shared (each: number): Judge {
  return ({ price, demand }) => at(`${dollars(price)} for ${seeds(demand)}`, price <= each ? 'holds' : 'depends',
    `on how many run them: ${count(Math.ceil(price / each))} operators at ${dollars(each)}`)
}

export function hitsMemoryWall ({ demand: { connections } }: ScaleFigures): Judgement {
  const taken = connections * SEED_COST.connectionBytes
  return at(`${bytes(taken)} of connections`, taken > ONE_PROCESS_BYTES ? 'holds' : 'fails', 'each device is connected to its seeds')
}

export function pollingOverwhelms ({ demand }: ScaleFigures): Judgement {
  const connected = `${count(demand.connections)} connections are ${count(demand.connections / MAX_SEED_CONNECTIONS)} seeds`
  return at(`${count(demand.requests)} requests/s are ${demand.cpu.toFixed(1)} cores; ${connected}`,
    demand.cpu / MAX_SEED_CPU > demand.connections / MAX_SEED_CONNECTIONS ? 'holds' : 'fails', 'connections are what costs, not polling')
}

export function onlyBootstraps ({ stage, demand, lastDemand }: ScaleFigures): Judgement {
  return at(`stage ${stage}: ${count(demand.connections)} connected on average; bootstrap: ${count(lastDemand.connections)}`,
    stage === 'bootstrap' ? 'holds' : 'depends', 'on the stage: a seed changes to bootstrap beyond 1M (1.25M with its hysteresis)')
}

export function findsProviders ({ hops, rounds, p50Ms, p95Ms }: ScaleFigures): Judgement {
  return at(`${hops.toFixed(2)} hops, ${rounds.toFixed(1)} rounds, p95 ${ms(p95Ms)}`, p95Ms < PATIENCE_MS ? 'holds' : 'fails',
    `half of the lookups take at most ${ms(p50Ms)}; tables are ideal, everybody answers`)
}

export function convergesSlowly ({ nodes, broadcastRate, digests }: ScaleFigures): Judgement {
  const rounds = Math.log(nodes) / Math.log(8)
  const flat = `flat, each to 8 others: ${rounds.toFixed(1)} rounds, 1.1 more than at a tenth of the size`
  return at(`${flat}; by digests within ${digests.convergenceS} s`, rounds * GOSSIP_ROUND_MS > MAX_STALE_MS ? 'holds' : 'fails',
    `what breaks is its bandwidth: flat gossip is ${rate(broadcastRate * GOSSIP_COPIES)} at each device`)
}

export function churns (): Judgement {
  const gone = 1 - Math.exp(-REFRESH_S * 1000 / MEAN_SESSION_MS)
  return at(`${percent(gone)} of the contacts go between refreshes`, gone > MAX_GONE ? 'holds' : 'fails', 'it is the same at every size')
}

export function isHammered ({ demand }: ScaleFigures): Judgement {
  return at(`${count(demand.joins)} connections/s, ${demand.cpu.toFixed(1)} cores: ${seeds(demand)}`, demand.seeds > 1 ? 'holds' : 'fails',
    'sessions of 5.4 h on average, each device at its seeds')
}

export function relaysMany ({ nodes, relayed: { home, mobile, office } }: ScaleFigures): Judgement {
  return at(`with one connection each: home ${count(nodes * home)}, mobile ${count(nodes * mobile)}, office ${count(nodes * office)}`,
    Math.max(home, mobile, office) <= 0.05 ? 'holds' : 'depends', 'on the mix of NATs, and a choice among providers')
}

export function lookupsBreak ({ rounds, p50Ms, p95Ms }: ScaleFigures): Judgement {
  return at(`${rounds.toFixed(1)} rounds, p50 ${ms(p50Ms)}, p95 ${ms(p95Ms)}`, p95Ms > PATIENCE_MS ? 'holds' : 'fails',
    'a tenfold network adds about half a round; stale tables are not in it')
}

export function gossipIsDear ({ broadcastRate, digests }: ScaleFigures): Judgement {
  const [flat, tiered] = [broadcastRate * GOSSIP_COPIES, digests.clusterRate + digests.digestRate]
  return at(`flat ${rate(flat)}, by digests ${rate(tiered)}`, flat <= BUSY_RATE ? 'fails' : tiered > BUSY_RATE ? 'holds' : 'depends',
    'on flat gossip: by digests it does not')
}

export function hopsAreFew ({ nodes, hops, hopsError }: ScaleFigures): Judgement {
  return at(`${hops.toFixed(2)} hops; at most log2 N = ${Math.log2(nodes).toFixed(0)}`,
    hops >= 3 && hops - 2 * hopsError <= 5 ? 'holds' : 'fails', 'ideal tables, k = 20')
}

export function knowsFew ({ nodes }: ScaleFigures): Judgement {
  const buckets = Math.log2(nodes / BUCKET) + 1
  return at(`${count(BUCKET * buckets)} contacts: ${BUCKET} in each of ${Math.ceil(buckets)} buckets`, 'holds',
    'each bucket is for half of what is left')
}

export function needsNoRelay ({ lastDemand }: ScaleFigures): Judgement {
  return at(`${dollars(lastDemand.price)} for ${seeds(lastDemand)} if every session began at seeds`, 'depends',
    'on devices that join by local broadcast, QR, NFC or remembered peers: $0 needs all of them')
}

function at (found: string, verdict: Verdict, because: string): Judgement {
  return { found, verdict, because }
}

function share <T> (values: readonly T[], isCounted: (value: T) => boolean): number {
  return values.filter(isCounted).length / values.length
}
