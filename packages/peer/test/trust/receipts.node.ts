/** Receipts of requests between real peers on loopback. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { handlerBackend } from '@skein/inference'
import { PROTOCOLS, signReceipt } from '@skein/records'
import { expect } from 'chai'
import { createPeer } from '../../src/index.ts'
import { ReceiptStream } from '../../../reputation/src/libp2p/receipt-stream.ts'
import { eventually } from '../../../core/test/eventually.ts'
import type { Peer, PeerInit } from '../../src/index.ts'
import type { InferenceReceipt, Receipt, ReceiptProof } from '@skein/records'
import type { ReceiptAnswer } from '../../../reputation/src/pb/exchange.ts'

const ASK = { messages: [{ role: 'user', content: 'hi' }] }

describe('receipts of requests', function () {
  this.timeout(30_000)
  let running: Peer[] = []

  async function start (init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], ...init })
    running.push(peer)
    return peer
  }

  async function pair (init: PeerInit = {}): Promise<[Peer, Peer]> {
    const provider = await start(init)
    return [provider, await start({ bootstrap: provider.addresses })]
  }

  const receiptsOf = (peer: Peer, other: Peer): ReceiptProof[] => peer.trust.ledger.receiptsWith(other.id, Date.now())
  const firstReceipt = async (peer: Peer, other: Peer): Promise<ReceiptProof> => await eventually(() => receiptsOf(peer, other)[0])
  const failure = async (work: Promise<unknown>): Promise<Error> => await work.then(() => { throw new Error('no failure') }, error => error)

  afterEach(async () => {
    await Promise.all(running.map(async peer => { await peer.stop() }))
    running = []
  })

  it('are signed by both sides, with what was delivered, and kept by both', async () => {
    const [provider, consumer] = await pair()
    await provider.serve('m', async function * () {
      yield 'one '
      yield 'two'
      yield { type: 'usage', usage: { prompt_tokens: 7, completion_tokens: 2 } }
    })
    expect(await consumer.chat({ model: 'm', ...ASK }).text()).to.equal('one two')
    const proof = await firstReceipt(consumer, provider)
    expect(proof.byProvider).to.be.an('uint8array')
    expect(proof.byConsumer).to.be.an('uint8array')
    const { firstTokenMs, durationMs, bytes, ...facts } = proof.receipt as InferenceReceipt
    expect(facts).to.deep.include({
      kind: 'inference', provider: provider.id, consumer: consumer.id, model: 'm', tokensIn: 7, tokensOut: 2, outcome: 'complete', path: 'direct'
    })
    expect(firstTokenMs).to.be.at.least(0).and.at.most(durationMs)
    expect(bytes).to.be.above(20)
    expect(await firstReceipt(provider, consumer)).to.deep.equal(proof)
    const { good, bad, counted } = consumer.trust.ledger.explain(provider.id, 'inference', Date.now()).firstHand!
    expect([Math.round(100 * good) / 100, bad, counted]).to.deep.equal([1, 0, 1])
    expect(provider.trust.ledger.explain(consumer.id, 'inference', Date.now()).firstHand).to.equal(undefined)
    expect(consumer.libp2p.services.receipts?.counters).to.deep.include({ offered_total: 1, offers_refused_total: {} })
  })

  it('are not made of requests to oneself, nor where reputation is turned off', async () => {
    const [provider, consumer] = await pair({ reputation: false })
    await provider.serve('m', async () => 'x')
    await consumer.serve('own', async () => 'y')
    await consumer.chat({ model: 'own', ...ASK }).text()
    expect(consumer.trust.receipts?.counters.deliveries_total).to.equal(0)
    expect(provider.libp2p.services.receipts).to.equal(undefined)
    await consumer.chat({ model: 'm', ...ASK }).text()
    const proof = await firstReceipt(consumer, provider)
    expect([proof.byProvider, proof.byConsumer !== undefined]).to.deep.equal([undefined, true])
    expect(receiptsOf(provider, consumer)).to.deep.equal([])
  })

  it('count an answer that broke off against who gave it, and a refusal for nothing', async () => {
    const [provider, consumer] = await pair()
    await provider.serve('m', async function * () {
      yield 'one '
      throw new Error('out of memory')
    })
    await failure(consumer.chat({ model: 'm', ...ASK }).text())
    const { receipt, byProvider } = await firstReceipt(consumer, provider)
    expect([receipt.outcome, (receipt as InferenceReceipt).tokensOut, byProvider !== undefined]).to.deep.equal(['truncated', 1, true])
    const { good, bad } = consumer.trust.ledger.explain(provider.id, 'inference', Date.now()).firstHand!
    expect([good, Math.round(100 * bad) / 100]).to.deep.equal([0, 1])
    expect(consumer.trust.score(provider.id, 'inference')).to.be.below(0.2)

    const [busy, asking] = await pair()
    await busy.serve('full', async () => 'x', { maxConcurrent: 0 })
    await failure(asking.chat({ model: 'full', ...ASK }, { maxAttempts: 1 }).text())
    const refused = await firstReceipt(asking, busy)
    expect([refused.receipt.outcome, refused.byProvider !== undefined]).to.deep.equal(['refused', true])
    expect(asking.trust.score(busy.id, 'inference')).to.equal(0.2)
  })

  it('count a provider that is killed in mid-answer: one-sided', async () => {
    const [provider, consumer] = await pair()
    await provider.serve('m', async function * (_, { signal }) {
      yield 'one '
      await new Promise(resolve => { signal.addEventListener('abort', resolve, { once: true }) })
    })
    const call = failure(consumer.chat({ model: 'm', ...ASK }).text())
    await eventually(() => provider.libp2p.services.inference.active === 1)
    await new Promise(resolve => { setTimeout(resolve, 50) })
    await provider.stop()
    await call
    const { receipt, byProvider } = await firstReceipt(consumer, provider)
    expect([receipt.outcome, byProvider]).to.deep.equal(['truncated', undefined])
  })

  it('say nothing of a provider whose caller left', async () => {
    const [provider, consumer] = await pair()
    await provider.serve('m', async function * () {
      for (let i = 0; ; i++) {
        yield `${i} `
        await new Promise(resolve => { setTimeout(resolve, 5) })
      }
    })
    for await (const _ of consumer.chat({ model: 'm', ...ASK })) {
      break
    }
    await eventually(() => provider.libp2p.services.inference.active === 0)
    expect(consumer.trust.receipts?.counters.deliveries_total).to.equal(0)
  })

  it('are not signed for a request that was never made, nor a second time with other facts', async () => {
    const [provider, liar] = await pair()
    await provider.serve('m', async function * () { yield 'one' })
    await liar.chat({ model: 'm', ...ASK }).text()
    const { receipt } = await firstReceipt(liar, provider) as { receipt: InferenceReceipt }
    const refusal = async (changes: Partial<InferenceReceipt>): Promise<string | undefined> =>
      (await liar.libp2p.services.receipts?.offerReceipt(provider.id, { ...receipt, ...changes }))?.refusal
    expect(await refusal({ requestId: '00'.repeat(16) })).to.equal('disagreed')
    expect(await refusal({ tokensOut: 5_000 })).to.equal('replayed')
    expect(receiptsOf(provider, liar)).to.have.length(1)
  })

  it('are refused to a consumer that inflates the tokens', async () => {
    const [provider, liar] = await pair()
    await provider.serve('m', async function * () { yield 'one' })
    const service = liar.libp2p.services.receipts!
    const offer = service.offerReceipt.bind(service)
    service.offerReceipt = async (peer, facts, options) => await offer(peer, { ...facts, tokensOut: 5_000 } as Receipt, options)
    await liar.chat({ model: 'm', ...ASK }).text()
    const proof = await firstReceipt(liar, provider)
    expect(proof.byProvider).to.equal(undefined)
    expect(service.counters.offers_refused_total).to.deep.equal({ disagreed: 1 })
    expect(receiptsOf(provider, liar)).to.deep.equal([])
    expect(provider.trust.ledger.dealings(liar.id, 'honesty'), 'a disagreement alone is no evidence').to.equal(undefined)
  })

  it('take no more tokens for true than there are bytes in the answer, at both sides', async () => {
    const [provider, consumer] = await pair()
    await provider.serve('m', async function * () {
      yield 'one'
      yield { type: 'usage', usage: { prompt_tokens: 1, completion_tokens: 1_000_000 } }
    })
    await consumer.chat({ model: 'm', ...ASK }).text()
    const { receipt, byProvider } = await firstReceipt(consumer, provider)
    expect([(receipt as InferenceReceipt).tokensOut, byProvider !== undefined]).to.deep.equal([1, true])
  })

  it('cost one that forges them its standing, here and in gossip', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const provider = await start()
    const forger = await start({ bootstrap: provider.addresses, privateKey })
    const nowMs = Date.now()
    const signed = await signReceipt({
      kind: 'inference', requestId: '11'.repeat(16), provider: provider.id, consumer: forger.id, outcome: 'complete', path: 'direct', bytes: 100,
      model: 'm', tokensIn: 1, tokensOut: 10, durationMs: 10, issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000
    }, privateKey)
    const forged = Uint8Array.from(signed.envelope)
    forged.set([(forged.at(-1) as number) ^ 1], forged.length - 1)
    const answers: ReceiptAnswer[] = []
    for (let i = 0; i < 3; i++) {
      const stream = await forger.libp2p.getConnections(provider.libp2p.peerId)[0]!.newStream(PROTOCOLS.receipt)
      const messages = new ReceiptStream(stream)
      const signal = AbortSignal.timeout(5_000)
      await messages.writeOffer({ receipt: forged }, { signal })
      answers.push(await messages.readAnswer({ signal }))
    }
    expect(answers.map(({ refusal }) => refusal)).to.deep.equal(['invalid', 'invalid', 'invalid'])
    expect(provider.trust.ledger.explain(forger.id, 'honesty', Date.now()).firstHand?.bad).to.be.closeTo(30, 0.01)
    expect(provider.trust.isDistrusted(forger.id, 'inference')).to.equal(true)
    const gossip = provider.libp2p.services.pubsub as unknown as { score: { score: (peer: string) => number } }
    await eventually(() => gossip.score.score(forger.id) < -50) // it is worked out once a second
    expect(provider.trust.ledger.newcomerScore('somebody else', Date.now())).to.equal(0.2)
    expect(provider.libp2p.services.receipts?.counters.offences_total).to.deep.equal({ bad_record: 3 })
  })

  it('never hold up an answer, nor the end of a peer, however long the other side takes to sign', async () => {
    const [provider, consumer] = await pair()
    await provider.serve('m', async () => 'x')
    await provider.libp2p.unhandle(PROTOCOLS.receipt)
    await provider.libp2p.handle(PROTOCOLS.receipt, () => {}) // takes what is offered, and never answers
    const startMs = Date.now()
    for (let i = 0; i < 5; i++) {
      expect(await consumer.chat({ model: 'm', ...ASK }).text()).to.equal('x')
    }
    expect(Date.now() - startMs).to.be.below(5_000)
    expect(consumer.trust.receipts?.waiting).to.equal(5)
    const stopMs = Date.now()
    await consumer.stop()
    expect(Date.now() - stopMs).to.be.below(5_000)
    expect(receiptsOf(consumer, provider).map(({ byProvider }) => byProvider)).to.deep.equal(Array.from({ length: 5 }, () => undefined))
    expect(consumer.trust.ledger.dealings(provider.id, 'inference')).to.equal(5)
  })

  it('leave the hooks of the user as they are', async () => {
    const served: string[] = []
    const [provider, consumer] = await pair({ inference: { onServed: ({ outcome }) => { served.push(outcome) } } })
    await provider.serve(handlerBackend('m', async () => 'x'))
    await consumer.chat({ model: 'm', ...ASK }).text()
    expect(served).to.deep.equal(['complete'])
    await firstReceipt(provider, consumer)
  })
})
