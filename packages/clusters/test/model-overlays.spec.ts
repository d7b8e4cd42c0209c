/** Model overlays: when a topic opens and closes, what is taken from it, and that all that grows is bounded. */
import { expect } from 'chai'
import fc from 'fast-check'
import { OfferTable } from '../src/overlays/offer-table.ts'
import { overlayRules } from '../src/overlays/overlay-options.ts'
import { offerOf, OverlayTrial, signedOf, START_MS } from './overlay-fixture.ts'
import type { SignedOffer } from '@skein/records'

describe('the topic of a model', () => {
  it('opens for a provider when more than 32 are in sight, itself among them', () => {
    const trial = new OverlayTrial().serve().see(31)
    expect(trial.machine.topics).to.deep.equal([])
    trial.see(32)
    expect(trial.machine.topics).to.deep.equal(['m'])
    expect(trial.of('join')).to.have.length(1)
  })

  it('opens for a caller that has called twice within ten minutes', () => {
    const once = new OverlayTrial().call(1).see(40)
    expect(once.machine.topics).to.deep.equal([])
    once.pass(601_000).call(1).see(40)
    expect(once.machine.topics, 'the first call is too long ago').to.deep.equal([])
    expect(once.call(1).machine.topics).to.deep.equal(['m'])
  })

  it('does not open for those who neither serve nor call the model', () => {
    const trial = new OverlayTrial().see(100)
    expect(trial.machine.inSight('m', trial.nowMs)).to.equal(0)
    expect(trial.machine.nextTimeoutMs()).to.equal(undefined)
  })

  it('opens when a connected peer is in it, though no crowd is in sight', () => {
    const trial = new OverlayTrial().serve().feed((machine, nowMs) => { machine.onSubscribers('m', 1, nowMs) })
    expect(trial.machine.topics).to.deep.equal(['m'])
  })

  it('stays open between 24 and 32, and closes after two minutes of fewer', () => {
    const trial = new OverlayTrial().serve().see(40)
    for (let i = 0; i < 10; i++) {
      trial.pass(60_000).see(23)
    }
    expect(trial.machine.topics, '23 others and itself').to.deep.equal(['m'])
    for (let i = 0; i < 4; i++) {
      trial.see(22).pass(60_000)
    }
    // the 23rd is in sight for three minutes, and two are waited
    expect(trial.machine.topics).to.deep.equal(['m'])
    for (let i = 0; i < 2; i++) {
      trial.see(22).pass(60_000)
    }
    expect(trial.machine.topics).to.deep.equal([])
    expect(trial.of('leave')).to.have.length(1)
  })

  it('is not joined again for ten minutes only because the last ones are there, but is for a crowd', () => {
    const trial = new OverlayTrial().serve().feed((machine, nowMs) => { machine.onSubscribers('m', 2, nowMs) }).pass(130_000)
    expect(trial.machine.topics, 'nobody came').to.deep.equal([])
    trial.feed((machine, nowMs) => { machine.onSubscribers('m', 2, nowMs) }).pass(500_000)
    expect(trial.of('join')).to.have.length(1)
    trial.see(40)
    expect(trial.of('join')).to.have.length(2)
  })

  it('does not flap however the crowd changes: at most once in two minutes', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 60_000 })), { maxLength: 60 }), steps => {
      const trial = new OverlayTrial().serve()
      for (const [count, ms] of steps) {
        trial.see(count).pass(ms)
      }
      const joins = trial.of('join').map(({ atMs }) => atMs)
      const leaves = trial.of('leave').map(({ atMs }) => atMs)
      leaves.forEach((atMs, i) => { expect(atMs - (joins[i] as number)).to.be.at.least(120_000) })
      expect(joins.length - leaves.length).to.be.within(0, 1)
    }))
  })

  it('is left by a caller ten minutes after its last call, and by a provider once it has said that it withdraws', () => {
    const caller = new OverlayTrial().call(2)
    for (let i = 0; i < 9; i++) {
      caller.see(40).pass(60_000)
    }
    expect(caller.machine.topics).to.deep.equal(['m'])
    caller.see(40).pass(61_000)
    expect(caller.machine.topics).to.deep.equal([])
    expect(caller.machine.nextTimeoutMs(), 'it is forgotten').to.equal(undefined)

    const provider = new OverlayTrial().serve().see(40).feed((machine, nowMs) => { machine.onWithdraw('m', nowMs) })
    expect(provider.of('publish').map(({ withdrawn }) => withdrawn)).to.deep.equal([true])
    expect(provider.of('leave')).to.deep.equal([])
    provider.pass(3_000)
    expect(provider.of('leave')).to.have.length(1)
  })

  it('is left by a caller that stays after withdrawing only when its stake ends', () => {
    const trial = new OverlayTrial().serve().call(2).see(40).feed((machine, nowMs) => { machine.onWithdraw('m', nowMs) }).pass(10_000)
    expect(trial.machine.topics).to.deep.equal(['m'])
  })

  it('is one of 16 at most: what was called longest ago gives way, what is served does not', () => {
    const trial = new OverlayTrial({ maxTopics: 3 })
    for (const model of ['a', 'b', 'c', 'd']) {
      trial.call(2, model).see(40, model).pass(1000)
    }
    expect(trial.machine.topics.sort()).to.deep.equal(['b', 'c', 'd'])
    for (const model of ['x', 'y', 'z', 'w']) {
      trial.serve(model).see(40, model)
    }
    expect(trial.machine.topics.sort()).to.deep.equal(['x', 'y', 'z'])
    expect(trial.call(2, 'a').see(40, 'a').machine.topics.sort()).to.deep.equal(['x', 'y', 'z'])
  })

  it('dials four providers at once at most, each once, while fewer than three of the topic are connected', () => {
    const trial = new OverlayTrial().serve().see(40).pass(300_000)
    const dials = trial.of('dial')
    expect(dials.every(({ providers }) => providers.length <= 4)).to.equal(true)
    const peers = dials.flatMap(({ providers }) => providers.map(({ peer }) => peer))
    expect(new Set(peers).size).to.equal(peers.length)
    dials.slice(1).forEach(({ atMs }, i) => { expect(atMs - (dials[i]?.atMs ?? 0)).to.be.at.least(30_000) })
    const joined = new OverlayTrial().serve().feed((machine, nowMs) => { machine.onSubscribers('m', 3, nowMs) }).see(40).pass(60_000)
    expect(joined.of('dial')).to.deep.equal([])
  })

  it('is counted for by a lookup each ten minutes while there is none', () => {
    const trial = new OverlayTrial().serve().pass(3_600_000)
    expect(trial.of('count').length).to.be.within(5, 7)
    expect(trial.of('count')[0]?.enough).to.equal(33)
    const open = new OverlayTrial().serve().see(40).feed((machine, nowMs) => { machine.onSubscribers('m', 3, nowMs) })
    for (let i = 0; i < 30; i++) {
      open.see(40).pass(60_000)
    }
    expect(open.of('count')).to.deep.equal([])
  })

  it('refuses rules that contradict each other', () => {
    expect(() => overlayRules({ openAbove: 10 })).to.throw(RangeError)
  })
})

