/** What is known of the ports that a router maps to this peer. */
import type { MappingProblem, MappingProtocol, PortMappingCounters } from '@skein/reachability/port-mapping'

export interface MappedPort {
  /** Multiaddr text: where others come in */
  address: string
  protocol: MappingProtocol
  internalPort: number
  /** Somebody who was asked to dial it came in there; not before that others are told of it */
  isConfirmed: boolean
}

/**
 * - `not_needed`: there is nothing to map, or nobody has seen a router
 * - `asking`: the router has not answered yet
 * - `failed`: the router maps nothing; it is asked again later
 * - `mapped`: it does, and nobody came in yet
 * - `open`: others come in
 */
export type PortMappingState = 'not_needed' | 'asking' | 'failed' | 'mapped' | 'open'

export interface PortMappingStatus {
  state: PortMappingState
  /** In words */
  why: string
  ports: MappedPort[]
  /** Of `failed` */
  problem?: MappingProblem
}

/** What keeps ports mapped, as those see it who want to know how it goes. */
export interface MappedPorts {
  readonly status: PortMappingStatus
  readonly counters: PortMappingCounters & {
    /** Times that others were asked to dial a mapped port, by what came of it: `reached`, `failed`, `unknown` */
    dial_backs_total: Record<DialBackResult, number>
  }
}

/** `unknown`: none could be asked who would dial it. */
export type DialBackResult = 'reached' | 'failed' | 'unknown'
