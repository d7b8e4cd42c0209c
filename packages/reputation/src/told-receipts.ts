/** Which of its receipts a peer tells another of: what it, as a consumer, has to say of others. Pure. */
import type { ReceiptProof } from '@skein/records'

/** Most receipts told at once. */
export const MAX_TOLD_RECEIPTS = 64
/** Most bytes of the message that tells of them. */
export const MAX_TOLD_BYTES = 40 * 1024
/** Of a receipt in that message: tags and lengths. */
const FRAMING_BYTES = 16

/**
 * The freshest of each provider first, then the next of each, within both bounds: 64 receipts of one provider would say little more than one.
 * Nothing of what `asker` did, which it knows best.
 */
export function receiptsToTell (proofs: Iterable<ReceiptProof>, self: string, asker: string, maxReceipts: number, nowMs: number): ReceiptProof[] {
  const own = [...proofs].filter(({ receipt, byConsumer }) =>
    receipt.consumer === self && byConsumer !== undefined && receipt.provider !== asker && receipt.expiresAtMs > nowMs)
  const byProvider = [...Map.groupBy(own, ({ receipt }) => receipt.provider).values()]
    .map(ofOne => ofOne.toSorted((a, b) => b.receipt.issuedAtMs - a.receipt.issuedAtMs))
    .toSorted((a, b) => (b[0] as ReceiptProof).receipt.issuedAtMs - (a[0] as ReceiptProof).receipt.issuedAtMs)
  const told: ReceiptProof[] = []
  let bytes = 0
  for (let turn = 0; turn < Math.max(0, ...byProvider.map(({ length }) => length)); turn++) {
    for (const ofOne of byProvider) {
      const proof = ofOne[turn]
      const size = proof === undefined ? 0 : (proof.byConsumer?.length ?? 0) + (proof.byProvider?.length ?? 0) + FRAMING_BYTES
      if (told.length >= Math.min(maxReceipts, MAX_TOLD_RECEIPTS) || bytes + size > MAX_TOLD_BYTES) {
        return told
      }
      if (proof !== undefined) {
        told.push(proof)
        bytes += size
      }
    }
  }
  return told
}
