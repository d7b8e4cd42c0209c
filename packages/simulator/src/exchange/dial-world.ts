/**
 * Nodes of which each runs the machines that make it dial strangers: exchange, outbound connections and feelers, with one set of limits between them.
 * Attackers tell them of a victim's addresses, under as many names as they like. What reaches the victim is counted.
 */
import { AddressTables, DialLimits, EXCHANGE_BOUNDS, MAX_PEER_RECORD_LIFE_MS, OutboundKeeper, PeerExchange } from '@skein/pex'
import { randomBelow, randomBytes } from '@skein/core'
import { constantLatency } from '../engine/latency.ts'
import { Network } from '../engine/network.ts'
import { SimWorld } from '../engine/sim-world.ts'
import type { MachineDriver } from '@skein/core'
import type { DialLimitsInit, OutboundEffect, PeerRecord, PexEffect } from '@skein/pex'
import type { SimNode } from '../engine/sim-node.ts'

export interface DialWorldInit {
  seed: number
  /** Honest nodes */
  nodes: number
  /** Attackers, each of which may ask each node once a minute, and is asked */
  attackers: number
  /** At most so many of them do, of each node: what is more changes nothing, since the limits are reached */
  maxAskers: number
  /** Addresses of a made-up record, all of them the victim's; `mixed`: the first is the attacker's own, and answers */
  record: 'victim' | 'mixed'
  /** Of each node */
  dials: DialLimitsInit
  /** From then on the attackers tell of the victim, minutes */
  attackFrom: number
}

/** An attacker answers under the name that it was asked by: it made it, and has its key. */
type Message =
  | { type: 'ask', to: string, records: PeerRecord[], wanted: number }
  | { type: 'answer', as: string, records: PeerRecord[] }
  | { type: 'refuse', as: string, records: PeerRecord[] }
  | { type: 'connect', to: string }
  | { type: 'accept', as: string }
  | { type: 'close' }

interface Host {
  exchange: MachineDriver<PexEffect, PeerExchange>
  outbound: MachineDriver<OutboundEffect, OutboundKeeper>
  tables: AddressTables
}

type Node = SimNode<Host | undefined, Message>

const MINUTE_MS = 60_000
const ENVELOPE = new Uint8Array(190)
const KNOWN = 20
const HONEST_OF_NETWORK = 3
const ADDRESSES = 4
const VICTIM = '198.18.7.'
/** Nobody is there, or it refuses: the dialler hears of it soon. */
const REFUSED_MS = 100

export class DialWorld {
  readonly sim: SimWorld<Host | undefined, Message>
  /** Dials at the victim: who, and when */
  readonly hits: Array<{ node: number, atMs: number }> = []
  private readonly init: DialWorldInit
  private names = 0

  constructor (init: DialWorldInit) {
    const { seed, nodes, attackers } = init
    this.init = init
    this.sim = new SimWorld<Host | undefined, Message>({
      seed,
      nodes: nodes + attackers,
      network: new Network({ seed, nodes: nodes + attackers, latency: constantLatency(30), jitter: 0.2 }),
      create: node => node.index < nodes ? this.createHonest(node) : this.createAttacker(node),
      receive: (node, message, from) => { this.receive(node, message, from) }
    })
  }

  /** Connections of its own making, of each honest node. */
  outbound (): number[] {
    return Array.from({ length: this.init.nodes }, (_, node) => (this.sim.node(node).host as Host).outbound.machine.reserved.length)
  }

  private createHonest (node: Node): Host {
    const dials = new DialLimits(this.init.dials)
    const tables = new AddressTables({ key: randomBytes(node.random, 16) })
    const nowMs = node.nowMs()
    const exchange = node.attach<PexEffect, PeerExchange>(
      new PeerExchange({ self: String(node.index), dials }, node.random, nowMs), effect => { this.performExchange(node, effect) })
    const outbound = node.attach<OutboundEffect, OutboundKeeper>(
      new OutboundKeeper({ tables, dials }, node.random, nowMs), effect => { this.performOutbound(node, effect) })
    node.host = { exchange, outbound, tables }
    const known = Array.from({ length: KNOWN }, (_, i) => i).filter(other => other !== node.index).map(other => this.recordOf(other, nowMs))
    known.forEach(({ peer, addresses }) => { tables.add(peer, addresses, { peer: String(node.index) }) })
    exchange.input(machine => { machine.onKnown(known, nowMs) })
    outbound.input(() => {})
    return node.host
  }

  private createAttacker (node: Node): undefined {
    const { nodes, attackers, maxAskers } = this.init
    let minute = 0
    const push = (): void => {
      for (let target = 0; target < nodes; target++) {
        // each minute others, so that all nodes hear of as many
        if ((node.index + target + minute) % attackers < maxAskers) {
          node.send(target, { type: 'ask', to: String(target), records: this.fakeRecords(node, EXCHANGE_BOUNDS.maxAdded), wanted: 1 }, 10_000)
        }
      }
      minute++
      node.schedule(node.nowMs() + EXCHANGE_BOUNDS.leastPauseMs, push)
    }
    node.schedule(node.nowMs() + this.init.attackFrom * MINUTE_MS + randomBelow(node.random, EXCHANGE_BOUNDS.leastPauseMs), push)
    return undefined
  }

