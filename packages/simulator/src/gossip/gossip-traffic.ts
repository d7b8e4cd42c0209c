/**
 * What gossip costs: bytes that a device receives in a second, as sums over rates and sizes. All are means over devices; what one sends another
 * receives, so that sent and received are the same on average. Used with amplifications that `MeshGossip` counts.
 */

export interface TrafficAssumptions {
  /** Joins of one device in a second, and as many leaves: 1 / mean session of those online */
  joinsPerSecond: number
  joinBytes: number
  leaveBytes: number
  /** Copies of a message that a device receives */
  copies: number
  /** Announcements of a message that a device receives, each of `idBytes` */
  announcements: number
  idBytes: number
  /** Changes of load that a device tells its coordinator, or in flat gossip everybody */
  loadsPerSecond: number
  loadBytes: number
  /** What the transport adds to a message that is sent to one */
  frameBytes: number
}

export interface HierarchyAssumptions extends TrafficAssumptions {
  /** Devices of a cluster */
  clusterSize: number
  /** Children of a coordinator above the clusters */
  fanOut: number
  digestPeriodSeconds: number
  /** Models there are, how many of them a device serves, and the bytes for one in a digest; they are chosen by Zipf's law with exponent 1 */
  models: number
  modelsOfDevice: number
  modelBytes: number
  questionsPerSecond: number
  answerBytes: number
}

export const MAX_DIGEST_BYTES = 64 * 1024

/** What a seed that broadcasts all joins and leaves sends each device: one copy each. */
export function broadcastBytes (nodes: number, { joinsPerSecond, joinBytes, leaveBytes }: TrafficAssumptions): number {
  return nodes * joinsPerSecond * (joinBytes + leaveBytes)
}

/** Presence in flat gossip, or in one cluster of so many devices. */
export function presenceBytes (nodes: number, traffic: TrafficAssumptions): number {
  return broadcastBytes(nodes, traffic) * traffic.copies + 2 * nodes * traffic.joinsPerSecond * traffic.announcements * traffic.idBytes
}

/** Changes of load in flat gossip. */
export function flatLoadBytes (nodes: number, { loadsPerSecond, loadBytes, copies, announcements, idBytes }: TrafficAssumptions): number {
  return nodes * loadsPerSecond * (loadBytes * copies + announcements * idBytes)
}

export interface HierarchyTraffic {
  /** Levels of coordinators, that of the clusters included */
  levels: number
  presence: number
  loads: number
  digests: number
  questions: number
  total: number
  /** Received and sent by the busiest coordinator of any level */
  busiestCoordinator: number
  /** The digest of all, after it is cut to its bound */
  digestBytes: number
  /** Of questions, those for a model that the digest of all has room for */
  coverage: number
}

/**
 * Gossip within clusters, and a tree of coordinators: each tells the one above it its digest, each above the clusters passes those of its own level
 * and of all above down to its children; members tell their coordinator their load, and ask it.
 */
export function hierarchyTraffic (nodes: number, assumptions: HierarchyAssumptions): HierarchyTraffic {
  const { fanOut, digestPeriodSeconds, loadsPerSecond, loadBytes, frameBytes, questionsPerSecond, answerBytes } = assumptions
  const cluster = Math.min(nodes, assumptions.clusterSize)
  const presence = presenceBytes(cluster, assumptions)
  const loads = loadsPerSecond * (loadBytes + frameBytes)
  const questions = questionsPerSecond * (answerBytes + 2 * frameBytes)

  const sizes: number[] = [] // the devices below a coordinator of each level, and how many there are of them
  const counts: number[] = []
  for (let size = cluster; ; size = Math.min(nodes, size * fanOut)) {
    sizes.push(size)
    counts.push(Math.ceil(nodes / size))
    if (size >= nodes) {
      break
    }
  }
  const digest = sizes.map(size => digestBytes(size, assumptions))
  let [digests, busiest] = [0, 0]
  for (let level = 0; level < sizes.length; level++) {
    const hasParent = level + 1 < sizes.length
    const children = level === 0 ? 0 : (counts[level - 1] as number) / (counts[level] as number)
    // the digests that come down to it: one of each level above
    const down = digest.slice(level + 1).reduce((sum, bytes) => sum + bytes, 0)
    const up = hasParent ? digest[level] as number : 0
    const received = (children * (level === 0 ? 0 : digest[level - 1] as number) + down) / digestPeriodSeconds
    const sent = (up + children * (level === 0 ? 0 : (digest[level] as number) + down)) / digestPeriodSeconds
    digests += (counts[level] as number) * received / nodes
    const members = level === 0 ? cluster * (loads + questions) : 0
    // a coordinator of a level is a member of some cluster too, and coordinates one itself at worst
    const below = level === 0 ? 0 : cluster * (loads + questions)
    busiest = Math.max(busiest, received + sent + members + below + 2 * presence)
  }
  const top = digest[digest.length - 1] as number
  const coverage = harmonic(Math.min(assumptions.models, Math.floor(MAX_DIGEST_BYTES / assumptions.modelBytes))) / harmonic(assumptions.models)
  return {
    levels: sizes.length, presence, loads, digests, questions, total: presence + loads + digests + questions, busiestCoordinator: busiest,
    digestBytes: top, coverage
  }
}

/** The models that so many devices serve between them, one entry each, the most popular first, up to the bound. */
export function digestBytes (devices: number, { models, modelsOfDevice, modelBytes }: HierarchyAssumptions): number {
  const sum = harmonic(models)
  let expected = 0
  for (let rank = 1; rank <= models; rank++) {
    expected += -Math.expm1(devices * modelsOfDevice * Math.log1p(-1 / (rank * sum + 1e-12)))
  }
  return Math.min(MAX_DIGEST_BYTES, expected * modelBytes)
}

function harmonic (count: number): number {
  let sum = 0
  for (let i = 1; i <= count; i++) {
    sum += 1 / i
  }
  return sum
}
