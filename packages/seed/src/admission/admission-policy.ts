/** The policy of a seed: which rules a peer has to meet, all or any of them, as an operator writes it: `puzzle and (token or stake)`. */

export const ADMISSION_RULES = ['puzzle', 'token', 'certificate', 'stake'] as const

/**
 * - `puzzle`: work has been done for the peer's id
 * - `token`: an authority that the operator names vouches for it
 * - `certificate`: so does one in X.509
 * - `stake`: enough is staked for it
 */
export type AdmissionRuleName = typeof ADMISSION_RULES[number]

export type AdmissionPolicy =
  | { type: 'rule', rule: AdmissionRuleName }
  | { type: 'any' | 'all', of: AdmissionPolicy[] }

/** Why a rule is not met. */
export type AdmissionProblem = 'missing' | 'invalid' | 'expired' | 'revoked' | 'unknown_authority' | 'too_little' | 'unavailable'

const MAX_POLICY_LENGTH = 256
const MAX_DEPTH = 8

/** The text is no policy. */
export class AdmissionPolicyError extends Error {
  static override name = 'AdmissionPolicyError'
  override readonly name = 'AdmissionPolicyError'
}

/**
 * Reads rules joined by `and` or `or`. One who mixes the two says with parentheses what is meant.
 *
 * @throws {AdmissionPolicyError}
 */
export function parsePolicy (text: string): AdmissionPolicy {
  if (text.length > MAX_POLICY_LENGTH) {
    throw new AdmissionPolicyError(`a policy has at most ${MAX_POLICY_LENGTH} characters`)
  }
  const words = text.toLowerCase().match(/[a-z]+|\S/g) ?? []
  const policy = readJoined(words, 0)
  if (words.length > 0) {
    throw new AdmissionPolicyError(`"${words[0]}" is not expected there`)
  }
  return policy
}

function readJoined (words: string[], depth: number): AdmissionPolicy {
  const of = [readOne(words, depth)]
  const joint = words[0]
  while (words[0] === 'and' || words[0] === 'or') {
    if (words.shift() !== joint) {
      throw new AdmissionPolicyError('"and" and "or" need parentheses between them')
    }
    of.push(readOne(words, depth))
  }
  return of.length === 1 ? of[0] as AdmissionPolicy : { type: joint === 'and' ? 'all' : 'any', of }
}

function readOne (words: string[], depth: number): AdmissionPolicy {
  const word = words.shift()
  if (word === '(' && depth < MAX_DEPTH) {
    const inner = readJoined(words, depth + 1)
    if (words.shift() !== ')') {
      throw new AdmissionPolicyError('a parenthesis is not closed')
    }
    return inner
  }
  const rule = ADMISSION_RULES.find(name => name === word)
  if (rule === undefined) {
    throw new AdmissionPolicyError(word === undefined ? 'a rule is missing at its end' : `"${word}" is no rule`)
  }
  return { type: 'rule', rule }
}

/** The rules that a policy names, each once. */
export function rulesOf (policy: AdmissionPolicy): AdmissionRuleName[] {
  return policy.type === 'rule' ? [policy.rule] : [...new Set(policy.of.flatMap(rulesOf))]
}

export type PolicyVerdict =
  /** Of the rules that it rests on, those that end last */
  | { met: true, untilMs: number, by: AdmissionRuleName[] }
  /** The rules of which some or all would have to be met besides */
  | { met: false, unmet: AdmissionRuleName[] }

/** Whether a policy is met, given until when each of its rules is; `undefined` for one that is not. */
export function judgePolicy (policy: AdmissionPolicy, metUntilMs: (rule: AdmissionRuleName) => number | undefined): PolicyVerdict {
  if (policy.type === 'rule') {
    const untilMs = metUntilMs(policy.rule)
    return untilMs === undefined ? { met: false, unmet: [policy.rule] } : { met: true, untilMs, by: [policy.rule] }
  }
  const parts = policy.of.map(part => judgePolicy(part, metUntilMs))
  const met = parts.filter(part => part.met)
  const unmet = [...new Set(parts.flatMap(part => part.met ? [] : part.unmet))]
  if (policy.type === 'all') {
    return unmet.length > 0
      ? { met: false, unmet }
      : { met: true, untilMs: Math.min(...met.map(part => part.untilMs)), by: [...new Set(met.flatMap(part => part.by))] }
  }
  const [longest] = met.sort((a, b) => b.untilMs - a.untilMs)
  return longest ?? { met: false, unmet }
}
