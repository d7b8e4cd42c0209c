/**
 * Offers stored and found by the rules that the packages ship: `Announcer`, `ModelSearch` and `OfferStore` of `@skein/routing` at each node of a
 * simulated
 * world, over given routing tables. Records are not signed: who sends an offer is believed.
 */
import { toHex } from '@skein/core'
import { Announcer, modelKey, ModelSearch, NetworkSize, OfferStore, SIZE_DELAY_MS, WEIGH_MS } from '@skein/routing'
import { SimWorld } from '../engine/sim-world.ts'
import { ContactList } from './contact-list.ts'
import { closestContacts } from './kad-table.ts'
import { keyOf } from './machine-lookups.ts'
import type { SimNetwork } from '../engine/sim-network.ts'
import type { SimNode } from '../engine/sim-node.ts'
import type { KadTable } from './kad-table.ts'
import type { MachineDriver } from '@skein/core'
import type { Offer, SignedOffer } from '@skein/records'
import type { AnnouncerEffect, AnnouncerInit, Contact, ModelSearchEffect, NetworkSizeEffect, StoreResult } from '@skein/routing'

export interface OfferWorldInit {
  seed: number
  /** Its nodes are 0 to `size - 1` */
  table: KadTable
  network: SimNetwork
  /** At how many of the closest an offer is stored, and how many must answer. @default 20 */
  k?: number
  /** @default 2 */
  disjointPaths?: number
  /** Life of an offer; it is renewed at half of it. @default 120_000 */
  offerLifeMs?: number
  announcer?: Omit<AnnouncerInit, 'k'>
  /** After this a request has failed. @default 4000 */
  requestTimeoutMs?: number
  /** Whether crowded keys are noticed, and their region is stored to and searched. @default true */
  sweeps?: boolean
  /** Nodes that lie. Default: none */
  liars?: Liars
}

/**
 * What nodes that lie do with a request: they accept stores and never give an honest offer.
 *
 * - `collude`: name as closer those that their table has, which is only each other
 * - `silent`: answer nothing
 * - `accomplice`: as `collude`, and give the offer of one of them
 */
export interface Liars {
  isLiar: (node: number) => boolean
  answers: 'collude' | 'silent' | 'accomplice'
  /** Whose offer they give */
  accomplice?: number
}

export interface FoundOffers {
  offers: Offer[]
  /** The key's surroundings were taken for crowded */
  crowded: boolean
  complete: boolean
  requests: number
  elapsedMs: number
  /** When the first came; `undefined` when none did */
  firstMs: number | undefined
}

interface NodeContact extends Contact {
  node: number
}

interface Seen {
  peer: string
  seq: number
  signed: SignedOffer
}

type Request = { find?: { hi: number, lo: number, model: string | undefined }, store?: SignedOffer }
type Answer = { offers: SignedOffer[], closer: NodeContact[], stored: StoreResult | undefined }
type Message = { type: 'request', id: number, request: Request } | { type: 'answer', id: number, answer: Answer }

/** What a node is; begun anew when it restarts. */
interface Host {
  store: OfferStore
  announcer: MachineDriver<AnnouncerEffect<NodeContact>, Announcer<NodeContact>>
  signed: Map<string, SignedOffer>
  /** Made when it is first asked for */
  size: MachineDriver<NetworkSizeEffect, NetworkSize> | undefined
  waiting: Map<number, (answer: Answer | undefined) => void>
}

/** What is stored with a request, and who hears of it. */
interface Deposit {
  signed: SignedOffer
  onAnswer: (stored: StoreResult | undefined) => void
}

const REQUEST_BYTES = 100
const OFFER_BYTES = 400
const CONTACT_BYTES = 60
const SIGNING_MS = 1

export class OfferWorld {
  readonly world: SimWorld<Host, Message>
  /** Requests sent by all nodes */
  requests = 0
  private readonly init: OfferWorldInit
  private readonly k: number
  private readonly contacts: ContactList
  /** Under way, by the node that searches */
  private readonly searches = new Map<number, Set<MachineDriver<ModelSearchEffect<NodeContact, Seen>, ModelSearch<NodeContact, Seen>>>>()
  private nextId = 0
  private seq = 0

  constructor (init: OfferWorldInit) {
    this.init = init
    this.k = init.k ?? 20
    this.contacts = new ContactList(8 * Math.max(this.k, init.table.k) + 64)
    this.world = new SimWorld<Host, Message>({
      seed: init.seed,
      nodes: init.table.size,
      network: init.network,
      create: node => this.createHost(node),
      receive: (node, message, from) => { this.receive(node, message, from) }
    })
  }

