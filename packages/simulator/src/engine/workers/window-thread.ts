/** A thread of a windowed run: makes the model, runs its own nodes, and carries what goes to nodes of other threads. */
import { parentPort, workerData } from 'node:worker_threads'
import { KernelWorld } from '../event-kernel.ts'
import { Outbox } from './mailbox.ts'
import { failureOf } from './thread.ts'
import { runWindows, threadOf } from './window-loop.ts'
import type { Parcel } from '../sim-world-init.ts'
import type { WindowedWorld } from './window-loop.ts'
import type { FromWindowThread, KernelModel, MachineModel, ModelContext, WindowThreadData, WindowThreadResult } from './windowed-run.ts'

const data = workerData as WindowThreadData
const { thread, threads } = data
const outboxes = Array.from({ length: threads }, () => new Outbox(data.maxOutboxBytes))
const owns = (node: number): boolean => threadOf(node, threads) === thread
const PROGRESS_STEPS = 200

/** Words of a record before what it carries: the tick in two halves. */
const TICK_WORDS = 2
const HALF = 0x100000000
/** And of a parcel: to, from, counter, kind, size as the network counts it, the dial's number or the bytes that follow. */
const PARCEL_WORDS = TICK_WORDS + 6
const PARCEL_TYPES = ['message', 'dial', 'accept'] as const

try {
  await run()
} catch (error) {
  parentPort?.postMessage(failureOf(error), [])
}

async function run (): Promise<void> {
  const loaded = await import(data.module) as Record<string, unknown>
  const createModel = loaded[data.name]
  if (typeof createModel !== 'function') {
    throw new TypeError(`${data.module} does not export a function ${data.name}`)
  }
  let machines: MachineModel | undefined
  const context: ModelContext<unknown> = {
    seed: data.seed,
    options: data.options,
    shared: data.shared,
    thread: {
      owns,
      outlet: (tick, to, from, counter, parcel) => { postParcel(machines as MachineModel, tick, to, from, counter, parcel) }
    }
  }
  const model = await createModel(context) as KernelModel | MachineModel
  if ('world' in model) {
    machines = model
    runMachines(model)
  } else {
    runKernel(model)
  }
}

function runKernel (model: KernelModel): void {
  const world = new KernelWorld({ ...model, owns, outlet: postEvent })
  const { words } = world
  const windows = runLoop({
    lookaheadTicks: world.lookaheadTicks,
    earliestTick: () => world.earliestTick(),
    runBefore: tick => { world.runBefore(tick) },
    receive: (memory, at) => { world.arrive(tickAt(memory, at), memory, at + TICK_WORDS) }
  }, data.until)
  function postEvent (tick: number, event: Int32Array): void {
    const outbox = outboxes[threadOf(event[0] as number, threads)] as Outbox
    const at = outbox.add(TICK_WORDS + words)
    putTick(outbox.memory, at, tick)
    for (let i = 0; i < words; i++) {
      outbox.memory[at + TICK_WORDS + i] = event[i] as number
    }
  }
  done({
    nodes: model.entities, chains: world.log?.chains, events: world.events, windows, totals: model.kernel.totals?.() ?? {}, results: []
  })
}

function runMachines (model: MachineModel): void {
  const { world } = model
  const windows = runLoop({
    lookaheadTicks: world.lookaheadTicks,
    earliestTick: () => world.earliestTick(),
    runBefore: tick => { world.runBefore(tick) },
    receive: (memory, at) => { receiveParcel(model, memory, at) }
  }, Math.ceil(data.until / world.tickMs))
  const results = model.result === undefined ? [] : world.nodes.map(({ index }) => owns(index) ? model.result?.(index) : undefined)
  done({
    nodes: world.nodes.length, chains: world.log.chains, events: world.delivered, windows, totals: model.totals?.() ?? {}, results
  })
}

function runLoop (world: WindowedWorld, untilTick: number): number {
  let shown = 0
  return runWindows({
    thread,
    threads,
    memory: data.memory,
    outboxes,
    world,
    untilTick,
    onWindow: tick => {
      const share = Math.floor(PROGRESS_STEPS * tick / untilTick)
      if (thread === 0 && share > shown) {
        shown = share
        post({ type: 'progress', share: share / PROGRESS_STEPS })
      }
    }
  })
}

function postParcel (model: MachineModel, tick: number, to: number, from: number, counter: number, parcel: Parcel<unknown>): void {
  const bytes = parcel.type === 'message' ? model.codec.encode(parcel.message) : undefined
  const length = bytes?.length ?? 0
  const outbox = outboxes[threadOf(to, threads)] as Outbox
  const at = outbox.add(PARCEL_WORDS + Math.ceil(length / 4))
  const { memory } = outbox
  putTick(memory, at, tick)
  memory[at + 2] = to
  memory[at + 3] = from
  memory[at + 4] = counter
  memory[at + 5] = PARCEL_TYPES.indexOf(parcel.type)
  memory[at + 6] = parcel.sizeBytes
  memory[at + 7] = parcel.type === 'message' ? length : parcel.dial
  if (bytes !== undefined) {
    new Uint8Array(memory.buffer, memory.byteOffset + 4 * (at + PARCEL_WORDS), length).set(bytes)
  }
}

function receiveParcel ({ world, codec }: MachineModel, memory: Int32Array, at: number): void {
  const word = (i: number): number => memory[at + i] as number
  const [sizeBytes, last] = [word(6), word(7)]
  const kind = PARCEL_TYPES[word(5)] as Parcel<unknown>['type']
  const parcel: Parcel<unknown> = kind === 'message'
    // a copy: the mailbox is written over
    ? { type: kind, message: codec.decode(new Uint8Array(memory.buffer, memory.byteOffset + 4 * (at + PARCEL_WORDS), last).slice()), sizeBytes }
    : { type: kind, dial: last >>> 0, sizeBytes }
  world.arrive(tickAt(memory, at), word(2), word(3), word(4) >>> 0, parcel)
}

function putTick (memory: Int32Array, at: number, tick: number): void {
  memory[at] = tick | 0
  memory[at + 1] = Math.floor(tick / HALF)
}

function tickAt (memory: Int32Array, at: number): number {
  return (memory[at] as number >>> 0) + (memory[at + 1] as number) * HALF
}

function done (result: WindowThreadResult): void {
  post({ type: 'done', ...result })
}

function post (message: FromWindowThread): void {
  parentPort?.postMessage(message, [])
}
