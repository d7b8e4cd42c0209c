import { SeededRandom, shuffle } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { judgeDialBack } from '../src/index.ts'
import { NOW_MS } from './candidate-fixture.ts'
import type { DialBackReport } from '../src/index.ts'

const HOUR_MS = 3_600_000
const OWN = [{ small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 1 }]

/** By a verifier in a /16 of its own, and in a system of its own unless told otherwise. */
function report (verifier: number, changes: Partial<DialBackReport> & { system?: number } = {}): DialBackReport {
  const { system = 100 + verifier, ...rest } = changes
  return {
    verifier: `v${verifier}`, network: { small: `10.${verifier}.0/24`, wide: `10.${verifier}/16`, system }, reachable: true,
    bytesPerSecond: 5_000_000, atMs: NOW_MS, ...rest
  }
}

function rules (reports: DialBackReport[], nowMs = NOW_MS): string[] {
  return judgeDialBack(reports, OWN, nowMs).missing.map(({ rule }) => rule)
}

describe('A verdict of dial-back', () => {
  it('is good when three networks reached it and measured about the same', () => {
    expect(judgeDialBack([report(1), report(2, { bytesPerSecond: 4e6 }), report(3, { bytesPerSecond: 9e6 })], OWN, NOW_MS)).to.deep.equal({
      verified: true, verifiedFrom: 3, bytesPerSecond: 5e6, expiresAtMs: NOW_MS + 6 * HOUR_MS, missing: [], contradicted: []
    })
  })

  it('says what is missing', () => {
    expect(judgeDialBack([report(1), report(2, { bytesPerSecond: undefined })], OWN, NOW_MS).missing).to.deep.equal([
      { rule: 'networks', found: 2, needed: 3 },
      { rule: 'measurements', found: 1, needed: 3 },
      { rule: 'agreement', found: 1, needed: 3 }
    ])
    expect(rules([])).to.deep.equal(['networks', 'systems', 'measurements', 'agreement', 'vote'])
  })

  it('counts a /16 once, however many verifiers are in it', () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ ...report(1), verifier: `sybil ${i}` }))
    expect(judgeDialBack([...many, report(2)], OWN, NOW_MS).verifiedFrom).to.equal(2)
  })

  it('takes two systems at least', () => {
    expect(rules([1, 2, 3].map(i => report(i, { system: 7 })))).to.deep.equal(['systems'])
    expect(rules([report(1, { system: 7 }), report(2, { system: 7 }), report(3)])).to.deep.equal([])
  })

  it('does not count the peer\'s own networks and systems', () => {
    expect(rules([report(1), report(2), report(3, { system: 1 })])).to.include('networks')
    const near = { ...report(3), network: { small: '192.0.9.0/24', wide: '192.0.0.0/16', system: 9 } }
    expect(rules([report(1), report(2), near])).to.include('networks')
  })

  it('gives a system one vote, so that its lies do not outvote others', () => {
    const liars = Array.from({ length: 9 }, (_, i) => report(i, { system: 7, reachable: false }))
    const verdict = judgeDialBack([...liars, report(11), report(12), report(13)], OWN, NOW_MS)
    expect(verdict.verified).to.equal(true)
    expect(verdict.contradicted).to.have.members(liars.map(({ verifier }) => verifier))
  })

  it('is not good when as many systems did not reach it', () => {
    expect(rules([report(1), report(2), report(3), ...[4, 5, 6].map(i => report(i, { reachable: false }))])).to.deep.equal(['vote'])
  })

  it('takes the median, whatever a minority measures', () => {
    const honest = [1, 2, 3, 4].map(i => report(i, { bytesPerSecond: 3e6 }))
    for (const lie of [0, 1e12]) {
      const verdict = judgeDialBack([...honest, ...[5, 6, 7].map(i => report(i, { bytesPerSecond: lie }))], OWN, NOW_MS)
      expect(verdict).to.deep.include({ verified: true, bytesPerSecond: 3e6, contradicted: ['v5', 'v6', 'v7'] })
    }
  })

  it('is not good when measurements do not agree', () => {
    const measured = [1e5, 3e6, 9e7].map((bytesPerSecond, i) => report(i, { bytesPerSecond }))
    expect(rules(measured)).to.deep.equal(['agreement'])
  })

  it('ends when fewer than three networks are left whose reports are young', () => {
    const reports = [report(1, { atMs: NOW_MS - 5 * HOUR_MS }), report(2, { atMs: NOW_MS - 3 * HOUR_MS }), report(3), report(4)]
    const { expiresAtMs } = judgeDialBack(reports, OWN, NOW_MS)
    expect(expiresAtMs).to.equal(NOW_MS + 3 * HOUR_MS)
    expect(rules(reports, NOW_MS + 3 * HOUR_MS - 1)).to.deep.equal([])
    expect(rules(reports, NOW_MS + 3 * HOUR_MS)).to.include('networks')
  })

  it('takes the newest word of a verifier, and none from the future', () => {
    expect(rules([report(1), report(2), report(3, { atMs: NOW_MS - HOUR_MS }), report(3, { reachable: false })])).to.include('networks')
    expect(rules([report(1), report(2), report(3, { atMs: NOW_MS + 60_001 })])).to.include('networks')
  })

  it('does not depend on the order of reports, nor follow liars in fewer than half of the systems', () => {
    const lie = fc.record({ system: fc.nat(1), reachable: fc.boolean(), speed: fc.nat(1e9) })
    fc.assert(fc.property(fc.integer({ min: 3, max: 8 }), fc.nat(), fc.array(lie, { maxLength: 20 }),
      (honest, seed, lies) => {
        // liars have two systems and any number of /16s in them
        const reports = [
          ...Array.from({ length: honest }, (_, i) => report(i, { bytesPerSecond: 4e6 })),
          ...lies.map(({ system, reachable, speed }, i) => report(50 + i, { system: 500 + system, reachable, bytesPerSecond: speed }))
        ]
        const verdict = judgeDialBack(reports, OWN, NOW_MS)
        expect(judgeDialBack(shuffle(new SeededRandom(seed), [...reports]), OWN, NOW_MS)).to.deep.include({
          verified: verdict.verified, bytesPerSecond: verdict.bytesPerSecond, expiresAtMs: verdict.expiresAtMs
        })
        expect(verdict).to.deep.include({ verified: true, bytesPerSecond: 4e6 })
      }))
  })
})
