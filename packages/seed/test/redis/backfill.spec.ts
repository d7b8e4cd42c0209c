import { expect } from 'chai'
import fc from 'fast-check'
import { Backfill } from '../../src/redis/backfill.ts'

/** Answers each push at once; gives the times of the pushes, and where they began. */
function run (backfill: Backfill, total: number, untilMs: number, fromMs = 0): Array<{ atMs: number, from: number }> {
  const pushes: Array<{ atMs: number, from: number }> = []
  for (let nowMs = fromMs; nowMs <= untilMs;) {
    backfill.onTimeout(nowMs)
    for (let effect = backfill.poll(); effect !== undefined; effect = backfill.poll()) {
      pushes.push({ atMs: nowMs, from: effect.from })
      const next = effect.from + effect.count
      backfill.onPushed(next < total ? next : undefined, nowMs)
    }
    const dueMs = backfill.nextTimeoutMs()
    if (dueMs === undefined) {
      break
    }
    nowMs = Math.max(nowMs, dueMs)
  }
  return pushes
}

describe('Backfill', () => {
  it('tells all once when Redis is there, a batch at a time', () => {
    const backfill = new Backfill({ batch: 10, intervalMs: 100 })
    expect(backfill.nextTimeoutMs()).to.equal(undefined)
    backfill.onUp(0)
    expect(backfill.busy).to.equal(true)
    expect(run(backfill, 35, 10_000)).to.deep.equal([{ atMs: 0, from: 0 }, { atMs: 100, from: 10 }, { atMs: 200, from: 20 }, { atMs: 300, from: 30 }])
    expect(backfill.busy).to.equal(false)
  })

  it('tells 100,000 within less than half a life, at no more than its rate', () => {
    const backfill = new Backfill()
    backfill.onUp(0)
    const pushes = run(backfill, 100_000, 1e9)
    expect(pushes.at(-1)?.atMs).to.be.below(150_000)
    expect(Math.max(...pushes.slice(1).map(({ atMs }, i) => 64_000 / (atMs - (pushes[i]?.atMs ?? 0))))).to.be.at.most(1_600)
  })

  it('stops when Redis goes, and begins anew when it is back', () => {
    const backfill = new Backfill({ batch: 10, intervalMs: 100 })
    backfill.onUp(0)
    run(backfill, 100, 250)
    backfill.onDown()
    expect(backfill.nextTimeoutMs()).to.equal(undefined)
    backfill.onUp(1000)
    expect(run(backfill, 100, 1e6, 1000)[0]).to.deep.equal({ atMs: 1000, from: 0 })
  })

  it('waits for a push that is slow, and begins anew after it when Redis was emptied meanwhile', () => {
    const backfill = new Backfill({ batch: 10, intervalMs: 100 })
    backfill.onUp(0)
    backfill.onTimeout(0)
    expect(backfill.poll()).to.deep.equal({ type: 'push', from: 0, count: 10 })
    backfill.onEmpty(50)
    expect(backfill.nextTimeoutMs()).to.equal(undefined)
    backfill.onPushed(10, 5000)
    expect(run(backfill, 15, 1e6, 5000).map(({ from }) => from)).to.deep.equal([0, 10])
  })

  it('tells all once more, some time after single ones were missed, however many', () => {
    const backfill = new Backfill({ batch: 10, intervalMs: 100, missedDelayMs: 5000 })
    backfill.onUp(0)
    run(backfill, 10, 1e6)
    for (let i = 0; i < 50; i++) {
      backfill.onMissed(1000 + i)
    }
    expect(run(backfill, 15, 1e6, 1050)).to.deep.equal([{ atMs: 6000, from: 0 }, { atMs: 6100, from: 10 }])
  })

  it('never has two pushes under way, none while Redis is down, and in the end has told all', () => {
    const event = fc.constantFrom('up', 'down', 'empty', 'missed', 'pushed', 'timeout')
    fc.assert(fc.property(fc.array(event, { maxLength: 200 }), events => {
      const backfill = new Backfill({ batch: 10, intervalMs: 10 })
      let nowMs = 0
      let up = false
      let pushing: number | undefined
      for (const kind of events) {
        nowMs++
        switch (kind) {
          case 'up': up || backfill.onUp(nowMs); up = true; break
          case 'down': backfill.onDown(); up = false; break
          case 'empty': backfill.onEmpty(nowMs); break
          case 'missed': backfill.onMissed(nowMs); break
          case 'pushed':
            if (pushing !== undefined) {
              backfill.onPushed(pushing < 20 ? pushing + 10 : undefined, nowMs)
              pushing = undefined
            }
            break
          default:
            nowMs = Math.max(nowMs, backfill.nextTimeoutMs() ?? nowMs)
            backfill.onTimeout(nowMs)
        }
        for (let effect = backfill.poll(); effect !== undefined; effect = backfill.poll()) {
          expect(pushing).to.equal(undefined)
          expect(up).to.equal(true)
          pushing = effect.from
        }
      }
      up || backfill.onUp(nowMs)
      if (pushing !== undefined) {
        backfill.onPushed(undefined, nowMs)
      }
      run(backfill, 30, nowMs + 1e6, nowMs)
      expect(backfill.busy).to.equal(false)
    }))
  })
})
