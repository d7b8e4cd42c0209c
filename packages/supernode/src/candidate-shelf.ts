/**
 * The candidates that an elector knows, with their newest word and what was reported on them; bounded, so that a flood of ids does not push others
 * out.
 */
import { BoundedMap } from '@skein/core'
import { CandidatePresence } from './candidate-presence.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { SuperNodeCandidacy, SuperNodeReport, VerifiedNetwork } from '@skein/records'

export interface KnownCandidate {
  readonly peer: string
  candidacy: SuperNodeCandidacy
  /** Networks of the addresses that it tells, by this elector's own table */
  networks: VerifiedNetwork[]
  readonly presence: CandidatePresence
  /** When its newest candidacy came */
  heardMs: number
  /** Newest report of each verifier */
  readonly reports: BoundedMap<string, SuperNodeReport>
  /** When a verifier said what it was drawn for, of which its newest report is the last word */
  readonly drawnAtMs: BoundedMap<string, number>
  /** What this elector measured itself last */
  measured?: { bytesPerSecond: number, atMs: number }
}

/**
 * - `stale`: not newer than what is known
 * - `no_network`: no address of it is public
 * - `network_full`, `full`: too many of its network, or in all, and none of them has to go
 */
export type CandidacyRefusal = 'stale' | 'no_network' | 'network_full' | 'full'

/** - `new`: nobody knew of it, or it was gone - `renewed` - `withdrawn` */
export type CandidacyNews = 'new' | 'renewed' | 'withdrawn'

export interface CandidateShelfInit {
  rules: ElectorRules
  networkOf: (address: string) => VerifiedNetwork | undefined
  /** Candidates that are kept whatever comes: they have been reached by others, or are this elector itself */
  isKept: (known: KnownCandidate, nowMs: number) => boolean
}

/** A region has 64 seats; a thousand volunteers draw for them. Those that are gone are remembered beside them. */
export const MAX_LIVE_CANDIDATES = 1024
const MAX_KNOWN = 2048
/** A /24 may have one seat, a /16 two. */
const MAX_IN_SMALL = 4
const MAX_IN_WIDE = 64
/** Three periods with 21 verifiers each. */
const MAX_REPORTS = 64
/** One that was not heard of for so long is forgotten, and begins anew when it returns. */
const FORGET_MS = 7 * 86_400_000

export class CandidateShelf {
  private readonly init: CandidateShelfInit
  private readonly known = new Map<string, KnownCandidate>()

  constructor (init: CandidateShelfInit) {
    this.init = init
  }

  get size (): number {
    return this.known.size
  }

  get (peer: string): KnownCandidate | undefined {
    return this.known.get(peer)
  }

  /** Those that are candidates now. */
  live (nowMs: number): KnownCandidate[] {
    return [...this.known.values()].filter(known => isLive(known, nowMs))
  }

  /** @param own it is this elector's own, which needs no public address and always has room */
  onCandidacy (candidacy: SuperNodeCandidacy, own: boolean, nowMs: number): CandidacyNews | CandidacyRefusal {
    const { peer, seq, withdrawn } = candidacy
    const known = this.known.get(peer)
    if (known !== undefined && seq <= known.candidacy.seq) {
      return 'stale'
    }
    const networks = this.networksOf(candidacy)
    const wasLive = known !== undefined && isLive(known, nowMs)
    // who goes need not be somewhere
    if (!own && !withdrawn) {
      const refusal = networks.length === 0 ? 'no_network' : this.roomFor(peer, networks, known === undefined, wasLive, nowMs)
      if (refusal !== undefined) {
        return refusal
      }
    }
    if (known === undefined) {
      if (withdrawn) {
        return 'stale' // nothing is known that it could take back
      }
      this.known.set(peer, {
        peer, candidacy, networks, presence: new CandidatePresence(this.init.rules.candidacyMs, nowMs), heardMs: nowMs,
        reports: new BoundedMap({ maxSize: MAX_REPORTS }), drawnAtMs: new BoundedMap({ maxSize: MAX_REPORTS })
      })
      return 'new'
    }
    known.candidacy = candidacy
    known.networks = withdrawn ? known.networks : networks
    known.heardMs = nowMs
    if (withdrawn) {
      known.presence.onAway(nowMs)
      return 'withdrawn'
    }
    known.presence.onSeen(nowMs)
    return wasLive ? 'renewed' : 'new'
  }

  /** Whether a report is newer than what its verifier said before. */
  isNews ({ candidate, verifier, issuedAtMs }: SuperNodeReport): boolean {
    const before = this.known.get(candidate)?.reports.get(verifier)
    return before === undefined || before.issuedAtMs < issuedAtMs
  }

  forget (nowMs: number): void {
    for (const [peer, { heardMs, candidacy }] of this.known) {
      if (nowMs - heardMs > FORGET_MS && candidacy.expiresAtMs <= nowMs) {
        this.known.delete(peer)
      }
    }
  }

  private networksOf ({ addresses }: SuperNodeCandidacy): VerifiedNetwork[] {
    const found = new Map<string, VerifiedNetwork>()
    for (const address of addresses) {
      const network = this.init.networkOf(address)
      if (network !== undefined) {
        found.set(network.small, network)
      }
    }
    return [...found.values()]
  }

  private roomFor (peer: string, networks: VerifiedNetwork[], isNew: boolean, isLiveNow: boolean, nowMs: number): CandidacyRefusal | undefined {
    if (isLiveNow) {
      return undefined
    }
    const live = this.live(nowMs).filter(other => other.peer !== peer)
    for (const network of networks) {
      const small = live.filter(other => other.networks.some(one => one.small === network.small))
      const wide = live.filter(other => other.networks.some(one => one.wide === network.wide))
      if ((small.length >= MAX_IN_SMALL && !this.pushOut(small, nowMs)) || (wide.length >= MAX_IN_WIDE && !this.pushOut(wide, nowMs))) {
        return 'network_full'
      }
    }
    if (live.length >= MAX_LIVE_CANDIDATES && !this.pushOut(live, nowMs)) {
      return 'full'
    }
    if (isNew && this.known.size >= MAX_KNOWN) {
      const gone = [...this.known.values()].filter(other => !isLive(other, nowMs)).sort((a, b) => a.heardMs - b.heardMs)[0]
      this.known.delete(gone?.peer as string)
    }
    return undefined
  }

  /** The one goes that had most time to be reached by others, and was not. One that came just now has time. */
  private pushOut (among: KnownCandidate[], nowMs: number): boolean {
    const graceMs = 2 * this.init.rules.candidacyMs
    const [victim] = among
      .filter(known => nowMs - known.presence.firstSeenMs >= graceMs && !this.init.isKept(known, nowMs))
      .sort((a, b) => a.presence.firstSeenMs - b.presence.firstSeenMs)
    return victim !== undefined && this.known.delete(victim.peer)
  }
}

export function isLive ({ candidacy }: KnownCandidate, nowMs: number): boolean {
  return !candidacy.withdrawn && candidacy.expiresAtMs > nowMs
}
