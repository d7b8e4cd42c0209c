/**
 * Counts each receipt once. Request ids are remembered for each pair of parties; where ids have to be forgotten, the pair's receipts that were
 * issued before those count as seen. So a bound costs late receipts, and lets none be counted twice.
 */
import { BoundedMap } from '@skein/core'
import { receiptKey, RecordError } from '@skein/records'
import type { Receipt } from '@skein/records'

export interface ReceiptGuardInit {
  /** Pairs of parties; at the bound the one without receipts for longest goes, and the floor of all rises @default 10_000 */
  maxPairs?: number
  /** Request ids of a pair; at the bound the one accepted first goes, and the pair's floor rises @default 128 */
  maxIds?: number
  /** Receipts issued up to then have been seen: when this peer last ran, ms since the epoch @default -Infinity */
  floorMs?: number
}

interface Pair {
  floorMs: number
  newestMs: number
  issuedMs: BoundedMap<string, number>
}

export class ReceiptGuard {
  private readonly pairs: BoundedMap<string, Pair>
  private readonly maxIds: number
  private floorMs: number

  constructor ({ maxPairs = 10_000, maxIds = 128, floorMs = -Infinity }: ReceiptGuardInit = {}) {
    this.maxIds = maxIds
    this.floorMs = floorMs
    this.pairs = new BoundedMap({ maxSize: maxPairs, onEvict: (_key, { newestMs }) => { this.floorMs = Math.max(this.floorMs, newestMs) } })
  }

  /** Whether it would not be accepted. */
  hasSeen (receipt: Receipt): boolean {
    const pair = this.pairs.get(pairKey(receipt))
    return receipt.issuedAtMs <= Math.max(this.floorMs, pair?.floorMs ?? -Infinity) || pair?.issuedMs.has(receiptKey(receipt)) === true
  }

  /** @throws {RecordError} `replayed` */
  accept (receipt: Receipt): void {
    const key = pairKey(receipt)
    const id = receiptKey(receipt)
    const pair = this.pairs.get(key) ?? this.newPair()
    if (this.hasSeen(receipt)) {
      throw new RecordError('replayed', `The receipt of request ${receipt.requestId} was counted before, or is older than what is remembered`)
    }
    pair.newestMs = Math.max(pair.newestMs, receipt.issuedAtMs)
    pair.issuedMs.set(id, receipt.issuedAtMs)
    this.pairs.set(key, pair)
  }

  /** From now on, receipts issued up to then have been seen. */
  raiseFloor (floorMs: number): void {
    this.floorMs = Math.max(this.floorMs, floorMs)
  }

  private newPair (): Pair {
    const pair: Pair = {
      floorMs: -Infinity,
      newestMs: -Infinity,
      issuedMs: new BoundedMap({ maxSize: this.maxIds, onEvict: (_id, issuedMs) => { pair.floorMs = Math.max(pair.floorMs, issuedMs) } })
    }
    return pair
  }
}

function pairKey ({ provider, consumer }: Receipt): string {
  return `${provider}/${consumer}`
}
