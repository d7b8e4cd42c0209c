import { expect } from 'chai'
import { diagnose } from '../src/index.ts'
import type { MappingProblem } from '../src/port-mapping/index.ts'
import type { AddressFinding, NatMapping, NatVerdict, ProblemCode, ReachFindings, ReachVerdict } from '../src/index.ts'

const SEED = { address: '/ip4/192.0.2.1/tcp/7310', answered: true, roundTripMs: 20 }
const SILENT = { address: '/ip4/192.0.2.9/tcp/7310', answered: false, problem: 'connect ETIMEDOUT' }
const RELAYS = ['relay-1', 'relay-2']
const HOME: AddressFinding = { address: '/ip4/192.168.1.7/tcp/7311', origin: 'listening', isLocal: true, reached: 0, failed: 0 }
const PUBLIC: AddressFinding = { address: '/ip4/198.51.100.4/tcp/7311', origin: 'listening', isLocal: false, reached: 1, failed: 0 }
const SEEN: AddressFinding = { address: '/ip4/198.51.100.4/tcp/7311', origin: 'seen', isLocal: false, reached: 0, failed: 2 }
const VERIFIERS = [{ peer: 'seed' }]

function nat (mapping: NatMapping): NatVerdict {
  return { mapping, ...mapping === 'blocked' ? {} : { publicAddress: '198.51.100.4' } }
}

/** A peer at home behind an ordinary router, with two relays; what differs is in the table. */
function found (changes: Partial<ReachFindings> = {}): ReachFindings {
  return {
    isPortFixed: true,
    seeds: [SEED],
    nat: nat('endpoint-independent'),
    stunServers: 2,
    localAddresses: ['192.168.1.7'],
    addresses: [HOME, SEEN],
    verifiers: VERIFIERS,
    relays: RELAYS,
    isRelayNeeded: true,
    ...changes
  }
}

/** As it is on a server. */
const OPEN: Partial<ReachFindings> = {
  nat: nat('none'), localAddresses: ['198.51.100.4'], addresses: [PUBLIC], relays: [], isRelayNeeded: false
}