  private receive (node: Node, message: Message, from: number): void {
    const { host } = node
    if (host === undefined) {
      this.receiveAsAttacker(node, message, from)
      return
    }
    const [peer, nowMs] = ['as' in message ? message.as : String(from), node.nowMs()]
    switch (message.type) {
      case 'ask':
        host.exchange.input(machine => { machine.onAsk(peer, message, nowMs) })
        break
      case 'answer':
        host.exchange.input(machine => { machine.onAnswer(peer, message.records, nowMs) })
        break
      case 'refuse':
        host.exchange.input(machine => { machine.onRefused(peer, message.records, nowMs) })
        break
      case 'connect':
        host.exchange.input(machine => { machine.onConnected(peer, nowMs) })
        host.outbound.input(machine => { machine.onConnected(peer, undefined, nowMs) })
        node.send(from, { type: 'accept', as: String(node.index) }, 100)
        break
      case 'accept':
        host.exchange.input(machine => { machine.onConnected(peer, nowMs) })
        host.outbound.input(machine => { machine.onConnected(peer, this.addressOf(from), nowMs) })
        break
      case 'close':
        host.exchange.input(machine => { machine.onDisconnected(peer, nowMs) })
        host.outbound.input(machine => { machine.onDisconnected(peer, nowMs) })
    }
  }

  private receiveAsAttacker (node: Node, message: Message, from: number): void {
    if (message.type === 'ask') {
      const attacks = node.nowMs() - this.sim.startMs >= this.init.attackFrom * MINUTE_MS
      node.send(from, { type: 'answer', as: message.to, records: attacks ? this.fakeRecords(node, message.wanted) : [] }, 10_000)
    } else if (message.type === 'connect') {
      node.send(from, { type: 'accept', as: message.to }, 100)
    }
  }

  private performExchange (node: Node, effect: PexEffect): void {
    const host = node.host as Host
    if (effect.type === 'ask') {
      this.countHits(node, effect.addresses)
      const target = this.targetOf(effect.peer, effect.addresses)
      if (target === undefined) {
        node.schedule(node.nowMs() + REFUSED_MS, () => { host.exchange.input(machine => { machine.onAskFailed(effect.peer) }) })
      } else {
        const records = [...effect.records, this.recordOf(node.index, node.nowMs())]
        node.send(target, { type: 'ask', to: effect.peer, records, wanted: effect.wanted }, 10_000)
      }
    } else if (effect.type === 'answer') {
      node.send(Number(effect.peer), { type: 'answer', as: String(node.index), records: effect.records }, 10_000)
    } else if (effect.type === 'refuse') {
      node.send(Number(effect.peer), { type: 'refuse', as: String(node.index), records: effect.records }, 2_000)
    } else if (effect.type === 'learned') {
      const address = this.addressOf(Number(effect.source.split(' ')[0]))
      effect.records.forEach(({ peer, addresses }) => { host.tables.add(peer, addresses, { peer: effect.source, address }) })
    }
  }

  private performOutbound (node: Node, effect: OutboundEffect): void {
    const host = node.host as Host
    if (effect.type === 'dial') {
      this.countHits(node, effect.addresses)
      const target = this.targetOf(effect.peer, effect.addresses)
      if (target === undefined) {
        node.schedule(node.nowMs() + REFUSED_MS, () => { host.outbound.input(machine => { machine.onDialFailed(effect.peer) }) })
      } else {
        node.send(target, { type: 'connect', to: effect.peer }, 100)
      }
    } else if (effect.type === 'close') {
      node.send(Number(effect.peer.split(' ')[0]), { type: 'close' }, 10)
      const nowMs = node.nowMs()
      host.exchange.input(machine => { machine.onDisconnected(effect.peer, nowMs) })
      host.outbound.input(machine => { machine.onDisconnected(effect.peer, nowMs) })
    }
  }

  /** Who answers there as that peer: a made-up name leads nowhere, or to who made it up. */
  private targetOf (peer: string, addresses: readonly string[]): number | undefined {
    const [index, name] = peer.split(' ')
    return name === undefined || addresses.some(address => !address.includes(VICTIM)) ? Number(index) : undefined
  }

  private countHits (node: Node, addresses: readonly string[]): void {
    const atMs = node.nowMs() - this.sim.startMs
    for (const address of addresses) {
      if (address.includes(VICTIM)) {
        this.hits.push({ node: node.index, atMs })
      }
    }
  }

  /** The attacker's own record, which makes each message a link, and made-up ones. */
  private fakeRecords (node: Node, count: number): PeerRecord[] {
    return Array.from({ length: count }, (_, i) => {
      const name = this.names++
      const addresses = Array.from({ length: ADDRESSES }, (_, at) => `/ip4/${VICTIM}${(name + at) % 250 + 1}/tcp/${1024 + (name >> 3) % 60_000}`)
      if (this.init.record === 'mixed') {
        addresses[0] = this.addressOf(node.index)
      }
      return i === 0 ? this.recordOf(node.index, node.nowMs()) : this.record(`${node.index} ${name}`, addresses, node.nowMs())
    })
  }

  private recordOf (node: number, nowMs: number): PeerRecord {
    return this.record(String(node), [this.addressOf(node)], nowMs)
  }

  private record (peer: string, addresses: string[], nowMs: number): PeerRecord {
    return { peer, issuedAtMs: nowMs, expiresAtMs: nowMs + MAX_PEER_RECORD_LIFE_MS, addresses, envelope: ENVELOPE }
  }

  /** Three of a /24, and each /24 in a /16 of its own as far as there are any. */
  private addressOf (node: number): string {
    const block = Math.floor(node / HONEST_OF_NETWORK)
    return `/ip4/${20 + block % 100}.${Math.floor(block / 100) % 250}.${Math.floor(block / 25_000)}.${node % HONEST_OF_NETWORK + 1}/tcp/4001`
  }
}
