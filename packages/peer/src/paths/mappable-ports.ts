/** Which ports of this peer a router should be asked to map: a pure decision. */
import { isLocalAddress } from '@skein/pex'

export interface MappableEvidence {
  /** What this peer listens at, one address for each interface, multiaddr texts; those through relays count for nothing */
  listening: readonly string[]
  /** The user says himself where others reach it */
  isAnnounced: boolean
  /** Where peers that it dialled see it, `/ip4/45.1.7.2`; none while nobody told */
  seenAt: readonly string[]
}

export interface MappablePorts {
  ports: number[]
  /** In words, why there are none, or what they are for */
  why: string
}

/** Those of TCP over IPv4, WebSocket among them, of a home's addresses, each once; only where others see another address than it has. */
export function mappablePorts ({ listening, isAnnounced, seenAt }: MappableEvidence): MappablePorts {
  const none = (why: string): MappablePorts => ({ ports: [], why })
  if (isAnnounced) {
    return none('the addresses that it tells are given by hand')
  }
  const own = listening.flatMap(address => {
    const [, host = '', port] = TCP_ADDRESS.exec(address) ?? []
    return port === undefined || host.startsWith('127.') || address.includes('/p2p-circuit') ? [] : [{ host, port: Number(port) }]
  })
  if (own.length === 0) {
    return none('it listens at no port of IPv4 that another device could use')
  }
  if (own.some(({ host }) => isPublic(host))) {
    return none('it has a public IPv4 address of its own')
  }
  if (!seenAt.some(address => isPublic(address.split('/')[2] ?? ''))) {
    return none('nobody in the world has seen it behind a router yet')
  }
  return { ports: [...new Set(own.map(({ port }) => port))], why: 'it is behind a router' }
}

const TCP_ADDRESS = /^\/ip4\/([\d.]+)\/tcp\/(\d+)(?:$|\/(?:ws|wss|tls|p2p)(?:\/|$))/

function isPublic (host: string): boolean {
  return host !== '' && !isLocalAddress(`/ip4/${host}`)
}
