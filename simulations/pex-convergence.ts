/**
 * Peer exchange from a start at which everybody knows the same 20 super-nodes: whether the network forgets that they were first.
 *
 * Claims: by the rules that peers ship with, the most widely known peer is in fewer than 5 times as many views as the mean within 30 rounds. A
 *   newcomer has half a view within 2 minutes, and a full and diverse one within 20; a network that was cut in two for ten minutes grows together.
 * Parameters: `nodes`; `viewSize` (100 to 500); `policy`; `bootstrap`: from whom all start (the same super-nodes, or others for each);
 *   `sessions`: how long devices stay; `cutRounds`; of the older policies, `partners` asked in a round, and `book`: peers once exchanged with that
 *   are kept beside the view, of which a feeler asks one every two minutes.
 * `shipped` is what `PeerExchange` does, record by record (`CheckedExchange`, which a test holds against the machine): of peers only those are told
 *   on that were connected, the oldest of the whole view go, sources, /24s and dials have their limits, and 120 askers are answered in a minute;
 *   others are told of eight peers to ask meanwhile. A message takes no time, and no connection outlasts its exchange: real peers hold some, and tell
 *   of a little more. `swap`, `age` and `newest` are what was tried before, in rounds: each gives and gets 50 entries, connected to them or not.
 * A round is a minute. Rounds 1 to 30: nobody leaves. 31 to 60: devices leave and are replaced by newcomers, the super-nodes stay. Then a cut in two
 *   halves, and 30 rounds after it. The address book, GossipSub's mesh, the DHT and seeds, which all join halves too, are not modelled.
 * Expected: shipped: below 5 within 30 rounds at any size, as a record is copied once for each connection of its peer. Super-nodes that are asked by
 *   100,000 at once refuse nearly all, and tell them of others. After a cut of half an hour nothing is left of the other half in
 *   any view, and exchange alone does not find it again. age: below 5 up to 20K devices and not at 100K; swap and newest: above it for longer.
 */
import { EXCHANGE_BOUNDS, EXCHANGE_POLICIES } from '@skein/pex'
import {
  CheckedExchange, CheckedRounds, defineScenario, inDegrees, ipfsSessions, mainlineSessions, RandomStream, Stream, ViewExchange, ViewRounds
} from '@skein/simulator'
import type { ExchangeModel } from '@skein/simulator'

const STARTS = Stream.scenario + 52
const LEAVES = Stream.scenario + 53
/** And the next two. */
const MESSAGES = Stream.scenario + 55
const MACHINES = Stream.scenario + 58

const SUPER_NODES = 20
const CHURN_AFTER = 30
const CUT_AFTER = 60
const HEALING = 30
const ROUND_MS = EXCHANGE_BOUNDS.leastPauseMs
/** What peers do, and what was tried before. */
const POLICIES = ['shipped', ...EXCHANGE_POLICIES] as const
/** Newcomers that are watched. */
const MAX_WATCHED = 5_000
/** A view is diverse when no more of it are super-nodes. */
const MAX_SUPER_SHARE = 0.1

