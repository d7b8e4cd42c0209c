/**
 * A million devices in hierarchical gossip under churn: what each receives for it.
 *
 * Claims: where presence stays in clusters of 256 to 1024, and coordinators exchange digests, a device receives at most 250 B/s on average, however
 *   many there are. Most coordinators' cost follows from the size of their cluster.
 * Simulated device by device: sessions (`DeviceChurn`), clusters split and joined by `partitionClusters`, coordinators by `rendezvousOrder`; each
 *   join, leave and lease is gossiped to all members in as many copies as `MeshGossip` counts at that degree; each newcomer gets the list of members;
 *   each coordinator that goes is replaced, and told all loads again. A device that vanishes is announced by others, some of them at once
 *   (`goneTimes`).
 * By rates: loads (60 to 120 s apart, and changes), questions, heartbeats to 8 in line each 12 s. Digests are written by
 *   `encodeDigest` from the models of the devices there are, for clusters, zones, regions and all; each is sent each minute, downwards no more than
 *   4 B/s for each peer of the part. Of a zone with more than 32 clusters one coordinator serves all, where there are levels in between: its cost is
 *   an upper bound.
 * Sizes: what the wire of @skein/clusters takes in a signed GossipSub message with its topic and frame. They are options.
 * Parameters: devices online, zones and how unequal they are, hours, sessions, D, sizes, who may coordinate.
 * Expected: what the formula of `gossip` gives for the cluster that a device is in, of 700 on average; newcomers pay for their list at first.
 *   A coordinator of a cluster pays for the loads and questions of all; one of a zone most, for the digest of everything that goes to each cluster.
 */
import { addCapacity, digestKey, encodeDigest, MAX_DIGEST_BYTES } from '@skein/clusters'
import {
  ChurnKernel, ClusterPresence, defineScenario, ipfsSessions, mainlineSessions, MeshGossip, presenceBytes, RandomStream, Stream
} from '@skein/simulator'
import type { Cluster, PresenceRule } from '@skein/simulator'

const POINTS = Stream.scenario + 80
const PLACES = Stream.scenario + 81
const MODELS = Stream.scenario + 82
const ELIGIBLE = Stream.scenario + 83
/** And the next two. */
const MESH = Stream.scenario + 84

const MINUTE_MS = 60_000
const TYPICAL_CLUSTER = 600
const MESSAGES = 20
const MOST = 250
const DIGEST_SECONDS = 60
const DIGEST_BYTES_PER_PEER = 4
const PART_BYTES = 16_384
/** Devices online for less say more of their first minute than of what they pay. */
const LEAST_ONLINE_MS = 600_000

