/** A diagnosis in plain words. */
import type { AddressFinding, Diagnosis, ReachFindings, ReachVerdict, SeedFinding } from '@skein/reachability'

const VERDICTS: Record<ReachVerdict, string> = {
  direct: 'Others reach this peer directly',
  punched: 'Others reach this peer by punching through its router',
  relayed: 'Others reach this peer through a relay only',
  unverified: 'Nobody could tell whether others reach this peer',
  unreachable: 'Nobody reaches this peer'
}

const SIGNS = { error: '✘', warning: '!', hint: '·' } as const

export function diagnosisLines (diagnosis: Diagnosis, findings: ReachFindings): string[] {
  const { verdict, why, nat, clockAheadMs, problems } = diagnosis
  const reached = findings.seeds.filter(({ answered }) => answered)
  return [
    '',
    `${VERDICTS[verdict]}: ${why}.`,
    ...verdict === 'punched' || verdict === 'relayed' ? ['For that, start your peer with --relay listen.'] : [],
    '',
    `seeds         ${findings.seeds.length === 0 ? 'none' : `${reached.length} of ${findings.seeds.length} answered`}`,
    ...findings.seeds.map(seed => `  ${seedLine(seed)}`),
    `clock         ${clockAheadMs === undefined ? 'nobody told the time' : clockText(clockAheadMs)}`,
    `router        ${nat ?? 'not known'}`,
    `addresses     ${findings.addresses.length === 0 ? 'none' : ''}`.trimEnd(),
    ...findings.addresses.map(finding => `  ${addressLine(finding)}`),
    `IPv6          ${findings.localAddresses.some(address => /^[23].*:/.test(address)) ? 'this device has a public address' : 'no public address'}`,
    `relays        ${relayText(findings)}`,
    ...problems.length === 0 ? [] : ['', 'Found:'],
    ...problems.flatMap(({ severity, what, advice }) => [`${SIGNS[severity]} ${what}.`, `  → ${advice}.`])
  ]
}

function seedLine ({ address, answered, roundTripMs, problem, refusal }: SeedFinding): string {
  if (!answered) {
    return `${address}  ${problem ?? 'no answer'}`
  }
  return `${address}  ${roundTripMs === undefined ? 'there' : `${roundTripMs.toFixed(roundTripMs < 10 ? 1 : 0)} ms away`}` +
    (refusal === undefined ? '' : `, refuses: ${refusal}`)
}

function addressLine ({ address, origin, isLocal, reached, failed }: AddressFinding): string {
  const what = { listening: 'listened at', announced: 'announced', seen: 'where others see this device' }[origin]
  const came = isLocal
    ? 'of this network alone'
    : reached > 0 ? `reached by ${reached} of ${reached + failed}` : failed > 0 ? `dialled in vain by ${failed}` : 'nobody tried'
  return `${address}  ${what}, ${came}`
}

function clockText (aheadMs: number): string {
  const ms = Math.abs(aheadMs)
  return ms < 1_000 ? 'right, within a second' : `${(ms / 1_000).toFixed(1)} s ${aheadMs > 0 ? 'ahead' : 'behind'}`
}

function relayText ({ relays, isRelayNeeded, relayProblem }: ReachFindings): string {
  if (relays.length > 0) {
    return `a place at ${relays.join(' and ')}`
  }
  return isRelayNeeded ? `none${relayProblem === undefined ? '' : `: ${relayProblem}`}` : 'none needed'
}
