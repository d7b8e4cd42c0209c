import { expect } from 'chai'
import { createTestnet } from '../src/index.ts'
import type { Testnet } from '../src/index.ts'
import type { Peer } from '@skein/peer'

const FAST = 200
const SLOW = 2

describe('a peer that has had enough through relays', function () {
  this.timeout(60_000)
  let net: Testnet
  let caller: Peer
  let relayed: Peer
  let direct: Peer

  before(async () => {
    net = await createTestnet({ peers: 0, seed: { roles: ['discover', 'bootstrap', 'relay'] } })
    // nothing to dial it at, it dials nobody but the seed, and it does not punch
    const isSeed = (address: { toString: () => string }): boolean => net.bootstrap.some(seed => address.toString().startsWith(seed))
    relayed = await net.addPeer({
      listen: [], relay: 'listen', reachability: false, connectionGater: { denyDialMultiaddr: address => !isSeed(address) }
    })
    direct = await net.addPeer()
    caller = await net.addPeer({ reachability: { budget: { freeBytes: 0 } }, checks: false })
    await relayed.reserveRelay()
    await relayed.serve('both', () => 'from afar', { tokensPerSecond: FAST })
    await relayed.serve('far', () => 'from afar', { tokensPerSecond: FAST })
    await direct.serve('both', () => 'from nearby', { tokensPerSecond: SLOW })
    await found('both', 2)
    await found('far', 1)
  })

  after(async () => { await net?.stop() })

  async function found (model: string, count: number): Promise<void> {
    for (;;) {
      const peers = new Set<string>()
      for await (const { peer } of caller.findModel(model)) {
        peers.add(peer)
      }
      if (peers.size === count) {
        return
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async function answered (model: string): Promise<{ text: string, path: string }> {
    const chat = caller.chat({ model, messages: [] })
    const text = await chat.text()
    return { text, path: (await chat.route).path }
  }

  async function order (model: string): Promise<string[]> {
    return (await caller.explain(model)).providers.map(({ peer }) => peer)
  }

  it('asks a slow one directly before a fast one through the relay, and the relay where nobody else serves the model', async () => {
    expect(await order('both')).to.deep.equal([relayed.id, direct.id])
    expect(await answered('far')).to.deep.equal({ text: 'from afar', path: 'relayed' })

    expect(caller.relayBudget).to.include({ spent: true, share: 1 })
    expect(await order('both')).to.deep.equal([direct.id, relayed.id])
    const { providers } = await caller.explain('both')
    expect(providers[1]?.reasons[0]).to.contain('enough has come through relays lately')
    expect(await answered('both')).to.deep.equal({ text: 'from nearby', path: 'direct' })

    const before = caller.relayBudget?.bytes.relayed ?? 0
    expect(await answered('far')).to.deep.equal({ text: 'from afar', path: 'relayed' })
    expect(caller.relayBudget?.bytes.relayed).to.be.above(before)
  })
})
