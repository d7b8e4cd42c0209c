/**
 * The ladder of the roadmap, 1K to 10B devices: what each scale asks of its seeds and of its devices, beside what the roadmap says of it.
 *
 * Claim (the relay scaling roadmap): the relay's importance falls as the network grows; what breaks at each scale, what a DHT takes, how much is
 * relayed, what it costs a month. Each claim gets a verdict: holds, fails, or depends, and on what. A claim that fails is a finding about the
 * roadmap and fails no run; what is checked is that our own figures agree with each other.
 *
 * Composed of what other scenarios measure: the demand on seeds (seed-load: real stages and plans, sessions of the mainline DHT), lookups by the
 * rules of @skein/routing over storage-free tables, with measured distances of regions and assumed lines; shares relayed as computed from assumed
 * mixes of NATs (relay-share); gossip, digests, maintenance and offers as formulas with stated sizes (packages/simulator/src/traffic).
 *
 * Parameters: the largest scale; what devices do; the shape of the hierarchy; the price list.
 *
 * Expected: at 1M devices, all still connected to seeds, connections are what costs, about 500 seeds; the roadmap's cost is out of reach there
 * until the seeds let go. Beyond, traffic to newcomers is what costs. Hops 0.36 + 0.512 · log10 N. Digests cost at most 250 B/s at any size; what
 * Kademlia and the renewal of offers cost is several times that.
 */
import {
  bytes, count, defineScenario, deviceSessions, dollars, expectedHops, FIGURES, LADDER, percent, rate, rungOf, scaleFigures, Stream, TRAVERSAL_LEVELS
} from '@skein/simulator'
import { newcomerPlan, stageFor, STAGES } from '@skein/seed'
import type { FigureName, RunContext, ScaleFigures } from '@skein/simulator'

const SESSIONS = Stream.scenario + 80
const QUESTIONS = Stream.scenario + 81
/** A peer says hello and asks for so much; the stage decides what of it it gets. */
const WANT = { peers: 20, models: 200 }
/** Of a device, for gossip and digests: what a hierarchy is for. */
const MAX_DIGEST_RATE = 250
const OVERVIEW = [
  'devices', 'stage', 'seed req/h', 'seed B/s', 'all B/s', 'discover', 'hops', 'rounds', 'p50 / p95 ms', 'relayed', 'seeds', '$/month'
]
const TRAFFIC = ['devices', 'seeds', 'cluster', 'digests', 'Kademlia', 'offers', 'broadcast instead']

