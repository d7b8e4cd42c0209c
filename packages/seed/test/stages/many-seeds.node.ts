import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createPeer } from '@skein/peer'
import { signCapabilities } from '@skein/records'
import { expect } from 'chai'
import { createSeed } from '../../src/index.ts'
import type { Peer } from '@skein/peer'
import type { Seed } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }

/** Peers that are not there, each with a record that is signed as it should be. */
async function inventedPeers (count: number): Promise<Array<Uint8Array<ArrayBuffer>>> {
  return await Promise.all(Array.from({ length: count }, async (_, i) => {
    const privateKey = await generateKeyPair('Ed25519')
    const nowMs = Date.now()
    const { envelope } = await signCapabilities({
      peer: peerIdFromPrivateKey(privateKey).toString(), addresses: [`/ip4/127.0.0.1/tcp/${i + 1}`],
      chipFamily: '', chipName: '', ramBytes: 0, vramBytes: 0, memoryBandwidthGBPerSecond: 0, tier: 2, gpuBackend: '', platform: 'linux', region: '',
      onMainsPower: true, loadedModels: [], swappableModels: [], maxConcurrent: 1, queueDepth: 0, effectiveContext: 0, priceMicros: 0, tasks: [],
      seq: 1, issuedAtMs: nowMs, expiresAtMs: nowMs + 300_000
    }, privateKey)
    return Uint8Array.from(envelope)
  }))
}

describe('a newcomer with several seeds', function () {
  this.timeout(60_000)
  const seeds: Seed[] = []
  const peers: Peer[] = []

  afterEach(async () => {
    await Promise.all(peers.splice(0).map(async peer => { await peer.stop() }))
    await Promise.all(seeds.splice(0).map(async seed => { await seed.stop() }))
  })

  it('joins though one is dead and one lies, and finds what is served', async () => {
    const honest = await createSeed(LISTEN)
    const liar = await createSeed(LISTEN)
    const dead = await createSeed(LISTEN)
    seeds.push(honest, liar)
    const deadAddresses = dead.addresses
    await dead.stop()
    const invented = await inventedPeers(20)
    liar.service.registry.sample = async () => invented

    for (let i = 0; i < 6; i++) {
      peers.push(await createPeer({ ...LISTEN, bootstrap: honest.addresses }))
    }
    await peers[0]?.serve('m', async () => 'true')
    const newcomer = await createPeer({ ...LISTEN, bootstrap: [...deadAddresses, ...liar.addresses, ...honest.addresses] })
    peers.push(newcomer)
    expect(await newcomer.chat({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }).text()).to.equal('true')
    const others = new Set(peers.map(peer => peer.id))
    while (newcomer.libp2p.getPeers().filter(peer => others.has(peer.toString())).length < 4) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    // it is registered with both that live
    while (honest.service.registry.size < 7 || liar.service.registry.size < 1) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  })
})
