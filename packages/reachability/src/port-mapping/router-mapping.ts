/** What a router was asked to do: let connections in to a port and lead them to this device; and why it does not. */

/** PCP (RFC 6887), NAT-PMP (RFC 6886), or the WAN connection services of UPnP's Internet Gateway Device. */
export const MAPPING_PROTOCOLS = ['pcp', 'nat-pmp', 'upnp'] as const
export type MappingProtocol = typeof MAPPING_PROTOCOLS[number]

export interface RouterMapping {
  protocol: MappingProtocol
  /** IPv4 address of the router that does it */
  router: string
  /** This device, as the router sees it */
  internalAddress: string
  internalPort: number
  /** Where others come in */
  externalAddress: string
  externalPort: number
  /** Left out where the router keeps it until it is told otherwise */
  lifetimeMs?: number
  /** Seconds since the router's table of mappings began, as it told with the mapping; UPnP has no such thing */
  epochS?: number
}

/** What a router tells between two renewals; each left out where its protocol does not tell. */
export interface RouterSight {
  epochS?: number
  externalAddress?: string
  /** Whether the mapping is still in its table */
  isMapped?: boolean
}

/**
 * - `no_router`: this device has no route to one
 * - `silent`: nothing answers by any of the protocols
 * - `refused`: it answers that it will not
 * - `no_external_address`: it has no address in the world that it could map to, as behind another NAT
 * - `double_nat`: it mapped, but the address that it has is itself behind a NAT, of a carrier or of a second router
 * - `full`: it has no port or place left
 */
export type MappingProblem = 'no_router' | 'silent' | 'refused' | 'no_external_address' | 'double_nat' | 'full'

/** The router cannot be asked, or will not: `problem` tells which. Try again later, or have the port forwarded by hand. */
export class PortMappingError extends Error {
  static override name = 'PortMappingError'
  override readonly name = 'PortMappingError'
  readonly problem: MappingProblem

  constructor (problem: MappingProblem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}

export function isSameMapping (a: RouterMapping, b: RouterMapping): boolean {
  return a.externalAddress === b.externalAddress && a.externalPort === b.externalPort && a.internalAddress === b.internalAddress &&
    a.internalPort === b.internalPort
}
