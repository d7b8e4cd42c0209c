/** An honest newcomer: connects, is identified, registers, and tells how long that took. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { pbStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createPeer } from '@skein/peer'
import { PROTOCOLS, SeedRequest, SeedResponse, signCapabilities } from '@skein/records'
import { expect } from 'chai'
import type { PrivateKey } from '@libp2p/interface'
import type { Peer } from '@skein/peer'
import type { AttackedSeed } from './attacked-seed.ts'

/** A peer that dials from `localAddress`. */
export async function peerFrom (localAddress: string, privateKey?: PrivateKey): Promise<Peer> {
  return await createPeer({ listen: [], client: true, relay: 'off', privateKey, transports: () => [tcp({ dialOpts: { localAddress } as object })] })
}

export async function registrationOf (
  privateKey: PrivateKey, changes: { seq?: number, issuedAtMs?: number, expiresAtMs?: number } = {}
): Promise<Uint8Array<ArrayBuffer>> {
  const nowMs = Date.now()
  const { envelope } = await signCapabilities({
    peer: peerIdFromPrivateKey(privateKey).toString(), chipFamily: '', chipName: '', ramBytes: 1 << 30, vramBytes: 0, memoryBandwidthGBPerSecond: 0,
    tier: 2, gpuBackend: '', platform: 'linux', region: '', onMainsPower: true, loadedModels: [], swappableModels: [], maxConcurrent: 1, queueDepth: 0,
    effectiveContext: 0, priceMicros: 0, tasks: [], addresses: [], seq: 1, issuedAtMs: nowMs, expiresAtMs: nowMs + 300_000, ...changes
  }, privateKey)
  return Uint8Array.from(envelope)
}

export async function ask (peer: Peer, address: string, request: Partial<SeedRequest>): Promise<SeedResponse> {
  const stream = await peer.libp2p.dialProtocol(multiaddr(address), PROTOCOLS.seed, { signal: AbortSignal.timeout(10_000) })
  const messages = pbStream(stream)
  await messages.write(request as SeedRequest, SeedRequest)
  const response = await messages.read(SeedResponse, { signal: AbortSignal.timeout(10_000) })
  await stream.close()
  return response
}

/** How long one takes to join, ms. */
export async function joinFrom (localAddress: string, seed: AttackedSeed): Promise<number> {
  const privateKey = await generateKeyPair('Ed25519')
  const peer = await peerFrom(localAddress, privateKey)
  try {
    const { address } = seed.target
    // later than what the peer says of itself when it has found a seed
    const capabilities = await registrationOf(privateKey, { seq: Date.now() * 2 })
    const identified = new Promise(resolve => { peer.libp2p.addEventListener('peer:identify', resolve, { once: true }) })
    const startMs = performance.now()
    await peer.libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(10_000) })
    await identified
    const { refused, lifeMs } = await ask(peer, address, { capabilities, wantPeers: 5 })
    if (refused !== '' || lifeMs <= 0) {
      throw new Error(`The honest peer was refused: ${refused}`)
    }
    return performance.now() - startMs
  } finally {
    await peer.stop()
  }
}

/** One joins after the other, each from an address of its own, and all the times come back. */
export async function honestJoins (seed: AttackedSeed, count: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    times.push(await joinFrom(`127.9.9.${(nextHost++ % 250) + 1}`, seed))
  }
  return times
}

let nextHost = 0

/** The deadline of a join, ms. */
const JOIN_MS = 2_000
/** A join that nothing disturbs is quicker than this on a machine with a core to spare, ms. */
const CALM_JOIN_MS = 250

/**
 * Fails when half of the joins took longer than 2 s. Where a join without an attack is slow, because the machine does other work, that much longer.
 *
 * @param calmMs - joins before and after the attack
 */
export function expectInTime (joinsMs: number[], calmMs: number[]): void {
  const deadlineMs = JOIN_MS * Math.max(1, Math.max(...calmMs) / CALM_JOIN_MS)
  const median = joinsMs.toSorted((a, b) => a - b)[Math.floor((joinsMs.length - 1) / 2)]
  expect(median, `honest joins of ${joinsMs.map(ms => ms.toFixed(0)).join(', ')} ms`).to.be.below(deadlineMs)
}
