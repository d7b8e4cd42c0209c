/** Machines that greet their neighbours in a simulated world: where each comes to think that it stands, and which zone it chooses. */
import { encodeGreeting, Neighbourhood, predictRoundTripMs } from '@skein/clusters'
import { randomBelow, SeededRandom } from '@skein/core'
import { Network, SimDriver } from '../../src/index.ts'
import type { Greeting, NeighbourhoodEffect, NeighbourhoodInit } from '@skein/clusters'
import type { LatencyModel, MachineNode } from '../../src/index.ts'

interface Message {
  type: 'greet' | 'answer'
  greeting: Greeting
  /** By the clock of who greets; an answer brings it back */
  sentMs: number
}

export interface NeighbourhoodWorldInit {
  seed: number
  nodes: number
  latency: LatencyModel
  /** Connections that each node makes to others, at random; it has twice as many on average */
  dials: number
  /** What a node tells instead of the truth */
  lie?: (node: number, truth: Greeting) => Greeting
  neighbourhood?: Partial<NeighbourhoodInit>
}

export interface ZoneChange {
  node: number
  zone: string
  elapsedMs: number
}

/** What goes with a message over yamux and noise, in its direction, as `packages/clusters/test/coordinates.node.ts` finds it; without TCP and IP. */
export const FRAME_BYTES = 62

export class NeighbourhoodWorld {
  readonly sim: SimDriver<NeighbourhoodEffect, Neighbourhood, Message>
  readonly zoneChanges: ZoneChange[] = []
  /** Sent by all together */
  bytes = 0
  private readonly init: NeighbourhoodWorldInit
  private readonly links: number[][]
  /** When those that greet now sent what they are being answered */
  private readonly sentMs = new Map<number, number>()
  private startMs = 0

  constructor (init: NeighbourhoodWorldInit) {
    const { seed, nodes, latency } = init
    this.init = init
    this.links = randomLinks(init)
    this.sim = new SimDriver({
      seed,
      nodes,
      network: new Network({ seed, nodes, latency, jitter: 0.05, delivery: 'stream' }),
      machine: node => {
        const nowMs = node.nowMs()
        this.startMs = nowMs
        const machine = new Neighbourhood({ region: 'eu', ...init.neighbourhood }, node.random, nowMs)
        this.links[node.index]?.forEach(other => { machine.onConnected(String(other), nowMs) })
        return machine
      },
      perform: (node, effect) => { this.perform(node, effect) },
      deliver: (machine, { type, greeting, sentMs }, from, nowMs) => {
        if (type === 'greet') {
          this.sentMs.set(from, sentMs)
          machine.onGreeting(String(from), greeting, nowMs)
        } else {
          machine.onAnswer(String(from), greeting, { roundTripMs: nowMs - sentMs, relayed: false }, nowMs)
        }
      }
    })
  }

  machine (node: number): Neighbourhood {
    return this.sim.node(node).host.machine
  }

  zones (): string[] {
    return Array.from({ length: this.init.nodes }, (_, node) => this.machine(node).zone)
  }

  /** The median and the 90th percentile of the relative errors of predicted round trips among the first so many nodes. */
  errors (among = this.init.nodes): [median: number, p90: number] {
    const random = new SeededRandom(this.init.seed)
    const { latency } = this.init
    const errors: number[] = []
    for (let i = 0; i < 5000; i++) {
      const [a, b] = [randomBelow(random, among), randomBelow(random, among)]
      if (a !== b) {
        const realMs = latency.oneWayMs(a, b) + latency.oneWayMs(b, a)
        errors.push(Math.abs(predictRoundTripMs(this.machine(a).greeting.coordinate, this.machine(b).greeting.coordinate) - realMs) / realMs)
      }
    }
    errors.sort((x, y) => x - y)
    return [errors[errors.length >> 1] as number, errors[Math.floor(errors.length * 0.9)] as number]
  }

  private perform (node: MachineNode<NeighbourhoodEffect, Neighbourhood, Message>, effect: NeighbourhoodEffect): void {
    if (effect.type === 'zone') {
      this.zoneChanges.push({ node: node.index, zone: effect.zone, elapsedMs: node.nowMs() - this.startMs })
    } else if (effect.type === 'greet' || effect.type === 'answer') {
      const to = Number(effect.peer)
      const greeting = this.init.lie?.(node.index, effect.greeting) ?? effect.greeting
      const sizeBytes = encodeGreeting(effect.greeting, 1).length + FRAME_BYTES
      this.bytes += sizeBytes
      node.send(to, { type: effect.type, greeting, sentMs: effect.type === 'greet' ? node.nowMs() : this.sentMs.get(to) as number }, sizeBytes)
    }
  }
}

/** A graph in which each node has made so many links; both ends know of a link. */
function randomLinks ({ seed, nodes, dials }: NeighbourhoodWorldInit): number[][] {
  const random = new SeededRandom(seed)
  const links = Array.from({ length: nodes }, () => new Set<number>())
  for (let node = 0; node < nodes; node++) {
    for (let i = 0; i < dials; i++) {
      const other = randomBelow(random, nodes)
      if (other !== node) {
        links[node]?.add(other)
        links[other]?.add(node)
      }
    }
  }
  return links.map(others => [...others])
}