  announce (atMs: number, node: number, model: string): void {
    const bytes = targetOf(model)
    this.world.at(atMs, node, () => {
      this.world.node(node).host.announcer.input(machine => { machine.onOffer(model, [{ name: toHex(bytes), bytes }]) })
    })
  }

  withdraw (atMs: number, node: number, model: string): void {
    this.world.at(atMs, node, () => { this.world.node(node).host.announcer.input(machine => { machine.onWithdraw(model) }) })
  }

  /** Walks to the end, or until offers of `wanted` peers are in hand. */
  find (atMs: number, self: number, model: string, onDone: (found: FoundOffers) => void, wanted?: number): void {
    this.world.at(atMs, self, () => {
      const node = this.world.node(self)
      const found: FoundOffers = { offers: [], crowded: false, complete: false, requests: 0, elapsedMs: 0, firstMs: undefined }
      const startedMs = node.nowMs()
      this.search(node, model, model, wanted, undefined, effect => {
        if (effect.type === 'offers' && effect.offers.length > 0) {
          found.firstMs ??= node.nowMs() - startedMs
          found.offers.push(...effect.offers.map(({ signed }) => signed.offer))
        } else if (effect.type === 'closest') {
          found.requests += effect.requests
          found.crowded ||= effect.crowded
        } else if (effect.type === 'done') {
          onDone({ ...found, complete: effect.complete, elapsedMs: node.nowMs() - startedMs })
        }
      })
    })
  }

  /** Nodes that hold a live offer of a model now. */
  holders (model: string): number[] {
    const nowMs = this.world.startMs + this.world.elapsedMs
    return this.world.nodes
      .filter(({ host, up }) => up && host.store.best(modelKey(model), { model }, nowMs).length > 0)
      .map(({ index }) => index)
  }

  private createHost (node: SimNode<Host, Message>): Host {
    const { table, announcer } = this.init
    const machine = new Announcer<NodeContact>({ ...announcer, k: this.k }, node.random)
    return {
      store: new OfferStore({ self: keyOf(table.idHi(node.index), table.idLo(node.index)) }),
      announcer: node.attach<AnnouncerEffect<NodeContact>, Announcer<NodeContact>>(machine, effect => { this.perform(node, effect) }),
      signed: new Map(),
      size: undefined,
      waiting: new Map()
    }
  }

  private perform (node: SimNode<Host, Message>, effect: AnnouncerEffect<NodeContact>): void {
    const { announcer, signed } = node.host
    if (effect.type === 'sign') {
      node.schedule(node.nowMs() + SIGNING_MS, () => {
        const record = this.sign(node, effect.model, effect.withdrawn)
        signed.set(effect.model, record)
        announcer.input((machine, nowMs) => { machine.onSigned(effect.model, record.offer.expiresAtMs, nowMs) })
      })
    } else if (effect.type === 'lookup') {
      let closest: NodeContact[] = []
      let region: NodeContact[] = []
      this.needSize(node, SIZE_DELAY_MS)
      this.search(node, effect.model, undefined, undefined, effect.model, event => {
        if (event.type === 'closest') {
          closest = event.closest
          region = event.region
        } else if (event.type === 'done') {
          announcer.input((machine, nowMs) => { machine.onClosest(effect.model, effect.key.name, closest, nowMs, region) })
        }
      })
    } else if (effect.type === 'store') {
      const { model, key, to, version } = effect
      this.ask(node, to.node, { store: signed.get(model) }, answer => { this.onStored(node, model, key.name, to, version, answer?.stored) })
    }
  }

