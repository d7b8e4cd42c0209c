/**
 * What is said in the topic of a model: a provider's signed offer, as it is stored in the DHT too. Its own signature is not checked: GossipSub has
 * checked that of the publisher over these very bytes, and a second check would double what a message costs. So an offer from here is believed, but
 * whoever passes it on elsewhere has to open it first.
 */
import { readOffer, RecordError } from '@skein/records'
import { MAX_OVERLAY_BYTES } from './overlay-topic.ts'
import type { TopicMessage } from '@skein/core'
import type { SignedOffer } from '@skein/records'

export type OverlayMessage =
  | { verdict: 'accept', signed: SignedOffer }
  /** Clocks differ: an offer that has expired, or is from the future, says nothing about who sent it */
  | { verdict: 'ignore' }
  | { verdict: 'reject' }

/** Whether a message is what it should be, as far as can be said from it alone. */
export function readOverlayMessage (model: string, { data, from }: Pick<TopicMessage, 'data' | 'from'>, nowMs: number): OverlayMessage {
  if (data.length > MAX_OVERLAY_BYTES) {
    return { verdict: 'reject' }
  }
  try {
    // the bytes are part of a larger buffer that need not stay in memory
    const signed = readOffer(Uint8Array.from(data), nowMs)
    return signed.offer.peer === from && signed.offer.model === model ? { verdict: 'accept', signed } : { verdict: 'reject' }
  } catch (error) {
    const isLate = error instanceof RecordError && (error.reason === 'expired' || error.reason === 'future')
    return { verdict: isLate ? 'ignore' : 'reject' }
  }
}
