/**
 * Devices that join and leave, with sessions as long as they were measured in real networks, and lookups among them.
 *
 * Claims: a network started in equilibrium stays there: on / (on + off) of the devices are online, and 2N / (on + off) of them come or go in a unit
 *   of time (alternating renewal processes: D. Cox, "Renewal Theory", 1962, chapter 7), both within 1 %. 87.6 % of the sessions of IPFS are under
 *   8 hours, within a point (D. Trautwein et al., SIGCOMM 2022, §5.3). With buckets of 20 refreshed each hour at least 98 of 100 lookups find the
 *   closest device that is online, and 99 of 100 end with the k closest asked; nobody published these two, they are bounds a little below what the
 *   first runs gave.
 * Parameters: `nodes`, all devices, `share` of which is online on average; `sessions`, the lengths of times online: ipfs (Weibull 0.518, 1.93 h),
 *   mainline (Weibull 0.68, 14,900 s), or trace (a list of lengths between the shares that ProbeLab's report RFM 2 gives of a week of 2022: half of
 *   the sessions in IPFS to 2 hours, 80 % to 8). Times offline are of the same shape, as long as `share` asks. Devices come and go for `hours`, users
 *   look up for the last `minutes`; `maintenance` adds the lookups that joining and refreshing take, `natShare` devices that others cannot reach.
 *   A day of ten million devices: `--nodes 10M --set hours=24`.
 * Expected: of 100 requests 13 to 14 go to devices that are gone, when buckets are refreshed each hour and sessions are those of IPFS. A lookup waits
 *   700 ms for each before it goes on without, so that it takes about twice as long as where nobody leaves.
 *   Tables at the start are all just refreshed, therefore nothing is looked up before the time of one refresh is over.
 */
import {
  ACCESS_MIXES, changesPerMs, ChurnLookups, defineScenario, DeviceChurn, ipfsSessions, mainlineSessions, onlineShare, PlaceLatency, scaledLength,
  tickRoundTrip, traceLength
} from '@skein/simulator'
import type { LookupTally, SessionLength } from '@skein/simulator'

const HOUR_MS = 3_600_000
/** Looks at who is online during a run. */
const LOOKS = 100
/** Sessions that are drawn to be compared with what was published. */
const DRAWN = 200_000
const TRACE_LENGTHS = 1_000

/** Shares of sessions that are at most so many hours long. The ends are assumed: six minutes, and the week of the report. */
const TRACE: ReadonlyArray<readonly [share: number, hours: number]> = [[0, 0.1], [0.5, 2], [0.8, 8], [1, 168]]

/** Lengths, and a share that was published of them: of so many sessions that are under so many ms. */
const SESSIONS: Record<'ipfs' | 'mainline' | 'trace', Published> = {
  ipfs: { length: ipfsSessions, ms: 8 * HOUR_MS, share: 0.876, tolerance: 0.01, claim: '87.6 % of the sessions are under 8 hours' },
  mainline: { length: mainlineSessions, ms: 14_900_000, share: 1 - 1 / Math.E, tolerance: 0.005, claim: '63.2 % of the sessions are under 14,900 s' },
  trace: { length: () => traceLength(traceMs()), ms: 8 * HOUR_MS, share: 0.8, tolerance: 0.01, claim: '80 % of the sessions are under 8 hours' }
}

interface Published {
  length: () => SessionLength
  ms: number
  share: number
  tolerance: number
  claim: string
}