  private search (
    node: SimNode<Host, Message>, model: string, wantedModel: string | undefined, wanted: number | undefined, deposits: string | undefined,
    onEffect: (effect: ModelSearchEffect<NodeContact, Seen>) => void
  ): void {
    const key = targetOf(model)
    const { disjointPaths = 2, requestTimeoutMs = 4000, sweeps = true } = this.init
    const start = (target: Uint8Array): NodeContact[] => this.closest(node.index, ...halvesOf(target), node.index)
    const machine = new ModelSearch<NodeContact, Seen>({
      keys: [{ name: model, target: key, start }],
      self: String(node.index),
      k: this.k,
      disjointPaths,
      requestTimeoutMs,
      wanted,
      networkSize: sweeps ? () => node.host.size?.machine.size : undefined,
      weighMs: wantedModel === undefined ? undefined : WEIGH_MS
    }, node.nowMs())
    if (wantedModel !== undefined) {
      this.needSize(node, SIZE_DELAY_MS)
    }
    const driver = node.attach<ModelSearchEffect<NodeContact, Seen>, ModelSearch<NodeContact, Seen>>(machine, effect => {
      if (effect.type === 'query') {
        const { lookup, to } = effect
        const store = deposits === undefined ? undefined : this.deposit(node, deposits, toHex(key), to)
        const [hi, lo] = halvesOf(effect.target)
        this.ask(node, to.node, { find: { hi, lo, model: wantedModel }, store: store?.signed }, answer => {
          store?.onAnswer(answer?.stored)
          driver.input((search, nowMs) => {
            if (answer === undefined) {
              search.onFailure(model, to.peer, nowMs, lookup)
            } else {
              const offers = answer.offers.map(signed => ({ peer: signed.offer.peer, seq: signed.offer.seq, signed }))
              search.onResponse(model, to.peer, { offers, closer: answer.closer }, nowMs, lookup)
            }
          })
        })
      } else if (effect.type === 'weigh') {
        this.needSize(node, 0)
      } else if (effect.type === 'done') {
        node.detach(driver)
        this.searches.get(node.index)?.delete(driver)
      }
      onEffect(effect)
    })
    this.searches.set(node.index, (this.searches.get(node.index) ?? new Set()).add(driver))
    driver.input(() => {})
  }

  /** Probes, as the service makes them when it makes use of the network's size. */
  private needSize (node: SimNode<Host, Message>, delayMs: number): void {
    if (this.init.sweeps === false) {
      return
    }
    node.host.size ??= node.attach<NetworkSizeEffect, NetworkSize>(new NetworkSize({ k: this.k }, node.random), ({ target }) => {
      this.probe(node, target)
    })
    node.host.size.input((machine, nowMs) => { machine.onNeeded(nowMs, delayMs) })
  }

  private probe (node: SimNode<Host, Message>, target: Uint8Array): void {
    const { disjointPaths = 2, requestTimeoutMs = 4000 } = this.init
    const start = (): NodeContact[] => this.closest(node.index, ...halvesOf(target), node.index)
    // ids of the simulated network have 64 bits
    const key = keyOf(...halvesOf(target))
    const machine = new ModelSearch<NodeContact, Seen>({
      keys: [{ name: '', target: key, start }], self: String(node.index), k: this.k, disjointPaths, requestTimeoutMs
    }, node.nowMs())
    let closest: NodeContact[] = []
    const driver = node.attach<ModelSearchEffect<NodeContact, Seen>, ModelSearch<NodeContact, Seen>>(machine, effect => {
      if (effect.type === 'query') {
        const [hi, lo] = halvesOf(effect.target)
        this.ask(node, effect.to.node, { find: { hi, lo, model: undefined } }, answer => {
          driver.input((search, nowMs) => {
            if (answer === undefined) {
              search.onFailure('', effect.to.peer, nowMs)
            } else {
              search.onResponse('', effect.to.peer, { offers: [], closer: answer.closer }, nowMs)
            }
          })
        })
      } else if (effect.type === 'closest') {
        closest = effect.closest
      } else if (effect.type === 'done') {
        node.detach(driver)
        this.onProbed(node, target, closest)
      }
    })
    driver.input(() => {})
  }

  private onProbed (node: SimNode<Host, Message>, target: Uint8Array, closest: NodeContact[]): void {
    const { announcer, size } = node.host
    size?.input((machine, nowMs) => { machine.onClosest(target, closest, nowMs) })
    const networkSize = size?.machine.size
    if (networkSize !== undefined) {
      announcer.input((machine, nowMs) => { machine.onNetworkSize(networkSize, nowMs) })
      this.searches.get(node.index)?.forEach(search => { search.input((machine, nowMs) => { machine.onNetworkSize(nowMs) }) })
    }
  }

  /** What is stored with a request that looks for the closest. */
  private deposit (node: SimNode<Host, Message>, model: string, keyName: string, to: NodeContact): Deposit | undefined {
    const { announcer, signed } = node.host
    const record = signed.get(model)
    let wanted = false
    announcer.input(machine => { wanted = machine.onStoring(model, keyName, to) })
    const version = announcer.machine.versionOf(model)
    return record === undefined || !wanted
      ? undefined
      : { signed: record, onAnswer: stored => { this.onStored(node, model, keyName, to, version, stored) } }
  }

