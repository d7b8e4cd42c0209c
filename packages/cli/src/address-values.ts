/** Addresses, as they are written on the command line. */
import { InvalidArgumentError } from 'commander'
import { multiaddr } from '@multiformats/multiaddr'
import { parseSeedAddress } from '@skein/peer'
import type { TurnServer } from '@skein/webrtc'

export function address (value: string, previous: string[] = []): string[] {
  try {
    multiaddr(value)
  } catch {
    throw new InvalidArgumentError('Expected a multiaddr such as /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo…')
  }
  return [...previous, value]
}

export function seedAddress (value: string, previous: string[] = []): string[] {
  try {
    parseSeedAddress(value)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
  return [...previous, value]
}

export function stunAddress (value: string, previous: string[] = []): string[] {
  if (!/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/udp\/\d{1,5}$/.test(value)) {
    throw new InvalidArgumentError('Expected the address of a STUN server such as /ip4/192.0.2.1/udp/3478')
  }
  return [...previous, value]
}

/** A user name and password may be percent-encoded, as a `:` or `@` in them has to be. */
export function turnServer (value: string, previous: TurnServer[] = []): TurnServer[] {
  const [, scheme, username, credential, server] = /^(turns?):([^:@]+):([^@]+)@([^@/]+:\d{1,5}(?:\?transport=(?:udp|tcp))?)$/.exec(value) ?? []
  if (scheme === undefined || username === undefined || credential === undefined || server === undefined) {
    throw new InvalidArgumentError('Expected a TURN server such as turn:USER:PASSWORD@turn.example.org:3478')
  }
  return [...previous, { url: `${scheme}:${server}`, username: decoded(username), credential: decoded(credential) }]
}

function decoded (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new InvalidArgumentError(`${text} is not percent-encoded as in a URL`)
  }
}
