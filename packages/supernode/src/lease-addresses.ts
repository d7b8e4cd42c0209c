/** The addresses of a lease: where its holder is dialled, and, as `/ip4/…/udp/PORT` with nothing behind it, where it answers STUN. */
import type { SuperNodeLease } from '@skein/records'

const STUN_ADDRESS = /^\/(?:ip4|ip6|dns|dns4|dns6)\/[^/]+\/udp\/\d+$/

/** Where it can be dialled, best first. */
export function dialAddresses ({ addresses }: Pick<SuperNodeLease, 'addresses'>): string[] {
  return addresses.filter(address => !STUN_ADDRESS.test(address))
}

/** Where it answers STUN, if that is among its roles. */
export function stunAddresses ({ addresses, roles }: Pick<SuperNodeLease, 'addresses' | 'roles'>): string[] {
  return roles.includes('stun') ? addresses.filter(address => STUN_ADDRESS.test(address)) : []
}
