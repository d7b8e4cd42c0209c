/**
 * How deep a lookup goes, what it asks and how long it takes, by the size of the network: 1K to 10B nodes.
 *
 * Claims: in ideal tables (k = 20, alpha = 3) the mean depth is 0.36 + 0.512 · log10 N hops, within 1 %, and a lookup asks 21.5 nodes at 1K and 30.6
 *   at 1B, within 2 % (between them by the logarithm of N); both were measured before with prototypes. Tables that
 *   joining made lead deeper: 2.95 hops at 20K and 3.38 at 100K, within 3 %, where 15 of the 20 entries of a bucket were met on one errand. That 15
 *   was fitted to these figures.
 * Parameters: `nodes`; `table`, how tables are kept (auto: explicit to 10K, implicit to 5M, beyond that nothing is stored); `built`, ideal, clustered
 *   (`clustered` entries side by side), or joined by the protocol node by node (explicit, to 300K); `policy`, classic Kademlia or what Skein ships;
 *   k, alpha, disjoint paths; where nodes are (`regions`, `access`), and the round trips that connecting takes before each request (`connect`: 0 when
 *   connections are open; 3 or 4 for TCP with Noise and what libp2p negotiates).
 * Expected: hops and requests as claimed, the same with either policy; about half as many sequential rounds with Skein's; the time grows with the
 *   rounds. Nodes answer at once, none is gone, and nothing is lost: what that adds is in `churn`.
 */
import {
  ACCESS_MIXES, defineScenario, drawSortedIds, expectedHops, joinNetwork, makeTable, MOST_NODES, PlaceLatency, sampleLookups, TABLE_KINDS, tableBytes,
  tableKindFor, tickRoundTrip
} from '@skein/simulator'
import type { KadTable, LookupSample, TableKind } from '@skein/simulator'

/** Lookups between two looks at the signal and the progress. */
const STRIDE = 1_000
const REGIONS = {
  world: undefined,
  europe: { 'uk-south': 1, 'eu-west': 1, 'eu-central': 1, 'eu-north': 1, 'eu-south': 1, 'eu-east': 1 }
}
/** Mean hops of tables that joining made, by nodes and clustered entries. */
const JOINED_HOPS = [[20_000, 15, 2.95], [100_000, 15, 3.38], [100_000, 18, 3.82]] as const
/** The sizes from which and to which the fits are. */
const FITTED_NODES = [1e3, 1e10] as const

