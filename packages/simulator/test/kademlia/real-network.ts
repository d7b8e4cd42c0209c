/**
 * Real libp2p nodes with kad-dht and model routing, and the machine in a simulated world with the same tables: the same lookups in both. Before
 * each lookup
 * the contacts of all real nodes are read, because real nodes learn from every lookup.
 */
import { randomBelow, randomBytes, SeededRandom } from '@skein/core'
import { compareDistance, kadId } from '@skein/routing'
import { constantLatency } from '../../src/engine/latency.ts'
import { Network } from '../../src/engine/network.ts'
import { distance } from '../../src/kademlia/contact-list.ts'
import { MachineLookups } from '../../src/kademlia/machine-lookups.ts'
import { createRoutingNode, stopAll } from '../../../routing/test/libp2p-network.ts'
import type { KadTable } from '../../src/kademlia/kad-table.ts'
import type { MachineOutcome } from '../../src/kademlia/machine-lookups.ts'
import type { RoutingNode } from '../../../routing/test/libp2p-network.ts'
import type { Contact } from '@skein/routing'

/** Where a lookup went: its requests, the answers on the way to the closest peer found, and whether the k closest that there are were found. */
export interface Way {
  requests: number
  hops: number
  success: boolean
}

export interface Comparison {
  real: Way[]
  machine: Way[]
  /** Lookups that ended with the same peers in both */
  same: number
  /** Contacts of a node, on average over the run */
  contacts: number
}

/** The parts of the service that are looked into, and how a request is told. */
interface Opened {
  table: { closest: (target: Uint8Array, count: number) => Contact[] }
  directory: { fromEntry: (entry: unknown) => Contact | undefined }
  links: { request: (to: Contact, body: Uint8Array, onAnswer: (answer: Answer) => void, wanted: () => boolean) => void }
}

interface Answer { found?: { closer: unknown[] } }

export async function compareWithReal (init: { nodes: number, lookups: number, k: number, seed: number, settleMs: number }): Promise<Comparison> {
  const { k, lookups, seed } = init
  const random = new SeededRandom(seed)
  const nodes: RoutingNode[] = []
  try {
    for (let i = 0; i < init.nodes; i++) {
      const node = await createRoutingNode({ k, disjointPaths: 1, cache: false, requestsPerSecond: 1e6, requestBurst: 1e6 }, { kBucketSize: k })
      const known = nodes[randomBelow(random, Math.max(1, nodes.length))]
      if (known !== undefined) {
        await node.dial(known.getMultiaddrs())
      }
      nodes.push(node)
    }
    await new Promise(resolve => setTimeout(resolve, init.settleMs))
    return await compare(nodes, lookups, k, random)
  } finally {
    await stopAll(nodes)
  }
}

async function compare (nodes: RoutingNode[], lookups: number, k: number, random: SeededRandom): Promise<Comparison> {
  const ids = nodes.map(node => kadId(node.peerId.toMultihash().bytes))
  const numbers = new Map(nodes.map((node, i) => [node.peerId.toString(), i]))
  const result: Comparison = { real: [], machine: [], same: 0, contacts: 0 }
  for (let i = 0; i < lookups; i++) {
    const self = randomBelow(random, nodes.length)
    const target = randomBytes(random, 32)
    const table = tableOf(nodes, ids)
    const expected = ids.map((_, node) => node).filter(node => node !== self)
      .sort((a, b) => compareDistance(ids[a] as Uint8Array, ids[b] as Uint8Array, target)).slice(0, k)

    const machine = simulate(table, k, self, target)
    const real = await observe(nodes[self] as RoutingNode, target)
    const found = real.found.map(name => numbers.get(name) as number)

    result.machine.push({ requests: machine.requests, hops: machine.hops, success: equal(machine.found, expected) })
    result.real.push({ requests: real.requests, hops: real.hops, success: equal(found, expected) })
    result.same += equal(found, machine.found) ? 1 : 0
    result.contacts += table.contacts / lookups
  }
  return result
}

function opened (node: RoutingNode): Opened {
  return node.services.routing as unknown as Opened
}

/** The contacts of all nodes, each in one bucket. */
function tableOf (nodes: RoutingNode[], ids: Uint8Array[]): KadTable & { contacts: number } {
  const words = ids.map(id => new DataView(id.buffer, id.byteOffset))
  const numbers = new Map(ids.map((id, i) => [id.join(), i]))
  const contactsOf = (node: RoutingNode): Contact[] => opened(node).table.closest(new Uint8Array(32), nodes.length)
  const contacts = nodes.map(node => contactsOf(node).map(({ kadId }) => numbers.get(kadId.join()) as number))
  const idHi = (node: number): number => words[node]?.getUint32(0) as number
  const idLo = (node: number): number => words[node]?.getUint32(4) as number
  return {
    size: nodes.length,
    k: nodes.length,
    buckets: 1,
    idHi,
    idLo,
    nodeAt: draw => draw % nodes.length,
    pushBucket: (node, _bucket, hi, lo, out) => { contacts[node]?.forEach(other => { out.push(other, distance(idHi(other), idLo(other), hi, lo)) }) },
    contacts: contacts.reduce((sum, list) => sum + list.length, 0) / nodes.length
  }
}

function simulate (table: KadTable, k: number, self: number, target: Uint8Array): MachineOutcome {
  const view = new DataView(target.buffer, target.byteOffset)
  const network = new Network({ seed: 1, nodes: table.size, latency: constantLatency(1) })
  const lookups = new MachineLookups({ seed: 1, table, rule: { k }, network })
  let outcome: MachineOutcome | undefined
  lookups.begin(0, self, view.getUint32(0), view.getUint32(4), done => { outcome = done })
  lookups.world.run(60_000)
  if (outcome === undefined) {
    throw new Error('The simulated lookup did not end')
  }
  return outcome
}

/** A lookup by a real node: whom it asks, and by whose answer it heard of them, is seen where the requests leave. */
async function observe (node: RoutingNode, target: Uint8Array): Promise<{ requests: number, hops: number, found: string[] }> {
  const { directory, links } = opened(node)
  const request = links.request
  const hops = new Map<string, number>()
  let requests = 0
  links.request = (to, body, onAnswer, wanted) => {
    const name = (to as Contact & { peerId: { toString: () => string } }).peerId.toString()
    const hop = hops.get(key(to.kadId)) ?? 1
    hops.set(key(to.kadId), hop)
    hops.set(name, hop)
    requests++
    request.call(links, to, body, answer => {
      for (const entry of answer.found?.closer ?? []) {
        const other = key(directory.fromEntry(entry)?.kadId ?? new Uint8Array())
        hops.set(other, hops.get(other) ?? hop + 1)
      }
      onAnswer(answer)
    }, wanted)
  }
  try {
    const found = (await node.services.routing.closestPeers(target)).map(String)
    return { requests, hops: hops.get(found[0] ?? '') ?? 0, found }
  } finally {
    links.request = request
  }
}

function key (kadId: Uint8Array): string {
  return kadId.join()
}

function equal (a: number[], b: number[]): boolean {
  return a.length === b.length && a.every((node, i) => node === b[i])
}
