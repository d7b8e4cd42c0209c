/**
 * What it costs that all hear who joins, leaves, and has capacity: flat gossip against gossip in clusters under a tree of coordinators.
 *
 * Claims: a seed that broadcasts joins and leaves sends each device 31 B/s at 1K devices, 309 at 10K, 3 KB at 100K, 31 KB at 1M; flat gossip costs
 *   about six times that; gossip within clusters of 1024 costs the same at any size, and stays within 250 B/s a device with digests of capacity, so
 *   that any peer can answer where there is capacity for a model. GossipSub carries 5 to 6 times the ideal traffic, and tolerates that 80 % of the
 *   devices do not forward at 20 connections (Vyzovitis et al., 2020). A join is known to 99 % of a
 *   cluster of 256 to 1024 within 10 s, with a fifth of all messages lost.
 * Parameters: `nodes`; `clusterSize`; the mesh (`degree`, `lazy`, `connections`); sessions (1 / mean session joins a second for each device online,
 *   and as many leaves); sizes of messages; changes of load; the digests (64 KiB at most) and how many coordinators one above them has.
 * The mesh is simulated, hop by hop, up to `simulated` devices; the bytes are sums (packages/simulator/src/gossip/gossip-traffic.ts) of rates, sizes
 *   and the copies counted there. The broadcast's figures come out with mainline sessions (mean 5.4 h) and 300 B for a join and for a leave. The
 *   hierarchy has leaves of 110 B: an id, a counter, a signature. Nobody repeats its presence, which at 300 B in 10 minutes would cost 3.6 KB/s.
 * Expected: copies are D − 1. At D = 6, 300 B and mainline sessions flat gossip costs 6.3 times a broadcast with its announcements, and clusters
 *   about 207 B/s. At D = 8 it is 8.2 times, and clusters cost about 200 B/s with short leaves; above 250 with leaves of 300 B, or with sessions of
 *   IPFS (mean 3.6 h) unless clusters are smaller: `clusterFor250` says how small. Presence is nearly all of it. The mesh recovers from 4,000 Sybils.
 * Not modelled: flood publishing, so that at 80 % silent some messages end with the first device; scores other than P3; churn of the mesh itself.
 */
import { MAX_CLUSTER_PEERS, MIN_CLUSTER_PEERS } from '@skein/clusters'
import {
  broadcastBytes, defineScenario, flatLoadBytes, hierarchyTraffic, HOPS_PER_HEARTBEAT, ipfsSessions, mainlineSessions, MeshGossip,
  presenceBytes, repairMesh, Stream
} from '@skein/simulator'
import type { HierarchyAssumptions, MeshFault } from '@skein/simulator'

const MESH = Stream.scenario + 40
const SMALL_MESH = Stream.scenario + 43
const CLUSTER = Stream.scenario + 46
const ATTACKED = Stream.scenario + 49

const HOP_MS = 1000 / HOPS_PER_HEARTBEAT
/** Devices on which the faults are tried. */
const MAX_FAULTY = 20_000
const CLUSTER_MESSAGES = 50
/** As clusters are: joined below the first, split above the last. */
const CLUSTER_SIZES = [MIN_CLUSTER_PEERS, 512, MAX_CLUSTER_PEERS]
/** The published attack: 4,000 Sybils on 1,000 honest devices, all with 20 links, D 8/6/12; D_out of the rules is 2. A heartbeat is a second. */
const ATTACK = { honest: 1_000, honestLinks: 20, sybilLinks: 80, degree: 8, low: 6, high: 12, outbound: 2, pruneAfter: 5, heartbeats: 90 }
const NO_FAULT: MeshFault = { lossRate: 0, silentShare: 0 }
/** The published broadcast, by devices, B/s; and the bytes of a join and a leave with which it comes out. */
const BROADCAST: ReadonlyArray<readonly [nodes: number, bytesPerSecond: number]> = [[1e3, 31], [1e4, 309], [1e5, 3_090], [1e6, 30_900]]
const PLAIN = { joinBytes: 300, leaveBytes: 300 }
const MAX_BYTES_PER_SECOND = 250
/** What the election asks of a super-node, and how much of it coordinating may take. */
const COORDINATOR_BYTES_PER_SECOND = 0.25 * 2e6

