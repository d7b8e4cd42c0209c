/**
 * Reputation: what cheats, cliques and free riders gain when peers remember who delivered.
 *
 * Claims. (1) Whitewashing does not pay: a provider that fails its callers and comes back under a new name whenever a newcomer's score is higher
 * gets at most 10 % of the requests of an honest one, the new names being worth at most 5 %; one that delivers until it is trusted and then fails
 * until it is not answers falsely at most 25 % as often as an honest one answers. (2) A clique that praises a bad provider moves its score by less
 * than 5 %. (3) Under load those who deliver to others are served as if there were no free riders, who are served last.
 *
 * (1) One caller asks `requests` times a day for `days` days. Each time three providers that offer are drawn, and one of them is asked with a chance
 * in proportion to its score. Honest providers fail 2 %; one honest newcomer arrives after a third of the time. A quarter of the cheats keep their
 * names, half change them when a newcomer's score is higher, a quarter build up trust first. (2) The caller was served 50 times by each honest
 * provider; each member of the clique served it `delivered` times and tells of 50 deliveries of a provider that failed the caller. Each stands in a
 * network of its own, so that no cap on networks helps. Three published rules weigh the witnesses, alone and with the caps: two-hop flow (Meulpolder
 * et al., 2009), beta reputation with discounting (Jøsang, Ismail, 2002), EigenTrust (Kamvar et al., 2003). A rule is of use when it orders providers
 * that the caller does not know by what its honest witnesses saw. (3) A server of 8 places gets Poisson arrivals, half of them of callers that
 * deliver (scores of 0.5 to 0.9), half of free riders (a newcomer's); it says "busy" by `ServingOrder`.
 *
 * Expected: a new name is worth what a newcomer's score is; with newcomers at a fixed 0.2 that is a quarter of an honest provider's requests. With
 * one delivery of each of 50 members and 2,000 of others, the clique moves a score by 2.4 % by flow, by everything by discounting, in which witnesses
 * add up. A clique that delivered a fifth of all moves a score by a fifth: what it earned. Free riders get what is left.
 */
import { randomBelow, randomFloat, SeededRandom } from '@skein/core'
import { discountedOpinion, eigenTrust, expectation, pullsOf, ReputationLedger, ServingOrder, twoHopFlow } from '@skein/reputation'
import { defineScenario } from '@skein/simulator'
import type { Random } from '@skein/core'
import type { InferenceReceipt, ReceiptProof } from '@skein/records'
import type { Account, TrustGraph, Witness, WitnessRule } from '@skein/reputation'

const DAY_MS = 86_400_000
const START_MS = 1_800_000_000_000
const SERVICE = 'inference'
const HONEST_FAILURES = 0.02
const OFFERS = 3
/** One that builds up trust cheats from the first score on, until the second. */
const MILK_FROM = 0.8
const PLACES = 8
const SERVICE_MS = 5000
/** Providers that honest witnesses tell of and the caller does not know: ASSUMPTION. */
const OTHERS = Array.from({ length: 40 }, (_, i) => `other-${i}`)
const RULES = [twoHopFlow, discountedOpinion, eigenTrust] as const

