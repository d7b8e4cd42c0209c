/** A slow uplink before a node: TCP connections to its port are passed on at a rate, in both directions. */
import { createServer, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'node:net'

export interface SlowLink {
  port: number
  stop: () => Promise<void>
}

const TICK_MS = 10

export async function slowLink (host: string, to: { host: string, port: number }, bytesPerSecond: number): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const server = createServer({ highWaterMark: 16_384 }, inbound => {
    const outbound = connect(to)
    for (const socket of [inbound, outbound]) {
      sockets.add(socket)
      socket.on('close', () => {
        sockets.delete(socket)
        inbound.destroy()
        outbound.destroy()
      })
      socket.on('error', () => {})
    }
    void pass(inbound, outbound, bytesPerSecond).catch(() => {})
    void pass(outbound, inbound, bytesPerSecond).catch(() => {})
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  return {
    port: (server.address() as { port: number }).port,
    stop: async () => {
      for (const socket of sockets) {
        socket.destroy()
      }
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** By the reading of the clock, so that a late timer does not make it slower than it is said to be. */
async function pass (from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
  let freeAtMs = performance.now()
  for await (const chunk of from) {
    freeAtMs = Math.max(freeAtMs, performance.now() - TICK_MS) + (chunk as Buffer).length / bytesPerSecond * 1000
    const waitMs = freeAtMs - performance.now()
    if (waitMs > 0) {
      await sleep(waitMs)
    }
    if (!to.write(chunk as Buffer)) {
      await new Promise(resolve => { to.once('drain', resolve) })
    }
  }
}
