/**
 * Key censorship, with the machines that ship: an attacker stands Sybils at the key of a model to hide it, and `Announcer`, `ModelSearch`,
 * `NetworkSize` and `OfferStore` of @skein/routing store and search under a simulated clock.
 *
 * Claims. With 20 and with 45 Sybils nearer to a model's key than any honest node (the numbers of S. Sridhar et al., "Content Censorship in the
 * InterPlanetary File System", NDSS 2024), at least 99 % of searches find an honest offer, whatever the Sybils answer. Where nobody attacks, a
 * search and a store send at most a tenth more requests than without the rule, and the first offer comes as soon.
 *
 * The rule: the k closest that a lookup found are held against the size of the network, which each node probes at three keys that it draws. Where
 * more stand next to a key than chance explains (1 in 10,000; 1 in 100 where a search found nothing), the lookups of `RegionSweep` go to all that
 * lies beside the crowd in the region where k to 2k honest nodes are expected, and do not look at the crowd; what was given by it does not end a
 * search.
 *
 * Sybils take every store and keep none. They name only each other (`collude`), answer nothing (`silent`), or give the offer of an accomplice beside
 * that (`accomplice`; searches for one offer). They are in the tables of honest nodes as any other node would be. Each stands in a network of its
 * own: the limits on networks, which would keep most of them out, do not count here.
 *
 * Searchers are settled, they have searched for something else before and know the size of the network, or new. A newcomer whom an accomplice's
 * offer satisfies has no reason to doubt it: that is measured, and no claim.
 *
 * Parameters: honest nodes; the two numbers of Sybils; the ball in which they stand, by the honest nodes expected in it (0: nearer than any); models
 * attacked; searches for each; k.
 *
 * Expected: without the rule the offer is found on the way, by luck, in a few of 100 searches; with it in 99 and more.
 */
import { isCrowded, modelKey, sizeFromClosest } from '@skein/routing'
import { constantLatency, defineScenario, drawSortedIds, Network, OfferWorld, RandomStream, Stream, SybilTable } from '@skein/simulator'
import type { Liars, SortedIds, SybilIds } from '@skein/simulator'

const PLACES = Stream.scenario + 80
const SEARCHERS = Stream.scenario + 81
const ALARMS = Stream.scenario + 82
const BUCKETS = Stream.scenario + 83

const ANSWERS = ['collude', 'silent', 'accomplice'] as const
const LATENCY_MS = 40
/** One renewal of an offer lies between these, and no search. */
const STORE_FROM_MS = 40_000
const STORE_TO_MS = 100_000
const SEARCH_MS = 130_000
const END_MS = 180_000

