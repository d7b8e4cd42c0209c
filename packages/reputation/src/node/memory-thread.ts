/** The thread in which the buffer of one challenge is filled, walked over and opened. */
import { hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { MemoryProver } from '../challenge/memory-prover.ts'
import type { MemoryChallenge, MemoryProof } from '../challenge/memory-challenge.ts'

export type ThreadRequest =
  | { step: 'fill', challenge: MemoryChallenge }
  | { step: 'walk', nonce: Uint8Array }
  | { step: 'open', nonce: Uint8Array }

export type ThreadReply = { commitment: Uint8Array } | { proof: MemoryProof }

const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')
let prover: MemoryProver | undefined

function reply (request: ThreadRequest): ThreadReply {
  if (request.step === 'fill') {
    prover = new MemoryProver(request.challenge, sha256)
    return { commitment: prover.root }
  }
  if (prover === undefined) {
    throw new Error('There is no buffer yet')
  }
  return request.step === 'walk' ? { commitment: prover.walk(request.nonce) } : { proof: prover.open(request.nonce) }
}

// what it throws ends the thread, and comes out of it as an error
parentPort?.on('message', (request: ThreadRequest) => { parentPort?.postMessage(reply(request), []) })
