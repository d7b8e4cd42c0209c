/**
 * Eclipse: an attacker surrounds a node, in its routing table while it runs, and in its address book for when it restarts.
 *
 * Claims. (1) With Sybils that are 20 % of the nodes and stand in four /24s, at least 75 % of a routing table's entries are honest when it holds at
 * most 2 of a /24 in a bucket, 10 or 5 % in all, a quarter of one autonomous system, and gives none up that still answers; and of the closest to a
 * key, of which at most 2 of a /24 and a quarter of a system count, 75 % are honest. (2) After a restart with an address book in which the "new"
 * addresses are 10 : 1 the attacker's, the node has an honest connection of its own making in 100 of 100 cases when it dials 2 anchors first, then
 * tried and new addresses, 8 in all and at most 1 in a /16 (E. Heilman et al., USENIX Security 2015).
 *
 * The table is filled from nothing while the attack goes on: each bucket is refreshed as often as any other; each Sybil comes to notice `push` times
 * as often as an honest node that is online, and is always there. Compared: newest takes the oldest's place; Kademlia's live check alone; the rules.
 * The book is `AddressTables` of @skein/pex, filled as in life: tried addresses by connections, a share of them the attacker's as in the network;
 * then honest nodes and the attacker tell of addresses, each from networks of its own, in any order, and buckets decide who finds a place. It is
 * kept, read again, and dialled by `OutboundKeeper` under `DialLimits`, with anchors kept, stale, or gone in the crash. An attacker's address always
 * answers. Against the same book stands a node that dials addresses of it at random until 8 answer.
 *
 * Honest nodes stand in 300 autonomous systems by Zipf's law (the largest has 16 %), some 1.5 in a /24 that has any: ASSUMPTIONS.
 *
 * Parameters: nodes, share, /24s and autonomous systems of the attacker; whether its ids are as drawn, or ground to lie in each bucket of the node
 * equally; the limits; push; encounters; share of honest nodes online; the book's sizes; /16s of the attacker's addresses.
 *
 * Expected: newest: the Sybils' share is that of what comes to notice (over half); live check alone: more, because they never go; rules: at most 40
 * Sybils in a table of some 200. A table of fewer than 160 entries, as in a network of 1,000 nodes, is too small for a limit of 10 alone: hence the
 * 5 %. Restart: at random from a list of all that was told a third to a half of the nodes are cut off; buckets alone leave a few in a hundred.
 */
import { closestOf } from '@skein/routing'
import { defineScenario, RandomStream, restartPoisoned, Stream, WatchedTable } from '@skein/simulator'

const IDS = Stream.scenario + 65
const NETWORKS = Stream.scenario + 66
const ENCOUNTERS = Stream.scenario + 67
const SESSIONS = Stream.scenario + 68
const BOOK = Stream.scenario + 69
const LOOKUPS = Stream.scenario + 70

/** Closest of a lookup. */
const CLOSEST = 20

const SYSTEMS = 300
const HONEST_IN_SUBNET = 1.5
/** Encounters after which an honest node may have come or gone. */
const SESSION = 2000
/** What a crash leaves of the anchors: two that nearly always answer, two that do not, none. */
const ANCHORS = ['kept', 'stale', 'gone'] as const

const TABLES = ['newest', 'checked', 'rules'] as const
type TableName = typeof TABLES[number]

