/** Which addresses of a peer matter to others, and which of them are worth a dial: pure. */
import { isLocalAddress } from '@skein/pex'
import type { AddressFinding } from '@skein/reachability'

export interface AddressSources {
  /** Multiaddr texts without the peer's id */
  listening: readonly string[]
  announced: readonly string[]
  /** Where the router says that it lets others in */
  mapped?: readonly string[]
  /** `/ip4/192.0.2.1`: hosts under which others see this peer */
  seenAt: readonly string[]
}

/** Those who dial back dial two addresses of a network in a minute, and each that is dead costs them seconds. */
export const MAX_TRIED = 3
const MAX_LISTED = 16

/** Each once: what the user announces, what it listens at, what the router maps, and where it would be if its port were forwarded. */
export function addressList ({ listening, announced, mapped = [], seenAt }: AddressSources): AddressFinding[] {
  const own = listening.filter(address => !isOfThisDevice(address))
  // a page's WebSocket port is behind the same router as the other one
  const ports = [...new Set(own.filter(address => /^\/ip4\/[^/]+\/tcp\/\d+$/.test(address)).map(address => address.split('/')[4] as string))]
  const [host] = seenAt.filter(one => one.startsWith('/ip4/') && !isLocalAddress(one))
  const seen = host === undefined ? [] : ports.map(port => `${host}/tcp/${port}`)
  const listed = new Map<string, AddressFinding>()
  const add = (addresses: readonly string[], origin: AddressFinding['origin']): void => {
    for (const address of addresses) {
      if (!listed.has(address) && listed.size < MAX_LISTED) {
        listed.set(address, { address, origin, isLocal: isLocalAddress(address), reached: 0, failed: 0 })
      }
    }
  }
  add(announced.map(address => address.replace(/\/p2p\/[^/]+$/, '')), 'announced')
  add(own, 'listening')
  add(mapped, 'mapped')
  add(seen, 'seen')
  return [...listed.values()]
}

/** One of each kind before a second of any; names are not dialled for others. */
export function addressesToTry (list: readonly AddressFinding[]): string[] {
  const usable = list.filter(({ address, isLocal }) => !isLocal && /^\/ip[46]\//.test(address))
  const firsts = [...Map.groupBy(usable, ({ address, origin }) => `${origin === 'announced' ? origin : ''} ${address.split('/')[1]}`).values()]
  const inTurn = [0, 1, 2].flatMap(place => firsts.flatMap(group => group[place]?.address ?? []))
  return inTurn.slice(0, MAX_TRIED)
}

/** Loopback, and link-local: of no use to any other device. */
function isOfThisDevice (address: string): boolean {
  return /^\/ip4\/(127\.|169\.254\.)|^\/ip6\/(::1\/|fe[89ab])/i.test(address)
}
