/**
 * Whether a peer can be reached and how fast it is, from what others say who dialled it back and measured. Some of them lie, so each network has one
 * voice, all networks of one autonomous system have one vote together, and of what was measured the median counts.
 *
 * Who asks chooses the verifiers, at random among the peers it knows: a candidate that named its own would be verified by its friends.
 */
import { sharesSystem, systemKey } from './candidate.ts'
import { MAX_CLOCK_SKEW_MS } from '@skein/records'
import type { VerifiedNetwork } from '@skein/records'

export interface DialBackReport {
  /** Who dialled, and from where */
  verifier: string
  network: VerifiedNetwork
  reachable: boolean
  /** What was measured; left out when it was not */
  bytesPerSecond?: number
  atMs: number
}

export interface DialBackRules {
  /** /16s that must have reached it, and as many whose measurements agree. @default 3 */
  minNetworks: number
  /** Autonomous systems that these are in, at least. @default 2 */
  minSystems: number
  /** Measurements agree that are within this factor of the median. @default 4 */
  maxFactor: number
  /** For so long a report counts, ms. @default 21_600_000 */
  lifeMs: number
}

export const DIAL_BACK_RULES: DialBackRules = { minNetworks: 3, minSystems: 2, maxFactor: 4, lifeMs: 21_600_000 }

/**
 * What is missing: `networks` and `systems` that reached it; the `vote`, the share of systems that reached it, which must be more than half;
 * `measurements`, networks that measured it; `agreement`, networks whose measurements agree.
 */
export interface DialBackGap {
  rule: 'networks' | 'systems' | 'vote' | 'measurements' | 'agreement'
  found: number
  needed: number
}

export interface DialBackVerdict {
  verified: boolean
  /** /16s that reached it */
  verifiedFrom: number
  /** The median; `undefined` when nobody measured */
  bytesPerSecond: number | undefined
  /** When it has to be judged again, as reports get old; `undefined` when it is not verified */
  expiresAtMs: number | undefined
  missing: DialBackGap[]
  /** Verifiers that said the opposite of the verdict, or measured far more or less: they may lie, or have a bad path */
  contradicted: string[]
}

/** Reports of one judgement; the newest count. */
const MAX_REPORTS = 256

/** What a /16 says. */
interface Voice {
  system: number | string
  reachable: boolean
  bytesPerSecond: number | undefined
  newestMs: number
  /** Of one vote for the system */
  weight: number
}

/** @param networks those of the peer itself: reports from its own systems do not count */
export function judgeDialBack (
  reports: readonly DialBackReport[], networks: readonly VerifiedNetwork[], nowMs: number, changes: Partial<DialBackRules> = {}
): DialBackVerdict {
  const rules = { ...DIAL_BACK_RULES, ...changes }
  const fresh = freshReports(reports, networks, nowMs, rules)
  const voices = voicesOf(fresh)
  const reached = voices.filter(({ reachable }) => reachable)
  const measured = reached.filter(({ bytesPerSecond }) => bytesPerSecond !== undefined)
  const bytesPerSecond = weightedMedian(measured)
  const agrees = (value: number | undefined): boolean => value !== undefined && bytesPerSecond !== undefined &&
    value <= bytesPerSecond * rules.maxFactor && value * rules.maxFactor >= bytesPerSecond
  const agreeing = measured.filter(voice => agrees(voice.bytesPerSecond))
  const votes = sum(voices) === 0 ? 0 : sum(reached) / sum(voices)

  const missing: DialBackGap[] = [
    { rule: 'networks' as const, found: reached.length, needed: rules.minNetworks },
    { rule: 'systems' as const, found: new Set(reached.map(({ system }) => system)).size, needed: rules.minSystems },
    { rule: 'measurements' as const, found: measured.length, needed: rules.minNetworks },
    { rule: 'agreement' as const, found: agreeing.length, needed: rules.minNetworks }
  ].filter(({ found, needed }) => found < needed)
  if (!(votes > 0.5 + 1e-9)) {
    missing.push({ rule: 'vote', found: votes, needed: 0.5 })
  }
  const verified = missing.length === 0
  const isFarOff = ({ bytesPerSecond: value }: DialBackReport): boolean => verified && value !== undefined && !agrees(value)
  const contradicted = fresh.filter(report => report.reachable !== verified || isFarOff(report))
  return {
    verified,
    verifiedFrom: reached.length,
    bytesPerSecond,
    expiresAtMs: verified ? expiryOf(agreeing, rules) : undefined,
    missing,
    contradicted: voices.length < rules.minNetworks ? [] : contradicted.map(({ verifier }) => verifier)
  }
}

/** The newest of each verifier that is not too old, nor from the future, nor from where the peer itself is. */
function freshReports (
  reports: readonly DialBackReport[], networks: readonly VerifiedNetwork[], nowMs: number, rules: DialBackRules
): DialBackReport[] {
  const newest = new Map<string, DialBackReport>()
  const inOrder = [...reports].sort((a, b) => b.atMs - a.atMs || (a.verifier < b.verifier ? -1 : 1)).slice(0, MAX_REPORTS)
  for (const report of inOrder) {
    const isFresh = nowMs - report.atMs < rules.lifeMs && report.atMs <= nowMs + MAX_CLOCK_SKEW_MS
    if (isFresh && !newest.has(report.verifier) && !sharesSystem({ networks }, { networks: [report.network] })) {
      newest.set(report.verifier, report)
    }
  }
  return [...newest.values()]
}

function voicesOf (reports: readonly DialBackReport[]): Voice[] {
  const voices = [...Map.groupBy(reports, ({ network }) => network.wide).values()].map((group): Voice => {
    const reached = group.filter(({ reachable }) => reachable)
    const speeds = reached.map(report => report.bytesPerSecond).filter(value => value !== undefined && value >= 0) as number[]
    return {
      // a /16 that some say is in one system and some in another is counted in the smallest: a liar must not split it
      system: group.map(({ network }) => systemKey(network)).sort()[0] as number | string,
      reachable: reached.length * 2 > group.length,
      bytesPerSecond: lowerMedian(speeds),
      newestMs: Math.max(...group.map(({ atMs }) => atMs)),
      weight: 1
    }
  })
  const perSystem = Map.groupBy(voices, ({ system }) => system)
  return voices.map(voice => ({ ...voice, weight: 1 / (perSystem.get(voice.system)?.length ?? 1) }))
}

/** When fewer networks than needed are left. */
function expiryOf (voices: readonly Voice[], rules: DialBackRules): number {
  const newestFirst = voices.map(({ newestMs }) => newestMs).sort((a, b) => b - a)
  return (newestFirst[rules.minNetworks - 1] ?? 0) + rules.lifeMs
}

function sum (voices: readonly Voice[]): number {
  return voices.reduce((total, { weight }) => total + weight, 0)
}

/** The lower one of two in the middle: a doubt is not for the candidate. */
function lowerMedian (values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]
}

function weightedMedian (voices: readonly Voice[]): number | undefined {
  const half = sum(voices) / 2
  let below = 0
  for (const { bytesPerSecond, weight } of [...voices].sort((a, b) => (a.bytesPerSecond ?? 0) - (b.bytesPerSecond ?? 0))) {
    below += weight
    if (below >= half - 1e-9) {
      return bytesPerSecond
    }
  }
  return undefined
}
