/** Members of clusters in a simulated world: connections, GossipSub's meshes, a table in the place of the DHT, and what all of it costs. */
import { chooseZone, ClusterMember, encodeAnswer } from '@skein/clusters'
import { randomBelow, randomFloat, SeededRandom } from '@skein/core'
import { peerNameOf } from '@skein/records'
import { constantLatency, Network, SimDriver } from '../../src/index.ts'
import type { ClusterBounds, ClusterEffect, Coordinate, ModelLoad, RegionAnswer, ZoneAnchor } from '@skein/clusters'
import type { MachineNode } from '../../src/index.ts'

interface Gossip {
  topic: string
  from: string
  bytes: Uint8Array
  seen: Set<number>
}

type Message =
  | { type: 'gossip', gossip: Gossip }
  | { type: 'direct', bytes: Uint8Array, topic?: string }
  | { type: 'answer', bytes: Uint8Array, topic: string }

type Node = MachineNode<ClusterEffect, ClusterMember, Message>

export interface MemberWorldInit {
  seed: number
  nodes: number
  bounds: ClusterBounds
  regionOf: (node: number) => string
  weightOf?: (node: number) => number
  loadsOf: (node: number) => ModelLoad[]
  /** Where a peer stands, as it has found out; it chooses its zone by that, and knows where those stand that it is connected to. Default: it does not know */
  coordinateOf?: (node: number) => Coordinate
  /** Who is up at the start; the others are started later. Default: nobody */
  startsUp?: (node: number) => boolean
}

/** Publisher, number, signature, and what RPC, yamux and noise add; the topic and the data come on top. */
const GOSSIP_BYTES = 160
/** A stream for one message: protocol negotiation, yamux and noise both ways. */
const STREAM_BYTES = 200
/** Noise, negotiation and identify of a new connection, both ways. */
const CONNECTION_BYTES = 3000
const SEEK_BYTES = 2000
/** Of the field `lease` of a notice. */
const LEASE_TAG = 0x22
const [MESH, MESH_LOW, MESH_HIGH] = [6, 5, 12]
const FIRST_CONNECTIONS = 8
/** A crash shows at the next keep-alive. */
const CRASH_SHOWS_MS = 10_000

export class MemberWorld {
  readonly sim: SimDriver<ClusterEffect, ClusterMember, Message>
  readonly names: string[]
  /** Bytes sent, by what for */
  readonly sent = { presence: 0, lease: 0, direct: 0, connections: 0, rendezvous: 0 }
  readonly penalties: string[] = []
  private readonly indexes = new Map<string, number>()
  private readonly init: MemberWorldInit
  private readonly random: SeededRandom
  private readonly connections: Array<Set<number>>
  private readonly joined: Array<Map<string, Set<number>>>
  private readonly advertised = new Map<string, Set<number>>()
  private readonly machineIndexes = new WeakMap<ClusterMember, number>()

  constructor (init: MemberWorldInit) {
    const { seed, nodes } = init
    this.init = init
    this.random = new SeededRandom(seed)
    this.names = Array.from({ length: nodes }, (_, i) => testPeer(seed, i))
    this.names.forEach((name, i) => this.indexes.set(name, i))
    this.connections = Array.from({ length: nodes }, () => new Set())
    this.joined = Array.from({ length: nodes }, () => new Map())
    this.sim = new SimDriver({
      seed,
      nodes,
      network: new Network({ seed, nodes, latency: constantLatency(40), jitter: 0.2 }),
      startsUp: init.startsUp ?? (() => false),
      machine: node => this.begin(node),
      perform: (node, effect) => { this.perform(node, effect) },
      deliver: (machine, message, from, nowMs) => { this.deliver(machine, message, from, nowMs) },
      stopped: node => { this.crashed(node.index) }
    })
  }

  machine (node: number): ClusterMember {
    return this.sim.node(node).host.machine
  }

  up (): number[] {
    return this.names.flatMap((_, i) => this.sim.node(i).up ? [i] : [])
  }

  indexOf (name: string): number {
    return this.indexes.get(name) as number
  }

