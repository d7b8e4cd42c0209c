/** Lets clients and other electors find this one, and finds others as long as it knows few. */
import { deadline, sleep } from '@skein/core'
import { dialled } from './watched-connections.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '@skein/core'

/** How those find each other that are not connected; behind it stands the DHT, or a table in a test. */
export interface ElectorRendezvous {
  /** Lets those that seek this name find this node, until the signal fires */
  advertise: (name: string, signal: AbortSignal) => Promise<void>
  /** Those that advertise it; ends when no more are found, or the signal fires */
  seek: (name: string, signal: AbortSignal) => AsyncIterable<{ peer: string, addresses: string[] }>
}

export interface ElectorSearchInit {
  libp2p: Pick<Libp2p, 'dial' | 'peerId' | 'getPeers'>
  rendezvous: ElectorRendezvous
  clock: Clock
  name: string
  /** Electors that are connected */
  connected: () => number
}

/** What gossip needs. */
const ENOUGH_ELECTORS = 6
const SEEK_AGAIN_MS = 60_000
const SEEK_TIMEOUT_MS = 20_000
const DIAL_TIMEOUT_MS = 10_000
const MAX_FOUND = 16

/** Resolves when the signal has fired. */
export async function searchElectors (init: ElectorSearchInit, signal: AbortSignal): Promise<void> {
  // a rendezvous that fails is tried again by who made it, or never: electors that are connected need none
  init.rendezvous.advertise(init.name, signal).catch(() => {})
  while (!signal.aborted) {
    if (init.connected() < ENOUGH_ELECTORS) {
      await seekOnce(init, signal).catch(() => {})
    }
    await sleep(init.clock, SEEK_AGAIN_MS, { signal }).catch(() => {})
  }
}

async function seekOnce ({ libp2p, rendezvous, clock, name }: ElectorSearchInit, signal: AbortSignal): Promise<void> {
  const limit = deadline(clock, SEEK_TIMEOUT_MS, [signal])
  let found = 0
  for await (const elector of rendezvous.seek(name, limit.signal)) {
    const { peer } = elector
    if (peer !== libp2p.peerId.toString() && !libp2p.getPeers().some(connected => connected.toString() === peer)) {
      const dialLimit = deadline(clock, DIAL_TIMEOUT_MS, [limit.signal])
      await libp2p.dial(dialled(elector), { signal: dialLimit.signal }).catch(() => {})
      dialLimit.clear()
    }
    if (++found >= MAX_FOUND) {
      break
    }
  }
  limit.clear()
}
