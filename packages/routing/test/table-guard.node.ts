/** Routing eclipse among real nodes: loopback addresses stand for networks, and the attacker has four /24s. */
import { randomBytes, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { createRoutingNode, stopAll } from './libp2p-network.ts'
import type { RoutingNode } from './libp2p-network.ts'
import type { ModelRoutingInit } from '../src/libp2p/index.ts'
import type { PeerId } from '@libp2p/interface'
import type { VerifiedNetwork } from '@skein/records'

const HONEST = 36
const SYBILS = 36

/** 127.A.B.C as if it were public. This host's own address, from which all dial, is no network. */
function networkOf (address: string): VerifiedNetwork | undefined {
  const [, , host = ''] = address.split('/')
  const [first, a, b] = host.split('.')
  return first !== '127' || a === '0' ? undefined : { small: `127.${a}.${b}.0/24`, wide: `127.${a}.0.0/16` }
}

/** As much of kad-dht's table as is looked at here. */
interface Table {
  size: number
  closestPeers: (key: Uint8Array, options: { count: number }) => PeerId[]
  add: (peer: PeerId) => Promise<void>
}

function tableOf (node: RoutingNode): Table {
  return (node.services.dht as unknown as { routingTable: Table }).routingTable
}

describe('a node that an attacker with four /24s surrounds', function () {
  this.timeout(60_000)

  let honest: RoutingNode[]
  let sybils: RoutingNode[]
  let sybilNames: Set<string>
  const victims: RoutingNode[] = []

  before(async () => {
    const quiet = { initialQuerySelfInterval: 3_600_000, querySelfInterval: 3_600_000 }
    const create = async (host: string): Promise<RoutingNode> => await createRoutingNode({}, quiet, undefined, [`/ip4/${host}/tcp/0`])
    honest = await Promise.all(Array.from({ length: HONEST }, async (_, i) => await create(`127.${10 + i}.1.1`)))
    sybils = await Promise.all(Array.from({ length: SYBILS }, async (_, i) => await create(`127.${200 + i % 4}.7.${1 + (i >> 2)}`)))
    sybilNames = new Set(sybils.map(({ peerId }) => peerId.toString()))
  })
  afterEach(async () => { await stopAll(victims.splice(0)) })
  after(async () => { await stopAll([...honest, ...sybils]) })

  /** Meets all, the attacker's nodes first; nobody can dial it, so that each is seen where it listens. */
  async function victim (init: ModelRoutingInit): Promise<RoutingNode> {
    const node = await createRoutingNode(init, { initialQuerySelfInterval: 3_600_000 }, undefined, [])
    victims.push(node)
    for (const others of [sybils, honest]) {
      for (const other of others) {
        await node.dial(other.getMultiaddrs())
        await tableOf(node).add(other.peerId)
      }
    }
    return node
  }

  function honestShare (peers: PeerId[]): number {
    return peers.filter(peer => !sybilNames.has(peer.toString())).length / peers.length
  }

  async function lookedUp (node: RoutingNode): Promise<PeerId[]> {
    const random = new SeededRandom(1)
    const found: PeerId[] = []
    for (let i = 0; i < 10; i++) {
      found.push(...await node.services.routing.closestPeers(randomBytes(random, 32)))
    }
    return found
  }

  it('has three quarters of honest peers in kad-dht\'s table, among its contacts, and in what its lookups find', async () => {
    const node = await victim({ networkOf, cache: false })
    const table = tableOf(node)
    const entries = table.closestPeers(new Uint8Array(32), { count: 1000 })
    expect(entries.length).to.be.within(HONEST * 0.9, HONEST + 4 * 4)
    expect(honestShare(entries)).to.be.at.least(0.75)
    expect(node.services.routing.gauges().contacts).to.be.within(HONEST * 0.9, HONEST + 4 * 4)
    expect(node.services.routing.counters.table_refusals_total['subnet_in_table']).to.be.above(20)
    expect(honestShare(await lookedUp(node))).to.be.at.least(0.75)
  })

  it('has no more than half without the rule, which is what the attacker brought', async () => {
    const node = await victim({ cache: false })
    const entries = tableOf(node).closestPeers(new Uint8Array(32), { count: 1000 })
    expect(honestShare(entries)).to.be.at.most(0.55)
    expect(honestShare(await lookedUp(node))).to.be.at.most(0.65)
  })

  it('gives no entry up for a newcomer of another network, and takes one in the place of an entry that left', async () => {
    const node = await victim({ networkOf, cache: false })
    const table = tableOf(node)
    const inside = (): Set<string> => new Set(table.closestPeers(new Uint8Array(32), { count: 1000 }).map(String))
    const before = inside()
    const kept = sybils.filter(({ peerId }) => before.has(peerId.toString()))
    const out = sybils.filter(({ peerId }) => !before.has(peerId.toString()))
    for (const { peerId } of out) {
      await table.add(peerId)
    }
    expect([...inside()]).to.have.members([...before])
    const leaving = kept[0] as RoutingNode
    const network = networkOf(leaving.getMultiaddrs()[0]?.toString() ?? '')?.small
    const next = out.filter(other => networkOf(other.getMultiaddrs()[0]?.toString() ?? '')?.small === network)
    await (node.services.dht as unknown as { routingTable: { remove: (peer: PeerId) => Promise<void> } }).routingTable.remove(leaving.peerId)
    for (const { peerId } of next) {
      await table.add(peerId)
    }
    expect([...inside()].filter(name => sybilNames.has(name)).length).to.be.at.most(kept.length)
    expect([...inside()].filter(name => sybilNames.has(name)).length).to.be.at.least(kept.length - 1)
  })
})
