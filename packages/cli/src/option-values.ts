/** The values of options, as they are written on the command line. */
import { InvalidArgumentError } from 'commander'
import { multiaddr } from '@multiformats/multiaddr'
import { parseSeedAddress } from '@skein/peer'
import type { TurnServer } from '@skein/webrtc'

export function collect (value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

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

export function wholeNumber (min: number, max: number): (value: string) => number {
  return value => {
    const number = Number(value)
    if (!Number.isInteger(number) || number < min || number > max || value.trim() === '') {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}`)
    }
    return number
  }
}

export function seconds (min: number, max: number): (value: string) => number {
  return value => {
    const number = Number(value)
    if (!(number >= min && number <= max) || value.trim() === '') {
      throw new InvalidArgumentError(`Expected seconds from ${min} to ${max}`)
    }
    return number
  }
}

export function challengeSize (value: string): number {
  const size = Number(value)
  if (value.trim() === '' || (size !== 0 && !(Number.isInteger(Math.log2(size)) && size >= 64 && size <= 4096))) {
    throw new InvalidArgumentError('Expected 0, 64, 128, 256, 512, 1024, 2048 or 4096')
  }
  return size
}

export function keysFromEnvironment (): string[] {
  return (process.env.SKEIN_API_KEYS ?? '').split(',').filter(key => key !== '')
}