export default defineScenario({
  name: 'roadmap',
  claims: 'What the relay scaling roadmap says of 1K to 10B devices: load of seeds, discover, lookups, relays, cost; each with a verdict',
  expected: 'at 1M the connections to seeds cost, not the polling; lookups take 0.36 + 0.512 · log10 N hops; digests at most 250 B/s at any size',
  options: {
    nodes: { type: 'count', default: 1e10, min: 1e3, max: 1e10, help: 'devices online at the largest scale, of which the metrics are' },
    walk: { type: 'switch', default: true, help: 'also the smaller scales; false: this one only' },
    questions: { type: 'number', default: 6, min: 0, max: 360, unit: '1/h', help: 'questions for providers that a device has in an hour' },
    models: { type: 'number', default: 0.3, min: 0, max: 64, unit: 'models', help: 'models that a device serves, on average' },
    answerBytes: { type: 'count', default: 7_000, min: 1, max: 1e9, help: 'bytes of an answer of a model' },
    seedsOfDevice: { type: 'count', default: 2, min: 1, max: 3, help: 'seeds that a device registers at' },
    hours: { type: 'number', default: 6, min: 0.1, max: 240, unit: 'h', help: 'simulated time of the demand on seeds' },
    sample: { type: 'count', default: 20_000, min: 100, max: 10_000_000, help: 'devices simulated for it' },
    lookups: { type: 'count', default: 4_000, min: 100, max: 10_000_000, help: 'lookups sampled at each scale, once for rounds and once for time' },
    clusterSize: { type: 'count', default: 1_024, min: 8, max: 1e6, help: 'devices of a cluster, which know each other' },
    siblings: { type: 'count', default: 32, min: 2, max: 1e4, help: 'clusters of a zone, zones of a region, and so on' },
    digestBytes: { type: 'count', default: 96, min: 1, max: 1e6, help: 'bytes of the digest of a cluster, zone or region' },
    digestEveryS: { type: 'number', default: 120, min: 1, max: 86_400, unit: 's', help: 'from digest to digest in a zone; twice that a level up' },
    level: { type: 'choice', default: 'birthday', choices: TRAVERSAL_LEVELS, help: 'what is done to connect, each with all before it' },
    providers: { type: 'count', default: 3, min: 1, max: 64, help: 'providers of a model that a caller chooses among' },
    punchSuccess: { type: 'number', default: 0.7, min: 0, max: 1, unit: 'share', help: 'of pairs that can be punched in principle, where it works' },
    seedPrice: { type: 'number', default: 5, min: 0, max: 10_000, unit: '$/month', help: 'price of a machine for one seed (1 shared core, 512 MB)' },
    trafficPrice: { type: 'number', default: 0.02, min: 0, max: 10, unit: '$/GB', help: 'price of a GB sent by seeds' },
    sharedMemoryPrice: { type: 'number', default: 15, min: 0, max: 10_000, unit: '$/month', help: 'price of a GB of Redis that seeds share' }
  },
  metrics: {
    seedRequests: { unit: '1/h', help: 'requests of a device to seeds' },
    seedRate: { unit: 'B/s', help: 'bytes of a device to and from seeds' },
    deviceRate: { unit: 'B/s', help: 'bytes of a device: seeds, gossip and digests, Kademlia, offers' },
    gossipRate: { unit: 'B/s', help: 'gossip in its cluster, and digests' },
    maintenanceRate: { unit: 'B/s', help: 'Kademlia: its own refreshes, and answers to others' },
    offerRate: { unit: 'B/s', help: 'offers stored and renewed, its own and those of others' },
    discoverBytes: { unit: 'B', help: 'answer to a discover, at most' },
    hops: { unit: 'hops', help: 'of a lookup, mean' },
    rounds: { unit: 'rounds', help: 'of a lookup, one after the other, mean' },
    lookupP50: { unit: 'ms', help: 'time of a lookup, half of them' },
    lookupP95: { unit: 'ms', help: 'time of a lookup, 95 % of them' },
    relayed: { unit: 'share', help: 'requests relayed, homes and phones mixed' },
    seeds: { unit: 'count', help: 'processes of seeds needed' },
    price: { unit: '$/month', help: 'of seeds, their traffic, Redis and relayed bytes' },
    held: { unit: 'count', help: 'claims of the roadmap that hold, at all scales walked' },
    failed: { unit: 'count', help: 'claims that fail' },
    depending: { unit: 'count', help: 'claims that depend on something' }
  },
  small: { sample: 1_000, hours: 2, lookups: 300 },
  estimateMemoryBytes: ({ lookups }) => 100_000_000 + lookups * 64,

  run ({ options, seed, progress, record, series, table, check }) {
    const { nodes } = options
    const sizes = [...options.walk ? LADDER.map(rung => rung.nodes).filter(size => size < nodes) : [], nodes]
    const figures: ScaleFigures[] = []
    const tally = { holds: 0, fails: 0, depends: 0 }
    const churn = deviceSessions(seed)
    for (const [i, size] of sizes.entries()) {
      progress(i, sizes.length)
      const stage = stageFor(size)
      const found = scaleFigures({
        ...options,
        nodes: size,
        stage,
        plan: newcomerPlan(stage, WANT, size),
        lastPlan: newcomerPlan('bootstrap', WANT, size),
        seed,
        churn,
        streams: { sessions: SESSIONS, questions: QUESTIONS },
        progress: () => { progress(i, sizes.length) }
      })
      const { name, claims } = rungOf(size)
      const judged = claims.map(({ figure, says, judge }) => ({ figure, says, ...judge(found) }))
      judged.forEach(({ verdict }) => { tally[verdict]++ })
      figures.push(found)
      const rows = FIGURES.flatMap(figure => [
        [figure, '–', '–', plainly(figure, found), ''],
        ...judged.filter(claim => claim.figure === figure).map(({ says, verdict, found, because }) => [figure, says, verdict, found, because])
      ])
      table(`${count(size)} devices, beside what the roadmap says of ${name}`, ['figure', 'the roadmap says', 'verdict', 'found', 'because'], rows)
    }
    table('what each scale comes to', OVERVIEW, figures.map(overview))
    table('bytes of a device and second', TRAFFIC, figures.map(traffic))
    const last = figures.at(-1) as ScaleFigures
    const gossip = last.digests.clusterRate + last.digests.digestRate
    const values: Array<[Parameters<typeof record>[0], number]> = [
      ['seedRequests', last.demand.requestsPerDevice], ['seedRate', last.demand.bytesPerDevice], ['deviceRate', last.deviceRate],
      ['gossipRate', gossip], ['maintenanceRate', last.maintenanceRate], ['offerRate', last.offerRate], ['discoverBytes', last.discoverBytes],
      ['hops', last.hops], ['rounds', last.rounds], ['lookupP50', last.p50Ms], ['lookupP95', last.p95Ms], ['relayed', last.relayed.mobile],
      ['seeds', last.demand.seeds], ['price', last.price], ['held', tally.holds], ['failed', tally.fails], ['depending', tally.depends]
    ]
    values.forEach(([name, value]) => { record(name, value) })
    curves(figures, series)
    consistency(figures, check)
  }
})

