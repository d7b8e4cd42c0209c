/** Asks a STUN server over UDP how the internet sees this node (RFC 8489), with the retransmissions that UDP needs. */
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { equalBytes, randomBytes, sleep } from '@skein/core'
import { monotonicMs, systemClock, systemRandom } from '@skein/core/system'
import { changeRequest } from '../stun-answer.ts'
import {
  attributeOf, BINDING, decodeAddress, decodeStun, decodeXorAddress, encodeAddress, encodeStun, STUN_ATTRIBUTE, STUN_CLASS, TRANSACTION_ID_BYTES
} from '../stun-message.ts'
import { openUdpSocket } from './datagram-socket.ts'
import type { Clock, Random } from '@skein/core'
import type { StunAddress, StunMessage } from '../stun-message.ts'
import type { DatagramSocket, OpenDatagramSocket } from './datagram-socket.ts'

export interface StunServer {
  /** A name or an IP address */
  host: string
  /** @default 3478 */
  port?: number
}

export interface StunQueryOptions {
  /** Ends the wait */
  signal?: AbortSignal
  /**
   * Before the first retransmission, ms; each further one waits twice as long (RFC 8489, §6.2.1).
   *
   * @default 500
   */
  rtoMs?: number
  /**
   * How often it is sent at most. After the last time it waits 16 times `rtoMs`: all in all 39.5 s.
   *
   * @default 7
   */
  sends?: number
  /** Of IPv4 or IPv6, where the server is a name @default 'IPv4' */
  family?: StunAddress['family']
  /** The local port @default a free one */
  localPort?: number
  /** The local address @default that which leads to the server */
  localHost?: string
  /** From where the answer is to come (RFC 5780) @default from where it was asked */
  change?: { ip?: boolean, port?: boolean }
  /** What sends datagrams @default a UDP socket */
  openSocket?: OpenDatagramSocket
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface StunMapping {
  /** How the server saw this node */
  mapped: StunAddress
  /** Where this node sent from, before any router */
  local: { host: string, port: number }
  /** The server that was asked, by its IP address */
  server: StunAddress
  /** The server's other address and port, where it has them (RFC 5780) */
  other?: StunAddress
  /** With the retransmissions, where it took any */
  roundTripMs: number
}

/** No answer came: UDP is blocked, the server is not there, or the answer could not get through. Try another server. */
export class StunTimeoutError extends Error {
  static override name = 'StunTimeoutError'
  override readonly name = 'StunTimeoutError'
  readonly server: string

  constructor (server: string) {
    super(`No answer from the STUN server ${server}: UDP may be blocked, or it is not there`)
    this.server = server
  }
}

/** The server answered that it will not, such as 420: that it has no second address. */
export class StunRefusedError extends Error {
  static override name = 'StunRefusedError'
  override readonly name = 'StunRefusedError'
  readonly code: number

  constructor (code: number) {
    super(`The STUN server refused with ${code}`)
    this.code = code
  }
}

const DEFAULT_PORT = 3478
/** Rm of RFC 8489, §6.2.1: what the last send waits, in `rtoMs`. */
const LAST_WAIT = 16

/**
 * How a server sees this node.
 *
 * @throws {StunTimeoutError} when no answer came
 * @throws {StunRefusedError} when it answered with an error
 * @throws what aborted it, when `signal` fires
 */
export async function stunQuery (server: StunServer, options: StunQueryOptions = {}): Promise<StunMapping> {
  options.signal?.throwIfAborted()
  const address = await resolveServer(server, options.family)
  const socket = await (options.openSocket ?? openUdpSocket)({ ...options, family: address.family })
  try {
    return await queryFrom(socket, address, options)
  } finally {
    socket.close()
  }
}

/** The same from a socket that there is, which has no other query under way. */
export async function queryFrom (socket: DatagramSocket, server: StunAddress, options: StunQueryOptions): Promise<StunMapping> {
  const { clock = systemClock(), random = systemRandom(), rtoMs = 500, sends = 7, change, signal } = options
  signal?.throwIfAborted()
  const transactionId = randomBytes(random, TRANSACTION_ID_BYTES)
  const attributes = change === undefined ? [] : [changeRequest(change)]
  const request = encodeStun({ method: BINDING, class: STUN_CLASS.request, transactionId, attributes, hasFingerprint: true })
  const local = await socket.localFor(server)
  const { promise: answered, resolve, reject } = Promise.withResolvers<StunMessage>()
  answered.catch(() => {})
  const sentMs = monotonicMs()

  socket.onMessage((bytes, from) => {
    const message = decodeStun(bytes)
    // an answer comes from where it was asked to; who guessed the transaction from elsewhere is not believed
    const isFromServer = change?.ip === true || from.host === server.host
    const isAnswer = message?.method === BINDING && (message.class === STUN_CLASS.success || message.class === STUN_CLASS.error)
    if (message !== undefined && isAnswer && isFromServer && equalBytes(message.transactionId, transactionId)) {
      resolve(message)
    }
  })
  const done = new AbortController()
  const onAbort = (): void => { reject(signal?.reason as Error) }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const sending = async (): Promise<void> => {
      for (let i = 0; i < sends; i++) {
        socket.send(request, server)
        await sleep(clock, i === sends - 1 ? LAST_WAIT * rtoMs : rtoMs * 2 ** i, { signal: done.signal })
      }
      throw new StunTimeoutError(`${server.host}:${server.port}`)
    }
    sending().catch(reject)
    return { ...readAnswer(await answered), local, server, roundTripMs: monotonicMs() - sentMs }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    done.abort()
  }
}

/** The IP address of a server, as its answers have it. */
export async function resolveServer ({ host, port = DEFAULT_PORT }: StunServer, family: StunAddress['family'] = 'IPv4'): Promise<StunAddress> {
  if (isIP(host) !== 0) {
    const given: StunAddress = { family: isIPv6(host) ? 'IPv6' : 'IPv4', host, port }
    return decodeAddress(encodeAddress(given)) ?? given
  }
  const { address } = await lookup(host, { family: family === 'IPv6' ? 6 : 4 })
  return { family, host: address, port }
}

function readAnswer (message: StunMessage): Pick<StunMapping, 'mapped' | 'other'> {
  if (message.class === STUN_CLASS.error) {
    const value = attributeOf(message, STUN_ATTRIBUTE.errorCode)
    throw new StunRefusedError(((value?.[2] ?? 0) & 7) * 100 + (value?.[3] ?? 0))
  }
  // a server of before RFC 5389 knows MAPPED-ADDRESS only
  const mapped = decodeXorAddress(attributeOf(message, STUN_ATTRIBUTE.xorMappedAddress), message.transactionId) ??
    decodeAddress(attributeOf(message, STUN_ATTRIBUTE.mappedAddress))
  if (mapped === undefined) {
    throw new StunRefusedError(0)
  }
  const other = decodeAddress(attributeOf(message, STUN_ATTRIBUTE.otherAddress))
  return { mapped, ...other === undefined ? {} : { other } }
}
