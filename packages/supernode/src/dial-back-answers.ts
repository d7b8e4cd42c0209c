/** Who is asked to dial this node back, and what follows from what they say: for a peer that wants to know whether others can dial it. */
import { shuffle } from '@skein/core'
import { systemKey } from './candidate.ts'
import { DIAL_BACK_RULES, judgeDialBack } from './dial-back.ts'
import type { Random } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { DialBackReport, DialBackRules, DialBackVerdict } from './dial-back.ts'
import type { DialRefusal } from './dial-queue.ts'

/** `unheard`: the one asked says that it reached this node, but it never came; its word counts for nothing. */
export type AskedStatus = 'reached' | 'unheard' | DialRefusal

export interface AskedOutcome {
  status: AskedStatus
  bytesPerSecond?: number
}

export interface VerifierAnswer {
  verifier: string
  network: VerifiedNetwork
  /** One for each address asked about, or why there is none: `busy`, `not_here`, `malformed` as it said, `unreachable`, `timed_out`, `protocol` */
  outcomes: AskedOutcome[] | string
  atMs: number
}

/**
 * - `reachable`: verifiers in enough networks and systems came, and more than half of the systems
 * - `unreachable`: verifiers in enough networks tried, and not more than half of their systems came
 * - `unknown`: too few tried; `byVerifier` says why
 */
export type Reachability = 'reachable' | 'unreachable' | 'unknown'

export interface AddressReachability {
  address: string
  state: Reachability
  /** What each said of this address: a status, or the reason why it did not answer */
  byVerifier: Array<{ verifier: string, network: VerifiedNetwork, said: string }>
  /** Of reachability and bandwidth by the rules of an election */
  verdict: DialBackVerdict
}

/** Asked at most: each answer costs somebody dials. */
export const MAX_ASKED = 7

export interface KnownVerifier {
  peer: string
  network: VerifiedNetwork
}

/**
 * By lot, one in each /16 (IPv6: /32), those in different systems first. None in a /16 of `own`: a router may let through what comes from inside.
 */
export function chooseVerifiers (known: readonly KnownVerifier[], own: readonly VerifiedNetwork[], count: number, random: Random): KnownVerifier[] {
  const taken = new Set(own.map(({ wide }) => wide))
  const byNetwork = shuffle(random, [...known]).filter(({ network: { wide } }) => !taken.has(wide) && taken.add(wide) !== undefined)
  const systems = new Set<number | string>()
  const [firsts, others]: [KnownVerifier[], KnownVerifier[]] = [[], []]
  for (const verifier of byNetwork) {
    const key = systemKey(verifier.network)
    const list = systems.has(key) ? others : firsts
    systems.add(key)
    list.push(verifier)
  }
  return [...firsts, ...others].slice(0, Math.min(count, MAX_ASKED))
}

export function judgeAnswers (
  addresses: readonly string[], answers: readonly VerifierAnswer[], networkOf: (address: string) => VerifiedNetwork | undefined, nowMs: number,
  changes: Partial<DialBackRules> = {}
): AddressReachability[] {
  const rules = { ...DIAL_BACK_RULES, ...changes }
  return addresses.map((address, index) => {
    const own = networkOf(address)
    const reports = answers.flatMap(answer => reportOf(answer, index) ?? [])
    const verdict = judgeDialBack(reports, own === undefined ? [] : [own], nowMs, rules)
    return {
      address,
      state: stateOf(verdict, reports, rules),
      byVerifier: answers.map(({ verifier, network, outcomes }) => ({
        verifier, network, said: typeof outcomes === 'string' ? outcomes : outcomes[index]?.status ?? 'protocol'
      })),
      verdict
    }
  })
}

/** What says nothing about the address, such as that its network was dialled too often, is no report. */
function reportOf ({ verifier, network, outcomes, atMs }: VerifierAnswer, index: number): DialBackReport | undefined {
  const outcome = typeof outcomes === 'string' ? undefined : outcomes[index]
  if (outcome?.status !== 'reached' && outcome?.status !== 'failed') {
    return undefined
  }
  const { status, bytesPerSecond } = outcome
  return { verifier, network, reachable: status === 'reached', ...bytesPerSecond === undefined ? {} : { bytesPerSecond }, atMs }
}

function stateOf ({ missing }: DialBackVerdict, reports: readonly DialBackReport[], rules: DialBackRules): Reachability {
  const gaps = new Set(missing.map(({ rule }) => rule))
  if (!gaps.has('networks') && !gaps.has('systems') && !gaps.has('vote')) {
    return 'reachable'
  }
  const tried = new Set(reports.map(({ network }) => network.wide)).size
  return gaps.has('vote') && tried >= rules.minNetworks ? 'unreachable' : 'unknown'
}
