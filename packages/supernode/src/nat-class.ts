/** What a router does to UDP, from what STUN servers saw and which answers came through (RFC 4787, §4 and §5; RFC 5780, §4). */

/**
 * - `none`: nobody translates: others see the address that this node has
 * - `endpoint_independent`: the same for all destinations: others can be told where to send to
 * - `address_dependent`, `address_and_port_dependent`: another one for each destination ("symmetric")
 * - `unknown`: fewer than two addresses were asked, and the ports of one did not tell
 */
export type NatMappingClass = 'none' | 'endpoint_independent' | 'address_dependent' | 'address_and_port_dependent' | 'unknown'

/**
 * - `endpoint_independent`: whoever knows the address gets through
 * - `address_dependent`: those hosts that were sent something
 * - `address_and_port_dependent`: those ports of hosts that were sent something
 * - `not_port_dependent`: one of the first two; the server has no second address to find out which
 * - `unknown`: no server has a second port
 */
export type NatFilteringClass = 'endpoint_independent' | 'address_dependent' | 'address_and_port_dependent' | 'not_port_dependent' | 'unknown'

export interface MappingSeen {
  /** The server that was asked from one local port */
  server: { host: string, port: number }
  mapped: { host: string, port: number }
}

export function mappingClass (seen: readonly MappingSeen[], local: { host: string, port: number } | undefined): NatMappingClass {
  const [first] = seen
  if (first === undefined) {
    return 'unknown'
  }
  if (local !== undefined && seen.every(({ mapped }) => isSame(mapped, local))) {
    return 'none'
  }
  const byHost = [...Map.groupBy(seen, ({ server }) => server.host).values()]
  if (byHost.some(ofHost => ofHost.some(({ mapped }) => !isSame(mapped, (ofHost[0] as MappingSeen).mapped)))) {
    return 'address_and_port_dependent'
  }
  if (byHost.length < 2) {
    return 'unknown'
  }
  // with one port of each host it may depend on ports too, which nobody can tell from the outside
  return seen.every(({ mapped }) => isSame(mapped, first.mapped)) ? 'endpoint_independent' : 'address_dependent'
}

/** @param came whether answers from the other port, and from the other address and port, came through; `undefined` where the server has none */
export function filteringClass (came: { otherPort?: boolean, otherBoth?: boolean }): NatFilteringClass {
  if (came.otherBoth === true) {
    return 'endpoint_independent'
  }
  if (came.otherPort === undefined) {
    return 'unknown'
  }
  if (!came.otherPort) {
    return 'address_and_port_dependent'
  }
  return came.otherBoth === undefined ? 'not_port_dependent' : 'address_dependent'
}

function isSame (a: { host: string, port: number }, b: { host: string, port: number }): boolean {
  return a.host === b.host && a.port === b.port
}
