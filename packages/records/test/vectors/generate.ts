/** Writes the vectors of records: `node --conditions=skein-source packages/records/test/vectors/generate.ts`. Change them only with a new version of a record. */
import { writeFile } from 'node:fs/promises'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '@skein/core'
import { signCapabilities, signOffer } from '../../src/index.ts'

// the seed of the key is the bytes 0 to 31, as in the test keys of RFC 8032's style
const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
const { ed25519 } = await import('@noble/curves/ed25519.js')
const privateKey = privateKeyFromRaw(Uint8Array.from([...seed, ...ed25519.getPublicKey(seed)]))
const peer = peerIdFromPrivateKey(privateKey).toString()
const issuedAtMs = 1_790_000_000_000

const offers = [
  {
    name: 'an offer with every field',
    record: {
      peer, model: 'llama-3.2:3b', tasks: ['chat', 'completion'], effectiveContext: 8192, tokensPerSecond: 42.5, queueDepth: 1, maxConcurrent: 4,
      priceMicros: 150_000, region: 'eu-west', tier: 2, deterministic: true, addresses: ['/ip4/192.0.2.7/tcp/4001', '/ip6/2001:db8::7/tcp/4001'],
      seq: 7, issuedAtMs, expiresAtMs: issuedAtMs + 120_000, withdrawn: false
    }
  },
  {
    name: 'an offer taken back, with nothing else set',
    record: {
      peer, model: 'm', tasks: [], effectiveContext: 0, tokensPerSecond: 0, queueDepth: 0, maxConcurrent: 0, priceMicros: 0, region: '', tier: 4,
      deterministic: false, addresses: [], seq: 8, issuedAtMs, expiresAtMs: issuedAtMs + 60_000, withdrawn: true
    }
  }
]
const capabilities = [
  {
    name: 'capabilities with every field',
    record: {
      peer, chipFamily: 'appleSilicon', chipName: 'M3 Max', ramBytes: 68_719_476_736, vramBytes: 0, memoryBandwidthGBPerSecond: 400, tier: 2,
      gpuBackend: 'metal', platform: 'macOS', region: 'us-central', onMainsPower: true, loadedModels: ['llama-3.2:3b'], swappableModels: ['qwen3:8b'],
      maxConcurrent: 4, queueDepth: 1, effectiveContext: 8192, priceMicros: 150_000, tasks: ['chat'], addresses: ['/ip4/192.0.2.7/tcp/4001'],
      seq: 9, issuedAtMs, expiresAtMs: issuedAtMs + 300_000
    }
  },
  {
    name: 'capabilities of a relay',
    record: {
      peer, chipFamily: '', chipName: '', ramBytes: 1_073_741_824, vramBytes: 0, memoryBandwidthGBPerSecond: 0, tier: 1, gpuBackend: 'cpu',
      platform: 'linux', region: 'eu-west', onMainsPower: true, loadedModels: [], swappableModels: [], maxConcurrent: 0, queueDepth: 0,
      effectiveContext: 0, priceMicros: 0, tasks: [], addresses: ['/ip4/192.0.2.9/tcp/7310'],
      relay: { reservations: 12, maxReservations: 1000, circuits: 3, maxCircuits: 500 }, seq: 10, issuedAtMs, expiresAtMs: issuedAtMs + 300_000
    }
  }
]

const vectors = {
  privateKeySeed: toHex(seed),
  peer,
  offers: await Promise.all(offers.map(async ({ name, record }) => ({ name, record, envelope: toHex((await signOffer(record, privateKey)).envelope) }))),
  capabilities: await Promise.all(capabilities.map(async ({ name, record }) => ({ name, record, envelope: toHex((await signCapabilities(record, privateKey)).envelope) })))
}
await writeFile(new URL('records.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`)
