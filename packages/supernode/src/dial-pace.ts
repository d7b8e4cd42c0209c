/** Dials for others, where a node has no limit that all share who dial strangers: two in a minute into one /24 (IPv6: /48), 300 over all. */
import { BoundedMap, TokenBucket } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'

const PER_NETWORK = 2
const PER_MINUTE = 300
const MAX_NETWORKS = 4_096
const MINUTE_SECONDS = 60

export class DialPace {
  private readonly networkOf: (address: string) => VerifiedNetwork | undefined
  private readonly networks = new BoundedMap<string, TokenBucket>({ maxSize: MAX_NETWORKS })
  private all: TokenBucket | undefined

  constructor (networkOf: (address: string) => VerifiedNetwork | undefined) {
    this.networkOf = networkOf
  }

  /** Counts the address as dialled, when it may be. One without a network is of this device or its home: there is nobody to protect. */
  take (address: string, nowMs: number): boolean {
    this.all ??= new TokenBucket({ ratePerSecond: PER_MINUTE / MINUTE_SECONDS, burst: PER_MINUTE }, nowMs)
    const network = this.networkOf(address)?.small
    if (network === undefined) {
      return this.all.take(1, nowMs)
    }
    const bucket = this.networks.touch(network) ?? new TokenBucket({ ratePerSecond: PER_NETWORK / MINUTE_SECONDS, burst: PER_NETWORK }, nowMs)
    this.networks.set(network, bucket)
    return bucket.waitMs(1, nowMs) === 0 && this.all.take(1, nowMs) && bucket.take(1, nowMs)
  }
}
