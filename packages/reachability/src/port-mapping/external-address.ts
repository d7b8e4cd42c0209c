/** Whether others in the world can use an IPv4 address that a router says is its own: a pure test. */

/** Ranges that are not of the world, by the registry of special-purpose addresses (RFC 6890, RFC 8190): first address, bits of the prefix. */
const SPECIAL_RANGES: ReadonlyArray<readonly [first: string, bits: number]> = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24],
  ['192.0.2.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 3]
]

/** `false` for one of a home, of a carrier's NAT (100.64.0.0/10), or that is none at all. */
export function isWorldAddress (address: string): boolean {
  const number = numberOf(address)
  return number !== undefined && !SPECIAL_RANGES.some(([first, bits]) => {
    const size = 2 ** (32 - bits)
    return Math.floor(number / size) === Math.floor((numberOf(first) ?? 0) / size)
  })
}

/** IPv4 in the form that everybody writes. */
export function isIPv4Text (address: string): boolean {
  return numberOf(address) !== undefined
}

function numberOf (address: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number)
  return parts === undefined || parts.some(part => part > 255) ? undefined : parts.reduce((sum, part) => sum * 256 + part, 0)
}
