/** What this peer measured of what it served, for some minutes: what the receipt of it is compared with when it is offered. Pure. */
import { BoundedMap } from '@skein/core'
import { receiptKey } from '@skein/records'
import type { Receipt } from '@skein/records'

export interface ServedDeliveriesInit {
  /**
   * Most other parties; the one that was served longest ago is forgotten.
   *
   * @default 512
   */
  maxPeers?: number
  /**
   * Most deliveries to one party; the oldest is forgotten. So a peer that asks for nothing but refusals pushes out its own only.
   *
   * @default 128
   */
  maxPerPeer?: number
  /**
   * How long a delivery is remembered, ms: an offer that finds its peer busy is made again within seconds.
   *
   * @default 600_000
   */
  lifeMs?: number
}

interface Kept {
  receipt: Receipt
  untilMs: number
}

export class ServedDeliveries {
  private readonly byPeer: BoundedMap<string, BoundedMap<string, Kept>>
  private readonly maxPerPeer: number
  private readonly lifeMs: number

  constructor ({ maxPeers = 512, maxPerPeer = 128, lifeMs = 600_000 }: ServedDeliveriesInit = {}) {
    this.byPeer = new BoundedMap({ maxSize: maxPeers })
    this.maxPerPeer = maxPerPeer
    this.lifeMs = lifeMs
  }

  /** The first of a request holds: one that is sent again is refused, which says nothing of the first. */
  add (receipt: Receipt, nowMs: number): void {
    const { consumer } = receipt
    const kept = this.byPeer.get(consumer) ?? new BoundedMap<string, Kept>({ maxSize: this.maxPerPeer })
    const key = receiptKey(receipt)
    for (const [old, { untilMs }] of kept) {
      if (untilMs > nowMs) {
        break
      }
      kept.delete(old)
    }
    if (!kept.has(key)) {
      kept.set(key, { receipt, untilMs: nowMs + this.lifeMs })
    }
    this.byPeer.set(consumer, kept)
  }

  /** What was measured of the delivery that `offered` is of; `undefined` when that is not known, or not any more. */
  measured (offered: Receipt, nowMs: number): Receipt | undefined {
    const kept = this.byPeer.get(offered.consumer)?.get(receiptKey(offered))
    return kept === undefined || kept.untilMs <= nowMs ? undefined : kept.receipt
  }
}
