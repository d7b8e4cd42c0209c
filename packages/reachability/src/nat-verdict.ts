/**
 * What kind of NAT a peer is behind, from what STUN servers saw of one socket of it: a pure function. Terms as in RFC 4787; the test of the mapping
 * is that of RFC 5780, §4.3, with as many servers as answered.
 */

/**
 * How the NAT maps one socket:
 * - `none`: it does not; the address is the socket's own
 * - `endpoint-independent`: one mapping, whoever is sent to
 * - `sequential`: a mapping for each destination, the next port each time
 * - `random`: a mapping for each destination, any port
 * - `blocked`: nothing came back
 */
export type NatMapping = 'none' | 'endpoint-independent' | 'sequential' | 'random' | 'blocked'

/**
 * Whom it lets in to a mapping:
 * - `open`: anybody
 * - `address`: those at an address that was sent to, from any port
 * - `port`: those that were sent to, address and port
 */
export type NatFiltering = 'open' | 'address' | 'port'

/** Where one socket was seen. */
export interface Sighting {
  /** Address and port of the server that saw it */
  server: string
  /** Where it saw the socket: IP address and port */
  address: string
  port: number
}

export interface NatEvidence {
  /** The socket's own addresses (those of its interfaces, when it is bound to all), and its port */
  local: { addresses: readonly string[], port: number }
  /** Of servers that were asked, in the order in which they were asked; two of different addresses or ports at least */
  sightings: readonly Sighting[]
  /** Servers that were asked, whether they answered or not */
  asked: number
  /** What came of CHANGE-REQUEST (RFC 5780, §4.4), where a server does it */
  filtering?: NatFiltering
}

export interface NatVerdict {
  mapping: NatMapping
  /** Left out when nobody could test it; most home routers are `port` */
  filtering?: NatFiltering
  /** Where others see it; left out when blocked, and the port of no use to others when the mapping differs by destination */
  publicAddress?: string
  publicPort?: number
  /** Of `sequential`: how far one port is from the one before */
  step?: number
}

/** Ports a busy NAT gives to others between two of ours. */
const MAX_STEP = 16

/** `undefined` when one server alone answered, or none was asked: one sighting does not tell a mapping. */
export function natVerdict ({ local, sightings, asked, filtering }: NatEvidence): NatVerdict | undefined {
  const [first] = sightings
  if (first === undefined) {
    return asked >= 2 ? { mapping: 'blocked' } : undefined
  }
  const known = { publicAddress: first.address, publicPort: first.port, ...filtering === undefined ? {} : { filtering } }
  if (local.addresses.includes(first.address) && sightings.every(({ address, port }) => address === first.address && port === local.port)) {
    return { mapping: 'none', ...known }
  }
  if (new Set(sightings.map(({ server }) => server)).size < 2) {
    return undefined
  }
  if (sightings.every(({ address, port }) => address === first.address && port === first.port)) {
    return { mapping: 'endpoint-independent', ...known }
  }
  const steps = sightings.slice(1).map(({ port }, i) => port - (sightings[i] as Sighting).port)
  const sameAddress = sightings.every(({ address }) => address === first.address)
  const { publicAddress } = known
  const differs = { ...sameAddress ? { publicAddress } : {}, ...filtering === undefined ? {} : { filtering } }
  return sameAddress && steps.every(step => step > 0 && step <= MAX_STEP)
    ? { mapping: 'sequential', ...differs, step: Math.min(...steps) }
    : { mapping: 'random', ...differs }
}

/** In words, for a person who wants to know why others do not reach this device. */
export function describeNat ({ mapping, filtering }: NatVerdict): string {
  switch (mapping) {
    case 'none':
      return filtering === undefined || filtering === 'open' ? 'a public address, no NAT' : 'a public address behind a firewall'
    case 'endpoint-independent':
      return filtering === 'open'
        ? 'a NAT that lets everybody in to a mapping (full cone)'
        : 'a NAT that maps endpoint-independently: it can be punched'
    case 'sequential':
      return 'a NAT with a mapping for each destination, ports in sequence (symmetric): it can be punched, by a guess, where the other is no such NAT'
    case 'random':
      return 'a NAT with a mapping for each destination, ports at random (symmetric): others reach it through a relay'
    case 'blocked':
      return 'UDP is blocked: others reach it over TCP or through a relay'
  }
}
