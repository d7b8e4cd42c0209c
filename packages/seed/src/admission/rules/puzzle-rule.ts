/** The rule `puzzle`: work has been done for the peer's id, in this window of time or the one before. */
import { checkPuzzle, DEFAULT_PUZZLE_BITS } from '@skein/records/puzzle'
import { unmet } from '../admission-rule.ts'
import type { RecordError } from '@skein/records'
import type { AdmissionRule, RuleVerdict } from '../admission-rule.ts'

export interface PuzzleRuleInit {
  /** Doublings of the work; a smaller number costs an attacker less @default 1, about a second on an ordinary machine */
  bits?: number
}

export function puzzleRule ({ bits = DEFAULT_PUZZLE_BITS }: PuzzleRuleInit = {}): AdmissionRule {
  const check = (peer: string, solution: Uint8Array | undefined, nowMs: number): RuleVerdict => {
    if (solution === undefined) {
      return unmet('missing', 'Solve the puzzle of your peer id; a Skein peer does so by itself')
    }
    try {
      const untilMs = checkPuzzle(peer, solution, bits, nowMs)
      return untilMs > nowMs ? { met: true, untilMs, evidence: String(untilMs) } : unmet('expired', 'The solution is of a time that is over')
    } catch (error) {
      const { reason, message } = error as RecordError
      return unmet(reason === 'expired' ? 'expired' : 'invalid', message)
    }
  }
  return {
    name: 'puzzle',
    where: '',
    puzzleBits: bits,
    check: async (peer, [solution], nowMs) => check(peer, solution, nowMs),
    holds: async (_peer, evidence, nowMs) => Number(evidence) > nowMs
      ? { met: true, untilMs: Number(evidence), evidence }
      : unmet('expired', 'The solution is of a time that is over')
  }
}