export default defineScenario({
  name: 'eclipse',
  claims: '20 % Sybils in four /24s get a quarter of a routing table at most; a restart with a book poisoned 10 : 1 finds an honest peer each time',
  expected: 'at least 75 % honest with the rules, under half without; no node cut off with the rules, a third to a half without',
  options: {
    nodes: { type: 'count', default: 10_000, min: 200, max: 5_000_000, help: 'nodes, Sybils included' },
    share: { type: 'number', default: 0.2, min: 0, max: 0.9, unit: 'share', help: 'of the nodes that are Sybils' },
    subnets: { type: 'count', default: 4, min: 1, max: 10_000, help: '/24s of the attacker' },
    systems: { type: 'count', default: 4, min: 1, max: 1000, help: 'autonomous systems that those are in' },
    ids: { type: 'choice', default: 'random', choices: ['random', 'ground'], help: 'Sybil ids: as drawn, or as many in each bucket of the node' },
    perBucket: { type: 'count', default: 2, min: 1, max: 100, help: 'the rule: most of one /24 in a bucket' },
    perTable: { type: 'count', default: 10, min: 1, max: 1000, help: 'the rule: most of one /24 in a table' },
    tableShare: { type: 'number', default: 0.05, min: 0.001, max: 1, unit: 'share', help: 'the rule: most of one /24 in a table, as a share of it' },
    perSystem: { type: 'number', default: 0.25, min: 0.01, max: 1, unit: 'share', help: 'the rule: most of one autonomous system in a table' },
    push: { type: 'number', default: 5, min: 0, max: 1000, unit: 'ratio', help: 'how much oftener than an honest node a Sybil comes to notice' },
    online: { type: 'number', default: 0.7, min: 0.05, max: 1, unit: 'share', help: 'of the honest nodes that are online' },
    encounters: { type: 'count', default: 20_000, min: 100, max: 10_000_000, help: 'peers that come to the notice of a node' },
    victims: { type: 'count', default: 50, min: 1, max: 10_000, help: 'nodes attacked' },
    restarts: { type: 'count', default: 100, min: 1, max: 1_000_000, help: 'restarts with each kind of anchors, each with a book of its own' },
    tried: { type: 'count', default: 200, min: 0, max: 10_000, help: 'tried addresses in the book' },
    heard: { type: 'count', default: 200, min: 0, max: 10_000, help: 'honest new addresses in the book' },
    poison: { type: 'number', default: 10, min: 0, max: 1000, unit: 'ratio', help: 'new addresses of the attacker for each honest one' },
    networks: { type: 'count', default: 4, min: 1, max: 10_000, help: '/16s that the attacker has addresses in' }
  },
  metrics: {
    honestNewest: { unit: 'share', help: 'honest entries, the newest taking the oldest place' },
    honestChecked: { unit: 'share', help: 'honest entries, with the live check alone' },
    honestRules: { unit: 'share', help: 'honest entries with the rules' },
    honestWorst: { unit: 'share', help: 'the same of the worst node' },
    liveRules: { unit: 'share', help: 'with the rules, honest of the entries that are online' },
    entriesChecked: { unit: 'count', help: 'entries of a table with the live check alone' },
    entriesRules: { unit: 'count', help: 'entries of a table with the rules' },
    honestClosest: { unit: 'share', help: 'honest of the closest that count, keys drawn at random' },
    honestClosestPlain: { unit: 'share', help: 'the same where all count' },
    honestAtKey: { unit: 'share', help: 'honest of the closest that count, all Sybils ground to stand at the key' },
    lostBuckets: { unit: 'share', help: 'buckets with entries but no honest one, rules' },
    cutOff: { unit: 'share', help: 'restarts without an honest outbound connection, rules' },
    cutOffRandom: { unit: 'share', help: 'the same, dialling addresses of the book at random' },
    cutOffList: { unit: 'share', help: 'the same, had the book been a list of all that was told' },
    honestOutbound: { unit: 'count', help: 'honest outbound connections after a restart, rules' },
    dials: { unit: 'count', help: 'dials of a restart, rules' },
    poisoned: { unit: 'share', help: 'of the new addresses that found a place in the book, those of the attacker' },
    slowest: { unit: 's', help: 'until the first honest connection stood, the slowest restart' }
  },
  small: { nodes: 5_000, victims: 10, encounters: 10_000, restarts: 34 },
  estimateMemoryBytes: ({ nodes }) => 30_000_000 + 24 * nodes,

  run ({ options, seed, progress, record, check, distribution }) {
    const world = drawWorld(options, seed)
    const honest: Record<TableName, Float64Array> = {
      newest: new Float64Array(options.victims), checked: new Float64Array(options.victims), rules: new Float64Array(options.victims)
    }
    const sums = { live: 0, checked: 0, rules: 0, lost: 0 }
    for (let victim = 0; victim < options.victims; victim++) {
      for (const name of TABLES) {
        const found = fillTable(world, options, seed, victim, name)
        honest[name][victim] = found.honest
        if (name === 'rules') {
          sums.live += found.live / options.victims
          sums.lost += found.lost / options.victims
        }
        if (name !== 'newest') {
          sums[name] += found.entries / options.victims
        }
      }
      progress(victim + 1, options.victims + 1)
    }
    const rules = mean(honest.rules)
    record('honestNewest', mean(honest.newest))
    record('honestChecked', mean(honest.checked))
    record('honestRules', rules)
    record('honestWorst', Math.min(...honest.rules))
    record('liveRules', sums.live)
    record('entriesChecked', sums.checked)
    record('entriesRules', sums.rules)
    record('lostBuckets', sums.lost)
    distribution('honest share of a table, rules', honest.rules, 'share')
    check('at least 75 % of the entries of routing tables are honest', rules >= 0.75,
      `${percent(rules)}; live check alone ${percent(mean(honest.checked))}, newest ${percent(mean(honest.newest))}`)

    const closest = closestShares(world, seed)
    record('honestClosest', closest.counted)
    record('honestClosestPlain', closest.plain)
    record('honestAtKey', closest.atKey)
    check('at least 75 % of the closest to a key that count are honest', closest.counted >= 0.75,
      `${percent(closest.counted)}; where all count ${percent(closest.plain)}; with all Sybils at the key ${percent(closest.atKey)}`)

    const random = new RandomStream(seed, BOOK)
    const restarts = { cutOff: 0, cutOffRandom: 0, cutOffList: 0, honest: 0, dials: 0, poisoned: 0, slowestMs: 0 }
    const reached: string[] = []
    for (const [variant, anchors] of ANCHORS.entries()) {
      let cutOff = 0
      for (let i = 0; i < options.restarts; i++) {
        const found = restartPoisoned({ ...options, triedSybils: options.share, anchors }, random.generator(variant * options.restarts + i))
        const all = options.restarts * ANCHORS.length
        cutOff += found.honest === 0 ? 1 : 0
        restarts.honest += found.honest / all
        restarts.dials += found.dials / all
        restarts.poisoned += found.freshSybil / Math.max(1, found.fresh) / all
        restarts.cutOffRandom += found.randomCutOff ? 1 / all : 0
        restarts.cutOffList += found.listCutOff ? 1 / all : 0
        restarts.slowestMs = Math.max(restarts.slowestMs, found.firstMs ?? Infinity)
        progress(options.victims + (variant * options.restarts + i + 1) / all, options.victims + 1)
      }
      restarts.cutOff += cutOff / options.restarts / ANCHORS.length
      reached.push(`anchors ${anchors}: ${options.restarts - cutOff} of ${options.restarts}`)
    }
    record('cutOff', restarts.cutOff)
    record('cutOffRandom', restarts.cutOffRandom)
    record('cutOffList', restarts.cutOffList)
    record('honestOutbound', restarts.honest)
    record('dials', restarts.dials)
    record('poisoned', restarts.poisoned)
    record('slowest', restarts.slowestMs / 1000)
    check('each restart ends with an honest outbound connection', restarts.cutOff === 0,
      `${reached.join(', ')}; dialling it at random ${percent(1 - restarts.cutOffRandom)}, a list ${percent(1 - restarts.cutOffList)}`)
    progress(options.victims + 1, options.victims + 1)
  }
})

