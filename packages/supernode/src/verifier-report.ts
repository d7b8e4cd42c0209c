/** What a verifier says of a candidate after it has looked. */
import { MAX_REPORT_AGE_MS } from '@skein/records'
import type { Verification } from './board-effect.ts'
import type { KnownCandidate } from './candidate-shelf.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { ReportScore, SuperNodeReport } from '@skein/records'

export interface VerifierReportInit {
  self: string
  region: string
  rules: ElectorRules
  scoreOf: (peer: string, service: string) => ReportScore
}

const MAX_NETWORKS = 4

/**
 * Where it was reached and not measured, as when it is suspected often and one of both has measured enough in this hour, what was measured before
 * holds for as long as a report does: else a look at whether it lives would cost a healthy one its seat.
 */
export function reportOn (known: KnownCandidate, found: Verification, init: VerifierReportInit, nowMs: number): SuperNodeReport {
  const { self, region, rules, scoreOf } = init
  const { peer, presence } = known
  const issuedAtMs = Math.floor(nowMs)
  const uptime = presence.uptime(rules.watchedMs, nowMs)
  const { measured } = known
  const measuredBefore = found.reachable && measured !== undefined && nowMs - measured.atMs < rules.reportLifeMs ? measured.bytesPerSecond : undefined
  const bytesPerSecond = found.bytesPerSecond ?? measuredBefore
  const [relay, inference] = [scoreOf(peer, 'relay'), scoreOf(peer, 'inference')]
  return {
    verifier: self, candidate: peer, region, reachable: found.reachable, networks: found.networks.slice(0, MAX_NETWORKS),
    ...bytesPerSecond === undefined ? {} : { bytesPerSecond: Math.floor(bytesPerSecond) },
    ageMs: Math.min(MAX_REPORT_AGE_MS, Math.floor(Math.max(0, nowMs - presence.firstSeenMs))),
    ...uptime === undefined ? {} : { uptime },
    ...relay.dealings < 1 ? {} : { relay },
    ...inference.dealings < 1 ? {} : { inference },
    issuedAtMs, expiresAtMs: issuedAtMs + rules.reportLifeMs
  }
}