export default defineScenario({
  name: 'cluster-presence',
  claims: 'A million devices that come and go cost each other at most 250 B/s in clusters of 256 to 1024 under coordinators who exchange digests',
  expected: 'some 220 B/s a device on average with mainline sessions, most of it presence; more for who stays a few minutes; KB/s for coordinators',
  options: {
    nodes: { type: 'count', default: 1e6, min: 2_000, max: 1e7, help: 'devices online' },
    regions: { type: 'count', default: 20, min: 1, max: 64, help: 'regions' },
    zones: { type: 'count', default: 4, min: 1, max: 8, help: 'zones of a region' },
    skew: { type: 'number', default: 1, min: 0, max: 2, unit: 'exponent', help: "how unequal zones are: Zipf's exponent" },
    hours: { type: 'number', default: 3, min: 0.1, max: 48, unit: 'h', help: 'simulated' },
    sessions: { type: 'choice', default: 'mainline', choices: ['mainline', 'ipfs'], help: 'how long devices stay, and stay away (5.4 h, 3.6 h)' },
    degree: { type: 'count', default: 8, min: 4, max: 16, help: 'links within the mesh, D; even' },
    joinBytes: { type: 'number', default: 225, min: 20, max: 4_096, unit: 'B', help: 'a presence, with signature, topic and frame' },
    leaveBytes: { type: 'number', default: 215, min: 20, max: 4_096, unit: 'B', help: 'a leave' },
    goneBytes: { type: 'number', default: 265, min: 20, max: 4_096, unit: 'B', help: 'what says that a device has vanished' },
    vanish: { type: 'number', default: 0.5, min: 0, max: 1, unit: 'share', help: 'of the leaves, those that are not announced' },
    goneTimes: { type: 'number', default: 1.5, min: 1, max: 10, unit: 'times', help: 'that it is said, by those that find it at once' },
    idBytes: { type: 'number', default: 46, min: 4, max: 128, unit: 'B', help: 'the id of a message in an announcement' },
    memberBytes: { type: 'number', default: 45, min: 8, max: 512, unit: 'B', help: 'a member in the list that a newcomer gets' },
    eligible: { type: 'number', default: 0.2, min: 0.01, max: 1, unit: 'share', help: 'of the devices, those that may coordinate' },
    changesPerHour: { type: 'number', default: 20, min: 0, max: 720, unit: '1/h', help: 'changes of its load told, besides one each 90 s' },
    questionsPerHour: { type: 'number', default: 6, min: 0, max: 3_600, unit: '1/h', help: 'questions of a device for capacity' },
    models: { type: 'count', default: 10_000, min: 1, max: 1_000_000, help: "models there are, chosen by Zipf's law" }
  },
  metrics: {
    mean: { unit: 'B/s', help: 'received by a device, mean, digests included' },
    median: { unit: 'B/s', help: 'received by a device, median, of those online for ten minutes; digests not included' },
    p99: { unit: 'B/s', help: 'the same, 99th percentile' },
    worst: { unit: 'B/s', help: 'the same, the most' },
    digests: { unit: 'B/s', help: 'of the mean, for digests' },
    formula: { unit: 'B/s', help: 'the mean by the formula of gossip, for the cluster that a device is in' },
    coordinator: { unit: 'B/s', help: 'received and sent for its cluster by the busiest coordinator of a cluster' },
    coordinatorMean: { unit: 'B/s', help: 'the same, mean' },
    zoneCoordinator: { unit: 'B/s', help: 'received and sent in digests by the busiest coordinator of a zone' },
    regionCoordinator: { unit: 'B/s', help: 'received and sent in digests by the busiest coordinator of a region' },
    clusters: { unit: 'count', help: 'clusters at the end' },
    clusterMean: { unit: 'count', help: 'devices of the cluster that a device is in, mean' },
    clusterLeast: { unit: 'count', help: 'devices of the smallest cluster at the end, zones of one cluster left out' },
    clusterMost: { unit: 'count', help: 'devices of the largest cluster at the end' },
    splits: { unit: 'count', help: 'halves that came from a cluster that was split' },
    merges: { unit: 'count', help: 'clusters that were joined of halves' },
    replaced: { unit: 'count', help: 'coordinators replaced' },
    changes: { unit: '1/s', help: 'joins and leaves' },
    copies: { unit: 'count', help: 'copies of a message that a device receives' },
    partBytes: { unit: 'B', help: 'digest of a cluster, mean' },
    zoneBytes: { unit: 'B', help: 'digest of a zone, mean' },
    wholeBytes: { unit: 'B', help: 'digest of everything' }
  },
  small: { nodes: 20_000, hours: 1, regions: 4, zones: 3, models: 2_000 },
  estimateMemoryBytes: ({ nodes }) => 80e6 + nodes * 2 * 90,

  run ({ options, seed, progress, record, distribution, check }) {
    const { nodes, regions, zones, degree } = options
    const lengths = options.sessions === 'ipfs' ? ipfsSessions() : mainlineSessions()
    const devices = 2 * nodes // as long away as there, so that half are online
    const churn = new ChurnKernel({ seed, model: { on: lengths, off: lengths }, fromDevice: 0, toDevice: devices })
    const [points, zoneOf] = place(options, seed, devices)
    const eligible = new RandomStream(seed, ELIGIBLE)
    const { copies, announced } = countCopies(seed, degree)
    const rule: PresenceRule = {
      joinBytes: options.joinBytes,
      leaveBytes: (1 - options.vanish) * options.leaveBytes + options.vanish * options.goneTimes * options.goneBytes,
      leaseBytes: 350,
      copies,
      announcedBytes: announced * options.idBytes,
      memberBytes: options.memberBytes,
      loadBytes: 160,
      loadsPerSecond: 1 / 90 + options.changesPerHour / 3600,
      questionBytes: 2_080,
      questionsPerSecond: options.questionsPerHour / 3600,
      heartbeatBytes: 120
    }
    const world = new ClusterPresence({
      devices,
      zones: regions * zones,
      zoneOf: device => zoneOf[device] as number,
      pointOf: device => points[device] as number,
      isEligible: device => eligible.float(device, 0) < options.eligible,
      rule,
      startMs: 0
    }, device => churn.isOnline(device))
    const minutes = Math.round(options.hours * 60)
    for (let minute = 1; minute <= minutes; minute++) {
      churn.runBefore(minute * MINUTE_MS / churn.tickMs, (device, online, tick) => { world.onChange(device, online, tick * churn.tickMs) })
      world.onPeriod(MINUTE_MS, minute * MINUTE_MS)
      progress(minute, minutes)
    }
    world.settle(minutes * MINUTE_MS)

    const rates = ratesOf(world)
    const totalMs = world.onlineMs.reduce((sum, ms) => sum + ms, 0)
    const gossip = 1000 * world.received.reduce((sum, bytes) => sum + bytes, 0) / totalMs
    const clusters = [...world.clusters].filter(({ members }) => members.length > 0)
    const digests = digestCosts(clusters, options, seed)
    const mean = gossip + digests.perDevice
    const online = clusters.reduce((sum, { members }) => sum + members.length, 0)
    const inCluster = clusters.reduce((sum, { members }) => sum + members.length ** 2, 0) / online
    const joinsPerSecond = 1000 / lengths.meanMs
    const formula = presenceBytes(inCluster, { ...rule, joinsPerSecond, announcements: announced, idBytes: options.idBytes, frameBytes: 0 }) +
      rule.questionsPerSecond * rule.questionBytes + rule.loadsPerSecond * rule.loadBytes + digests.perDevice +
      rule.leaseBytes * copies / 300 + options.memberBytes * inCluster * joinsPerSecond
    const seconds = minutes * 60
    const ofCoordinators = clusters.map(({ coordinatorBytes, bornMs }) => coordinatorBytes / Math.max(60, seconds - bornMs / 1000))
    const parted = clusters.filter(({ depth }) => depth > 0).map(({ members }) => members.length)
    record('mean', mean)
    record('median', at(rates, 0.5))
    record('p99', at(rates, 0.99))
    record('worst', at(rates, 1))
    record('digests', digests.perDevice)
    record('formula', formula)
    record('coordinator', Math.max(...ofCoordinators))
    record('coordinatorMean', ofCoordinators.reduce((sum, bytes) => sum + bytes, 0) / ofCoordinators.length)
    record('zoneCoordinator', digests.zone)
    record('regionCoordinator', digests.region)
    record('clusters', clusters.length)
    record('clusterMean', inCluster)
    record('clusterLeast', Math.min(...parted))
    record('clusterMost', Math.max(...clusters.map(({ members }) => members.length)))
    record('splits', world.splits)
    record('merges', world.joinsOfClusters)
    record('replaced', world.replaced)
    record('changes', world.events / seconds)
    record('copies', copies)
    record('partBytes', digests.partBytes)
    record('zoneBytes', digests.zoneBytes)
    record('wholeBytes', digests.wholeBytes)
    distribution('received by a device', rates, 'B/s')
    distribution('devices of a cluster', clusters.map(({ members }) => members.length), 'devices')
    check('a device receives at most 250 B/s on average', mean <= MOST,
      `${mean.toFixed(0)} B/s; median ${at(rates, 0.5).toFixed(0)}, 99 % ${at(rates, 0.99).toFixed(0)}; busiest coordinator of a cluster ` +
      `${(Math.max(...ofCoordinators) / 1000).toFixed(1)} KB/s, of a region ${(digests.region / 1000).toFixed(0)} KB/s`)
    check('the formula of gossip says the same (±10 %)', Math.abs(mean / formula - 1) <= 0.1, `${mean.toFixed(1)} and ${formula.toFixed(1)} B/s`)
    check('clusters stay within 256 and 1024 but for what a minute changes', Math.min(...parted) >= 230 && Math.max(...parted) <= 1_100,
      `${Math.min(...parted)} to ${Math.max(...parted)}, ${world.splits} halves split off, ${world.joinsOfClusters} joined`)
  }
})

