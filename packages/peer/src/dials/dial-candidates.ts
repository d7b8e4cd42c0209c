/**
 * The ways that a peer's addresses are, in the order in which to try them: a pure function. Circuits through one relay are one way, whatever the
 * relay's own addresses: each try is a request to the relay, which allows a peer so many.
 */
import { isLocalAddress } from '@skein/pex'

/**
 * - `likely`: a direct address that may well be reached
 * - `unlikely`: a private address in a network that this peer has no part in, which most often is another house
 * - `circuit`: through a relay
 */
export type DialKind = 'likely' | 'unlikely' | 'circuit'

export interface DialCandidate {
  /** The address, or the relay */
  key: string
  kind: DialKind
  /** Multiaddr texts: one, or the circuit addresses by way of each of the relay's own */
  addresses: string[]
}

export interface DialFacts {
  /** Whether an IP address lies in the network of one of this device's interfaces */
  isOwnNetwork: (host: string) => boolean
  /** IP addresses at which others see this peer */
  publicHosts: readonly string[]
}

const CIRCUIT = '/p2p-circuit'

/**
 * Private addresses in a network of one's own come first (a hairpin through the router is slower, if there is one), then public ones, IPv6 and IPv4
 * in turn (RFC 8305, §4), then those of this device, then bonded ones, which cost more for each byte, then private ones of other networks; circuits
 * are apart. Within each the order is kept.
 */
export function dialCandidates (addresses: readonly string[], { isOwnNetwork, publicHosts }: DialFacts): DialCandidate[] {
  const direct = addresses.filter(address => !address.includes(CIRCUIT))
  const open = direct.filter(address => !isLocalAddress(address))
  // a peer that is seen elsewhere is in another house, though its network has the same numbers
  const isElsewhere = publicHosts.length > 0 && open.length > 0 && !open.some(address => publicHosts.includes(hostOf(address)))
  const device = direct.filter(isOfDevice)
  const [near, far] = split(
    direct.filter(address => isLocalAddress(address) && !isOfDevice(address)),
    address => !isElsewhere && isOwnNetwork(hostOf(address))
  )
  const asOne = (kind: DialKind) => (address: string): DialCandidate => ({ key: address, kind, addresses: [address] })
  return [
    ...split([...near, ...inTurns(open), ...device], address => !isBonded(address)).flat().map(asOne('likely')),
    ...far.map(asOne('unlikely')),
    ...[...circuitsByRelay(addresses)].map(([key, through]): DialCandidate => ({ key, kind: 'circuit', addresses: through }))
  ]
}

/** The circuit addresses by relay, in their order: the relay's peer id to the addresses through it. */
export function circuitsByRelay (addresses: readonly string[]): Map<string, string[]> {
  return Map.groupBy(addresses.filter(address => address.includes(CIRCUIT)), address =>
    /\/p2p\/([^/]+)$/.exec(relayAddress(address))?.[1] ?? relayAddress(address))
}

/** Where the relay of a circuit address is. */
export function relayAddress (circuit: string): string {
  return circuit.slice(0, circuit.indexOf(CIRCUIT))
}

function hostOf (address: string): string {
  return address.split('/')[2] ?? ''
}

function isBonded (address: string): boolean {
  return /\/srtla(\/|$)/.test(address)
}

function isOfDevice (address: string): boolean {
  return /^\/(ip4\/127\.|ip6\/::1\/)/.test(address)
}

function inTurns (addresses: string[]): string[] {
  const [six, others] = split(addresses, address => address.startsWith('/ip6/'))
  return Array.from({ length: Math.max(six.length, others.length) }, (_, i) => [six[i], others[i]]).flat().filter(address => address !== undefined)
}

function split<T> (values: T[], isFirst: (value: T) => boolean): [T[], T[]] {
  return [values.filter(isFirst), values.filter(value => !isFirst(value))]
}
