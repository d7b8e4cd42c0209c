/** Checks between real peers over TCP on loopback, with the model that ships: liars are found out, honest peers are not blamed. */
import { expect } from 'chai'
import { InferenceError } from '@skein/inference'
import { HONESTY_SERVICE } from '@skein/reputation'
import { loadSmokeModel, smokeBackend } from '@skein/smoke-model'
import { createPeer } from '../../src/index.ts'
import { eventually } from '../../../core/test/eventually.ts'
import type { Backend, InferenceEvent } from '@skein/inference'
import type { Peer, PeerInit } from '../../src/index.ts'

const MODEL = 'skein-smoke-1'
const MIB = 1024 * 1024

type Lie = (events: AsyncIterable<InferenceEvent>) => AsyncIterable<InferenceEvent>

/** Serves the model, and says something else than it does. */
function lying (lie: Lie, claims: { tokensPerSecond?: number } = {}): Backend {
  const honest = smokeBackend()
  return {
    models: async () => (await honest.models()).map(model => ({ ...model, ...claims })),
    infer: (request, options) => lie(honest.infer(request, options))
  }
}

/** Gives half of the answer, and ends it as if it were whole. */
const truncates: Lie = async function * (events) {
  let deltas = 0
  for await (const event of events) {
    deltas += event.type === 'delta' ? 1 : 0
    if (deltas > 4 && event.type === 'delta') {
      continue
    }
    yield event
  }
}

/** Computes nothing worth the name. */
const makesUp: Lie = async function * (events) {
  for await (const event of events) {
    yield event.type === 'delta' ? { ...event, text: ' whale' } : event
  }
}

