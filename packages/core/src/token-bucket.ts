/** A rate limit: tokens refill at a steady rate up to a burst; an action takes one or more or is refused. */
export interface TokenBucketInit {
  /** Tokens per second */
  ratePerSecond: number
  /** Most tokens saved up; also what there is at the start */
  burst: number
}

export class TokenBucket {
  private readonly ratePerSecond: number
  private readonly burst: number
  private tokens: number
  private updatedMs: number

  constructor (init: TokenBucketInit, nowMs: number) {
    this.ratePerSecond = init.ratePerSecond
    this.burst = init.burst
    this.tokens = init.burst
    this.updatedMs = nowMs
  }

  /** Takes `count` tokens if they are there. */
  take (count: number, nowMs: number): boolean {
    this.refill(nowMs)
    if (this.tokens < count) {
      return false
    }
    this.tokens -= count
    return true
  }

  /** How long until `count` tokens are there, ms; `Infinity` when they never will be. */
  waitMs (count: number, nowMs: number): number {
    this.refill(nowMs)
    if (this.tokens >= count) {
      return 0
    }
    return count > this.burst ? Infinity : Math.ceil((count - this.tokens) / this.ratePerSecond * 1000)
  }

  private refill (nowMs: number): void {
    const elapsedMs = nowMs - this.updatedMs
    if (elapsedMs > 0) {
      this.tokens = Math.min(this.burst, this.tokens + elapsedMs * this.ratePerSecond / 1000)
      this.updatedMs = nowMs
    }
  }
}