interface Options {
  nodes: number
  share: number
  subnets: number
  systems: number
  ids: 'random' | 'ground'
  perBucket: number
  perTable: number
  tableShare: number
  perSystem: number
  push: number
  online: number
  encounters: number
  victims: number
  tried: number
  heard: number
  poison: number
  networks: number
}

/** Nodes below `honest` are honest, in the order of their ids, as are the Sybils after them. */
interface World {
  honest: number
  ids: Uint32Array
  subnet: Int32Array
  system: Int16Array
}

function drawWorld ({ nodes, share, subnets, systems }: Options, seed: number): World {
  const ids = new RandomStream(seed, IDS)
  const networks = new RandomStream(seed, NETWORKS)
  const honest = nodes - Math.round(nodes * share)
  const world = { honest, ids: new Uint32Array(nodes), subnet: new Int32Array(nodes), system: new Int16Array(nodes) }
  const weights = Array.from({ length: SYSTEMS }, (_, i) => 1 / (i + 1))
  const total = weights.reduce((a, b) => a + b)
  const upTo = weights.map((_, i) => weights.slice(0, i + 1).reduce((a, b) => a + b) / total)
  for (let node = 0; node < nodes; node++) {
    world.ids[node] = ids.uint32(node, 0)
    if (node < honest) {
      const u = networks.float(node, 0)
      const system = Math.max(0, upTo.findIndex(sum => u < sum))
      const here = Math.max(1, Math.ceil(honest * (weights[system] as number) / total / HONEST_IN_SUBNET))
      world.system[node] = system
      world.subnet[node] = system * 2 ** 20 + Math.floor(networks.float(node, 1) * here)
    } else {
      const subnet = (node - honest) % subnets
      world.subnet[node] = -1 - subnet
      world.system[node] = -1 - subnet % systems
    }
  }
  world.ids.subarray(0, honest).sort()
  world.ids.subarray(honest).sort()
  return world
}

