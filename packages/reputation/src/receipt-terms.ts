/**
 * Whether one party's facts agree with the other's: who countersigns compares what it is offered with what it measured itself. Both then sign the
 * offered figures, so what they may differ by is bounded here.
 */
import type { Receipt } from '@skein/records'

/** Tokenizers and usage reports differ a little; a share of the larger figure, and a few. */
const TOKEN_TOLERANCE = { share: 0.05, absolute: 8 }
/** Frames and their overhead are not counted alike. */
const BYTE_TOLERANCE = { share: 0.1, absolute: 4096 }
/** The consumer's times have the network in them, both ways, and a relay's queue. */
const TIME_TOLERANCE = { share: 0.2, absolute: 5000 }

/** Which fact is not agreed on; `undefined` when all are. `mine` is what this party measured. */
export function disagreement (mine: Receipt, offered: Receipt): string | undefined {
  for (const field of ['kind', 'requestId', 'provider', 'consumer'] as const) {
    if (mine[field] !== offered[field]) {
      return field
    }
  }
  if (!outcomesAgree(mine, offered)) {
    return 'outcome'
  }
  if (!within(mine.bytes, offered.bytes, BYTE_TOLERANCE)) {
    return 'bytes'
  }
  if (!within(mine.durationMs, offered.durationMs, TIME_TOLERANCE)) {
    return 'durationMs'
  }
  if (mine.kind === 'inference' && offered.kind === 'inference') {
    if (mine.model !== offered.model) {
      return 'model'
    }
    for (const field of ['tokensIn', 'tokensOut'] as const) {
      if (!within(mine[field], offered[field], TOKEN_TOLERANCE)) {
        return field
      }
    }
    if (mine.firstTokenMs !== undefined && offered.firstTokenMs !== undefined && !within(mine.firstTokenMs, offered.firstTokenMs, TIME_TOLERANCE)) {
      return 'firstTokenMs'
    }
  }
}

/** An answer may break off on the way: what one side sent in full may have come truncated, or not at all. */
function outcomesAgree (mine: Receipt, offered: Receipt): boolean {
  const failed = (outcome: string): boolean => outcome === 'failed' || outcome === 'truncated'
  return mine.outcome === offered.outcome || (failed(mine.outcome) && failed(offered.outcome))
}

function within (a: number, b: number, { share, absolute }: { share: number, absolute: number }): boolean {
  return Math.abs(a - b) <= Math.max(absolute, share * Math.max(a, b))
}
