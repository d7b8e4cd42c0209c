/**
 * Key censorship: an attacker stands m Sybils at the key of a model to hide it.
 *
 * Claim (the rule "store to and query the whole XOR region, over at least 2 disjoint paths"): with 20 and with 45 Sybils at a key, the numbers with
 * which content was hidden in IPFS (S. Sridhar et al., "Content Censorship in the InterPlanetary File System", NDSS 2024), at least 99 % of
 * searches find the model.
 *
 * A provider stores its offer and searchers look for it, in a network with ideal tables into which the Sybils have come like any other node.
 * Sybils say that they store, give no offers, and name as closer only each other (`collude`) or ids that do not exist (`forge`). Compared are
 * - closest: the offer is stored at the k closest that the lookup found, as kad-dht does
 * - asked: also at each node that was asked on the way, as `@skein/routing` does
 * - region: at all nodes of the region, by the lookups of `RegionSweep`; a searcher whose first lookup brings nothing sweeps it too. Provider and
 *   searcher each have their own estimate of the network's size
 *
 * Parameters: nodes; Sybils; where they stand: anywhere, at the key (nearer than any honest node), or spread over its region; what they answer;
 * k; disjoint paths of a lookup, and of those of a sweep; error of the estimates. What ids at the key cost: about N drawn for each, and N/k for each
 * in the region; a core draws 17,000 a second (Ed25519 and SHA-256 in Node 24, measured), so that 45 at a key among 10,000 nodes take 37 s.
 *
 * Expected: closest finds nothing from 20 Sybils on (k of them take all places); asked finds a part, by luck of the way; region at least 99 %. Two
 * paths in a sweep are too few: Sybils that name only each other take all k places of a path that met them before it met the part it looks for.
 */
import { isInPart, regionBits, RegionSweep } from '@skein/routing'
import { defineScenario, drawSortedIds, LookupRunner, RandomStream, Stream, SybilTable } from '@skein/simulator'
import type { RegionPart } from '@skein/routing'
import type { LookupOutcome, SybilIds } from '@skein/simulator'

const KEYS = Stream.scenario + 60
const SYBILS = Stream.scenario + 61
const BUCKETS = Stream.scenario + 62
const SEARCHERS = Stream.scenario + 63
const ESTIMATES = Stream.scenario + 64

/** Ed25519 keys made and hashed, on one core of the machine that the figures in the table are from. */
const IDS_PER_CPU_SECOND = 17_000
const RULES = ['closest', 'asked', 'region'] as const

