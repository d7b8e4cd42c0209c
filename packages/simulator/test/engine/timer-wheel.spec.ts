import { expect } from 'chai'
import fc from 'fast-check'
import { TimerWheel, TimerWheelFullError } from '../../src/index.ts'

/** Ticks ahead that reach every level: the same tick, the next slots, later blocks, and the horizon. */
const ahead = fc.oneof(
  fc.constant(0),
  fc.nat(20),
  fc.nat(4096 * 2),
  fc.nat(2 ** 22 * 2),
  fc.integer({ min: 0, max: 4_290_772_992 })
)

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('push' as const), ahead }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pop' as const), before: fc.option(ahead) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('peek' as const), before: fc.option(ahead) }) }
)

describe('TimerWheel', () => {
  it('gives out events as a sorted list does, those of one tick in the order they came', () => {
    fc.assert(fc.property(fc.nat(2 ** 40), fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 300 }), (start, words, steps) => {
      const wheel = new TimerWheel({ words, initialEvents: 1, maxEvents: 1000 })
      const list: Array<{ tick: number, order: number }> = []
      const event = new Int32Array(words)
      let order = 0
      const push = (tick: number): void => {
        const entry = { tick, order: order++ }
        const after = list.findIndex(other => other.tick > tick)
        list.splice(after === -1 ? list.length : after, 0, entry)
        wheel.pushRecord(tick, Int32Array.from({ length: words }, (_, i) => entry.order * 7 + i))
      }
      // the wheel begins at 0 and reaches the start in steps within its horizon
      for (let tick = 0; tick < start;) {
        tick = Math.min(start, tick + 2 ** 32 - 2 ** 22)
        push(tick)
        expect(wheel.pop(event)).to.equal(true)
        list.shift()
      }
      let floor = wheel.nowTick
      for (const action of steps) {
        if (action.type === 'push') {
          push(Math.max(floor, wheel.nowTick) + Math.floor(action.ahead * 0.999))
          continue
        }
        const before = action.before === null ? Infinity : wheel.nowTick + action.before
        const earliest = wheel.earliestTick()
        expect(earliest === undefined).to.equal(list[0] === undefined)
        if (earliest !== undefined) {
          expect(earliest).to.be.at.least(wheel.nowTick).and.at.most((list[0] as { tick: number }).tick)
        }
        const due = list[0] !== undefined && list[0].tick < before ? list[0] : undefined
        if (action.type === 'peek') {
          expect(wheel.nextTick(before)).to.equal(due?.tick)
        } else {
          expect(wheel.pop(event, 0, before)).to.equal(due !== undefined)
          if (due !== undefined) {
            list.shift()
            expect(wheel.nowTick).to.equal(due.tick)
            expect([...event]).to.deep.equal(Array.from({ length: words }, (_, i) => due.order * 7 + i))
            floor = due.tick
          }
        }
        expect(wheel.size).to.equal(list.length)
        expect(wheel.nowTick).to.be.at.most(Math.min(list[0]?.tick ?? Infinity, before === Infinity ? Infinity : Math.max(floor, before)))
      }
      for (const { tick, order } of list) {
        expect(wheel.pop(event)).to.equal(true)
        expect([wheel.nowTick, event[0]]).to.deep.equal([tick, order * 7])
      }
      expect(wheel.pop(event)).to.equal(false)
    }), { numRuns: 300 })
  })

  it('keeps its order with a hundred thousand events, and gives memory back to itself', () => {
    const wheel = new TimerWheel({ maxEvents: 100_000 })
    const event = new Int32Array(3)
    let state = 1
    const random = (): number => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return state >>> 8 }
    for (let i = 0; i < 100_000; i++) {
      wheel.push(random() % 10_000_000, i)
    }
    const bytes = wheel.byteLength
    let [last, disorder] = [0, 0]
    for (let i = 0; i < 1_000_000; i++) {
      wheel.pop(event)
      disorder += wheel.nowTick < last ? 1 : 0
      last = wheel.nowTick
      wheel.push(last + random() % 10_000_000, i)
    }
    expect(disorder).to.equal(0)
    expect(wheel.byteLength).to.be.at.most(bytes * 1.6)
    expect(wheel.byteLength).to.be.at.most(TimerWheel.bytesFor(100_000) * 1.01)
    expect(TimerWheel.bytesFor(10_000_000) / 10_000_000).to.be.within(16, 16.5)
  })

  it('says when it is full, and goes on when there is room again', () => {
    const wheel = new TimerWheel({ words: 1, maxEvents: 500 })
    for (let i = 0; i < 500; i++) {
      wheel.push(i * 100_000, i)
    }
    expect(() => { wheel.push(7, 1) }).to.throw(TimerWheelFullError).with.property('maxEvents', 500)
    expect(wheel.pop(new Int32Array(1))).to.equal(true)
    wheel.push(7, 1)
    expect(wheel.size).to.equal(500)
  })

  it('takes nothing that is past, or farther ahead than it can tell apart', () => {
    const wheel = new TimerWheel()
    wheel.push(10, 1)
    wheel.pop(new Int32Array(3))
    expect(() => { wheel.push(9, 1) }).to.throw(RangeError)
    expect(() => { wheel.push(10 + 2 ** 32, 1) }).to.throw(RangeError)
    expect(() => { wheel.push(NaN, 1) }).to.throw(RangeError)
    expect(wheel.size).to.equal(0)
  })
})
