/** Peers that are not there, each with a record that is signed as it should be: what a lying seed names. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { signCapabilities } from '@skein/records'

export async function inventedPeers (count: number): Promise<Array<Uint8Array<ArrayBuffer>>> {
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
