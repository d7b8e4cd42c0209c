/** A router of real UDP sockets: translates and filters what one socket behind it sends and is sent, by the classes of RFC 4787. */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import type { OpenDatagramSocket } from '../src/node/index.ts'

export type RouterClass = 'endpoint_independent' | 'address_dependent' | 'address_and_port_dependent'

export function routerOf (mapping: RouterClass, filtering: RouterClass, loss: (count: number) => boolean = () => false): OpenDatagramSocket {
  return async () => {
    const outside = new Map<string, Promise<Socket>>()
    const contacted = new Set<string>()
    let listener: (bytes: Uint8Array, from: { host: string, port: number }) => void = () => {}
    let count = 0
    let isClosed = false
    const keyOf = (kind: RouterClass, host: string, port: number): string =>
      kind === 'endpoint_independent' ? '' : kind === 'address_dependent' ? host : `${host}:${port}`
    const open = async (key: string): Promise<Socket> => {
      const socket = createSocket('udp4')
      await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
      socket.on('message', (bytes, { address, port }) => {
        if (contacted.has(`${key}>${keyOf(filtering, address, port)}`)) {
          listener(bytes, { host: address, port })
        }
      })
      return socket
    }
    return {
      localFor: async () => ({ host: '10.0.0.2', port: 5_000 }),
      send: (bytes, to) => {
        if (isClosed || loss(count++)) {
          return
        }
        const key = keyOf(mapping, to.host, to.port)
        contacted.add(`${key}>${keyOf(filtering, to.host, to.port)}`)
        const socket = outside.get(key) ?? open(key)
        outside.set(key, socket)
        void socket.then(own => { own.send(bytes, to.port, to.host, () => {}) })
      },
      onMessage: own => { listener = own },
      close: () => {
        isClosed = true
        for (const socket of outside.values()) {
          void socket.then(own => { own.close() })
        }
      }
    }
  }
}
