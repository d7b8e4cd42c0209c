import { expect } from 'chai'
import fc from 'fast-check'
import { EventLog, KernelWorld } from '../../src/index.ts'
import { createModel } from './models/rumour-kernel.ts'
import type { EventSink } from '../../src/index.ts'

/** The same by a list that is searched for the next event each time: what KernelWorld must come to. */
function runByList (seed: number, entities: number, hops: number, untilTick: number): { hash: string, events: number } {
  const { kernel } = createModel({ seed, options: { entities, hops }, shared: {}, thread: {} })
  let list: Array<{ tick: number, round: number, words: Int32Array }> = []
  const log = new EventLog(entities)
  const counters = new Uint32Array(entities)
  let [nowTick, nowRound, events] = [-1, 0, 0]
  const sink: EventSink = {
    owns: () => true,
    note: (entity, word) => { log.note(entity, word) },
    emit: (tick, to, from, a = 0) => {
      list.push({ tick, round: tick === nowTick ? nowRound + 1 : 0, words: Int32Array.of(to, from, counters[from]!++, a) })
    }
  }
  kernel.start(sink)
  for (;;) {
    const order = (a: typeof list[number], b: typeof list[number]): number => a.tick - b.tick || a.round - b.round ||
      [0, 1, 2].reduce((found, word) => found !== 0 ? found : (a.words[word] as number) - (b.words[word] as number), 0)
    const first = list.reduce<typeof list[number] | undefined>((best, event) => best === undefined || order(event, best) < 0 ? event : best, undefined)
    if (first === undefined || first.tick >= untilTick) {
      return { hash: log.hash(), events }
    }
    list = list.filter(event => event !== first)
    ;[nowTick, nowRound] = [first.tick, first.round]
    events++
    log.event(first.words[0] as number, first.tick, first.words[1] as number, first.words[2] as number)
    kernel.handle(first.tick, first.words, 0, sink)
  }
}

describe('KernelWorld', () => {
  it('comes to what a list of events comes to, in one go or in pieces', () => {
    fc.assert(fc.property(fc.nat(1e6), fc.integer({ min: 2, max: 40 }), fc.nat(6), fc.array(fc.nat(200), { maxLength: 5 }), (seed, entities, hops, pieces) => {
      const world = new KernelWorld(createModel({ seed, options: { entities, hops }, shared: {}, thread: {} }))
      for (const tick of pieces.sort((a, b) => a - b)) {
        world.runBefore(tick)
      }
      world.runBefore(150)
      const until = Math.max(150, ...pieces)
      expect({ hash: world.log?.hash(), events: world.events }).to.deep.equal(runByList(seed, entities, hops, until))
    }), { numRuns: 50 })
  })

  it('refuses what threads could not do alike', () => {
    const broken = (handle: (sink: EventSink, self: number) => void): (() => void) => () => {
      const kernel = { start: (sink: EventSink) => { sink.emit(0, 0, 0) }, handle: (_tick: number, events: Int32Array, at: number, sink: EventSink) => { handle(sink, events[at] as number) } }
      new KernelWorld({ kernel, entities: 3, lookaheadTicks: 5 }).runBefore(100)
    }
    expect(broken(sink => { sink.emit(4, 1, 0) })).to.throw(RangeError, 'lookahead')
    expect(broken(sink => { sink.emit(50, 1, 2) })).to.throw(RangeError, 'cannot cause an event')
    expect(broken((sink, self) => { sink.emit(0, self, self) })).to.throw('without end')
    expect(broken(sink => { sink.emit(5, 1, 0) })).to.throw('cannot cause an event') // entity 1 speaks for 0
  })
})
