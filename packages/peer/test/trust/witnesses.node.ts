/** Receipts that peers tell each other of, between real peers on loopback. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { countersignReceipt, PROTOCOLS, signReceipt } from '@skein/records'
import { expect } from 'chai'
import { createPeer } from '../../src/index.ts'
import { ReceiptStream } from '../../../reputation/src/libp2p/receipt-stream.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { InferenceReceipt } from '@skein/records'
import type { Peer, PeerInit } from '../../src/index.ts'

const messages = [{ role: 'user', content: 'hi' }]

describe('the word of others', function () {
  this.timeout(30_000)
  let running: Peer[] = []

  async function start (init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], ...init })
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

  /** A provider, a witness that called it five times, and an asker that the witness served once. */
  async function three (witnessInit: PeerInit = {}): Promise<{ provider: Peer, witness: Peer, asker: Peer }> {
    const provider = await start()
    await provider.serve('far', async () => 'x')
    const witness = await start({ bootstrap: provider.addresses, ...witnessInit })
    await witness.serve('near', async () => 'y')
    for (let i = 0; i < 5; i++) {
      await witness.chat({ model: 'far', messages }).text()
    }
    await eventually(() => witness.trust.ledger.dealings(provider.id, 'inference') === 5)
    const asker = await start({ bootstrap: witness.addresses, reputation: { askIntervalMs: 300 } })
    await asker.chat({ model: 'near', messages }).text()
    await eventually(() => asker.trust.ledger.dealings(witness.id, 'inference') === 1)
    return { provider, witness, asker }
  }

  afterEach(async () => {
    await Promise.all(running.map(async peer => { await peer.stop() }))
    running = []
  })

  it('is asked for, checked and counted: of a provider that the asker never called', async () => {
    const { provider, witness, asker } = await three()
    await eventually(() => asker.trust.receipts?.counters.heard_total['second-hand'] === 5)
    const why = asker.trust.ledger.explain(provider.id, 'inference', Date.now())
    expect(why.firstHand?.counted ?? 0).to.equal(0)
    expect(why.witnesses.map(({ witness }) => witness)).to.deep.equal([witness.id])
    expect(why.target).to.be.above(why.newcomerScore)
    // the rounds go on, but one who was asked is left in peace
    await new Promise(resolve => { setTimeout(resolve, 1_000) })
    expect(asker.libp2p.services.receipts?.counters.asked_total).to.equal(1)
    expect(witness.libp2p.services.receipts?.counters).to.deep.include({ told_total: 5, refused_total: {} })
    // nobody asked the provider: it delivered to the witness, but the asker does not know it
    expect(provider.libp2p.services.receipts?.counters.told_total).to.equal(0)
  })

  it('is kept back by one that does not want to tell', async () => {
    const { provider, asker } = await three({ reputation: { tell: false } })
    await eventually(() => asker.libp2p.services.receipts?.counters.questions_refused_total.declined === 1)
    expect(asker.trust.ledger.explain(provider.id, 'inference', Date.now()).witnesses).to.deep.equal([])
    expect(asker.trust.receipts?.counters.heard_total).to.deep.equal({})
  })

  it('is told to one peer twice in ten minutes at most, and never of what the asker itself did', async () => {
    const { provider, witness, asker } = await three()
    await provider.libp2p.dial(witness.libp2p.getMultiaddrs())
    await eventually(() => asker.libp2p.services.receipts?.counters.asked_total === 1)
    const ask = async (peer: Peer): Promise<unknown> => {
      const { proofs, refusal } = await peer.libp2p.services.receipts!.askReceipts(witness.id)
      return refusal ?? proofs.length
    }
    expect(await ask(provider)).to.equal(0)
    expect(await ask(asker)).to.equal(5)
    expect(await ask(asker)).to.equal('busy')
  })

  describe('of one that makes it up', () => {
    let keys: { witness: PrivateKey, provider: PrivateKey }
    let witness: Peer
    let asker: Peer

    /** A witness that delivered to the asker, and tells what `told` makes. */
    async function telling (told: () => Promise<Array<{ byConsumer: Uint8Array, byProvider: Uint8Array }>>): Promise<void> {
      witness = await start({ privateKey: keys.witness })
      await witness.serve('near', async () => 'y')
      asker = await start({ bootstrap: witness.addresses, reputation: { ask: false } })
      await asker.chat({ model: 'near', messages }).text()
      await eventually(() => asker.trust.ledger.dealings(witness.id, 'inference') === 1)
      await witness.libp2p.unhandle(PROTOCOLS.receipt)
      await witness.libp2p.handle(PROTOCOLS.receipt, async stream => {
        const exchange = new ReceiptStream(stream)
        const signal = AbortSignal.timeout(5_000)
        await exchange.readOffer({ signal })
        const copies = (await told()).map(({ byConsumer, byProvider }) => ({ byConsumer: Uint8Array.from(byConsumer), byProvider: Uint8Array.from(byProvider) }))
        await exchange.writeAnswer({ told: copies }, { signal })
      })
    }

    function receipt (consumer: Peer, requestId: string, changes: Partial<InferenceReceipt> = {}): InferenceReceipt {
      const issuedAtMs = Date.now()
      return {
        kind: 'inference', requestId, provider: peerIdFromPrivateKey(keys.provider).toString(), consumer: consumer.id, outcome: 'complete', path: 'direct',
        bytes: 100, model: 'm', tokensIn: 1, tokensOut: 10, durationMs: 10, issuedAtMs, expiresAtMs: issuedAtMs + 60_000, ...changes
      }
    }

    beforeEach(async () => { keys = { witness: await generateKeyPair('Ed25519'), provider: await generateKeyPair('Ed25519') } })

    it('counts for nothing, costs it its standing, and is not read to the end', async () => {
      await telling(async () => await Promise.all(['01', '02'].map(async (byte, i) => {
        const first = await signReceipt(receipt(witness, byte.repeat(16)), keys.witness)
        const second = await countersignReceipt(first, keys.provider)
        const forged = Uint8Array.from(second.envelope)
        forged.set([(forged.at(-1) as number) ^ (i === 0 ? 1 : 0)], forged.length - 1)
        return { byConsumer: first.envelope, byProvider: forged }
      })))
      const { proofs } = await asker.libp2p.services.receipts!.askReceipts(witness.id)
      expect(proofs).to.deep.equal([])
      expect(asker.libp2p.services.receipts?.counters.offences_total).to.deep.equal({ bad_record: 1 })
      expect(asker.trust.ledger.dealings(witness.id, 'honesty')).to.equal(1)
      expect(asker.trust.ledger.isWitness(witness.id, Date.now()), 'its word has no weight any more').to.equal(false)
    })

    it('is refused when it is of others, and when it is more than was asked for', async () => {
      await telling(async () => {
        const first = await signReceipt(receipt(asker, '01'.repeat(16)), keys.provider)
        return [{ byConsumer: new Uint8Array(0), byProvider: first.envelope }]
      })
      expect((await asker.libp2p.services.receipts!.askReceipts(witness.id)).proofs).to.deep.equal([])
      await witness.libp2p.unhandle(PROTOCOLS.receipt)
      await witness.libp2p.handle(PROTOCOLS.receipt, async stream => {
        const exchange = new ReceiptStream(stream)
        await exchange.readOffer({ signal: AbortSignal.timeout(5_000) })
        const told = Array.from({ length: 65 }, () => ({ byConsumer: new Uint8Array(1), byProvider: new Uint8Array(0) }))
        await exchange.writeAnswer({ told }, { signal: AbortSignal.timeout(5_000) })
      })
      expect(await asker.libp2p.services.receipts!.askReceipts(witness.id)).to.deep.equal({ proofs: [], refusal: 'protocol' })
      expect(asker.libp2p.services.receipts?.counters.offences_total).to.deep.equal({ bad_record: 1, malformed: 1 })
    })

    it('is left out where it has expired, which is no offence', async () => {
      await telling(async () => await Promise.all([1, 60_000].map(async (lifeMs, i) => {
        const issuedAtMs = Date.now() - 1_000
        const facts = receipt(witness, `0${i}`.repeat(16), { issuedAtMs, expiresAtMs: issuedAtMs + lifeMs, outcome: 'failed' })
        return { byConsumer: (await signReceipt(facts, keys.witness)).envelope, byProvider: new Uint8Array(0) }
      })))
      const { proofs } = await asker.libp2p.services.receipts!.askReceipts(witness.id)
      expect(proofs.map(({ receipt: { outcome } }) => outcome)).to.deep.equal(['failed'])
      expect(asker.libp2p.services.receipts?.counters.offences_total).to.deep.equal({})
    })
  })
})
