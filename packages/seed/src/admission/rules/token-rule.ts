/** The rule `token`: an authority that the operator names has signed a credential for the peer, and has not taken it back. */
import { openCredential, RecordError } from '@skein/records'
import { unmet } from '../admission-rule.ts'
import type { AdmissionRule, RuleVerdict } from '../admission-rule.ts'

export interface TokenRuleInit {
  /** Peer ids of those who may vouch */
  authorities: readonly string[]
  /** Whether a credential, by its id, is revoked; asked each time */
  isRevoked?: (id: string) => boolean
  /** Where credentials are to be had, for a person @default '' */
  where?: string
}

export function tokenRule ({ authorities, isRevoked = () => false, where = '' }: TokenRuleInit): AdmissionRule {
  const judge = (id: string, untilMs: number, nowMs: number): RuleVerdict => {
    if (isRevoked(id)) {
      return unmet('revoked', `The credential ${id} was revoked`)
    }
    return untilMs > nowMs ? { met: true, untilMs, evidence: `${id} ${untilMs}` } : unmet('expired', `The credential ${id} has expired`)
  }
  const check = async (peer: string, envelope: Uint8Array, nowMs: number): Promise<RuleVerdict> => {
    try {
      const { credential: { id, subject, expiresAtMs }, authority } = await openCredential(envelope, nowMs)
      if (subject !== peer) {
        return unmet('invalid', `The credential ${id} is for another peer`)
      }
      return authorities.includes(authority)
        ? judge(id, expiresAtMs, nowMs)
        : unmet('unknown_authority', `The credential ${id} is signed by ${authority}, who does not vouch here`)
    } catch (error) {
      return unmet(error instanceof RecordError && error.reason === 'expired' ? 'expired' : 'invalid', (error as Error).message)
    }
  }
  return {
    name: 'token',
    where,
    check: async (peer, parts, nowMs) => {
      let last = unmet('missing', 'A credential of an authority of this seed is needed: skein peer --credential FILE')
      for (const part of parts) {
        last = await check(peer, part, nowMs)
        if (last.met) {
          break
        }
      }
      return last
    },
    holds: async (_peer, evidence, nowMs) => {
      const [id = '', untilMs] = evidence.split(' ')
      return judge(id, Number(untilMs), nowMs)
    }
  }
}
