/** A kernel for tests: rumours that wander, multiply and die out, with events in the same tick, and with ties on purpose. */
import { EVENT_FROM, EVENT_PAYLOAD, EVENT_TO, RandomStream } from '../../../src/index.ts'
import type { EventKernel, KernelModel, ModelContext } from '../../../src/index.ts'

export interface RumourOptions {
  entities: number
  hops: number
}

const LOOKAHEAD_TICKS = 5

/** `shared.heard` holds what each entity has heard. */
export function createModel ({ seed, options, shared }: ModelContext<RumourOptions>): KernelModel {
  const { entities, hops } = options
  const random = new RandomStream(seed, 1000)
  const heard = new Uint32Array(shared.heard ?? new SharedArrayBuffer(4 * entities))
  let total = 0
  const kernel: EventKernel = {
    start: sink => {
      for (let entity = 0; entity < entities; entity++) {
        if (sink.owns(entity)) {
          sink.emit(random.uint32(entity, 0) % 100, entity, entity, hops)
        }
      }
    },
    handle: (tick, events, at, sink) => {
      const self = events[at + EVENT_TO] as number
      const left = events[at + EVENT_PAYLOAD] as number
      // what it does depends on all that it has heard before, and so on the order
      const before = heard[self] as number
      heard[self] = Math.imul(before ^ (events[at + EVENT_FROM] as number), 0x9e3779b1) + left
      total++
      sink.note(self, heard[self] as number)
      if (left > 0) {
        const draw = random.uint32(self, heard[self] as number)
        const copies = draw % 16 < 13 ? 1 : 2
        for (let copy = 0; copy < copies; copy++) {
          // few delays, so that many events meet in one tick
          sink.emit(tick + LOOKAHEAD_TICKS + (draw >>> 8) % 3, (draw >>> (4 + copy)) % entities, self, left - 1)
        }
        if (draw % 5 === 0) {
          sink.emit(tick, self, self, 0)
        }
      }
    },
    totals: () => ({ total })
  }
  return { kernel, entities, lookaheadTicks: LOOKAHEAD_TICKS }
}

export function createBroken (context: ModelContext<RumourOptions>): KernelModel {
  const model = createModel(context)
  return {
    ...model,
    kernel: {
      ...model.kernel,
      handle: (tick, events, at, sink) => {
        if (tick > 150 && events[at + EVENT_TO] === 70) {
          throw new RangeError('entity 70 has had enough')
        }
        model.kernel.handle(tick, events, at, sink)
      }
    }
  }
}

export function createHasty (context: ModelContext<RumourOptions>): KernelModel {
  const model = createModel(context)
  return { ...model, kernel: { ...model.kernel, handle: (tick, events, at, sink) => { sink.emit(tick + 1, 1 - (events[at] as number), events[at] as number) } } }
}

export function createMeddling (context: ModelContext<RumourOptions>): KernelModel {
  const model = createModel(context)
  return { ...model, kernel: { ...model.kernel, handle: (tick, events, at, sink) => { sink.emit(tick + 10, 5, (events[at] as number) + 1) } } }
}
