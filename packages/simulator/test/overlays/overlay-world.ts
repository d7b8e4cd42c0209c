/**
 * Machines of model overlays in a simulated world: providers and callers of one model, connections at random and those that the machines ask for, and
 * messages that are passed on along connections of those that are in the topic.
 */
import { ModelOverlays } from '@skein/clusters'
import { randomBelow, randomFloat, SeededRandom } from '@skein/core'
import { MAX_OFFER_LIFE_MS } from '@skein/records'
import { Network, SimWorld } from '../../src/index.ts'
import type { OverlayEffect, OverlayOptions, OwnLoad } from '@skein/clusters'
import type { MachineDriver } from '@skein/core'
import type { SignedOffer } from '@skein/records'
import type { LatencyModel, SimNode } from '../../src/index.ts'

const MODEL = 'm'
const PLACES = 4
const CALL_EVERY_MS = 60_000
/** Of a lookup on the way to a call. */
const FOUND_BY_CALL = 20
const ENVELOPE = new Uint8Array(400)

interface Gossip {
  signed: SignedOffer
  publishedMs: number
  /** Nodes that have it */
  had: Uint8Array
}

type Host = MachineDriver<OverlayEffect, ModelOverlays>
type Node = SimNode<Host, Gossip>

export interface OverlayWorldInit {
  seed: number
  providers: number
  callers: number
  /** Connections of a node to begin with, about */
  links: number
  latency: LatencyModel
  /** How long a provider has room, and is full, on average; left out, it has room always */
  freeMs?: number
  fullMs?: number
  options?: OverlayOptions
}

/** A provider had no room any more, and so much later callers that held its offer knew, or did not. */
export interface Overload {
  told: number
  holders: number
}

export class OverlayWorld {
  readonly world: SimWorld<Host, Gossip>
  /** Times of messages published, ms since the start */
  readonly published: number[] = []
  /** How long messages took to callers, ms */
  readonly delaysMs: number[] = []
  readonly overloads: Overload[] = []
  readonly joins: number[] = []
  readonly leaves: number[] = []
  private readonly init: OverlayWorldInit
  private readonly links: Array<Set<number>>
  private readonly joined: Uint8Array
  private readonly loads: OwnLoad[]
  private readonly toldMs: Float64Array
  private readonly random: SeededRandom

  constructor (init: OverlayWorldInit) {
    this.init = init
    const nodes = init.providers + init.callers
    this.random = new SeededRandom(init.seed)
    this.links = Array.from({ length: nodes }, () => new Set<number>())
    this.joined = new Uint8Array(nodes)
    this.loads = Array.from({ length: init.providers }, () => ({ queueDepth: 1, maxConcurrent: PLACES }))
    this.toldMs = new Float64Array(init.providers).fill(-Infinity)
    for (let node = 0; node < nodes; node++) {
      for (let i = 0; i < init.links / 2; i++) {
        this.link(node, randomBelow(this.random, nodes))
      }
    }
    this.world = new SimWorld<Host, Gossip>({
      seed: init.seed,
      nodes,
      network: new Network({ seed: init.seed, nodes, latency: init.latency, jitter: 0.3 }),
      create: node => this.create(node),
      receive: (node, message, from) => { this.receive(node, message, from) }
    })
  }

  get nodes (): number {
    return this.joined.length
  }

  /** Nodes that are up and in the topic. */
  inTopic (): number[] {
    return Array.from({ length: this.nodes }, (_, node) => node).filter(node => this.joined[node] === 1 && this.world.node(node).up)
  }

  callers (): number[] {
    return Array.from({ length: this.init.callers }, (_, i) => this.init.providers + i)
  }

  /** Messages a second, over all the time between. */
  rate (fromMs: number, toMs: number): number {
    return this.published.filter(atMs => atMs >= fromMs && atMs < toMs).length / (toMs - fromMs) * 1000
  }

  /** The most messages in ten seconds. */
  peak (fromMs: number, toMs: number): number {
    const counts = new Map<number, number>()
    this.published.filter(atMs => atMs >= fromMs && atMs < toMs).forEach(atMs => {
      const slot = Math.floor(atMs / 10_000)
      counts.set(slot, (counts.get(slot) ?? 0) + 1)
    })
    return Math.max(0, ...counts.values())
  }

  /** Offers that hold now, at each caller that is in the topic. */
  offersOfCallers (): number[] {
    return this.callers().filter(node => this.joined[node] === 1)
      .map(node => this.machine(node).offersOf(MODEL, this.world.node(node).nowMs()).length)
  }

  private machine (node: number): ModelOverlays {
    return this.world.node(node).host.machine
  }

  private create (node: Node): Host {
    const { index } = node
    const driver = node.attach<OverlayEffect, ModelOverlays>(
      new ModelOverlays({ ...this.init.options, self: String(index) }, node.random), effect => { this.perform(node, effect) })
    node.host = driver
    if (index < this.init.providers) {
      driver.input((machine, nowMs) => { machine.onServe(MODEL, this.loads[index] as OwnLoad, nowMs) })
      if (this.init.freeMs !== undefined) {
        this.scheduleLoad(node)
      }
    } else {
      this.scheduleCall(node, randomFloat(node.random) * CALL_EVERY_MS)
    }
    return driver
  }

  private scheduleCall (node: Node, waitMs: number): void {
    node.schedule(node.nowMs() + waitMs, () => {
      node.host.input((machine, nowMs) => { machine.onCall(MODEL, nowMs) })
      this.find(node, FOUND_BY_CALL)
      this.scheduleCall(node, CALL_EVERY_MS)
    })
  }

