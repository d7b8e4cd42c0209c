/**
 * What devices ask of the seeds of their network, and what machines that takes: a sample of devices comes and goes with sessions as measured of the
 * mainline DHT, registers, renews and asks as the seeds' plan for newcomers has it, and the sums are scaled to the network.
 */
import { DeviceChurn } from '../engine/churn.ts'
import { RandomStream } from '../engine/random-stream.ts'
import { weibull } from '../engine/session-length.ts'

/** What seeds grant a newcomer; the plans of `@skein/seed` fit. */
export interface SeedPlan {
  /** Peers and models that an answer names */
  peers: number
  models: number
  /** Not to come back sooner, ms; 0: at half the life of a registration */
  renewAfterMs: number
  /** The connection is closed once the newcomer has joined */
  letsGo: boolean
  /** 'none': providers are not looked for by seeds */
  discover: string
}

export interface SeedDemandInit {
  plan: SeedPlan
  /** Devices online */
  nodes: number
  /** Questions for providers that a device has, 1/h */
  questions: number
  /** Seeds that a device registers at */
  seedsOfDevice: number
  /** Simulated time, h */
  hours: number
  /** Devices simulated */
  sample: number
  /** Price of a machine for one seed (1 shared core, 512 MB), $/month */
  seedPrice: number
  /** Price of a GB sent, $ */
  trafficPrice: number
  seed: number
  /**
   * When devices come and go, for who asks several times.
   *
   * @default deviceSessions(seed)
   */
  churn?: DeviceChurn
  /** Numbers of the random streams */
  streams: { sessions: number, questions: number }
  progress?: (done: number, total: number) => void
}

export interface SeedDemand {
  /** Exchanges and discovers that a device online asks of seeds, 1/h */
  requestsPerDevice: number
  /** Exchanges and discovers of all devices, 1/s */
  requests: number
  /** Connections made to seeds, 1/s */
  joins: number
  /** Connections open at seeds on average */
  connections: number
  /** CPU of all seeds, cores */
  cpu: number
  /** Bytes between a device online and seeds, both directions, B/s */
  bytesPerDevice: number
  /** Bytes sent by all seeds, B/s */
  sent: number
  /** Processes of seeds needed: connections, CPU and memory */
  seeds: number
  /** Machines and traffic of all seeds, $/month */
  price: number
}

/** Sessions of the mainline DHT, and as long offline. */
const SHAPE = 0.68
const SCALE_MS = 14_900_000
const SESSIONS = weibull(SHAPE, SCALE_MS)
/** The mean length of a session, ms. */
export const MEAN_SESSION_MS = SESSIONS.meanMs
const HOUR_MS = 3_600_000
/** A device asks no more often: the seed's own limit. */
const LEAST_PAUSE_MS = 10_000
/** The life of a registration, renewed at half of it unless the plan says otherwise. */
const LIFE_MS = 300_000
/** How long a seed that lets go keeps a newcomer. */
const VISIT_MS = 2_000

/** Measured (packages/seed/bench/README.md, docs/operating-a-seed.md). */
export const SEED_COST = {
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
export const MAX_SEED_CONNECTIONS = 4_000
/** Of a core: beyond it a seed answers late. */
export const MAX_SEED_CPU = 0.7
const MAX_MEMORY_BYTES = 512e6
const BASE_MEMORY_BYTES = 130e6
const MONTH_S = 30 * 24 * 3600

interface Load {
  onlineMs: number
  joins: number
  exchanges: number
  discovers: number
  connectedMs: number
  peersGiven: number
  modelsGiven: number
}

/** Devices that are online for a session of the mainline DHT and offline as long, in equilibrium. */
export function deviceSessions (seed: number): DeviceChurn {
  return new DeviceChurn(seed, { on: SESSIONS, off: SESSIONS })
}

export function seedDemand (init: SeedDemandInit): SeedDemand {
  const { nodes, plan, seedsOfDevice } = init
  const load = sampled(init)
  const perOnlineMs = nodes / load.onlineMs
  const perSecond = (count: number): number => count * perOnlineMs * 1000 * seedsOfDevice
  const exchanges = perSecond(load.exchanges)
  // a question goes to one seed
  const discovers = perSecond(load.discovers) / seedsOfDevice
  const joins = perSecond(load.joins)
  const connections = load.connectedMs * perOnlineMs * seedsOfDevice
  const cpu = (joins * SEED_COST.connectCpuMs + exchanges * SEED_COST.exchangeCpuMs + discovers * SEED_COST.discoverCpuMs) / 1000
  const given = perSecond(load.peersGiven) * SEED_COST.recordBytes + perSecond(load.modelsGiven) * SEED_COST.modelBytes
  const sent = joins * SEED_COST.handshakeBytes / 2 + exchanges * SEED_COST.exchangeBytes / 2 + discovers * SEED_COST.discoverBytes + given
  const received = joins * SEED_COST.handshakeBytes / 2 + exchanges * SEED_COST.exchangeBytes / 2 + discovers * 100
  // a registry of its own in each seed: those who renew in time
  const registered = plan.letsGo ? joins * LIFE_MS / 1000 : nodes * seedsOfDevice
  const memory = connections * SEED_COST.connectionBytes + registered * SEED_COST.registrationBytes
  const needs = [connections / MAX_SEED_CONNECTIONS, cpu / MAX_SEED_CPU, memory / (MAX_MEMORY_BYTES - BASE_MEMORY_BYTES)]
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
    price: seeds * init.seedPrice + sent * MONTH_S / 1e9 * init.trafficPrice
  }
}

/** What a sample of devices asks of one seed each, over the simulated time. */
function sampled (init: SeedDemandInit): Load {
  const { seed, streams, sample } = init
  const churn = init.churn ?? deviceSessions(seed)
  const ages = new RandomStream(seed, streams.sessions)
  const questions = new RandomStream(seed, streams.questions)
  const load: Load = { onlineMs: 0, joins: 0, exchanges: 0, discovers: 0, connectedMs: 0, peersGiven: 0, modelsGiven: 0 }
  const endMs = init.hours * HOUR_MS
  for (let device = 0; device < sample; device++) {
    let online = churn.startsOnline(device)
    let untilMs = churn.firstMs(device)
    let fromMs = -ageMs(untilMs, ages.float(device, 0))
    for (let session = 0; fromMs < endMs; session++) {
      if (online) {
        visit(init, load, fromMs, untilMs, endMs, questions, device * 1_000 + session)
      }
      online = !online
      fromMs = untilMs
      untilMs += churn.lengthMs(device, session, online)
    }
    if (device % 1_000 === 0) {
      init.progress?.(device, sample)
    }
  }
  return load
}

/** How long a session has lasted of which there is so much left: its whole length is one of those that are longer than the rest. */
function ageMs (restMs: number, u: number): number {
  return SCALE_MS * ((restMs / SCALE_MS) ** SHAPE - Math.log1p(-u)) ** (1 / SHAPE) - restMs
}

/** One session from `fromMs` to `toMs`, of which counts what falls between 0 and `endMs`. */
function visit (
  { plan, questions: perHour }: SeedDemandInit, load: Load, fromMs: number, toMs: number, endMs: number, random: RandomStream, entity: number
): void {
  const untilMs = Math.min(toMs, endMs)
  load.onlineMs += Math.max(0, untilMs - Math.max(0, fromMs))
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
      load.connectedMs += atMs >= 0 ? VISIT_MS : 0
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
