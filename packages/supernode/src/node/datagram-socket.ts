/** What a client of STUN needs of a UDP socket, and Node's. */
import { createSocket } from 'node:dgram'
import type { StunAddress } from '../stun-message.ts'

export interface DatagramSocket {
  /** Where datagrams to that address leave from, before any router */
  localFor: (to: StunAddress) => Promise<{ host: string, port: number }>
  send: (bytes: Uint8Array, to: StunAddress) => void
  /** One listener at a time */
  onMessage: (listener: (bytes: Uint8Array, from: { host: string, port: number }) => void) => void
  close: () => void
}

export interface DatagramSocketInit {
  family: StunAddress['family']
  /** @default all of the machine's */
  localHost?: string
  /** @default a free one */
  localPort?: number
}

export type OpenDatagramSocket = (init: DatagramSocketInit) => Promise<DatagramSocket>

export const openUdpSocket: OpenDatagramSocket = async ({ family, localHost, localPort }) => {
  const type = family === 'IPv6' ? 'udp6' : 'udp4'
  const socket = createSocket(type)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(localPort ?? 0, localHost, resolve)
    })
  } catch (error) {
    socket.close()
    throw error
  }
  socket.removeAllListeners('error')
  // a port that is closed is told of like this; silence says the same a little later
  socket.on('error', () => {})
  const { port } = socket.address()
  return {
    localFor: async to => ({ host: localHost ?? await routedFrom(to), port }),
    send: (bytes, to) => { socket.send(bytes, to.port, to.host, () => {}) },
    onMessage: listener => {
      socket.removeAllListeners('message')
      socket.on('message', (bytes, from) => { listener(bytes, { host: from.address, port: from.port }) })
    },
    close: () => { socket.close() }
  }

  /** A socket that is connected has the address of the interface that leads there; nothing is sent for that. */
  async function routedFrom (to: StunAddress): Promise<string> {
    const probe = createSocket(type)
    try {
      await new Promise<void>((resolve, reject) => {
        probe.once('error', reject)
        probe.connect(to.port, to.host, resolve)
      })
      return probe.address().address
    } finally {
      probe.close()
    }
  }
}
