import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { closeNow, drainConnections } from '../../src/node/connection-drain.ts'
import { BEAT_MS, EventLoopWatch, MEMORY_MS, STALL_MS } from '../../src/node/event-loop-watch.ts'
import { RefusalLog } from '../../src/node/refusal-log.ts'
import { readable } from '../../src/node/seed-log.ts'
import { foldRegions } from '../../src/node/seed-metrics.ts'

describe('the drain of connections', () => {
  it('closes all within its ticks, never more than an even share and one at a time', () => {
    fc.assert(fc.property(fc.nat(5_000), fc.integer({ min: 1, max: 300 }), (open, ticks) => {
      let left = open
      for (let tick = 0; tick < ticks; tick++) {
        const now = closeNow(left, ticks - tick)
        expect(now).to.be.at.most(Math.ceil(open / ticks))
        left -= now
      }
      expect(left).to.equal(0)
    }))
  })

  const cases: Array<[name: string, open: number, closesItself: boolean, drainMs: number, result: { closed: number, left: number }, afterMs: number]> = [
    ['ends at once when nothing is open', 0, true, 10_000, { closed: 0, left: 0 }, 0],
    ['ends with the last connection', 3, true, 300, { closed: 3, left: 0 }, 200],
    ['ends with its time when a connection does not close', 2, false, 1_000, { closed: 2, left: 2 }, 1_000],
    ['closes all at once when it has no time', 5, true, 0, { closed: 5, left: 0 }, 0]
  ]
  for (const [name, count, closesItself, drainMs, result, afterMs] of cases) {
    it(name, async () => {
      const clock = new ManualClock()
      const startMs = clock.nowMs()
      const open = new Set(Array.from({ length: count }, () => {
        const connection = { close: async () => { if (closesItself) { open.delete(connection) } } }
        return connection
      }))
      const draining = drainConnections(() => [...open], drainMs, clock).then(outcome => ({ outcome, atMs: clock.nowMs() }))
      for (let step = 0; step < 200; step++) {
        await Promise.resolve()
        clock.advance(10)
        await Promise.resolve()
      }
      const { outcome, atMs } = await draining
      expect(outcome).to.deep.equal(result)
      expect(atMs - startMs).to.be.within(afterMs, afterMs + 100)
    })
  }
})

describe('the watch over the event loop', () => {
  let tasks: Array<() => void> = []
  let nowMs = 0
  /** Its tasks run when the test says so: late, as they do when the loop is held up. */
  const clock = { nowMs: () => nowMs, schedule: (_atMs: number, task: () => void) => { tasks.push(task); return () => { tasks = [] } } }

  function stall (lateMs: number): void {
    nowMs += BEAT_MS + lateMs
    tasks.shift()?.()
  }

  beforeEach(() => {
    tasks = []
    nowMs = 1e12
  })

  it('does not mind one stall: a clock may have been set, a machine may have slept', () => {
    const watch = new EventLoopWatch(clock)
    stall(3_600_000)
    expect(watch.stalling).to.equal(false)
  })

  it('tells of two within a minute, and no more when they are over', () => {
    const watch = new EventLoopWatch(clock)
    stall(STALL_MS)
    stall(STALL_MS - 1)
    expect(watch.stalling).to.equal(false)
    stall(STALL_MS)
    expect(watch.stalling).to.equal(true)
    nowMs += MEMORY_MS
    expect(watch.stalling).to.equal(false)
  })
})

describe('the log of refusals', () => {
  it('has one line a minute with what has come since the last, and none for nothing', () => {
    const clock = new ManualClock()
    const refused: Record<string, number> = { replayed: 5 }
    const lines: Array<Record<string, number>> = []
    const log = new RefusalLog(clock, () => refused, line => { lines.push(line) })
    refused.replayed = 7
    refused.full = 1_000
    clock.advance(60_000)
    clock.advance(60_000)
    refused.full = 1_001
    log.stop()
    refused.full = 2_000
    clock.advance(120_000)
    expect(lines).to.deep.equal([{ replayed: 2, full: 1_000 }, { full: 1 }])
  })
})

describe('the log on a terminal', () => {
  it('is a line for a person', () => {
    const line = '{"level":"info","time":"2026-11-21T05:30:42.226Z","pid":1,"hostname":"h","name":"skein-seed","id":"12D3","addresses":["/a"],"msg":"listening"}'
    expect(readable(line)).to.equal('05:30:42 info  listening id=12D3 addresses=["/a"]\n')
  })
})

describe('the regions in the metrics', () => {
  it('are few, whatever peers call theirs, and none is lost in the sum', () => {
    const counts = Array.from({ length: 1_000 }, (_, i) => ({ region: `made-up-${i}`, tier: 1 + i % 2, count: 1 }))
    const folded = foldRegions([...counts, { region: 'eu-west', tier: 2, count: 50 }, { region: '', tier: 4, count: 9 }], 3)
    expect(new Set(folded.map(({ region }) => region)).size).to.equal(4)
    expect(folded).to.deep.include({ region: 'eu-west', tier: 2, count: 50 })
    expect(folded).to.deep.include({ region: 'unknown', tier: 4, count: 9 })
    expect(folded.reduce((sum, { count }) => sum + count, 0)).to.equal(1_059)
  })

  it('adds a region that is called "other" to the others', () => {
    const folded = foldRegions([{ region: 'other', tier: 1, count: 5 }, { region: 'a', tier: 1, count: 3 }], 1)
    expect(folded).to.deep.equal([{ region: 'other', tier: 1, count: 8 }])
  })
})
