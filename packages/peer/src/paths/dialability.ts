/** Whether others can dial this peer, by what it knows itself: a pure verdict, with its reason. */
import { isLocalAddress } from '@skein/pex'
import type { Reachability } from '@skein/supernode'

export interface DialEvidence {
  /** What this peer tells others, multiaddr texts */
  addresses: readonly string[]
  /** When a connection last came in from a public address, neither punched nor relayed, ms since the epoch; left out when none did */
  cameInMs?: number
  /** Peers that it asked over a relay to dial it, and those of them that came */
  reverses?: { asked: number, came: number }
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
/** One that does not come may have had its own reasons. */
const FRUITLESS_REVERSES = 2

export function dialability ({ addresses, cameInMs, reverses, dialBack }: DialEvidence, nowMs: number): Dialability {
  if (!addresses.some(isPublic)) {
    return { dialable: false, why: 'it has no public address' }
  }
  if (dialBack !== undefined && dialBack.state !== 'unknown' && nowMs - dialBack.atMs < EVIDENCE_LIFE_MS) {
    return dialBack.state === 'reachable'
      ? { dialable: true, why: 'others dialled it back' }
      : { dialable: false, why: 'others could not dial it back' }
  }
  if (cameInMs !== undefined && nowMs - cameInMs < EVIDENCE_LIFE_MS) {
    return { dialable: true, why: 'others connect to it' }
  }
  return reverses !== undefined && reverses.came === 0 && reverses.asked >= FRUITLESS_REVERSES
    ? { dialable: false, why: 'it has a public address, but those whom it asked to dial it did not come' }
    : { dialable: true, why: 'it has a public address, which nobody has tried yet' }
}

/** Neither of this device or its home, nor through a relay. */
export function isPublic (address: string): boolean {
  return !isLocalAddress(address) && !address.includes('/p2p-circuit')
}