export default defineScenario({
  name: 'sybil',
  claims: 'With 20 and with 45 Sybils at its key a model is found in 99 % of searches, when its region is stored to and searched (NDSS 2024)',
  expected: 'the k closest alone: nothing is found from k Sybils on; the whole region: at least 99 %',
  options: {
    nodes: { type: 'count', default: 10_000, min: 100, max: 20_000_000, help: 'honest nodes' },
    sybils: { type: 'count', default: 45, min: 0, max: 1000, help: 'Sybils of the attacker on a key' },
    placement: { type: 'choice', default: 'key', choices: ['random', 'key', 'region'], help: 'where the Sybils stand' },
    answers: { type: 'choice', default: 'collude', choices: ['collude', 'forge'], help: 'what a Sybil names as closer: Sybils, or nobody' },
    k: { type: 'count', default: 20, min: 4, max: 64, help: 'closest nodes that hold an offer, and that must answer' },
    paths: { type: 'count', default: 2, min: 1, max: 8, help: 'disjoint paths of a lookup' },
    sweepPaths: { type: 'count', default: 4, min: 1, max: 8, help: 'disjoint paths of each lookup of a sweep' },
    sizeError: { type: 'number', default: 0.11, min: 0, max: 3, unit: 'ratio', help: 'estimates of the network are within this, 95 % of them' },
    keys: { type: 'count', default: 100, min: 1, max: 100_000, help: 'models attacked, one after another' },
    searches: { type: 'count', default: 20, min: 1, max: 1000, help: 'searches for each' }
  },
  metrics: {
    foundClosest: { unit: 'share', help: 'searches that found the model stored at the k closest' },
    foundAsked: { unit: 'share', help: 'the same, stored also at those asked on the way' },
    foundRegion: { unit: 'share', help: 'the same, stored at the region and searched there' },
    worstKey: { unit: 'share', help: 'searches of the worst key that found it with the region' },
    honestClosest: { unit: 'count', help: 'honest holders, k closest' },
    honestAsked: { unit: 'count', help: 'honest holders, with those asked on the way' },
    honestRegion: { unit: 'count', help: 'honest holders, region' },
    requestsPlain: { unit: 'count', help: 'requests of a search to its end, k closest' },
    requestsRegion: { unit: 'count', help: 'requests of a search with the region, ended by the lookup that finds it' },
    requestsStore: { unit: 'count', help: 'requests of storing to the region' },
    idsDrawn: { unit: 'count', help: 'ids the attacker is expected to draw for a key, median of the keys' },
    grinding: { unit: 'CPU-s', help: 'what that takes one core' }
  },
  small: { nodes: 2_000, keys: 15, searches: 10 },
  estimateMemoryBytes: ({ nodes }) => 30_000_000 + 40 * nodes,

  run ({ options, seed, progress, record, check, distribution }) {
    const { k, keys, nodes, paths, searches, sweepPaths, sybils } = options
    const table = new SybilTable(drawSortedIds(seed, nodes, k), seed, k, BUCKETS)
    const roundTrip = (_: number, to: number): number => table.isThere(to) ? 1 : Infinity
    const runner = new LookupRunner(table, { k, disjointPaths: paths }, roundTrip)
    const sweeper = new LookupRunner(table, { k, disjointPaths: sweepPaths }, roundTrip)
    const random = new RandomStream(seed, KEYS)
    const searchers = new RandomStream(seed, SEARCHERS)
    const estimates = new RandomStream(seed, ESTIMATES)
    const found = { closest: 0, asked: 0, region: 0 }
    const holders = { closest: 0, asked: 0, region: 0 }
    const requests = { plain: 0, region: 0, store: 0 }
    const byKey = new Float64Array(keys)
    const drawn = new Float64Array(keys)
      for (let key = 0; key < keys; key++) {
      const keyHi = random.uint32(key, 0)
      const keyLo = random.uint32(key, 1)
      const ground = placeSybils(options, new RandomStream(seed, SYBILS), key, keyHi, keyLo, nearestHonest(table, keyHi, keyLo))
      drawn[key] = ground.drawn
      table.setSybils(ground, options.answers)
      const estimate = (who: number): number => Math.max(1, nodes * Math.exp(options.sizeError / 1.96 * gaussian(estimates, key * 2048 + who)))

      const provider = table.nodeAt(searchers.uint32(key, 0))
      const store = newVisited()
      store.visit(runner, table, provider, keyHi, keyLo)
      const plain = new Set(store.closest)
      const asked = new Set(store.asked)
      const stored = sweep(sweeper, table, provider, { keyHi, keyLo, k, networkSize: estimate(0) }, store, () => false)
      requests.store += stored
      const held = { closest: plain, asked, region: store.asked }
      for (const rule of RULES) {
        holders[rule] += held[rule].size
      }

      for (let search = 1; search <= searches; search++) {
        const other = table.nodeAt(searchers.uint32(key, search))
        const self = other === provider ? (other + 1) % nodes : other
        const seen = newVisited()
        // what a searcher holds itself it finds first
        seen.asked.add(self)
        const first = seen.visit(runner, table, self, keyHi, keyLo).requests
        const brought = (rule: typeof RULES[number]): boolean => seen.meets(held[rule])
        found.closest += brought('closest') ? 1 : 0
        found.asked += brought('asked') ? 1 : 0
        requests.plain += first
        requests.region += first
        if (!brought('region')) {
          requests.region += sweep(sweeper, table, self, { keyHi, keyLo, k, networkSize: estimate(search) }, seen, () => brought('region'))
        }
        const won = brought('region') ? 1 : 0
        found.region += won
        byKey[key] = (byKey[key] as number) + won / searches
      }
      progress(key + 1, keys)
    }

    const all = keys * searches
    record('foundClosest', found.closest / all)
    record('foundAsked', found.asked / all)
    record('foundRegion', found.region / all)
    record('worstKey', byKey.reduce((least, share) => Math.min(least, share), 1))
    record('honestClosest', holders.closest / keys)
    record('honestAsked', holders.asked / keys)
    record('honestRegion', holders.region / keys)
    record('requestsPlain', requests.plain / all)
    record('requestsRegion', requests.region / all)
    record('requestsStore', requests.store / keys)
    // the mean would be that of the few keys whose nearest node stands next to them
    const usual = drawn.sort()[keys >> 1] as number
    record('idsDrawn', usual)
    record('grinding', usual / IDS_PER_CPU_SECOND)
    distribution('searches that find a model stored at its region', byKey, 'share')
    const percent = (count: number): string => `${(100 * count / all).toFixed(2)} %`
    check(`at least 99 % of searches find a model stored at its region, with ${sybils} Sybils (${options.placement}, ${options.answers})`,
      found.region >= 0.99 * all, `${percent(found.region)}; k closest ${percent(found.closest)}, asked on the way ${percent(found.asked)}`)
  }
})

