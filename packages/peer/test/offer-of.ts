/** Offers for tests. */
import type { Offer } from '@skein/records'

export function offerOf (changes: Partial<Offer> & { peer: string }): Offer {
  return {
    model: 'm', tasks: ['chat'], effectiveContext: 4_096, tokensPerSecond: 40, queueDepth: 0, maxConcurrent: 2, priceMicros: 0, region: 'eu-west', tier: 2,
    deterministic: false, addresses: [], seq: 1, issuedAtMs: 0, expiresAtMs: 120_000, withdrawn: false, ...changes
  }
}
