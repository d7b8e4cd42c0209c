/** Registrations as a network would send them: regions and models by popularity, records of real shape; keys and signatures are random bytes. */
import { generateKeyPair, publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { randomBelow, randomBytes, randomFloat } from '@skein/core'
import { signCapabilities } from '@skein/records'
import { knownRegions } from '@skein/routing'
import type { Random } from '@skein/core'
import type { Capabilities, SignedCapabilities } from '@skein/records'

export const MODELS = 500
const TEMPLATES = 400
const KEY_AT = 6
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** Zipf with exponent 1, by the inverse of its continuous form. */
export function popular (random: Random, count: number): number {
  return Math.min(count - 1, Math.floor(count ** randomFloat(random)) - 1)
}

export function modelName (number: number): string {
  return `model-${number}-${1 + number % 70}b-q4`
}

/** Signs `TEMPLATES` records; each call of the result makes another peer of one of them. */
export async function population (random: Random, nowMs: number): Promise<() => { capabilities: Capabilities, envelope: Uint8Array }> {
  const templates: SignedCapabilities[] = []
  for (let i = 0; i < TEMPLATES; i++) {
    templates.push(await signed(random, nowMs))
  }
  return () => {
    const { capabilities, envelope } = templates[randomBelow(random, templates.length)] as SignedCapabilities
    const copy = Uint8Array.from(envelope)
    const key = randomBytes(random, KEY_BYTES)
    copy.set(key, KEY_AT)
    copy.set(randomBytes(random, SIGNATURE_BYTES), copy.length - SIGNATURE_BYTES)
    const address = randomBytes(random, 4).join('.')
    const peer = peerIdFromPublicKey(publicKeyFromRaw(key)).toString()
    return {
      capabilities: { ...capabilities, peer, addresses: [`/ip4/${address}/tcp/7310`] },
      envelope: copy
    }
  }
}

export async function signed (random: Random, nowMs: number): Promise<SignedCapabilities> {
  const key = await generateKeyPair('Ed25519')
  const regions = knownRegions()
  const models = Array.from({ length: randomBelow(random, 4) === 0 ? 2 : 1 }, () => modelName(popular(random, MODELS)))
  const tier = 1 + randomBelow(random, 4)
  return await signCapabilities({
    peer: peerIdFromPrivateKey(key).toString(), chipFamily: 'nvidia', chipName: 'RTX 4070',
    ramBytes: 2 ** (33 + randomBelow(random, 4)), vramBytes: tier < 3 ? 2 ** (33 + randomBelow(random, 3)) : 0,
    memoryBandwidthGBPerSecond: 400, tier, gpuBackend: 'cuda', platform: 'linux',
    region: regions[popular(random, regions.length)] ?? '', onMainsPower: true,
    loadedModels: [...new Set(models)], swappableModels: randomBelow(random, 3) === 0 ? [modelName(popular(random, MODELS))] : [],
    maxConcurrent: 1 + randomBelow(random, 8), queueDepth: randomBelow(random, 4), effectiveContext: 8192 * 2 ** randomBelow(random, 3),
    priceMicros: randomBelow(random, 2) * 100_000, tasks: ['chat'],
    addresses: ['/ip4/203.0.113.7/tcp/7310', '/ip4/203.0.113.7/tcp/7311/ws'].slice(0, randomBelow(random, 3) === 0 ? 2 : 1),
    seq: nowMs, issuedAtMs: nowMs, expiresAtMs: nowMs + 300_000
  }, key)
}
