/** A small world without I/O: nodes whose lookups, announcers and stores are wired through messages that take time on a manual clock. */
import { MachineDriver, ManualClock, SeededRandom, toHex } from '@skein/core'
import { Announcer } from '../src/announcer.ts'
import { compareDistance, kadId, modelKey } from '../src/model-key.ts'
import { ModelSearch } from '../src/model-search.ts'
import { OfferStore } from '../src/offer-store.ts'
import { offerOf } from './offer-fixture.ts'
import type { AnnouncerEffect, AnnouncerInit } from '../src/announcer.ts'
import type { Contact } from '../src/contact.ts'
import type { ModelSearchEffect } from '../src/model-search.ts'
import type { StoreResult } from '../src/offer-store.ts'
import type { SignedOffer } from '@skein/records'

type StoreAnswer = StoreResult | 'silently' | 'openly'

interface Found {
  peer: string
  seq: number
  signed: SignedOffer
}

export interface WorldInit {
  latencyMs?: number
  lifeMs?: number
  k?: number
  announcer?: AnnouncerInit
}

export class World {
  readonly clock = new ManualClock(1_000_000)
  readonly nodes = new Map<string, WorldNode>()
  readonly init: Required<Pick<WorldInit, 'latencyMs' | 'lifeMs' | 'k'>> & WorldInit
  messages = 0

  constructor (init: WorldInit = {}) {
    this.init = { latencyMs: 20, lifeMs: 120_000, k: 20, ...init }
  }

  /** A new node that knows, and is known by, `friends`. */
  add (friends: WorldNode[] = []): WorldNode {
    const node = new WorldNode(this, this.nodes.size)
    this.nodes.set(node.peer, node)
    friends.forEach(friend => {
      node.meet(friend)
      friend.meet(node)
    })
    return node
  }

  /** `count` nodes of which each knows all that came before it. */
  populate (count: number): WorldNode[] {
    return Array.from({ length: count }, () => this.add([...this.nodes.values()]))
  }

  run (ms: number): void {
    this.clock.advance(ms)
  }

  /** Calls `answer` on the far side after the latency, and `onAnswer` with what it gave after another; a dead node never answers. */
  send<T> (to: Contact, answer: (node: WorldNode) => T, onAnswer: (value: T) => void): void {
    this.messages++
    const { clock, init: { latencyMs } } = this
    clock.schedule(clock.nowMs() + latencyMs, () => {
      const node = this.nodes.get(to.peer)
      if (node !== undefined && node.alive) {
        const value = answer(node)
        clock.schedule(clock.nowMs() + latencyMs, () => { onAnswer(value) })
      }
    })
  }
}

export class WorldNode implements Contact {
  readonly peer: string
  readonly kadId: Uint8Array
  readonly store: OfferStore
  alive = true
  /** What it answers to a store */
  refuses: 'not' | 'silently' | 'openly' = 'not'
  readonly contacts = new Map<string, WorldNode>()
  readonly announcer: MachineDriver<AnnouncerEffect<Contact>, Announcer>
  readonly log: Array<AnnouncerEffect<Contact>> = []
  /** At whom its offers were stored, by a message of their own or with one that asked */
  readonly stores: string[] = []
  private readonly world: World
  private readonly signed = new Map<string, SignedOffer>()
  private seq = 1