export default defineScenario({
  name: 'key-censorship',
  claims: 'With 20 and with 45 Sybils at its key an honest offer is found in 99 % of searches, by what ships; undisturbed that costs nothing',
  expected: 'without the rule a few in 100 searches find the offer; with it at least 99',
  options: {
    nodes: { type: 'count', default: 10_000, min: 200, max: 200_000, help: 'honest nodes' },
    sybils: { type: 'count', default: 45, min: 1, max: 500, help: 'Sybils at a key' },
    fewer: { type: 'count', default: 20, min: 1, max: 500, help: 'Sybils at a key, the other attack' },
    ball: { type: 'number', default: 0, min: 0, max: 100, unit: 'ratio', help: 'honest nodes among the Sybils; 0: these are nearer than any' },
    models: { type: 'count', default: 20, min: 1, max: 10_000, help: 'models attacked, each in a world of its own' },
    searches: { type: 'count', default: 20, min: 2, max: 200, help: 'searches for each, half of them by newcomers' },
    k: { type: 'count', default: 20, min: 8, max: 40, help: 'closest nodes that hold an offer, and that must answer' },
    alarms: { type: 'count', default: 100_000, min: 1000, max: 10_000_000, help: 'keys that nobody attacks, for the rate of false alarms' }
  },
  metrics: {
    colludeMany: { unit: 'share', help: 'searches that found the honest offer, 45 Sybils name each other' },
    colludeFew: { unit: 'share', help: 'the same, 20' },
    silentMany: { unit: 'share', help: '45 are silent' },
    silentFew: { unit: 'share', help: '20 are silent' },
    accompliceMany: { unit: 'share', help: '45 give an accomplice\'s offer, settled searchers of one offer' },
    accompliceFew: { unit: 'share', help: 'the same, 20' },
    accompliceNewcomers: { unit: 'share', help: 'newcomers, 45 give an accomplice\'s offer' },
    foundBefore: { unit: 'share', help: 'without the rule, 45 name each other' },
    worstModel: { unit: 'share', help: 'of the worst attacked model, all attacks that are claimed' },
    holdersAttacked: { unit: 'count', help: 'honest holders, 45 name each other' },
    searchPlain: { unit: 'count', help: 'requests of a search to its end, nobody attacks' },
    searchBefore: { unit: 'count', help: 'the same without the rule' },
    searchAttacked: { unit: 'count', help: 'the same, 45 name each other, settled searchers' },
    storePlain: { unit: 'count', help: 'requests of renewing an offer, nobody attacks' },
    storeBefore: { unit: 'count', help: 'the same without the rule' },
    storeAttacked: { unit: 'count', help: 'the same, 45 name each other' },
    firstPlain: { unit: 'ms', help: 'until the first offer, nobody attacks' },
    firstBefore: { unit: 'ms', help: 'the same without the rule' },
    firstAttacked: { unit: 'ms', help: 'the same, 45 name each other, settled searchers' },
    falseAlarms: { unit: 'share', help: 'of keys that nobody attacks, those taken for crowded, sizes estimated as nodes do' },
    falseAlarmsFruitless: { unit: 'share', help: 'the same of searches that found nothing' }
  },
  small: { nodes: 1000, models: 6, searches: 10, alarms: 20_000 },
  estimateMemoryBytes: ({ nodes }) => 100_000_000 + 8000 * nodes,

  run ({ options, seed, progress, record, check }) {
    const ids = drawSortedIds(seed, options.nodes, options.k)
    const plain = attack(ids, options, seed, 0, 'collude', true)
    const before = attack(ids, options, seed, 0, 'collude', false)
    record('searchPlain', plain.requests)
    record('searchBefore', before.requests)
    record('storePlain', plain.store)
    record('storeBefore', before.store)
    record('firstPlain', plain.firstMs)
    record('firstBefore', before.firstMs)
    record('foundBefore', attack(ids, options, seed, options.sybils, 'collude', false).found)
    progress(3, 10)

    let worst = 1
    let least = 1
    const found: string[] = []
    for (const [i, answers] of ANSWERS.entries()) {
      for (const [j, sybils] of [options.fewer, options.sybils].entries()) {
        const result = attack(ids, options, seed, sybils, answers, true)
        const share = answers === 'accomplice' ? result.foundSettled : result.found
        worst = Math.min(worst, result.worst)
        least = Math.min(least, share)
        found.push(`${answers} ${sybils}: ${(100 * share).toFixed(2)} %`)
        record(`${answers}${j === 0 ? 'Few' : 'Many'}` as 'colludeFew', share)
        if (j === 1 && answers === 'collude') {
          record('holdersAttacked', result.holders)
          record('searchAttacked', result.requestsSettled)
          record('storeAttacked', result.store)
          record('firstAttacked', result.firstSettledMs)
        } else if (j === 1 && answers === 'accomplice') {
          record('accompliceNewcomers', result.foundNew)
        }
        progress(4 + 2 * i + j, 10)
      }
    }
    record('worstModel', worst)
    const alarms = falseAlarms(options, seed)
    record('falseAlarms', alarms.usual)
    record('falseAlarmsFruitless', alarms.fruitless)
    check('at least 99 % of searches find an honest offer, whatever the Sybils at its key answer', least >= 0.99, found.join(', '))
    check('undisturbed, a search and a renewal send at most a tenth more requests than without the rule',
      plain.requests <= 1.1 * before.requests && plain.store <= 1.1 * before.store,
      `search ${plain.requests.toFixed(1)} (${before.requests.toFixed(1)}), renewal ${plain.store.toFixed(1)} (${before.store.toFixed(1)})`)
    check('undisturbed, the first offer comes as soon as without the rule', plain.firstMs <= before.firstMs * 1.01,
      `${plain.firstMs.toFixed(0)} ms (${before.firstMs.toFixed(0)} ms)`)
    progress(10, 10)
  }
})

interface Options {
  nodes: number
  ball: number
  models: number
  searches: number
  k: number
  alarms: number
}

interface Result {
  found: number
  foundSettled: number
  foundNew: number
  worst: number
  holders: number
  requests: number
  requestsSettled: number
  store: number
  firstMs: number
  firstSettledMs: number
}

