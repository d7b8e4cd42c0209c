import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { DiscoverLimiter } from '../../src/registry/discover-limiter.ts'

describe('DiscoverLimiter', () => {
  const limiter = (maxNodes?: number): DiscoverLimiter => new DiscoverLimiter({ random: new SeededRandom(1), maxNodes })

  it('grants three at once, then one in 10 s, and says when', () => {
    const limit = limiter()
    for (let i = 0; i < 3; i++) {
      expect(limit.take('a', 1000)).to.deep.equal({ granted: true })
    }
    expect(limit.take('a', 1000)).to.deep.equal({ granted: false, reason: 'too_early', retryAfterMs: 10_000 })
    expect(limit.take('a', 8000)).to.deep.equal({ granted: false, reason: 'too_early', retryAfterMs: 3_000 })
    expect(limit.take('b', 8000)).to.deep.equal({ granted: true })
    expect(limit.take('a', 11_000)).to.deep.equal({ granted: true })
    expect(limit.take('a', 11_000).granted).to.equal(false)
  })

  it('saves up no more than three', () => {
    const limit = limiter()
    limit.take('a', 0)
    const granted = Array.from({ length: 10 }, () => limit.take('a', 1_000_000).granted).filter(Boolean)
    expect(granted.length).to.equal(3)
  })

  it('remembers a spammer although many others ask', () => {
    const limit = limiter(4096)
    let granted = 0
    for (let i = 0; i < 100; i++) {
      granted += limit.take('spammer', i).granted ? 1 : 0
      for (let j = 0; j < 20; j++) {
        limit.take(`other${i}-${j}`, i)
      }
    }
    expect(granted).to.equal(3)
  })
})
