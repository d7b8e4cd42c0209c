/**
 * Who is in which cluster, as millions of devices come and go: clusters split and joined by `partitionClusters` of `@skein/clusters`, coordinators by
 * its lots, and the bytes that each device receives for it. Gossip costs all members of a cluster the same, so that a cluster keeps one sum and a
 * device what the sum was when it came: an event costs the same however large the cluster is. 40 bytes a device.
 */
import { MAX_CLUSTER_PEERS, MIN_CLUSTER_PEERS, partitionClusters, rendezvousOrder, scopeName, seatEpoch } from '@skein/clusters'

/** Bytes of the kinds of messages, and how often they are sent. */
export interface PresenceRule {
  /** A join, a leave or what says that one has gone, and a lease: as GossipSub sends them, signature and topic included */
  joinBytes: number
  leaveBytes: number
  leaseBytes: number
  /** Copies of a message in gossip that a device receives, and bytes of announcements of it */
  copies: number
  announcedBytes: number
  /** Of each member, in the list that a newcomer gets */
  memberBytes: number
  /** A load that a device tells its coordinator, and how many of them in a second */
  loadBytes: number
  loadsPerSecond: number
  /** A question and its answer, together, and how many of them in a second */
  questionBytes: number
  questionsPerSecond: number
  heartbeatBytes: number
}

export interface ClusterPresenceInit {
  devices: number
  zones: number
  zoneOf: (device: number) => number
  pointOf: (device: number) => number
  /** Whether it may coordinate */
  isEligible: (device: number) => boolean
  rule: PresenceRule
  startMs: number
}

export interface Cluster {
  readonly zone: number
  readonly prefix: number
  readonly depth: number
  readonly members: number[]
  bornMs: number
  /** What each member has received in gossip */
  gossip: number
  coordinator: number
  /** Received and sent by its coordinators for it */
  coordinatorBytes: number
}

const HEARTBEAT_MS = 12_000
const IN_LINE = 8
const RENEW_MS = 300_000
/** A lease of ten minutes passes before somebody who has come to be first takes a seat. */
const CHALLENGE_PERIODS = 10
const NOBODY = -1

export class ClusterPresence {
  readonly clusters = new Set<Cluster>()
  readonly received: Float64Array
  readonly onlineMs: Float64Array
  splits = 0
  joinsOfClusters = 0
  replaced = 0
  events = 0
  private readonly init: ClusterPresenceInit
  private readonly byZone: Cluster[][]
  private readonly clusterOf: Array<Cluster | undefined>
  private readonly placeOf: Int32Array
  private readonly gossipAt: Float64Array
  private readonly cameAt: Float64Array
  private nowMs: number
  private periods = 0

  constructor (init: ClusterPresenceInit, isOnline: (device: number) => boolean) {
    const { devices, zones } = init
    this.init = init
    this.nowMs = init.startMs
    this.received = new Float64Array(devices)
    this.onlineMs = new Float64Array(devices)
    this.clusterOf = new Array<Cluster | undefined>(devices)
    this.placeOf = new Int32Array(devices)
    this.gossipAt = new Float64Array(devices)
    this.cameAt = new Float64Array(devices)
    const members: number[][] = Array.from({ length: zones }, () => [])
    for (let device = 0; device < devices; device++) {
      if (isOnline(device)) {
        members[init.zoneOf(device)]?.push(device)
        this.cameAt[device] = init.startMs
      }
    }
    this.byZone = members.map((all, zone) => this.divide(zone, all))
  }

