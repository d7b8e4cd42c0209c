/** Finds out what the router before this node does to UDP, by asking STUN servers (RFC 5780, §4). */
import { filteringClass, mappingClass } from '../nat-class.ts'
import { openUdpSocket } from './datagram-socket.ts'
import { queryFrom, resolveServer, StunRefusedError, StunTimeoutError } from './stun-query.ts'
import type { NatFilteringClass, NatMappingClass } from '../nat-class.ts'
import type { StunAddress } from '../stun-message.ts'
import type { DatagramSocket } from './datagram-socket.ts'
import type { StunMapping, StunQueryOptions, StunServer } from './stun-query.ts'

export interface NatMappingOptions extends Omit<StunQueryOptions, 'change'> {
  /**
   * How often it is sent at most where the question is whether an answer gets through: then silence is one, and takes (2^n + 15) times `rtoMs`.
   *
   * @default 3
   */
  filterSends?: number
  /** Told what was seen of the mapping as soon as that is known, some round trips after the start; silence that tells of a filter takes seconds */
  onMapped?: (seen: Omit<NatMapping, 'filtering'>) => void
}

export interface NatMapping {
  mapping: NatMappingClass
  filtering: NatFilteringClass
  /** How the servers that answered saw this node, from one local port */
  seen: StunMapping[]
  /** Those that did not, and why */
  failed: Array<{ server: StunServer, error: Error }>
}

/** Servers that are asked; each more costs a round trip. */
const MAX_SERVERS = 8

/**
 * For the mapping two servers at different addresses are needed, or one with a second address; for the filtering one with a second port, and to tell
 * all classes apart a second address.
 *
 * @throws what aborted it, when `signal` fires
 */
export async function natMapping (servers: readonly StunServer[], options: NatMappingOptions = {}): Promise<NatMapping> {
  const asked = servers.slice(0, MAX_SERVERS)
  const mapped = async (): Promise<Omit<NatMapping, 'filtering'>> => {
    const { seen, failed } = await mappingsSeen(asked, options)
    const [first] = seen
    const mapping = mappingClass(seen.map(({ server, mapped }) => ({ server, mapped })), first?.local)
    options.onMapped?.({ mapping, seen, failed })
    return { mapping, seen, failed }
  }
  // from a port of its own: who was sent something may be let in
  const [filtering, others] = await Promise.all([filteringSeen(asked, options), mapped()])
  return { ...others, filtering }
}

async function mappingsSeen (servers: readonly StunServer[], options: NatMappingOptions): Promise<Pick<NatMapping, 'seen' | 'failed'>> {
  const seen: StunMapping[] = []
  const failed: NatMapping['failed'] = []
  let socket: DatagramSocket | undefined
  try {
    for (const server of servers) {
      try {
        const address = await resolveServer(server, options.family)
        socket ??= await open(address, options)
        const first = await queryFrom(socket, address, options)
        seen.push(first)
        for (const other of otherPlaces(first)) {
          seen.push(await queryFrom(socket, other, options))
        }
      } catch (error) {
        options.signal?.throwIfAborted()
        failed.push({ server, error: error as Error })
      }
    }
  } finally {
    socket?.close()
  }
  return { seen, failed }
}

/** The server's other address, and its other port: what a mapping can depend on. */
function otherPlaces ({ server, other }: StunMapping): StunAddress[] {
  if (other === undefined) {
    return []
  }
  return other.host === server.host ? [other] : [{ ...other, port: server.port }, other]
}

/** By the first server that has a second port. */
async function filteringSeen (servers: readonly StunServer[], options: NatMappingOptions): Promise<NatFilteringClass> {
  for (const server of servers) {
    let socket: DatagramSocket | undefined
    try {
      const address = await resolveServer(server, options.family)
      socket = await open(address, options)
      const { other } = await queryFrom(socket, address, options)
      if (other !== undefined) {
        const otherBoth = other.host === address.host ? undefined : await comes(socket, address, { ip: true, port: true }, options)
        const otherPort = otherBoth === true ? undefined : await comes(socket, address, { port: true }, options)
        return filteringClass({ otherBoth, otherPort })
      }
    } catch {
      options.signal?.throwIfAborted()
    } finally {
      socket?.close()
    }
  }
  return 'unknown'
}

/** `undefined` when the server will not. */
async function comes (
  socket: DatagramSocket, server: StunAddress, change: StunQueryOptions['change'], options: NatMappingOptions
): Promise<boolean | undefined> {
  try {
    await queryFrom(socket, server, { ...options, change, sends: options.filterSends ?? 3 })
    return true
  } catch (error) {
    if (error instanceof StunTimeoutError) {
      return false
    }
    if (error instanceof StunRefusedError) {
      return undefined
    }
    throw error
  }
}

async function open ({ family }: StunAddress, options: NatMappingOptions): Promise<DatagramSocket> {
  return await (options.openSocket ?? openUdpSocket)({ family, localHost: options.localHost, localPort: options.localPort })
}