describe('checks of other peers', function () {
  this.timeout(120_000)
  let started: Peer[] = []

  before(async () => { await loadSmokeModel() })

  async function start (init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], clusters: false, ...init })
    started.push(peer)
    return peer
  }

  afterEach(async () => {
    await Promise.all(started.map(async peer => { await peer.stop() }))
    started = []
  })

  async function mesh (liars: Backend[], honest: number, init: PeerInit = {}): Promise<{ caller: Peer, liars: Peer[], honest: Peer[] }> {
    const caller = await start(init)
    const serve = async (backend: Backend): Promise<Peer> => {
      const peer = await start({ bootstrap: caller.addresses })
      await peer.serve(backend)
      return peer
    }
    return {
      caller,
      liars: await Promise.all(liars.map(serve)),
      honest: await Promise.all(Array.from({ length: honest }, async () => await serve(smokeBackend())))
    }
  }

  async function ask (caller: Peer, i: number, body: Record<string, unknown> = {}, options: Parameters<Peer['chat']>[1] = {}): Promise<string> {
    const call = caller.chat({ model: MODEL, messages: [{ role: 'user', content: `Of whale ${i}` }], temperature: 0, max_tokens: 10, ...body }, options)
    await call.text()
    return (await call.route).peer
  }

  // a stranger is compared at 0.2 of its answers, so that it goes unnoticed through 60 with a chance of 0.8^60, 1.5 in a million
  for (const [what, lie] of Object.entries({ 'truncates and still sends END': truncates, 'answers something else': makesUp })) {
    it(`find out a provider that ${what} within 60 of its answers, at the default share, and blame nobody else`, async () => {
      const { caller, liars: [liar], honest } = await mesh([lying(lie, { tokensPerSecond: 10_000 })], 3)
      const odd: Array<string | undefined> = []
      caller.addEventListener('check:disputed', ({ detail }) => { odd.push(detail.odd) })
      let answers = 0
      for (let i = 0; i < 1000 && answers < 60 && !odd.includes(liar?.id); i++) {
        answers += await ask(caller, i) === liar?.id ? 1 : 0
      }
      await eventually(() => odd.includes(liar?.id))
      expect(odd.filter(peer => peer !== liar?.id)).to.deep.equal([])
      const { ledger } = caller.trust
      expect(caller.trust.score(liar?.id ?? '', HONESTY_SERVICE)).to.be.below(0.15)
      for (const { id } of honest) {
        expect(ledger.explain(id, HONESTY_SERVICE, Date.now()).firstHand?.bad ?? 0).to.equal(0)
      }
    })
  }

  it('never blame honest providers: 100 answers, all of them compared', async () => {
    const { caller, honest } = await mesh([], 4, { checks: { duplicates: { share: 1, tokensPerHour: 1_000_000 } } })
    const outcomes: string[] = []
    caller.addEventListener('check:agreed', () => { outcomes.push('agreed') })
    caller.addEventListener('check:disputed', () => { outcomes.push('disputed') })
    for (let i = 0; i < 100; i++) {
      await ask(caller, i, i % 2 === 0 ? {} : { temperature: 0.9, seed: i })
      await eventually(() => outcomes.length > i)
    }
    expect(outcomes.filter(outcome => outcome !== 'agreed')).to.deep.equal([])
    for (const { id } of honest) {
      expect(caller.trust.ledger.explain(id, HONESTY_SERVICE, Date.now()).firstHand?.bad ?? 0).to.equal(0)
    }
  })

  it('send nothing twice that the caller calls private, or that no two providers answer alike', async () => {
    let served = 0
    const counted: Lie = events => { served++; return events }
    const { caller } = await mesh([lying(counted), lying(counted)], 0, { checks: { duplicates: { share: 1 } } })
    for (let i = 0; i < 6; i++) {
      await ask(caller, i, {}, { checks: false })
      await ask(caller, i, { temperature: 1 })
    }
    const agreed = new Promise(resolve => { caller.addEventListener('check:agreed', resolve, { once: true }) })
    await ask(caller, 6)
    await agreed
    // what was to be sent twice before it would have been by now
    expect(served).to.equal(12 + 2)
  })

  it('give a provider that claims a hundred times its speed no rank once it has answered', async () => {
    const slow = smokeBackend({ tokensPerSecond: 40 })
    const boaster: Backend = {
      models: async () => (await slow.models()).map(model => ({ ...model, tokensPerSecond: 4_000 })),
      infer: (request, options) => slow.infer(request, options)
    }
    const { caller, liars: [liar] } = await mesh([boaster], 0)
    const other = await start({ bootstrap: caller.addresses })
    await other.serve(smokeBackend({ tokensPerSecond: 100 }))
    const answered: string[] = []
    for (let i = 0; i < 20; i++) {
      answered.push(await ask(caller, i, { max_tokens: 24 }))
    }
    expect(answered).to.include(liar?.id)
    expect(caller.measuredSpeed(liar?.id ?? '', MODEL)?.tokensPerSecond).to.be.within(10, 80)
    expect(answered.slice(-10).filter(id => id === liar?.id).length).to.be.at.most(2)
  })

  it('measure a peer when asked: its memory, the speed of its model, and a claim beyond twice that counts against it', async () => {
    const boaster = smokeBackend({ tokensPerSecond: 50 })
    const { caller, liars: [liar] } = await mesh([{
      models: async () => (await boaster.models()).map(model => ({ ...model, tokensPerSecond: 10_000 })),
      infer: (request, options) => boaster.infer(request, options)
    }], 0)
    const truthful = await start({ bootstrap: caller.addresses })
    await truthful.serve(smokeBackend({ tokensPerSecond: 50 }))
    const measured = await caller.measure(truthful.id, { model: MODEL, memoryBytes: 64 * MIB, claims: { ramBytes: 4 * MIB } })
    expect(measured).to.deep.include({ peer: truthful.id, model: MODEL, ramBytes: 64 * MIB })
    expect(measured.tokensPerSecond).to.be.within(5, 100)
    expect(measured.judgements.map(({ what, verdict }) => `${what} ${verdict}`)).to.deep.equal(['ramBytes holds', 'tokensPerSecond holds'])
    const own = caller.trust.ledger.explain(truthful.id, HONESTY_SERVICE, Date.now()).firstHand
    expect(own?.good).to.be.closeTo(1, 0.001)
    expect(own?.bad).to.equal(0)

    const caught = await caller.measure(liar?.id ?? '', { model: MODEL, memoryBytes: 0 })
    expect(caught.judgements).to.have.length(1)
    expect(caught.judgements[0]).to.include({ what: 'tokensPerSecond', claimed: 10_000, verdict: 'refuted' })
    expect(caller.trust.ledger.explain(liar?.id ?? '', HONESTY_SERVICE, Date.now()).firstHand?.bad).to.be.above(0)
  })

  it('measure nobody who answers no challenges, and say so', async () => {
    const caller = await start()
    const guest = await start({ bootstrap: caller.addresses, checks: { answer: false } })
    const error = await caller.measure(guest.id, { memoryBytes: 64 * MIB }).catch((error: Error) => error)
    expect(error).to.include({ name: 'CapabilityError', code: 'declined' })
    const missing = await caller.measure(guest.id, { model: MODEL, memoryBytes: 0 }).catch((error: Error) => error)
    expect(missing).to.be.instanceOf(InferenceError).with.property('code', 'no_provider')
  })
})
