/**
 * What a network asks of its seeds at each stage.
 *
 * Claim (the roadmap): the importance of the seed falls as the network grows. At 1K devices it does everything; at 1M it hands out first addresses.
 * So the load for each device must fall with size, and the seeds of a network of ten million must not cost more than a few machines.
 *
 * It runs what a seed runs (stageFor, newcomerPlan, the limits of discover) for a sample of devices whose sessions are those of a file-sharing
 * network (mainline DHT, Weibull 0.68, 14,900 s), started in equilibrium, and scales the sums to the network. A question to the seed is one
 * discover.
 *
 * Parameters: nodes; questions of a device for providers in an hour; seeds a device registers at; the stage, or auto; what one process of a seed
 * can do and what it costs. Costs of exchanges are measured (packages/seed/bench/README.md), prices are an assumption.
 *
 * Expected: requests for each device fall at each stage; at the last one a seed is asked 20 to 100 times less.
 */
import { defineScenario, RandomStream, Stream } from '@skein/simulator'
import { newcomerPlan, stageFor, STAGES } from '@skein/seed'
import type { Stage as SeedStage } from '@skein/seed'

const SESSIONS = Stream.scenario + 10
const QUESTIONS = Stream.scenario + 11
const HOUR_MS = 3_600_000

/** Sessions of the mainline DHT, and as long offline. */
const SHAPE = 0.68
const SCALE_MS = 14_900_000
/** A device asks no more often: the seed's own limit. */
const LEAST_PAUSE_MS = 10_000
/** A peer says hello and asks for so much; the stage decides what of it it gets. */
const WANT = { peers: 20, models: 200 }
/** The life of a registration, renewed at half of it unless the stage says otherwise. */
const LIFE_MS = 300_000

/** Measured: see bench/seed-load, bench/seed-registry, and the guide for operators. */
const COST = {
  connectCpuMs: 6,
  exchangeCpuMs: 1.2,
  discoverCpuMs: 0.4,
  connectionBytes: 44_000,
  registrationBytes: 400,
  recordBytes: 268,
  handshakeBytes: 3_500,
  exchangeBytes: 700,
  modelBytes: 40,
  discoverBytes: 4_000
}
const MAX_CONNECTIONS = 4_000
/** Of a core: beyond it a seed answers late. */
const MAX_CPU = 0.7
const MAX_MEMORY_BYTES = 512e6
const BASE_MEMORY_BYTES = 130e6

interface Load {
  onlineMs: number
  joins: number
  exchanges: number
  discovers: number
  connectedMs: number
  peersGiven: number
  modelsGiven: number
}

