/** Whether others can reach a peer, in which way, why not in a better one, and what is to be done about it: a pure function of what was found. */
import { describeNat } from './nat-verdict.ts'
import { pairWays } from './pair-ways.ts'
import { clockAheadMs, problemsOf } from './reach-problem.ts'
import type { ReachFindings } from './findings.ts'
import type { ReachProblem } from './problem-rule.ts'
import type { ReachVerdict } from './reach-verdict.ts'

export interface Diagnosis {
  verdict: ReachVerdict
  /** Why, in a sentence */
  why: string
  /** What the router does, in words; left out while unknown */
  nat?: string
  /** How far this peer's clock is ahead of the seeds', ms; left out when none told */
  clockAheadMs?: number
  /** The worst first */
  problems: ReachProblem[]
  /** Others can reach it, and nothing is wrong that must be mended */
  isWell: boolean
}

export function diagnose (findings: ReachFindings): Diagnosis {
  const { verdict, why } = judge(findings)
  const problems = problemsOf(findings, verdict)
  const aheadMs = clockAheadMs(findings.seeds)?.aheadMs
  return {
    verdict,
    why,
    ...findings.nat === undefined ? {} : { nat: describeNat(findings.nat) },
    ...aheadMs === undefined ? {} : { clockAheadMs: aheadMs },
    problems,
    isWell: verdict !== 'unreachable' && verdict !== 'unverified' && !problems.some(({ severity }) => severity === 'error')
  }
}

function judge (findings: ReachFindings): Pick<Diagnosis, 'verdict' | 'why'> {
  const { addresses, nat, relays, seeds } = findings
  const reached = addresses.filter(address => address.reached > 0)
  if (reached.length > 0) {
    const dialled = Math.max(...reached.map(address => address.reached))
    return {
      verdict: 'direct',
      why: `${dialled === 1 ? 'another node' : `${dialled} other nodes`} reached this peer at ${reached.map(({ address }) => address).join(' and ')}`
    }
  }
  if (!seeds.some(({ answered }) => answered)) {
    return {
      verdict: 'unreachable',
      why: seeds.length === 0
        ? 'this peer was told of no seed, so nobody knows of it'
        : 'no seed answered, so this peer is in no mesh and nobody knows of it'
    }
  }
  const notDialled = addresses.some(({ failed }) => failed > 0)
    ? 'others dialled this peer in vain'
    : addresses.every(({ isLocal }) => isLocal) ? 'this peer has no address that others could dial' : 'nobody could try to dial this peer'
  const wall = nat?.mapping === 'none' ? 'its firewall' : 'its router'
  if (relays.length > 0) {
    return canBePunched(findings)
      ? { verdict: 'punched', why: `${notDialled}, but ${wall} lets a connection through that both sides begin at once, and a relay tells them when` }
      : { verdict: 'relayed', why: `${notDialled}, and ${whyNotPunched(findings)}` }
  }
  const isTested = addresses.some(({ failed }) => failed > 0) || (nat !== undefined && nat.mapping !== 'none')
  return isTested
    ? { verdict: 'unreachable', why: `${notDialled}, and no relay took it in` }
    : { verdict: 'unverified', why: `this peer is in a mesh, but ${notDialled} from outside` }
}

/** By another peer behind an ordinary home router. Without a NAT there is nothing to punch but a firewall, if there is one. */
function canBePunched ({ nat, addresses }: ReachFindings): boolean {
  if (nat?.mapping === 'none' && !addresses.some(({ failed }) => failed > 0)) {
    return false
  }
  const ordinary = { dialable: false, tcp: true, webrtc: false, nat: { mapping: 'endpoint-independent', filtering: 'port' } } as const
  return nat !== undefined && pairWays({ dialable: false, tcp: true, webrtc: false, nat }, ordinary).includes('tcp-punch')
}

function whyNotPunched ({ nat, stunServers }: ReachFindings): string {
  if (nat === undefined) {
    return stunServers === 0
      ? 'no seed answers STUN, so it is not known whether its router could be punched'
      : 'too few STUN servers answered to know whether its router could be punched'
  }
  if (nat.mapping === 'none') {
    return 'so the relay alone is certain'
  }
  return 'its router gives each connection another port, so that nobody can meet it there'
}
