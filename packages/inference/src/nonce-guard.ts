/** Remembers the nonces of requests, so that none is served twice. */
import { BoundedMap } from '@skein/core'

export interface NonceGuardInit {
  /** How long a nonce is remembered, ms */
  lifeMs: number
  /** Most nonces remembered; the oldest makes room */
  maxNonces: number
}

export class NonceGuard {
  private readonly lifeMs: number
  private readonly seenMs: BoundedMap<string, number>

  constructor (init: NonceGuardInit) {
    this.lifeMs = init.lifeMs
    this.seenMs = new BoundedMap({ maxSize: init.maxNonces })
  }

  has (caller: string, nonce: string, nowMs: number): boolean {
    const seenMs = this.seenMs.get(key(caller, nonce))
    return seenMs != null && nowMs < seenMs + this.lifeMs
  }

  add (caller: string, nonce: string, nowMs: number): void {
    // oldest first, so what is over stands at the front
    for (const [old, seenMs] of this.seenMs) {
      if (nowMs < seenMs + this.lifeMs) {
        break
      }
      this.seenMs.delete(old)
    }
    this.seenMs.set(key(caller, nonce), nowMs)
  }
}

function key (caller: string, nonce: string): string {
  return `${caller} ${nonce}`
}
