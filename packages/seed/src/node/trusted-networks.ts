/** Networks whose connections are not limited by address, in the notation of RFC 4632 and RFC 4291: `10.0.0.0/8`, `fd00::/8`. */
import { BlockList, isIP } from 'node:net'
import { plainAddress } from '../devices/socket-address.ts'

/** Programs of the same machine. */
export const LOOPBACK_NETWORKS: readonly string[] = ['127.0.0.0/8', '::1/128']

export interface Network {
  address: string
  prefix: number
  family: 'ipv4' | 'ipv6'
}

/** `undefined` for what is no network; an address alone is a network of one. */
export function parseNetwork (text: string): Network | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  const maxPrefix = version === 4 ? 32 : 128
  if (version === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) || Number(prefix ?? 0) > maxPrefix) {
    return undefined
  }
  return { address, prefix: Number(prefix ?? maxPrefix), family: version === 4 ? 'ipv4' : 'ipv6' }
}

/**
 * Whether an address, as Node's sockets tell it, lies in one of the networks.
 *
 * @throws {TypeError} when one of them is no network
 */
export function inNetworks (networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network === undefined) {
      throw new TypeError(`${text} is no network: write it as 192.0.2.0/24 or 2001:db8::/32`)
    }
    list.addSubnet(network.address, network.prefix, network.family)
  }
  return address => {
    const plain = plainAddress(address)
    const version = isIP(plain)
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
  }
}
