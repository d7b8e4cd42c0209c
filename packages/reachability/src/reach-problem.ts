/** What stands in the way of reaching a peer, each with what to do about it: pure rules over what was found. */
import { MAX_CLOCK_SKEW_MS } from '@skein/records'
import { failedAt, hostOf, isIPv6, portOf } from './address-finding.ts'
import { carrierNat, doubleNat, mappingUseless, portClosed } from './router-problem.ts'
import type { ReachFindings, SeedFinding } from './findings.ts'
import type { ProblemRule, ProblemSeverity, ReachProblem } from './problem-rule.ts'
import type { ReachVerdict } from './reach-verdict.ts'

const SEVERITIES: readonly ProblemSeverity[] = ['error', 'warning', 'hint']
/** A reservation in another network carries on when the first relay goes. */
const WANTED_RELAYS = 2

/** The worst first, and of equals in the order of the rules. */
export function problemsOf (findings: ReachFindings, verdict: ReachVerdict): ReachProblem[] {
  return RULES.flatMap(rule => rule(findings, verdict) ?? [])
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
}

/** How far this peer's clock is ahead of the seeds': the median, so that one wrong seed does not count; `undefined` when none told. */
export function clockAheadMs (seeds: readonly SeedFinding[]): { aheadMs: number, errorMs: number, told: number } | undefined {
  const clocks = seeds.flatMap(({ clock }) => clock ?? []).sort((a, b) => a.aheadMs - b.aheadMs)
  const middle = clocks[Math.floor((clocks.length - 1) / 2)]
  return middle && { aheadMs: -middle.aheadMs, errorMs: middle.errorMs, told: clocks.length }
}

const noSeed: ProblemRule = ({ seeds }) => {
  const silent = seeds.filter(({ answered }) => !answered)
  if (seeds.length === 0) {
    return {
      code: 'no_seed_given',
      severity: 'error',
      what: 'This peer was told of no seed',
      advice: 'Name one: --seed ADDRESS. Any peer of the mesh will do, but a seed alone can dial this peer back'
    }
  }
  if (silent.length === 0) {
    return undefined
  }
  const list = silent.map(({ address, problem }) => problem === undefined ? address : `${address} (${problem})`).join(', ')
  return silent.length === seeds.length
    ? {
        code: 'no_seed_answered',
        severity: 'error',
        what: `No seed answered: ${list}`,
        advice: 'See whether this device is online and the addresses are right; a firewall here may let only web traffic out: ' +
          'then name a seed that listens at port 443'
      }
    : {
        code: 'seed_silent',
        severity: 'warning',
        what: `Some seeds did not answer: ${list}`,
        advice: 'They may be gone: take them off your list'
      }
}

const seedRefuses: ProblemRule = ({ seeds }) => {
  const refusing = seeds.filter(({ refusal }) => refusal !== undefined)
  return refusing.length === 0
    ? undefined
    : {
        code: 'seed_refuses',
        severity: seeds.some(({ answered, refusal }) => answered && refusal === undefined) ? 'warning' : 'error',
        what: `Seeds refuse to name this peer to others: ${refusing.map(({ address, refusal }) => `${address} (${refusal ?? ''})`).join(', ')}`,
        advice: 'Ask their operator for what is missing, such as a credential (--credential FILE), or use others'
      }
}

const clockWrong: ProblemRule = ({ seeds }) => {
  const clock = clockAheadMs(seeds)
  if (clock === undefined || Math.abs(clock.aheadMs) - clock.errorMs <= MAX_CLOCK_SKEW_MS) {
    return undefined
  }
  const apart = `${Math.round(Math.abs(clock.aheadMs) / 1000)} s ${clock.aheadMs > 0 ? 'ahead of' : 'behind'}`
  return {
    code: 'clock_wrong',
    severity: 'error',
    what: `This device's clock is ${apart} that of ${clock.told === 1 ? 'the seed' : `${clock.told} seeds`}`,
    advice: 'Have the system set its clock (timedatectl set-ntp true, or the settings for date and time): others believe nothing that is signed ' +
      `by a clock more than ${MAX_CLOCK_SKEW_MS / 1000} s off${clock.told === 1 ? '. If the clock is right, that of the seed is wrong' : ''}`
  }
}

const listening: ProblemRule = ({ listenProblem, addresses }) => {
  if (listenProblem !== undefined) {
    return {
      code: 'listen_failed',
      severity: 'error',
      what: `This peer cannot listen: ${listenProblem}`,
      advice: 'Stop the program that has the port, a peer of yours perhaps, or choose another with --listen'
    }
  }
  return addresses.some(({ origin }) => origin === 'listening')
    ? undefined
    : { code: 'not_listening', severity: 'warning', what: 'This peer listens nowhere', advice: 'Give it a port: --listen /ip4/0.0.0.0/tcp/7311' }
}

const announcedWrong: ProblemRule = ({ addresses }) => {
  const wrong = failedAt(addresses, 'announced')
  return wrong.length === 0
    ? undefined
    : {
        code: 'announced_wrong',
        severity: 'error',
        what: `Nobody reaches this peer at what it announces: ${wrong.map(({ address }) => address).join(', ')}`,
        advice: 'See whether the router forwards that port to this device and the address is still yours; or leave --announce out'
      }
}