export default defineScenario({
  name: 'reputation',
  claims: 'a new name gains a cheat at most 5 % of an honest provider\'s requests; a clique of 50 moves a score by less than 5 %; free riders are ' +
    'served last under load',
  expected: 'new names gain 2 to 4 %, 16 % with newcomers at a fixed 0.2; the clique moves 2.4 % by flow',
  options: {
    days: { type: 'count', default: 60, min: 5, max: 1000, help: 'length of the market; the second half is measured' },
    requests: { type: 'count', default: 400, min: 10, max: 100_000, help: 'of the caller a day' },
    honest: { type: 'count', default: 40, min: 3, max: 2000, help: 'honest providers, as many witnesses' },
    cheats: { type: 'count', default: 12, min: 4, max: 1000, help: 'providers that cheat, by three strategies' },
    clique: { type: 'count', default: 50, min: 1, max: 900, help: 'members of the clique' },
    delivered: { type: 'count', default: 1, min: 0, max: 50, help: 'requests that each member of the clique really served' },
    newcomers: {
      type: 'choice', default: 'adaptive', choices: ['adaptive', 'fixed'], help: 'newcomers are trusted as newcomers deserved lately, or with 0.2'
    },
    load: { type: 'number', default: 2, min: 0.1, max: 20, unit: 'of the places', help: 'what callers ask for, half of it free riders' }
  },
  metrics: {
    stayShare: { unit: 'share', help: 'requests of a cheat that keeps its name, of those of an honest provider' },
    resetShare: { unit: 'share', help: 'requests of a cheat that changes its name' },
    milkShare: { unit: 'share', help: 'false answers of one that builds up trust, of an honest provider\'s answers' },
    newcomerDays: { unit: 'days', help: 'until an honest newcomer has a score of 0.5 while others whitewash' },
    failedRequests: { unit: 'share', help: 'of all requests of the second half' },
    cliqueFlow: { unit: 'share', help: 'by which the clique moves the score, two-hop flow, no caps' },
    cliqueDiscounted: { unit: 'share', help: 'the same, beta reputation with discounting, no caps' },
    cliqueEigen: { unit: 'share', help: 'the same, EigenTrust, no caps' },
    cliqueEigenSilent: { unit: 'share', help: 'the same where honest witnesses tell of nobody' },
    cliqueUsed: { unit: 'share', help: 'the same, as it is used: two-hop flow with the caps' },
    orderFlow: { unit: 'share', help: 'pairs of a good and a bad unknown provider put in the right order, two-hop flow' },
    orderDiscounted: { unit: 'share', help: 'the same, beta reputation with discounting' },
    orderEigen: { unit: 'share', help: 'the same, EigenTrust' },
    givers: { unit: 'share', help: 'requests of those who deliver that are served under load' },
    undisturbed: { unit: 'share', help: 'the same without free riders' },
    riders: { unit: 'share', help: 'requests of free riders that are served under load' }
  },
  small: { days: 30, requests: 300 },
  run: ({ options, seed, record, check, table }) => {
    const market = runMarket(options, new SeededRandom(seed))
    record('stayShare', market.stay)
    record('resetShare', market.reset)
    record('milkShare', market.milk)
    record('newcomerDays', market.newcomerDays)
    record('failedRequests', market.failed)
    check('a cheat with new names gets at most 10 % of an honest provider\'s requests', market.reset <= 0.1, percent(market.reset))
    check('… at most 5 % more than under its old name', market.reset - market.stay <= 0.05,
      `${percent(market.reset)}, old name ${percent(market.stay)}`)
    check('one that builds up trust to cheat answers falsely 25 % as often at most', market.milk <= 0.25, percent(market.milk))

    const moved = RULES.map(rule => cliqueMove(rule, options, true))
    const silent = RULES.map(rule => cliqueMove(rule, options, false))
    const ordered = RULES.map(rule => orderOfUnknown(rule, options.honest, new SeededRandom(seed + 1)))
    const used = moved[0]!.capped
    record('cliqueFlow', moved[0]!.alone)
    record('cliqueDiscounted', moved[1]!.alone)
    record('cliqueEigen', moved[2]!.alone)
    record('cliqueEigenSilent', silent[2]!.alone)
    record('cliqueUsed', used)
    record('orderFlow', ordered[0]!)
    record('orderDiscounted', ordered[1]!)
    record('orderEigen', ordered[2]!)
    check(`a clique of ${options.clique} moves a score by less than 5 %`, used < 0.05, percent(used))
    const columns = ['rule', 'clique, alone', 'clique, honest ones silent', 'clique, capped', 'unknown in order']
    table('rules', columns, RULES.map((rule, i) =>
      [rule.name, percent(moved[i]!.alone), percent(silent[i]!.alone), percent(moved[i]!.capped), percent(ordered[i]!)]))

    const served = runServer(options.load, true, new SeededRandom(seed + 2))
    const undisturbed = runServer(options.load, false, new SeededRandom(seed + 2)).givers
    record('givers', served.givers)
    record('undisturbed', undisturbed)
    record('riders', served.riders)
    check('those who deliver are served as if there were no free riders, within 5 %', served.givers >= 0.95 * undisturbed,
      `${percent(served.givers)}, without free riders ${percent(undisturbed)}`)
    check('free riders are served last under load', options.load < 1 || served.riders <= served.givers / 4,
      `${percent(served.riders)} of their requests, ${percent(served.givers)} of those of others`)
  }
})

type Strategy = 'honest' | 'newcomer' | 'stay' | 'reset' | 'milk'

interface Provider {
  strategy: Strategy
  name: string
  names: number
  fromDay: number
  cheating: boolean
  asked: number
  lied: number
}

interface Market {
  stay: number
  reset: number
  milk: number
  newcomerDays: number
  failed: number
}

