/** Starts threads from this folder, as source or as built, and lets what goes wrong in one come out as an error. */
import { Worker } from 'node:worker_threads'

/** What a thread sends when it cannot go on. Classes and fields of an error do not cross; what it says and where it came from do. */
export interface ThreadFailure {
  type: 'failed'
  name: string
  message: string
  stack?: string
}

export interface Thread<In, Out> {
  send: (message: In) => void
  /** Ends it at once. */
  stop: () => Promise<void>
  /** Never resolves; rejects when the thread fails or ends before it is stopped */
  failed: Promise<never>
  onMessage: (listener: (message: Out) => void) => void
}

/** @param name of a file beside this one, without its ending */
export function startThread<In, Out> (name: string, workerData: unknown): Thread<In, Out> {
  // as this file is, so are the others: sources under a condition, or what was built
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`${name}.${ending}`, import.meta.url), { workerData })
  let stopped = false
  const failed = new Promise<never>((_resolve, reject) => {
    worker.on('error', error => { reject(error as Error) })
    worker.on('exit', code => {
      if (!stopped) {
        reject(new Error(`A thread of the simulation ended by itself, with code ${code}`))
      }
    })
    worker.on('message', (message: Out | ThreadFailure) => {
      if ((message as ThreadFailure | undefined)?.type === 'failed') {
        reject(errorOf(message as ThreadFailure))
      }
    })
  })
  failed.catch(() => {}) // whoever waits for it hears of it
  return {
    send: message => { worker.postMessage(message, []) },
    stop: async () => {
      stopped = true
      await worker.terminate()
    },
    failed,
    onMessage: listener => {
      worker.on('message', (message: Out | ThreadFailure) => {
        if ((message as ThreadFailure | undefined)?.type !== 'failed') {
          listener(message as Out)
        }
      })
    }
  }
}

/** Rejects with the signal's reason once it fires; `clear` lets go of it. */
export function aborted (signal: AbortSignal | undefined): { promise: Promise<never>, clear: () => void } {
  let clear = (): void => {}
  const promise = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => { reject(signal?.reason as Error) }
    signal?.addEventListener('abort', onAbort, { once: true })
    clear = () => { signal?.removeEventListener('abort', onAbort) }
  })
  promise.catch(() => {})
  return { promise, clear }
}

/** What a failure can be told by to another thread. */
export function failureOf (error: unknown): ThreadFailure {
  return error instanceof Error
    ? { type: 'failed', name: error.name, message: error.message, stack: error.stack }
    : { type: 'failed', name: 'Error', message: String(error) }
}

function errorOf ({ name, message, stack }: ThreadFailure): Error {
  const error = new Error(message)
  error.name = name
  error.stack = stack
  return error
}