const firewall: ProblemRule = ({ addresses, nat, localAddresses }, verdict) => {
  const closed = failedAt(addresses, 'listening', 'seen').filter(({ address }) => localAddresses.includes(hostOf(address)) && !isIPv6(address))
  const [first] = closed
  return verdict === 'direct' || first === undefined || (nat !== undefined && nat.mapping !== 'none')
    ? undefined
    : {
        code: 'firewall',
        severity: 'warning',
        what: `This device has a public address, but nobody reaches it at ${closed.map(({ address }) => address).join(', ')}`,
        advice: `A firewall is in the way, on this device or at its provider: let TCP in at port ${portOf(first.address)}`
      }
}

const natKind: ProblemRule = ({ nat, stunServers, seeds }, verdict) => {
  if (verdict === 'direct' || !seeds.some(({ answered }) => answered)) {
    return undefined
  }
  switch (nat?.mapping) {
    case undefined:
      return {
        code: 'nat_unknown',
        severity: 'hint',
        what: stunServers === 0 ? 'No seed answers STUN, so the kind of NAT is not known' : 'Too few STUN servers answered to tell the kind of NAT',
        advice: 'Name a seed that answers STUN from two ports or addresses (skein seed --stun HOST:3478 --stun-alternate 3479), or two seeds'
      }
    case 'blocked':
      return {
        code: 'udp_blocked',
        severity: 'warning',
        what: 'UDP is blocked: nothing came back from any STUN server',
        advice: 'If the firewall is yours, let UDP out; without it WebRTC does not work, over TCP and relays all does'
      }
    case 'sequential':
    case 'random':
      return {
        code: 'symmetric_nat',
        severity: 'warning',
        what: nat.mapping === 'random'
          ? 'The router gives each connection another port (symmetric NAT), so that others cannot meet this peer there'
          : 'The router gives each connection the next port (symmetric NAT), so that others meet this peer there only while little else goes on',
        advice: 'Forward a port to this device; some routers have a setting such as "full cone" or "NAT type open". Mobile lines are mostly so'
      }
    default:
      return undefined
  }
}

const noVerifier: ProblemRule = ({ seeds, verifiers, addresses }) => {
  const isTried = addresses.some(({ reached, failed }) => reached + failed > 0)
  if (isTried || !seeds.some(({ answered }) => answered)) {
    return undefined
  }
  const whys = [...new Set(verifiers.map(({ refusal }) => refusal ?? 'it did not answer'))]
  return {
    code: 'no_verifier',
    severity: 'warning',
    what: verifiers.length === 0
      ? 'Nobody who is connected dials others back'
      : `Nobody dialled this peer back: ${whys.map(why => REFUSALS[why] ?? why).join('; ')}`,
    advice: 'Name a seed outside of this network that does (the role bootstrap); one that dialled back lately does so again after a minute'
  }
}

const REFUSALS: Record<string, string> = {
  busy: 'it has dialled enough for this network, and does so again in a minute',
  limited: 'it has dialled this network often enough, and does so again in a minute',
  not_here: 'it does that for peers of other networks, or not at all',
  unheard: 'it says that it came, and was not heard here'
}

const noRelay: ProblemRule = ({ relays, relayProblem, isRelayNeeded, seeds }) => {
  if (!isRelayNeeded || relays.length >= WANTED_RELAYS || !seeds.some(({ answered }) => answered)) {
    return undefined
  }
  return relays.length === 0
    ? {
        code: 'no_relay',
        severity: 'error',
        what: `No relay takes this peer in${relayProblem === undefined ? '' : `: ${relayProblem}`}`,
        advice: 'Name a seed with the role relay; without a relay or an open port this peer can ask others, and serve nobody'
      }
    : {
        code: 'single_relay',
        severity: 'hint',
        what: 'This peer is reached through one relay alone',
        advice: 'Name a second seed in another network, so that it stays reachable when that one goes'
      }
}

const ipv6: ProblemRule = ({ addresses, localAddresses }, verdict) => {
  const closed = addresses.filter(({ address, failed, reached }) => isIPv6(address) && failed > 0 && reached === 0)
  const [first] = closed
  if (first !== undefined) {
    return {
      code: 'ipv6_closed',
      severity: 'hint',
      what: `Nobody reaches this peer over IPv6 at ${first.address}`,
      advice: `Routers keep IPv6 closed: let TCP in to this device at port ${portOf(first.address)}, in the router's settings for IPv6`
    }
  }
  if (verdict === 'direct' || addresses.some(({ address, isLocal }) => isIPv6(address) && !isLocal)) {
    return undefined
  }
  return localAddresses.some(isPublicIPv6)
    ? {
        code: 'ipv6_unused',
        severity: 'hint',
        what: 'This device has a public IPv6 address, at which this peer does not listen',
        advice: 'There is no NAT in the way over IPv6: add --listen /ip6/::/tcp/7311'
      }
    : {
        code: 'no_ipv6',
        severity: 'hint',
        what: 'This device has no public IPv6 address',
        advice: 'There is no NAT in the way over IPv6: turn it on in the router, if the provider has it'
      }
}

const portNotFixed: ProblemRule = ({ isPortFixed }, verdict) => isPortFixed || verdict !== 'direct'
  ? undefined
  : {
      code: 'port_not_fixed',
      severity: 'hint',
      what: 'The port of this peer is another one at each start',
      advice: 'With --listen /ip4/0.0.0.0/tcp/7311 its address stays the same, and a firewall can be told of it'
    }

const RULES: readonly ProblemRule[] = [
  listening, noSeed, seedRefuses, clockWrong, announcedWrong, noRelay, firewall, carrierNat, doubleNat, natKind, mappingUseless, portClosed,
  noVerifier, ipv6, portNotFixed
]

function isPublicIPv6 (host: string): boolean {
  return host.includes(':') && /^[23]/.test(host)
}
