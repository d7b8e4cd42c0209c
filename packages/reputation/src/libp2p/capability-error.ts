/** Why a peer could not be measured. */
import type { MemoryFault } from '../challenge/memory-verifier.ts'

/**
 * - `busy`: it answers another challenge, or has answered enough for now
 * - `too_large`: it fills no buffer of that size for others
 * - `declined`: it answers no challenges; a browser never does
 * - `failed`: it began and could not go on
 * - `unreachable`: it could not be asked directly, or went away
 * - `timed_out`: it did not answer in time
 * - `protocol`: it answered with something else
 * - `wrong`: what it opened is not what it should be; an honest peer never gets there
 */
export type CapabilityProblem = 'busy' | 'too_large' | 'declined' | 'failed' | 'unreachable' | 'timed_out' | 'protocol' | 'wrong'

export interface CapabilityErrorInit extends ErrorOptions {
  retryAfterMs?: number
  mostBytes?: number
  fault?: MemoryFault
}

export class CapabilityError extends Error {
  static override name = 'CapabilityError'
  override readonly name = 'CapabilityError'
  readonly code: CapabilityProblem
  /** Of `busy`: ask again after this */
  readonly retryAfterMs?: number
  /** Of `too_large`: what it would fill */
  readonly mostBytes?: number
  /** Of `wrong`: what was */
  readonly fault?: MemoryFault

  constructor (code: CapabilityProblem, message: string, { retryAfterMs, mostBytes, fault, cause }: CapabilityErrorInit = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.mostBytes = mostBytes
    this.fault = fault
  }
}
