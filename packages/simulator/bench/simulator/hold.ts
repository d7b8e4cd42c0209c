/**
 * The hold model (D. Jones, "An Empirical Comparison of Priority-Queue and Event-Set Implementations", 1986): so many events wait; each that comes
 * out puts one in, an exponential time later. The mean is 100,000 ticks, which at 100K events is one event in a tick.
 */
import TinyQueue from 'tinyqueue'
import { RandomStream, TimerWheel } from '@skein/simulator'
import { cpuSeconds } from './cpu.ts'

interface HoldQueue {
  push: (tick: number, a: number, b: number, c: number) => void
  /** Takes out the first event, and leaves its tick and its words */
  pop: () => void
  tick: number
  a: number
  b: number
  bytes?: () => number
}

interface HoldInit {
  meanTicks: number
  create: (count: number) => HoldQueue
}

interface HeapEvent {
  tick: number
  order: number
  a: number
  b: number
  c: number
}

const MEAN_TICKS = 100_000

export const HOLD_QUEUES: Record<string, HoldInit> = {
  wheel: { meanTicks: MEAN_TICKS, create: createWheel },
  'wheel-far': { meanTicks: 100 * MEAN_TICKS, create: createWheel },
  'object-heap': { meanTicks: MEAN_TICKS, create: createObjectHeap },
  tinyqueue: { meanTicks: MEAN_TICKS, create: createTinyQueue },
  'array-heap': { meanTicks: MEAN_TICKS, create: createArrayHeap }
}

export function measureHold ({ meanTicks, create }: HoldInit, count: number): Record<string, number> {
  const random = new RandomStream(1, 2000)
  const delays = Int32Array.from({ length: 65_536 }, (_, i) => Math.ceil(-Math.log(1 - random.float(i, 0)) * meanTicks))
  const queue = create(count)
  for (let i = 0; i < count; i++) {
    queue.push(delays[i & 65_535] as number, i, i, i)
  }
  const hold = (operations: number): void => {
    for (let i = 0; i < operations; i++) {
      queue.pop()
      queue.push(queue.tick + (delays[Math.imul(i, 7919) & 65_535] as number), queue.a, queue.b, i)
    }
  }
  hold(Math.max(1_000_000, count)) // until the times are spread as they stay, and the code is compiled
  const operations = 5_000_000
  const start = process.cpuUsage()
  hold(operations)
  return { perSecond: operations / cpuSeconds(start), bytes: (queue.bytes?.() ?? NaN) / count }
}

function createWheel (count: number): HoldQueue {
  const wheel = new TimerWheel({ initialEvents: count, maxEvents: count })
  const event = new Int32Array(3)
  return {
    tick: 0,
    a: 0,
    b: 0,
    push: (tick, a, b, c) => { wheel.push(tick, a, b, c) },
    pop () {
      wheel.pop(event)
      this.tick = wheel.nowTick
      this.a = event[0] as number
      this.b = event[1] as number
    },
    bytes: () => wheel.byteLength
  }
}

function createTinyQueue (): HoldQueue {
  const heap = new TinyQueue<HeapEvent>([], (a, b) => a.tick - b.tick || a.order - b.order)
  let order = 0
  return {
    tick: 0,
    a: 0,
    b: 0,
    push: (tick, a, b, c) => { heap.push({ tick, order: order++, a, b, c }) },
    pop () { ({ tick: this.tick, a: this.a, b: this.b } = heap.pop() as HeapEvent) }
  }
}

function createObjectHeap (): HoldQueue {
  const heap: HeapEvent[] = []
  let order = 0
  const before = (a: HeapEvent, b: HeapEvent): boolean => a.tick < b.tick || (a.tick === b.tick && a.order < b.order)
  return {
    tick: 0,
    a: 0,
    b: 0,
    push: (tick, a, b, c) => {
      const event = { tick, order: order++, a, b, c }
      let i = heap.length
      heap.push(event)
      while (i > 0 && before(event, heap[(i - 1) >> 1] as HeapEvent)) {
        heap[i] = heap[(i - 1) >> 1] as HeapEvent
        i = (i - 1) >> 1
      }
      heap[i] = event
    },
    pop () {
      ({ tick: this.tick, a: this.a, b: this.b } = heap[0] as HeapEvent)
      const last = heap.pop() as HeapEvent
      let i = 0
      for (let child = 1; child < heap.length; child = 2 * i + 1) {
        if (child + 1 < heap.length && before(heap[child + 1] as HeapEvent, heap[child] as HeapEvent)) {
          child++
        }
        if (!before(heap[child] as HeapEvent, last)) {
          break
        }
        heap[i] = heap[child] as HeapEvent
        i = child
      }
      heap[i] = last
    }
  }
}

/** Times and orders in arrays, the words where they were put; the heap is of handles. */
function createArrayHeap (count: number): HoldQueue {
  const ticks = new Float64Array(count)
  const orders = new Float64Array(count)
  const words = new Int32Array(3 * count)
  const heap = new Int32Array(count)
  const free: number[] = []
  let [size, used, order] = [0, 0, 0]
  const before = (a: number, b: number): boolean =>
    (ticks[a] as number) < (ticks[b] as number) || (ticks[a] === ticks[b] && (orders[a] as number) < (orders[b] as number))
  return {
    tick: 0,
    a: 0,
    b: 0,
    push: (tick, a, b, c) => {
      const handle = free.pop() ?? used++
      ticks[handle] = tick
      orders[handle] = order++
      words[3 * handle] = a
      words[3 * handle + 1] = b
      words[3 * handle + 2] = c
      let i = size++
      while (i > 0 && before(handle, heap[(i - 1) >> 1] as number)) {
        heap[i] = heap[(i - 1) >> 1] as number
        i = (i - 1) >> 1
      }
      heap[i] = handle
    },
    pop () {
      const first = heap[0] as number
      this.tick = ticks[first] as number
      this.a = words[3 * first] as number
      this.b = words[3 * first + 1] as number
      free.push(first)
      const last = heap[--size] as number
      let i = 0
      for (let child = 1; child < size; child = 2 * i + 1) {
        if (child + 1 < size && before(heap[child + 1] as number, heap[child] as number)) {
          child++
        }
        if (!before(heap[child] as number, last)) {
          break
        }
        heap[i] = heap[child] as number
        i = child
      }
      heap[i] = last
    }
  }
}
