/** Records, receipts and peers for tests. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { countersignReceipt, joinReceipts, signReceipt } from '@skein/records'
import type { StandingRecord } from '../src/index.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { InferenceReceipt, Receipt, ReceiptProof } from '@skein/records'

export const NOW_MS = 1_800_000_000_000
export const DAY_MS = 86_400_000

export function standingNumber (peer: string, i: number): StandingRecord {
  return {
    type: 'standing', peer, service: 'inference', good: i % 50, bad: 0, atMs: NOW_MS + i, score: 0.2, scoredMs: NOW_MS, sinceMs: NOW_MS, counted: i
  }
}

let requests = 0

/** A receipt nobody signed, for what does not look at signatures; both envelopes are stand-ins. */
export function proof (changes: Partial<InferenceReceipt> = {}, signed: 'both' | 'consumer' | 'provider' = 'both'): ReceiptProof {
  return {
    receipt: receipt(changes),
    byConsumer: signed === 'provider' ? undefined : Uint8Array.of(1),
    byProvider: signed === 'consumer' ? undefined : Uint8Array.of(2)
  }
}

export function receipt (changes: Partial<InferenceReceipt> = {}): InferenceReceipt {
  const issuedAtMs = changes.issuedAtMs ?? NOW_MS
  return {
    kind: 'inference', requestId: (++requests).toString(16).padStart(32, '0'), provider: 'provider', consumer: 'me', outcome: 'complete', path: 'direct',
    bytes: 1000, model: 'm', tokensIn: 10, tokensOut: 100, firstTokenMs: 50, durationMs: 1000, issuedAtMs, expiresAtMs: issuedAtMs + 30 * DAY_MS, ...changes
  }
}

export interface Identity {
  name: string
  key: PrivateKey
}

export async function identity (): Promise<Identity> {
  const key = await generateKeyPair('Ed25519')
  return { name: peerIdFromPrivateKey(key).toString(), key }
}

export async function signedByBoth (what: Receipt, consumer: Identity, provider: Identity): Promise<ReceiptProof> {
  const first = await signReceipt(what, consumer.key)
  return joinReceipts([first, await countersignReceipt(first, provider.key)])
}