interface MarketOptions {
  days: number
  requests: number
  honest: number
  cheats: number
  newcomers: 'adaptive' | 'fixed'
}

function runMarket ({ days, requests, honest, cheats, newcomers }: MarketOptions, random: Random): Market {
  const ledger = new ReputationLedger({ self: 'caller', maxPeers: 100_000, newcomers })
  const arrival = Math.floor(days / 3)
  const provider = (strategy: Strategy, i: number): Provider => ({
    strategy, name: `${strategy}-${i}`, names: 0, fromDay: strategy === 'newcomer' ? arrival : 0, cheating: strategy !== 'milk', asked: 0, lied: 0
  })
  const providers = [
    ...Array.from({ length: honest }, (_, i) => provider('honest', i)),
    provider('newcomer', 0),
    ...Array.from({ length: cheats }, (_, i) => provider((['stay', 'reset', 'reset', 'milk'] as const)[i % 4]!, i))
  ]
  const gapMs = DAY_MS / requests
  let failed = 0
  let newcomerDays: number | undefined

  for (let request = 0; request < days * requests; request++) {
    const nowMs = START_MS + request * gapMs
    const day = Math.floor(request / requests)
    const present = providers.filter(({ fromDay }) => fromDay <= day)
    const offers = Array.from({ length: OFFERS }, () => present[randomBelow(random, present.length)]!)
    const chosen = inProportion(offers, ({ name }) => ledger.score(name, SERVICE, nowMs), random)
    const lies = liesNow(chosen, ledger, nowMs, random)
    if (day >= days / 2) {
      chosen.asked++
      chosen.lied += lies ? 1 : 0
      failed += lies ? 1 : 0
    }
    const outcome = lies ? 'truncated' : 'complete'
    ledger.onReceipt(receiptOf({ provider: chosen.name, consumer: 'caller', outcome, issuedAtMs: Math.floor(nowMs) }, request), nowMs)
    if (chosen.strategy === 'newcomer' && newcomerDays === undefined && ledger.score(chosen.name, SERVICE, nowMs) >= 0.5) {
      newcomerDays = (nowMs - START_MS) / DAY_MS - arrival
    }
  }
  const mean = (strategy: Strategy, what: 'asked' | 'lied'): number => {
    const those = providers.filter(entry => entry.strategy === strategy)
    return those.reduce((sum, entry) => sum + entry[what], 0) / Math.max(1, those.length)
  }
  const perHonest = mean('honest', 'asked')
  return {
    stay: mean('stay', 'asked') / perHonest,
    reset: mean('reset', 'asked') / perHonest,
    milk: mean('milk', 'lied') / perHonest,
    newcomerDays: newcomerDays ?? days,
    failed: failed / (days * requests / 2)
  }
}

/** Whether it answers falsely now; changes its name first if that is worth it. */
function liesNow (provider: Provider, ledger: ReputationLedger, nowMs: number, random: Random): boolean {
  const { strategy } = provider
  if (strategy === 'honest' || strategy === 'newcomer') {
    return randomFloat(random) < HONEST_FAILURES
  }
  const score = ledger.score(provider.name, SERVICE, nowMs)
  if (strategy !== 'stay' && provider.cheating && score < ledger.score(`${provider.name}-new`, SERVICE, nowMs)) {
    provider.names++
    provider.name = `${strategy}-${provider.names}-${provider.name.split('-').at(-1)!}`
    provider.cheating = strategy === 'reset'
  }
  if (strategy === 'milk' && score >= MILK_FROM) {
    provider.cheating = true
  }
  return provider.cheating
}

function inProportion<T> (items: T[], weight: (item: T) => number, random: Random): T {
  const weights = items.map(item => Math.max(1e-6, weight(item)))
  let left = randomFloat(random) * weights.reduce((a, b) => a + b, 0)
  return items.find((_, i) => (left -= weights[i]!) < 0) ?? items.at(-1)!
}

interface CliqueOptions {
  honest: number
  clique: number
  delivered: number
}