export default defineScenario({
  name: 'lookup-depth',
  claims: 'A lookup in ideal tables (k = 20, alpha = 3) takes 0.36 + 0.512 · log10 N hops within 1 %, and 21.5 requests at 1K to 30.6 at 1B nodes ' +
    'within 2 %; in tables that joining made it takes 2.95 hops at 20K and 3.38 at 100K within 3 %',
  expected: 'Hops and requests are those claimed from 1K to 10B nodes, with either policy; what Skein ships takes 41 to 61 % of the sequential ' +
    'rounds of classic Kademlia',
  options: {
    nodes: { type: 'count', default: 1e6, min: 100, max: MOST_NODES['storage-free'], help: 'nodes of the network' },
    lookups: { type: 'count', default: 20_000, min: 1_000, max: 10_000_000, help: 'lookups of random ids by random nodes' },
    table: { type: 'choice', default: 'auto', choices: ['auto', ...TABLE_KINDS], help: 'how tables are kept; auto goes by the nodes' },
    built: { type: 'choice', default: 'ideal', choices: ['ideal', 'clustered', 'joined'], help: 'how tables came about' },
    clustered: { type: 'count', default: 15, min: 1, max: 64, help: 'entries of a bucket that stand side by side, where built is clustered' },
    policy: { type: 'choice', default: 'skein', choices: ['skein', 'classic'], help: 'whom a lookup asks at once' },
    k: { type: 'count', default: 20, min: 1, max: 64, help: 'contacts of a bucket, and closest nodes that must answer' },
    alpha: { type: 'count', default: 3, min: 1, max: 20, help: 'requests under way at once on each path' },
    paths: { type: 'count', default: 1, min: 1, max: 8, help: 'disjoint paths of a lookup' },
    regions: { type: 'choice', default: 'world', choices: ['world', 'europe'], help: 'where nodes are, each region with as many' },
    access: { type: 'choice', default: 'mixed', choices: ['servers', 'homes', 'phones', 'mixed'], help: 'lines of the nodes' },
    connect: { type: 'count', default: 0, min: 0, max: 10, help: 'round trips of connecting before each request' }
  },
  metrics: {
    hops: { unit: 'hops', help: 'answers on the way to the closest node found, mean' },
    offFit: { unit: 'share', help: 'hops over what the fit for ideal tables gives, less 1' },
    requests: { unit: 'count', help: 'requests of a lookup, mean' },
    rounds: { unit: 'rounds', help: 'sequential rounds of a lookup when all round trips are alike, mean' },
    mean: { unit: 'ms', help: 'time of a lookup, mean' },
    p50: { unit: 'ms', help: 'time of a lookup, median' },
    p95: { unit: 'ms', help: 'time of a lookup: 95 of 100 take no longer' },
    timedRequests: { unit: 'count', help: 'requests of a lookup with these round trips, mean: the slow cause more' },
    complete: { unit: 'share', help: 'lookups that asked all of the k closest nodes they heard of' },
    timedComplete: { unit: 'share', help: 'the same with these round trips: in vain waited for, others are asked, and the requests run out' },
    kind: { unit: 'index', help: 'how tables were kept: 0 explicit, 1 implicit, 2 nothing stored' }
  },
  small: { nodes: 10_000, lookups: 4_000 },
  estimateMemoryBytes: options => 110_000_000 + options.lookups * 60 + tableBytes(kindOf(options), options.nodes, options.k),

  run ({ options, seed, progress, record, series, distribution, check }) {
    const { nodes, lookups, built, k, alpha, paths, policy } = options
    const kind = kindOf(options)
    const table = tableOf(options, kind, seed, done => { progress(done / 2, nodes) })
    const rule = { k, alpha, disjointPaths: paths, policy }
    const latency = tickRoundTrip(new PlaceLatency({ seed, regions: REGIONS[options.regions], access: ACCESS_MIXES[options.access] }))
    const begun = built === 'joined' ? 0.5 : 0
    const sample = (from: number, part: Pick<Parameters<typeof sampleLookups>[0], 'roundTripMs'>): LookupSample =>
      sampleInParts(lookups, (first, count) => {
        progress(begun + (1 - begun) * (from + first) / (2 * lookups), 1)
        return sampleLookups({ table, rule, seed, first, lookups: count, ...part })
      })
    const alike = sample(0, {})
    const timed = sample(lookups, { roundTripMs: (a, b) => (1 + options.connect) * latency(a, b) })

    const [hops, requests] = [mean(alike.hops), mean(alike.requests)]
    const fit = expectedHops(nodes)
    const sorted = timed.elapsedMs.toSorted()
    record('hops', hops)
    record('offFit', hops / fit - 1)
    record('requests', requests)
    record('rounds', mean(alike.elapsedMs))
    record('mean', mean(timed.elapsedMs))
    record('p50', sorted[Math.floor(lookups / 2)] as number)
    record('p95', sorted[Math.floor(lookups * 0.95)] as number)
    record('timedRequests', mean(timed.requests))
    record('complete', alike.complete / lookups)
    record('timedComplete', timed.complete / lookups)
    record('kind', TABLE_KINDS.indexOf(kind))
    series('lookups by hops', sharesOf(alike.hops), { x: 'hops', y: 'share of lookups' })
    series('lookups by rounds', sharesOf(alike.elapsedMs), { x: 'sequential rounds', y: 'share of lookups' })
    distribution('time of a lookup', timed.elapsedMs, 'ms')

    check('all lookups ask the k closest nodes they hear of', alike.complete === lookups, `${alike.complete} of ${lookups}`)
    if (k !== 20 || alpha !== 3 || paths !== 1) {
      return // the figures that follow are of these
    }
    if (built === 'ideal' && nodes >= FITTED_NODES[0] && nodes <= FITTED_NODES[1]) {
      check('hops are 0.36 + 0.512 · log10 N', isWithin(alike.hops, fit, 0.01), `${hops.toFixed(3)}, ${fit.toFixed(3)} expected`)
      const asked = expectedRequests(nodes)
      check('requests are 21.5 at 1K to 30.6 at 1B', isWithin(alike.requests, asked, 0.02), `${requests.toFixed(2)}, ${asked.toFixed(2)} expected`)
    }
    if (built === 'joined') {
      check('tables that joining made lead deeper than ideal ones', hops > 1.02 * fit, `${hops.toFixed(3)}, ${fit.toFixed(3)} in ideal ones`)
    }
    for (const [size, clustered, expected] of JOINED_HOPS) {
      if (built === 'clustered' && size === nodes && clustered === options.clustered) {
        check(`hops are ${expected}`, isWithin(alike.hops, expected, 0.03), hops.toFixed(3))
      }
    }
  }
})

