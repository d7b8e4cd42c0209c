/**
 * Loopback addresses that stand for networks: a node listens on, and dials from, an address of its own within 127.0.0.0/8, so that rules about the
 * networks of peers can be tested with real sockets on one machine. Linux takes all of that block; other systems only what was added by hand.
 */
import type { NetworkLookup, PeerInit } from '@skein/peer'

export interface LoopbackNetworksInit {
  /**
   * The number of the autonomous system that a /16 of 127.0.0.0/8 stands for, by its second octet; `undefined`: nobody knows it.
   *
   * @default a system for each, 64512 + octet (numbers for private use, RFC 6996)
   */
  systemOf?: (octet: number) => number | undefined
}

/** The number that RFC 6996 begins with. */
const FIRST_PRIVATE_SYSTEM = 64_512

/** /24, /16 and system of addresses in 127.0.0.0/8: what tests give for `networkOf`. `undefined` for all others, circuits among them. */
export function loopbackNetworks (init: LoopbackNetworksInit = {}): NetworkLookup {
  const systemOf = init.systemOf ?? (octet => FIRST_PRIVATE_SYSTEM + octet)
  return address => {
    const [, second, third] = /^\/ip4\/127\.(\d{1,3})\.(\d{1,3})\.\d{1,3}(?:\/|$)/.exec(address) ?? []
    if (second === undefined || third === undefined || address.includes('/p2p-circuit')) {
      return undefined
    }
    const system = systemOf(Number(second))
    return { small: `127.${second}.${third}.0/24`, wide: `127.${second}.0.0/16`, ...system === undefined ? {} : { system } }
  }
}

/**
 * Options of a peer, or of a seed, that is at `host`: it listens there, and its TCP connections come from there. WebSocket connections that it makes
 * come from 127.0.0.1 all the same.
 *
 * @param host such as `127.11.0.1`
 */
export function loopbackHost (host: string): Required<Pick<PeerInit, 'listen' | 'transports'>> {
  return {
    listen: [`/ip4/${host}/tcp/0`],
    transports: those => those.map(create => components => {
      const transport = create(components)
      if (transport[Symbol.toStringTag] === '@libp2p/tcp') {
        const dial = transport.dial.bind(transport)
        // what it is given goes on to `net.connect`
        transport.dial = async (address, options) => await dial(address, { ...options, localAddress: host } as typeof options)
      }
      return transport
    })
  }
}