/** How far praise of the clique moves the score of a provider that failed, by a rule alone and with the caps. */
function cliqueMove (rule: WitnessRule, { honest, clique, delivered }: CliqueOptions, honestTell: boolean): { alone: number, capped: number } {
  const own: Account = { good: 0, bad: 1 }
  const score = expectation(own)
  const members = Array.from({ length: clique }, (_, i) => `member-${i}`)
  const honestPeers = Array.from({ length: honest }, (_, i) => `honest-${i}`)
  const deliveries = new Map([...honestPeers, ...members].map((peer, i): [string, number] => [peer, i < honest ? 50 : delivered]))
  const graph: TrustGraph = {
    deliveredByAll: honest * 50 + clique * delivered,
    own: () => deliveries,
    // members praise each other and the subject; honest ones also tell of providers that the caller does not know, who tell it nothing
    statements: witness => (witness.startsWith('member') ? [...members, 'subject'] : honestTell ? [...honestPeers, ...OTHERS] : [])
      .filter(peer => peer !== witness).map(peer => [peer, { good: 50, bad: 0 }])
  }
  const witnesses = members.map((peer): Witness => ({ peer, network: `as-${peer}`, delivered, said: { good: 50, bad: 0 } }))
  const opinions = rule.weigh(witnesses.filter(witness => witness.delivered > 0), graph)
  const alone = opinions.reduce((sum, { weight, expects }) => sum + weight * Math.min(1, Math.max(-1, (expects - score) / score)), 0)
  return { alone, capped: pullsOf(score, own, opinions).reduce((sum, { pull }) => sum + pull, 0) }
}

/** The share of pairs of a good and a bad provider, both unknown, that honest witnesses put in the right order. */
function orderOfUnknown (rule: WitnessRule, honest: number, random: Random): number {
  const deliveries = new Map(Array.from({ length: honest }, (_, i): [string, number] => [`honest-${i}`, 1 + randomBelow(random, 50)]))
  const graph: TrustGraph = {
    deliveredByAll: [...deliveries.values()].reduce((a, b) => a + b, 0),
    own: () => deliveries,
    statements: witness => [...deliveries.keys()].filter(peer => peer !== witness).map(peer => [peer, { good: 20, bad: 0 }])
  }
  const scoreOf = (quality: number): number => {
    // each is known to some witnesses by a few dealings
    const witnesses = [...deliveries].filter(() => randomFloat(random) < 0.1).map(([peer, delivered]): Witness => {
      const dealings = 1 + randomBelow(random, 10)
      const good = Array.from({ length: dealings }, () => randomFloat(random) < quality).filter(Boolean).length
      return { peer, delivered, network: peer, said: { good, bad: dealings - good } }
    })
    const nothing = { good: 0, bad: 0 }
    return 1 + pullsOf(expectation(nothing), nothing, rule.weigh(witnesses, graph)).reduce((sum, { pull }) => sum + pull, 0)
  }
  const pairs = 500
  let right = 0
  for (let i = 0; i < pairs; i++) {
    const difference = scoreOf(0.95) - scoreOf(0.5)
    right += difference > 0 ? 1 : difference === 0 ? 0.5 : 0
  }
  return right / pairs
}

/** A server without a queue; half of the arrivals are of callers with a score of 0.5 to 0.9, half of free riders with a newcomer's. */
function runServer (load: number, withRiders: boolean, random: Random): { givers: number, riders: number } {
  const order = new ServingOrder()
  const busyUntil = new Array<number>(PLACES).fill(0)
  const asked = [0, 0]
  const served = [0, 0]
  let nowMs = 0
  for (let i = 0; i < 50_000; i++) {
    nowMs += -Math.log(1 - randomFloat(random)) * SERVICE_MS / (PLACES * load)
    const rides = i % 2
    if (rides === 1 && !withRiders) {
      continue
    }
    const score = rides === 1 ? 0.2 : 0.5 + 0.4 * randomFloat(random)
    const taken = busyUntil.filter(until => until > nowMs).length
    asked[rides]!++
    if (taken >= PLACES) {
      order.onTurnedAway(score, nowMs)
    } else if (order.mayTake(score, taken / PLACES, nowMs)) {
      served[rides]!++
      busyUntil[busyUntil.findIndex(until => until <= nowMs)] = nowMs - Math.log(1 - randomFloat(random)) * SERVICE_MS
    }
  }
  return { givers: served[0]! / asked[0]!, riders: served[1]! / asked[1]! }
}

function receiptOf (changes: Partial<InferenceReceipt> & { issuedAtMs: number }, serial: number): ReceiptProof {
  const receipt: InferenceReceipt = {
    kind: 'inference', requestId: serial.toString(16).padStart(32, '0'), provider: '', consumer: '', outcome: 'complete', path: 'direct', bytes: 0,
    model: 'm', tokensIn: 1, tokensOut: 1, durationMs: 1, expiresAtMs: changes.issuedAtMs + 30 * DAY_MS, ...changes
  }
  return { receipt, byConsumer: new Uint8Array() }
}

function percent (share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
