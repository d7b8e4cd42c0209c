import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { evidenceOfDispute, judgeDuplicates, nextDuplicate } from '../src/index.ts'

const answers = (text: string): Array<{ provider: string, digest: Uint8Array }> =>
  text.split(' ').filter(word => word !== '').map(word => ({ provider: word.slice(0, 1), digest: Uint8Array.of(Number(word.slice(1))) }))

describe('a dispute over duplicate requests', () => {
  const cases: Array<[string, string, object, object[]]> = [
    ['no answer', '', { type: 'ask' }, []],
    ['one answer', 'a1', { type: 'ask' }, []],
    ['one provider twice', 'a1 a1', { type: 'ask' }, []],
    ['two that agree', 'a1 b1', { type: 'agreed', providers: ['a', 'b'] }, [{ peer: 'a', good: 1 }, { peer: 'b', good: 1 }]],
    ['two that differ', 'a1 b2', { type: 'ask' }, []],
    ['two against one', 'a1 b2 c1', { type: 'odd-one-out', odd: 'b', agreeing: ['a', 'c'] }, [{ peer: 'b', bad: 1 }, { peer: 'a', good: 1 }, { peer: 'c', good: 1 }]],
    ['two against the first', 'a1 b2 c2', { type: 'odd-one-out', odd: 'a', agreeing: ['b', 'c'] }, [{ peer: 'a', bad: 1 }, { peer: 'b', good: 1 }, { peer: 'c', good: 1 }]],
    ['three that all differ', 'a1 b2 c3', { type: 'tie', providers: ['a', 'b', 'c'] }, []],
    ['three that agree', 'a1 b1 c1', { type: 'agreed', providers: ['a', 'b', 'c'] }, [{ peer: 'a', good: 1 }, { peer: 'b', good: 1 }, { peer: 'c', good: 1 }]]
  ]
  for (const [name, given, verdict, evidence] of cases) {
    it(`over ${name}`, () => {
      expect(judgeDuplicates(answers(given))).to.deep.equal(verdict)
      expect(evidenceOfDispute(judgeDuplicates(answers(given)))).to.deep.equal(evidence)
    })
  }

  it('goes to a third in a network of its own, to another if there is none, and to nobody twice', () => {
    const network = (peer: string): string => peer.slice(0, 1)
    const random = new SeededRandom(1)
    for (let i = 0; i < 20; i++) {
      expect(nextDuplicate(['a1', 'a2', 'b1', 'c1', 'c2'], ['a1', 'b1'], network, random)).to.match(/^c/)
    }
    expect(nextDuplicate(['a1', 'a2'], ['a1'], network, random)).to.equal('a2')
    expect(nextDuplicate(['a1'], ['a1'], network, random)).to.equal(undefined)
  })
})
