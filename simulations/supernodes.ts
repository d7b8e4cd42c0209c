/**
 * Super-nodes: what seats an attacker wins, how often seats change hands, and how soon the clients of one that dies have moved.
 *
 * Claims. (1) Of a region's seats an attacker gets at most 2.5 % (one) with 20,000 ids in one /24, 5 % (two) with 2,000 in one /16, 25 % with 2,000
 * in one autonomous system; without caps 2,000 ids win 94 %. (2) 200 ids in 200 /16s and 20 systems, aged 8 days, with the best reputation there is,
 * win 60 % by the plain rule (weights as they are, full weight at 7 days) and under 45 % by the rule in use (a system weighs the root of its sum,
 * full weight at 30 days). This is the case that the attacker still does well in: only earned reputation, several relays in different systems and
 * end-to-end encryption limit it further. (3) At most 5 % of the seats change hands in a term of ten minutes when lots are drawn once a day, each
 * peer's at an hour of its own; most when they are drawn for each term, and most within one minute when all are drawn at midnight. (4) When a
 * super-node is killed, its clients that hold a second reservation have moved within 1 s, all others within 5 s; when it falls silent, all within 5
 * s.
 *
 * Honest candidates: 300 systems by Zipf's law (the largest has 16 %), ages exponential with a mean of 30 days, bandwidth log-normal above 2 MB/s:
 * ASSUMPTIONS. So is what the attacker's ids can do; the defaults are those that give the 60 % and 94 % to which rules are compared.
 *
 * Also shown, and not claimed: attackers with more systems, more ids, more patience, under each rule; what the rule costs honest candidates
 * (bandwidth of the elected); how far two that elect agree when each misses a part of the candidates. **The root is no gift**: it helps when honest
 * candidates stand in more systems than the attacker has, and harms when they stand in fewer (`--set systems=5`, where its claim fails).
 *
 * Parameters: peers, eligible ones, their systems and ages; bandwidth, age and reputation of Sybils; elections for each case; terms, time online and
 * offline, noise of measurements; clients, super-nodes, their systems and places, for the deaths.
 *
 * Expected: the caps bind exactly in the first three cases; 30 to 40 % in the fourth, 55 to 65 % for an attacker with a system for each id. Turnover
 * 1 to 2 %. Moves: half a round trip with a second reservation, a quarter of a second without, 2 to 4 s after a silent death.
 */
import { electSuperNodes } from '@skein/supernode'
import { defineScenario, honestCandidates, RandomStream, runFailover, seatTurnover, Stream, sybilCandidates } from '@skein/simulator'
import type { ElectionRules, SuperNodeCandidate } from '@skein/supernode'
import type { SeatDraw } from '@skein/simulator'

const HONEST = Stream.scenario + 80
const SESSIONS = Stream.scenario + 81
const MISSED = Stream.scenario + 82
const DEATHS = Stream.scenario + 83

const region = 'eu-west'
const START_MS = 1_790_000_000_000
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** The rule of comparison: weights as they are, full weight after a week. */
const PLAIN: Partial<ElectionRules> = { systemExponent: 1, fullAgeMs: 7 * DAY_MS }
const NO_CAPS: Partial<ElectionRules> = { ...PLAIN, perSmallNetwork: Infinity, perWideNetwork: Infinity, systemShare: 1 }
/** What was weighed against each other: the exponent of a system's weight, and the age of full weight. The last but one is in use. */
const RULES: Record<string, Partial<ElectionRules>> = {
  'sum, 7 days': PLAIN,
  'sum, 30 days': { systemExponent: 1 },
  'root, 7 days': { fullAgeMs: 7 * DAY_MS },
  'root, 30 days': {},
  'equal, 30 days': { systemExponent: 0 }
}

interface Attack {
  ids: number
  smallNetworks: number
  wideNetworks: number
  systems: number
  ageDays?: number
}

const spread = (ids: number, systems: number): Attack => ({ ids, smallNetworks: ids, wideNetworks: ids, systems })
const SMALL: Attack = { ids: 20_000, smallNetworks: 1, wideNetworks: 1, systems: 1 }
const WIDE: Attack = { ids: 2000, smallNetworks: 256, wideNetworks: 1, systems: 1 }
const SYSTEM = spread(2000, 1)
const DIVERSE = spread(200, 20)