  get totalSent (): number {
    return Object.values(this.sent).reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Says that it leaves, and is gone. */
  leave (node: number): void {
    this.sim.input(node, (machine, nowMs) => { machine.onLeave(nowMs) })
    this.sim.crash(node)
  }

  /** As a peer that asks its coordinator gets it. */
  where (node: number, model: string): RegionAnswer[] | undefined {
    const { coordinator } = this.machine(node)
    const at = coordinator === undefined ? undefined : this.indexOf(coordinator)
    return at === undefined || !this.sim.node(at).up ? undefined : this.machine(at).where(model, this.sim.node(at).nowMs())
  }

  /** Who has the seat of a part, of those that are up. */
  holdersOf (scope: string): number[] {
    return this.up().filter(node => this.machine(node).held.includes(scope))
  }

  /** Peers that are up, by their cluster. */
  clusters (): Map<string, number[]> {
    const clusters = new Map<string, number[]>()
    for (const node of this.up()) {
      const { scope } = this.machine(node)
      clusters.set(scope, [...clusters.get(scope) ?? [], node])
    }
    return clusters
  }

  private begin (node: Node): ClusterMember {
    const { bounds, loadsOf, regionOf, weightOf = () => 1 } = this.init
    const { index } = node
    const self = this.names[index] as string
    this.connections[index]?.clear()
    this.joined[index]?.clear()
    const standing = (): ZoneAnchor[] => this.standing(index)
    const machine = new ClusterMember({ self, region: regionOf(index), bounds, weight: weightOf(index), standing }, node.random, node.nowMs())
    this.machineIndexes.set(machine, index)
    machine.onAddresses([addressOf(index)])
    machine.onLoads(loadsOf(index), node.nowMs())
    // what peer exchange gives a newcomer
    const others = this.up().filter(other => other !== index)
    for (let i = 0; i < Math.min(FIRST_CONNECTIONS, others.length); i++) {
      const other = others[randomBelow(this.random, others.length)] as number
      node.schedule(node.nowMs() + 50, () => { this.connect(index, other) })
    }
    return machine
  }

  private standing (index: number): ZoneAnchor[] {
    const { coordinateOf, regionOf } = this.init
    return coordinateOf === undefined ? [] : [index, ...this.connections[index] ?? []].filter(other => regionOf(other) === regionOf(index))
      .map(other => ({ name: this.names[other] as string, coordinate: coordinateOf(other) }))
  }

  private chooseZone (node: Node, anchors: ZoneAnchor[]): void {
    const coordinate = this.init.coordinateOf?.(node.index)
    if (coordinate !== undefined) {
      node.schedule(node.nowMs() + 100, () => {
        node.host.input((machine, nowMs) => { machine.onZone(chooseZone(coordinate, anchors, machine.scope.split('/')[1]), nowMs) })
      })
    }
  }

  private perform (node: Node, effect: ClusterEffect): void {
    const { index } = node
    switch (effect.type) {
      case 'anchors':
        this.chooseZone(node, effect.anchors)
        break
      case 'join':
        this.joined[index]?.set(effect.topic, new Set())
        this.onSubscription(index, effect.topic)
        break
      case 'leave':
        this.leaveTopic(index, effect.topic)
        break
      case 'publish': {
        const gossip = { topic: effect.topic, from: this.names[index] as string, bytes: effect.bytes, seen: new Set([index]) }
        this.forward(index, gossip)
        break
      }
      case 'send':
      case 'ask':
        this.sendDirect(node, effect)
        break
      case 'connect':
        this.reach(node, effect.peer, () => {})
        break
      case 'probe':
        this.reach(node, effect.peer, reachable => { node.host.input((machine, nowMs) => { machine.onProbed(effect.peer, reachable, nowMs) }) })
        break
      case 'advertise': {
        const peers = this.advertised.get(effect.scope) ?? new Set<number>()
        this.advertised.set(effect.scope, peers)
        peers[effect.active ? 'add' : 'delete'](index)
        break
      }
      case 'seek':
        this.sent.rendezvous += SEEK_BYTES
        node.schedule(node.nowMs() + 500 + 1500 * randomFloat(node.random), () => { this.found(node, effect.scope) })
        break
      case 'penalize':
        this.penalties.push(`${index} on ${this.indexOf(effect.peer)}: ${effect.reason}`)
    }
  }

  private deliver (machine: ClusterMember, message: Message, from: number, nowMs: number): void {
    const self = this.machineIndexes.get(machine) as number
    const peer = this.names[from] as string
    if (message.type === 'gossip') {
      const { topic, from: publisher, bytes, seen } = message.gossip
      if (!seen.has(self) && this.joined[self]?.has(topic) === true) {
        seen.add(self)
        if (machine.verdict(topic, publisher, bytes, nowMs) === 'accept') {
          machine.onNotice(topic, publisher, bytes, nowMs)
          this.forward(self, message.gossip, from)
        }
      }
    } else if (message.type === 'direct') {
      const answer = machine.onMessage(peer, message.bytes, nowMs)
      if (answer !== undefined) {
        if (answer.type === 'members') {
          const connected = [...this.connections[self] as Set<number>].filter(other => other !== from && this.joined[other]?.has(message.topic ?? '') === true)
          answer.answer.near = connected.slice(0, 16).map(other => ({ peer: this.names[other] as string, addresses: [addressOf(other)] }))
        }
        const bytes = encodeAnswer(answer)
        this.sent.direct += bytes.length
        this.sim.send(self, from, { type: 'answer', bytes, topic: message.topic ?? '' }, bytes.length)
      }
    } else {
      machine.onAnswer(peer, message.topic, message.bytes, nowMs)
    }
  }

  private forward (from: number, gossip: Gossip, via?: number): void {
    const size = gossip.bytes.length + gossip.topic.length + GOSSIP_BYTES
    const kind = gossip.bytes[0] === LEASE_TAG ? 'lease' : 'presence'
    const mesh = this.joined[from]?.get(gossip.topic) ?? new Set<number>()
    // the first time it goes to as many as should be in the mesh, even if they are not
    const more = via === undefined && mesh.size < MESH ? this.subscribers(from, gossip.topic).filter(to => !mesh.has(to)).slice(0, MESH - mesh.size) : []
    for (const to of [...mesh, ...more]) {
      if (to !== via) {
        this.sent[kind] += size
        if (!gossip.seen.has(to)) { // a further copy changes nothing there
          this.sim.send(from, to, { type: 'gossip', gossip }, size)
        }
      }
    }
  }

  private sendDirect (node: Node, effect: Extract<ClusterEffect, { type: 'send' | 'ask' }>): void {
    const { peer, bytes, topic } = effect
    this.reach(node, peer, reachable => {
      if (reachable) {
        this.sent.direct += bytes.length + STREAM_BYTES
        node.send(this.indexOf(peer), { type: 'direct', bytes, topic }, bytes.length + STREAM_BYTES)
      } else if (effect.type === 'ask') {
        node.host.input((machine, nowMs) => { machine.onAskFailed(peer, topic ?? '', nowMs) })
      } else {
        node.host.input((machine, nowMs) => { machine.onUnreachable(peer, nowMs) })
      }
    })
  }

  private reach (node: Node, peer: string, onReached: (reachable: boolean) => void): void {
    const other = this.indexOf(peer)
    if (this.connections[node.index]?.has(other) === true && this.sim.node(other).up) {
      onReached(true)
      return
    }
    // a host that is gone does not answer
    node.schedule(node.nowMs() + (this.sim.node(other).up ? 160 : 5000), () => {
      const { up } = this.sim.node(other)
      if (up) {
        this.connect(node.index, other)
      }
      onReached(up)
    })
  }

  private connect (a: number, b: number): void {
    if (a === b || !this.sim.node(a).up || !this.sim.node(b).up || this.connections[a]?.has(b) === true) {
      return
    }
    this.sent.connections += CONNECTION_BYTES
    for (const [one, other] of [[a, b], [b, a]] as Array<[number, number]>) {
      this.connections[one]?.add(other)
      this.later(one, 50, machine => { machine.onConnected(this.names[other] as string) })
    }
    for (const topic of this.joined[a]?.keys() ?? []) {
      if (this.joined[b]?.has(topic) === true) {
        this.tellSubscribers(a, topic)
        this.tellSubscribers(b, topic)
      }
    }
  }

  private later (index: number, afterMs: number, feed: (machine: ClusterMember, nowMs: number) => void): void {
    const { up, starts } = this.sim.node(index)
    if (up) {
      this.sim.at(this.sim.world.elapsedMs + afterMs, index, () => {
        if (this.sim.node(index).starts === starts) {
          this.sim.input(index, feed)
        }
      })
    }
  }

  private found (node: Node, scope: string): void {
    const peers = [...this.advertised.get(scope) ?? []].filter(other => other !== node.index && this.sim.node(other).up)
    node.host.input((machine, nowMs) => {
      for (let i = 0; i < 8 && peers.length > 0; i++) {
        const [other] = peers.splice(randomBelow(this.random, peers.length), 1) as [number]
        machine.onFound(scope, this.names[other] as string, [], nowMs)
      }
      machine.onSought(scope, nowMs)
    })
  }

  private onSubscription (index: number, topic: string): void {
    for (const other of this.connections[index] ?? []) {
      if (this.joined[other]?.has(topic) === true) {
        this.tellSubscribers(other, topic)
      }
    }
    this.tellSubscribers(index, topic)
  }

  private tellSubscribers (index: number, topic: string): void {
    this.fillMesh(index, topic)
    this.later(index, 100, (machine, nowMs) => {
      machine.onSubscribers(topic, this.subscribers(index, topic).map(other => this.names[other] as string), nowMs)
    })
  }

  private subscribers (index: number, topic: string): number[] {
    return [...this.connections[index] as Set<number>].filter(other => this.joined[other]?.has(topic) === true)
  }

  /** As at a heartbeat: below the least, others are taken in. */
  private fillMesh (index: number, topic: string): void {
    const mesh = this.joined[index]?.get(topic)
    if (mesh === undefined || mesh.size >= MESH_LOW) {
      return
    }
    const candidates = this.subscribers(index, topic).filter(other => !mesh.has(other))
    while (mesh.size < MESH && candidates.length > 0) {
      const [other] = candidates.splice(randomBelow(this.random, candidates.length), 1) as [number]
      const theirs = this.joined[other]?.get(topic) as Set<number>
      if (theirs.size >= MESH_HIGH) { // it prunes one, of those that have enough
        const pruned = [...theirs].find(third => (this.joined[third]?.get(topic)?.size ?? 0) > MESH_LOW)
        if (pruned === undefined) {
          continue
        }
        theirs.delete(pruned)
        this.joined[pruned]?.get(topic)?.delete(other)
      }
      mesh.add(other)
      theirs.add(index)
    }
  }

  private leaveTopic (index: number, topic: string): void {
    const mesh = this.joined[index]?.get(topic) ?? new Set()
    this.joined[index]?.delete(topic)
    mesh.forEach(other => this.joined[other]?.get(topic)?.delete(index))
    for (const other of this.connections[index] ?? []) {
      if (this.joined[other]?.has(topic) === true) {
        this.tellSubscribers(other, topic)
      }
    }
  }

  private crashed (index: number): void {
    const connected = [...this.connections[index] as Set<number>]
    const topics = [...this.joined[index]?.keys() ?? []]
    this.advertised.forEach(peers => peers.delete(index))
    this.connections[index]?.clear()
    const meshes = this.joined[index] as Map<string, Set<number>>
    this.joined[index] = new Map()
    for (const other of connected) {
      this.later(other, CRASH_SHOWS_MS * randomFloat(this.random), (machine, nowMs) => {
        this.connections[other]?.delete(index)
        machine.onDisconnected(this.names[index] as string, nowMs)
        for (const topic of topics) {
          meshes.get(topic)?.delete(other)
          this.joined[other]?.get(topic)?.delete(index)
          this.tellSubscribers(other, topic)
        }
      })
    }
  }
}

function addressOf (index: number): string {
  return `/ip4/60.${index >> 16}.${(index >> 8) & 255}.${index & 255}/tcp/4001`
}

/** A peer id like that of an Ed25519 key. */
export function testPeer (seed: number, index: number): string {
  const random = new SeededRandom(seed * 1_000_003 + index)
  return peerNameOf(Uint8Array.from([0, 0x24, 8, 1, 0x12, 0x20, ...Array.from({ length: 32 }, () => random.nextUint32() & 255)]))
}
