/** The networks that an address lies in, as the rules against many addresses of one owner count them. */
import { networkOf } from '@skein/records'

/** Whether the address is of this device, its home or office, where all peers share a network and no rule of networks is of use. */
export function isLocalAddress (address: string): boolean {
  const [, family, host = ''] = address.split('/')
  if (family === 'ip4') {
    const [a = 0, b = 0] = host.split('.').map(Number)
    return a === 127 || a === 10 || a === 0 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b < 32) || (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128) // RFC 6598, behind a carrier's NAT
  }
  return family === 'ip6' && (host === '::1' || /^f[cd]/i.test(host) || /^fe[89ab]/i.test(host))
}

/** The /24 (IPv4) or /48 (IPv6) of a public address, or its host name; `undefined` for one without a public host. */
export function smallNetworkOf (address: string): string | undefined {
  return isLocalAddress(address) ? undefined : networkOf(address)
}

/** The /16 (IPv4) or /32 (IPv6) of a public address, or its host name; `undefined` for one without a public host. */
export function wideNetworkOf (address: string): string | undefined {
  const network = smallNetworkOf(address)
  if (network === undefined) {
    return undefined
  }
  if (network.endsWith('/24')) {
    return `${network.split('.').slice(0, 2).join('.')}.0.0/16`
  }
  return network.endsWith('/48') ? `${network.split(':').slice(0, 2).join(':')}::/32` : network
}

/** The different ones of some addresses. */
export function networksOf (addresses: readonly string[], network: (address: string) => string | undefined): string[] {
  return [...new Set(addresses.map(network).filter(value => value !== undefined))]
}