export default defineScenario({
  name: 'supernodes',
  claims: 'An attacker in one /24, /16, system wins 2.5, 5, 25 % of seats, in 20 systems under 45 %; turnover is 5 % at most; clients move in 5 s',
  expected: '2.5, 5 and 25 %; 30 to 40 % for 20 systems, 55 to 65 % for 200; 1 to 2 % turnover; moves within 0.1 s, 0.3 s, silent death 4 s',
  options: {
    peers: { type: 'count', default: 2_000, min: 1, max: 1_000_000, help: 'peers of the region, which give the seats' },
    eligible: { type: 'count', default: 300, min: 10, max: 40_000, help: 'honest ones that may be elected' },
    systems: { type: 'count', default: 300, min: 1, max: 10_000, help: 'autonomous systems that those are in' },
    meanAge: { type: 'number', default: 30, min: 0.1, max: 10_000, unit: 'days', help: 'of honest candidates' },
    sybilBandwidth: { type: 'number', default: 12, min: 2, max: 1000, unit: 'MB/s', help: 'measured of each id of the attacker' },
    sybilAge: { type: 'number', default: 8, min: 0.1, max: 10_000, unit: 'days', help: 'of its ids' },
    sybilReputation: { type: 'number', default: 1, min: 0.5, max: 1, unit: 'share', help: 'of its ids' },
    elections: { type: 'count', default: 40, min: 1, max: 10_000, help: 'for each case, with other honest candidates each' },
    terms: { type: 'count', default: 1_008, min: 145, max: 100_000, help: 'of ten minutes, for turnover' },
    online: { type: 'number', default: 72, min: 1, max: 10_000, unit: 'hours', help: 'mean time online of an eligible peer' },
    offline: { type: 'number', default: 2, min: 0.1, max: 1000, unit: 'hours', help: 'mean time offline' },
    noise: { type: 'number', default: 0.1, min: 0, max: 2, unit: 'ratio', help: 'of a measurement of bandwidth, standard deviation' },
    missed: { type: 'number', default: 0.05, min: 0, max: 0.9, unit: 'share', help: 'of the candidates that one who elects does not know' },
    clients: { type: 'count', default: 1_000, min: 10, max: 100_000, help: 'peers that use super-nodes, for the deaths' },
    superNodes: { type: 'count', default: 20, min: 2, max: 64, help: 'that they use' },
    superSystems: { type: 'count', default: 10, min: 1, max: 64, help: 'autonomous systems that those are in' },
    places: { type: 'count', default: 200, min: 1, max: 100_000, help: 'reservations that a super-node takes' },
    deaths: { type: 'count', default: 5, min: 1, max: 1000, help: 'of each kind' }
  },
  metrics: {
    smallNetwork: { unit: 'share', help: 'seats of 20,000 ids in one /24' },
    wideNetwork: { unit: 'share', help: 'seats of 2,000 ids in one /16' },
    system: { unit: 'share', help: 'seats of 2,000 ids in one autonomous system' },
    diverse: { unit: 'share', help: 'seats of 200 ids in 200 /16s and 20 systems' },
    diverseBySum: { unit: 'share', help: 'the same by the plain rule' },
    uncapped: { unit: 'share', help: 'seats of 2,000 ids without caps' },
    turnover: { unit: 'share', help: 'seats that change hands in a term' },
    turnoverWorst: { unit: 'share', help: 'the same of the worst term' },
    turnoverMidnight: { unit: 'share', help: 'the same of the worst term when all lots are drawn at midnight' },
    turnoverTerm: { unit: 'share', help: 'seats that change hands when lots are drawn for each term' },
    holdersGone: { unit: 'share', help: 'seats whose holder went offline, a term' },
    agreement: { unit: 'share', help: 'seats on which two agree that each miss a part of the candidates' },
    movedSecond: { unit: 'ms', help: 'after a kill, until the last client with a second reservation has moved' },
    movedNone: { unit: 'ms', help: 'the same without a second reservation' },
    movedSilent: { unit: 'ms', help: 'the same when a super-node falls silent' },
    busiest: { unit: 'share', help: 'places taken at the busiest super-node a minute after a death' }
  },
  small: { elections: 20, terms: 432, clients: 300, places: 60, deaths: 1 },
  estimateMemoryBytes: ({ eligible }) => 60_000_000 + 3000 * eligible,

  run ({ options, seed, progress, record, check, series, distribution, table }) {
    const { elections, peers, terms } = options
    const field = (election: number): SuperNodeCandidate[] =>
      honestCandidates({ count: options.eligible, systems: options.systems, meanAgeDays: options.meanAge }, seed, HONEST + 1000 * election)

    /** The attacker's share of seats. */
    const won = ({ ids, ageDays = options.sybilAge, ...networks }: Attack, rules: Partial<ElectionRules>): number => {
      let seats = 0
      let all = 0
      // an election among 20,000 takes as long as a hundred others, and the cap leaves no luck in it
      const runs = ids > 5000 ? Math.ceil(elections / 20) : elections
      for (let election = 0; election < runs; election++) {
        const sybils = sybilCandidates({
          ...networks,
          count: ids,
          ageDays,
          reputation: options.sybilReputation,
          bytesPerSecond: options.sybilBandwidth * 1e6
        }, election)
        const attackers = new Set(sybils.map(({ peer }) => peer))
        const outcome = electSuperNodes({ candidates: [...field(election), ...sybils], peers, region, rules }, START_MS + election * DAY_MS)
        seats += outcome.elected.filter(({ peer }) => attackers.has(peer)).length
        all += outcome.seats
      }
      return seats / all
    }

    const found = {
      smallNetwork: won(SMALL, {}), wideNetwork: won(WIDE, {}), system: won(SYSTEM, {}), diverse: won(DIVERSE, {}),
      diverseBySum: won(DIVERSE, PLAIN), uncapped: won(WIDE, NO_CAPS)
    }
    progress(1, 4)
    for (const [name, value] of Object.entries(found)) {
      record(name as keyof typeof found, value)
    }
    const seat = 1 / electSuperNodes({ candidates: [], peers, region: '' }, START_MS).seats
    check('20,000 ids in one /24 win one seat at most', found.smallNetwork <= seat + 1e-9, percent(found.smallNetwork))
    check('2,000 ids in one /16 win two seats at most', found.wideNetwork <= 2 * seat + 1e-9, percent(found.wideNetwork))
    check('2,000 ids in one system win a quarter at most', found.system <= Math.max(seat, 0.25) + 1e-9, percent(found.system))
    check('200 ids in 200 /16s and 20 systems win 60 % ± 5 by the plain rule', Math.abs(found.diverseBySum - 0.6) <= 0.05,
      percent(found.diverseBySum))
    check('by the rule in use they win under 45 %', found.diverse < 0.45, percent(found.diverse))
    check('without caps 2,000 ids in one /16 win 94 % ± 3', Math.abs(found.uncapped - 0.94) <= 0.03, percent(found.uncapped))

    const attacks: Array<[string, Attack]> = [
      ['200 ids, 20 systems', DIVERSE], ['… aged 30 days', { ...DIVERSE, ageDays: 30 }], ['200 ids, 50 systems', spread(200, 50)],
      ['200 ids, 200 systems', spread(200, 200)], ['… aged 30 days', { ...spread(200, 200), ageDays: 30 }],
      ['2,000 ids, 20 systems', spread(2000, 20)]
    ]
    const rules = Object.entries(RULES)
    table('seats won by rule', ['', ...rules.map(([name]) => name)], [
      ...attacks.map(([name, attack]) => [name, ...rules.map(([, rule]) => percent(won(attack, rule)))]),
      ['mean bandwidth of the elected, no attack', ...rules.map(([, rule]) => `${honestBandwidth(field, rule, options).toFixed(1)} MB/s`)]
    ])
    progress(2, 4)

    const turnover = (draw: SeatDraw) => seatTurnover({
      candidates: field(0),
      peers,
      draw,
      terms,
      onlineMs: options.online * HOUR_MS,
      offlineMs: options.offline * HOUR_MS,
      noise: options.noise,
      seed,
      stream: SESSIONS
    })
    const daily = turnover('day')
    const midnight = turnover('midnight')
    const termly = turnover('term')
    record('turnover', mean(daily.changed))
    record('turnoverWorst', Math.max(...daily.changed))
    record('turnoverMidnight', Math.max(...midnight.changed))
    record('turnoverTerm', mean(termly.changed))
    record('holdersGone', mean(daily.gone))
    series('seats that change hands, lots drawn once a day', daily.changed.entries(), { x: 'term', y: 'share' })
    series('seats that change hands, lots drawn at midnight', midnight.changed.entries(), { x: 'term', y: 'share' })
    check('at most 5 % of the seats change hands in a term', mean(daily.changed) <= 0.05,
      `${percent(mean(daily.changed))}, ${percent(mean(daily.gone))} as holders went; drawn for each term ${percent(mean(termly.changed))}`)
    check('no term changes as many as midnight does when all are drawn then', Math.max(...daily.changed) < Math.max(...midnight.changed) / 3,
      `${percent(Math.max(...daily.changed))} in the worst term, ${percent(Math.max(...midnight.changed))} at midnight`)
    progress(3, 4)

    record('agreement', agreement(field, options, seed))

    const deaths = (death: 'killed' | 'silent', target: number) => Array.from({ length: options.deaths }, (_, i) => runFailover({
      clients: options.clients,
      superNodes: options.superNodes,
      systems: options.superSystems,
      capacity: options.places,
      death,
      set: { target },
      seed,
      stream: DEATHS + 1000 * i
    }))
    const second = deaths('killed', 3)
    const none = deaths('killed', 1)
    const silent = [...deaths('silent', 3), ...deaths('silent', 1)]
    const last = (runs: typeof second): number => Math.max(...runs.flatMap(({ movedMs }) => [...movedMs]))
    record('movedSecond', last(second))
    record('movedNone', last(none))
    record('movedSilent', last(silent))
    record('busiest', Math.max(...second.map(({ busiest }) => busiest)))
    distribution('time to move, killed, without a second reservation', none.flatMap(({ movedMs }) => [...movedMs]), 'ms')
    distribution('time to move, silent', silent.flatMap(({ movedMs }) => [...movedMs]), 'ms')
    const clients = second.reduce((sum, { movedMs }) => sum + movedMs.length, 0)
    const held = second.reduce((sum, { withSecond }) => sum + withSecond, 0)
    check('clients of a killed super-node that hold a second reservation have moved within 1 s',
      last(second) <= 1000 && held === clients && clients > 0,
      `${Math.round(last(second))} ms, ${held} of ${clients} clients held one`)
    check('without one within 5 s', last(none) <= 5000, `${Math.round(last(none))} ms`)
    check('clients of a super-node that falls silent within 5 s', last(silent) <= 5000, `${Math.round(last(silent))} ms`)
    progress(4, 4)
  }
})

