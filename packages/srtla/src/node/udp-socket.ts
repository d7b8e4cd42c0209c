/** UDP sockets for many packets: addresses are not looked up again for each of them, and buffers hold a burst. */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Socket } from 'node:dgram'

/** What bursts need: that of a stream of 20 Mbit/s while this process is busy for more than a second. */
export const BUFFER_BYTES = 4 * 1024 * 1024

/** A UDP port or address could not be had: another program listens there, or it is not one of this machine. */
export class SrtlaListenError extends Error {
  static override name = 'SrtlaListenError'
  override readonly name = 'SrtlaListenError'
  readonly host: string
  readonly port: number
  readonly code: string

  constructor (host: string, port: number, options: ErrorOptions) {
    super(`UDP port ${port} of ${host} cannot be listened at: choose another, or stop what listens there`, options)
    this.host = host
    this.port = port
    this.code = (options.cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
  }
}

export interface UdpSocketInit {
  host: string
  port: number
  bufferBytes?: number
}

/** @throws {SrtlaListenError} */
export async function openUdp ({ host, port, bufferBytes = BUFFER_BYTES }: UdpSocketInit): Promise<Socket> {
  const family = isIPv6(host) ? 6 : 4
  const socket = createSocket({
    type: `udp${family}`,
    ipv6Only: family === 6,
    // what is sent to are addresses of packets: asking the resolver for each would cost more than sending
    lookup: (hostname, _options, callback) => { callback(null, hostname, family) }
  })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ port, address: host }, () => {
        socket.off('error', reject)
        resolve()
      })
    })
  } catch (cause) {
    socket.close()
    throw new SrtlaListenError(host, port, { cause })
  }
  growBuffers(socket, bufferBytes)
  return socket
}

/** Resolves when packets can be sent and come from there alone. */
export async function connectUdp (socket: Socket, port: number, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // Node hands the callback an error, which its types do not tell
    socket.connect(port, address, ((error?: Error) => {
      if (error == null) {
        resolve()
      } else {
        reject(error)
      }
    }))
  })
}

/** The system may give less, and tells so: `net.core.rmem_max` of Linux. */
function growBuffers (socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes)
    socket.setSendBufferSize(bytes)
  } catch {
    // macOS refuses what is too much; the default is what there is then
  }
}

/** A full packet with what the system keeps with it, at worst: drivers may give each packet a page. */
const ROOM_BYTES = 4_608

/** Packets that the system keeps while this process does not read. */
export function receiveRoomPackets (socket: Socket): number {
  return Math.floor(socket.getRecvBufferSize() / ROOM_BYTES)
}

/** What the receive buffer holds; Linux counts its own bookkeeping in, so half of what it says. */
export function receiveBufferBytes (socket: Socket): number {
  return process.platform === 'linux' ? socket.getRecvBufferSize() / 2 : socket.getRecvBufferSize()
}
