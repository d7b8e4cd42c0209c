/** The leases that a client believes, each with who named it, and what they say of the super-nodes that it may use. */
import { BoundedMap } from '@skein/core'
import { systemKey, systemName } from './candidate.ts'
import { LeaseBook } from './lease-book.ts'
import { leaseLoad } from './lease-load.ts'
import type { LeaseVote, NamedLease } from './lease-vote.ts'
import type { KnownSuperNode } from './super-node-choice.ts'
import type { SuperNodeReasons } from './used-super-node.ts'
import type { SuperNodeLease, SuperNodeRole } from '@skein/records'

const MAX_LEASES = 256

export class BelievedLeases {
  private readonly self: string
  private readonly book = new LeaseBook({ maxLeases: MAX_LEASES })
  private readonly named = new BoundedMap<string, NamedLease>({ maxSize: MAX_LEASES })

  /** @param self who is asked for leases may hold one, and does not use itself */
  constructor (self: string) {
    this.self = self
  }

  onVote ({ leases }: LeaseVote, nowMs: number): void {
    for (const named of leases) {
      const { lease } = named
      const known = this.named.get(lease.peer)?.lease
      this.book.onLease(lease, true, nowMs)
      if (lease.peer !== this.self && this.book.useOf(lease.peer, nowMs) !== undefined && lease.fence >= (known?.fence ?? 0)) {
        this.named.set(lease.peer, named)
      }
    }
  }

  /** The newest of a peer, though it may have ended since. */
  leaseOf (peer: string): SuperNodeLease | undefined {
    return this.named.get(peer)?.lease
  }

  /** Those that are good for new reservations. */
  usable (nowMs: number): SuperNodeLease[] {
    this.book.forget(nowMs)
    return this.book.usable(nowMs).filter(({ peer }) => peer !== this.self)
  }

  /** Those that have a role now, the leases that most electors name first. */
  withRole (role: SuperNodeRole, nowMs: number): SuperNodeLease[] {
    const namedBy = ({ peer }: SuperNodeLease): number => this.named.get(peer)?.named ?? 0
    return this.usable(nowMs).filter(({ roles }) => roles.includes(role)).sort((a, b) => namedBy(b) - namedBy(a))
  }

  /** When the next of those ends, ms since the epoch; `undefined` when there is none. */
  nextEndMs (nowMs: number): number | undefined {
    const endMs = Math.min(...this.usable(nowMs).map(({ expiresAtMs }) => expiresAtMs))
    return endMs === Infinity ? undefined : endMs
  }

  /**
   * The super-nodes that can be used now; where reservations are wanted, those that give them. What most electors name this peer may know better:
   * those it distrusts are left out while there are others.
   */
  superNodes (reserving: boolean, nowMs: number, isDistrusted: (peer: string) => boolean = () => false): KnownSuperNode[] {
    const fit = this.usable(nowMs).filter(({ roles }) => roles.includes('relay') || (!reserving && roles.includes('hub')))
    const trusted = fit.filter(({ peer }) => !isDistrusted(peer))
    return (trusted.length > 0 ? trusted : fit)
      .map(({ peer, networks, quota }) => ({ peer, networks, load: leaseLoad(quota) }))
  }

  /** What speaks for a super-node now. */
  reasons (peer: string, roundTripMs: number | undefined): SuperNodeReasons {
    const { lease, named = 0, of = 0 } = this.named.get(peer) ?? {}
    return {
      named,
      of,
      load: lease === undefined ? 0 : leaseLoad(lease.quota),
      roundTripMs,
      systems: [...new Set(lease?.networks.map(network => systemName(systemKey(network))))]
    }
  }
}
