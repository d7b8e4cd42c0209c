import { expect } from 'chai'
import { explainVerdict, superNodeState } from '../../src/index.ts'
import { relayTerms } from '../../src/super-node/super-node-state.ts'
import type { VolunteerState } from '@skein/supernode'
import type { SuperNodeState } from '../../src/index.ts'

const ALL = { maxReservations: 256, maxCircuits: 100 }

describe('the state of a super-node', () => {
  it('is that of its seat while its owner gives, and else that of its limits', () => {
    const active: VolunteerState = { state: 'active' }
    const paused: VolunteerState = { state: 'paused', why: ['day'], untilMs: 5 }
    expect(superNodeState(active, 'idle')).to.deep.equal({ state: 'candidate' })
    expect(superNodeState(active, 'holding')).to.deep.equal({ state: 'elected' })
    expect(superNodeState(active, 'leaving')).to.deep.equal({ state: 'leaving' })
    for (const seat of ['idle', 'holding', 'leaving'] as const) {
      expect(superNodeState(paused, seat)).to.equal(paused)
    }
  })

  const terms: Array<[SuperNodeState, ReturnType<typeof relayTerms>]> = [
    [{ state: 'elected' }, { places: ALL, closed: undefined, release: false }],
    [{ state: 'candidate' }, { places: { maxReservations: 32, maxCircuits: 16 }, closed: undefined, release: false }],
    [{ state: 'leaving' }, { places: ALL, closed: 'no_seat', release: false }],
    [{ state: 'paused', why: ['cpu'], untilMs: undefined }, { places: ALL, closed: 'paused', release: false }],
    [{ state: 'paused', why: ['month', 'cpu'], untilMs: undefined }, { places: ALL, closed: 'paused', release: true }],
    [{ state: 'draining', circuits: 1, untilMs: 1 }, { places: ALL, closed: 'draining', release: true }],
    [{ state: 'drained' }, { places: ALL, closed: 'draining', release: true }]
  ]
  for (const [state, expected] of terms) {
    it(`gives ${expected.closed === undefined ? `${expected.places.maxReservations} places` : `nothing new (${expected.closed})`} when it is ${state.state}`, () => {
      expect(relayTerms(state, ALL)).to.deep.equal(expected)
    })
  }

  it('of a small one is no candidate with more places than it has', () => {
    expect(relayTerms({ state: 'candidate' }, { maxReservations: 4, maxCircuits: 4 }).places).to.deep.equal({ maxReservations: 4, maxCircuits: 4 })
  })
})

describe('why a super-node is elected or not', () => {
  it('is told in sentences, for each thing that is missing', () => {
    expect(explainVerdict({ peer: 'a', elected: false, why: [
      { rule: 'networks', found: 0, needed: 1 }, { rule: 'verified_from', found: 1, needed: 3 }, { rule: 'age', found: 3_600_000, needed: 7_200_000 },
      { rule: 'uptime', found: 0.9, needed: 0.95 }, { rule: 'reputation', found: 0.314, needed: 0.5 }, { rule: 'bandwidth', found: 1.2e6, needed: 2e6 }
    ] })).to.deep.equal([
      'nobody has reached it at a public address yet: forward its port, or say with --announce where it is reached',
      'it was reached from 1 networks; 3 are needed',
      'it is known for 1.0 h; 2.0 h are needed',
      'it was there 90.0 % of the time; 95.0 % are needed',
      'its reputation is 0.31; 0.5 is needed, which comes with what it relays',
      '1.2 MB/s were measured; 2.0 MB/s are needed'
    ])
  })

  it('names the cap or the lot that was in the way, and its place', () => {
    expect(explainVerdict({ peer: 'a', elected: false, place: 9, why: [{ rule: 'system', network: 'AS1', holders: ['b'], most: 1 }] }))
      .to.deep.equal(['its provider AS1 has the most seats that one may have, 1 (place 9 among those that may be elected)'])
    expect(explainVerdict({ peer: 'a', elected: false, place: 4, why: [{ rule: 'seats', seats: 3 }] })[0]).to.include('all 3 seats')
    expect(explainVerdict({ peer: 'a', elected: true, seat: 0, place: 1, why: [] })).to.deep.equal(['elected, seat 1, which coordinates the region'])
  })
})
