/** What a network of a size comes to: its seeds, its traffic, its lookups, its relays and its cost, as measured or computed for one scale. */
import { RegionLatency } from '../engine/latency.ts'
import { sampleLookups } from '../kademlia/lookup-sample.ts'
import { StorageFreeTable } from '../kademlia/storage-free-table.ts'
import { tickRoundTrip } from '../kademlia/tick-round-trip.ts'
import { POPULATIONS, relayedShare, traversalOf } from '../nat/nat-mix.ts'
import { MEAN_SESSION_MS, SEED_COST, seedDemand } from '../seeds/seed-demand.ts'
import { broadcastRate, digestLoad, maintenanceRate, offerRate } from '../traffic/device-traffic.ts'
import type { NatMixName, TraversalLevel } from '../nat/nat-mix.ts'
import type { SeedDemand, SeedDemandInit, SeedPlan } from '../seeds/seed-demand.ts'
import type { DigestLoad, DigestRule } from '../traffic/device-traffic.ts'

export interface ScaleInit extends DigestRule, Omit<SeedDemandInit, 'plan'> {
  /** What the seeds do at this scale, and what they would do at the last stage */
  stage: string
  plan: SeedPlan
  lastPlan: SeedPlan
  /** Lookups sampled */
  lookups: number
  /** Models that a device serves, on average */
  models: number
  /** Bytes of an answer of a model */
  answerBytes: number
  level: TraversalLevel
  providers: number
  punchSuccess: number
  /** Price of a GB of shared memory that several seeds keep the registry in, $/month */
  sharedMemoryPrice: number
}

export interface ScaleFigures {
  nodes: number
  stage: string
  demand: SeedDemand
  /** Of the last stage, at this scale */
  lastDemand: SeedDemand
  /** An answer to a discover, and one that would list every device, bytes */
  discoverBytes: number
  everyoneBytes: number
  broadcastRate: number
  digests: DigestLoad
  maintenanceRate: number
  offerRate: number
  /** Of a device and second: seeds, gossip and digests, Kademlia, offers */
  deviceRate: number
  hops: number
  hopsError: number
  /** Requests of a lookup, of which some go at once: in so many rounds */
  requests: number
  rounds: number
  p50Ms: number
  p95Ms: number
  incomplete: number
  relayed: Record<NatMixName, number>
  /** Without a choice among providers */
  relayedAlone: Record<NatMixName, number>
  /** Of seeds, what they share, and what they relay, $/month */
  price: number
  lastPrice: number
  /** Of a GB, $ */
  trafficPrice: number
}

const K = 20
/** Measured: bytes of the largest discover answer with 20 providers (bench/seed-registry). */
const DISCOVER_BYTES = 6_390
/** And of a peer in the answers of the original, which list all (bench/seed-ws). */
const ORIGINAL_PEER_BYTES = 696
/** Measured: bytes of Redis for a registration. */
const SHARED_BYTES = 1_688
const MONTH_S = 30 * 24 * 3600
/** Places in the world that devices are put at: nobody tells two devices at the same one apart. */
const PLACES = 1 << 16
const ACCESS = { fibre: 3, cable: 3, dsl: 2, mobile: 2 }
const MIXES = Object.keys(POPULATIONS) as NatMixName[]

export function scaleFigures (init: ScaleInit): ScaleFigures {
  const { nodes, plan, seed } = init
  const demand = seedDemand(init)
  const lastDemand = seedDemand({ ...init, plan: init.lastPlan })
  const lookups = lookupFigures(nodes, init.lookups, seed)
  const digests = digestLoad(nodes, MEAN_SESSION_MS, init)
  const maintenance = maintenanceRate(nodes, lookups.requests)
  const offers = offerRate(init.models, lookups.requests)
  const traversal = (mix: NatMixName): ReturnType<typeof traversalOf> => traversalOf(POPULATIONS[mix], init.level)
  const shares = (providers: number): Record<NatMixName, number> =>
    Object.fromEntries(MIXES.map(mix => [mix, relayedShare(traversal(mix), providers, init.punchSuccess)])) as Record<NatMixName, number>
  const relayed = shares(init.providers)
  return {
    nodes,
    stage: init.stage,
    demand,
    lastDemand,
    discoverBytes: plan.discover === 'none' ? plan.peers * SEED_COST.recordBytes : DISCOVER_BYTES,
    everyoneBytes: nodes * ORIGINAL_PEER_BYTES,
    broadcastRate: broadcastRate(nodes, MEAN_SESSION_MS),
    digests,
    maintenanceRate: maintenance,
    offerRate: offers,
    deviceRate: demand.bytesPerDevice + digests.clusterRate + digests.digestRate + maintenance + offers,
    ...lookups,
    relayed,
    relayedAlone: shares(1),
    price: demand.price + sharedPrice(init, demand) + relayPrice(init, relayed.mobile),
    lastPrice: lastDemand.price,
    trafficPrice: init.trafficPrice
  }
}

/** Seeds that let nobody stay share nothing: each knows those who came to it. */
function sharedPrice ({ nodes, plan, sharedMemoryPrice }: ScaleInit, { seeds }: SeedDemand): number {
  return plan.letsGo || seeds === 1 ? 0 : Math.ceil(nodes * SHARED_BYTES / 1e9) * sharedMemoryPrice
}

/** Where seeds keep devices connected they also relay; beyond, devices that can be reached do, which cost nobody who runs a seed. */
function relayPrice ({ nodes, plan, questions, answerBytes, trafficPrice }: ScaleInit, share: number): number {
  return plan.letsGo ? 0 : nodes * questions / 3600 * answerBytes * share * MONTH_S / 1e9 * trafficPrice
}

type LookupFigures = Pick<ScaleFigures, 'hops' | 'hopsError' | 'requests' | 'rounds' | 'p50Ms' | 'p95Ms' | 'incomplete'>

function lookupFigures (nodes: number, lookups: number, seed: number): LookupFigures {
  const table = new StorageFreeTable(seed, nodes, K)
  const latency = new RegionLatency({ seed, nodes: PLACES, access: ACCESS })
  const between = tickRoundTrip(latency)
  const counted = sampleLookups({ table, seed, lookups })
  const timed = sampleLookups({ table, seed, lookups, roundTripMs: (from, to) => between(from % PLACES, to % PLACES) })
  const elapsed = timed.elapsedMs.toSorted()
  const hops = mean(counted.hops)
  return {
    hops,
    hopsError: Math.sqrt(mean(counted.hops.map(value => (value - hops) ** 2)) / lookups),
    requests: mean(counted.requests),
    rounds: mean(counted.elapsedMs),
    p50Ms: elapsed[Math.floor(lookups * 0.5)] as number,
    p95Ms: elapsed[Math.floor(lookups * 0.95)] as number,
    incomplete: 2 * lookups - counted.complete - timed.complete
  }
}

function mean (values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
