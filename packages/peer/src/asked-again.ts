/**
 * Providers that are asked again within one call. An answer that broke off says nothing against who gave it: the way there may have, and another way
 * may lead there, as soon as that peer is reached anew. One that was never reached, or said no, is not asked again.
 */
import type { InferenceErrorCode } from '@skein/inference'
import type { Offer } from '@skein/records'

/** How long each time is waited, ms: a peer whose address or relay is another one takes seconds to be reached there. */
const PAUSES_MS = [0, 300, 700, 1_500, 2_500]
/** More than a call asks providers by default. */
const MAX_WAITING = 8

export class AskedAgain {
  private readonly waiting: Array<{ offer: Offer, dueMs: number }> = []
  /** By peer that it was asked again, how often since the answer last went on */
  private readonly times = new Map<string, number>()
  private deltas = 0

  /** `deltas`: of the answer so far. One that goes on is asked for as often as it takes, as relays end their circuits at a limit. */
  onFailed (offer: Offer, code: InferenceErrorCode, deltas: number, nowMs: number): void {
    if (deltas > this.deltas) {
      this.deltas = deltas
      this.times.clear()
    }
    const times = this.times.get(offer.peer)
    const pauseMs = PAUSES_MS[times ?? 0]
    const isOfTheWay = code === 'stream_truncated' || (code === 'connection_failed' && times !== undefined)
    if (isOfTheWay && pauseMs !== undefined && this.waiting.length < MAX_WAITING) {
      this.times.set(offer.peer, (times ?? 0) + 1)
      this.waiting.push({ offer, dueMs: nowMs + pauseMs })
      this.waiting.sort((a, b) => a.dueMs - b.dueMs)
    }
  }

  /** Who is due first. */
  next (): { offer: Offer, dueMs: number } | undefined {
    return this.waiting[0]
  }

  take (): void {
    this.waiting.shift()
  }
}
