/** Looks for gateways of UPnP in this network by multicast (SSDP). */
import { createSocket } from 'node:dgram'
import { sleep } from '@skein/core'
import { descriptionUrl, searchText, SSDP_ADDRESS, SSDP_PORT } from '../../port-mapping/upnp-message.ts'
import type { Clock } from '@skein/core'

export interface GatewaySearch {
  /** The router: what answers from its address is taken at once, others when it has not answered in time */
  router: string | undefined
  /** Of the interface that leads there; left out: the system's choice */
  localAddress?: string
  clock: Clock
  signal: AbortSignal
}

/** Devices answer within a second, as they are asked to (MX); the question is sent again after each of these, ms. */
const WAITS_MS = [300, 500, 1_200]
const MAX_GATEWAYS = 4

/** Addresses of descriptions, the router's first. */
export async function searchGateways ({ router, localAddress, clock, signal }: GatewaySearch): Promise<string[]> {
  signal.throwIfAborted()
  const found = new Set<string>()
  const done = new AbortController()
  const onAbort = (): void => { done.abort() }
  signal.addEventListener('abort', onAbort, { once: true })
  const socket = createSocket('udp4')
  socket.on('error', onAbort)
  socket.on('message', (bytes, { address }) => {
    const url = descriptionUrl(bytes.toString('latin1'), address)
    if (url !== undefined && found.size < MAX_GATEWAYS) {
      found.add(url)
      if (address === router) {
        done.abort()
      }
    }
  })
  try {
    await new Promise<void>(resolve => {
      socket.once('error', () => { resolve() })
      socket.bind(0, localAddress, resolve)
    })
    if (!done.signal.aborted && localAddress !== undefined) {
      socket.setMulticastInterface(localAddress)
    }
    for (const waitMs of WAITS_MS) {
      done.signal.throwIfAborted()
      socket.send(searchText(), SSDP_PORT, SSDP_ADDRESS, () => {})
      await sleep(clock, waitMs, { signal: done.signal })
    }
  } catch {
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.close()
  }
  return [...found].sort((a, b) => Number(new URL(b).hostname === router) - Number(new URL(a).hostname === router))
}
