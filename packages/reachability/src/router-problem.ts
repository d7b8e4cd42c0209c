/** What a router has to do with it that others do not reach a peer, and what to do about it: pure rules. */
import { failedAt, isSharedAddress, portOf } from './address-finding.ts'
import type { MappingFinding } from './findings.ts'
import type { MappingProblem } from './port-mapping/router-mapping.ts'
import type { ProblemRule } from './problem-rule.ts'

/** What is wrong with the router, and what to do before a port is forwarded by hand. */
const MAPPING: Record<Exclude<MappingProblem, 'double_nat' | 'no_external_address' | 'no_router'>, { what: string, advice: string }> = {
  silent: {
    what: ', and maps no port on request: it answers neither PCP nor NAT-PMP nor UPnP',
    advice: 'Switch UPnP or NAT-PMP on in the settings of the router, and this peer opens its port by itself. Or forward'
  },
  refused: {
    what: ', and refuses to map a port on request',
    advice: 'See in the settings of the router whether this device may map ports (UPnP, NAT-PMP, PCP). Or forward'
  },
  full: {
    what: ', and has no port left to map',
    advice: 'Restart the router, which may have kept mappings of programs that are gone. Or forward'
  }
}

export const carrierNat: ProblemRule = ({ localAddresses }, verdict) => verdict !== 'direct' && localAddresses.some(isSharedAddress)
  ? {
      code: 'carrier_nat',
      severity: 'warning',
      what: 'The provider of this line puts its customers behind a NAT of its own (100.64.0.0/10)',
      advice: 'A forwarded port does not help here: ask the provider for a public IPv4 address, or use IPv6'
    }
  : undefined

export const doubleNat: ProblemRule = ({ portMapping }, verdict) => verdict !== 'direct' && isBehindAnother(portMapping)
  ? {
      code: 'double_nat',
      severity: 'warning',
      what: 'The router before this device is itself behind a NAT: of the provider of this line (CGNAT), or of a second router at home',
      advice: 'A port forwarded at this router alone does not help: ask the provider for a public IPv4 address, set the outer router to bridge ' +
        'mode or have it forward the port to the inner one, or use IPv6'
    }
  : undefined

export const mappingUseless: ProblemRule = ({ addresses }, verdict) => {
  const [first] = failedAt(addresses, 'mapped')
  return verdict === 'direct' || first === undefined
    ? undefined
    : {
        code: 'mapping_useless',
        severity: 'warning',
        what: `The router says that it lets others in at ${first.address}, but nobody came in there`,
        advice: 'See whether a firewall of this device refuses connections, or another router or the provider is in between; restarting the router ' +
          'may help'
      }
}

export const portClosed: ProblemRule = ({ addresses, nat, isPortFixed, portMapping }, verdict) => {
  const closed = failedAt(addresses, 'seen')
  const [first] = closed
  if (verdict === 'direct' || nat?.mapping === 'none' || first === undefined || isBehindAnother(portMapping)) {
    return undefined
  }
  const problem = portMapping !== undefined && 'problem' in portMapping ? portMapping.problem : undefined
  const { what, advice } = problem !== undefined && problem in MAPPING ? MAPPING[problem as keyof typeof MAPPING] : { what: '', advice: 'Forward' }
  return {
    code: 'port_closed',
    severity: 'warning',
    what: `The router before this device lets nobody in at ${closed.map(({ address }) => address).join(', ')}${what}`,
    advice: `${advice} TCP port ${isPortFixed ? portOf(first.address) : '7311'} of the router to this device` +
      (isPortFixed ? '' : ', and have the peer listen at it: --listen /ip4/0.0.0.0/tcp/7311')
  }
}

/** A router that is online, as this device is, and has no address in the world. */
function isBehindAnother (finding: MappingFinding | undefined): boolean {
  return finding !== undefined && 'problem' in finding && (finding.problem === 'double_nat' || finding.problem === 'no_external_address')
}
