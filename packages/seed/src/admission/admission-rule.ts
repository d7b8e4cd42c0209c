/** What a rule of admission is: it looks at what a peer presents, and says later whether that still holds. */
import type { AdmissionProblem, AdmissionRuleName } from './admission-policy.ts'

export type RuleVerdict =
  /** `evidence` is what the rule needs in order to look again: short, for there is one for each peer that was admitted */
  | { met: true, untilMs: number, evidence: string }
  | { met: false, problem: AdmissionProblem, message: string }

export interface AdmissionRule {
  readonly name: AdmissionRuleName
  /** Where what it asks for is to be had, for a person; may be empty */
  readonly where: string
  /** Doublings of a puzzle's work */
  readonly puzzleBits?: number
  /** `parts` is what the peer presents for this rule, empty when it presents nothing. Must not throw for what a peer did wrong */
  check: (peer: string, parts: Uint8Array[], nowMs: number, signal: AbortSignal) => Promise<RuleVerdict>
  /** Whether what was met still is: its authority, list or book may have changed since */
  holds: (peer: string, evidence: string, nowMs: number, signal: AbortSignal) => Promise<RuleVerdict>
}

export function unmet (problem: AdmissionProblem, message: string): RuleVerdict {
  return { met: false, problem, message }
}
