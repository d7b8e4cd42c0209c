/** A question to a router over UDP, with the retransmissions of RFC 6886, §3.1: after 250 ms, then twice as long each time. */
import { createSocket } from 'node:dgram'
import { sleep } from '@skein/core'
import { ROUTER_PORT } from '../../port-mapping/nat-pmp-message.ts'
import { PortMappingError } from '../../port-mapping/router-mapping.ts'
import type { Clock } from '@skein/core'
import type { Socket } from 'node:dgram'

export interface RouterQuestion<T> {
  router: string
  /** Made when it is known from which address of this device it goes */
  question: (localAddress: string) => Uint8Array
  /** `undefined` for what is no answer @throws {PortMappingError} when it is a refusal */
  read: (answer: Uint8Array) => T | undefined
  /**
   * How often it is sent at most; after the last time it waits as long again as all before. RFC 6886 sends nine times, over two minutes; a home
   * router answers within milliseconds or not at all.
   *
   * @default 5
   */
  sends?: number
  clock: Clock
  signal: AbortSignal
}

export interface RouterAnswer<T> {
  answer: T
  /** This device, as the router sees it */
  localAddress: string
}

const FIRST_WAIT_MS = 250

/**
 * @throws {PortMappingError} when it refuses, and `silent` when no answer came
 * @throws what aborted it, when the signal fires
 */
export async function askRouter<T> ({ router, question, read, sends = 5, clock, signal }: RouterQuestion<T>): Promise<RouterAnswer<T>> {
  signal.throwIfAborted()
  const { promise: answered, resolve, reject } = Promise.withResolvers<T>()
  answered.catch(() => {})
  const silent = (cause?: unknown): PortMappingError =>
    new PortMappingError('silent', `The router ${router} does not answer at UDP port ${ROUTER_PORT}`, { cause })
  // connected: what comes from elsewhere is not let in
  const socket = await connected(router).catch((cause: unknown) => { throw silent(cause) })
  const done = new AbortController()
  const onAbort = (): void => { reject(signal.reason) }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted() // it may have fired before anybody listened to it
    const localAddress = socket.address().address
    const bytes = question(localAddress)
    socket.on('error', error => { reject(silent(error)) }) // told that nobody listens there
    socket.on('message', message => {
      try {
        const answer = read(message)
        if (answer !== undefined) {
          resolve(answer)
        }
      } catch (error) {
        reject(error)
      }
    })
    const sending = async (): Promise<void> => {
      for (let i = 0; i < sends; i++) {
        socket.send(bytes, () => {})
        await sleep(clock, FIRST_WAIT_MS * 2 ** i, { signal: done.signal })
      }
      throw silent()
    }
    sending().catch(reject)
    return { answer: await answered, localAddress }
  } finally {
    signal.removeEventListener('abort', onAbort)
    done.abort()
    socket.close()
  }
}

async function connected (router: string): Promise<Socket> {
  const socket = createSocket('udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(ROUTER_PORT, router, () => {
        socket.removeListener('error', reject)
        resolve()
      })
    })
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}
