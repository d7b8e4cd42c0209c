/** A diagnosis in plain words. */
import type { AddressFinding, Diagnosis, MappingFinding, ReachFindings, ReachVerdict, SeedFinding } from '@skein/reachability'
import type { MappingProblem } from '@skein/reachability/port-mapping'

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
    `port mapping  ${mappingText(findings.portMapping)}`,
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
  const what = { listening: 'listened at', announced: 'announced', mapped: 'mapped by the router', seen: 'where others see this device' }[origin]
  const came = isLocal
    ? 'of this network alone'
    : reached > 0 ? `reached by ${reached} of ${reached + failed}` : failed > 0 ? `dialled in vain by ${failed}` : 'nobody tried'
  return `${address}  ${what}, ${came}`
}

function clockText (aheadMs: number): string {
  const ms = Math.abs(aheadMs)
  return ms < 1_000 ? 'right, within a second' : `${(ms / 1_000).toFixed(1)} s ${aheadMs > 0 ? 'ahead' : 'behind'}`
}

const MAPPING_PROBLEMS: Record<MappingProblem, string> = {
  no_router: 'this device has no route to a router',
  silent: 'the router answers neither PCP nor NAT-PMP nor UPnP',
  refused: 'the router refuses',
  no_external_address: 'the router has no address in the world',
  double_nat: 'the router is behind another NAT itself',
  full: 'the router has no port left'
}

function mappingText (finding: MappingFinding | undefined): string {
  if (finding === undefined) {
    return 'not asked for'
  }
  return 'problem' in finding ? `none: ${MAPPING_PROBLEMS[finding.problem]}` : `the router lets others in at ${finding.address} (${finding.protocol})`
}

function relayText ({ relays, isRelayNeeded, relayProblem }: ReachFindings): string {
  if (relays.length > 0) {
    return `a place at ${relays.join(' and ')}`
  }
  return isRelayNeeded ? `none${relayProblem === undefined ? '' : `: ${relayProblem}`}` : 'none needed'
}
