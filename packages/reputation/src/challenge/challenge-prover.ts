/** Who does the work of a challenge: the service talks to peers, this computes, somewhere where it holds up nobody. */
import type { MemoryChallenge, MemoryProof } from './memory-challenge.ts'

/** The steps of one challenge, in this order. Each rejects when there is no memory for it, or it was closed. */
export interface ChallengeProver {
  /** Fills the buffer; the commitment to it */
  begin (challenge: MemoryChallenge): Promise<Uint8Array>
  /** Walks over it; the commitment to the walk */
  walk (nonce: Uint8Array): Promise<Uint8Array>
  open (nonce: Uint8Array): Promise<MemoryProof>
  /** Stops at once and frees the buffer; harmless when called again */
  close (): Promise<void>
}

/** Starts one for each challenge that is answered. */
export type StartProver = () => ChallengeProver
