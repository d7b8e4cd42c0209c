/** The network of an address, for rules against many peers of one owner: /24, /16, and the autonomous system where a table of those is given. */
import { smallNetworkOf, wideNetworkOf } from '@skein/pex'
import type { VerifiedNetwork } from '@skein/records'

/** `undefined` for an address that no rule of networks is of use for: of this device, its home, or without a host. */
export type NetworkLookup = (address: string) => VerifiedNetwork | undefined

/** /24 and /16 (IPv6: /48 and /32) of a public address; systems are not known. */
export const publicNetwork: NetworkLookup = address => {
  const small = smallNetworkOf(address)
  const wide = wideNetworkOf(address)
  return small === undefined || wide === undefined ? undefined : { small, wide }
}

/** The autonomous system of an address, else its /16; `undefined` where no rule of networks is of use. */
export function networkName (networkOf: NetworkLookup, address: string): number | string | undefined {
  const network = networkOf(address)
  return network?.system ?? network?.wide
}
