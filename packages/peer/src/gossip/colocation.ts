/**
 * How many peers of one network are thought well of at once. Whoever has one address has as many peer ids as he likes, so places in a mesh are
 * given by address too (P6 of GossipSub v1.1). The library's own rule counts exact addresses, which for IPv6 says nothing, and punishes
 * all peers of an address alike: the twenty first peers of an office with the twenty-first. Here those that were there first keep their places.
 */
import { isLocalAddress, smallNetworkOf } from '@skein/pex'

export interface ColocationRule {
  /** Peers of the network that cost nothing: those connected longest */
  free: number
  /** What each place beyond costs, of score */
  perPlace: number
}

/**
 * An IPv4 address, or an IPv6 /64 (one subscriber's): a household is free, the twentieth peer of an office is out of the mesh (below 0) but is still
 * gossiped with (above −10), the 25th is not gossiped with, the 164th is not listened to (−80).
 */
export const HOST_RULE: ColocationRule = { free: 4, perPlace: 0.5 }
/** A /24, or an IPv6 /48: what a data centre or a company rents at once. */
export const NETWORK_RULE: ColocationRule = { free: 16, perPlace: 0.25 }

interface Place {
  rule: ColocationRule
  /** Connected peers of the network, oldest first */
  peers: Set<string>
}

/** As many peers and networks as this node has connections. */
export class Colocation {
  private readonly networks = new Map<string, Place>()
  private readonly networksOfPeer = new Map<string, string[]>()

  /** @param ip as text, without port */
  onConnected (peer: string, ip: string): void {
    this.onDisconnected(peer)
    const keys = networksOfHost(ip)
    if (keys === undefined) {
      return
    }
    this.networksOfPeer.set(peer, [keys.host, keys.network])
    this.add(keys.host, HOST_RULE, peer)
    this.add(keys.network, NETWORK_RULE, peer)
  }

  onDisconnected (peer: string): void {
    for (const key of this.networksOfPeer.get(peer) ?? []) {
      const place = this.networks.get(key)
      place?.peers.delete(peer)
      if (place?.peers.size === 0) {
        this.networks.delete(key)
      }
    }
    this.networksOfPeer.delete(peer)
  }

  /** What the peer's place costs, 0 or more; nothing for peers of this device, of a local network or of unknown address. */
  costOf (peer: string): number {
    return (this.networksOfPeer.get(peer) ?? []).reduce((sum, key) => sum + placeCost(this.networks.get(key), peer), 0)
  }

  private add (key: string, rule: ColocationRule, peer: string): void {
    const place = this.networks.get(key) ?? { rule, peers: new Set() }
    place.peers.add(peer)
    this.networks.set(key, place)
  }
}

function placeCost (place: Place | undefined, peer: string): number {
  if (place === undefined || place.peers.size <= place.rule.free) {
    return 0
  }
  let index = 0
  for (const other of place.peers) {
    if (other === peer) {
      break
    }
    index++
  }
  return Math.max(0, index + 1 - place.rule.free) * place.rule.perPlace
}

/** `undefined` for an address that is not public. */
function networksOfHost (ip: string): { host: string, network: string } | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  const text = mapped ?? ip
  const address = `/${text.includes(':') ? 'ip6' : 'ip4'}/${text}`
  const network = smallNetworkOf(address)
  if (network === undefined || isLocalAddress(address)) {
    return undefined
  }
  return { host: text.includes(':') ? subscriberOf(text) : text, network }
}

/** The /64 of an IPv6 address. */
function subscriberOf (ip: string): string {
  const [head = '', tail] = ip.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail == null || tail === '' ? [] : tail.split(':')
  const zeros = tail == null ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4)
  return `${groups.map(group => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
