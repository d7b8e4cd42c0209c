/**
 * Peer exchange from a start at which everybody knows the same 20 super-nodes: whether the network forgets that they were first.
 *
 * Claims: replacing the oldest records first, the most widely known peer is in fewer than 5 times as many views as the mean within 30 rounds; where
 *   entries are only swapped, it stays a hub (a prototype found 19 % of all links at the busiest after 30 rounds). A newcomer has a full and diverse
 *   view within minutes, and a network that was cut in two grows together again by feelers into the address book.
 * Parameters: `nodes`; `viewSize` (100 to 500); `policy`; `bootstrap`: from whom all start (the same super-nodes, or others for each);
 *   `sessions`: how long devices stay; `book`: peers once exchanged with that are kept beside the view; `cutRounds`.
 * A round is a minute, the least pause between two messages of a pair; in it each device asks `partners` of its view, and gives and gets 50 entries
 *   at most. A record is signed anew each minute. Rounds 1 to 30: nobody leaves. 31 to 60: devices leave and are replaced by newcomers, the
 *   super-nodes stay. Then a cut in two halves, and 30 rounds after it. The rules are those of packages/pex/src/exchange-rules.ts;
 *   its machine tells only of peers that it was connected to, which this kernel does not know of.
 * Expected: by age the busiest is below 5 times the mean within 30 rounds up to 20K devices. At 100K it is not, with one partner a minute (20 times)
 *   or three (7 times): who all start from is in as many more views as there are more devices. Where the newest records win over
 *   the whole view, few devices that have gone are known, but chance makes hubs: a new record is copied from view to view within a round. A newcomer
 *   has a full and diverse view within 10 rounds, and halves grow together again.
 */
import { EXCHANGE_BOUNDS, EXCHANGE_POLICIES } from '@skein/pex'
import { defineScenario, inDegrees, ipfsSessions, mainlineSessions, RandomStream, Stream, ViewExchange } from '@skein/simulator'

const MESSAGES = Stream.scenario + 50
const PARTNERS = Stream.scenario + 51
const STARTS = Stream.scenario + 52
const LEAVES = Stream.scenario + 53
const BOOKS = Stream.scenario + 54

const SUPER_NODES = 20
const CHURN_AFTER = 30
const CUT_AFTER = 60
const HEALING = 30
const ROUND_MS = EXCHANGE_BOUNDS.leastPauseMs
const FEELER_ROUNDS = EXCHANGE_BOUNDS.feelerPauseMs / ROUND_MS
/** Newcomers that are watched. */
const MAX_WATCHED = 5_000
/** A view is diverse when no more of it are super-nodes. */
const MAX_SUPER_SHARE = 0.1