interface Options {
  peers: number
  elections: number
  missed: number
}

type Field = (election: number) => SuperNodeCandidate[]

function honestBandwidth (field: Field, rules: Partial<ElectionRules>, { peers, elections }: Options): number {
  let sum = 0
  let seats = 0
  for (let election = 0; election < elections; election++) {
    const candidates = field(election)
    const speeds = new Map(candidates.map(({ peer, measuredBytesPerSecond }) => [peer, measuredBytesPerSecond / 1e6]))
    for (const { peer } of electSuperNodes({ candidates, peers, region, rules }, START_MS).elected) {
      sum += speeds.get(peer) as number
      seats++
    }
  }
  return sum / seats
}

/** Two that elect, each without a part of the candidates: the share of the seats that both give to the same peers. */
function agreement (field: Field, { peers, elections, missed }: Options, seed: number): number {
  const random = new RandomStream(seed, MISSED)
  let both = 0
  let seats = 0
  for (let election = 0; election < elections; election++) {
    const candidates = field(election)
    const [first, second] = [0, 1].map(view => new Set(electSuperNodes({
      candidates: candidates.filter((_, i) => random.float(election * 2 + view, i) >= missed), peers, region
    }, START_MS).elected.map(({ peer }) => peer))) as [Set<string>, Set<string>]
    both += [...first].filter(peer => second.has(peer)).length
    seats += first.size
  }
  return both / seats
}

function mean (values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}

function percent (share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
