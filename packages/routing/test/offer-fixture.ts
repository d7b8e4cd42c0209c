/** Offers for tests of the rules, where nobody looks at signatures. */
import type { Offer, SignedOffer } from '@skein/records'

let count = 0

export function offerOf (fields: Partial<Offer> = {}, envelopeBytes = 300): SignedOffer {
  const number = count++
  const offer: Offer = {
    peer: `peer-${number}`,
    model: 'llama',
    tasks: ['chat'],
    effectiveContext: 8192,
    tokensPerSecond: 50,
    queueDepth: 0,
    maxConcurrent: 4,
    priceMicros: 100,
    region: 'eu-west',
    tier: 2,
    deterministic: false,
    addresses: [`/ip4/10.${(number >> 8) & 255}.${number & 255}.1/tcp/1`],
    seq: 1,
    issuedAtMs: 0,
    expiresAtMs: 120_000,
    withdrawn: false,
    ...fields
  }
  const envelope = new Uint8Array(envelopeBytes)
  new DataView(envelope.buffer).setUint32(0, number)
  return { offer, envelope }
}
