/** A link as the sender knows it. */
import { RecentBytes } from '../recent-bytes.ts'
import { PathEstimate } from './path-estimate.ts'

/** `joining`: has not been taken into the group yet; `up`: carries packets; `down`: was up, and is silent. */
export type LinkState = 'joining' | 'up' | 'down'

export class SenderLink {
  /** What the user calls it: its source address */
  readonly name: string
  /** Its place among the links of the sender */
  readonly slot: number
  readonly sinceMs: number
  state: LinkState = 'joining'
  /** When something came that proves that it is alive */
  lastHeardMs = -Infinity
  lastSentMs = -Infinity
  /** When to try again to join */
  nextJoinMs = -Infinity
  /** How often that was tried since it was last up */
  joinTries = 0
  /** Of the classic rule, thousandths of packets */
  window: number
  readonly path: PathEstimate
  /** Of packets of SRT */
  packets = 0
  bytes = 0
  /** Packets that the other end did not get */
  losses = 0
  /** Bytes when the last keepalive told of them */
  toldBytes = 0
  toldMs: number
  private readonly recent = new RecentBytes()

  constructor (name: string, slot: number, window: number, nowMs: number) {
    this.name = name
    this.slot = slot
    this.window = window
    this.sinceMs = nowMs
    this.toldMs = nowMs
    this.path = new PathEstimate(nowMs)
  }

  /** To be called every 500 ms. */
  takeReading (): void {
    this.recent.read(this.bytes)
  }

  /** Bytes of the last three seconds or so. */
  get recentBytes (): number {
    return this.recent.of(this.bytes)
  }
}
