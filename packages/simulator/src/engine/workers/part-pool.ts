/**
 * Runs the independent parts of one run on as many threads as there are. How many parts there are is for the caller to say and does not depend on
 * the threads; results come back in the order of the parts, so that what is made of them does not either.
 */
import { aborted, startThread } from './thread.ts'
import type { Thread } from './thread.ts'

/** What a part is given. */
export interface PartContext<O> {
  part: number
  parts: number
  seed: number
  options: O
  /** Memory that all parts see. Each writes only what is its own */
  shared: Record<string, SharedArrayBuffer>
  /** How far this part is, 0 to 1 */
  progress: (share: number) => void
}

export interface PartPoolInit<O> {
  /** The module that has the function, as a URL: `new URL('./lookups.ts', import.meta.url)` */
  module: URL | string
  /**
   * The name under which the module exports it: `(context: PartContext<O>) => R | Promise<R>`. What it returns must be clonable.
   *
   * @default 'runPart'
   */
  name?: string
  parts: number
  /** Threads. Each runs one part at a time */
  workers: number
  seed: number
  /** Clonable */
  options: O
  shared?: Record<string, SharedArrayBuffer>
  signal?: AbortSignal
  /** How far all parts are together, 0 to 1 */
  progress?: (share: number) => void
}

/** A part threw. */
export class PartFailedError extends Error {
  static override name = 'PartFailedError'
  override readonly name = 'PartFailedError'
  readonly part: number

  constructor (part: number, cause: unknown) {
    super(`Part ${part} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.part = part
  }
}

export interface PartThreadData {
  module: string
  name: string
  parts: number
  seed: number
  options: unknown
  shared: Record<string, SharedArrayBuffer>
}

export type FromPart =
  | { type: 'progress', part: number, share: number }
  | { type: 'done', part: number, result: unknown }

type PartThread = Thread<{ part: number }, FromPart>

/** Resolves with what the parts returned, in their order. Rejects with a `PartFailedError`, or with the signal's reason; no thread is left then. */
export async function runParts<O, R> (init: PartPoolInit<O>): Promise<R[]> {
  const { parts, workers, seed, options, signal, progress } = init
  signal?.throwIfAborted()
  const data: PartThreadData = {
    module: String(init.module), name: init.name ?? 'runPart', parts, seed, options, shared: init.shared ?? {}
  }
  const results: R[] = Array.from({ length: parts })
  const shares = new Float64Array(parts)
  const threads: PartThread[] = []
  const abort = aborted(signal)
  let next = 0
  const report = (part: number, share: number): void => {
    shares[part] = share
    progress?.(shares.reduce((sum, one) => sum + one, 0) / parts)
  }
  const work = async (): Promise<void> => {
    const thread: PartThread = startThread('part-thread', data)
    threads.push(thread)
    let onDone: (result: unknown) => void = () => {}
    thread.onMessage(message => {
      if (message.type === 'done') {
        report(message.part, 1)
        onDone(message.result)
      } else {
        report(message.part, message.share)
      }
    })
    while (next < parts) {
      const part = next++
      const done = new Promise<unknown>(resolve => { onDone = resolve })
      thread.send({ part })
      results[part] = await Promise.race([done, thread.failed.catch(cause => { throw new PartFailedError(part, cause) })]) as R
    }
  }
  try {
    await Promise.race([abort.promise, Promise.all(Array.from({ length: Math.min(parts, Math.max(1, workers)) }, work))])
    return results
  } finally {
    abort.clear()
    await Promise.all(threads.map(async thread => { await thread.stop() }))
  }
}