/** What a figure is at a scale, whether anything is said of it or not. */
function plainly (figure: FigureName, figures: ScaleFigures): string {
  const { demand, deviceRate, discoverBytes, hops, rounds, p50Ms, p95Ms, relayed, price, stage } = figures
  switch (figure) {
    case 'seed load': return `${demand.requestsPerDevice.toFixed(1)} requests/h and ${rate(demand.bytesPerDevice)} of a device; stage ${stage}`
    case 'traffic of a device': return `${rate(deviceRate)} in all`
    case 'discover': return `${bytes(discoverBytes)} at most`
    case 'lookup': return `${hops.toFixed(2)} hops, ${rounds.toFixed(1)} rounds, p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms`
    case 'relayed': return `home ${percent(relayed.home)}, mobile ${percent(relayed.mobile)}, office ${percent(relayed.office)}`
    case 'seeds and cost': return `${count(demand.seeds)} ${demand.seeds === 1 ? 'seed' : 'seeds'}, ${dollars(price)} a month`
  }
}

function overview (f: ScaleFigures): string[] {
  return [
    count(f.nodes), f.stage, f.demand.requestsPerDevice.toFixed(1), f.demand.bytesPerDevice.toFixed(1), count(Math.round(f.deviceRate)),
    bytes(f.discoverBytes), f.hops.toFixed(2), f.rounds.toFixed(1), `${f.p50Ms.toFixed(0)} / ${f.p95Ms.toFixed(0)}`,
    percent(f.relayed.mobile), count(f.demand.seeds), dollars(f.price)
  ]
}

function traffic (f: ScaleFigures): string[] {
  const { demand, digests, maintenanceRate, offerRate, broadcastRate } = f
  return [count(f.nodes), ...[demand.bytesPerDevice, digests.clusterRate, digests.digestRate, maintenanceRate, offerRate, broadcastRate].map(rate)]
}

function curves (figures: ScaleFigures[], series: RunContext['series']): void {
  const draw = (name: string, y: string, value: (f: ScaleFigures) => number): void => {
    series(name, figures.map(f => [f.nodes, value(f)] as const), { x: 'devices', y })
  }
  draw('requests of a device to seeds', '1/h', f => f.demand.requestsPerDevice)
  draw('bytes of a device and second', 'B/s', f => f.deviceRate)
  draw('hops of a lookup', 'hops', f => f.hops)
  draw('time of a lookup, 95 %', 'ms', f => f.p95Ms)
}

/** Of our own figures: a network for which these do not hold has been computed wrongly, or we have made it worse. */
function consistency (figures: ScaleFigures[], check: RunContext['check']): void {
  const requests = figures.map(f => f.demand.requestsPerDevice)
  const falls = requests.every((value, i) => i === 0 || value <= (requests[i - 1] as number) * 1.001)
  check('what a device asks of seeds does not rise with the network', falls, requests.map(value => value.toFixed(2)).join(', '))
  const near = figures.every(f => Math.abs(f.hops - expectedHops(f.nodes)) <= 0.01 * expectedHops(f.nodes) + 4 * f.hopsError)
  check('hops are 0.36 + 0.512 · log10 N', near, figures.map(f => f.hops.toFixed(2)).join(', '))
  check('every lookup finds the closest', figures.every(f => f.incomplete === 0), `${figures.reduce((sum, f) => sum + f.incomplete, 0)} did not`)
  const digests = figures.map(f => f.digests.clusterRate + f.digests.digestRate)
  check(`gossip and digests take ${MAX_DIGEST_RATE} B/s at most`, digests.every(value => value <= MAX_DIGEST_RATE),
    digests.map(value => value.toFixed(0)).join(', '))
  check('the answer to a discover does not grow', figures.every(f => f.discoverBytes <= 12_288), figures.map(f => bytes(f.discoverBytes)).join(', '))
  const stages = figures.map(f => STAGES.indexOf(f.stage as typeof STAGES[number]))
  const later = stages.every((stage, i) => i === 0 || stage >= (stages[i - 1] as number))
  check('a larger network is at the same stage or a later one', later, figures.map(f => f.stage).join(', '))
}
