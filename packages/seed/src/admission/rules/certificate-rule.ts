/** The rule `certificate`: an authority that the operator names has certified the peer's key, and has not taken it back. */
import { authorityOf, judgeChain } from '../certificate-chain.ts'
import { unmet } from '../admission-rule.ts'
import type { X509Certificate } from 'node:crypto'
import type { AdmissionRule, RuleVerdict } from '../admission-rule.ts'
import type { CertificateKey } from '../certificate-chain.ts'

export interface CertificateRuleInit {
  /** Asked each time */
  authorities: () => readonly X509Certificate[]
  /** Whether a certificate is revoked; asked each time @default none is */
  isRevoked?: (key: CertificateKey) => boolean
  /** Where certificates are to be had, for a person @default '' */
  where?: string
}

export function certificateRule ({ authorities, isRevoked = () => false, where = '' }: CertificateRuleInit): AdmissionRule {
  const judge = (keys: CertificateKey[], authority: string, untilMs: number, nowMs: number): RuleVerdict => {
    if (keys.some(isRevoked)) {
      return unmet('revoked', 'The certificate, or one above it, was revoked')
    }
    return untilMs > nowMs
      ? { met: true, untilMs, evidence: `${authority} ${untilMs} ${keys.join(' ')}` }
      : unmet('expired', 'The certificate has expired')
  }
  return {
    name: 'certificate',
    where,
    check: async (peer, chain, nowMs) => {
      if (chain.length === 0) {
        return unmet('missing', 'A certificate of your peer\'s key by an authority of this seed is needed: skein peer --credential FILE')
      }
      const verdict = judgeChain(peer, chain, authorities(), nowMs)
      return verdict.valid ? judge(verdict.keys, verdict.authority, verdict.untilMs, nowMs) : unmet(verdict.problem, verdict.message)
    },
    holds: async (_peer, evidence, nowMs) => {
      const [authority = '', untilMs, ...keys] = evidence.split(' ')
      return authorities().some(one => authorityOf(one) === authority)
        ? judge(keys, authority, Number(untilMs), nowMs)
        : unmet('unknown_authority', 'The authority that certified this peer does not vouch here any longer')
    }
  }
}
