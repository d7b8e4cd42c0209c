/** What doubt about a provider costs, in time: a pure function of what this peer thinks of it. */

/** What this peer thinks of a provider. */
export interface ProviderTrust {
  /** 0 to 1: that it delivers */
  score: number
  /** What a newcomer of its network would have; it starts with that */
  newcomer: number
  /** Dealings with it that were counted, and words of others */
  dealings: number
  /** 0 to 1: that what it says is true; left out when it was never doubted nor tested */
  honesty?: number
}

export interface TrustCost {
  /** Added to the time that an answer is expected to take, ms */
  ms: number
  /** It goes after all that are not */
  distrusted: boolean
}

/** A failed attempt costs about this until another provider answers, ms: part of the time given to a first token. */
const RISK_MS = 2_000
/** A newcomer that failed three times, or nine times of ten, has less than this share of its score left. */
const DISTRUST_SHARE = 0.4
/** One that lost two disputes, or signed what is false. */
const DISHONEST_SHARE = 0.5
/** With fewer dealings one is a stranger, as the ledger counts. */
const STRANGER_DEALINGS = 3

export function isStranger ({ dealings, score, newcomer, honesty = newcomer }: ProviderTrust): boolean {
  return dealings < STRANGER_DEALINGS && score >= newcomer && honesty >= newcomer
}

/** Nothing for one that always delivered, `RISK_MS` for a newcomer, ever more for one that failed. */
export function trustCost ({ score, newcomer, honesty = newcomer }: ProviderTrust): TrustCost {
  const start = Math.max(1e-3, newcomer)
  const doubt = score >= start ? (1 - score) / (1 - start) : start / Math.max(1e-3, score)
  const lies = honesty >= start ? 0 : start / Math.max(1e-3, honesty) - 1
  return { ms: RISK_MS * (doubt + lies), distrusted: score < DISTRUST_SHARE * start || honesty < DISHONEST_SHARE * start }
}