  private onStored (
    node: SimNode<Host, Message>, model: string, keyName: string, to: NodeContact, version: number, stored: StoreResult | undefined
  ): void {
    node.host.announcer.input((machine, nowMs) => {
      if (stored === 'stored' || stored === 'unchanged') {
        machine.onStored(model, keyName, to.peer, version, nowMs)
      } else {
        machine.onStoreFailed(model, keyName, to.peer, version, { again: stored === undefined }, nowMs)
      }
    })
  }

  /** Sends a request. `undefined` when no answer comes in time. */
  private ask (node: SimNode<Host, Message>, to: number, request: Request, onAnswer: (answer: Answer | undefined) => void): void {
    const id = this.nextId++
    const { waiting } = node.host
    this.requests++
    waiting.set(id, answer => {
      waiting.delete(id)
      cancel()
      onAnswer(answer)
    })
    const cancel = node.schedule(node.nowMs() + (this.init.requestTimeoutMs ?? 4000), () => { waiting.get(id)?.(undefined) })
    node.send(to, { type: 'request', id, request }, REQUEST_BYTES + (request.store === undefined ? 0 : OFFER_BYTES))
  }

  private receive (node: SimNode<Host, Message>, message: Message, from: number): void {
    if (message.type === 'answer') {
      node.host.waiting.get(message.id)?.(message.answer)
      return
    }
    const { find, store } = message.request
    const nowMs = node.nowMs()
    const { liars } = this.init
    if (liars?.isLiar(node.index) === true) {
      if (liars.answers !== 'silent') {
        const closer = find === undefined ? [] : this.closest(node.index, find.hi, find.lo, from)
        const offers = find?.model === undefined || liars.answers !== 'accomplice' ? [] : [this.lie(find.model)]
        node.send(from, { type: 'answer', id: message.id, answer: { offers, closer, stored: 'stored' } }, CONTACT_BYTES * closer.length)
      }
      return
    }
    const offers = find?.model === undefined ? [] : node.host.store.best(modelKey(find.model), { model: find.model }, nowMs)
    const closer = find === undefined ? [] : this.closest(node.index, find.hi, find.lo, from)
    const stored = store === undefined ? undefined : node.host.store.put(modelKey(store.offer.model), store, nowMs)
    const sizeBytes = OFFER_BYTES * offers.length + CONTACT_BYTES * closer.length
    node.send(from, { type: 'answer', id: message.id, answer: { offers, closer, stored } }, sizeBytes)
  }

  /** The offer of an accomplice, who signs it like anybody. */
  private lie (model: string): SignedOffer {
    const accomplice = this.world.node(this.init.liars?.accomplice ?? this.init.table.size - 1)
    let signed = accomplice.host.signed.get(model)
    if (signed === undefined || signed.offer.expiresAtMs <= accomplice.nowMs()) {
      signed = this.sign(accomplice, model, false)
      accomplice.host.signed.set(model, signed)
    }
    return signed
  }

  private sign (node: SimNode<Host, Message>, model: string, withdrawn: boolean): SignedOffer {
    const nowMs = node.nowMs()
    const offer: Offer = {
      peer: String(node.index),
      model,
      tasks: ['chat'],
      effectiveContext: 8192,
      tokensPerSecond: 50,
      queueDepth: 0,
      maxConcurrent: 4,
      priceMicros: 0,
      region: '',
      tier: 2,
      deterministic: false,
      addresses: [`/ip4/${10 + (node.index >>> 24)}.${(node.index >>> 16) & 255}.${(node.index >>> 8) & 255}.${node.index & 255}/tcp/1`],
      seq: ++this.seq,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + (this.init.offerLifeMs ?? 120_000),
      withdrawn
    }
    const envelope = new Uint8Array(16)
    new DataView(envelope.buffer).setFloat64(0, offer.seq)
    return { offer, envelope }
  }

  private closest (self: number, hi: number, lo: number, asker: number): NodeContact[] {
    const { table } = this.init
    closestContacts(table, self, hi, lo, asker, this.k, this.contacts)
    const nodes = this.contacts.nodes.subarray(0, this.contacts.size)
    return Array.from(nodes, node => ({ peer: String(node), kadId: keyOf(table.idHi(node), table.idLo(node)), node }))
  }
}

function halvesOf (key: Uint8Array): [number, number] {
  const view = new DataView(key.buffer, key.byteOffset)
  return [view.getUint32(0), view.getUint32(4)]
}

/** Where a model stands among ids of 64 bits: the first of its key. */
function targetOf (model: string): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(32)
  key.set(modelKey(model).subarray(0, 8))
  return key
}
