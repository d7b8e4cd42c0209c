/** A UDP socket as SRT wants one: large buffers, addresses sent to without look-ups, errors of single packets ignored as the loss they are. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { RemoteInfo, Socket } from 'node:dgram'
import type { OnPacket, PacketPort } from './packet-port.ts'

/** The default of Linux, 208 KiB, overflows in a burst of 150 packets. The system may allow less (`net.core.rmem_max`). */
const BUFFER_BYTES = 8 << 20
/** Of a full packet and what the system keeps with it: 2,304 on loopback, and as much again with drivers that give each packet a page. */
const ROOM_BYTES = 4_608

export interface UdpPortInit {
  /** An IP address @default '0.0.0.0' */
  host?: string
  /** @default 0, any that is free */
  port?: number
  /** Packets go to and come from this address alone, which is cheaper */
  remote?: { address: string, port: number }
  onPacket: OnPacket
}

export class UdpPort implements PacketPort {
  /** Packets that the system did not take, or said later that nobody did */
  failed = 0
  private readonly socket: Socket
  private readonly isConnected: boolean
  private isClosed = false

  private constructor (socket: Socket, isConnected: boolean) {
    this.socket = socket
    this.isConnected = isConnected
  }

  static async open ({ host, port = 0, remote, onPacket }: UdpPortInit): Promise<UdpPort> {
    const family = isIPv6(remote?.address ?? host ?? '') ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: BUFFER_BYTES,
      sendBufferSize: BUFFER_BYTES,
      // the default calls back later, even for what is an address already
      lookup: (address, _options, callback) => { callback(null, address, family) }
    })
    const opened = new UdpPort(socket, remote !== undefined)
    try {
      // with a look-up that answers at once, so does what follows it
      const listening = once(socket, 'listening')
      socket.bind(port, host)
      await listening
      if (remote !== undefined) {
        const connected = once(socket, 'connect')
        socket.connect(remote.port, remote.address)
        await connected
      }
    } catch (error) {
      socket.close()
      throw error
    }
    socket.on('error', () => { opened.failed++ })
    socket.on('message', (packet: Buffer, from: RemoteInfo) => { onPacket(packet, from.address, from.port) })
    return opened
  }

  get address (): { address: string, port: number } {
    const { address, port } = this.socket.address()
    return { address, port }
  }

  get roomPackets (): number {
    return Math.floor(this.socket.getRecvBufferSize() / ROOM_BYTES)
  }

  send (packet: Uint8Array, port: number, address: string): void {
    if (this.isClosed) {
      return
    }
    if (this.isConnected) {
      this.socket.send(packet)
    } else {
      this.socket.send(packet, port, address)
    }
  }

  close (): void {
    if (!this.isClosed) {
      this.isClosed = true
      this.socket.close()
    }
  }
}
