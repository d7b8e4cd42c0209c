/** Receipts for relayed bytes, between a real relay and its clients on loopback. */
import { createPeer } from '@skein/peer'
import { expect } from 'chai'
import { createSeed } from '../../src/index.ts'
import type { Peer, PeerInit } from '@skein/peer'
import type { ReceiptProof } from '@skein/records'
import type { RelayService, Seed } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
const ASK = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
/** Receipts soon after a circuit's end, for the test; a minute after it otherwise. */
const SOON = { relaySettleMs: 100 }

describe('receipts for relayed bytes', function () {
  this.timeout(60_000)
  let running: Array<{ stop: () => Promise<void> }> = []

  async function relay (): Promise<Seed & { relay: RelayService }> {
    const seed = await createSeed({ ...LISTEN, roles: ['discover', 'relay', 'bootstrap'] })
    running.push(seed)
    return seed as Seed & { relay: RelayService }
  }

  async function start (seed: { addresses: string[] }, init: PeerInit = {}): Promise<Peer> {
    // nothing but the calls of the test makes circuits
    const peer = await createPeer({ listen: [], bootstrap: seed.addresses, reputation: SOON, gossip: false, pex: false, ...init })
    running.push(peer)
    return peer
  }

  async function eventually<T> (look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined && found !== false) {
        return found
      }
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
  }

  const receiptsOf = (peer: Peer, other: string): ReceiptProof[] => peer.trust.ledger.receiptsWith(other, Date.now())

  afterEach(async () => {
    for (const node of running.reverse()) {
      await node.stop()
    }
    running = []
  })

  it('are signed by the relay and by both ends of a circuit, with what it carried', async () => {
    const seed = await relay()
    const server = await start(seed)
    await server.reserveRelay()
    await server.serve('m', async function * () {
      for (let i = 0; i < 500; i++) {
        yield 'x'.repeat(1_000)
      }
    })
    const client = await start(seed)
    expect(await client.chat(ASK).text()).to.have.length(500_000)
    expect((await eventually(() => receiptsOf(client, server.id)[0])).receipt).to.deep.include({ kind: 'inference', path: 'relayed', outcome: 'complete' })

    await client.libp2p.hangUp(server.libp2p.peerId)
    const proofs = await Promise.all([client, server].map(async end => await eventually(() => receiptsOf(end, seed.id)[0])))
    const carried = seed.relay.usage().bytes
    for (const { receipt, byProvider, byConsumer } of proofs) {
      expect(receipt).to.deep.include({ kind: 'relay', provider: seed.id, outcome: 'complete' })
      expect([byProvider !== undefined, byConsumer !== undefined]).to.deep.equal([true, true])
      expect(receipt.bytes).to.be.within(500_000, carried)
      expect(carried - receipt.bytes, 'but for the handshake').to.be.below(4_096)
    }
    for (const end of [client, server]) {
      expect(end.trust.ledger.dealings(seed.id, 'relay')).to.equal(1)
      await eventually(() => receiptsOf(seed.peer, end.id).length === 1)
    }
  })

  it('are refused by the relay when it carried less', async () => {
    const seed = await relay()
    const server = await start(seed)
    await server.reserveRelay()
    await server.serve('m', async () => 'x'.repeat(10_000))
    const liar = await start(seed)
    const service = liar.libp2p.services.receipts!
    const offer = service.offerReceipt.bind(service)
    service.offerReceipt = async (peer, facts, options) => await offer(peer, facts.kind === 'relay' ? { ...facts, bytes: 100 * facts.bytes } : facts, options)
    await liar.chat(ASK).text()
    await eventually(() => receiptsOf(liar, server.id)[0])
    await liar.libp2p.hangUp(server.libp2p.peerId)
    expect((await eventually(() => receiptsOf(liar, seed.id)[0])).byProvider).to.equal(undefined)
    expect(service.counters.offers_refused_total).to.deep.equal({ disagreed: 1 })
    expect(receiptsOf(seed.peer, liar.id)).to.deep.equal([])
  })

  it('come due when a client stops', async () => {
    const seed = await relay()
    const server = await start(seed)
    await server.reserveRelay()
    await server.serve('m', async () => 'x'.repeat(10_000))
    const client = await start(seed, { reputation: {} })
    await client.chat(ASK).text()
    expect(receiptsOf(client, seed.id)).to.deep.equal([])
    await client.stop()
    expect(receiptsOf(client, seed.id)).to.have.length(1)
  })
})
