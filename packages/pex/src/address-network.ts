/** The networks that an address lies in, as the rules against many addresses of one owner count them. */
import { networkOf } from '@skein/records'

/** Whether the address is of this device, its home or office, where all peers share a network and no rule of networks is of use. */
export function isLocalAddress (address: string): boolean {
  const [, family, host = ''] = asIp4(address).split('/')
  if (family === 'ip4') {
    const [a = 0, b = 0] = host.split('.').map(Number)
    return a === 127 || a === 10 || a === 0 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b < 32) || (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128) // RFC 6598, behind a carrier's NAT
  }
  return family === 'ip6' && (host === '::1' || /^f[cd]/i.test(host) || /^fe[89ab]/i.test(host))
}

/** The /24 (IPv4) or /48 (IPv6) of a public address, or its host name; `undefined` for one without a public host. */
export function smallNetworkOf (address: string): string | undefined {
  return isLocalAddress(address) ? undefined : networkOf(asIp4(address))
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

/**
 * An IPv6 address that leads to an IPv4 host, mapped (RFC 4291, §2.5.5.2), behind NAT64 (RFC 6052, §2.1) or 6to4 (RFC 3056, §2), as `/ip4/…` of that
 * host, whose network bears the dials; any other as it is.
 */
function asIp4 (address: string): string {
  const [, family, host = ''] = address.split('/')
  if (family !== 'ip6') {
    return address
  }
  const groups = groupsOf(host)
  const head = groups.slice(0, 6).join(':')
  const isInTail = head === '0:0:0:0:0:65535' || head === `${0x64}:${0xff9b}:0:0:0:0`
  const embedded = isInTail ? groups.slice(6) : groups[0] === 0x2002 ? groups.slice(1, 3) : undefined
  return embedded === undefined ? address : `/ip4/${embedded.flatMap(group => [group >> 8, group & 255]).join('.')}`
}

/** The eight groups of an IPv6 address; its last 32 bits may be written as IPv4. */
function groupsOf (host: string): number[] {
  const [head = '', tail = ''] = host.replace(/\d+\.\d+\.\d+\.\d+$/, quad => {
    const [a = 0, b = 0, c = 0, d = 0] = quad.split('.').map(Number)
    return `${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`
  }).split('::')
  const read = (part: string): number[] => part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const [left, right] = [read(head), read(tail)]
  return [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => 0), ...right]
}