describe('the diagnosis of a peer', () => {
  const table: Array<[situation: string, changes: Partial<ReachFindings>, verdict: ReachVerdict, isWell: boolean, problems: ProblemCode[]]> = [
    ['on a server', OPEN, 'direct', true, []],
    ['on a server, at a port of the system\'s choice', { ...OPEN, isPortFixed: false }, 'direct', true, ['port_not_fixed']],
    ['on a server whose firewall is closed', { ...OPEN, addresses: [{ ...PUBLIC, reached: 0, failed: 2 }], relays: RELAYS, isRelayNeeded: true },
      'punched', true, ['firewall', 'no_ipv6']],
    ['on a server whose firewall is closed, without a relay', { ...OPEN, addresses: [{ ...PUBLIC, reached: 0, failed: 2 }], isRelayNeeded: true },
      'unreachable', false, ['no_relay', 'firewall', 'no_ipv6']],
    ['on a server that nobody could dial', { ...OPEN, addresses: [{ ...PUBLIC, reached: 0 }], relays: RELAYS, isRelayNeeded: true },
      'relayed', true, ['no_verifier', 'no_ipv6']],
    ['behind an ordinary router', {}, 'punched', true, ['port_closed', 'no_ipv6']],
    ['behind a router that forwards the port', { addresses: [HOME, { ...SEEN, reached: 1, failed: 0 }], relays: [], isRelayNeeded: false },
      'direct', true, []],
    ['behind a router that forwards the port, to one of two that dialled', { addresses: [HOME, { ...SEEN, reached: 1, failed: 1 }] }, 'direct', true, []],
    ['behind a router that was to forward the port', { addresses: [HOME, { ...SEEN, origin: 'announced' }] },
      'punched', false, ['announced_wrong', 'no_ipv6']],
    ['behind a router that maps the port', {
      addresses: [HOME, { ...SEEN, origin: 'mapped', reached: 1, failed: 0 }], portMapping: { address: SEEN.address, protocol: 'pcp' }, relays: [],
      isRelayNeeded: false
    }, 'direct', true, []],
    ['behind a router that says it maps the port', {
      addresses: [HOME, { ...SEEN, origin: 'mapped' }], portMapping: { address: SEEN.address, protocol: 'upnp' }
    }, 'punched', true, ['mapping_useless', 'no_ipv6']],
    ['behind a router that maps no ports', { portMapping: { problem: 'silent' } }, 'punched', true, ['port_closed', 'no_ipv6']],
    ['behind two routers', { portMapping: { problem: 'double_nat' } }, 'punched', true, ['double_nat', 'no_ipv6']],
    ['behind a router without an address in the world', { portMapping: { problem: 'no_external_address' } }, 'punched', true, ['double_nat', 'no_ipv6']],
    ['behind a symmetric NAT', { nat: nat('random') }, 'relayed', true, ['symmetric_nat', 'port_closed', 'no_ipv6']],
    ['behind a symmetric NAT with ports in sequence', { nat: nat('sequential') }, 'punched', true, ['symmetric_nat', 'port_closed', 'no_ipv6']],
    ['behind a symmetric NAT without a relay', { nat: nat('random'), relays: [] }, 'unreachable', false,
      ['no_relay', 'symmetric_nat', 'port_closed', 'no_ipv6']],
    ['behind a carrier\'s NAT', { localAddresses: ['100.64.3.2'] }, 'punched', true, ['carrier_nat', 'port_closed', 'no_ipv6']],
    ['where UDP is blocked', { nat: nat('blocked'), addresses: [HOME] }, 'punched', true, ['udp_blocked', 'no_verifier', 'no_ipv6']],
    ['where no seed answers STUN', { nat: undefined, stunServers: 0, addresses: [HOME, SEEN] }, 'relayed', true, ['port_closed', 'nat_unknown', 'no_ipv6']],
    ['with one relay', { relays: ['relay-1'] }, 'punched', true, ['port_closed', 'single_relay', 'no_ipv6']],
    ['with IPv6 that is closed', {
      localAddresses: ['192.168.1.7', '2001:db8::7'],
      addresses: [HOME, SEEN, { address: '/ip6/2001:db8::7/tcp/7311', origin: 'listening', isLocal: false, reached: 0, failed: 1 }]
    }, 'punched', true, ['port_closed', 'ipv6_closed']],
    ['with IPv6 that it does not listen at', { localAddresses: ['192.168.1.7', '2001:db8::7'] }, 'punched', true, ['port_closed', 'ipv6_unused']],
    ['with IPv6 that is open', {
      localAddresses: ['192.168.1.7', '2001:db8::7'],
      addresses: [HOME, SEEN, { address: '/ip6/2001:db8::7/tcp/7311', origin: 'listening', isLocal: false, reached: 1, failed: 0 }]
    }, 'direct', true, []],
    ['told of no seed', { seeds: [], relays: [], verifiers: [], addresses: [HOME], nat: undefined, stunServers: 0 }, 'unreachable', false,
      ['no_seed_given', 'no_ipv6']],
    ['whose seed is silent', { seeds: [SILENT], relays: [], verifiers: [], addresses: [HOME], nat: undefined, stunServers: 0 }, 'unreachable', false,
      ['no_seed_answered', 'no_ipv6']],
    ['one of whose seeds is silent', { ...OPEN, seeds: [SEED, SILENT] }, 'direct', true, ['seed_silent']],
    ['whose seed refuses it', { ...OPEN, seeds: [{ ...SEED, refusal: 'not_admitted' }] }, 'direct', false, ['seed_refuses']],
    ['one of whose seeds refuses it', { ...OPEN, seeds: [SEED, { ...SEED, refusal: 'not_admitted' }] }, 'direct', true, ['seed_refuses']],
    ['whose clock is late', { ...OPEN, seeds: [{ ...SEED, clock: { aheadMs: 600_000, errorMs: 20 } }] }, 'direct', false, ['clock_wrong']],
    ['whose clock is as far off as can be measured', { ...OPEN, seeds: [{ ...SEED, clock: { aheadMs: 61_000, errorMs: 2_000 } }] }, 'direct', true, []],
    ['with one of three seeds whose clock is wrong', {
      ...OPEN, seeds: [900_000, 3, -3].map(aheadMs => ({ ...SEED, clock: { aheadMs, errorMs: 10 } }))
    }, 'direct', true, []],
    ['whose port another program has', { ...OPEN, listenProblem: 'EADDRINUSE', addresses: [], relays: RELAYS, isRelayNeeded: true, nat: nat('endpoint-independent') },
      'punched', false, ['listen_failed', 'no_verifier', 'no_ipv6']],
    ['that listens nowhere', { addresses: [] }, 'punched', true, ['not_listening', 'no_verifier', 'no_ipv6']],
    ['whose seeds are in its own network', {
      nat: undefined, stunServers: 0, addresses: [HOME], relays: [], verifiers: [{ peer: 'seed', refusal: 'not_here' }], isRelayNeeded: false
    }, 'unverified', false, ['no_verifier', 'nat_unknown', 'no_ipv6']]
  ]
  for (const [situation, changes, verdict, isWell, codes] of table) {
    it(`${situation}: ${verdict}${isWell ? '' : ', and something must be mended'}`, () => {
      const diagnosis = diagnose(found(changes))
      expect(diagnosis).to.include({ verdict, isWell })
      expect(diagnosis.problems.map(({ code }) => code)).to.deep.equal(codes)
    })
  }

  it('names the port to forward, or how to have one', () => {
    const [fixed] = diagnose(found()).problems
    expect(fixed?.advice).to.include('Forward TCP port 7311 of the router')
    const [free] = diagnose(found({ isPortFixed: false, addresses: [HOME, { ...SEEN, address: '/ip4/198.51.100.4/tcp/41234' }] })).problems
    expect(free?.advice).to.include('--listen /ip4/0.0.0.0/tcp/7311')
  })

  it('says how a router that maps no ports can be brought to it', () => {
    const advice = (problem: MappingProblem): string => diagnose(found({ portMapping: { problem } })).problems[0]?.advice ?? ''
    expect(advice('silent')).to.match(/^Switch UPnP or NAT-PMP on .* Or forward TCP port 7311/)
    expect(advice('refused')).to.match(/^See in the settings .* Or forward TCP port 7311/)
    expect(advice('full')).to.match(/^Restart the router.* Or forward TCP port 7311/)
    expect(advice('double_nat')).to.include('ask the provider for a public IPv4 address')
    expect(diagnose(found({ portMapping: { problem: 'silent' } })).problems[0]?.what).to.include('neither PCP nor NAT-PMP nor UPnP')
  })

  it('says how far the clock is off, and doubts the seed where it is the only one', () => {
    const one = diagnose(found({ seeds: [{ ...SEED, clock: { aheadMs: -120_000, errorMs: 0 } }] }))
    expect(one.clockAheadMs).to.equal(120_000)
    expect(one.problems[0]?.what).to.include('120 s ahead of that of the seed')
    expect(one.problems[0]?.advice).to.include('If the clock is right, that of the seed is wrong')
    const two = diagnose(found({ seeds: [1, 2].map(() => ({ ...SEED, clock: { aheadMs: 120_000, errorMs: 0 } })) }))
    expect(two.problems[0]?.what).to.include('120 s behind that of 2 seeds')
    expect(two.problems[0]?.advice).not.to.include('that of the seed is wrong')
  })

  it('tells why seeds did not answer', () => {
    expect(diagnose(found({ seeds: [SILENT] })).problems[0]?.what).to.include('connect ETIMEDOUT')
  })
})