  private scheduleLoad (node: Node): void {
    const load = this.loads[node.index] as OwnLoad
    const isFull = load.queueDepth >= PLACES
    const meanMs = isFull ? this.init.fullMs ?? 0 : this.init.freeMs ?? 0
    node.schedule(node.nowMs() - meanMs * Math.log(1 - randomFloat(node.random)), () => {
      const next = { queueDepth: isFull ? 1 : PLACES, maxConcurrent: PLACES }
      this.loads[node.index] = next
      const holders = isFull ? [] : this.holders(node.index)
      node.host.input((machine, nowMs) => { machine.onOwnLoad(MODEL, next, nowMs) })
      if (!isFull) {
        this.judge(node, next, holders)
      }
      this.scheduleLoad(node)
    })
  }

  /** Callers in the topic that hold an offer of a provider with room. */
  private holders (provider: number): number[] {
    return this.callers().filter(node => this.joined[node] === 1 && this.believes(node, provider))
  }

  private believes (caller: number, provider: number): boolean {
    const offer = this.machine(caller).newestOf(MODEL, String(provider), this.world.node(caller).nowMs())?.offer
    return offer !== undefined && !offer.withdrawn && offer.queueDepth < offer.maxConcurrent
  }

  /** Three seconds after the provider may say it: who does not know? If it has room again by then, it does not matter. */
  private judge (node: Node, load: OwnLoad, holders: number[]): void {
    const spacingMs = this.init.options?.spacingMs ?? 5_000
    const mayTellMs = Math.max(node.nowMs(), (this.toldMs[node.index] as number) + spacingMs)
    node.schedule(mayTellMs + 3_000, () => {
      if (this.loads[node.index] === load && holders.length > 0) {
        this.overloads.push({ holders: holders.length, told: holders.filter(caller => !this.believes(caller, node.index)).length })
      }
    })
  }

  private perform (node: Node, effect: OverlayEffect): void {
    const { index } = node
    switch (effect.type) {
      case 'join':
        this.joined[index] = 1
        this.joins.push(this.world.elapsedMs)
        break
      case 'leave':
        this.joined[index] = 0
        this.leaves.push(this.world.elapsedMs)
        break
      case 'look': {
        const there = [...this.links[index] as Set<number>].filter(other => this.joined[other] === 1 && this.world.node(other).up)
        node.host.input((machine, nowMs) => { machine.onSubscribers(MODEL, there.length, nowMs) })
        break
      }
      case 'count':
        this.find(node, effect.enough)
        break
      case 'dial':
        effect.providers.forEach(({ peer }) => { this.link(index, Number(peer)) })
        break
      case 'publish':
        this.publish(node, effect.withdrawn)
        break
    }
  }

  private publish (node: Node, withdrawn: boolean): void {
    const issuedAtMs = node.nowMs()
    const had = new Uint8Array(this.nodes)
    had[node.index] = 1
    this.toldMs[node.index] = issuedAtMs
    this.published.push(this.world.elapsedMs)
    this.spread(node, {
      had,
      publishedMs: this.world.elapsedMs,
      signed: {
        envelope: ENVELOPE,
        offer: {
          peer: String(node.index), model: MODEL, tasks: ['chat'], effectiveContext: 8192, tokensPerSecond: 10 + node.index % 60, priceMicros: 0,
          region: '', tier: 2, deterministic: false, addresses: addressesOf(node.index), seq: issuedAtMs, issuedAtMs,
          expiresAtMs: issuedAtMs + MAX_OFFER_LIFE_MS, withdrawn, ...this.loads[node.index] as OwnLoad
        }
      }
    }, -1)
  }

  private receive (node: Node, message: Gossip, from: number): void {
    const { index } = node
    if (message.had[index] === 1 || this.joined[index] === 0) {
      return
    }
    message.had[index] = 1
    let verdict = ''
    node.host.input((machine, nowMs) => { verdict = machine.onOffer(MODEL, message.signed, nowMs) })
    if (index >= this.init.providers) {
      this.delaysMs.push(this.world.elapsedMs - message.publishedMs)
    }
    if (verdict === 'accept') {
      this.spread(node, message, from)
    }
  }

  private spread (node: Node, message: Gossip, from: number): void {
    for (const other of this.links[node.index] as Set<number>) {
      if (other !== from && this.joined[other] === 1) {
        node.send(other, message, ENVELOPE.length)
      }
    }
  }

  /** A lookup: so many of those that serve, drawn at random. */
  private find (node: Node, count: number): void {
    const { providers } = this.init
    for (let i = 0; i < Math.min(count, providers); i++) {
      // each once while there are few, otherwise hardly any twice
      const provider = providers <= count ? i : randomBelow(node.random, providers)
      if (provider !== node.index && this.world.node(provider).up) {
        node.host.input((machine, nowMs) => {
          machine.onSighting(MODEL, { peer: String(provider), addresses: addressesOf(provider) }, nowMs)
        })
      }
    }
  }

  private link (a: number, b: number): void {
    if (a !== b) {
      this.links[a]?.add(b)
      this.links[b]?.add(a)
    }
  }
}

function addressesOf (node: number): string[] {
  return [`/ip4/${60 + (node >> 16)}.${(node >> 8) & 255}.${node & 255}.1/tcp/4001`]
}
