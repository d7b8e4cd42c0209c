/** Receipts between real libp2p nodes over TCP on loopback, and through a relay. */
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { openReceiptProof, PROTOCOLS, signReceipt } from '@skein/records'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { ReputationLedger } from '../../src/index.ts'
import { receipts } from '../../src/libp2p/index.ts'
import { ReceiptStream } from '../../src/libp2p/receipt-stream.ts'
import { identity, receipt } from '../ledger-fixture.ts'
import { eventually } from '../../../core/test/eventually.ts'
import type { Identity } from '../ledger-fixture.ts'
import type { ReceiptService, ReceiptsInit } from '../../src/libp2p/index.ts'
import type { ReceiptAnswer } from '../../src/pb/exchange.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { InferenceReceipt, Receipt, ReceiptProof } from '@skein/records'

type ReceiptNode = Libp2p<{ receipts: ReceiptService }> & { identity: Identity, signed: ReceiptProof[], refused: string[], offended: string[] }

const running: Libp2p[] = []

async function createNode (init: ReceiptsInit = {}, listen = ['/ip4/127.0.0.1/tcp/0']): Promise<ReceiptNode> {
  const self = await identity()
  const node = await createLibp2p({
    privateKey: self.key,
    addresses: { listen },
    transports: [tcp(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 1000, reconnectRetries: 0 },
    services: { identify: identify(), receipts: receipts(init) }
  })
  running.push(node)
  const signed: ReceiptProof[] = []
  const refused: string[] = []
  const offended: string[] = []
  node.services.receipts.addEventListener('receipt:signed', ({ detail }) => { signed.push(detail.proof) })
  node.services.receipts.addEventListener('receipt:refused', ({ detail }) => { refused.push(detail.refusal) })
  node.services.receipts.addEventListener('peer:offended', ({ detail }) => { offended.push(detail.reason) })
  return Object.assign(node, { identity: self, signed, refused, offended })
}

function facts (consumer: ReceiptNode, provider: ReceiptNode, changes: Partial<InferenceReceipt> = {}): InferenceReceipt {
  return receipt({ consumer: consumer.identity.name, provider: provider.identity.name, issuedAtMs: Date.now(), ...changes })
}

/** Offers as a program would that is not ours. */
async function offerRaw (from: Libp2p, to: Libp2p, envelope: Uint8Array): Promise<ReceiptAnswer> {
  const connection = await from.dial(to.getMultiaddrs())
  const messages = new ReceiptStream(await connection.newStream(PROTOCOLS.receipt))
  const signal = AbortSignal.timeout(5000)
  await messages.writeOffer({ receipt: Uint8Array.from(envelope) }, { signal })
  return await messages.readAnswer({ signal })
}

describe('receipts between real nodes', function () {
  this.timeout(30_000)

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async node => { await node.stop() }))
  })

  it('are signed by both, whoever offers, and count in the consumer\'s ledger and for those who trust it', async () => {
    const provider = await createNode({ agree: ({ tokensOut }: Receipt & { tokensOut?: number }) => tokensOut === 100 ? 'agree' : 'refuse' })
    const consumer = await createNode({ agree: () => 'agree' })
    await consumer.dial(provider.getMultiaddrs())
    const offered = await consumer.services.receipts.offerReceipt(provider.identity.name, facts(consumer, provider))
    expect(offered.refusal).to.equal(undefined)
    const back = await provider.services.receipts.offerReceipt(consumer.identity.name, facts(consumer, provider))
    await eventually(() => provider.signed.length === 2 && consumer.signed.length === 2)
    expect(provider.signed[0]).to.deep.equal(offered.proof)

    // what anybody can verify
    const envelopes = [back.proof.byProvider, back.proof.byConsumer] as Uint8Array[]
    expect(await openReceiptProof(envelopes, Date.now())).to.deep.equal(back.proof)
    const own = new ReputationLedger({ self: consumer.identity.name })
    expect(own.onReceipt(offered.proof, Date.now())).to.equal('first-hand')
    const others = new ReputationLedger({ self: 'other' })
    others.onEvidence(consumer.identity.name, 'inference', { good: 5 }, Date.now())
    expect(others.onReceipt(offered.proof, Date.now())).to.equal('second-hand')
  })

  it('stay one-sided where the other disagrees, and carry its reason', async () => {
    const provider = await createNode()
    const consumer = await createNode()
    await consumer.dial(provider.getMultiaddrs())
    const { proof, refusal } = await consumer.services.receipts.offerReceipt(provider.identity.name, facts(consumer, provider))
    expect([refusal, proof.byConsumer !== undefined, proof.byProvider]).to.deep.equal(['disagreed', true, undefined])
    await eventually(() => provider.refused.length === 1)
    const ledger = new ReputationLedger({ self: consumer.identity.name })
    expect(ledger.onReceipt(proof, Date.now())).to.equal('first-hand')
  })

  it('are answered the same when offered again, and refused when they say something else of the request', async () => {
    let asked = 0
    const provider = await createNode({ agree: () => { asked++; return 'agree' } })
    const consumer = await createNode()
    await consumer.dial(provider.getMultiaddrs())
    const what = facts(consumer, provider)
    const offer = async (changes: Partial<InferenceReceipt> = {}): Promise<string> =>
      (await consumer.services.receipts.offerReceipt(provider.identity.name, { ...what, ...changes })).refusal ?? 'signed'
    expect([await offer(), await offer(), await offer({ tokensOut: 5000 })]).to.deep.equal(['signed', 'signed', 'replayed'])
    expect(asked).to.equal(1)
    await eventually(() => provider.signed.length === 1)
  })

  it('are refused by a program that offers those of others, none, or too much', async () => {
    const [provider, stranger, third] = [await createNode({ agree: () => 'agree' }), await createNode(), await identity()]
    const ofThird = receipt({ consumer: third.name, provider: provider.identity.name, issuedAtMs: Date.now() })
    expect((await offerRaw(stranger, provider, (await signReceipt(ofThird, third.key)).envelope)).refusal).to.equal('not_ours')
    expect((await offerRaw(stranger, provider, Uint8Array.of(1, 2, 3))).refusal).to.equal('invalid')
    const forged = Uint8Array.from((await signReceipt(facts(stranger, provider), stranger.identity.key)).envelope)
    forged[forged.length - 1]! ^= 1
    expect((await offerRaw(stranger, provider, forged)).refusal).to.equal('invalid')
    const expired = facts(stranger, provider, { issuedAtMs: Date.now() - 40 * 86_400_000 })
    expect((await offerRaw(stranger, provider, (await signReceipt(expired, stranger.identity.key)).envelope)).refusal).to.equal('invalid')
    expect(await offerRaw(stranger, provider, new Uint8Array(5000)).then(() => 'answered', () => 'reset')).to.equal('reset')
    await eventually(() => provider.offended.length === 3)
    expect(provider.offended).to.deep.equal(['bad_record', 'bad_record', 'oversize'])
  })

  it('are told to come again when there are too many of one peer', async () => {
    const provider = await createNode({ agree: () => 'agree', burst: 2, ratePerSecond: 0.1 })
    const consumer = await createNode()
    await consumer.dial(provider.getMultiaddrs())
    const outcomes = []
    for (let i = 0; i < 3; i++) {
      outcomes.push(await consumer.services.receipts.offerReceipt(provider.identity.name, facts(consumer, provider)))
    }
    expect(outcomes.map(({ refusal }) => refusal)).to.deep.equal([undefined, undefined, 'busy'])
    expect(outcomes[2]?.retryAfterMs).to.be.within(1, 10_000)
  })

  it('stay one-sided when nobody answers in time, answers with another receipt, or is there', async () => {
    const consumer = await createNode({ timeoutMs: 300 })
    const silent = await createNode({ agree: async () => await new Promise(() => {}) })
    await consumer.dial(silent.getMultiaddrs())
    const offer = async (provider: ReceiptNode): Promise<string | undefined> =>
      (await consumer.services.receipts.offerReceipt(provider.identity.name, facts(consumer, provider))).refusal
    expect(await offer(silent)).to.equal('timed_out')

    const liar = await createNode()
    await liar.unhandle(PROTOCOLS.receipt)
    await liar.handle(PROTOCOLS.receipt, (stream: Stream) => {
      void (async () => {
        const messages = new ReceiptStream(stream)
        await messages.readOffer({})
        const other = await signReceipt(facts(consumer, liar, { tokensOut: 1_000_000 }), liar.identity.key)
        await messages.writeAnswer({ receipt: Uint8Array.from(other.envelope) }, {})
      })().catch(() => {})
    })
    await consumer.dial(liar.getMultiaddrs())
    expect(await offer(liar)).to.equal('protocol')
    expect(consumer.offended).to.deep.equal(['bad_record'])

    await liar.unhandle(PROTOCOLS.receipt)
    await liar.handle(PROTOCOLS.receipt, (stream: Stream) => {
      void lpStream(stream).write(new Uint8Array(5000)).catch(() => {})
    })
    expect(await offer(liar)).to.equal('protocol')

    const gone = await createNode()
    await gone.stop()
    expect(await offer(gone)).to.equal('unreachable')
  })

  it('throw what aborted them, and are not made for deliveries of others', async () => {
    const [consumer, silent] = [await createNode(), await createNode({ agree: async () => await new Promise(() => {}) })]
    await consumer.dial(silent.getMultiaddrs())
    const reason = new Error('enough')
    const aborted = consumer.services.receipts.offerReceipt(silent.identity.name, facts(consumer, silent), { signal: AbortSignal.abort(reason) })
    expect(await aborted.then(() => undefined, (error: unknown) => error)).to.equal(reason)
    const foreign = consumer.services.receipts.offerReceipt(silent.identity.name, { ...facts(consumer, silent), consumer: (await identity()).name })
    expect(await foreign.then(() => undefined, (error: unknown) => error)).to.have.property('reason', 'wrong_signer')
  })

  it('go through a relay, on a connection with limits', async () => {
    const relay = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify(), relay: circuitRelayServer() }
    })
    running.push(relay)
    const provider = await createNode({ agree: () => 'agree' }, [`${relay.getMultiaddrs()[0]!.toString()}/p2p-circuit`])
    await eventually(() => provider.getMultiaddrs().length > 0)
    const consumer = await createNode({}, [])
    const connection = await consumer.dial(multiaddr(`${relay.getMultiaddrs()[0]!.toString()}/p2p-circuit/p2p/${provider.identity.name}`))
    expect(connection.limits).to.not.equal(undefined)
    const outcome = await consumer.services.receipts.offerReceipt(provider.identity.name, facts(consumer, provider, { path: 'relayed' }))
    expect(outcome.refusal).to.equal(undefined)
  })
})