describe('what is told in a topic', () => {
  const joined = (): OverlayTrial => new OverlayTrial({ region: 'eu-west' }).call(2).see(40)
  const tell = (trial: OverlayTrial, signed: SignedOffer): string => {
    let verdict = ''
    trial.feed((machine, nowMs) => { verdict = machine.onOffer('m', signed, nowMs) })
    return verdict
  }

  it('is kept as long as it lives, the newest of each provider', () => {
    const trial = joined()
    expect(tell(trial, signedOf('a', { queueDepth: 1 }))).to.equal('accept')
    trial.pass(6_000)
    expect(tell(trial, signedOf('a', { queueDepth: 4, issuedAtMs: trial.nowMs }))).to.equal('accept')
    expect(trial.machine.offersOf('m', trial.nowMs).map(({ offer }) => offer.queueDepth)).to.deep.equal([4])
    expect(trial.of('offer')).to.have.length(2)
    trial.pass(121_000)
    expect(trial.machine.offersOf('m', trial.nowMs)).to.deep.equal([])
  })

  it('is not passed on when it is known, older, or less than 4.5 s newer', () => {
    const trial = joined()
    tell(trial, signedOf('a', { issuedAtMs: START_MS }))
    expect(tell(trial, signedOf('a', { issuedAtMs: START_MS }))).to.equal('ignore')
    expect(tell(trial, signedOf('a', { issuedAtMs: START_MS - 10_000 }))).to.equal('ignore')
    expect(tell(trial, signedOf('a', { issuedAtMs: START_MS + 4_000 }))).to.equal('ignore')
    expect(tell(trial, signedOf('a', { issuedAtMs: START_MS + 4_600 }))).to.equal('accept')
  })

  it('may be withdrawn at once, but not again and again', () => {
    const trial = joined()
    tell(trial, signedOf('a'))
    expect(tell(trial, signedOf('a', { issuedAtMs: START_MS + 100, withdrawn: true }))).to.equal('accept')
    expect(tell(trial, signedOf('a', { issuedAtMs: START_MS + 200, withdrawn: true }))).to.equal('ignore')
    expect(tell(trial, signedOf('a', { issuedAtMs: START_MS + 300 }))).to.equal('ignore')
    expect(trial.machine.offersOf('m', trial.nowMs)).to.deep.equal([])
    expect(trial.machine.newestOf('m', 'a', trial.nowMs)?.offer.withdrawn).to.equal(true)
  })

  it('is not taken without end from providers that nobody knows', () => {
    const trial = joined()
    let accepted = 0
    for (let i = 0; i < 10_000; i++) {
      accepted += tell(trial, signedOf(`sybil${i}`, { issuedAtMs: trial.nowMs })) === 'accept' ? 1 : 0
      trial.pass(10)
    }
    // a burst of 240, and 4 a second for 100 s
    expect(accepted).to.be.within(600, 680)
    expect(trial.machine.offerCount).to.equal(256)
  })

  it('is nothing to a peer that is not in the topic, and nothing new to the one it is of', () => {
    expect(tell(new OverlayTrial().call(2), signedOf('a'))).to.equal('ignore')
    expect(tell(joined(), signedOf('self'))).to.equal('ignore')
  })

  it('keeps memory bounded whatever is told of however many models', () => {
    const model = fc.integer({ min: 0, max: 30 }).map(i => `m${i}`)
    const step = fc.oneof(
      fc.record({ do: fc.constant('call' as const), model }),
      fc.record({ do: fc.constant('see' as const), model }),
      fc.record({ do: fc.constant('serve' as const), model }),
      fc.record({ do: fc.constant('withdraw' as const), model }),
      fc.record({ do: fc.constant('pass' as const), model }),
      fc.record({ do: fc.constant('offers' as const), model })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const trial = new OverlayTrial({ maxTopics: 4, maxModels: 10, maxOffers: 20 })
      for (const { do: what, model } of steps) {
        if (what === 'call') {
          trial.call(2, model)
        } else if (what === 'see') {
          trial.see(50, model)
        } else if (what === 'serve') {
          trial.serve(model)
        } else if (what === 'withdraw') {
          trial.feed((machine, nowMs) => { machine.onWithdraw(model, nowMs) })
        } else if (what === 'pass') {
          trial.pass(30_000)
        } else {
          trial.feed((machine, nowMs) => {
            for (let i = 0; i < 30; i++) {
              machine.onOffer(model, signedOf(`p${i}`, { model, issuedAtMs: nowMs }), nowMs)
            }
          })
        }
        expect(trial.machine.topics.length).to.be.at.most(4)
        expect(trial.machine.offerCount).to.be.at.most(80)
      }
      const open = new Set<string>()
      for (const { type, model } of trial.effects) {
        if (type === 'join') {
          expect(open.has(model), 'joined twice').to.equal(false)
          open.add(model)
        } else if (type === 'leave') {
          expect(open.delete(model), 'left what was not joined').to.equal(true)
        } else if (type === 'publish') {
          expect(open.has(model), 'told in a topic that was left').to.equal(true)
        }
      }
      expect([...open].sort()).to.deep.equal(trial.machine.topics.sort())
    }), { numRuns: 60 })
  })
})