export default defineScenario({
  name: 'pex-convergence',
  claims: 'Peer exchange that replaces the oldest records first leaves no hub: from a start at the same 20 super-nodes the busiest peer is in ' +
    'fewer than 5 times as many views as the mean within 30 rounds',
  expected: 'age: below 5 times the mean within 30 rounds up to 20K devices and not at 100K, newcomers have a full and diverse view ' +
    'within 10, halves grow together again; swap and newest: above 5 times for longer',
  options: {
    nodes: { type: 'count', default: 20_000, min: 500, max: 5_000_000, help: 'devices' },
    viewSize: { type: 'count', default: 100, min: 50, max: 500, help: 'entries of a full view' },
    policy: { type: 'choice', default: 'age', choices: EXCHANGE_POLICIES, help: 'what gives way in a full view' },
    bootstrap: { type: 'choice', default: 'same', choices: ['same', 'diverse'], help: 'start from the same 20 super-nodes, or each from 20 others' },
    partners: { type: 'count', default: 1, min: 1, max: 8, help: 'peers that a device asks in a round' },
    sessions: { type: 'choice', default: 'mainline', choices: ['none', 'mainline', 'ipfs'], help: 'how long devices stay (mean 5.4 h, 3.6 h)' },
    churnFactor: { type: 'number', default: 1, min: 0.1, max: 30, unit: 'times', help: 'how much faster than that devices leave' },
    book: { type: 'count', default: 8, min: 0, max: 64, help: 'peers in the address book of a device, of which a feeler asks one every 2 minutes' },
    cutRounds: { type: 'count', default: 30, min: 0, max: 240, help: 'minutes for which the network is cut in two' }
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
    newcomerMedian: { unit: 'rounds', help: 'until a newcomer has a full and diverse view, median' },
    newcomer95: { unit: 'rounds', help: 'the same, 95th percentile' },
    gone: { unit: 'share', help: 'of all links under churn, those to devices that have gone' },
    crossAtEnd: { unit: 'share', help: 'of all links at the end of the cut, those to the other half' },
    healed: { unit: 'rounds', help: 'after the cut, until 45 % of all links are to the other half, and 31 if they are not within 30' }
  },
  small: { nodes: 2_000 },
  estimateMemoryBytes: ({ nodes, viewSize, book }) => ViewExchange.byteLength(nodes, viewSize) + nodes * (8 * book + 12) + 40e6,

  run ({ options, seed, progress, record, series, distribution, check }) {
    const { nodes, viewSize, policy, bootstrap, partners, book, cutRounds } = options
    const views = new ViewExchange({ nodes, viewSize, policy, random: new RandomStream(seed, MESSAGES) })
    const [choices, starts, leaves, books] = [PARTNERS, STARTS, LEAVES, BOOKS].map(stream => new RandomStream(seed, stream)) as
      [RandomStream, RandomStream, RandomStream, RandomStream]
    const sessions = options.sessions === 'none' ? undefined : options.sessions === 'ipfs' ? ipfsSessions() : mainlineSessions()
    const leaveShare = sessions === undefined ? 0 : options.churnFactor * ROUND_MS / sessions.meanMs
    const bookPeers = new Int32Array(nodes * book)
    const bookSince = new Int32Array(nodes * book)
    const met = new Int32Array(nodes)
    const asked = new Int32Array(nodes)
    const watched = new Map<number, number>()
    const waits: number[] = []
    const curves = { busiest: [] as Points, supers: [] as Points, gone: [] as Points, cross: [] as Points, load: [] as Points }
    let [roundsBelow5, healed, crossAtEnd] = [CHURN_AFTER + 1, HEALING + 1, 0]

    const begin = (device: number, round: number): void => {
      views.length[device] = 0
      views.cameAt[device] = round
      met[device] = 0
      for (let i = 0; i < SUPER_NODES; i++) {
        const other = bootstrap === 'same' ? i : below(starts.uint32(device, round * SUPER_NODES + i), nodes)
        views.add(device, other, round)
      }
    }
    /** Whether the device's message arrives; halves are even and odd numbers. */
    const reaches = (device: number, peer: number, cut: boolean): boolean => !cut || ((device ^ peer) & 1) === 0
    const remember = (device: number, peer: number, round: number): void => {
      if (book > 0) {
        const count = met[device]!++
        const place = count < book ? count : below(books.uint32(device, 2 * count), count + 1)
        if (place < book) {
          bookPeers[device * book + place] = peer
          bookSince[device * book + place] = round
        }
      }
    }
    const ask = (device: number, round: number, cut: boolean): void => {
      for (let i = 0; i < partners && (views.length[device] as number) > 0; i++) {
        const place = below(choices.uint32(device, round * 8 + i), views.length[device] as number)
        const peer = views.peers[device * viewSize + place] as number
        if (views.isGone(device, place) || !reaches(device, peer, cut)) {
          views.drop(device, place)
          continue
        }
        asked[peer]!++
        views.exchange(device, peer, round, place)
        remember(device, peer, round)
      }
      if ((round + device) % FEELER_ROUNDS === 0 && book > 0 && (met[device] as number) > 0) {
        const at = device * book + below(books.uint32(device, 2 * round + 1), Math.min(book, met[device] as number))
        const peer = bookPeers[at] as number
        if ((views.cameAt[peer] as number) <= (bookSince[at] as number) && reaches(device, peer, cut)) {
          asked[peer]!++
          views.exchange(device, peer, round)
        }
      }
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
            if (round <= CUT_AFTER - 20 && watched.size < MAX_WATCHED) {
              watched.set(device, round)
            }
          }
        }
      }
      asked.fill(0)
      // each round begins elsewhere: nobody is always first
      const first = below(choices.uint32(nodes, round), nodes)
      for (let i = 0; i < nodes; i++) {
        ask((first + i) % nodes, round, cut)
      }

      for (const [device, since] of watched) {
        if (isDiverse(views, device, viewSize)) {
          waits.push(round - since + 1)
          watched.delete(device)
        }
      }
      const degrees = inDegrees(views, nodes, viewSize)
      const busiest = degrees.busiest / degrees.mean
      const supers = degrees.byDevice.subarray(0, SUPER_NODES).reduce((sum, degree) => sum + degree, 0) / degrees.links
      const load = asked.reduce((most, count) => Math.max(most, count), 0)
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
        if (policy === 'age') {
          check('the busiest is below 5 times the mean within 30 rounds', roundsBelow5 <= CHURN_AFTER && busiest < 5,
            `${busiest.toFixed(2)} times, below 5 in round ${roundsBelow5}; ${percent(degrees.busiest / degrees.links)} of links, in ` +
            `${percent(degrees.busiest / nodes)} of views`)
        }
      }
      if (round === Math.min(CUT_AFTER, lastRound)) {
        record('gone', degrees.gone / degrees.links)
      }
      if (round > CUT_AFTER - 5) {
        const cross = crossShare(views, nodes, viewSize)
        curves.cross.push([round, cross])
        if (round <= CUT_AFTER + cutRounds) {
          crossAtEnd = cross
        } else if (cross >= 0.45 && healed > HEALING) {
          healed = round - CUT_AFTER - cutRounds
        }
      }
    }

    waits.sort((a, b) => a - b)
    // who never had one before its session or the watch ended counts as the longest wait
    const [median, most] = [0.5, 0.95].map(share => waits[Math.floor(share * (waits.length + watched.size))] ?? CUT_AFTER) as [number, number]
    record('roundsBelow5', roundsBelow5)
    record('newcomerMedian', leaveShare > 0 ? median : 0)
    record('newcomer95', leaveShare > 0 ? most : 0)
    record('crossAtEnd', crossAtEnd)
    record('healed', cutRounds > 0 ? healed : 0)
    series('busiest by round', curves.busiest, { x: 'round', y: 'in-degree of the busiest by the mean' })
    series('super-nodes by round', curves.supers, { x: 'round', y: 'share of links to the 20 super-nodes' })
    series('load of the busiest', curves.load, { x: 'round', y: 'messages that it is asked in a round' })
    series('links to devices that have gone', curves.gone, { x: 'round', y: 'share of links' })
    series('links across the cut', curves.cross, { x: 'round', y: 'share of links to the other half' })
    if (policy === 'age' && leaveShare > 0) {
      check('95 % of newcomers have a full and diverse view within 10 rounds', most <= 10, `median ${median}, 95th percentile ${most}`)
    }
    if (policy === 'age' && cutRounds > 0 && book >= 8 && options.churnFactor === 1) {
      check('halves grow together again within 10 rounds', healed <= 10,
        `${percent(crossAtEnd)} of links across at the end of the cut, 45 % after ${healed}`)
    }
  }
})

type Points = Array<[number, number]>

function isDiverse (views: ViewExchange, device: number, viewSize: number): boolean {
  if (views.length[device] !== viewSize) {
    return false
  }
  let supers = 0
  for (let at = device * viewSize, end = at + viewSize; at < end; at++) {
    supers += (views.peers[at] as number) < SUPER_NODES ? 1 : 0
  }
  return supers <= MAX_SUPER_SHARE * viewSize
}

function crossShare (views: ViewExchange, nodes: number, viewSize: number): number {
  let [links, cross] = [0, 0]
  for (let device = 0; device < nodes; device++) {
    for (let at = device * viewSize, end = at + (views.length[device] as number); at < end; at++) {
      cross += ((views.peers[at] as number) ^ device) & 1
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