export default defineScenario({
  name: 'churn',
  claims: 'Devices with published session lengths, started in equilibrium, stay in it (share online and changes within 1 % of theory), and while ' +
    'they come and go at least 98 of 100 lookups find the closest device that is online',
  expected: 'IPFS sessions, buckets refreshed each hour: 98 to 99 of 100 lookups find the closest, 13 to 14 of 100 requests are in vain, and ' +
    'a lookup takes about twice as long as where nobody leaves',
  options: {
    nodes: { type: 'count', default: 1e6, min: 1_000, max: 50_000_000, help: 'devices, online or not' },
    share: { type: 'number', default: 0.5, min: 0.05, max: 0.95, unit: 'share', help: 'of the devices that is online on average' },
    sessions: { type: 'choice', default: 'ipfs', choices: ['ipfs', 'mainline', 'trace'], help: 'lengths of times online' },
    hours: { type: 'number', default: 4, min: 0.1, max: 240, unit: 'h', help: 'simulated time, at least that of one refresh and the minutes' },
    minutes: { type: 'number', default: 2, min: 0.1, max: 600, unit: 'min', help: 'of it, at the end, in which users look up' },
    lookups: { type: 'count', default: 200, min: 1, max: 20_000, help: 'lookups of all users, a second' },
    refresh: { type: 'number', default: 60, min: 1, max: 1440, unit: 'min', help: 'from one refresh of a device\'s buckets to the next' },
    maintenance: { type: 'switch', default: false, help: 'make the lookups that joins and refreshes take, in these minutes' },
    natShare: { type: 'number', default: 0, min: 0, max: 0.95, unit: 'share', help: 'of the devices that others cannot reach' },
    natted: { type: 'choice', default: 'client', choices: ['client', 'listed'], help: 'whether those keep out of the tables, or are in them' },
    policy: { type: 'choice', default: 'skein', choices: ['skein', 'classic'], help: 'whom a lookup asks at once' },
    k: { type: 'count', default: 20, min: 1, max: 64, help: 'contacts of a bucket, and closest devices that must answer' },
    alpha: { type: 'count', default: 3, min: 1, max: 20, help: 'requests under way at once on each path' },
    paths: { type: 'count', default: 1, min: 1, max: 8, help: 'disjoint paths of a lookup' },
    access: { type: 'choice', default: 'mixed', choices: ['servers', 'homes', 'phones', 'mixed'], help: 'lines of the devices' },
    connect: { type: 'count', default: 0, min: 0, max: 10, help: 'round trips of connecting before each request' }
  },
  metrics: {
    online: { unit: 'share', help: 'of the devices, mean over the run' },
    onlineOff: { unit: 'share', help: 'the same over on / (on + off), less 1' },
    changes: { unit: '1/s', help: 'devices that come or go' },
    changesOff: { unit: 'share', help: 'the same over 2N / (on + off), less 1' },
    lookups: { unit: 'count', help: 'of users, ended with an answer' },
    found: { unit: 'share', help: 'of these: the closest device online, which others can reach, was found' },
    complete: { unit: 'share', help: 'of lookups that ended: the k closest were asked; else requests ran out, or the searcher left' },
    hops: { unit: 'hops', help: 'answers on the way to the closest device found, mean' },
    requests: { unit: 'count', help: 'requests of a lookup, mean' },
    timeouts: { unit: 'share', help: 'requests to devices that are gone or cannot be reached' },
    mean: { unit: 'ms', help: 'time of a lookup, mean' },
    p50: { unit: 'ms', help: 'time of a lookup, median' },
    p95: { unit: 'ms', help: 'time of a lookup: 95 of 100 take no longer' },
    upkeep: { unit: '1/s', help: 'requests of a device online for its tables (0 without maintenance)' }
  },
  small: { nodes: 20_000, hours: 1.5, minutes: 0.5, lookups: 100 },
  // the queue while it grows, what each device last did, and who is where; then what is under way
  estimateMemoryBytes: ({ nodes }) => 120_000_000 + nodes * 24,

  run ({ options, seed, progress, record, series, distribution, check }) {
    const { nodes, share, minutes, k, alpha, paths, policy } = options
    const { length, ...published } = SESSIONS[options.sessions]
    const on = length()
    const model = { on, off: scaledLength(on, (1 - share) / share) }
    const untilMs = Math.round(options.hours * HOUR_MS)
    const lookupsFromMs = Math.round((untilMs - minutes * 60_000) / 100) * 100
    const refreshMs = options.refresh * 60_000
    if (lookupsFromMs < refreshMs) {
      throw new RangeError(`Tables are not in equilibrium before ${options.refresh} minutes, and ${minutes} of lookups come after: raise hours`)
    }
    // in ticks of half a millisecond a round trip is whole milliseconds
    const latency = tickRoundTrip(new PlaceLatency({ seed, access: ACCESS_MIXES[options.access] }), 0.5)
    const network = new ChurnLookups({
      seed,
      online: nodes * share,
      model,
      rule: { k, alpha, disjointPaths: paths, policy },
      lookupsPerSecond: options.lookups,
      lookupsFromMs,
      refreshMs,
      maintenance: options.maintenance,
      natShare: options.natShare,
      natted: options.natted,
      checkEvery: 1,
      roundTripMs: (from, to) => (1 + options.connect) * latency(from, to)
    })

    const devices = network.deviceCount
    const curve: Array<[hours: number, share: number]> = []
    for (let look = 0; look <= LOOKS; look++) {
      network.run(untilMs * look / LOOKS)
      curve.push([network.nowMs / HOUR_MS, network.presence.online / devices])
      progress(look, LOOKS)
    }

    const online = curve.reduce((sum, [, value]) => sum + value, 0) / curve.length
    const changes = network.presence.changes
    const expectedChanges = devices * changesPerMs(model) * network.nowMs
    const { user, maintenance, elapsedHistogram } = network
    const times = timesOf(elapsedHistogram)
    record('online', online)
    record('onlineOff', online / onlineShare(model) - 1)
    record('changes', changes / network.nowMs * 1000)
    record('changesOff', changes / expectedChanges - 1)
    record('lookups', user.complete)
    record('found', ratio(user.found, user.checked))
    record('complete', completeShare(user))
    record('hops', ratio(user.hops, user.complete))
    record('requests', ratio(user.requests, user.complete))
    record('timeouts', ratio(user.unanswered, user.requests))
    record('mean', ratio(user.elapsedMs, user.complete))
    record('p50', times[Math.floor(times.length / 2)] ?? 0)
    record('p95', times[Math.floor(times.length * 0.95)] ?? 0)
    record('upkeep', maintenance.requests / (network.nowMs - lookupsFromMs) * 1000 / network.presence.online)
    series('share online', curve, { x: 'hours', y: 'share of devices' })
    distribution('time of a lookup', times, 'ms')

    // at any moment, and so also on average, the number online is binomial
    const shareError = Math.max(0.01, 4 * Math.sqrt((1 - share) / share / devices))
    const off = Math.max(...curve.map(([, value]) => Math.abs(value / onlineShare(model) - 1)))
    check('the share online is on / (on + off), all the time', off <= shareError, `at most ${percent(off)} off, ${percent(shareError)} allowed`)
    // a count of renewals of such uneven lengths spreads twice as far as one of a Poisson process
    const changesError = Math.max(0.01, 6 / Math.sqrt(expectedChanges))
    check('2N / (on + off) devices come or go', Math.abs(changes / expectedChanges - 1) <= changesError,
      `${percent(changes / expectedChanges - 1)} off, ${percent(changesError)} allowed`)
    const drawn = shareUnder(published.ms, new DeviceChurn(seed, model))
    check(published.claim, Math.abs(drawn - published.share) <= published.tolerance, `${percent(drawn)} of ${DRAWN}`)
    check('no lookup is left out for want of room', network.refused === 0, `${network.refused} left out`)
    if (options.natShare === 0 && k >= 20 && options.refresh <= 60 && options.connect === 0) {
      check('99 of 100 lookups end with the k closest asked', completeShare(user) >= 0.99, percent(completeShare(user)))
      check('98 of 100 lookups find the closest device online', ratio(user.found, user.checked) >= 0.98, percent(ratio(user.found, user.checked)))
    }
  }
})

