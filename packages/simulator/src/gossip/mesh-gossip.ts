/**
 * GossipSub's forwarding on typed arrays: a message runs over the mesh, each device passing it on once to all but the one it came from, and is
 * announced at heartbeats to some of the connected devices outside the mesh, which ask for it if they lack it (D. Vyzovitis et al., "GossipSub:
 * Attack-Resilient Message Propagation in the Filecoin and ETH2.0 Networks", 2020, §3). The overlay is a union of random rings: each device has
 * exactly as many links as it should. 4 bytes for each link and 14 for each device.
 */
import { RandomStream } from '../engine/random-stream.ts'

export interface MeshGossipInit {
  seed: number
  nodes: number
  /** Links of a device within the mesh, D: even, at least 2 */
  degree: number
  /** Links of a device in all: even, at least D */
  connections: number
  /** Devices that an announcement goes to at a heartbeat, D_lazy */
  lazy: number
  /** Random streams of which it takes this one and the next two */
  stream: number
}

export interface MeshFault {
  /** Of messages of all kinds, 0 to 1 */
  lossRate: number
  /** Of devices, those that take and never pass on or announce, 0 to 1 */
  silentShare: number
}

export interface Spread {
  /** Devices that are not silent, and of these those that heard it */
  honest: number
  told: number
  /** Copies sent, whether over the mesh or asked for */
  copies: number
  /** Of these, those that were asked for */
  pulled: number
  /** Ids announced, each to one device */
  announced: number
  /** Hops until the last, and until 99 % of those that heard it, had it; a heartbeat is ten hops */
  rounds: number
  rounds99: number
  /** Hops that the farthest is away over the mesh alone, without those that asked for it */
  curve: Array<[round: number, share: number]>
}

/** A hop of 100 ms, and a heartbeat each second: what GossipSub has by default. */
export const HOPS_PER_HEARTBEAT = 10
/** Heartbeats for which a message is announced: `mcacheGossip`. */
export const GOSSIP_HEARTBEATS = 3
/** Announcement, question, answer. */
const PULL_HOPS = 3
const UNKNOWN = -1

export class MeshGossip {
  private readonly init: MeshGossipInit
  private readonly links: Int32Array
  private readonly heardAt: Int32Array
  private readonly heardFrom: Int32Array
  private readonly queue: Int32Array
  private readonly draws: RandomStream
  private readonly silence: RandomStream

  constructor (init: MeshGossipInit) {
    const { seed, nodes, degree, connections, stream } = init
    if (degree % 2 !== 0 || connections % 2 !== 0 || connections < degree || nodes < 3) {
      throw new RangeError(`A mesh needs at least 3 devices and even numbers of links; not ${nodes} devices, ${degree} of ${connections} links`)
    }
    this.init = init
    this.links = new Int32Array(nodes * connections)
    this.heardAt = new Int32Array(nodes)
    this.heardFrom = new Int32Array(nodes)
    this.queue = new Int32Array(nodes)
    this.draws = new RandomStream(seed, stream + 1)
    this.silence = new RandomStream(seed, stream + 2)
    const places = new RandomStream(seed, stream)
    const ring = this.queue
    for (let i = 0; i < nodes; i++) {
      ring[i] = i
    }
    for (let r = 0; r < connections / 2; r++) {
      for (let i = nodes - 1; i > 0; i--) {
        const j = Math.floor(places.uint32(i, r) * (i + 1) / 0x100000000)
        const moved = ring[i] as number
        ring[i] = ring[j] as number
        ring[j] = moved
      }
      for (let i = 0; i < nodes; i++) {
        const [device, next] = [ring[i] as number, ring[i + 1 === nodes ? 0 : i + 1] as number]
        this.links[device * connections + 2 * r] = next
        this.links[next * connections + 2 * r + 1] = device
      }
    }
  }

  static byteLength (nodes: number, connections: number): number {
    return nodes * (4 * connections + 14)
  }

  isSilent (device: number, share: number): boolean {
    return this.silence.float(device, 0) < share
  }

