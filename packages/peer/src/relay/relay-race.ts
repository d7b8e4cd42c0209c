/**
 * Which of the relays of a peer to dial it through: the one that answers first. libp2p tries the addresses of a peer one after the other, and gives
 * each six seconds: a relay that died without a word would cost as much, though another stands.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import { isRelayed } from '@skein/records'
import { echo } from '@skein/supernode/libp2p'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { PeerPaths } from '../paths/peer-paths.ts'

export interface RelayRaceInit {
  libp2p: Pick<Libp2p, 'dial' | 'getConnections'>
  /** Left out, a connection that stands is taken to carry */
  paths?: Pick<PeerPaths, 'isSilent' | 'use'>
  clock: Clock
  random: Random
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
 * Connects to a peer through a relay of its own, the one that answers first: where it has only circuit addresses, through two relays or more, and
 * where nothing comes any more over the connections that stand, to the peer or to its relays. Does nothing for others, and leaves it to the dial of
 * who calls when no relay answers in time.
 */
export async function raceRelays (
  peer: string, addresses: readonly string[], init: RelayRaceInit, signal: AbortSignal
): Promise<Connection | undefined> {
  const { libp2p, clock } = init
  const circuits = circuitsByRelay(addresses)
  const isBroken = isSilent(init, peer)
  const isConnected = libp2p.getConnections(peerIdFromString(peer)).length > 0
  const isRace = circuits.size > 1 && addresses.every(address => address.includes(CIRCUIT)) && !isConnected
  if (circuits.size === 0 || (!isRace && !isBroken && ![...circuits.keys()].some(relay => isSilent(init, relay)))) {
    return undefined
  }
  const won = new AbortController()
  const limit = deadline(clock, RACE_TIMEOUT_MS, [signal, won.signal])
  try {
    return await Promise.any([...circuits].slice(0, MAX_RELAYS).map(async ([relay, through]) => {
      await answers(init, relay, through, limit.signal)
      // one dial of a peer is under way at a time: a second relay that answers joins that of the first
      return await dialCircuit(libp2p, peer, through, { signal: limit.signal, force: isBroken })
    }))
  } catch {
    signal.throwIfAborted()
    return undefined
  } finally {
    won.abort(new Error('Another relay answered first'))
    limit.clear()
  }
}

/** @param options.force another one, where there are connections to the peer */
export async function dialCircuit (
  libp2p: RelayRaceInit['libp2p'], peer: string, through: readonly string[], options: { signal: AbortSignal, force: boolean }
): Promise<Connection> {
  return await libp2p.dial(through.map(address => multiaddr(withPeer(address, peer))), options)
}

/** Connected, but nothing comes. */
function isSilent ({ libp2p, paths }: RelayRaceInit, peer: string): boolean {
  const connections = libp2p.getConnections(peerIdFromString(peer))
  return paths !== undefined && connections.length > 0 && connections.every(connection => paths.isSilent(connection))
}

/** @throws when the relay does not */
async function answers (init: RelayRaceInit, relay: string, through: string[], signal: AbortSignal): Promise<void> {
  const id = peerIdFromString(relay)
  const standing = connectionThatCarries(init, id)
  if (standing !== undefined && await isHeard(init, standing, signal)) {
    return
  }
  signal.throwIfAborted()
  const addresses = through.map(address => multiaddr(address.slice(0, address.indexOf(CIRCUIT))))
  // a handshake is an answer
  await init.libp2p.dial(addresses, { signal, force: init.libp2p.getConnections(id).length > 0 })
}

function connectionThatCarries ({ libp2p, paths }: RelayRaceInit, peer: PeerId): Connection | undefined {
  return libp2p.getConnections(peer)
    .find(connection => connection.status === 'open' && !isRelayed(connection) && paths?.isSilent(connection) !== true)
}

/** Whether it answers before its silence is long enough that another should be made. */
async function isHeard ({ paths, clock, random }: RelayRaceInit, connection: Connection, signal: AbortSignal): Promise<boolean> {
  const silent = new AbortController()
  const release = paths?.use(connection, () => { silent.abort(new Error('Nothing comes')) })
  try {
    await echo(connection, { clock, random, signal: AbortSignal.any([signal, silent.signal]) })
    return true
  } catch {
    return !silent.signal.aborted && !signal.aborted && connection.status === 'open' // an error was told by somebody, who is there then
  } finally {
    release?.()
  }
}

/** An address of a peer that ends with its id. */
export function withPeer (address: string, peer: string): string {
  return address.endsWith(`/p2p/${peer}`) ? address : `${address}/p2p/${peer}`
}

function relayOf (address: string): string | undefined {
  return /\/p2p\/([^/]+)$/.exec(address.slice(0, address.indexOf(CIRCUIT)))?.[1]
}
