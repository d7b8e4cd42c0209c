/** Finds by which protocols the router of this device maps ports: it is asked by all at once. */
import { deadline } from '@skein/core'
import { MAPPING_PROTOCOLS, PortMappingError } from '../../port-mapping/router-mapping.ts'
import { NatPmpClient } from './nat-pmp-client.ts'
import { PcpClient } from './pcp-client.ts'
import { routerAddress } from './router-address.ts'
import { UpnpClient } from './upnp-client.ts'
import type { Clock, Random } from '@skein/core'
import type { MappingProtocol } from '../../port-mapping/router-mapping.ts'
import type { PcpClientInit } from './pcp-client.ts'
import type { RouterClient } from './router-client.ts'

export interface RouterSearch extends Pick<PcpClientInit, 'nonceOf'> {
  protocols: readonly MappingProtocol[]
  /** Left out: that of the default route */
  router?: string
  clock: Clock
  random: Random
  signal: AbortSignal
}

/** UPnP asks several things one after the other, ms. */
const SEARCH_TIMEOUT_MS = 8_000

/**
 * PCP first, which tells most, then NAT-PMP, then UPnP: a mapping is asked for by one after the other until one gives it.
 *
 * @throws {PortMappingError} `no_router` or `silent` when there is none
 */
export async function findRouter ({ protocols, clock, random, signal, nonceOf, ...given }: RouterSearch): Promise<RouterClient[]> {
  const router = given.router ?? await routerAddress()
  const searches: Record<MappingProtocol, (signal: AbortSignal) => Promise<RouterClient | undefined>> = {
    pcp: async limit => router === undefined ? undefined : await PcpClient.find({ router, nonceOf, clock }, limit),
    'nat-pmp': async limit => router === undefined ? undefined : await NatPmpClient.find(router, clock, limit),
    upnp: async limit => await UpnpClient.find({ clock, random }, router, limit)
  }
  const found = await Promise.all(MAPPING_PROTOCOLS.filter(protocol => protocols.includes(protocol)).map(async protocol => {
    const limit = deadline(clock, SEARCH_TIMEOUT_MS, [signal])
    try {
      return await searches[protocol](limit.signal)
    } catch {
      signal.throwIfAborted()
      return undefined
    } finally {
      limit.clear()
    }
  }))
  const clients = found.filter(client => client !== undefined)
  if (clients.length === 0) {
    throw router === undefined
      ? new PortMappingError('no_router', 'This device has no route to a router')
      : new PortMappingError('silent', `The router ${router} does not answer by ${protocols.join(', ')}`)
  }
  return clients
}
