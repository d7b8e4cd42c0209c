import { expect } from 'chai'
import { ChallengeDesk } from '../../src/index.ts'

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000
const desk = (init: Partial<ConstructorParameters<typeof ChallengeDesk>[0]> = {}): ChallengeDesk => new ChallengeDesk({ mostBytes: 256 * MIB, ...init })

describe('a desk for challenges', () => {
  it('takes one at a time', () => {
    const one = desk()
    expect(one.take('a', { known: true }, 64 * MIB, 0)).to.equal(undefined)
    expect(one.take('b', { known: true }, 64 * MIB, 0)).to.deep.equal({ type: 'busy', retryAfterMs: 10_000 })
    one.release()
    expect(one.take('b', { known: true }, 64 * MIB, 0)).to.equal(undefined)
  })

  it('answers a peer once an hour, and six in all', () => {
    const one = desk()
    for (let i = 0; i < 6; i++) {
      expect(one.take(`peer ${i}`, { known: true }, 64 * MIB, i)).to.equal(undefined)
      one.release()
    }
    expect(one.take('peer 0', { known: true }, 64 * MIB, 10)).to.deep.equal({ type: 'busy', retryAfterMs: HOUR_MS - 10 })
    expect(one.take('peer 7', { known: true }, 64 * MIB, 10)).to.deep.equal({ type: 'busy', retryAfterMs: HOUR_MS - 10 })
    expect(one.take('peer 7', { known: true }, 64 * MIB, HOUR_MS)).to.equal(undefined)
  })

  it('leaves most of them to peers it knows: strangers have two, of two networks', () => {
    const one = desk()
    const stranger = (i: number, network?: string): unknown => {
      const refusal = one.take(`stranger ${i}`, { known: false, network }, 64 * MIB, 0)
      if (refusal === undefined) {
        one.release()
      }
      return refusal?.type ?? 'taken'
    }
    expect([stranger(1, '192.0.0.0/16'), stranger(2, '192.0.0.0/16'), stranger(3), stranger(4), stranger(5, '198.51.0.0/16')])
      .to.deep.equal(['taken', 'busy', 'taken', 'busy', 'busy'])
    expect(one.take('friend', { known: true }, 64 * MIB, 0)).to.equal(undefined)
  })

  it('fills nothing larger than it may, and nothing odd', () => {
    const one = desk()
    expect(one.take('a', { known: true }, 512 * MIB, 0)).to.deep.equal({ type: 'too_large', mostBytes: 256 * MIB })
    for (const bytes of [0, 1, 32 * MIB, 100 * MIB, 8192 * MIB, Number.NaN]) {
      expect(one.take('a', { known: true }, bytes, 0)).to.deep.equal({ type: 'declined' })
    }
    expect(desk({ mostBytes: 0 }).take('a', { known: true }, 64 * MIB, 0)).to.deep.equal({ type: 'declined' })
  })
})
