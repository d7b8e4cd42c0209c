/** A seed with a policy on loopback, and peers that come to it. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { systemClock } from '@skein/core/system'
import { createPeer } from '@skein/peer'
import { credentialText, parseCredentials, signCredential } from '@skein/records'
import { createLibp2p } from 'libp2p'
import { createSeed, parsePolicy } from '../../src/index.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Peer, PeerInit, SeedRefusal } from '@skein/peer'
import type { PeerCredential } from '@skein/records'
import type { AdmissionRule, Seed, SeedInit } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
const DAY_MS = 86_400_000

export interface Visitor {
  peer: Peer
  refusals: SeedRefusal[]
}

export class AdmittedWorld {
  readonly clock = systemClock()
  private readonly stops: Array<() => Promise<unknown>> = []

  async seed (policy: string, rules: AdmissionRule[], init: SeedInit = {}): Promise<Seed> {
    const seed = await createSeed({ ...LISTEN, admission: { policy: parsePolicy(policy), rules }, ...init })
    this.stops.push(async () => { await seed.stop() })
    return seed
  }

  async visit (seed: { addresses: string[] }, init: PeerInit = {}): Promise<Visitor> {
    const refusals: SeedRefusal[] = []
    const peer = await createPeer({
      ...LISTEN, bootstrap: seed.addresses, gossip: false, pex: false, onSeedRefusal: refusal => { refusals.push(refusal) }, ...init
    })
    this.stops.push(async () => { await peer.stop() })
    return { peer, refusals }
  }

  /** One that is connected and does nothing by itself. */
  async bareNode (seed: Seed): Promise<Libp2p> {
    const node = await createLibp2p({
      transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()], connectionMonitor: { enabled: false }, services: { identify: identify() }
    })
    this.stops.push(async () => { await node.stop() })
    await node.dial(multiaddr(seed.addresses[0]))
    return node
  }

  async isRegistered (seed: Seed, peer: string): Promise<boolean> {
    return await seed.service.registry.get(peer, this.clock.nowMs()) !== undefined
  }

  async registered (seed: Seed, peer: string): Promise<void> {
    await until(async () => await this.isRegistered(seed, peer))
  }

  async stop (): Promise<void> {
    await Promise.all(this.stops.splice(0).map(async stop => { await stop() }))
  }
}

export async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

export interface Identity {
  privateKey: PrivateKey
  id: string
}

export async function identity (type: 'Ed25519' | 'secp256k1' = 'Ed25519'): Promise<Identity> {
  const privateKey = await generateKeyPair(type)
  return { privateKey, id: peerIdFromPrivateKey(privateKey).toString() }
}

let ids = 0

/** A token as `skein peer --credential` reads it from its file. */
export async function token (
  authority: Identity, subject: string, options: { lifeMs?: number, ageMs?: number } = {}
): Promise<{ id: string, credentials: PeerCredential[], envelope: Uint8Array<ArrayBuffer> }> {
  const id = (++ids).toString(16).padStart(32, '0')
  const issuedAtMs = Date.now() - (options.ageMs ?? 0)
  const envelope = await signCredential(
    { id, subject, issuedAtMs, expiresAtMs: issuedAtMs + (options.lifeMs ?? DAY_MS), note: '' }, authority.privateKey)
  return { id, credentials: parseCredentials(credentialText(envelope)), envelope }
}
