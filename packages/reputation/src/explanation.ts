/** Why a score is what it is, for programs and for people. */
import { FAILURE_WEIGHT, HALF_LIFE_MS } from './evidence.ts'
import { MAX_GAIN_PER_DAY } from './standing.ts'
import type { WitnessPull } from './witness-rule.ts'

export interface Explanation {
  peer: string
  service: string
  /** 0 to 1 */
  score: number
  /** What a newcomer of its network would have */
  newcomerScore: number
  /** This peer's own dealings with it, faded to now; left out when there were none */
  firstHand?: {
    good: number
    bad: number
    /** Receipts and other evidence that were counted, not faded */
    counted: number
    sinceMs: number
    lastMs: number
    /** What they alone let expect, 0 to 1 */
    expects: number
  }
  /** Who else was listened to, those that move the score most first; 20 at most */
  witnesses: WitnessPull[]
  /** By what share all witnesses together move the score */
  pull: number
  /** What the score would be but for the limit of its rise */
  target: number
  /** The rise was limited to this */
  limit?: number
  /** The same in sentences */
  reasons: string[]
}

export const SHOWN_WITNESSES = 20

const DAY_MS = 86_400_000

export function reasonsOf (explanation: Omit<Explanation, 'reasons'>, nowMs: number): string[] {
  const { firstHand, witnesses, pull, target, limit, newcomerScore } = explanation
  const reasons: string[] = []
  if (firstHand === undefined || firstHand.counted === 0) {
    reasons.push(`never dealt with: it stands as a newcomer of its network, ${figure(newcomerScore)}`)
  } else {
    const { good, bad, counted, sinceMs, lastMs, expects } = firstHand
    reasons.push(`${counted} ${counted === 1 ? 'dealing' : 'dealings'} since ${days(nowMs - sinceMs)} ago, the last ${days(nowMs - lastMs)} ago; ` +
      `faded by half each ${HALF_LIFE_MS / DAY_MS} days they count as ${figure(good)} delivered and ` +
      `${figure(bad)} failed (each failure as ${FAILURE_WEIGHT} deliveries): ${figure(expects)}`)
  }
  if (witnesses.length > 0) {
    const capped = witnesses.filter(({ cappedBy }) => cappedBy !== undefined).length
    reasons.push(`${witnesses.length}${witnesses.length === SHOWN_WITNESSES ? ' or more' : ''} witnesses move it by ${(100 * pull).toFixed(1)} %` +
      (capped === 0 ? '' : `; ${capped} of them would have moved it more than their cap lets them`))
  }
  if (limit !== undefined) {
    reasons.push(`it would be ${figure(target)}, but rises by ${MAX_GAIN_PER_DAY} a day at most`)
  }
  return reasons
}

function figure (value: number): string {
  return value.toFixed(2)
}

function days (ms: number): string {
  return ms >= DAY_MS ? `${(ms / DAY_MS).toFixed(1)} days` : `${(ms / 3_600_000).toFixed(1)} hours`
}
