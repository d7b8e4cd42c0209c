import { expect } from 'chai'
import fc from 'fast-check'
import { judgePolicy, rulesOf } from '../../src/admission/admission-policy.ts'
import { ADMISSION_RULES, AdmissionPolicyError, parsePolicy } from '../../src/index.ts'
import type { AdmissionPolicy, AdmissionRuleName } from '../../src/index.ts'

/** Met until 100, 200, … in the order of the names. */
function judge (text: string, met: AdmissionRuleName[]): string {
  const verdict = judgePolicy(parsePolicy(text), rule => met.includes(rule) ? 100 * (ADMISSION_RULES.indexOf(rule) + 1) : undefined)
  return verdict.met ? `by ${verdict.by.join()} until ${verdict.untilMs}` : `not: ${verdict.unmet.join()}`
}

describe('a policy of admission', () => {
  const CASES: Array<[policy: string, met: AdmissionRuleName[], verdict: string]> = [
    ['puzzle', [], 'not: puzzle'],
    ['puzzle', ['puzzle'], 'by puzzle until 100'],
    ['puzzle or token', [], 'not: puzzle,token'],
    ['puzzle or token', ['puzzle', 'token'], 'by token until 200'],
    ['puzzle and token', ['token'], 'not: puzzle'],
    ['puzzle and token', ['puzzle', 'token'], 'by puzzle,token until 100'],
    ['token or (puzzle and stake)', ['puzzle'], 'not: token,stake'],
    ['token or (puzzle and stake)', ['puzzle', 'stake'], 'by puzzle,stake until 100'],
    ['(token or certificate) and stake', ['stake'], 'not: token,certificate'],
    ['(Token OR certificate) AND stake', ['stake', 'certificate'], 'by certificate,stake until 300']
  ]
  for (const [policy, met, verdict] of CASES) {
    it(`${policy}, of which ${met.length === 0 ? 'nothing' : met.join(' and ')} is met: ${verdict}`, () => {
      expect(judge(policy, met)).to.equal(verdict)
    })
  }

  const WRONG: Array<[text: string, problem: string]> = [
    ['', 'a rule is missing'], ['puzzle and', 'a rule is missing'], ['puzzle token', '"token" is not expected'], ['proof', '"proof" is no rule'],
    ['puzzle or token and stake', 'need parentheses'], ['(puzzle', 'not closed'], ['puzzle)', 'not expected'], ['('.repeat(50), 'is no rule'],
    ['puzzle or '.repeat(50), 'at most 256']
  ]
  for (const [text, problem] of WRONG) {
    it(`is not "${text.slice(0, 30)}": ${problem}`, () => {
      expect(() => parsePolicy(text)).to.throw(AdmissionPolicyError, problem)
    })
  }

  it('is met by all of its rules, by none never, and one rule more never hurts', () => {
    const policy = fc.letrec<{ policy: AdmissionPolicy }>(tie => ({
      policy: fc.oneof({ maxDepth: 3 },
        fc.constantFrom(...ADMISSION_RULES).map(rule => ({ type: 'rule' as const, rule })),
        fc.record({ type: fc.constantFrom('any' as const, 'all' as const), of: fc.array(tie('policy'), { minLength: 1, maxLength: 3 }) }))
    })).policy
    fc.assert(fc.property(policy, fc.subarray([...ADMISSION_RULES]), fc.constantFrom(...ADMISSION_RULES), (one, met, more) => {
      const isMet = (rules: AdmissionRuleName[]): boolean => judgePolicy(one, rule => rules.includes(rule) ? 1 : undefined).met
      expect(isMet(rulesOf(one))).to.equal(true)
      expect(isMet([])).to.equal(false)
      expect(!isMet(met) || isMet([...met, more])).to.equal(true)
    }))
  })
})
