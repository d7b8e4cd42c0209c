/** Round trips to registered peers, measured by a ping: what discover goes by among peers of one region. */
import { BoundedMap, deadline } from '@skein/core'
import type { Clock } from '@skein/core'

/** Pings a connected peer, answers with ms */
export type Ping = (signal: AbortSignal) => Promise<number>

export interface RoundTripsInit {
  clock: Clock
  /** Most peers remembered @default 16_384 */
  maxPeers?: number
}

/** Lines change slowly, and a ping costs about as much as a registration. */
const GOOD_FOR_MS = 30 * 60_000
const TIMEOUT_MS = 5_000
/** Beyond it those who come go unmeasured until they renew. */
const MAX_PINGS = 8

export class RoundTrips {
  private readonly init: RoundTripsInit
  private readonly measured: BoundedMap<string, { rttMs?: number, atMs: number }>
  private readonly stopped = new AbortController()
  private pings = 0

  constructor (init: RoundTripsInit) {
    this.init = init
    this.measured = new BoundedMap({ maxSize: init.maxPeers ?? 16_384 })
  }

  /** The one measured last, `undefined` when there is none; one that is missing or old is measured for the next time. */
  of (peer: string, ping: Ping): number | undefined {
    const known = this.measured.touch(peer)
    if ((known === undefined || this.init.clock.nowMs() - known.atMs >= GOOD_FOR_MS) && this.pings < MAX_PINGS) {
      void this.measure(peer, ping, known?.rttMs)
    }
    return known?.rttMs
  }

  stop (): void {
    this.stopped.abort(new Error('The seed stops'))
  }

  private async measure (peer: string, ping: Ping, before: number | undefined): Promise<void> {
    const { clock } = this.init
    const limit = deadline(clock, TIMEOUT_MS, [this.stopped.signal])
    this.pings++
    const result = { rttMs: before, atMs: clock.nowMs() }
    this.measured.set(peer, result)
    try {
      result.rttMs = await ping(limit.signal)
    } catch {
      // it has left, is too slow, or is being pinged for another reason: it is asked when it comes again
      if (before === undefined) {
        this.measured.delete(peer)
      }
    } finally {
      this.pings--
      limit.clear()
    }
  }
}