  /** A device comes or goes. */
  onChange (device: number, online: boolean, nowMs: number): void {
    const { rule } = this.init
    this.nowMs = nowMs
    this.events++
    if (online) {
      const cluster = this.find(this.init.zoneOf(device), this.init.pointOf(device))
      this.spread(cluster, rule.joinBytes)
      const list = rule.memberBytes * cluster.members.length
      this.received[device]! += list
      cluster.coordinatorBytes += list
      this.cameAt[device] = nowMs
      this.enter(cluster, device)
      if (cluster.coordinator === NOBODY) {
        this.seat(cluster, this.best(cluster))
      }
      return
    }
    const cluster = this.clusterOf[device] as Cluster
    this.leave(cluster, device)
    this.onlineMs[device]! += nowMs - (this.cameAt[device] as number)
    this.spread(cluster, rule.leaveBytes)
    if (cluster.coordinator === device) {
      this.replaced++
      // what was told it is told again, to the next
      this.seat(cluster, this.best(cluster))
      cluster.coordinatorBytes += cluster.members.length * rule.loadBytes
    }
  }

  /** What happens regularly: heartbeats, leases, loads, questions; then zones are divided anew where a cluster is too large or too small. */
  onPeriod (periodMs: number, nowMs: number): void {
    this.nowMs = nowMs
    this.periods++
    const { rule } = this.init
    const seconds = periodMs / 1000
    for (const cluster of this.clusters) {
      const { members, coordinator } = cluster
      const told = members.length * seconds * rule.loadsPerSecond * rule.loadBytes
      const asked = members.length * seconds * rule.questionsPerSecond * rule.questionBytes
      const beats = rule.heartbeatBytes * periodMs / HEARTBEAT_MS
      cluster.gossip += rule.leaseBytes * rule.copies * periodMs / RENEW_MS + asked / Math.max(1, members.length)
      cluster.coordinatorBytes += told + asked + beats * Math.min(IN_LINE, members.length)
      if (coordinator !== NOBODY) {
        this.received[coordinator]! += told
      }
      for (let i = 0; i < Math.min(IN_LINE, members.length); i++) {
        this.received[members[i] as number]! += beats
      }
      if (this.periods % CHALLENGE_PERIODS === 0) {
        this.challenge(cluster)
      }
    }
    this.byZone.forEach((clusters, zone) => {
      const size = clusters.reduce((sum, { members }) => sum + members.length, 0)
      const isWrong = ({ members, depth }: Cluster): boolean =>
        members.length > MAX_CLUSTER_PEERS || (depth > 0 && members.length < MIN_CLUSTER_PEERS)
      if (size > 0 && clusters.some(isWrong)) {
        this.divideAnew(zone, clusters)
      }
    })
  }

  /** Settles what all that are online have received by now. */
  settle (nowMs: number): void {
    this.nowMs = nowMs
    for (const cluster of this.clusters) {
      for (const device of cluster.members) {
        this.settleOne(cluster, device)
        this.onlineMs[device]! += nowMs - (this.cameAt[device] as number)
        this.cameAt[device] = nowMs
      }
    }
  }

  scopeOf ({ zone, prefix, depth }: Cluster): string {
    return scopeName('region', `zone${zone}`, prefix, depth)
  }

  private spread (cluster: Cluster, bytes: number): void {
    const { copies, announcedBytes } = this.init.rule
    cluster.gossip += bytes * copies + announcedBytes
  }

  private enter (cluster: Cluster, device: number): void {
    this.clusterOf[device] = cluster
    this.placeOf[device] = cluster.members.push(device) - 1
    this.gossipAt[device] = cluster.gossip
  }

  private leave (cluster: Cluster, device: number): void {
    this.settleOne(cluster, device)
    const [place, last] = [this.placeOf[device] as number, cluster.members.pop() as number]
    if (last !== device) {
      cluster.members[place] = last
      this.placeOf[last] = place
    }
    this.clusterOf[device] = undefined
  }

  private settleOne (cluster: Cluster, device: number): void {
    this.received[device]! += cluster.gossip - (this.gossipAt[device] as number)
    this.gossipAt[device] = cluster.gossip
  }

