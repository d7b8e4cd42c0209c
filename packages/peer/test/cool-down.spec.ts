import { expect } from 'chai'
import { CoolDown } from '../src/cool-down.ts'

describe('CoolDown', () => {
  it('doubles with each failure, up to its bound', () => {
    const coolDown = new CoolDown({ firstMs: 1_000, maxMs: 5_000 })
    const rests = [0, 0, 0, 0, 0].map(() => {
      coolDown.onFailed('p', 'm', 0)
      return coolDown.untilMs('p', 'm', 0)
    })
    expect(rests).to.deep.equal([1_000, 2_000, 4_000, 5_000, 5_000])
  })

  it('is per peer and model, and ends with time or a delivery', () => {
    const coolDown = new CoolDown()
    coolDown.onFailed('p', 'm', 0)
    expect(coolDown.untilMs('p', 'other', 0)).to.equal(undefined)
    expect(coolDown.untilMs('q', 'm', 0)).to.equal(undefined)
    expect(coolDown.untilMs('p', 'm', 1_000)).to.equal(undefined)
    coolDown.onFailed('p', 'm', 0)
    coolDown.onDelivered('p', 'm')
    expect(coolDown.untilMs('p', 'm', 0)).to.equal(undefined)
  })

  it('does not hold it against a busy peer that it said so', () => {
    const coolDown = new CoolDown()
    coolDown.onFailed('p', 'm', 0, 300)
    coolDown.onFailed('p', 'm', 0, 300)
    expect(coolDown.untilMs('p', 'm', 0)).to.equal(300)
    coolDown.onFailed('p', 'm', 0)
    expect(coolDown.untilMs('p', 'm', 0)).to.equal(1_000)
  })
})