export default defineScenario({
  name: 'seed-load',
  claims: 'What a device asks of the seeds falls as the network grows, and the seeds of ten million devices are a few small machines',
  expected: 'requests a device and hour fall at each stage; at the bootstrap stage they are 20 to 100 times fewer than at the hub',
  options: {
    nodes: { type: 'count', default: 1_000_000, min: 100, max: 10_000_000_000, help: 'devices online' },
    stage: { type: 'choice', default: 'auto', choices: ['auto', ...STAGES], help: 'the stage of the seeds; auto goes by the number of devices' },
    questions: { type: 'number', default: 6, min: 0, max: 360, unit: '1/h', help: 'questions for providers that a device has in an hour' },
    seedsOfDevice: { type: 'count', default: 2, min: 1, max: 3, help: 'seeds that a device registers at' },
    hours: { type: 'number', default: 6, min: 0.1, max: 240, unit: 'h', help: 'simulated time' },
    sample: { type: 'count', default: 20_000, min: 100, max: 10_000_000, help: 'devices simulated, the sums scaled to all' },
    seedPrice: { type: 'number', default: 5, min: 0, max: 10_000, unit: '$/month', help: 'price of a machine for one seed (1 shared core, 512 MB)' },
    trafficPrice: { type: 'number', default: 0.02, min: 0, max: 10, unit: '$/GB', help: 'price of a GB sent' }
  },
  metrics: {
    requestsPerDevice: { unit: '1/h', help: 'exchanges and discovers that a device online asks of seeds' },
    requests: { unit: '1/s', help: 'exchanges and discovers of all devices' },
    joins: { unit: '1/s', help: 'connections made to seeds' },
    connections: { unit: 'count', help: 'connections open at seeds on average' },
    cpu: { unit: 'cores', help: 'CPU of all seeds' },
    bytesPerDevice: { unit: 'B/s', help: 'bytes between a device online and seeds, both directions' },
    sent: { unit: 'B/s', help: 'bytes sent by all seeds' },
    seeds: { unit: 'count', help: 'processes of seeds needed: connections, CPU and memory' },
    price: { unit: '$/month', help: 'machines and traffic of all seeds' },
    stage: { unit: 'index', help: '0 hub, 1 regional, 2 split, 3 bootstrap' }
  },
  small: { nodes: 100_000, sample: 2_000, hours: 2 },
  estimateMemoryBytes: () => 50_000_000,

  run ({ options, seed, progress, record, check, series }) {
    const stage = options.stage === 'auto' ? stageFor(options.nodes) : options.stage
    const figures = figuresOf(stage, options.nodes, options, seed, progress)
    for (const name of Object.keys(figures) as Array<keyof typeof figures>) {
      record(name, figures[name])
    }
    // the same for the other stages: what the network would ask if the seeds did not change
    const byStage = STAGES.map((name, i) => [i, figuresOf(name, options.nodes, options, seed, () => {}).requestsPerDevice] as const)
    series('requests of a device by stage', byStage, { x: 'stage (0 hub, 1 regional, 2 split, 3 bootstrap)', y: 'requests of a device in an hour' })
    const falls = byStage.every(([i, rate]) => i === 0 || rate <= (byStage[i - 1]?.[1] ?? 0) * 1.001)
    check('no stage asks more of the seeds than the one before it', falls, byStage.map(([, rate]) => rate.toFixed(2)).join(', '))
    const [hub, bootstrap] = [byStage[0]?.[1] ?? 0, byStage[3]?.[1] ?? 0]
    if (options.nodes >= 1_000_000) {
      const times = hub / bootstrap
      check('a seed at the bootstrap stage is asked at least 20 times less than a hub would be', times >= 20, `${times.toFixed(0)} times`)
    }
  }
})

interface Options {
  questions: number
  seedsOfDevice: number
  hours: number
  sample: number
  seedPrice: number
  trafficPrice: number
}

function figuresOf (stage: SeedStage, nodes: number, options: Options, seed: number, progress: (done: number, total: number) => void): {
  requestsPerDevice: number
  requests: number
  joins: number
  connections: number
  cpu: number
  bytesPerDevice: number
  sent: number
  seeds: number
  price: number
  stage: number
} {
  const load = sampled(stage, nodes, options, seed, progress)
  const perOnlineMs = nodes / load.onlineMs
  const perSecond = (count: number): number => count * perOnlineMs * 1000 * options.seedsOfDevice
  const exchanges = perSecond(load.exchanges)
  // a question goes to one seed
  const discovers = perSecond(load.discovers) / options.seedsOfDevice
  const joins = perSecond(load.joins)
  const connections = load.connectedMs * perOnlineMs * options.seedsOfDevice
  const cpu = (joins * COST.connectCpuMs + exchanges * COST.exchangeCpuMs + discovers * COST.discoverCpuMs) / 1000
  const given = perSecond(load.peersGiven) * COST.recordBytes + perSecond(load.modelsGiven) * COST.modelBytes
  const sent = joins * COST.handshakeBytes / 2 + exchanges * COST.exchangeBytes / 2 + discovers * COST.discoverBytes + given
  const received = joins * COST.handshakeBytes / 2 + exchanges * COST.exchangeBytes / 2 + discovers * 100
  // a registry of its own in each seed: those who renew in time
  const registered = stage === 'bootstrap' ? joins * LIFE_MS / 1000 : nodes * options.seedsOfDevice
  const memory = connections * COST.connectionBytes + registered * COST.registrationBytes
  const needs = [connections / MAX_CONNECTIONS, cpu / MAX_CPU, memory / (MAX_MEMORY_BYTES - BASE_MEMORY_BYTES)]
  const seeds = Math.max(1, ...needs.map(Math.ceil))
  return {
    requestsPerDevice: (exchanges + discovers) * 3600 / nodes,
    requests: exchanges + discovers,
    joins,
    connections,
    cpu,
    bytesPerDevice: (sent + received) / nodes,
    sent,
    seeds,
    price: seeds * options.seedPrice + sent * 30 * 24 * 3600 / 1e9 * options.trafficPrice,
    stage: STAGES.indexOf(stage)
  }
}

