/** The network an address lies in, for rules of diversity: peers of one /24 (IPv4) or /48 (IPv6) often have one owner. */

/**
 * `192.0.2.0/24`, `2001:db8:1::/48`, or the host name of a DNS address; `undefined` for an address without a host (memory, a bare peer id).
 * For a relayed address it is the relay's network.
 */
export function networkOf (address: string): string | undefined {
  const [, family, host] = address.split('/')
  switch (family) {
    case 'ip4':
      return host == null ? undefined : `${host.split('.').slice(0, 3).join('.')}.0/24`
    case 'ip6':
      return host == null ? undefined : `${ip6Prefix(host)}::/48`
    case 'dns':
    case 'dns4':
    case 'dns6':
    case 'dnsaddr':
      return host
    default:
      return undefined
  }
}

/** The first three groups of an IPv6 address, without leading zeros. */
function ip6Prefix (host: string): string {
  const [head = '', tail] = host.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail == null || tail === '' ? [] : tail.split(':')
  const zeros = tail == null ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right]
  return groups.slice(0, 3).map(group => Number.parseInt(group, 16).toString(16)).join(':')
}
