/**
 * Which of the relays of a peer to dial it through: the one that answers first. libp2p tries the addresses of a peer one after the other, and gives
 * each six seconds: a relay that died without a word would cost as much, though another stands.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import type { Libp2p } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Clock } from '@skein/core'

export interface RelayRaceInit {
  libp2p: Pick<Libp2p<{ ping: Ping }>, 'dial' | 'getConnections' | 'services'>
  clock: Clock
}

/** As many as a peer reserves at. */
const MAX_RELAYS = 3
const RACE_TIMEOUT_MS = 5_000
const CIRCUIT = '/p2p-circuit'

/** The circuit addresses by relay, in their order: `/…/p2p/RELAY` to the addresses through it. */
export function circuitsByRelay (addresses: readonly string[]): Map<string, string[]> {
  const circuits = Map.groupBy(addresses.filter(address => address.includes(CIRCUIT)), address => relayOf(address) ?? '')
  circuits.delete('')
  return circuits
}

/**
 * Connects to a peer that has only circuit addresses, through two relays or more, by the relay that answers first. Does nothing for others, and
 * leaves it to the dial of who calls when no relay answers in time.
 */
export async function raceRelays (peer: string, addresses: readonly string[], { libp2p, clock }: RelayRaceInit, signal: AbortSignal): Promise<void> {
  const circuits = circuitsByRelay(addresses)
  if (circuits.size < 2 || addresses.some(address => !address.includes(CIRCUIT)) || libp2p.getConnections(peerIdFromString(peer)).length > 0) {
    return
  }
  const won = new AbortController()
  const limit = deadline(clock, RACE_TIMEOUT_MS, [signal, won.signal])
  try {
    await Promise.any([...circuits].slice(0, MAX_RELAYS).map(async ([relay, through]) => {
      await answers(libp2p, relay, through, limit.signal)
      // one dial of a peer is under way at a time: a second relay that answers joins that of the first
      await libp2p.dial(through.map(address => multiaddr(withPeer(address, peer))), { signal: limit.signal })
    }))
  } catch {
    signal.throwIfAborted()
  } finally {
    won.abort(new Error('Another relay answered first'))
    limit.clear()
  }
}

/** @throws when the relay does not */
async function answers (libp2p: RelayRaceInit['libp2p'], relay: string, through: string[], signal: AbortSignal): Promise<void> {
  const id = peerIdFromString(relay)
  if (!libp2p.getConnections(id).some(({ status }) => status === 'open')) {
    await libp2p.dial(through.map(address => multiaddr(address.slice(0, address.indexOf(CIRCUIT)))), { signal })
    return // a handshake is an answer
  }
  await libp2p.services.ping.ping(id, { signal })
}

function withPeer (address: string, peer: string): string {
  return address.endsWith(`/p2p/${peer}`) ? address : `${address}/p2p/${peer}`
}

function relayOf (address: string): string | undefined {
  return /\/p2p\/([^/]+)$/.exec(address.slice(0, address.indexOf(CIRCUIT)))?.[1]
}
