/** Runs one kernel, or the machines of one world, on several threads. What comes out is the same for any number of them, to the bit. */
import { hashChains } from '../event-log.ts'
import { aborted, startThread } from './thread.ts'
import { createWindowMemory, threadOf } from './window-loop.ts'
import type { EventKernel, KernelWorldInit } from '../event-kernel.ts'
import type { SimWorld } from '../sim-world.ts'
import type { SimWorldInit } from '../sim-world-init.ts'
import type { Thread } from './thread.ts'
import type { WindowMemory } from './window-loop.ts'

/** What the function that makes a model is given, on each thread. */
export interface ModelContext<O> {
  seed: number
  options: O
  /** Memory that all threads see. Each writes only what belongs to its own nodes */
  shared: Record<string, SharedArrayBuffer>
  /** To be spread into the init of a `SimWorld` or `SimDriver`; of no use to kernels */
  thread: Pick<SimWorldInit<any, any>, 'owns' | 'outlet'>
}

/** A kernel to run, and its measures. */
export interface KernelModel extends Pick<KernelWorldInit, 'entities' | 'lookaheadTicks' | 'payloadWords' | 'maxEvents' | 'log'> {
  kernel: EventKernel
}

export interface MessageCodec<Message> {
  encode: (message: Message) => Uint8Array
  decode: (bytes: Uint8Array) => Message
}

/** A world of machines to run. */
export interface MachineModel<Host = any, Message = any> {
  world: SimWorld<Host, Message>
  /** How messages cross to nodes of other threads */
  codec: MessageCodec<Message>
  /** What is to be known of a node at the end; clonable */
  result?: (node: number) => unknown
  /** Whole numbers that are added up over all threads at the end */
  totals?: () => Record<string, number>
}

export interface WindowedRunInit<O> {
  /** The module that has the model, as a URL */
  module: URL | string
  /**
   * The name under which the module exports the function that makes it: `(context: ModelContext<O>) => KernelModel | MachineModel`.
   *
   * @default 'createModel'
   */
  name?: string
  workers: number
  seed: number
  /** Clonable */
  options: O
  shared?: Record<string, SharedArrayBuffer>
  /** Ends before this: ticks for a kernel, ms since the start for machines */
  until: number
  signal?: AbortSignal
  /** How far it is, 0 to 1 */
  progress?: (share: number) => void
  /**
   * Shared memory between each two threads. What does not fit is handed over in pieces; a single message has to fit.
   *
   * @default 1 MiB
   */
  mailboxBytes?: number
  /**
   * Most bytes that a thread gathers for another in one window. Beyond it the run fails with a `MailboxFullError`.
   *
   * @default 256 MiB
   */
  maxOutboxBytes?: number
}

export interface WindowedResult {
  /** Of all that happened and was noted */
  hash: string
  /** Events of a kernel; messages delivered by machines */
  events: number
  windows: number
  totals: Record<string, number>
  /** What `result` gave for each node, in their order */
  results: unknown[]
}

export interface WindowThreadData {
  module: string
  name: string
  seed: number
  options: unknown
  shared: Record<string, SharedArrayBuffer>
  until: number
  thread: number
  threads: number
  memory: WindowMemory
  maxOutboxBytes: number
}

export interface WindowThreadResult {
  nodes: number
  chains: Uint32Array | undefined
  events: number
  windows: number
  totals: Record<string, number>
  results: unknown[]
}

export type FromWindowThread =
  | { type: 'progress', share: number }
  | { type: 'done' } & WindowThreadResult

/** Resolves with what came of it. Rejects with what a thread threw, or with the signal's reason; no thread is left then. */
export async function runWindowed<O> (init: WindowedRunInit<O>): Promise<WindowedResult> {
  const threads = Math.max(1, init.workers)
  init.signal?.throwIfAborted()
  const memory = createWindowMemory(threads, init.mailboxBytes ?? 1 << 20)
  const abort = aborted(init.signal)
  const running: Array<Thread<never, FromWindowThread>> = []
  const start = async (thread: number): Promise<WindowThreadResult> => {
    const data: WindowThreadData = {
      module: String(init.module),
      name: init.name ?? 'createModel',
      seed: init.seed,
      options: init.options,
      shared: init.shared ?? {},
      until: init.until,
      thread,
      threads,
      memory,
      maxOutboxBytes: init.maxOutboxBytes ?? 1 << 28
    }
    const started = startThread<never, FromWindowThread>('window-thread', data)
    running.push(started)
    const done = new Promise<WindowThreadResult>(resolve => {
      started.onMessage(message => {
        if (message.type === 'done') {
          resolve(message)
        } else {
          init.progress?.(message.share)
        }
      })
    })
    return await Promise.race([done, started.failed])
  }
  try {
    const parts = await Promise.race([abort.promise, Promise.all(Array.from({ length: threads }, (_, thread) => start(thread)))])
    init.progress?.(1)
    return merge(parts, threads)
  } finally {
    abort.clear()
    await Promise.all(running.map(async thread => { await thread.stop() }))
  }
}

function merge (parts: WindowThreadResult[], threads: number): WindowedResult {
  const nodes = parts[0]?.nodes ?? 0
  const chains = new Uint32Array(nodes)
  const results: unknown[] = []
  const totals: Record<string, number> = {}
  for (let node = 0; node < nodes; node++) {
    const owner = parts[threadOf(node, threads)]
    chains[node] = owner?.chains?.[node] ?? 0
    results.push(owner?.results[node])
  }
  for (const part of parts) {
    for (const [name, value] of Object.entries(part.totals)) {
      totals[name] = (totals[name] ?? 0) + value
    }
  }
  return {
    hash: hashChains(chains),
    events: parts.reduce((sum, part) => sum + part.events, 0),
    windows: parts[0]?.windows ?? 0,
    totals,
    results: results.some(result => result !== undefined) ? results : []
  }
}
