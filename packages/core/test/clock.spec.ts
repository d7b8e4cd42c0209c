import { expect } from 'chai'
import fc from 'fast-check'
import { deadline, DeadlineError, ManualClock, sleep, steadyNow } from '../src/index.ts'

describe('steadyNow', () => {
  const cases: Array<[string, { wall: number, mono: number }, number]> = [
    ['follows the wall clock', { wall: 1_100, mono: 100 }, 1_100],
    ['jumps ahead with it', { wall: 9_000, mono: 100 }, 9_000],
    ['runs at half speed after it was set back', { wall: 500, mono: 100 }, 1_050],
    ['stops at the wall clock on the way down', { wall: 1_080, mono: 100 }, 1_080]
  ]
  for (const [name, { wall, mono }, expected] of cases) {
    it(name, () => {
      expect(steadyNow({ monotonicMs: 0, nowMs: 1_000 }, wall, mono).nowMs).to.equal(expected)
    })
  }

  it('never goes backwards, and meets the wall clock in the end', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: -5_000, max: 5_000 })), { maxLength: 50 }), steps => {
      let reading = { monotonicMs: 0, nowMs: 1_000_000 }
      let wall = 1_000_000
      let mono = 0
      for (const [elapsed, jump] of steps) {
        mono += elapsed
        wall += elapsed + jump
        const next = steadyNow(reading, wall, mono)
        expect(next.nowMs).to.be.at.least(reading.nowMs)
        reading = next
      }
      const quiet = steadyNow(reading, wall + 600_000, mono + 600_000)
      expect(quiet.nowMs).to.equal(wall + 600_000)
    }))
  })
})

describe('ManualClock', () => {
  it('runs what is due in order of time, then of scheduling', () => {
    const clock = new ManualClock(100)
    const order: string[] = []
    clock.schedule(120, () => order.push('c'))
    clock.schedule(110, () => { order.push('a'); clock.schedule(115, () => order.push('b')) })
    clock.schedule(120, () => order.push('d'))
    clock.schedule(140, () => order.push('later'))
    clock.schedule(112, () => order.push('cancelled'))()
    clock.advance(30)
    expect(order).to.deep.equal(['a', 'b', 'c', 'd'])
    expect(clock.nowMs()).to.equal(130)
  })
})

describe('sleep', () => {
  it('ends with the time', async () => {
    const clock = new ManualClock()
    const slept = sleep(clock, 50)
    clock.advance(50)
    await slept
  })

  it('ends early with the reason of the signal', async () => {
    const controller = new AbortController()
    const slept = sleep(new ManualClock(), 50, { signal: controller.signal })
    controller.abort(new Error('enough'))
    expect(await slept.catch(error => error.message)).to.equal('enough')
  })
})

describe('deadline', () => {
  it('fires after its time with a DeadlineError', () => {
    const clock = new ManualClock()
    const { signal } = deadline(clock, 100)
    clock.advance(99)
    expect(signal.aborted).to.equal(false)
    clock.advance(1)
    expect(signal.reason).to.be.instanceOf(DeadlineError)
  })

  it('passes on the reason of another signal, also one that has fired before', () => {
    const controller = new AbortController()
    const running = deadline(new ManualClock(), 100, [undefined, controller.signal])
    controller.abort('why')
    expect(running.signal.reason).to.equal('why')
    expect(deadline(new ManualClock(), 100, [controller.signal]).signal.reason).to.equal('why')
  })

  it('can be set anew and cleared', () => {
    const clock = new ManualClock()
    const limit = deadline(clock, 100)
    clock.advance(90)
    limit.set(100)
    clock.advance(90)
    expect(limit.signal.aborted).to.equal(false)
    limit.clear()
    clock.advance(1_000)
    expect(limit.signal.aborted).to.equal(false)
  })
})
