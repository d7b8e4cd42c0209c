/** How the mapping of ports goes, in words: pure. */
import type { MappingProblem } from '@skein/reachability/port-mapping'
import type { MappedPort, PortMappingStatus } from './mapped-port.ts'

export interface MappingFacts {
  /** There is something to map */
  isWanted: boolean
  /** Why there is, or is not */
  why: string
  ports: MappedPort[]
  problem: MappingProblem | undefined
}

const PROBLEMS: Record<MappingProblem, string> = {
  no_router: 'this device has no route to a router',
  silent: 'the router does not map ports: it answers neither PCP nor NAT-PMP nor UPnP',
  refused: 'the router refuses to map a port',
  no_external_address: 'the router has no address in the world: it is behind another NAT, or not online',
  double_nat: 'the router is itself behind a NAT, of the provider of this line or of a second router',
  full: 'the router has no place or port left'
}

export function describeMapping ({ isWanted, why, ports, problem }: MappingFacts): PortMappingStatus {
  const confirmed = ports.filter(({ isConfirmed }) => isConfirmed)
  if (confirmed.length > 0) {
    return { state: 'open', why: `others come in at ${confirmed.map(({ address }) => address).join(' and ')}`, ports }
  }
  if (ports.length > 0) {
    return { state: 'mapped', why: `the router maps ${ports.map(({ address }) => address).join(' and ')}, and nobody came in there yet`, ports }
  }
  if (!isWanted) {
    return { state: 'not_needed', why, ports }
  }
  return problem === undefined
    ? { state: 'asking', why: `${why}, which is being asked`, ports }
    : { state: 'failed', why: PROBLEMS[problem], ports, problem }
}
