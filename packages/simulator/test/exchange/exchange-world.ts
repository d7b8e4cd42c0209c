/** Machines of peer exchange in a simulated world: who starts with whom, and how widely each is known. */
import { MAX_PEER_RECORD_LIFE_MS, PeerExchange } from '@skein/pex'
import { constantLatency, Network, SimDriver } from '../../src/index.ts'
import type { PeerExchangeInit, PeerRecord, PexEffect } from '@skein/pex'
import type { MachineNode } from '../../src/index.ts'

type Message =
  | { type: 'ask', records: PeerRecord[], wanted: number }
  | { type: 'answer', records: PeerRecord[] }
  | { type: 'refuse' }

/** As a record with two addresses has. */
const ENVELOPE = new Uint8Array(190)

export interface ExchangeWorldInit {
  seed: number
  nodes: number
  /** Whom a node knows at its start */
  knows: (node: number) => number[]
  exchange?: Omit<PeerExchangeInit, 'self'>
}

export class ExchangeWorld {
  readonly sim: SimDriver<PexEffect, PeerExchange, Message>
  readonly offences: string[] = []
  bytes = 0
  private readonly nodes: number

  constructor ({ seed, nodes, knows, exchange }: ExchangeWorldInit) {
    this.nodes = nodes
    this.sim = new SimDriver({
      seed,
      nodes,
      network: new Network({ seed, nodes, latency: constantLatency(30), jitter: 0.2 }),
      machine: node => {
        const machine = new PeerExchange({ ...exchange, self: String(node.index) }, node.random, node.nowMs())
        machine.onKnown(knows(node.index).map(other => recordOf(other, node.nowMs())), node.nowMs())
        return machine
      },
      perform: (node, effect) => { this.perform(node, effect) },
      deliver: (machine, message, from, nowMs) => {
        if (message.type === 'ask') {
          machine.onAsk(String(from), message, nowMs)
        } else if (message.type === 'answer') {
          machine.onAnswer(String(from), message.records, nowMs)
        } else {
          machine.onRefused(String(from))
        }
      }
    })
  }

  machine (node: number): PeerExchange {
    return this.sim.node(node).host.machine
  }

  /** In how many views of those that are up each node is. */
  inDegrees (): number[] {
    const degrees = Array.from({ length: this.nodes }, () => 0)
    for (let node = 0; node < this.nodes; node++) {
      if (this.sim.node(node).up) {
        for (const { record } of this.machine(node).view.values()) {
          degrees[Number(record.peer)]!++
        }
      }
    }
    return degrees
  }

  /** How many of those that are up can be reached from the first that is, along views. */
  reached (): number {
    const first = Array.from({ length: this.nodes }, (_, i) => i).find(node => this.sim.node(node).up) as number
    const seen = new Set([first])
    for (const node of seen) {
      for (const { record } of this.machine(node).view.values()) {
        if (this.sim.node(Number(record.peer)).up) {
          seen.add(Number(record.peer))
        }
      }
    }
    return seen.size
  }

  private perform (node: MachineNode<PexEffect, PeerExchange, Message>, effect: PexEffect): void {
    if (effect.type === 'penalize') {
      this.offences.push(`${node.index} on ${effect.peer}: ${effect.reason}`)
    } else if (effect.type !== 'learned') {
      const message: Message = effect.type === 'ask'
        ? { ...effect, records: [...effect.records, recordOf(node.index, node.nowMs())] }
        : effect
      const sizeBytes = message.type === 'refuse' ? 10 : message.records.reduce((sum, { envelope }) => sum + envelope.length + 3, 5)
      this.bytes += sizeBytes
      node.send(Number(effect.peer), message, sizeBytes)
    }
  }
}

function recordOf (node: number, nowMs: number): PeerRecord {
  // three peers of a /24
  const block = Math.floor(node / 3)
  return {
    peer: String(node),
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + MAX_PEER_RECORD_LIFE_MS,
    addresses: [`/ip4/${60 + (block >> 16)}.${(block >> 8) & 255}.${block & 255}.${node % 3 + 1}/tcp/4001`],
    envelope: ENVELOPE
  }
}
