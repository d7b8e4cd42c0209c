/** Whether others can dial this peer, by what it knows itself: a pure verdict, with its reason. */
import { isLocalAddress } from '@skein/pex'
import type { Reachability } from '@skein/supernode'

export interface DialEvidence {
  /** What this peer tells others, multiaddr texts */
  addresses: readonly string[]
  /** When a connection last came in from a public address, neither punched nor relayed, ms since the epoch; left out when none did */
  cameInMs?: number
  /** What those said who were asked to dial it back */
  dialBack?: { state: Reachability, atMs: number }
}

export interface Dialability {
  dialable: boolean
  /** In words */
  why: string
}

/** What was seen is good for this long, ms: addresses change, and routers are switched off. */
const EVIDENCE_LIFE_MS = 3_600_000

export function dialability ({ addresses, cameInMs, dialBack }: DialEvidence, nowMs: number): Dialability {
  if (!addresses.some(isPublic)) {
    return { dialable: false, why: 'it has no public address' }
  }
  if (dialBack !== undefined && dialBack.state !== 'unknown' && nowMs - dialBack.atMs < EVIDENCE_LIFE_MS) {
    return dialBack.state === 'reachable'
      ? { dialable: true, why: 'others dialled it back' }
      : { dialable: false, why: 'others could not dial it back' }
  }
  return cameInMs !== undefined && nowMs - cameInMs < EVIDENCE_LIFE_MS
    ? { dialable: true, why: 'others connect to it' }
    : { dialable: true, why: 'it has a public address, which nobody has tried yet' }
}

/** Neither of this device or its home, nor through a relay. */
export function isPublic (address: string): boolean {
  return !isLocalAddress(address) && !address.includes('/p2p-circuit')
}