  constructor (world: World, number: number) {
    this.world = world
    this.peer = `node-${number}`
    this.kadId = kadId(new TextEncoder().encode(this.peer))
    this.store = new OfferStore({ self: this.kadId })
    this.announcer = new MachineDriver({
      machine: new Announcer({ k: world.init.k, ...world.init.announcer }, new SeededRandom(number)),
      clock: world.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  meet (other: WorldNode): void {
    this.contacts.set(other.peer, other)
    this.announcer.input((machine, nowMs) => { machine.onContact(other, nowMs) })
  }

  announce (model: string): void {
    const bytes = modelKey(model)
    this.announcer.input(machine => { machine.onOffer(model, [{ name: toHex(bytes), bytes }]) })
  }

  withdraw (model: string): void {
    this.announcer.input(machine => { machine.onWithdraw(model) })
  }

  /** Looks a model up and lets the world run until the lookup has ended. */
  find (model: string): SignedOffer[] {
    const found: SignedOffer[] = []
    let done = false
    this.search(model, true, effect => {
      if (effect.type === 'offers') {
        found.push(...effect.offers.map(({ signed }) => signed))
      }
      done ||= effect.type === 'done'
    })
    for (let i = 0; i < 1000 && !done; i++) {
      this.world.run(20)
    }
    return found
  }

  /** Its routing table found another dead. */
  forget (other: WorldNode): void {
    this.contacts.delete(other.peer)
    this.announcer.input((machine, nowMs) => { machine.onContactLost(other.peer, nowMs) })
  }

  die (): void {
    this.alive = false
    this.announcer.stop()
  }

  holds (model: string): number {
    return this.store.best(modelKey(model), { model }, this.world.clock.nowMs()).length
  }

  closest (target: Uint8Array): WorldNode[] {
    return [...this.contacts.values()].sort((a, b) => compareDistance(a.kadId, b.kadId, target)).slice(0, this.world.init.k)
  }

  private search (model: string, offers: boolean, onEffect: (effect: ModelSearchEffect<Contact, Found>) => void): void {
    const { clock, init } = this.world
    const target = modelKey(model)
    const driver = new MachineDriver<ModelSearchEffect<Contact, Found>, ModelSearch<Contact, Found>>({
      machine: new ModelSearch<Contact, Found>({ keys: [{ name: model, target, start: () => this.closest(target) }], self: this.peer, k: init.k }, clock.nowMs()),
      clock,
      perform: effect => {
        if (effect.type === 'query') {
          const { to } = effect
          const deposit = offers ? undefined : this.deposit(model, to)
          this.world.send(to, node => ({
            offers: offers ? node.store.best(target, { model }, clock.nowMs()) : [],
            closer: node.closest(target),
            stored: deposit === undefined ? undefined : node.take(target, deposit.signed)
          }), answer => {
            deposit?.onAnswer(answer.stored)
            const found = answer.offers.map(signed => ({ peer: signed.offer.peer, seq: signed.offer.seq, signed }))
            driver.input((machine, nowMs) => { machine.onResponse(model, to.peer, { offers: found, closer: answer.closer }, nowMs) })
          })
        }
        onEffect(effect)
      }
    })
    driver.input(() => {})
  }

  private perform (effect: AnnouncerEffect<Contact>): void {
    const { clock, init: { lifeMs } } = this.world
    this.log.push(effect)
    if (effect.type === 'sign') {
      clock.schedule(clock.nowMs(), () => {
        const nowMs = clock.nowMs()
        const signed = offerOf({ peer: this.peer, model: effect.model, seq: this.seq++, issuedAtMs: nowMs, expiresAtMs: nowMs + lifeMs, withdrawn: effect.withdrawn })
        this.signed.set(effect.model, signed)
        this.announcer.input((machine, now) => { machine.onSigned(effect.model, signed.offer.expiresAtMs, now) })
      })
    } else if (effect.type === 'lookup') {
      let closest: Contact[] = []
      this.search(effect.model, false, event => {
        if (event.type === 'closest') {
          closest = event.closest
        } else if (event.type === 'done') {
          this.announcer.input((machine, nowMs) => { machine.onClosest(effect.model, effect.key.name, closest, nowMs) })
        }
      })
    } else if (effect.type === 'store') {
      const { model, key, to, version } = effect
      const onAnswer = this.storing(model, key.name, to, version)
      const signed = this.signed.get(model) as SignedOffer
      this.world.send(to, node => node.take(key.bytes, signed), onAnswer)
    }
  }

  private take (key: Uint8Array, signed: SignedOffer): StoreAnswer {
    return this.refuses === 'not' ? this.store.put(key, signed, this.world.clock.nowMs()) : this.refuses
  }

  private deposit (model: string, to: Contact): { signed: SignedOffer, onAnswer: (answer: StoreAnswer | undefined) => void } | undefined {
    const signed = this.signed.get(model)
    const name = toHex(modelKey(model))
    let wanted = false
    this.announcer.input(machine => { wanted = machine.onStoring(model, name, to) })
    return signed === undefined || !wanted ? undefined : { signed, onAnswer: this.storing(model, name, to, this.announcer.machine.versionOf(model)) }
  }

  /** Tells the announcer what became of a store; what is not answered within 4 s has failed. */
  private storing (model: string, key: string, to: Contact, version: number): (answer: StoreAnswer | undefined) => void {
    const { clock } = this.world
    this.stores.push(to.peer)
    let answered = false
    clock.schedule(clock.nowMs() + 4000, () => {
      if (!answered) {
        this.announcer.input((machine, nowMs) => { machine.onStoreFailed(model, key, to.peer, version, { again: true }, nowMs) })
      }
    })
    return answer => {
      if (answer === undefined || answer === 'silently') {
        return
      }
      answered = true
      this.announcer.input((machine, nowMs) => {
        if (answer === 'stored' || answer === 'unchanged') {
          machine.onStored(model, key, to.peer, version, nowMs)
        } else {
          machine.onStoreFailed(model, key, to.peer, version, { again: false }, nowMs)
        }
      })
    }
  }
}