/** Where devices are: a point each, and a zone by Zipf's law. */
function place (
  { regions, zones, skew }: { regions: number, zones: number, skew: number }, seed: number, devices: number
): [points: Uint32Array, zones: Uint16Array] {
  const random = new RandomStream(seed, POINTS)
  const places = new RandomStream(seed, PLACES)
  const weights = Array.from({ length: regions * zones }, (_, i) => 1 / (i + 1) ** skew)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  const upTo = weights.map(weight => (sum += weight / total))
  const zoneOf = Uint16Array.from({ length: devices }, (_, device) => {
    const u = places.float(device, 0)
    const zone = upTo.findIndex(limit => u < limit)
    // the largest zones are in different regions
    return zone < 0 ? 0 : zone % regions * zones + Math.floor(zone / regions)
  })
  return [Uint32Array.from({ length: devices }, (_, device) => random.uint32(device, 0)), zoneOf]
}

/** Copies and announcements of a message that a member of a cluster receives. */
function countCopies (seed: number, degree: number): { copies: number, announced: number } {
  const mesh = new MeshGossip({ seed, nodes: TYPICAL_CLUSTER, degree, connections: 20, lazy: 6, stream: MESH })
  let [copies, announced] = [0, 0]
  for (let message = 0; message < MESSAGES; message++) {
    const spread = mesh.spread(message, { lossRate: 0, silentShare: 0 })
    copies += spread.copies / spread.told / MESSAGES
    announced += spread.announced / spread.told / MESSAGES
  }
  return { copies, announced }
}