  /** Lets one message start at a device that is not silent. `message` tells its random numbers from those of others. */
  spread (message: number, { lossRate, silentShare }: MeshFault, onRound?: () => void): Spread {
    const { init: { nodes, degree, connections, lazy }, links, heardAt, heardFrom, queue, draws } = this
    const silent = new Uint8Array(nodes)
    let honest = 0
    for (let device = 0; device < nodes; device++) {
      silent[device] = this.isSilent(device, silentShare) ? 1 : 0
      honest += 1 - (silent[device] as number)
    }
    heardAt.fill(UNKNOWN)
    let begin = Math.floor(draws.float(message, 0) * nodes)
    while (honest > 0 && silent[begin] === 1) {
      begin = (begin + 1) % nodes
    }
    // which draws belong to this message: a round number of them for each device
    const base = 1024 * (message + 1)
    const arriving: number[][] = Array.from({ length: PULL_HOPS + 1 }, () => [])
    const curve: Array<[number, number]> = []
    let [told, heard, copies, pulled, announced, last] = [0, 0, 0, 0, 0, 0]
    const tell = (device: number, from: number, round: number): void => {
      if (heardAt[device] === UNKNOWN) {
        heardAt[device] = round
        heardFrom[device] = from
        queue[heard++] = device
        told += 1 - (silent[device] as number)
        last = round
      }
    }

    tell(begin, UNKNOWN, 0)
    curve.push([0, told / honest])
    let [forwarded, oldest] = [0, 0]
    for (let round = 1; round <= last + HOPS_PER_HEARTBEAT * GOSSIP_HEARTBEATS + PULL_HOPS; round++) {
      for (const end = heard; forwarded < end; forwarded++) {
        const device = queue[forwarded] as number
        if (silent[device] === 1) {
          continue
        }
        for (let i = 0; i < degree; i++) {
          const to = links[device * connections + i] as number
          if (to !== heardFrom[device]) {
            copies++
            if (lossRate === 0 || draws.uint32(device, base + i) >= lossRate * 0x100000000) {
              tell(to, device, round)
            }
          }
        }
      }
      const due = arriving[round % arriving.length] as number[]
      for (let i = 0; i < due.length; i += 2) {
        tell(due[i] as number, due[i + 1] as number, round)
      }
      due.length = 0
      while (oldest < heard && (heardAt[queue[oldest] as number] as number) < round - HOPS_PER_HEARTBEAT * GOSSIP_HEARTBEATS) {
        oldest++
      }
      for (let at = oldest; at < heard && lazy > 0 && connections > degree; at++) {
        const device = queue[at] as number
        const beats = this.heartbeat(device, round)
        if (beats < 0 || silent[device] === 1) {
          continue
        }
        const others = connections - degree
        const first = Math.floor(draws.uint32(device, base + 64 + beats) * others / 0x100000000)
        for (let i = 0; i < Math.min(lazy, others); i++) {
          // the connected are in no order: those that follow each other are as good as drawn
          const to = links[device * connections + degree + (first + i) % others] as number
          announced++
          // lost is the announcement, the question, or the answer
          if (heardAt[to] === UNKNOWN && (lossRate === 0 || draws.float(device, 256 + base / 2 + beats * 32 + i) < (1 - lossRate) ** PULL_HOPS)) {
            copies++
            pulled++
            ;(arriving[(round + PULL_HOPS) % arriving.length] as number[]).push(to, device)
          }
        }
      }
      if (round <= last + 1) {
        curve.push([round, told / honest])
      }
      onRound?.()
    }
    const share99 = 0.99 * told / honest
    return {
      honest, told, copies, pulled, announced, curve, rounds: last, rounds99: (curve.find(([, share]) => share >= share99) ?? [last])[0]
    }
  }

  /** Which of its heartbeats since it heard of the message a device has in a round; −1 for none. */
  private heartbeat (device: number, round: number): number {
    const since = round - (this.heardAt[device] as number)
    const phase = Math.floor(this.silence.uint32(device, 7) * HOPS_PER_HEARTBEAT / 0x100000000)
    return since > 0 && since <= HOPS_PER_HEARTBEAT * GOSSIP_HEARTBEATS && round % HOPS_PER_HEARTBEAT === phase
      ? Math.floor((since - 1) / HOPS_PER_HEARTBEAT)
      : -1
  }
}
