/** Multiaddrs of this transport, `/ip4/192.0.2.1/udp/7310/srtla`, also with a name for the host and a peer at the end. */
import { multiaddr } from '@multiformats/multiaddr'
import { SRTLA_NAME } from '@skein/records'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface BondedAddress {
  /** IP address or name */
  host: string
  port: number
  family: 'ip4' | 'ip6' | undefined
}

const FAMILIES: Record<string, BondedAddress['family'] | null> = { ip4: 'ip4', ip6: 'ip6', dns: undefined, dns4: 'ip4', dns6: 'ip6' }

/** `undefined` for addresses of other transports, and of circuits through such a one. */
export function bondedAddress (address: Multiaddr): BondedAddress | undefined {
  const [host, udp, srtla, ...rest] = address.getComponents()
  const family = host === undefined ? null : FAMILIES[host.name] ?? (host.name === 'dns' ? undefined : null)
  if (family === null || udp?.name !== 'udp' || srtla?.name !== SRTLA_NAME || host?.value === undefined || udp.value === undefined) {
    return undefined
  }
  return rest.length === 0 || (rest.length === 1 && rest[0]?.name === 'p2p') ? { host: host.value, port: Number(udp.value), family } : undefined
}

export function addressText (host: string, port: number): Multiaddr {
  return multiaddr(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/udp/${port}/${SRTLA_NAME}`)
}