function ratesOf ({ received, onlineMs }: ClusterPresence): Float64Array {
  const rates: number[] = []
  for (let device = 0; device < received.length; device++) {
    if ((onlineMs[device] as number) >= LEAST_ONLINE_MS) {
      rates.push(1000 * (received[device] as number) / (onlineMs[device] as number))
    }
  }
  return Float64Array.from(rates).sort()
}

function at (sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

type Capacity = Parameters<typeof addCapacity>[0]

interface DigestCosts {
  /** Received, by all devices */
  perDevice: number
  /** Received and sent by the busiest */
  zone: number
  region: number
  partBytes: number
  zoneBytes: number
  wholeBytes: number
}

/** Digests of the devices there are, as the encoder writes them, and what it costs that each is sent each minute. */
function digestCosts (
  clusters: Cluster[], { regions, zones, models }: { regions: number, zones: number, models: number }, seed: number
): DigestCosts {
  const draws = new RandomStream(seed, MODELS)
  let sum = 0
  const upTo = Float64Array.from({ length: models }, (_, rank) => (sum += 1 / (rank + 1)))
  const keys = Array.from({ length: models }, (_, rank) => digestKey(`model ${rank}`))
  const capacityOf = ({ members }: Cluster): Capacity => {
    const counts = new Map<string, { providers: number, free: number }>()
    for (const device of members) {
      for (let i = 0; i < 2; i++) {
        const key = keys[lowerBound(upTo, draws.float(device, i) * sum)] as string
        const { providers, free } = counts.get(key) ?? { providers: 0, free: 0 }
        counts.set(key, { providers: Math.min(members.length, providers + 1), free: free + 1 + draws.uint32(device, 8 + i) % 8 })
      }
    }
    return { peers: members.length, models: counts }
  }
  const encode = (scope: string, view: 'part' | 'whole', all: Map<string, Capacity>): number => {
    const digest = { origin: 'Q'.repeat(52), seq: 1, issuedAtMs: 1_700_000_000_000, scope, view, regions: all }
    return encodeDigest(digest, view === 'part' ? PART_BYTES : MAX_DIGEST_BYTES).length
  }

  const ofZone: Capacity[] = Array.from({ length: regions * zones }, () => ({ peers: 0, models: new Map() }))
  const received = new Float64Array(regions * zones)
  const children = new Int32Array(regions * zones)
  let [partBytes, zoneBytes, total] = [0, 0, 0]
  for (const cluster of clusters) {
    const capacity = capacityOf(cluster)
    const bytes = encode('region0/zone/', 'part', new Map([['region0', capacity]]))
    partBytes += bytes / clusters.length
    received[cluster.zone]! += bytes / DIGEST_SECONDS
    children[cluster.zone]!++
    ofZone[cluster.zone] = addCapacity(ofZone[cluster.zone] as Capacity, capacity)
  }
  const ofRegion = new Map<string, Capacity>()
  const zoneSizes = ofZone.map((capacity, zone) => {
    const region = `region${Math.floor(zone / zones)}`
    ofRegion.set(region, addCapacity(ofRegion.get(region) ?? { peers: 0, models: new Map() }, capacity))
    const bytes = encode('region0/zone/', 'part', new Map([['region0', capacity]]))
    zoneBytes += bytes / ofZone.length
    return bytes
  })
  const regionSizes = [...ofRegion].map(([region, capacity]) => encode(region, 'part', new Map([[region, capacity]])))
  const wholeBytes = encode('region0', 'whole', ofRegion)
  const devices = [...ofRegion.values()].reduce((peers, capacity) => peers + capacity.peers, 0)
  let [busiestZone, busiestRegion] = [0, 0]
  ofZone.forEach((capacity, zone) => {
    const sent = Math.min((children[zone] as number) * wholeBytes / DIGEST_SECONDS, DIGEST_BYTES_PER_PEER * capacity.peers)
    total += (received[zone] as number) + sent
    busiestZone = Math.max(busiestZone, (received[zone] as number) + sent + (wholeBytes + (zoneSizes[zone] as number)) / DIGEST_SECONDS)
  })
  const across = regionSizes.reduce((bytes, size) => bytes + size, 0) / DIGEST_SECONDS
  ;[...ofRegion.values()].forEach((capacity, region) => {
    const up = zoneSizes.slice(region * zones, (region + 1) * zones).reduce((bytes, size) => bytes + size, 0) / DIGEST_SECONDS
    const own = (regionSizes[region] as number) / DIGEST_SECONDS
    const sent = Math.min(zones * wholeBytes / DIGEST_SECONDS + (regions - 1) * own, DIGEST_BYTES_PER_PEER * capacity.peers)
    total += up + sent
    busiestRegion = Math.max(busiestRegion, up + across - own + sent)
  })
  return { perDevice: total / devices, zone: busiestZone, region: busiestRegion, partBytes, zoneBytes, wholeBytes }
}

function lowerBound (sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) < value) {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low
}