  private find (zone: number, point: number): Cluster {
    const clusters = this.byZone[zone] as Cluster[]
    let [low, high] = [0, clusters.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const { prefix, depth } = clusters[middle] as Cluster
      if (prefix * 2 ** (32 - depth) <= point) {
        low = middle
      } else {
        high = middle - 1
      }
    }
    return clusters[low] as Cluster
  }

  /** The clusters of a zone, in the order of their points. `depthAt` says what there was before. */
  private divide (zone: number, members: number[], depthAt?: (point: number) => number): Cluster[] {
    const { pointOf } = this.init
    const ordered = members.sort((a, b) => pointOf(a) - pointOf(b))
    const parts = partitionClusters(Uint32Array.from(ordered, pointOf), {}, depthAt)
    const clusters = parts.map(({ prefix, depth, from, to }) => {
      const cluster: Cluster = {
        zone, prefix, depth, members: [], bornMs: this.nowMs, gossip: 0, coordinator: NOBODY, coordinatorBytes: 0
      }
      ordered.slice(from, to).forEach(device => { this.enter(cluster, device) })
      this.clusters.add(cluster)
      this.seat(cluster, this.best(cluster))
      return cluster
    })
    return clusters.length > 0 ? clusters : [this.emptyCluster(zone)]
  }

  private emptyCluster (zone: number): Cluster {
    const cluster: Cluster = {
      zone, prefix: 0, depth: 0, members: [], bornMs: this.nowMs, gossip: 0, coordinator: NOBODY, coordinatorBytes: 0
    }
    this.clusters.add(cluster)
    return cluster
  }

  private divideAnew (zone: number, before: Cluster[]): void {
    const { memberBytes } = this.init.rule
    const old = new Map<number, Cluster>()
    for (const cluster of before) {
      for (const device of cluster.members) {
        this.settleOne(cluster, device)
        old.set(device, cluster)
      }
    }
    const oldAt = (point: number): Cluster => this.find(zone, point)
    const after = this.divide(zone, [...old.keys()], point => oldAt(point).depth)
    after.forEach(cluster => {
      const same = before.find(({ prefix, depth }) => prefix === cluster.prefix && depth === cluster.depth)
      if (same !== undefined) {
        // nothing changed here: it goes on as it was
        const { bornMs, coordinator, coordinatorBytes } = same
        Object.assign(cluster, { bornMs, coordinator, coordinatorBytes, gossip: 0 })
        return
      }
      const parts = new Set(cluster.members.map(device => old.get(device)))
      if (parts.size === 1) {
        this.splits++
      } else {
        this.joinsOfClusters++
      }
      for (const device of cluster.members) {
        // of those that it did not know it gets a list
        const list = memberBytes * (cluster.members.length - (old.get(device) as Cluster).members.length)
        this.received[device]! += Math.max(0, list)
        cluster.coordinatorBytes += Math.max(0, list)
      }
    })
    before.forEach(cluster => { this.clusters.delete(cluster) })
    this.byZone[zone] = after
  }

  /** The first in line of those that may. */
  private best (cluster: Cluster, incumbent?: number): number {
    const { isEligible, startMs } = this.init
    const candidates = cluster.members.filter(isEligible).map(device => ({ peer: String(device), weight: 1 }))
    const [first] = rendezvousOrder(candidates, this.scopeOf(cluster), seatEpoch(startMs), incumbent === undefined ? undefined : String(incumbent))
    return first === undefined ? NOBODY : Number(first.peer)
  }

  /** A newcomer takes the seat when it comes first though the incumbent counts more. */
  private challenge (cluster: Cluster): void {
    const best = this.best(cluster, cluster.coordinator)
    if (best !== cluster.coordinator) {
      this.replaced++
      this.seat(cluster, best)
      cluster.coordinatorBytes += cluster.members.length * this.init.rule.loadBytes
    }
  }

  private seat (cluster: Cluster, device: number): void {
    cluster.coordinator = device
    if (device !== NOBODY) {
      this.spread(cluster, this.init.rule.leaseBytes)
    }
  }
}
