/** How fast each peer may signal, be refused and open streams. It is remembered by peer, so that a new stream gains nothing. */
import { BoundedMap, TokenBucket } from '@skein/core'
import type { SignalLimits } from './signal-limits.ts'

interface Buckets {
  signals: TokenBucket
  refusals: TokenBucket
  opens: TokenBucket
}

/** Peers whose rates are remembered. */
const MAX_RATED_PEERS = 16_384

export class SenderRates {
  private readonly limits: Required<Pick<SignalLimits, 'signalRate' | 'refusalRate' | 'openRate'>>
  private readonly buckets = new BoundedMap<string, Buckets>({ maxSize: MAX_RATED_PEERS })

  constructor (limits: SenderRates['limits']) {
    this.limits = limits
  }

  of (peer: string, nowMs: number): Buckets {
    let buckets = this.buckets.touch(peer)
    if (buckets === undefined) {
      const { signalRate, refusalRate, openRate } = this.limits
      buckets = {
        signals: new TokenBucket(signalRate, nowMs),
        refusals: new TokenBucket(refusalRate, nowMs),
        opens: new TokenBucket(openRate, nowMs)
      }
      this.buckets.set(peer, buckets)
    }
    return buckets
  }
}
