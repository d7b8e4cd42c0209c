/** How many messages a topic carried lately, for those who wait until there is room for theirs. */

/** Messages are counted over so long, ms. */
export const HEARD_WINDOW_MS = 10_000
/** Of what a topic should carry: as much can be told apart. */
const MAX_SHARE = 2

export class HeardRate {
  private readonly full: number
  private readonly sinceMs: number
  /** The last messages, the oldest at `next` */
  private readonly times: Float64Array
  private next = 0

  /** @param messagesPerSecond what the topic should carry at most */
  constructor (messagesPerSecond: number, nowMs: number) {
    this.full = Math.max(1, Math.ceil(messagesPerSecond * HEARD_WINDOW_MS / 1000))
    this.sinceMs = nowMs
    this.times = new Float64Array(MAX_SHARE * this.full).fill(-Infinity)
  }

  onMessage (nowMs: number): void {
    this.times[this.next] = nowMs
    this.next = (this.next + 1) % this.times.length
  }

  /** Whether there is room for one message more, of a kind that may take this share of the topic, 2 at most. Who has listened for less knows less. */
  hasRoom (share: number, nowMs: number): boolean {
    const listened = Math.min(1, (nowMs - this.sinceMs) / HEARD_WINDOW_MS)
    const count = Math.max(1, Math.floor(share * listened * this.full))
    const last = this.times[(this.next - count + this.times.length) % this.times.length] as number
    return nowMs - last >= HEARD_WINDOW_MS
  }
}
