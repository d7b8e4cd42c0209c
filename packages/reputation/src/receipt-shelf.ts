/** The receipts of which this peer is a party: what it can show. A bounded number for each other party. */
import { BoundedMap } from '@skein/core'
import { receiptKey } from '@skein/records'
import type { ReceiptProof } from '@skein/records'

export interface ReceiptShelfInit {
  /** Most receipts; at the bound the one that came first goes */
  maxReceipts: number
  /** Most receipts with one other party; at the bound the one that came first goes */
  maxPerPeer: number
  /** Told of each receipt that had to make room */
  onForget: (key: string) => void
}

interface Kept {
  peer: string
  proof: ReceiptProof
}

export class ReceiptShelf {
  private readonly receipts: BoundedMap<string, Kept>
  private readonly byPeer = new Map<string, Set<string>>()
  private readonly init: ReceiptShelfInit

  constructor (init: ReceiptShelfInit) {
    this.init = init
    this.receipts = new BoundedMap({
      maxSize: init.maxReceipts,
      onEvict: (key, { peer }) => {
        this.unlink(peer, key)
        init.onForget(key)
      }
    })
  }

  put (peer: string, proof: ReceiptProof): void {
    const key = receiptKey(proof.receipt)
    const keys = this.byPeer.get(peer) ?? new Set<string>()
    const oldest = keys.values().next().value
    if (!keys.has(key) && keys.size >= this.init.maxPerPeer && oldest !== undefined) {
      this.delete(oldest)
    }
    this.receipts.set(key, { peer, proof })
    // looked up again: it is another set when the oldest was the last
    const current = this.byPeer.get(peer) ?? new Set<string>()
    current.add(key)
    this.byPeer.set(peer, current)
  }

  /** Receipts with that peer that are valid now, the newest first. */
  with (peer: string, nowMs: number): ReceiptProof[] {
    return [...this.byPeer.get(peer) ?? []].reverse().flatMap(key => {
      const kept = this.receipts.get(key)
      return kept === undefined || kept.proof.receipt.expiresAtMs <= nowMs ? [] : [kept.proof]
    })
  }

  values (): Kept[] {
    return [...this.receipts.values()]
  }

  /** Drops what has expired. */
  sweep (nowMs: number): void {
    for (const [key, { proof }] of [...this.receipts]) {
      if (proof.receipt.expiresAtMs <= nowMs) {
        this.delete(key)
      }
    }
  }

  private delete (key: string): void {
    const kept = this.receipts.get(key)
    if (kept !== undefined) {
      this.receipts.delete(key)
      this.unlink(kept.peer, key)
      this.init.onForget(key)
    }
  }

  private unlink (peer: string, key: string): void {
    const keys = this.byPeer.get(peer)
    keys?.delete(key)
    if (keys?.size === 0) {
      this.byPeer.delete(peer)
    }
  }
}
