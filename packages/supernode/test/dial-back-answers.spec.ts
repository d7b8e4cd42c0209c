import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { chooseVerifiers, judgeAnswers } from '../src/index.ts'
import type { AskedOutcome, VerifierAnswer } from '../src/index.ts'

const OWN = { small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 1 }

function network (i: number, system = 100 + i): { small: string, wide: string, system: number } {
  return { small: `10.${i}.0.0/24`, wide: `10.${i}.0.0/16`, system }
}

function answers (said: Array<Array<AskedOutcome['status']> | string>): VerifierAnswer[] {
  return said.map((outcomes, i) => ({
    verifier: `v${i}`, network: network(i), outcomes: typeof outcomes === 'string' ? outcomes : outcomes.map(status => ({ status })), atMs: 0
  }))
}

function states (said: Array<Array<AskedOutcome['status']> | string>, addresses = ['a']): string[] {
  return judgeAnswers(addresses, answers(said), () => OWN, 0).map(({ state }) => state)
}

describe('Those who are asked', () => {
  it('are in different networks, other systems first, and not where the asker is', () => {
    const known = [
      ...Array.from({ length: 5 }, (_, i) => ({ peer: `same ${i}`, network: network(1) })),
      ...Array.from({ length: 4 }, (_, i) => ({ peer: `system ${i}`, network: network(10 + i, 7) })),
      { peer: 'inside', network: OWN }, { peer: 'alone', network: network(3) }
    ]
    fc.assert(fc.property(fc.nat(), seed => {
      const chosen = chooseVerifiers(known, [OWN], 5, new SeededRandom(seed))
      expect(new Set(chosen.map(one => one.network.wide)).size).to.equal(5)
      expect(new Set(chosen.slice(0, 3).map(one => one.network.system)).size).to.equal(3)
      expect(chosen.map(({ peer }) => peer)).not.to.include('inside')
    }))
  })

  it('are seven at most, and drawn by lot', () => {
    const known = Array.from({ length: 30 }, (_, i) => ({ peer: `p${i}`, network: network(i) }))
    expect(chooseVerifiers(known, [], 20, new SeededRandom(1))).to.have.length(7)
    const first = new Set(Array.from({ length: 50 }, (_, seed) => chooseVerifiers(known, [], 1, new SeededRandom(seed))[0]?.peer))
    expect(first.size).to.be.above(10)
  })
})

describe('What they say', () => {
  it('makes an address reachable, unreachable, or neither', () => {
    expect(states([['reached'], ['reached'], ['reached']])).to.deep.equal(['reachable'])
    expect(states([['failed'], ['failed'], ['failed']])).to.deep.equal(['unreachable'])
    expect(states([['reached'], ['reached'], ['failed'], ['failed'], ['failed']])).to.deep.equal(['unreachable'])
    expect(states([['reached'], ['reached'], ['reached'], ['failed'], ['failed']])).to.deep.equal(['reachable'])
    expect(states([['failed'], ['failed']])).to.deep.equal(['unknown'])
    expect(states([['reached'], ['reached']])).to.deep.equal(['unknown'])
    expect(states([])).to.deep.equal(['unknown'])
  })

  it('is nothing against an address when it was not dialled, and nothing for it when nobody came', () => {
    expect(states([['limited'], ['not_public'], ['unpaid'], 'busy', 'timed_out'])).to.deep.equal(['unknown'])
    expect(states([['reached'], ['reached'], ['unheard']])).to.deep.equal(['unknown'])
  })

  it('is told for each address', () => {
    const [a, b] = judgeAnswers(['a', 'b'], answers([['reached', 'failed'], 'busy', ['reached', 'failed']]), () => undefined, 0)
    expect(a?.byVerifier.map(({ said }) => said)).to.deep.equal(['reached', 'busy', 'reached'])
    expect(b?.byVerifier.map(({ said }) => said)).to.deep.equal(['failed', 'busy', 'failed'])
  })
})