/** A victim's table after all its encounters. */
function fillTable (
  { honest, ids, subnet, system }: World, options: Options, seed: number, victim: number, name: TableName
): { honest: number, live: number, entries: number, lost: number } {
  const random = new RandomStream(seed, ENCOUNTERS)
  const sessions = new RandomStream(seed, SESSIONS)
  const self = random.uint32(victim, 0)
  const depth = Math.ceil(Math.log2(honest))
  const table = new WatchedTable({
    buckets: depth,
    eviction: name === 'newest' ? 'newest' : 'checked',
    diversity: name === 'rules'
      ? { subnetInBucket: options.perBucket, subnetInTable: options.perTable, subnetShare: options.tableShare, asShare: options.perSystem }
      : undefined,
    subnetOf: peer => subnet[peer] as number,
    asOf: peer => system[peer] as number
  })
  const ranges = Array.from({ length: depth }, (_, bucket) => [
    rangeOf(ids, self, bucket, 0, honest),
    options.ids === 'random'
      ? rangeOf(ids, self, bucket, honest, ids.length)
      : slice(honest, ids.length, bucket, depth)
  ] as const)
  let nowAt = 0
  const isLive = (peer: number): boolean =>
    peer >= honest || sessions.float(peer, Math.floor((nowAt + sessions.uint32(peer, 0) % SESSION) / SESSION) + 1) < options.online
  for (nowAt = 0; nowAt < options.encounters; nowAt++) {
    const entity = victim * 10_000_000 + nowAt
    const bucket = Math.floor(random.float(entity, 1) * depth)
    const [near, sybils] = ranges[bucket] as (typeof ranges)[number]
    const pushed = options.push * (sybils.end - sybils.first)
    const isSybil = random.float(entity, 2) * (pushed + options.online * (near.end - near.first)) < pushed
    const from = isSybil ? sybils : near
    if (from.end > from.first) {
      const peer = from.first + Math.floor(random.float(entity, 3) * (from.end - from.first))
      if (isLive(peer)) {
        table.onSeen(peer, bucket, isLive)
      }
    }
  }
  const entries = table.buckets.flat()
  const good = entries.filter(peer => peer < honest)
  const goodLive = good.filter(isLive).length
  const filled = table.buckets.filter(bucket => bucket.length > 0)
  return {
    honest: good.length / Math.max(1, entries.length),
    live: goodLive / Math.max(1, goodLive + entries.length - good.length),
    entries: entries.length,
    lost: filled.filter(bucket => bucket.every(peer => peer >= honest)).length / Math.max(1, filled.length)
  }
}

/** Who is closest to keys drawn at random, by the rules of a lookup. */
function closestShares ({ honest, ids, subnet, system }: World, seed: number): { counted: number, plain: number, atKey: number } {
  const random = new RandomStream(seed, LOOKUPS)
  const keys = 100
  const sums = { counted: 0, plain: 0, atKey: 0 }
  const networkOf = ({ peer }: { peer: string }): { small: string, wide: string } => ({
    small: String(subnet[Number(peer)]), wide: String(system[Number(peer)])
  })
  const share = (nodes: readonly { peer: string }[]): number => nodes.filter(({ peer }) => Number(peer) < honest).length / nodes.length / keys
  for (let key = 0; key < keys; key++) {
    const target = random.uint32(key, 0)
    const away = (node: number): number => ((ids[node] as number) ^ target) >>> 0
    const near = Array.from(ids.keys()).filter(node => away(node) < 2 ** 32 * 20 * CLOSEST / ids.length).sort((a, b) => away(a) - away(b))
    const contacts = near.map(node => ({ peer: String(node), kadId: new Uint8Array(0) }))
    const ground = [...Array.from({ length: ids.length - honest }, (_, i) => honest + i), ...near.filter(node => node < honest)]
    sums.counted += share(closestOf(contacts, CLOSEST, { networkOf }))
    sums.plain += share(contacts.slice(0, CLOSEST))
    sums.atKey += share(closestOf(ground.map(node => ({ peer: String(node), kadId: new Uint8Array(0) })), CLOSEST, { networkOf }))
  }
  return sums
}

interface Range {
  first: number
  end: number
}

/** Nodes from `first` to `end` that share `bucket` bits with an id and no more. */
function rangeOf (ids: Uint32Array, self: number, bucket: number, first: number, end: number): Range {
  const low = bucket === 31 ? (self ^ 1) >>> 0 : (((self ^ (0x80000000 >>> bucket)) >>> (31 - bucket)) << (31 - bucket)) >>> 0
  return { first: lowerBound(ids, low, first, end), end: lowerBound(ids, low + 2 ** (31 - bucket), first, end) }
}

function lowerBound (ids: Uint32Array, value: number, first: number, end: number): number {
  while (first < end) {
    const middle = (first + end) >>> 1
    if ((ids[middle] as number) < value) {
      first = middle + 1
    } else {
      end = middle
    }
  }
  return first
}

function slice (first: number, end: number, part: number, parts: number): Range {
  return { first: first + Math.floor((end - first) * part / parts), end: first + Math.floor((end - first) * (part + 1) / parts) }
}

function percent (share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function mean (values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}