interface Visited {
  /** Honest nodes that were asked; those among the k closest found */
  asked: Set<number>
  closest: Set<number>
  visit: (runner: LookupRunner, table: SybilTable, self: number, hi: number, lo: number) => LookupOutcome
  meets: (holders: Set<number>) => boolean
}

/** What one node meets on its lookups. */
function newVisited (): Visited {
  const outcome: LookupOutcome = { reason: 'exhausted', hops: 0, requests: 0, elapsedMs: 0 }
  const asked = new Set<number>()
  const closest = new Set<number>()
  return {
    asked,
    closest,
    visit: (runner, table, node, hi, lo) => {
      runner.run(node, hi, lo, outcome)
      for (let i = 0; i < runner.contactedLength; i++) {
        const other = runner.contacted[i] as number
        if (table.isHonest(other)) {
          asked.add(other)
        }
      }
      for (let i = 0; i < runner.foundLength; i++) {
        const other = runner.found[i] as number
        if (table.isHonest(other)) {
          closest.add(other)
        }
      }
      return outcome
    },
    meets: holders => [...asked].some(node => holders.has(node))
  }
}

/** Sweeps the region until `isDone`; returns how many requests it took. */
function sweep (
  runner: LookupRunner, table: SybilTable, self: number, region: { keyHi: number, keyLo: number, k: number, networkSize: number },
  visited: Visited, isDone: () => boolean
): number {
  const plan = new RegionSweep(region)
  let requests = 0
  for (let part = plan.next(); part !== undefined && !isDone(); part = plan.next()) {
    const { reason, requests: sent } = visited.visit(runner, table, self, part.targetHi, part.targetLo)
    requests += sent
    plan.onFound(part, reason === 'budget' || isOverfull(runner, table, part, region.k))
  }
  return requests
}

function isOverfull (runner: LookupRunner, table: SybilTable, part: RegionPart, k: number): boolean {
  // a lookup that ran out of requests, or found fewer than k, was led to ids that do not exist: others may hide behind them
  return runner.foundLength < k || isInPart(part, table.idHi(runner.found[k - 1] as number))
}

/** How near to a key, as a share of the space, the nearest honest node stands. */
function nearestHonest (table: SybilTable, keyHi: number, keyLo: number): number {
  let nearest = 1
  for (let node = 0; node < table.honest; node++) {
    nearest = Math.min(nearest, ((table.idHi(node) ^ keyHi) >>> 0) / 2 ** 32 + ((table.idLo(node) ^ keyLo) >>> 0) / 2 ** 64)
  }
  return nearest
}

/** Where the Sybils of a key stand, and how many ids were drawn for that. */
function placeSybils (
  { sybils, placement, nodes, k }: { sybils: number, placement: 'random' | 'key' | 'region', nodes: number, k: number },
  random: RandomStream, key: number, keyHi: number, keyLo: number, nearest: number
): SybilIds & { drawn: number } {
  const within = placement === 'random' ? 1 : placement === 'region' ? 2 ** -regionBits(nodes, k) : nearest
  const hi = new Uint32Array(sybils)
  const lo = new Uint32Array(sybils)
  for (let i = 0; i < sybils; i++) {
    const away = random.float(key * 1024 + i, 0) * within * 2 ** 32
    hi[i] = (keyHi ^ Math.floor(away)) >>> 0
    lo[i] = (keyLo ^ Math.floor((away % 1) * 2 ** 32)) >>> 0
  }
  return { hi, lo, drawn: sybils / within }
}

/** Box and Muller. */
function gaussian (random: RandomStream, entity: number): number {
  return Math.sqrt(-2 * Math.log(1 - random.float(entity, 0))) * Math.cos(2 * Math.PI * random.float(entity, 1))
}
