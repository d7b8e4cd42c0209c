/**
 * A mesh that Sybils have got into and in which all of them fall silent at once (the covert flash attack of D. Vyzovitis et al., "GossipSub:
 * Attack-Resilient Message Propagation in the Filecoin and ETH2.0 Networks", 2020, §5), heartbeat by heartbeat. Who is in a mesh and has not
 * delivered for long enough is pruned and not taken back (score P3), and its place goes to any other connected device. Announcements are left out,
 * though they would help, and so is all that scores know of the time before.
 */
import { RandomStream } from '../engine/random-stream.ts'

export interface MeshRepairInit {
  seed: number
  honest: number
  /** Links of an honest device to others: even. Every second one is outbound */
  honestLinks: number
  /** Links of an honest device from Sybils: all inbound */
  sybilLinks: number
  /** Links in the mesh, as wanted, at least, at most, and at least of them outbound */
  degree: number
  low: number
  high: number
  outbound: number
  /** Heartbeats in the mesh without a delivery after which a device is pruned; undefined: without scores */
  pruneAfter?: number
  heartbeats: number
  stream: number
}

const [IDLE, MESH, BANNED] = [0, 1, 2]

/** The share of honest devices that a message reaches over the mesh, at the start and after each heartbeat. */
export function repairMesh (init: MeshRepairInit, onHeartbeat: (done: number, total: number) => void = () => {}): number[] {
  const { honest, honestLinks, sybilLinks, degree, low, high, outbound, pruneAfter } = init
  const random = new RandomStream(init.seed, init.stream)
  const width = honestLinks + sybilLinks
  const links = rings(honest, honestLinks, random)
  const state = new Uint8Array(honest * width)
  const since = new Int32Array(honest * width)
  const size = new Int32Array(honest)

  const setMesh = (device: number, slot: number, beat: number): void => {
    state[device * width + slot] = MESH
    since[device * width + slot] = beat
    size[device]!++
  }
  /** Takes one more into the mesh, drawn from those that are neither in it nor banned. */
  const graft = (device: number, beat: number, slots: number, step: number, entity: number): void => {
    const first = Math.floor(random.float(device, entity) * slots)
    for (let i = 0; i < slots; i++) {
      const slot = (first + i) % slots * step
      if (state[device * width + slot] !== IDLE) {
        continue
      }
      if (slot < honestLinks) {
        const other = links[device * honestLinks + slot] as number
        if ((size[other] as number) >= high) {
          continue
        }
        setMesh(other, slot ^ 1, beat)
      }
      setMesh(device, slot, beat)
      return
    }
  }
  const fill = (device: number, beat: number): void => {
    let own = 0
    for (let slot = 0; slot < honestLinks; slot += 2) {
      own += state[device * width + slot] === MESH ? 1 : 0
    }
    for (let i = own; i < outbound; i++) {
      graft(device, beat, honestLinks / 2, 2, 64 * (beat + 2) + i)
    }
    for (let i = size[device] as number; i < degree; i++) {
      graft(device, beat, width, 1, 64 * (beat + 2) + 16 + i)
    }
  }

  for (let device = 0; device < honest; device++) {
    fill(device, 0)
  }
  const reached = [reach(honest, honestLinks, width, links, state)]
  for (let beat = 1; beat <= init.heartbeats; beat++) {
    for (let device = 0; device < honest; device++) {
      for (let slot = honestLinks; slot < width && pruneAfter !== undefined; slot++) {
        const at = device * width + slot
        if (state[at] === MESH && beat - (since[at] as number) >= pruneAfter) {
          state[at] = BANNED
          size[device]!--
        }
      }
      if ((size[device] as number) < low) {
        fill(device, beat)
      }
    }
    reached.push(reach(honest, honestLinks, width, links, state))
    onHeartbeat(beat, init.heartbeats)
  }
  return reached
}

/** Random rings: the slots 2r and 2r + 1 are the next and the one before on the r-th, so that a link is at `slot ^ 1` on its other side. */
function rings (nodes: number, degree: number, random: RandomStream): Int32Array {
  const links = new Int32Array(nodes * degree)
  const ring = Int32Array.from({ length: nodes }, (_, i) => i)
  for (let r = 0; r < degree / 2; r++) {
    for (let i = nodes - 1; i > 0; i--) {
      const j = Math.floor(random.uint32(nodes + r, i) * (i + 1) / 0x100000000)
      const moved = ring[i] as number
      ring[i] = ring[j] as number
      ring[j] = moved
    }
    for (let i = 0; i < nodes; i++) {
      const [device, next] = [ring[i] as number, ring[(i + 1) % nodes] as number]
      links[device * degree + 2 * r] = next
      links[next * degree + 2 * r + 1] = device
    }
  }
  return links
}

/** The share of honest devices in the largest part that hangs together over the mesh. */
function reach (honest: number, honestLinks: number, width: number, links: Int32Array, state: Uint8Array): number {
  const seen = new Uint8Array(honest)
  const queue = new Int32Array(honest)
  let largest = 0
  for (let start = 0; start < honest; start++) {
    if (seen[start] === 1) {
      continue
    }
    let told = 1
    seen[start] = 1
    queue[0] = start
    for (let done = 0; done < told; done++) {
      const device = queue[done] as number
      for (let slot = 0; slot < honestLinks; slot++) {
        const other = links[device * honestLinks + slot] as number
        if (state[device * width + slot] === MESH && seen[other] === 0) {
          seen[other] = 1
          queue[told++] = other
        }
      }
    }
    largest = Math.max(largest, told)
  }
  return largest / honest
}