/** What a sample of devices asks of one seed each, over the simulated time. */
function sampled (stage: SeedStage, nodes: number, options: Options, seed: number, progress: (done: number, total: number) => void): Load {
  const sessions = new RandomStream(seed, SESSIONS)
  const questions = new RandomStream(seed, QUESTIONS)
  const load: Load = { onlineMs: 0, joins: 0, exchanges: 0, discovers: 0, connectedMs: 0, peersGiven: 0, modelsGiven: 0 }
  const endMs = options.hours * HOUR_MS
  for (let device = 0; device < options.sample; device++) {
    // the first session is one that a moment falls into: longer ones more likely, and any part of it over (length-biased, uniform)
    let atMs = -sessions.float(device, 0) * lengthBiasedMs(sessions, device)
    for (let count = 1; atMs < endMs; count++) {
      const lengthMs = count === 1 ? lengthBiasedMs(sessions, device) : weibullMs(sessions.float(device, 2 * count + 8))
      visit(stage, nodes, options, load, atMs, atMs + lengthMs, endMs, questions, device * 1_000 + count)
      atMs += lengthMs + weibullMs(sessions.float(device, 2 * count + 9))
    }
    if (device % 1_000 === 0) {
      progress(device, options.sample)
    }
  }
  return load
}

/** One session from `fromMs` to `toMs`, of which counts what falls between 0 and `endMs`. */
function visit (
  stage: SeedStage, nodes: number, { questions: perHour }: Options, load: Load, fromMs: number, toMs: number, endMs: number,
  random: RandomStream, entity: number
): void {
  const untilMs = Math.min(toMs, endMs)
  load.onlineMs += Math.max(0, untilMs - Math.max(0, fromMs))
  const plan = newcomerPlan(stage, WANT, nodes)
  const everyMs = Math.max(LIFE_MS / 2, plan.renewAfterMs)
  for (let atMs = fromMs; atMs < untilMs; atMs += everyMs) {
    const isFirst = atMs === fromMs
    if (atMs >= 0) {
      load.exchanges++
      // one that stays connected renews over its connection, and asks for no peers while it has enough
      load.joins += isFirst || plan.letsGo ? 1 : 0
      load.peersGiven += isFirst || plan.letsGo ? plan.peers : 0
      load.modelsGiven += isFirst ? plan.models : 0
    }
    if (plan.letsGo) {
      load.connectedMs += atMs >= 0 ? 2_000 : 0
    }
  }
  if (!plan.letsGo) {
    load.connectedMs += Math.max(0, untilMs - Math.max(0, fromMs))
  }
  if (plan.discover !== 'none' && perHour > 0) {
    let i = 0
    for (let atMs = Math.max(0, fromMs) + pauseMs(perHour, random, entity, i); atMs < untilMs; atMs += pauseMs(perHour, random, entity, i)) {
      load.discovers++
      i++
    }
  }
}

function pauseMs (perHour: number, random: RandomStream, entity: number, i: number): number {
  return Math.max(LEAST_PAUSE_MS, -Math.log(1 - random.float(entity, i)) * HOUR_MS / perHour)
}

function weibullMs (u: number): number {
  return SCALE_MS * (-Math.log(1 - u)) ** (1 / SHAPE)
}

/** The length of the session that a moment falls into: of 64 drawn sessions one, by its length. */
function lengthBiasedMs (random: RandomStream, device: number): number {
  const lengths = Array.from({ length: 64 }, (_, i) => weibullMs(random.float(device, 1_000 + i)))
  let at = random.float(device, 1) * lengths.reduce((a, b) => a + b)
  return lengths.find(length => (at -= length) < 0) ?? SCALE_MS
}
