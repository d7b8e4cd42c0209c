/** Lets in who has a key with the right scope, as often as it may. */
import { BoundedMap, TokenBucket } from '@skein/core'
import { HttpFailure } from '../http/http-failure.ts'
import { keyOf } from './api-keys.ts'
import type { Clock } from '@skein/core'
import type { KeyRecord, FleetStore } from '../../store/fleet-store.ts'
import type { Scope } from './api-keys.ts'

export interface RateLimit {
  /** Requests per second in the long run */
  perSecond: number
  /** Requests at once */
  burst: number
}

export interface ApiLimits {
  /** Of one key @default 20 a second, 100 at once */
  key: RateLimit
  /** Of one address, of requests without a valid key @default 2 a second, 20 at once */
  stranger: RateLimit
}

export const DEFAULT_API_LIMITS: ApiLimits = { key: { perSecond: 20, burst: 100 }, stranger: { perSecond: 2, burst: 20 } }

/** Beyond these who was seen longest ago begins anew with a full burst. */
const MAX_BUCKETS = 16_384

export class ApiGuard {
  private readonly store: FleetStore
  private readonly clock: Clock
  private readonly limits: ApiLimits
  private readonly keys = new BoundedMap<string, TokenBucket>({ maxSize: MAX_BUCKETS })
  private readonly strangers = new BoundedMap<string, TokenBucket>({ maxSize: MAX_BUCKETS })

  constructor (store: FleetStore, clock: Clock, limits: ApiLimits = DEFAULT_API_LIMITS) {
    this.store = store
    this.clock = clock
    this.limits = limits
  }

  /** @throws {HttpFailure} 401, 403 or 429 */
  async admit (authorization: string | undefined, address: string, scope: Scope): Promise<KeyRecord> {
    // before the store is asked: guessing keys must not be a load
    const stranger = this.bucket(this.strangers, address, this.limits.stranger)
    if (stranger.waitMs(1, this.clock.nowMs()) > 0) {
      throw this.tooMany(stranger, 'This address has sent too many requests without a valid key')
    }
    const key = await keyOf(this.store, authorization)
    if (key === undefined) {
      stranger.take(1, this.clock.nowMs())
      throw new HttpFailure(401, 'unauthorized', 'Send a valid key: Authorization: Bearer skf_…', { field: 'header.authorization' })
    }
    const bucket = this.bucket(this.keys, key.id, this.limits.key)
    if (!bucket.take(1, this.clock.nowMs())) {
      throw this.tooMany(bucket, 'This key has sent too many requests')
    }
    if (!key.scopes.includes(scope)) {
      throw new HttpFailure(403, 'forbidden', `This key has not the scope "${scope}"`, { field: 'header.authorization' })
    }
    return key
  }

  private bucket (buckets: BoundedMap<string, TokenBucket>, id: string, { perSecond, burst }: RateLimit): TokenBucket {
    const present = buckets.touch(id)
    if (present !== undefined) {
      return present
    }
    const bucket = new TokenBucket({ ratePerSecond: perSecond, burst }, this.clock.nowMs())
    buckets.set(id, bucket)
    return bucket
  }

  private tooMany (bucket: TokenBucket, message: string): HttpFailure {
    return new HttpFailure(429, 'too_many_requests', message, { retryAfterSeconds: bucket.waitMs(1, this.clock.nowMs()) / 1_000 })
  }
}