/** All searches for all models under one attack; 0 Sybils: nobody attacks. */
function attack (
  ids: SortedIds, { ball, k, models, nodes, searches }: Options, seed: number, sybils: number, answers: Liars['answers'], sweeps: boolean
): Result {
  const random = new RandomStream(seed, SEARCHERS)
  const result: Result = {
    found: 0, foundSettled: 0, foundNew: 0, worst: 1, holders: 0, requests: 0, requestsSettled: 0, store: 0, firstMs: 0, firstSettledMs: 0
  }
  const all = models * searches
  let first = 0
  let firstSettled = 0
  for (let i = 0; i < models; i++) {
    const model = `model ${i}`
    const table = new SybilTable(ids, seed, k, BUCKETS)
    table.setSybils(placeSybils(ids, model, sybils, ball, new RandomStream(seed, PLACES), i), 'collude')
    const offers = new OfferWorld({
      seed: seed + i,
      table,
      k,
      sweeps,
      network: new Network({ seed: seed + i, nodes: table.size, latency: constantLatency(LATENCY_MS) }),
      liars: { isLiar: node => !table.isHonest(node), answers, accomplice: table.size - 1 }
    })
    const provider = table.nodeAt(random.uint32(i, 0))
    offers.announce(10, provider, model)
    offers.world.run(STORE_FROM_MS)
    const sent = offers.requests
    offers.world.run(STORE_TO_MS)
    result.store += (offers.requests - sent) / models
    result.holders += offers.holders(model).filter(node => table.isHonest(node)).length / models
    let here = 0
    let counted = 0
    for (let search = 1; search <= searches; search++) {
      const drawn = table.nodeAt(random.uint32(i, search))
      const searcher = drawn === provider ? (drawn + 1) % nodes : drawn
      const isSettled = search % 2 === 0
      if (isSettled) {
        offers.find(STORE_TO_MS, searcher, 'another', () => {}, 1)
      }
      offers.find(SEARCH_MS, searcher, model, ({ firstMs, offers: found, requests }) => {
        const won = found.some(({ peer }) => peer === String(provider)) ? 1 : 0
        if (isSettled || answers !== 'accomplice') {
          here += won
          counted++
        }
        result.found += won / all
        result.foundSettled += isSettled ? won / models / Math.floor(searches / 2) : 0
        result.foundNew += isSettled ? 0 : won / models / Math.ceil(searches / 2)
        result.requests += requests / all
        result.requestsSettled += isSettled ? requests / models / Math.floor(searches / 2) : 0
        if (firstMs !== undefined) {
          first++
          result.firstMs += firstMs
          firstSettled += isSettled ? 1 : 0
          result.firstSettledMs += isSettled ? firstMs : 0
        }
      }, answers === 'accomplice' ? 1 : undefined)
    }
    offers.world.run(END_MS)
    result.worst = Math.min(result.worst, here / counted)
  }
  result.firstMs /= Math.max(1, first)
  result.firstSettledMs /= Math.max(1, firstSettled)
  return result
}

function placeSybils (ids: SortedIds, model: string, sybils: number, ball: number, random: RandomStream, serial: number): SybilIds {
  const view = new DataView(modelKey(model).buffer)
  const [keyHi, keyLo] = [view.getUint32(0), view.getUint32(4)]
  let within = ball / ids.size
  if (ball === 0) {
    within = 1
    for (let node = 0; node < ids.size; node++) {
      within = Math.min(within, (((ids.hi[node] as number) ^ keyHi) >>> 0) / 2 ** 32)
    }
  }
  const hi = new Uint32Array(sybils)
  const lo = new Uint32Array(sybils)
  for (let i = 0; i < sybils; i++) {
    const away = random.float(serial * 1024 + i, 0) * within * 2 ** 32
    hi[i] = (keyHi ^ Math.floor(away)) >>> 0
    lo[i] = (keyLo ^ Math.floor((away % 1) * 2 ** 32)) >>> 0
  }
  return { hi, lo }
}

/** Keys and probes around which nodes stand by chance: a Poisson process. */
function falseAlarms ({ alarms, k, nodes }: Options, seed: number): { usual: number, fruitless: number } {
  const random = new RandomStream(seed, ALARMS)
  const closest = (entity: number, counter: number): number[] => {
    let share = 0
    return Array.from({ length: k }, (_, i) => (share -= Math.log(1 - random.float(entity, counter + i)) / nodes))
  }
  let usual = 0
  let fruitless = 0
  for (let i = 0; i < alarms; i++) {
    const size = [1, 2, 3].map(probe => sizeFromClosest(closest(i, probe * k), k)).sort((a, b) => a - b)[1] as number
    const shares = closest(i, 0)
    usual += isCrowded(shares, size, k) ? 1 : 0
    fruitless += isCrowded(shares, size, k, 1e-2) ? 1 : 0
  }
  return { usual: usual / alarms, fruitless: fruitless / alarms }
}