export default defineScenario({
  name: 'pex-convergence',
  claims: 'Peer exchange leaves no hub: from a start at the same 20 super-nodes the busiest peer is in fewer than 5 times as many views as the ' +
    'mean within 30 rounds',
  expected: 'shipped: below 5 times the mean within 30 rounds at any size, newcomers have a full and diverse view within 20, halves that were cut ' +
    'for 10 grow together; age: not at 100K; swap and newest: above 5 times for longer',
  options: {
    nodes: { type: 'count', default: 20_000, min: 500, max: 5_000_000, help: 'devices' },
    viewSize: { type: 'count', default: 100, min: 50, max: 500, help: 'entries of a full view' },
    policy: { type: 'choice', default: 'shipped', choices: POLICIES, help: 'what is told, and what gives way in a full view' },
    bootstrap: { type: 'choice', default: 'same', choices: ['same', 'diverse'], help: 'start from the same 20 super-nodes, or each from 20 others' },
    partners: { type: 'count', default: 1, min: 1, max: 8, help: 'peers that a device asks in a round; older policies' },
    sessions: { type: 'choice', default: 'mainline', choices: ['none', 'mainline', 'ipfs'], help: 'how long devices stay (mean 5.4 h, 3.6 h)' },
    churnFactor: { type: 'number', default: 1, min: 0.1, max: 30, unit: 'times', help: 'how much faster than that devices leave' },
    book: { type: 'count', default: 8, min: 0, max: 64, help: 'peers in the address book of a device; older policies' },
    cutRounds: { type: 'count', default: 10, min: 0, max: 240, help: 'minutes for which the network is cut in two' }
  },
  metrics: {
    busiest: { unit: 'times', help: 'views that hold the most widely known, by the mean, after 30 rounds' },
    busiestLinks: { unit: 'share', help: 'of all links, those to the most widely known, after 30 rounds' },
    busiestViews: { unit: 'share', help: 'of all views, those that hold the most widely known, after 30 rounds' },
    superLinks: { unit: 'share', help: 'of all links, those to the 20 super-nodes, after 30 rounds' },
    roundsBelow5: { unit: 'rounds', help: 'until the busiest is below 5 times the mean, and 31 if it is not within 30' },
    deviation: { unit: 'share', help: 'standard deviation of the in-degree by its mean, after 30 rounds' },
    hubLoadFirst: { unit: 'count', help: 'messages that the busiest is asked in the first round' },
    hubLoad: { unit: 'count', help: 'messages that the busiest is asked in the 30th round' },
    newcomerHalf: { unit: 'rounds', help: 'until a newcomer has half a view, 95th percentile' },
    newcomerMedian: { unit: 'rounds', help: 'until a newcomer has a full and diverse view, median' },
    newcomer95: { unit: 'rounds', help: 'the same, 95th percentile' },
    refused: { unit: 'share', help: 'of all questions, those refused for load; shipped' },
    gone: { unit: 'share', help: 'of all links under churn, those to devices that have gone' },
    crossAtEnd: { unit: 'share', help: 'of all links at the end of the cut, those to the other half' },
    healed: { unit: 'rounds', help: 'after the cut, until 45 % of all links are to the other half, and 31 if they are not within 30' }
  },
  small: { nodes: 2_000 },
  estimateMemoryBytes: ({ nodes, viewSize, book, policy }) => 40e6 + (policy === 'shipped'
    ? CheckedExchange.byteLength(nodes, viewSize)
    : ViewExchange.byteLength(nodes, viewSize) + nodes * (8 * book + 12)),

  run ({ options, seed, progress, record, series, distribution, check }) {
    const { nodes, viewSize, policy, bootstrap, cutRounds } = options
    const model: ExchangeModel = policy === 'shipped'
      ? new CheckedRounds({ seed, nodes, viewSize, stream: MACHINES })
      : new ViewRounds({ ...options, policy, seed, stream: MESSAGES })
    const [starts, leaves] = [new RandomStream(seed, STARTS), new RandomStream(seed, LEAVES)]
    const sessions = options.sessions === 'none' ? undefined : options.sessions === 'ipfs' ? ipfsSessions() : mainlineSessions()
    const leaveShare = sessions === undefined ? 0 : options.churnFactor * ROUND_MS / sessions.meanMs
    const isClaimed = policy === 'shipped'
    const watched = new Map<number, number>()
    const halfway = new Set<number>()
    const halves: number[] = []
    const waits: number[] = []
    const curves = { busiest: [] as Points, supers: [] as Points, gone: [] as Points, cross: [] as Points, load: [] as Points }
    let [roundsBelow5, healed, crossAtEnd] = [CHURN_AFTER + 1, HEALING + 1, 0]
    const begin = (device: number, round: number): void => {
      const known = Array.from({ length: SUPER_NODES }, (_, i) =>
        bootstrap === 'same' ? i : below(starts.uint32(device, round * SUPER_NODES + i), nodes))
      model.replace(device, [...new Set(known)], round)
    }

    for (let device = 0; device < nodes; device++) {
      begin(device, 0)
    }
    const lastRound = cutRounds > 0 ? CUT_AFTER + cutRounds + HEALING : leaveShare > 0 ? CUT_AFTER : CHURN_AFTER
    for (let round = 1; round <= lastRound; round++) {
      progress(round, lastRound)
      const cut = round > CUT_AFTER && round <= CUT_AFTER + cutRounds
      if (round > CHURN_AFTER) {
        for (let device = SUPER_NODES; device < nodes; device++) {
          if (leaves.float(device, round) < leaveShare) {
            begin(device, round)
            watched.delete(device)
            halfway.delete(device)
            if (round <= CUT_AFTER - 20 && watched.size < MAX_WATCHED) {
              watched.set(device, round)
            }
          }
        }
      }
      model.run(round, cut)

      for (const [device, since] of watched) {
        if ((model.length[device] as number) >= viewSize / 2 && !halfway.has(device)) {
          halfway.add(device)
          halves.push(round - since + 1)
        }
        if (isDiverse(model, device)) {
          waits.push(round - since + 1)
          watched.delete(device)
        }
      }
      const degrees = inDegrees(model)
      const busiest = degrees.busiest / degrees.mean
      const supers = degrees.byDevice.subarray(0, SUPER_NODES).reduce((sum, degree) => sum + degree, 0) / degrees.links
      const load = model.asked.reduce((most, count) => Math.max(most, count), 0)
      curves.busiest.push([round, busiest])
      curves.supers.push([round, supers])
      curves.gone.push([round, degrees.gone / degrees.links])
      curves.load.push([round, load])
      if (busiest < 5 && roundsBelow5 > round) {
        roundsBelow5 = round
      }
      if (round === 1) {
        record('hubLoadFirst', load)
      }
      if (round === CHURN_AFTER) {
        record('busiest', busiest)
        record('busiestLinks', degrees.busiest / degrees.links)
        record('busiestViews', degrees.busiest / nodes)
        record('superLinks', supers)
        record('deviation', degrees.deviation / degrees.mean)
        record('hubLoad', load)
        distribution('in-degree after 30 rounds', degrees.byDevice, 'views')
        if (isClaimed) {
          check('the busiest is below 5 times the mean within 30 rounds', roundsBelow5 <= CHURN_AFTER && busiest < 5,
            `${busiest.toFixed(2)} times, below 5 in round ${roundsBelow5}; ${percent(degrees.busiest / degrees.links)} of links, in ` +
            `${percent(degrees.busiest / nodes)} of views`)
        }
      }
      if (round === Math.min(CUT_AFTER, lastRound)) {
        record('gone', degrees.gone / degrees.links)
      }
      if (round > CUT_AFTER - 5) {
        const cross = crossShare(model)
        curves.cross.push([round, cross])
        if (round <= CUT_AFTER + cutRounds) {
          crossAtEnd = cross
        } else if (cross >= 0.45 && healed > HEALING) {
          healed = round - CUT_AFTER - cutRounds
        }
      }
    }

    // who never had one before its session or the watch ended counts as the longest wait
    const missing = watched.size
    const [median, most] = [percentile(waits, 0.5, missing), percentile(waits, 0.95, missing)]
    const half = percentile(halves, 0.95, [...watched.keys()].filter(device => !halfway.has(device)).length)
    record('roundsBelow5', roundsBelow5)
    record('newcomerHalf', leaveShare > 0 ? half : 0)
    record('refused', model instanceof CheckedRounds ? model.kernel.totals.refused / model.kernel.totals.asks : 0)
    record('newcomerMedian', leaveShare > 0 ? median : 0)
    record('newcomer95', leaveShare > 0 ? most : 0)
    record('crossAtEnd', crossAtEnd)
    record('healed', cutRounds > 0 ? healed : 0)
    series('busiest by round', curves.busiest, { x: 'round', y: 'in-degree of the busiest by the mean' })
    series('super-nodes by round', curves.supers, { x: 'round', y: 'share of links to the 20 super-nodes' })
    series('load of the busiest', curves.load, { x: 'round', y: 'messages that it is asked in a round' })
    series('links to devices that have gone', curves.gone, { x: 'round', y: 'share of links' })
    series('links across the cut', curves.cross, { x: 'round', y: 'share of links to the other half' })
    if (isClaimed && leaveShare > 0) {
      check('95 % of newcomers have half a view within 2 rounds, and a full and diverse one within 20', half <= 2 && most <= 20,
        `half ${half}; full and diverse: median ${median}, 95th percentile ${most}`)
    }
    if (isClaimed && cutRounds > 0 && cutRounds <= 10 && options.churnFactor === 1) {
      check('halves that were cut for ten minutes grow together within 30 rounds', healed <= HEALING,
        `${percent(crossAtEnd)} of links across at the end of the cut, 45 % after ${healed}`)
    }
  }
})

type Points = Array<[number, number]>

function isDiverse (model: ExchangeModel, device: number): boolean {
  if (model.length[device] !== model.viewSize) {
    return false
  }
  let supers = 0
  for (let place = 0; place < model.viewSize; place++) {
    const target = model.target(device, place)
    supers += target >= 0 && target < SUPER_NODES ? 1 : 0
  }
  return supers <= MAX_SUPER_SHARE * model.viewSize
}

/** Of the sorted waits and so many that did not end. */
function percentile (waits: number[], share: number, unended: number): number {
  waits.sort((a, b) => a - b)
  return waits[Math.floor(share * (waits.length + unended))] ?? CUT_AFTER
}

function crossShare (model: ExchangeModel): number {
  let [links, cross] = [0, 0]
  for (let device = 0; device < model.nodes; device++) {
    for (let place = 0; place < (model.length[device] as number); place++) {
      const target = model.target(device, place)
      cross += target < 0 ? 0 : (target ^ device) & 1
      links++
    }
  }
  return cross / links
}

function below (value: number, bound: number): number {
  return Math.floor(value / 0x100000000 * bound)
}

function percent (value: number): string {
  return `${(100 * value).toFixed(2)} %`
}
