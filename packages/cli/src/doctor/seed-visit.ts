/** Visits to seeds: whether each is there, how far away, what its clock says, where it answers STUN. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import { askSeed, parseSeedAddress } from '@skein/peer'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { dialProblem } from './dial-problem.ts'
import type { PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Peer } from '@skein/peer'
import type { SeedFinding } from '@skein/reachability'

export interface SeedVisit extends SeedFinding {
  /** Peer id; not there when it did not answer */
  peer?: string
  /** Multiaddr texts */
  stun: string[]
}

const VISIT_TIMEOUT_MS = 4_000
/** Those given, and those that names led to. */
const MAX_VISITS = 16
/** The shortest counts: others waited for something. */
const PINGS = 3

/** The seeds that were given, and others that this peer has found through their names. Each takes 4 s at most, all at once. */
export async function visitSeeds (peer: Peer, given: readonly string[], clock: Clock, signal: AbortSignal): Promise<SeedVisit[]> {
  const addresses = given.flatMap(text => parseSeedAddress(text).kind === 'multiaddr' ? [text] : [])
  const visits = await Promise.all(addresses.slice(0, MAX_VISITS).map(async address => await visit(peer, address, clock, signal)))
  const seen = new Set(visits.map(one => one.peer))
  const connected = peer.libp2p.getConnections().filter(connection => !isRelayed(connection))
  const found = await Promise.all(connected.slice(0, MAX_VISITS).map(async ({ remotePeer, remoteAddr }) =>
    !seen.has(remotePeer.toString()) && await isSeed(peer, remotePeer) ? [await visit(peer, remoteAddr.toString(), clock, signal)] : []))
  return [...visits, ...found.flat()]
}

async function visit (peer: Peer, address: string, clock: Clock, signal: AbortSignal): Promise<SeedVisit> {
  const limit = deadline(clock, VISIT_TIMEOUT_MS, [signal])
  const { libp2p } = peer
  try {
    const { remotePeer } = await libp2p.dial(multiaddr(address), limit)
    const id = remotePeer.toString()
    const roundTripMs = await shortestPing(peer, remotePeer, limit.signal)
    const reached = { address, peer: id, answered: true, stun: [], roundTripMs, ...refusalOf(peer, id) }
    try {
      const { clock: theirs, stun } = await askSeed({ libp2p, clock, seed: remotePeer, signal: limit.signal })
      return { ...reached, stun, ...theirs === undefined ? {} : { clock: theirs } }
    } catch {
      // any peer may be joined through, and not all are seeds
      return reached
    }
  } catch (error) {
    signal.throwIfAborted()
    return { address, answered: false, stun: [], problem: dialProblem(error) }
  } finally {
    limit.clear()
  }
}

async function shortestPing ({ libp2p }: Peer, peer: PeerId, signal: AbortSignal): Promise<number> {
  let shortestMs = Infinity
  for (let i = 0; i < PINGS; i++) {
    shortestMs = Math.min(shortestMs, await libp2p.services.ping.ping(peer, { signal }))
  }
  return shortestMs
}

function refusalOf ({ refusals }: Peer, seed: string): { refusal?: string } {
  // one that asks for a puzzle or credentials and is being shown them does not refuse
  const refusal = refusals.find(one => one.seed === seed && one.remedy === undefined)
  return refusal === undefined ? {} : { refusal: `${refusal.reason}: ${refusal.message}` }
}

async function isSeed ({ libp2p }: Peer, id: PeerId): Promise<boolean> {
  try {
    return (await libp2p.peerStore.get(peerIdFromString(id.toString()))).protocols.includes(PROTOCOLS.seed)
  } catch {
    return false
  }
}