/** Lengths in equal steps of the share, their logarithms in proportion between the points of the trace. */
function traceMs (): number[] {
  return Array.from({ length: TRACE_LENGTHS }, (_, i) => {
    const u = (i + 0.5) / TRACE_LENGTHS
    const next = TRACE.findIndex(([share]) => share > u)
    const [lowShare, low] = TRACE[next - 1]!
    const [highShare, high] = TRACE[next]!
    return HOUR_MS * low * (high / low) ** ((u - lowShare) / (highShare - lowShare))
  })
}

/** Of so many first sessions after the start, the share that is under a length. */
function shareUnder (ms: number, churn: DeviceChurn): number {
  let under = 0
  for (let device = 0; device < DRAWN; device++) {
    under += churn.lengthMs(device, 0, true) < ms ? 1 : 0
  }
  return under / DRAWN
}

/** Each lookup's time, in order, from how many took so many milliseconds. */
function timesOf (histogram: Uint32Array): Float64Array {
  const times = new Float64Array(histogram.reduce((sum, count) => sum + count, 0))
  let at = 0
  for (const [ms, count] of histogram.entries()) {
    times.fill(ms, at, at += count)
  }
  return times
}

function completeShare ({ complete, abandoned }: LookupTally): number {
  return ratio(complete, complete + abandoned)
}

function ratio (part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function percent (value: number): string {
  return `${(100 * value).toFixed(2)} %`
}
