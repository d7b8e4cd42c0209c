/** Calls a listener: `connect()`. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { MachineDriver, randomBelow } from '@skein/core'
import { systemRandom } from '@skein/core/system'
import { CallerHandshake } from '../caller-handshake.ts'
import type { CallerEffect } from '../caller-handshake.ts'
import { connectionSettings } from '../connection-options.ts'
import type { ConnectionOptions } from '../connection-options.ts'
import type { Established } from '../established.ts'
import { addressField } from '../handshake-packet.ts'
import { destination, HEADER_BYTES } from '../packet-header.ts'
import type { AbortOptions } from './abort-options.ts'
import { monotonicClock } from './monotonic-clock.ts'
import { nodeCrypto } from './node-crypto.ts'
import { SrtSocket } from './srt-socket.ts'
import type { OpenPacketPort } from './packet-port.ts'
import { UdpPort } from './udp-port.ts'

export interface ConnectOptions extends ConnectionOptions, AbortOptions {
  /** A name or an IP address @default '127.0.0.1' */
  host?: string
  port: number
  /** What the listener tells callers apart by, at most 512 bytes of UTF-8 */
  streamId?: string
  /** IP address to call from, which chooses the interface @default any */
  localAddress?: string
  /** @default any that is free */
  localPort?: number
  /** @default 3000 */
  connectTimeoutMs?: number
  /** In place of a UDP port of this machine; `localAddress` and `localPort` mean nothing then */
  openPort?: OpenPacketPort
}

const DEFAULT_TIMEOUT_MS = 3_000

/**
 * Calls a listener.
 *
 * @throws SrtRejectedError, SrtConnectTimeoutError, SrtOptionError, the reason of the signal
 */
export async function connect (options: ConnectOptions): Promise<SrtSocket> {
  const { signal } = options
  signal?.throwIfAborted()
  const settings = connectionSettings(options)
  const address = await resolve(options.host ?? '127.0.0.1')
  signal?.throwIfAborted()

  const random = systemRandom()
  const socketId = 1 + randomBelow(random, 0x3ffffffe)
  let onPacket = (_packet: Uint8Array): void => {}
  const openUdp: OpenPacketPort = async onPacket => await UdpPort.open({
    host: options.localAddress,
    port: options.localPort,
    remote: { address, port: options.port },
    onPacket
  })
  const port = await (options.openPort ?? openUdp)(packet => {
    if (packet.length >= HEADER_BYTES && destination(packet) === socketId) {
      onPacket(packet)
    }
  })
  const send = (packet: Uint8Array): void => { port.send(packet, options.port, address) }

  try {
    const machine = new CallerHandshake({
      settings,
      crypto: nodeCrypto(),
      socketId,
      initialSequence: randomBelow(random, 0x7fffffff),
      streamId: options.streamId,
      peerAddress: addressField(address),
      timeoutMs: options.connectTimeoutMs ?? DEFAULT_TIMEOUT_MS
    }, monotonicClock().nowMs())
    const established = await shakeHands(machine, send, receive => { onPacket = receive }, signal)
    const socket = new SrtSocket({ established, remote: { address, port: options.port }, send, onClosed: () => { port.close() } })
    if (port.roomPackets !== undefined) {
      socket.onSocketRoom(port.roomPackets)
    }
    onPacket = packet => { socket.onPacket(packet) }
    return socket
  } catch (error) {
    port.close()
    throw error
  }
}

async function shakeHands (
  machine: CallerHandshake, send: (packet: Uint8Array) => void, listen: (receive: (packet: Uint8Array) => void) => void, signal?: AbortSignal
): Promise<Established> {
  const outcome = Promise.withResolvers<Established>()
  const driver = new MachineDriver<CallerEffect, CallerHandshake>({
    machine,
    clock: monotonicClock(),
    perform: effect => {
      switch (effect.type) {
        case 'send':
          send(effect.packet)
          break
        case 'established':
          outcome.resolve(effect.established)
          break
        case 'failed':
          outcome.reject(effect.error)
          break
      }
    }
  })
  const onAbort = (): void => { outcome.reject(signal?.reason) }
  signal?.addEventListener('abort', onAbort, { once: true })
  listen(packet => { driver.input((handshake, nowMs) => { handshake.onPacket(packet, nowMs) }) })
  driver.input(() => {})
  try {
    return await outcome.promise
  } finally {
    driver.stop()
    signal?.removeEventListener('abort', onAbort)
  }
}

async function resolve (host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host
}
