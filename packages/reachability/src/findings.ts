/** What a peer found out about the way to it, before anything is concluded: the input of `diagnose`. */
import type { NatVerdict } from './nat-verdict.ts'
import type { MappingProblem, MappingProtocol } from './port-mapping/router-mapping.ts'

export interface SeedFinding {
  /** Multiaddr text, or a name of seeds, as it was given or found */
  address: string
  /** It was connected, and spoke the protocol of seeds */
  answered: boolean
  roundTripMs?: number
  /** Why it was not, in the words of the system or of libp2p */
  problem?: string
  /** It was there and refuses to register this peer: why */
  refusal?: string
  /** How far its clock is ahead of this peer's, give or take `errorMs` */
  clock?: { aheadMs: number, errorMs: number }
}

/**
 * - `listening`: of an interface of this device
 * - `announced`: told to others by the user's wish
 * - `mapped`: where the router says that it lets others in to a port of this device
 * - `seen`: the address under which others see this peer, with a port that it listens at
 */
export type AddressOrigin = 'listening' | 'announced' | 'mapped' | 'seen'

export interface AddressFinding {
  /** Multiaddr text without the peer's id */
  address: string
  origin: AddressOrigin
  /** A home's, a carrier's or this device's own: nobody from outside can use it, so nobody was asked to dial it */
  isLocal: boolean
  /** Others that dialled it and reached this peer, and that dialled in vain */
  reached: number
  failed: number
}

/** What a router did when it was asked to let others in: where it does, or why not. */
export type MappingFinding = { address: string, protocol: MappingProtocol } | { problem: MappingProblem }

export interface ReachFindings {
  /** Not there when a port was to be listened at and could not be: why */
  listenProblem?: string
  /** Whether a port is the system's choice, another at each start */
  isPortFixed: boolean
  seeds: readonly SeedFinding[]
  /** What STUN servers saw; left out when none could be asked, or too few answered to tell */
  nat?: NatVerdict
  /** Left out when it was not asked: nobody has seen a router, or the user wants it left alone */
  portMapping?: MappingFinding
  /** STUN servers that were known */
  stunServers: number
  /** IP addresses of the interfaces, loopback and link-local left out */
  localAddresses: readonly string[]
  addresses: readonly AddressFinding[]
  /** Peers that were asked to dial back, and why those that did not try did not */
  verifiers: ReadonlyArray<{ peer: string, refusal?: string }>
  /** Relays at which this peer has a reservation */
  relays: readonly string[]
  /** Why there is none */
  relayProblem?: string
  /** It tells relays nothing, for it was dialled directly before one was needed */
  isRelayNeeded: boolean
}
