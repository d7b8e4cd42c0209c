/** Machines of peer exchange in a simulated world: who starts with whom, how widely each is known, and Sybils that push their own records. */
import { EXCHANGE_BOUNDS, MAX_PEER_RECORD_LIFE_MS, PeerExchange } from '@skein/pex'
import { randomBelow, shuffle } from '@skein/core'
import { constantLatency } from '../engine/latency.ts'
import { Network } from '../engine/network.ts'
import { SimWorld } from '../engine/sim-world.ts'
import type { MachineDriver } from '@skein/core'
import type { PeerExchangeInit, PeerRecord, PexEffect } from '@skein/pex'
import type { SimNode } from '../engine/sim-node.ts'

export type ExchangeMessage =
  | { type: 'ask', records: PeerRecord[], wanted: number }
  | { type: 'answer', records: PeerRecord[] }
  | { type: 'refuse', records: PeerRecord[] }

type Driver = MachineDriver<PexEffect, PeerExchange>
type ExchangeNode = SimNode<Driver | undefined, ExchangeMessage>

export interface ExchangeWorldInit {
  seed: number
  nodes: number
  /** Whom a node knows at its start */
  knows: (node: number) => number[]
  exchange?: Omit<PeerExchangeInit, 'self'>
  /** The last of the nodes: each asks each honest node once a minute, with as many records of Sybils as fit, and answers with such. @default 0 */
  sybils?: number
  /** /24s that Sybils are in; three honest nodes share one. @default 4 */
  sybilNetworks?: number
}

/** As a record with two addresses has. */
const ENVELOPE = new Uint8Array(190)
const HONEST_OF_NETWORK = 3
const SYBIL_BLOCK = 0x800000

export class ExchangeWorld {
  readonly sim: SimWorld<Driver | undefined, ExchangeMessage>
  readonly offences: string[] = []
  readonly honest: number
  /** Sent by all, and how often honest nodes were refused an answer by honest ones */
  bytes = 0
  refused = 0
  private readonly init: ExchangeWorldInit

  constructor (init: ExchangeWorldInit) {
    const { seed, nodes } = init
    this.init = init
    this.honest = nodes - (init.sybils ?? 0)
    this.sim = new SimWorld({
      seed,
      nodes,
      network: new Network({ seed, nodes, latency: constantLatency(30), jitter: 0.2 }),
      create: node => node.index < this.honest ? this.createHonest(node) : this.createSybil(node),
      receive: (node, message, from) => {
        if (node.host === undefined) {
          this.answerAsSybil(node, message, from)
        } else {
          node.host.input((machine, nowMs) => { this.deliver(machine, message, from, nowMs) })
        }
      }
    })
  }

  machine (node: number): PeerExchange {
    return (this.sim.node(node).host as Driver).machine
  }

  /** In how many views of honest nodes that are up each node is. */
  inDegrees (): number[] {
    const degrees = Array.from({ length: this.init.nodes }, () => 0)
    for (let node = 0; node < this.honest; node++) {
      if (this.sim.node(node).up) {
        for (const { record } of this.machine(node).view.values()) {
          degrees[Number(record.peer)]!++
        }
      }
    }
    return degrees
  }

  /** Of each honest node, the share of its view that are Sybils. */
  sybilShares (): Float64Array {
    return Float64Array.from({ length: this.honest }, (_, node) => {
      const { view } = this.machine(node)
      return [...view.values()].filter(({ record }) => Number(record.peer) >= this.honest).length / Math.max(1, view.size)
    })
  }

  /** How many of the honest ones that are up can be reached from the first that is, along views of honest ones. */
  reached (): number {
    const first = Array.from({ length: this.honest }, (_, i) => i).find(node => this.sim.node(node).up) as number
    const seen = new Set([first])
    for (const node of seen) {
      for (const { record } of this.machine(node).view.values()) {
        const peer = Number(record.peer)
        if (peer < this.honest && this.sim.node(peer).up) {
          seen.add(peer)
        }
      }
    }
    return seen.size
  }

  private createHonest (node: ExchangeNode): Driver {
    const machine = new PeerExchange({ ...this.init.exchange, self: String(node.index) }, node.random, node.nowMs())
    machine.onKnown(this.init.knows(node.index).map(other => this.recordOf(other, node.nowMs())), node.nowMs())
    const driver = node.attach<PexEffect, PeerExchange>(machine, effect => { this.perform(node, effect) })
    // what a first effect feeds the machine with must find the driver in place
    node.host = driver
    driver.input(() => {})
    return driver
  }

  private createSybil (node: ExchangeNode): undefined {
    const push = (): void => {
      const records = this.sybilRecords(node, EXCHANGE_BOUNDS.maxAdded)
      for (let target = 0; target < this.honest; target++) {
        node.send(target, { type: 'ask', records, wanted: 1 }, 10_000)
      }
      node.schedule(node.nowMs() + EXCHANGE_BOUNDS.leastPauseMs, push)
    }
    node.schedule(node.nowMs() + randomBelow(node.random, EXCHANGE_BOUNDS.leastPauseMs), push)
    return undefined
  }

  private answerAsSybil (node: ExchangeNode, message: ExchangeMessage, from: number): void {
    if (message.type === 'ask') {
      node.send(from, { type: 'answer', records: this.sybilRecords(node, message.wanted) }, 10_000)
    }
  }

  /** Its own, and others drawn at random. */
  private sybilRecords (node: ExchangeNode, count: number): PeerRecord[] {
    const sybils = Array.from({ length: this.init.sybils ?? 0 }, (_, i) => this.honest + i)
    const others = shuffle(node.random, sybils.filter(other => other !== node.index))
    return [node.index, ...others.slice(0, count - 1)].map(other => this.recordOf(other, node.nowMs()))
  }

  private deliver (machine: PeerExchange, message: ExchangeMessage, from: number, nowMs: number): void {
    if (message.type === 'ask') {
      machine.onAsk(String(from), message, nowMs)
    } else if (message.type === 'answer') {
      machine.onAnswer(String(from), message.records, nowMs)
    } else {
      this.refused++
      machine.onRefused(String(from), message.records, nowMs)
    }
  }

  private perform (node: ExchangeNode, effect: PexEffect): void {
    if (effect.type === 'penalize') {
      this.offences.push(`${node.index} on ${effect.peer}: ${effect.reason}`)
    } else if (effect.type !== 'learned') {
      const message: ExchangeMessage = effect.type === 'ask'
        ? { ...effect, records: [...effect.records, this.recordOf(node.index, node.nowMs())] }
        : effect
      const sizeBytes = message.records.reduce((sum, { envelope }) => sum + envelope.length + 3, 5)
      this.bytes += sizeBytes
      node.send(Number(effect.peer), message, sizeBytes)
    }
  }

  private recordOf (node: number, nowMs: number): PeerRecord {
    const block = node < this.honest ? Math.floor(node / HONEST_OF_NETWORK) : SYBIL_BLOCK + node % (this.init.sybilNetworks ?? 4)
    return {
      peer: String(node),
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + MAX_PEER_RECORD_LIFE_MS,
      addresses: [`/ip4/${60 + (block >> 16)}.${(block >> 8) & 255}.${block & 255}.${node % 200 + 1}/tcp/${4001 + Math.floor(node / 200)}`],
      envelope: ENVELOPE
    }
  }
}
