/** Events in windows on threads: each entity passes what it gets on to another, 50 to 113 ticks later. The wall tells what a second thread brings. */
import { EVENT_PAYLOAD, EVENT_TO, RandomStream, runWindowed } from '@skein/simulator'
import { cpuSeconds } from './cpu.ts'
import type { KernelModel, ModelContext } from '@skein/simulator'

interface PassOptions {
  entities: number
}

const LOOKAHEAD_TICKS = 50
/** Each entity starts with one event, which is passed on so often. */
const TICKS = 4000

export function createModel ({ seed, options: { entities } }: ModelContext<PassOptions>): KernelModel {
  const random = new RandomStream(seed, 2001)
  const count = new Uint32Array(entities)
  return {
    entities,
    lookaheadTicks: LOOKAHEAD_TICKS,
    payloadWords: 1,
    kernel: {
      start: sink => {
        for (let entity = 0; entity < entities; entity++) {
          if (sink.owns(entity)) {
            sink.emit(random.uint32(entity, 0) & 63, entity, entity, 1)
          }
        }
      },
      handle: (tick, events, at, sink) => {
        const self = events[at + EVENT_TO] as number
        count[self]!++
        const draw = random.uint32(self, count[self] as number)
        const to = Math.floor(draw / 0x100000000 * entities)
        sink.emit(tick + LOOKAHEAD_TICKS + (draw & 63), to, self, (events[at + EVENT_PAYLOAD] as number) + 1)
      }
    }
  }
}

export async function measureWindows (entities: number): Promise<Record<string, number>> {
  const run = async (workers: number): Promise<{ hash: string, events: number, cpu: number, wall: number }> => {
    const [start, startMs] = [process.cpuUsage(), performance.now()]
    const { hash, events } = await runWindowed<PassOptions>({ module: import.meta.url, workers, seed: 1, options: { entities }, until: TICKS })
    return { hash, events, cpu: cpuSeconds(start), wall: performance.now() - startMs }
  }
  const one = await run(1)
  const two = await run(2)
  if (one.hash !== two.hash) {
    throw new Error(`Two threads came to another result: ${two.hash}, not ${one.hash}`)
  }
  return { perSecond: one.events / one.cpu, perSecondOfTwo: two.events / two.cpu, speedup: one.wall / two.wall }
}
