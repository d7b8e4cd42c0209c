import { expect } from 'chai'
import { addressOf, BoardFixture, HOUR_MS, MINUTE_MS, networkOf, START_MS } from './board-fixture.ts'
import type { VerifiedNetwork } from '@skein/records'

const COUNT = 40

/** A board that has listened to 40 volunteers for long enough, all of them verified. */
function settled (init: ConstructorParameters<typeof BoardFixture>[0] = {}): BoardFixture {
  const fixture = new BoardFixture(init)
  fixture.volunteers(COUNT)
  fixture.run(10 * MINUTE_MS)
  for (let i = 0; i < COUNT; i++) {
    fixture.candidacy(i)
  }
  fixture.run(10 * MINUTE_MS)
  for (let i = 0; i < COUNT; i++) {
    fixture.candidacy(i)
  }
  fixture.run(12 * MINUTE_MS)
  return fixture
}

/** A candidate that is not this elector. */
function holderOf (fixture: BoardFixture): number {
  return fixture.elected.find(peer => peer !== 0) as number
}

function othersThan (fixture: BoardFixture, candidate: number): number[] {
  return fixture.drawn(candidate, COUNT).filter(i => i !== 0)
}

/** Those whose word on a candidate counts. */
function said (fixture: BoardFixture, candidate: number): number[] {
  const verifiers = fixture.board.explain(`volunteer-${candidate}`, fixture.nowMs)?.verifiers ?? []
  return verifiers.map(peer => Number(peer.split('-')[1])).filter(i => i !== 0)
}

