/** The addresses of this machine's interfaces that lead to others. */
import { networkInterfaces } from 'node:os'

/** Link-local ones of IPv6 say nothing of the network: each interface always has one. */
const LINK_LOCAL = /^fe[89ab]/i

/** None when the system does not tell. */
export function localAddresses (): string[] {
  try {
    return Object.values(networkInterfaces()).flatMap(those => those ?? [])
      .flatMap(({ address, internal }) => internal || LINK_LOCAL.test(address) ? [] : [address])
  } catch {
    return []
  }
}
