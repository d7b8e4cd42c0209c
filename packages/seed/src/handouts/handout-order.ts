/** Which registered peers a newcomer is named: those that a seed found missing go last. Pure. */
import { readCapabilities } from '@skein/records'
import type { ReputationLedger } from '@skein/reputation'

/** The service under which a ledger keeps whether a peer was there when it was looked for. */
export const PRESENCE_SERVICE = 'presence'

/** A seed asks its registry for this many times as many as it hands out, so that the missing ones need not be among them. */
export const DRAWN_PER_HANDED_OUT = 1.5

/** Of a newcomer's score; one that was looked for three times in vain, and never found, has less. */
const MISSING_SHARE = 0.4

export interface HandoutOrderInit {
  ledger: Pick<ReputationLedger, 'dealings' | 'score' | 'newcomerScore'>
  nowMs: number
}

/** Whether a peer was looked for and was not there, more often than can be bad luck. */
export function isMissing (peer: string, { ledger, nowMs }: HandoutOrderInit): boolean {
  return ledger.dealings(peer, PRESENCE_SERVICE) !== undefined &&
    ledger.score(peer, PRESENCE_SERVICE, nowMs) < MISSING_SHARE * ledger.newcomerScore(peer, nowMs)
}

/** The first `count` of signed registrations; the order is kept, but that those of missing peers come last. */
export function handoutOrder<E extends Uint8Array> (envelopes: readonly E[], count: number, init: HandoutOrderInit): E[] {
  const missingOnes = new Set(envelopes.filter(envelope => isMissing(readCapabilities(envelope).peer, init)))
  const present = envelopes.filter(envelope => !missingOnes.has(envelope))
  return [...present, ...missingOnes].slice(0, count)
}