describe('ElectorBoard', () => {
  describe('elects', () => {
    it('three of forty volunteers for 100 peers when those that were drawn have reported', () => {
      const fixture = settled()
      expect(fixture.elected).to.have.length(3)
      expect(fixture.board.candidates(fixture.nowMs)).to.have.length(COUNT)
    })

    it('nobody that fewer than three networks have reached, and says how many have', () => {
      const fixture = new BoardFixture()
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
      for (const verifier of othersThan(fixture, 5).slice(0, 2)) {
        expect(fixture.report(verifier, 5)).to.equal(true)
      }
      fixture.run(10 * MINUTE_MS)
      expect(fixture.elected).to.deep.equal([])
      const explained = fixture.board.explain('volunteer-5', fixture.nowMs)
      expect(explained?.dialBack.missing.map(({ rule, found }) => `${rule} ${found}`)).to.include.members(['networks 2', 'measurements 2'])
      expect(explained?.verdict?.why.map(({ rule }) => rule)).to.include('verified_from')
    })

    it('another at once when a holder takes its candidacy back', () => {
      const fixture = settled()
      const holder = holderOf(fixture)
      expect(fixture.candidacy(holder, { withdrawn: true })).to.equal('withdrawn')
      expect(fixture.elected).to.have.length(3).and.not.include(holder)
    })

    it('nobody whose candidacy is over', () => {
      const fixture = settled()
      fixture.run(31 * MINUTE_MS)
      expect(fixture.elected).to.deep.equal([])
    })

    it('one by what this elector thinks of it, where that stands on ten dealings', () => {
      const scores = new Map([['volunteer-3 relay', 10], ['volunteer-4 relay', 9], ['volunteer-5 inference', 10], ['volunteer-6 honesty', 1]])
      const fixture = settled({ scoreOf: (peer, service) => ({ score: 0.1, dealings: scores.get(`${peer} ${service}`) ?? 0 }) })
      const reputation = (i: number): unknown => fixture.board.explain(`volunteer-${i}`, fixture.nowMs)?.candidate.reputation
      expect([3, 4, 5, 6, 7].map(reputation)).to.deep.equal([0.1, 0.8, 0.1, 0.1, 0.8])
    })

    it('one of whom nobody had dealings by what was measured, and with trust that grows from day to day', () => {
      const ages: Array<[number, number]> = [[0, 0.2], [1, 0.3], [3, 0.5], [30, 8 / 12]]
      for (const [days, score] of ages) {
        const fixture = new BoardFixture()
        Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
        othersThan(fixture, 5).slice(0, 7).forEach(verifier => { fixture.report(verifier, 5, { relay: undefined, ageMs: days * 24 * HOUR_MS }) })
        const explained = fixture.board.explain('volunteer-5', fixture.nowMs)
        expect(explained?.candidate.reputation, `${days} days`).to.be.closeTo(score, 1e-9)
        expect(explained?.sources.reputation).to.equal('measurements')
      }
    })
  })

  describe('does not believe', () => {
    it('a verifier that was not drawn', () => {
      const fixture = settled()
      const drawn = othersThan(fixture, 5)
      expect(drawn.slice(21).map(verifier => fixture.report(verifier, 5, { bytesPerSecond: 1 })).filter(kept => kept)).to.have.length.below(2)
      expect(fixture.board.explain('volunteer-5', fixture.nowMs)?.candidate.measuredBytesPerSecond).to.equal(10_000_000)
    })

    it('those that may step in, once seven that come before them have spoken', () => {
      const fixture = new BoardFixture()
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
      const drawn = othersThan(fixture, 5)
      drawn.slice(7, 18).forEach(verifier => { fixture.report(verifier, 5, { bytesPerSecond: 900_000_000 }) })
      drawn.slice(0, 7).forEach(verifier => { fixture.report(verifier, 5) })
      const explained = fixture.board.explain('volunteer-5', fixture.nowMs)
      expect(explained?.candidate.measuredBytesPerSecond).to.equal(10_000_000)
      expect(explained?.verifiers.sort()).to.deep.equal(drawn.slice(0, 7).map(i => `volunteer-${i}`).sort())
    })

    it('praise of three of seven', () => {
      const fixture = new BoardFixture()
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
      const drawn = othersThan(fixture, 5).slice(0, 7)
      drawn.forEach((verifier, place) => {
        fixture.report(verifier, 5, place < 3
          ? { bytesPerSecond: 1e9, relay: { score: 1, dealings: 1e6 }, uptime: 1, ageMs: 1e11 }
          : { bytesPerSecond: 3_000_000, relay: { score: 0.4, dealings: 15 }, uptime: 0.5, ageMs: HOUR_MS })
      })
      expect(fixture.board.explain('volunteer-5', fixture.nowMs)?.candidate)
        .to.include({ measuredBytesPerSecond: 3_000_000, reputation: 0.4, uptime: 0.5, ageMs: HOUR_MS })
    })

    it('the few who say that they had dealings, where the others had none', () => {
      const fixture = new BoardFixture()
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
      othersThan(fixture, 5).slice(0, 7).forEach((verifier, place) => {
        fixture.report(verifier, 5, place < 3
          ? { relay: { score: 0, dealings: 1e6 }, inference: { score: 0, dealings: 1e6 }, uptime: 0 }
          : { relay: undefined, uptime: undefined })
      })
      expect(fixture.board.explain('volunteer-5', fixture.nowMs)?.candidate.reputation).to.be.closeTo(8 / 12, 1e-9)
    })

    it('many verifiers of one system for more than one', () => {
      const crowd = (peer: string): VerifiedNetwork => {
        const i = Number(peer.split('-')[1])
        return { small: `10.${i}.0.0/24`, wide: `10.${i}.0.0/16`, system: i < 20 ? 1 : i }
      }
      const fixture = new BoardFixture({ networkOfPeer: crowd })
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
      for (const verifier of othersThan(fixture, 25).slice(0, 21)) {
        fixture.report(verifier, 25, verifier < 20 ? { relay: { score: 1, dealings: 99 } } : { relay: { score: 0.3, dealings: 99 } })
      }
      expect(fixture.board.explain('volunteer-25', fixture.nowMs)?.candidate.reputation).to.equal(0.3)
    })

    it('that a candidate is in a network that only some verifiers saw, or that it has no address in', () => {
      const fixture = new BoardFixture()
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i, i === 5 ? { addresses: [addressOf(5), addressOf(99)] } : {}) })
      const [own, told, forged] = [5, 99, 77].map(i => networkOf(addressOf(i)) as VerifiedNetwork) as [VerifiedNetwork, VerifiedNetwork, VerifiedNetwork]
      othersThan(fixture, 5).slice(0, 7).forEach((verifier, place) => {
        fixture.report(verifier, 5, { networks: place < 3 ? [told, forged] : [own, forged] })
      })
      expect(fixture.board.explain('volunteer-5', fixture.nowMs)?.candidate.networks).to.deep.equal([own])
    })

    it('a candidate that would choose its verifiers by telling addresses in the systems of others', () => {
      const fixture = new BoardFixture()
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => {
        fixture.candidacy(i, i === 5 ? { addresses: [5, 10, 11, 12, 13, 14, 15, 16].map(at => addressOf(at)) } : {})
      })
      const verifiers = othersThan(fixture, 5).slice(0, 7)
      verifiers.forEach(verifier => { fixture.report(verifier, 5, { reachable: false, networks: [], bytesPerSecond: undefined }) })
      expect(fixture.board.explain('volunteer-5', fixture.nowMs)?.dialBack.verified).to.equal(false)
      expect(fixture.board.explain('volunteer-5', fixture.nowMs)?.verifiers).to.have.length(verifiers.length)
    })

    it('a report that is older than what its verifier said since', () => {
      const fixture = settled()
      const [verifier] = othersThan(fixture, 5) as [number]
      expect(fixture.report(verifier, 5, { issuedAtMs: START_MS - 1 })).to.equal(false)
    })

    it('a verifier that it does not know as a volunteer, or one on another region', () => {
      const fixture = settled()
      const [verifier] = othersThan(fixture, 5) as [number]
      expect(fixture.report(500, 5)).to.equal(false)
      expect(fixture.report(verifier, 5, { region: 'moon' })).to.equal(false)
      expect(fixture.candidacy(5, { region: 'moon' })).to.equal('region')
    })
  })

  describe('with a holder that may be dead', () => {
    const unreached = { reachable: false, networks: [], bytesPerSecond: undefined }

    it('elects another at once when most of those whose word counts do not reach it any more', () => {
      const fixture = settled()
      const holder = holderOf(fixture)
      const verifiers = said(fixture, holder)
      const most = Math.floor(verifiers.length / 2) + 1
      verifiers.slice(0, most - 1).forEach(verifier => { fixture.report(verifier, holder, unreached) })
      expect(fixture.elected).to.include(holder)
      fixture.report(verifiers[most - 1] as number, holder, unreached)
      expect(fixture.elected).to.have.length(3).and.not.include(holder)
      expect(fixture.board.explain(`volunteer-${holder}`, fixture.nowMs)?.down).to.deep.include({ down: true })
    })

    it('keeps it when three of seven slander, whether or not the others look again', () => {
      const fixture = settled()
      const holder = holderOf(fixture)
      said(fixture, holder).slice(0, 3).forEach(verifier => { fixture.report(verifier, holder, unreached) })
      fixture.run(9 * MINUTE_MS)
      expect(fixture.elected).to.include(holder)
    })

    it('keeps it while this elector is connected to it itself', () => {
      const fixture = settled()
      const holder = holderOf(fixture)
      fixture.board.onConnected(`volunteer-${holder}`)
      said(fixture, holder).forEach(verifier => { fixture.report(verifier, holder, unreached) })
      expect(fixture.board.explain(`volunteer-${holder}`, fixture.nowMs)?.down.down).to.equal(false)
    })

    it('takes it for alive again when most reach it', () => {
      const fixture = settled()
      const holder = holderOf(fixture)
      const verifiers = said(fixture, holder)
      verifiers.forEach(verifier => { fixture.report(verifier, holder, unreached) })
      expect(fixture.board.explain(`volunteer-${holder}`, fixture.nowMs)?.down.down).to.equal(true)
      fixture.run(15_000)
      fixture.candidacy(holder)
      verifiers.forEach(verifier => { fixture.report(verifier, holder) })
      expect(fixture.board.explain(`volunteer-${holder}`, fixture.nowMs)?.down.down).to.equal(false)
    })

    const signs: Array<[string, (fixture: BoardFixture, peer: string) => void]> = [
      ['its connection ends', (fixture, peer) => {
        fixture.board.onConnected(peer)
        fixture.board.onDisconnected(peer, fixture.nowMs)
        fixture.run(40_000)
      }],
      ['its lease is not renewed at half of its life', (fixture, peer) => {
        fixture.lease(Number(peer.split('-')[1]))
        fixture.run(6.6 * MINUTE_MS)
      }],
      ['another verifier did not reach it', (fixture, peer) => {
        const i = Number(peer.split('-')[1])
        fixture.report(fixture.drawn(i, 8).find(verifier => verifier !== 0) as number, i, unreached)
        fixture.run(40_000)
      }]
    ]
    for (const [what, sign] of signs) {
      it(`looks itself when ${what}`, () => {
        // eight volunteers, so that each is drawn for each
        const fixture = new BoardFixture()
        fixture.volunteers(8)
        fixture.run(10 * MINUTE_MS)
        Array.from({ length: 8 }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
        fixture.run(9 * MINUTE_MS)
        const looked = fixture.effects.flatMap(effect => effect.type === 'verify' ? [effect.peer] : [])
        looked.forEach(peer => { fixture.board.onVerified(peer, undefined, fixture.nowMs) })
        fixture.run(1)
        fixture.effects.forEach(effect => { if (effect.type === 'verify') { fixture.board.onVerified(effect.peer, undefined, fixture.nowMs) } })
        fixture.effects.length = 0
        Array.from({ length: 8 }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
        const peer = `volunteer-${holderOf(fixture)}`
        sign(fixture, peer)
        expect(fixture.effects.flatMap(effect => effect.type === 'verify' ? [effect.peer] : [])).to.include(peer)
      })
    }
  })

  describe('under a flood', () => {
    it('keeps four candidates of a /24, and one that was reached is not pushed out', () => {
      const fixture = new BoardFixture()
      fixture.volunteers(8)
      const flood = (from: number): unknown[] => Array.from({ length: 50 }, (_, i) => fixture.candidacy(from + i, { addresses: [addressOf(5, i + 2)] }))
      expect(flood(1000).filter(news => news === 'new')).to.have.length(3)
      fixture.run(21 * MINUTE_MS)
      expect(flood(2000).filter(news => news === 'network_full').length).to.be.above(40)
      expect(fixture.candidacy(5)).to.equal('renewed')
    })

    it('keeps 1024 candidates, and lets in one more when some had their time and were not reached', () => {
      const fixture = new BoardFixture({ networkOf: address => ({ small: address, wide: address }) })
      fixture.candidacy(0)
      const flood = (from: number): unknown[] => Array.from({ length: 1100 }, (_, i) => fixture.candidacy(from + i, { addresses: [`/ip4/10.0.0.1/udp/${from + i}`] }))
      expect(flood(1000).filter(news => news === 'full')).to.have.length(1100 - 1023)
      fixture.run(21 * MINUTE_MS)
      expect(fixture.candidacy(1)).to.equal('new')
    })

    it('refuses candidates without a public address, and what it knows already', () => {
      const fixture = new BoardFixture()
      expect(fixture.candidacy(1, { addresses: ['/ip4/192.168.1.2/tcp/1'] })).to.equal('no_network')
      expect(fixture.candidacy(1, { seq: 100 })).to.equal('new')
      expect(fixture.candidacy(1, { seq: 100 })).to.equal('stale')
    })
  })

  describe('answers', () => {
    it('nobody before it has listened for half an hour', () => {
      const fixture = new BoardFixture()
      fixture.volunteers(8)
      fixture.run(30 * MINUTE_MS)
      expect(fixture.board.answer('eu-west', fixture.nowMs)).to.include({ refusal: 'not_ready' })
      expect(fixture.board.elects(`volunteer-${fixture.elected[0] ?? 1}`, fixture.nowMs)).to.equal(false)
    })

    it('the leases of those that it elects, one that came before it elected them too, and no others', () => {
      const fixture = settled()
      const loser = Array.from({ length: COUNT }, (_, i) => i).find(i => !fixture.elected.includes(i)) as number
      fixture.lease(loser)
      fixture.elected.forEach(i => { fixture.lease(i) })
      expect(fixture.board.answer('eu-west', fixture.nowMs)).to.deep.equal({ leases: fixture.elected.map(i => Uint8Array.of(i)), peers: 100 })
      expect(fixture.board.answer('moon', fixture.nowMs)).to.deep.equal({ refusal: 'region' })
    })
  })

  describe('as a verifier', () => {
    it('looks at whom it was drawn for, once a period, and two at a time', () => {
      const fixture = new BoardFixture()
      Array.from({ length: COUNT }, (_, i) => i).forEach(i => { fixture.candidacy(i) })
      fixture.run(12 * MINUTE_MS)
      expect(fixture.effects.filter(({ type }) => type === 'verify')).to.have.length(2)
      const looked: string[] = []
      for (let i = 0; i < 30; i++) {
        Array.from({ length: COUNT }, (_, j) => j).forEach(j => { fixture.candidacy(j) })
        for (const effect of fixture.effects.splice(0)) {
          if (effect.type === 'verify') {
            looked.push(`${effect.peer} ${fixture.periodOf(effect.peer)}`)
            fixture.board.onVerified(effect.peer, { reachable: true, networks: [] }, fixture.nowMs)
          }
        }
        fixture.run(MINUTE_MS)
      }
      expect(new Set(looked).size).to.equal(looked.length)
      // seven of 39 are drawn for each, and 14 more step in, as no other has reported
      expect(looked.length).to.be.within(10, 35)
    })

    it('says what it found, and says it again within half an hour', () => {
      const fixture = new BoardFixture()
      fixture.volunteers(8)
      fixture.run(12 * MINUTE_MS)
      const verify = fixture.effects.find(effect => effect.type === 'verify')
      expect(verify).to.not.equal(undefined)
      fixture.effects.length = 0
      const peer = verify?.type === 'verify' ? verify.peer : ''
      fixture.board.onVerified(peer, { reachable: true, networks: [], bytesPerSecond: 5_000_000 }, fixture.nowMs)
      for (let i = 0; i < 4; i++) {
        Array.from({ length: 8 }, (_, j) => j).forEach(j => { fixture.candidacy(j) })
        fixture.run(9 * MINUTE_MS)
      }
      const said = fixture.effects.flatMap(effect => effect.type === 'report' && effect.report.candidate === peer ? [effect.report] : [])
      expect(said.length).to.be.at.least(2)
      expect(said[0]).to.deep.include({ reachable: true, bytesPerSecond: 5_000_000, verifier: 'volunteer-0' })
    })

    it('says what it measured before where it reaches one and may not measure it again, as long as a report lives', () => {
      const fixture = new BoardFixture()
      fixture.volunteers(8)
      fixture.run(12 * MINUTE_MS)
      const verify = fixture.effects.find(effect => effect.type === 'verify')
      const peer = verify?.type === 'verify' ? verify.peer : ''
      const saidOf = (reachable: boolean): number | undefined => {
        fixture.effects.length = 0
        fixture.board.onVerified(peer, { reachable, networks: [] }, fixture.nowMs)
        fixture.candidacy(0) // hands on what the board wants
        return fixture.effects.flatMap(effect => effect.type === 'report' && effect.report.candidate === peer ? [effect.report] : [])[0]?.bytesPerSecond
      }
      const pass = (ms: number): void => {
        for (let leftMs = ms; leftMs > 0; leftMs -= 10 * MINUTE_MS) {
          Array.from({ length: 8 }, (_, j) => j).forEach(j => { fixture.candidacy(j) })
          fixture.run(10 * MINUTE_MS)
        }
      }
      fixture.board.onVerified(peer, { reachable: true, networks: [], bytesPerSecond: 5_000_000 }, fixture.nowMs)
      pass(60 * MINUTE_MS)
      expect(saidOf(true)).to.equal(5_000_000)
      pass(10 * MINUTE_MS)
      expect(saidOf(false)).to.equal(undefined)
      pass(10 * MINUTE_MS)
      expect(saidOf(true)).to.equal(5_000_000)
      pass(300 * MINUTE_MS)
      expect(saidOf(true)).to.equal(undefined)
    })
  })
})
