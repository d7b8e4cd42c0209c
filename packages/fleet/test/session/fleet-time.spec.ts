import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { FleetTime, monthOf } from '@skein/fleet'

describe('The time of the fleet', () => {
  it('is that of the store, and runs on between two questions', async () => {
    const clock = new ManualClock(1_000)
    const time = new FleetTime({ nowMs: async () => clock.nowMs() + 600_000 }, clock)
    await time.synchronize()
    expect(time.nowMs()).to.equal(601_000)
    clock.advance(500)
    expect(time.nowMs()).to.equal(601_500)
  })

  it('does not go back when the store does', async () => {
    const clock = new ManualClock(1_000_000)
    let aheadMs = 600_000
    const time = new FleetTime({ nowMs: async () => clock.nowMs() + aheadMs }, clock)
    await time.synchronize()
    const beforeMs = time.nowMs()
    aheadMs = 0
    clock.advance(10)
    await time.synchronize()
    expect(time.nowMs()).to.be.within(beforeMs, beforeMs + 10)
  })

  it('knows the month of any moment', () => {
    fc.assert(fc.property(fc.date({ min: new Date(0), max: new Date('2400-01-01'), noInvalidDate: true }), date => {
      expect(monthOf(date.getTime())).to.equal(date.toISOString().slice(0, 7))
    }))
  })
})
