/** What the world of `RelayWorld` is given from floors above it: the rule by which callers choose, and the ledger of a relay. */
import type { Machine, Random } from '@skein/core'
import type { Path } from '@skein/reachability'

/** What a caller knows of a provider when it chooses. */
export interface KnownProvider {
  peer: string
  path: Path | 'unconnected'
  /** Left out when it was never reached */
  lastPath?: Path
  /** Left out when it was never measured */
  roundTripMs?: number
  /** Requests of this caller that it serves now */
  ownRequests: number
  /** As in its offer */
  tokensPerSecond: number
  queueDepth: number
  maxConcurrent: number
  /** Multiaddr texts */
  addresses: string[]
  /** A relay is what is left: no way to a better path worked */
  isStuck: boolean
}

export interface ChoiceTerms {
  nowMs: number
  isBudgetSpent: boolean
  /** The caller has IPv6 */
  hasIPv6: boolean
  random: Random
}

/** The one of at least one that is asked first. */
export type ChooseProvider = (known: readonly KnownProvider[], terms: ChoiceTerms) => string

export interface RelayCircuit {
  readonly ended: boolean
}

/** `RelayLedger` of @skein/seed is one. */
export interface RelayPort extends Machine<{ type: 'reset', circuit: RelayCircuit }> {
  onReserve (peer: string, nowMs: number): { granted: boolean }
  onConnect (source: string, destination: string, nowMs: number): { granted: true, circuit: RelayCircuit } | { granted: false, reason: string }
  /** Gives a reason where the circuit was reset instead of carrying them */
  onBytes (circuit: RelayCircuit, direction: 'to_destination' | 'to_source', bytes: number, nowMs: number): string | undefined
  onCircuitEnded (circuit: RelayCircuit): void
}