interface TableOptions {
  nodes: number
  table: 'auto' | TableKind
  built: 'ideal' | 'clustered' | 'joined'
  clustered: number
  k: number
}

function kindOf ({ nodes, table, built, clustered }: TableOptions): TableKind {
  if (built === 'joined') {
    return 'explicit'
  }
  return table === 'auto' ? tableKindFor(nodes, built === 'clustered' ? clustered : 0) : table
}

function tableOf ({ nodes, built, clustered, k }: TableOptions, kind: TableKind, seed: number, joined: (nodes: number) => void): KadTable {
  if (built !== 'joined') {
    return makeTable({ kind, seed, nodes, k, clustered: built === 'clustered' ? clustered : 0 })
  }
  if (nodes > MOST_NODES.explicit) {
    throw new RangeError(`Joining is simulated node by node, of at most ${MOST_NODES.explicit} nodes: take built=clustered for ${nodes}`)
  }
  return joinNetwork(drawSortedIds(seed, nodes, k), { seed, k, onJoin: count => { if (count % STRIDE === 0) { joined(count) } } }).table
}

function sampleInParts (lookups: number, sample: (first: number, count: number) => LookupSample): LookupSample {
  const [hops, requests, elapsedMs] = [new Float64Array(lookups), new Float64Array(lookups), new Float64Array(lookups)]
  const all: LookupSample = { hops, requests, elapsedMs, complete: 0 }
  for (let first = 0; first < lookups; first += STRIDE) {
    const part = sample(first, Math.min(STRIDE, lookups - first))
    all.hops.set(part.hops, first)
    all.requests.set(part.requests, first)
    all.elapsedMs.set(part.elapsedMs, first)
    all.complete += part.complete
  }
  return all
}

/** Mean requests in ideal tables: those measured at 1K and 1B, and as much more with each factor of ten. */
function expectedRequests (nodes: number): number {
  return 21.5 + (30.6 - 21.5) / 6 * (Math.log10(nodes) - 3)
}

/** Within the tolerance, or what three standard errors of so few samples are should that be more. */
function isWithin (values: Float64Array, expected: number, tolerance: number): boolean {
  const found = mean(values)
  const variance = values.reduce((sum, value) => sum + (value - found) ** 2, 0) / (values.length - 1)
  return Math.abs(found - expected) <= Math.max(tolerance * expected, 3 * Math.sqrt(variance / values.length))
}

function mean (values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The share of the values at each whole number from 0 to the largest. */
function sharesOf (values: Float64Array): Array<[value: number, share: number]> {
  const counts: number[] = []
  for (const value of values) {
    counts[value] = (counts[value] ?? 0) + 1 / values.length
  }
  return Array.from(counts, (share, value) => [value, share ?? 0])
}
