/** Where a receiver passes the packets of a group on: a UDP socket of its own towards an SRT listener, or whatever a program puts there. */
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { connectUdp, openUdp } from './udp-socket.ts'
import type { Socket } from 'node:dgram'
import type { ReceiverGroup } from '../receiver/group.ts'

export interface GroupUpstream {
  /** One packet of SRT from the group. The bytes are not used again by the receiver */
  send: (bytes: Uint8Array) => void
  /** The group is over, or its caller has begun another connection, which gets another one of these */
  close: () => void
}

export interface UpstreamEvents {
  /** A packet of SRT for the group */
  onPacket: (bytes: Uint8Array) => void
  /** Nobody takes the packets now; the group stays, and somebody may later */
  onAbsent: () => void
}

/** Called for each group when its first link has joined. When it fails it is called again a second later, for as long as the group is there. */
export type OpenUpstream = (group: ReceiverGroup, events: UpstreamEvents) => Promise<GroupUpstream>

/**
 * Towards a program that listens for SRT.
 *
 * @throws when the name of the host is not known
 */
export async function udpUpstream ({ host, port }: { host: string, port: number }, bufferBytes?: number): Promise<OpenUpstream> {
  const address = isIP(host) === 0 ? (await lookup(host)).address : host
  return async (_group, { onPacket, onAbsent }) => {
    const socket: Socket = await openUdp({ host: isIPv6(address) ? '::' : '0.0.0.0', port: 0, bufferBytes })
    try {
      await connectUdp(socket, port, address)
    } catch (cause) {
      socket.close()
      throw new Error(`The SRT listener ${address} port ${port} cannot be reached: ${(cause as Error).message}`, { cause })
    }
    socket.on('error', onAbsent) // the system tells with the next send that nobody listens
    socket.on('message', onPacket)
    return {
      send: bytes => { socket.send(bytes) },
      close: () => { socket.close() }
    }
  }
}
