/** What an entry of `bootstrap` may be: the multiaddr of a seed, or a name behind which there are many (dnsaddr, SRV). */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { SeedAddressError } from './seed-name-error.ts'

export type SeedAddress = { kind: 'multiaddr', text: string } | SeedName

export type SeedName =
  /** TXT records at `_dnsaddr.NAME`; `suffix` is what the addresses must end with, `/p2p/…` or nothing */
  | { kind: 'dnsaddr', text: string, name: string, suffix: string }
  /** SRV records at `owner` (RFC 2782) */
  | { kind: 'srv', text: string, owner: string }

/** For messages and help. */
export const SEED_ADDRESS_FORMS = 'a multiaddr such as /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo…, /dnsaddr/seeds.example.org, or srv:seeds.example.org'

/** The service whose SRV records `srv:seeds.example.org` stands for. */
const SRV_SERVICE = '_skein._tcp'
const MAX_TEXT = 1_024

/** @throws {SeedAddressError} */
export function parseSeedAddress (text: string): SeedAddress {
  if (text.startsWith('srv:')) {
    const host = hostName(text.slice(4))
    if (host === undefined) {
      throw new SeedAddressError(text, 'a host name after "srv:", such as srv:seeds.example.org')
    }
    // who names the service says where the records are
    return { kind: 'srv', text, owner: host.startsWith('_') ? host : `${SRV_SERVICE}.${host}` }
  }
  if (!isMultiaddr(text)) {
    throw new SeedAddressError(text, SEED_ADDRESS_FORMS)
  }
  return parseDnsaddr(text) ?? { kind: 'multiaddr', text }
}

/** `undefined` for any other address. */
export function parseDnsaddr (text: string): SeedName & { kind: 'dnsaddr' } | undefined {
  const [, host = '', suffix = ''] = /^\/dnsaddr\/([^/]+)(\/.*)?$/.exec(text) ?? []
  const name = hostName(host)
  if (name === undefined && text.startsWith('/dnsaddr/')) {
    throw new SeedAddressError(text, 'a host name after "/dnsaddr/", such as /dnsaddr/seeds.example.org')
  }
  return name === undefined ? undefined : { kind: 'dnsaddr', text, name, suffix }
}

/** Whether it is a multiaddr, and the peers that it names can be peers. */
export function isMultiaddr (text: string): boolean {
  if (text.length > MAX_TEXT || !/^\/[!-~]+$/.test(text)) {
    return false
  }
  try {
    for (const { name, value } of multiaddr(text).getComponents()) {
      if (name === 'p2p') {
        peerIdFromString(value ?? '')
      }
    }
    return true
  } catch {
    return false
  }
}

/** In lower case, without the root's dot; `undefined` when it is no name of DNS (RFC 1035, §2.3.1, with underscores as services have them). */
export function hostName (text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '')
  const isName = name.length <= 253 && name.split('.').every(label => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(label))
  return isName ? name : undefined
}
