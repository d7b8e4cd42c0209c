/** One thing that may stand in the way of reaching a peer, and the rule that tells whether it does. */
import type { ReachFindings } from './findings.ts'
import type { ReachVerdict } from './reach-verdict.ts'

/**
 * - `error`: must be mended for the peer to work
 * - `warning`: it works, worse than it could
 * - `hint`: good to know
 */
export type ProblemSeverity = 'error' | 'warning' | 'hint'

export type ProblemCode =
  | 'no_seed_given' | 'no_seed_answered' | 'seed_silent' | 'seed_refuses' | 'listen_failed' | 'not_listening' | 'announced_wrong' | 'port_closed'
  | 'mapping_useless' | 'firewall' | 'carrier_nat' | 'double_nat' | 'symmetric_nat' | 'udp_blocked' | 'nat_unknown' | 'no_verifier' | 'no_relay'
  | 'single_relay' | 'clock_wrong' | 'no_ipv6' | 'ipv6_closed' | 'ipv6_unused' | 'port_not_fixed'

export interface ReachProblem {
  code: ProblemCode
  severity: ProblemSeverity
  /** What was found, in a sentence */
  what: string
  /** What to do about it, in a sentence */
  advice: string
}

export type ProblemRule = (findings: ReachFindings, verdict: ReachVerdict) => ReachProblem | undefined
