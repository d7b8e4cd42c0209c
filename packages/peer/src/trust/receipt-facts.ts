/** What a receipt says of a request, from what one side of it saw. Both sides reckon by these rules, so that honest ones agree. */
import { toHex } from '@skein/core'
import type { EndedCall } from '@skein/inference'
import type { InferenceReceipt } from '@skein/records'

const MAX_UINT32 = 0xffffffff
const MAX_DURATION_MS = 86_400_000

export interface ReceiptParties {
  provider: string
  consumer: string
}

/** `undefined` of a request that the caller left: it says nothing of who served. */
export function receiptFacts (call: EndedCall, { provider, consumer }: ReceiptParties, lifeMs: number, nowMs: number): InferenceReceipt | undefined {
  const { nonce, model, outcome, path, bytes, deltas, firstDeltaMs } = call
  if (outcome === 'abandoned' || nonce.length !== 16 || provider === consumer) {
    return undefined
  }
  const issuedAtMs = Math.floor(nowMs)
  const durationMs = Math.min(MAX_DURATION_MS, Math.round(call.durationMs))
  return {
    kind: 'inference',
    requestId: toHex(nonce),
    provider,
    consumer,
    outcome,
    path,
    model,
    ...tokensOf(call),
    ...(firstDeltaMs === undefined || deltas === 0 ? {} : { firstTokenMs: Math.min(durationMs, Math.round(firstDeltaMs)) }),
    durationMs,
    bytes,
    issuedAtMs,
    expiresAtMs: issuedAtMs + lifeMs
  }
}

/**
 * Tokens as `usage` counts them, which is the provider's word: so many tokens out as there are bytes in the answer at most, since each has one at
 * least. Without usage, and where it claims more, the pieces of content count as tokens.
 */
export function tokensOf ({ usage, deltas, bytes }: Pick<EndedCall, 'usage' | 'deltas' | 'bytes'>): { tokensIn: number, tokensOut: number } {
  const tokensOut = countIn(usage?.completion_tokens)
  return {
    tokensIn: countIn(usage?.prompt_tokens) ?? 0,
    tokensOut: tokensOut === undefined || tokensOut > bytes ? Math.min(MAX_UINT32, deltas) : tokensOut
  }
}

function countIn (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_UINT32 ? value : undefined
}