describe('the offers kept of a topic', () => {
  it('are those near, with room and fast, when there is no room for all', () => {
    const table = new OfferTable(3, 'eu-west')
    const put = (peer: string, fields: object): boolean => table.put({ offer: offerOf(peer, fields), envelope: new Uint8Array(0) }, START_MS)
    put('far', { region: 'ap-south', tokensPerSecond: 90 })
    put('slow', { tokensPerSecond: 1 })
    put('full', { queueDepth: 4, tokensPerSecond: 90 })
    expect(put('fast', { tokensPerSecond: 50 })).to.equal(true)
    expect(table.get('far', START_MS)).to.equal(undefined)
    expect(put('faster', { tokensPerSecond: 60 })).to.equal(true)
    expect(table.get('full', START_MS)).to.equal(undefined)
    expect(put('gone', { withdrawn: true })).to.equal(false)
    expect(table.live(START_MS).map(({ offer }) => offer.peer).sort()).to.deep.equal(['fast', 'faster', 'slow'])
  })

  it('are of one network an eighth at most, while there are others', () => {
    const table = new OfferTable(64, '')
    for (let i = 0; i < 500; i++) {
      table.put(signedOf(`sybil${i}`, { tokensPerSecond: 1000, addresses: [`/ip4/192.0.2.${i % 250}/tcp/4001`] }), START_MS)
      if (i % 5 === 0) {
        table.put(signedOf(`honest${i}`, { addresses: [`/ip4/198.51.${i / 5}.1/tcp/4001`] }), START_MS)
      }
    }
    expect(table.size).to.equal(64)
    expect(table.live(START_MS).filter(({ offer }) => offer.peer.startsWith('sybil')).length).to.be.at.most(9)
  })
})
