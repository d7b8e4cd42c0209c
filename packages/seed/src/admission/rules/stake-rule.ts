/** The rule `stake`: somebody has put down enough for the peer, in a book that the operator trusts. */
import { unmet } from '../admission-rule.ts'
import type { AdmissionRule, RuleVerdict } from '../admission-rule.ts'

export interface Stake {
  /** In whole units */
  amount: number
  /** Of money or anything that is scarce: `EUR`, `sats` */
  unit: string
  /** Until when it is bound, ms since the Unix epoch */
  untilMs: number
}

/** Where stakes are written down: a signed file, a chain, a bank. */
export interface StakeBook {
  /** `undefined` when nothing is staked for the peer. May throw when it cannot tell */
  stakeOf: (peer: string, signal: AbortSignal) => Promise<Stake | undefined>
}

export interface StakeRuleInit {
  book: StakeBook
  /** The least amount */
  minStake: number
  /** Stakes in other units do not count */
  unit: string
  /** Where a stake can be put down, for a person @default '' */
  where?: string
}

export function stakeRule ({ book, minStake, unit, where = '' }: StakeRuleInit): AdmissionRule {
  const check = async (peer: string, nowMs: number, signal: AbortSignal): Promise<RuleVerdict> => {
    let stake: Stake | undefined
    try {
      stake = await book.stakeOf(peer, signal)
    } catch (error) {
      return unmet('unavailable', `Stakes cannot be looked up now: ${(error as Error).message}`)
    }
    if (stake === undefined || stake.unit !== unit) {
      return unmet('missing', `A stake of at least ${minStake} ${unit} is needed`)
    }
    if (stake.untilMs <= nowMs) {
      return unmet('expired', `The stake of ${stake.amount} ${unit} is no longer bound`)
    }
    return stake.amount >= minStake
      ? { met: true, untilMs: stake.untilMs, evidence: '' }
      : unmet('too_little', `${stake.amount} ${unit} are staked; at least ${minStake} are needed`)
  }
  return {
    name: 'stake',
    where,
    check: async (peer, _parts, nowMs, signal) => await check(peer, nowMs, signal),
    holds: async (peer, _evidence, nowMs, signal) => await check(peer, nowMs, signal)
  }
}
