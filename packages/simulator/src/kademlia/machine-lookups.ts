/** Lookups by the machine that the packages ship, `Lookup` of `@skein/routing`, in a simulated world whose nodes answer from given routing tables. */
import { Lookup } from '@skein/routing'
import { SimWorld } from '../engine/sim-world.ts'
import { ContactList } from './contact-list.ts'
import { closestContacts } from './kad-table.ts'
import type { SimNetwork } from '../engine/sim-network.ts'
import type { KadTable } from './kad-table.ts'
import type { LookupRule } from './lookup-kernel.ts'
import type { LookupOutcome } from './lookup-run.ts'
import type { MachineDriver } from '@skein/core'
import type { Contact, LookupEffect, SequencedOffer } from '@skein/routing'

export interface MachineLookupsInit {
  seed: number
  /** Its nodes are 0 to `size - 1` */
  table: KadTable
  rule?: Omit<LookupRule, 'policy'>
  network: SimNetwork
  /** Nodes that never answer. Default: none */
  isSilent?: (node: number) => boolean
  /** Which nodes are up at the start, for who lets them come and go. Default: all */
  startsUp?: (node: number) => boolean
  /** @default 0.125 */
  tickMs?: number
}

export interface MachineOutcome extends LookupOutcome {
  /** Nodes in the order in which they were asked */
  contacted: number[]
  /** The closest that answered, closest first */
  found: number[]
}

interface NodeContact extends Contact {
  node: number
}

type Message =
  | { type: 'find', lookup: number, hi: number, lo: number }
  | { type: 'found', lookup: number, closer: NodeContact[] }

type Effect = LookupEffect<NodeContact, SequencedOffer>

interface Run {
  self: number
  hi: number
  lo: number
  startedMs: number
  driver: MachineDriver<Effect, Lookup<NodeContact>> | undefined
  hops: Map<number, number>
  contacted: number[]
  onDone: (outcome: MachineOutcome) => void
}

const FIND_BYTES = 80
const FOUND_BYTES = 60

export class MachineLookups {
  readonly world: SimWorld<undefined, Message>
  private readonly init: MachineLookupsInit
  private readonly contacts: ContactList
  private readonly known = new Map<number, NodeContact>()
  private readonly runs = new Map<number, Run>()
  private lookups = 0

  constructor (init: MachineLookupsInit) {
    this.init = init
    this.contacts = new ContactList(8 * Math.max(init.table.k, init.rule?.k ?? 20) + 64)
    this.world = new SimWorld<undefined, Message>({
      seed: init.seed,
      nodes: init.table.size,
      network: init.network,
      tickMs: init.tickMs,
      startsUp: init.startsUp,
      create: () => undefined,
      receive: (node, message, from) => { this.receive(node.index, message, from) }
    })
  }

  /** Begins a lookup so long after the start of the world, if the node is up then. When it stops before the end, `onDone` is not called. */
  begin (atMs: number, self: number, hi: number, lo: number, onDone: (outcome: MachineOutcome) => void): void {
    this.world.at(atMs, self, () => {
      if (!this.world.node(self).up) {
        return
      }
      const id = this.lookups++
      const run: Run = { self, hi, lo, startedMs: this.world.elapsedMs, driver: undefined, hops: new Map(), contacted: [], onDone }
      this.runs.set(id, run)
      const start = this.answer(self, hi, lo, self)
      start.forEach(contact => run.hops.set(contact.node, 1))
      const node = this.world.node(self)
      const machine = new Lookup<NodeContact>({ ...this.init.rule, target: keyOf(hi, lo), start, self: String(self) }, node.nowMs())
      run.driver = node.attach<Effect, Lookup<NodeContact>>(machine, effect => { this.perform(id, run, effect) })
      run.driver.input(() => {})
    })
  }

  private perform (id: number, run: Run, effect: Effect): void {
    if (effect.type === 'query') {
      run.contacted.push(effect.to.node)
      this.world.send(run.self, effect.to.node, { type: 'find', lookup: id, hi: run.hi, lo: run.lo }, FIND_BYTES)
    } else if (effect.type === 'done') {
      const found = effect.closest.map(contact => contact.node)
      this.runs.delete(id)
      if (run.driver !== undefined) {
        this.world.node(run.self).detach(run.driver)
      }
      run.onDone({
        reason: effect.reason,
        hops: found[0] === undefined ? 0 : run.hops.get(found[0]) as number,
        requests: effect.requests,
        elapsedMs: this.world.elapsedMs - run.startedMs,
        contacted: run.contacted,
        found
      })
    }
  }

  private receive (self: number, message: Message, from: number): void {
    if (message.type === 'find') {
      if (this.init.isSilent?.(self) !== true) {
        const closer = this.answer(self, message.hi, message.lo, from)
        this.world.send(self, from, { type: 'found', lookup: message.lookup, closer }, FOUND_BYTES * closer.length)
      }
      return
    }
    const run = this.runs.get(message.lookup)
    run?.driver?.input((machine, nowMs) => {
      const before = machine.answerCount
      machine.onResponse(String(from), { offers: [], closer: message.closer }, nowMs)
      if (machine.answerCount > before) { // not one that came after its request had failed
        const hop = (run.hops.get(from) as number) + 1
        message.closer.filter(({ node }) => !run.hops.has(node)).forEach(({ node }) => run.hops.set(node, hop))
      }
    })
  }

  private answer (self: number, hi: number, lo: number, asker: number): NodeContact[] {
    closestContacts(this.init.table, self, hi, lo, asker, this.init.rule?.k ?? 20, this.contacts)
    return Array.from(this.contacts.nodes.subarray(0, this.contacts.size), node => this.contactOf(node))
  }

  private contactOf (node: number): NodeContact {
    let contact = this.known.get(node)
    if (contact === undefined) {
      const { table } = this.init
      contact = { peer: String(node), kadId: keyOf(table.idHi(node), table.idLo(node)), node }
      this.known.set(node, contact)
    }
    return contact
  }
}

/** An id of 64 bits as a key of the routing space. */
export function keyOf (hi: number, lo: number): Uint8Array {
  const key = new Uint8Array(32)
  const view = new DataView(key.buffer)
  view.setUint32(0, hi)
  view.setUint32(4, lo)
  return key
}
