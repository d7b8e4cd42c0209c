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
import { defineScenario, deviceSessions, seedDemand, Stream } from '@skein/simulator'
import { newcomerPlan, stageFor, STAGES } from '@skein/seed'
import type { Stage as SeedStage } from '@skein/seed'

const SESSIONS = Stream.scenario + 10
const QUESTIONS = Stream.scenario + 11
/** A peer says hello and asks for so much; the stage decides what of it it gets. */
const WANT = { peers: 20, models: 200 }

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
    const churn = deviceSessions(seed)
    const figuresOf = (stage: SeedStage) => seedDemand({
      ...options, plan: newcomerPlan(stage, WANT, options.nodes), seed, churn, streams: { sessions: SESSIONS, questions: QUESTIONS }, progress
    })
    const figures = { ...figuresOf(stage), stage: STAGES.indexOf(stage) }
    for (const name of Object.keys(figures) as Array<keyof typeof figures>) {
      record(name, figures[name])
    }
    // the same for the other stages: what the network would ask if the seeds did not change
    const byStage = STAGES.map((name, i) => [i, figuresOf(name).requestsPerDevice] as const)
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
