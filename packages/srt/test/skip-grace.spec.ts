import { expect } from 'chai'
import { SkipGrace } from '../src/skip-grace.ts'

describe('the grace before a gap is skipped', () => {
  it('is none when it is looked at in time', () => {
    const grace = new SkipGrace()
    expect([grace.maySkip(100, 99), grace.maySkip(100, 101)]).deep.equal([false, true])
  })

  it('lasts as long as packets come when it is looked at late, but no longer than 100 ms', () => {
    const grace = new SkipGrace()
    expect([grace.maySkip(100, 400), grace.nextMs(100)]).deep.equal([false, 405])
    grace.onPacket(404)
    expect([grace.maySkip(100, 405), grace.nextMs(100), grace.maySkip(100, 409)]).deep.equal([false, 409, true])
    grace.onPacket(498)
    expect([grace.maySkip(100, 499), grace.maySkip(100, 500)]).deep.equal([false, true])
    grace.onHead()
    expect(grace.maySkip(500, 501)).equal(true)
  })
})
