/** Links of a phone, played by UDP on loopback: each source address is one, with a rate and a delay of its own, and can be cut. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { RemoteInfo, Socket } from 'node:dgram'

export interface LinkInit {
  /** Towards the receiver; the other way is free */
  bitsPerSecond: number
  delayMs: number
}

/** What waits for longer is dropped, as a carrier's buffer is full. */
const BUFFER_MS = 400

export interface Links {
  /** Where the sender finds the receiver, as it seems */
  port: number
  /** Nothing goes over that link any more, in either direction */
  cut: (address: string) => void
  stop: () => void
}

/** @param links by source address */
export async function openLinks (links: Record<string, LinkInit>, receiverPort: number): Promise<Links> {
  const upstreams = new Map<string, Socket>()
  const cut = new Set<string>()
  const freeAtMs = new Map<string, number>()
  const socket = createSocket('udp4')
  const later = (address: string, delayMs: number, send: () => void): void => {
    setTimeout(() => {
      if (!cut.has(address)) {
        send()
      }
    }, delayMs)
  }
  const upstreamOf = ({ address, port }: RemoteInfo): Socket => {
    const name = `${address}:${port}`
    const upstream = upstreams.get(name) ?? createSocket('udp4').on('message', answer => {
      later(address, links[address]?.delayMs ?? 0, () => { socket.send(answer, port, address) })
    })
    upstreams.set(name, upstream)
    return upstream
  }

  socket.on('message', (packet, from) => {
    const { bitsPerSecond, delayMs } = links[from.address] as LinkInit
    const nowMs = performance.now()
    const startMs = Math.max(nowMs, freeAtMs.get(from.address) ?? 0)
    if (startMs - nowMs < BUFFER_MS) {
      const sentMs = startMs + packet.length * 8_000 / bitsPerSecond
      freeAtMs.set(from.address, sentMs)
      later(from.address, sentMs - nowMs + delayMs, () => { upstreamOf(from).send(packet, receiverPort, '127.0.0.1') })
    }
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    cut: address => { cut.add(address) },
    stop: () => {
      Object.keys(links).forEach(address => cut.add(address))
      for (const one of [socket, ...upstreams.values()]) {
        one.close()
      }
    }
  }
}