export default defineScenario({
  name: 'gossip',
  claims: 'Presence and load cost at most 250 B/s a device at any size when gossip stays in clusters of 1024 and coordinators exchange digests of ' +
    '64 KiB at most; flat gossip costs six times a broadcast and grows with the network',
  expected: 'about 200 B/s a device at any size with mainline sessions; flat 7 copies at D = 8; 80 % silent devices at 20 connections are tolerated',
  options: {
    nodes: { type: 'count', default: 1e6, min: 1_000, max: 1e10, help: 'devices online' },
    simulated: { type: 'count', default: 1e6, min: 1_000, max: 1e8, help: 'devices of the mesh that is simulated, at most; the rest is sums' },
    degree: { type: 'count', default: 8, min: 4, max: 32, help: 'links within the mesh, D; even' },
    lazy: { type: 'count', default: 6, min: 0, max: 32, help: 'devices told of a message at a heartbeat, D_lazy' },
    connections: { type: 'count', default: 20, min: 4, max: 64, help: 'links of a device in all; even, at least D' },
    clusterSize: { type: 'count', default: 1_024, min: 64, max: 65_536, help: 'devices of a cluster' },
    fanOut: { type: 'count', default: 32, min: 2, max: 1_024, help: 'coordinators under one of the next level' },
    sessions: { type: 'choice', default: 'mainline', choices: ['mainline', 'ipfs'], help: 'how long devices stay (mean 5.4 h, 3.6 h)' },
    joinBytes: { type: 'number', default: 300, min: 20, max: 65_536, unit: 'B', help: 'a join: the signed record' },
    leaveBytes: { type: 'number', default: 110, min: 20, max: 65_536, unit: 'B', help: 'a leave' },
    idBytes: { type: 'number', default: 20, min: 4, max: 64, unit: 'B', help: 'the id of a message in an announcement' },
    loadsPerHour: { type: 'number', default: 60, min: 0, max: 3_600, unit: '1/h', help: 'changes of its load that a device tells' },
    loadBytes: { type: 'number', default: 120, min: 20, max: 4_096, unit: 'B', help: 'a change of load' },
    frameBytes: { type: 'number', default: 40, min: 0, max: 200, unit: 'B', help: 'what stream and encryption add to a message to one device' },
    digestPeriod: { type: 'number', default: 60, min: 1, max: 3_600, unit: 's', help: 'between two digests of a coordinator' },
    models: { type: 'count', default: 10_000, min: 1, max: 1_000_000, help: "models there are, chosen by Zipf's law" },
    modelsOfDevice: { type: 'count', default: 2, min: 1, max: 64, help: 'models that a device serves' },
    modelBytes: { type: 'number', default: 24, min: 4, max: 1_024, unit: 'B', help: 'a model in a digest' },
    questionsPerHour: { type: 'number', default: 6, min: 0, max: 3_600, unit: '1/h', help: 'questions of a device for capacity' },
    answerBytes: { type: 'number', default: 2_000, min: 20, max: 65_536, unit: 'B', help: 'the answer of a coordinator, and the question' },
    lossRate: { type: 'number', default: 0.2, min: 0, max: 0.9, unit: 'share', help: 'messages lost, where loss is tried' },
    silentShare: { type: 'number', default: 0.8, min: 0, max: 0.95, unit: 'share', help: 'devices that do not forward, where that is tried' }
  },
  metrics: {
    broadcast: { unit: 'B/s', help: 'joins and leaves, 300 B each, broadcast by a seed: what each device receives' },
    flatPresence: { unit: 'B/s', help: 'the same by flat gossip, with announcements' },
    flat: { unit: 'B/s', help: 'flat gossip of presence and load' },
    hierarchical: { unit: 'B/s', help: 'presence, load, digests and questions with clusters' },
    hierarchicalPlain: { unit: 'B/s', help: 'the same with joins and leaves of 300 B' },
    presence: { unit: 'B/s', help: 'of hierarchical: joins and leaves within the cluster' },
    loads: { unit: 'B/s', help: 'of hierarchical: changes of load to the coordinator' },
    digests: { unit: 'B/s', help: 'of hierarchical: digests between coordinators, by all devices' },
    questions: { unit: 'B/s', help: 'of hierarchical: questions to the coordinator, and answers' },
    clusterFor250: { unit: 'count', help: 'devices of the largest cluster that stays within 250 B/s a device' },
    levels: { unit: 'count', help: 'levels of coordinators' },
    coordinator: { unit: 'B/s', help: 'received and sent by the busiest coordinator' },
    digestBytes: { unit: 'B', help: 'the digest of all devices' },
    coverage: { unit: 'share', help: 'questions for a model that the digest of all has room for' },
    copies: { unit: 'count', help: 'copies of a message for each device that hears it' },
    traffic: { unit: 'times', help: 'bytes of flat gossip by those of one copy each, with announcements' },
    announced: { unit: 'count', help: 'announcements of a message for each device' },
    reach: { unit: 'share', help: 'devices that hear it' },
    rounds: { unit: 'rounds', help: 'hops until the last has heard it' },
    deliveryLoss: { unit: 'share', help: 'devices that hear it under loss' },
    deliverySilent: { unit: 'share', help: 'forwarding devices that hear it among silent ones' },
    tolerated: { unit: 'share', help: 'silent devices with which 90 % of the others hear it' },
    attacked: { unit: 'share', help: 'honest devices that hear a message over the mesh when 4:1 Sybils in it fall silent, without D_out' },
    repaired: { unit: 's', help: 'until 99 % of them do again, without D_out; 91 if they do not within 90' },
    attackedOut: { unit: 'share', help: 'attacked, with D_out of 2' },
    clusterMs: { unit: 'ms', help: 'until 99 % of a cluster know of a join, worst of 50 in clusters of 256 to 1024, a hop of 100 ms, under loss' }
  },
  small: { nodes: 1e6, simulated: 20_000 },
  estimateMemoryBytes: ({ nodes, simulated, connections }) => MeshGossip.byteLength(Math.min(nodes, simulated), connections) + 60e6,

  run ({ options, seed, progress, record, series, check }) {
    const { nodes, degree, lazy, connections, lossRate } = options
    const size = Math.min(nodes, options.simulated)
    const onRound = (): void => { progress(0, 1) }
    const mesh = new MeshGossip({ seed, nodes: size, degree, connections, lazy, stream: MESH })
    const spread = mesh.spread(0, NO_FAULT, onRound)
    const copies = spread.copies / spread.told
    const announced = spread.announced / spread.told
    const farthest = farthestHops(size, degree)
    record('copies', copies)
    record('announced', announced)
    record('reach', spread.told / spread.honest)
    record('rounds', spread.rounds)
    series('reach by hop', spread.curve, { x: 'hop', y: 'share of devices' })
    const pushed = (spread.copies - spread.pulled) / spread.told
    check('all hear a message, each in D − 1 copies over the mesh', spread.told === size && Math.abs(pushed - (degree - 1)) < 0.02,
      `${spread.told} of ${size}, ${pushed.toFixed(3)} copies, and ${(copies - pushed).toFixed(3)} that were asked for`)
    check('the hops are those of a random regular graph', spread.rounds <= farthest, `${spread.rounds}, at most ${farthest}`)

    const faulty = new MeshGossip({ seed, nodes: Math.min(size, MAX_FAULTY), degree, connections, lazy, stream: SMALL_MESH })
    const delivery = (fault: MeshFault, message: number): number => {
      const { told, honest } = faulty.spread(message, fault, onRound)
      return told / honest
    }
    const underLoss = delivery({ lossRate, silentShare: 0 }, 1)
    const amongSilent = delivery({ lossRate: 0, silentShare: options.silentShare }, 2)
    const bySilence = Array.from({ length: 19 }, (_, i) => [(i + 1) / 20, delivery({ lossRate: 0, silentShare: (i + 1) / 20 }, 3 + i)] as const)
    const tolerated = bySilence.filter(([, share]) => share >= 0.9).reduce((most, [silent]) => Math.max(most, silent), 0)
    record('deliveryLoss', underLoss)
    record('deliverySilent', amongSilent)
    record('tolerated', tolerated)
    series('delivery among silent devices', bySilence, { x: 'share that does not forward', y: 'share of the others that hear it' })
    check('a message survives loss', underLoss >= 0.999, `${percent(underLoss)} with ${percent(lossRate)} lost`)
    if (connections === 20) {
      check('about 80 % of devices at 20 connections may be silent (±20 %)', tolerated >= 0.64 && tolerated <= 0.96,
        `90 % of the others hear it up to ${percent(tolerated)} silent, ${percent(amongSilent)} of them at ${percent(options.silentShare)}`)
    }

    const attacked = repairMesh({ ...ATTACK, seed, stream: ATTACKED, outbound: 0 }, onRound)
    const unscored = repairMesh({ ...ATTACK, seed, stream: ATTACKED, outbound: 0, pruneAfter: undefined, heartbeats: 1 }, onRound)
    const guarded = repairMesh({ ...ATTACK, seed, stream: ATTACKED }, onRound)
    const recovered = attacked.findIndex(share => share >= 0.99)
    const repaired = recovered < 0 ? ATTACK.heartbeats + 1 : recovered
    record('attacked', attacked[0] as number)
    record('repaired', repaired)
    record('attackedOut', guarded[0] as number)
    series('4:1 Sybils fall silent', attacked.map((share, beat) => [beat, share] as const), { x: 's', y: 'share of honest devices that hear it' })
    check('the mesh recovers from 4:1 Sybils', attacked.at(-1) === 1 && unscored.at(-1) === unscored[0],
      `${percent(attacked[0] as number)} heard it at first, 99 % after ${repaired} s, all after ${attacked.indexOf(1)}; with D_out of 2 ` +
      `${percent(guarded[0] as number)} from the start`)

    const joins = [...new Set([...CLUSTER_SIZES, options.clusterSize])].map(devices => {
      const cluster = new MeshGossip({ seed, nodes: devices, degree, connections, lazy, stream: CLUSTER })
      let slowestMs = 0
      for (let message = 0; message < CLUSTER_MESSAGES; message++) {
        const { told, honest, rounds99 } = cluster.spread(message, { lossRate, silentShare: 0 }, onRound)
        slowestMs = Math.max(slowestMs, told >= 0.99 * honest ? rounds99 * HOP_MS : Infinity)
      }
      return { devices, slowestMs }
    })
    const clusterMs = Math.max(...joins.map(({ slowestMs }) => slowestMs))
    record('clusterMs', clusterMs)
    check('a join is known to 99 % of its cluster within 10 s', clusterMs <= 10_000,
      `${percent(lossRate)} lost, at worst ${joins.map(({ devices, slowestMs }) => `${slowestMs} ms among ${devices}`).join(', ')}`)

    const sessions = options.sessions === 'ipfs' ? ipfsSessions() : mainlineSessions()
    const assumptions: HierarchyAssumptions = {
      ...options,
      joinsPerSecond: 1000 / sessions.meanMs,
      copies,
      announcements: announced,
      loadsPerSecond: options.loadsPerHour / 3600,
      questionsPerSecond: options.questionsPerHour / 3600,
      digestPeriodSeconds: options.digestPeriod
    }
    const plain = { ...assumptions, ...PLAIN }
    const traffic = hierarchyTraffic(nodes, assumptions)
    const hierarchicalPlain = hierarchyTraffic(nodes, plain).total
    const flatPresence = presenceBytes(nodes, plain)
    record('broadcast', broadcastBytes(nodes, plain))
    record('flatPresence', flatPresence)
    record('traffic', flatPresence / broadcastBytes(nodes, plain))
    record('flat', presenceBytes(nodes, assumptions) + flatLoadBytes(nodes, assumptions))
    record('hierarchical', traffic.total)
    record('hierarchicalPlain', hierarchicalPlain)
    for (const name of ['presence', 'loads', 'digests', 'questions', 'levels', 'digestBytes', 'coverage'] as const) {
      record(name, traffic[name])
    }
    record('coordinator', traffic.busiestCoordinator)
    record('clusterFor250', largestCluster(nodes, assumptions))
    const sizes = Array.from({ length: 15 }, (_, i) => 10 ** (3 + i / 2))
    series('broadcast by devices', sizes.map(n => [Math.log10(n), Math.log10(broadcastBytes(n, plain))] as const), LOGARITHMS)
    series('flat gossip by devices', sizes.map(n => [Math.log10(n), Math.log10(presenceBytes(n, plain))] as const), LOGARITHMS)
    const totals = sizes.map(n => hierarchyTraffic(n, assumptions).total)
    series('clusters by devices', sizes.map((n, i) => [Math.log10(n), Math.log10(totals[i] as number)] as const), LOGARITHMS)

    if (options.sessions === 'mainline') {
      const found = BROADCAST.map(([n, expected]) => ({ expected, bytes: broadcastBytes(n, plain) }))
      check('a broadcast costs 31 B/s at 1K, 309 at 10K, 3 KB at 100K, 31 KB at 1M (±1 %)',
        found.every(({ expected, bytes }) => Math.abs(bytes / expected - 1) <= 0.01), found.map(({ bytes }) => bytes.toFixed(0)).join(', '))
    }
    if (degree === 6 || degree === 8) {
      check('flat gossip carries 5 to 6 times the ideal (±20 %), announcements not counted', copies >= 4 && copies <= 7.2,
        `${copies.toFixed(2)} copies; ${(flatPresence / broadcastBytes(nodes, plain)).toFixed(2)} times with announcements`)
    }
    const [most, least] = [Math.max(...totals), Math.min(...totals)]
    check('clusters cost at most 250 B/s a device at any size', most <= MAX_BYTES_PER_SECOND,
      `${traffic.total.toFixed(0)} B/s, ${least.toFixed(0)} to ${most.toFixed(0)} from 1K to 10B devices; with leaves of 300 B ` +
      hierarchicalPlain.toFixed(0))
    check('a coordinator takes at most a quarter of 2 MB/s', traffic.busiestCoordinator <= COORDINATOR_BYTES_PER_SECOND,
      `${(traffic.busiestCoordinator / 1000).toFixed(0)} KB/s`)
  }
})

const LOGARITHMS = { x: 'log10 of devices', y: 'log10 of B/s a device' }

/** The diameter of a random regular graph is at most this (B. Bollobás, W. F. de la Vega, "The diameter of random regular graphs", 1982). */
function farthestHops (nodes: number, degree: number): number {
  return Math.ceil(Math.log(2.1 * degree * nodes * Math.log(nodes)) / Math.log(degree - 1)) + 1
}

function largestCluster (nodes: number, assumptions: HierarchyAssumptions): number {
  let [low, high] = [1, Math.min(nodes, 65_536)]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (hierarchyTraffic(nodes, { ...assumptions, clusterSize: middle }).total <= MAX_BYTES_PER_SECOND) {
      low = middle
    } else {
      high = middle - 1
    }
  }
  return low
}

function percent (value: number): string {
  return `${(100 * value).toFixed(2)} %`
}
