/** Answers one challenge in a thread of its own, so that serving goes on meanwhile; the thread and its memory go with the challenge. */
import { Worker } from 'node:worker_threads'
import { freemem, totalmem } from 'node:os'
import { MIN_CHALLENGE_BYTES } from '../challenge/memory-challenge.ts'
import type { ChallengeProver } from '../challenge/challenge-prover.ts'
import type { ThreadReply, ThreadRequest } from './memory-thread.ts'

const MOST_BYTES = 256 * 1024 * 1024

/** What is filled for others unless it is told otherwise: 256 MiB, less where that is an eighth of the memory or half of what is free, or nothing. */
export function mostChallengeBytes (total: number = totalmem(), free: number = freemem()): number {
  const bytes = 2 ** Math.floor(Math.log2(Math.max(1, Math.min(MOST_BYTES, total / 8, free / 2))))
  return bytes < MIN_CHALLENGE_BYTES ? 0 : bytes
}

export function startMemoryProver (): ChallengeProver {
  let waiting: PromiseWithResolvers<ThreadReply> | undefined
  let over: Error | undefined
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './memory-thread.ts' : './memory-thread.js', import.meta.url))
  // a peer that is about to end does not wait for it
  worker.unref()
  const end = (error: Error): void => {
    over ??= error
    waiting?.reject(over)
  }
  worker.on('message', (reply: ThreadReply) => { waiting?.resolve(reply) })
  worker.on('error', error => { end(error as Error) })
  worker.on('exit', () => { end(new Error('The challenge was given up')) })

  const ask = async (request: ThreadRequest): Promise<ThreadReply> => {
    if (over !== undefined) {
      throw over
    }
    waiting = Promise.withResolvers<ThreadReply>()
    worker.postMessage(request, [])
    return await waiting.promise
  }
  const commitment = async (request: ThreadRequest): Promise<Uint8Array> => (await ask(request) as { commitment: Uint8Array }).commitment
  return {
    begin: async challenge => await commitment({ step: 'fill', challenge }),
    walk: async nonce => await commitment({ step: 'walk', nonce }),
    open: async nonce => (await ask({ step: 'open', nonce }) as { proof: Awaited<ReturnType<ChallengeProver['open']>> }).proof,
    close: async () => { await worker.terminate() }
  }
}
