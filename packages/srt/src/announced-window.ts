/**
 * How many packets a receiver lets a sender have under way: what its buffer has room for, and no more than the system keeps for it while this process
 * is busy, on top of what the path holds. A sender that goes by the buffer alone loses thousands of packets whenever the receiver is held up: the
 * buffer of a UDP socket holds 3,600 packets at best, and 180 where `net.core.rmem_max` is Linux's default.
 */
import { RecentExtreme } from './recent-extreme.ts'

/** So many packets at least: less would be stop and go. */
const LEAST_PACKETS = 64
/** The fastest count is believed for so long, ms: a sender that had a pause does not begin anew. */
const RATE_LIFE_MS = 2_000
/** The shortest round trip is believed for so long, ms: routes change. */
const RTT_LIFE_MS = 10_000
/** Of what the path holds at this rate: a sender that may be faster can find out. */
const PATH_SHARE = 2

export class AnnouncedWindow {
  /** What the system holds for this connection, packets; `undefined`: no bound is known */
  socketPackets: number | undefined
  private readonly least = new RecentExtreme(Math.min, RTT_LIFE_MS)
  private readonly fastest = new RecentExtreme(Math.max, RATE_LIFE_MS)

  onRoundTrip (rttMs: number, nowMs: number): void {
    this.least.add(rttMs, nowMs)
  }

  onRate (packetsPerMs: number, nowMs: number): void {
    this.fastest.add(packetsPerMs, nowMs)
  }

  /**
   * @param free - packets after the acknowledged ones that the buffer has room for
   * @param beyondGap - of those, from the first that is missing to the latest that came: they are not under way any more
   */
  packets (free: number, beyondGap: number): number {
    if (this.socketPackets === undefined) {
      return free
    }
    const path = PATH_SHARE * (this.fastest.value ?? 0) * (this.least.value ?? 0)
    return Math.min(free, beyondGap + Math.max(LEAST_PACKETS, Math.ceil(this.socketPackets + path)))
  }
}
