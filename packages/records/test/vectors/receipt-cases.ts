/** What the vectors of receipts are made of: two keys, and a receipt of each kind. */
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { Receipt } from '../../src/index.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The key whose seed is the bytes from `first` to `first` + 31. */
function keyOf (first: number): PrivateKey {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => first + i)
  return privateKeyFromRaw(Uint8Array.from([...seed, ...ed25519.getPublicKey(seed)]))
}

export const consumerKey = keyOf(0)
export const providerKey = keyOf(1)
export const consumer = peerIdFromPrivateKey(consumerKey).toString()
export const provider = peerIdFromPrivateKey(providerKey).toString()
export const ISSUED_AT_MS = 1_800_000_000_000

const parties = { provider, consumer, issuedAtMs: ISSUED_AT_MS, expiresAtMs: ISSUED_AT_MS + 30 * 86_400_000 }

export const RECEIPTS: Array<{ name: string, receipt: Receipt }> = [
  {
    name: 'a complete answer',
    receipt: {
      kind: 'inference', requestId: '000102030405060708090a0b0c0d0e0f', ...parties, outcome: 'complete', path: 'direct', bytes: 5120,
      model: 'llama-3.2:3b', tokensIn: 42, tokensOut: 256, firstTokenMs: 180, durationMs: 6300
    }
  },
  {
    name: 'a refusal: nothing came',
    receipt: {
      kind: 'inference', requestId: 'ffeeddccbbaa99887766554433221100', ...parties, outcome: 'refused', path: 'relayed', bytes: 0,
      model: 'm', tokensIn: 0, tokensOut: 0, durationMs: 12
    }
  },
  {
    name: 'what a relay carried in ten minutes',
    receipt: {
      kind: 'relay', requestId: '101112131415161718191a1b1c1d1e1f', ...parties, outcome: 'complete', path: 'direct', bytes: 5_000_000_000,
      durationMs: 600_000
    }
  }
]
