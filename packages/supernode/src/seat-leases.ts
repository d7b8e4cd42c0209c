/** The leases of a region as an elector keeps them: those of peers that it elects, and beside them what it may yet elect. */
import { BoundedMap } from '@skein/core'
import { LeaseBook } from './lease-book.ts'
import type { LeaseRefusal, LeaseUse } from './lease-book.ts'
import type { SignedSuperNodeLease } from '@skein/records'

/** Four times the seats of a region: electors differ, and a lease may come before the election that names its holder. */
const MAX_LEASES = 256

export class SeatLeases {
  private readonly book = new LeaseBook({ maxLeases: MAX_LEASES })
  private readonly newest = new BoundedMap<string, SignedSuperNodeLease>({ maxSize: MAX_LEASES })

  /** @param elected whether this elector's election names its holder, or the one before did */
  onLease (signed: SignedSuperNodeLease, elected: boolean, nowMs: number): LeaseRefusal | undefined {
    const { lease } = signed
    const before = this.newest.get(lease.peer)?.lease
    if (before === undefined || lease.fence > before.fence) {
      this.newest.set(lease.peer, signed)
    }
    return this.book.onLease(lease, elected, nowMs)
  }

  /** These are elected now: leases that they signed before are good. */
  onElected (peers: readonly string[], nowMs: number): void {
    for (const peer of peers) {
      const signed = this.newest.get(peer)
      if (signed !== undefined) {
        this.book.onLease(signed.lease, true, nowMs)
      }
    }
    this.book.forget(nowMs)
  }

  newestOf (peer: string): SignedSuperNodeLease | undefined {
    return this.newest.get(peer)
  }

  useOf (peer: string, nowMs: number): LeaseUse | undefined {
    return this.book.useOf(peer, nowMs)
  }

  /** The leases of these peers that are good now. */
  usable (peers: readonly string[], nowMs: number): SignedSuperNodeLease[] {
    return peers.flatMap(peer => {
      const signed = this.newest.get(peer)
      return signed !== undefined && this.book.isCurrent(peer, signed.lease, nowMs) ? [signed] : []
    })
  }
}
