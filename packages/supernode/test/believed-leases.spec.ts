import { expect } from 'chai'
import { BelievedLeases, dialAddresses, leaseLoad, stunAddresses } from '../src/index.ts'
import type { NamedLease } from '../src/index.ts'
import type { LeaseQuota, SuperNodeLease, SuperNodeRole } from '@skein/records'

const NOW_MS = 1_790_000_000_000

function named (peer: string, overrides: Partial<SuperNodeLease> = {}): NamedLease {
  const networks = [{ small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 64_496 }]
  const lease: SuperNodeLease = {
    peer, region: 'eu-west', term: Math.floor(NOW_MS / 600_000), fence: 1, roles: ['relay'], addresses: [], networks, quota: {},
    issuedAtMs: NOW_MS - 1_000, expiresAtMs: NOW_MS + 300_000, withdrawn: false, ...overrides
  }
  return { lease, named: 2, of: 3 }
}

function believing (...leases: NamedLease[]): BelievedLeases {
  const believed = new BelievedLeases('self')
  believed.onVote({ leases, networks: 3, clockDoubtful: false }, NOW_MS)
  return believed
}

describe('The leases that a client believes', () => {
  it('are those that were voted for, but not its own', () => {
    const believed = believing(named('a'), named('b', { expiresAtMs: NOW_MS + 200_000 }), named('self', { expiresAtMs: NOW_MS + 100_000 }))
    expect(believed.usable(NOW_MS).map(({ peer }) => peer)).to.deep.equal(['a', 'b'])
    expect(believed.nextEndMs(NOW_MS)).to.equal(NOW_MS + 200_000)
    expect(believed.usable(NOW_MS + 200_000).map(({ peer }) => peer)).to.deep.equal(['a'])
    expect(believed.nextEndMs(NOW_MS + 300_000)).to.equal(undefined)
  })

  it('end when they are given back', () => {
    const believed = believing(named('a'), named('b'))
    believed.onVote({ leases: [named('a', { fence: 2, withdrawn: true })], networks: 3, clockDoubtful: false }, NOW_MS)
    expect(believed.usable(NOW_MS).map(({ peer }) => peer)).to.deep.equal(['b'])
  })

  it('are not replaced by older ones', () => {
    const believed = believing(named('a', { fence: 5, expiresAtMs: NOW_MS + 400_000 }))
    believed.onVote({ leases: [named('a', { fence: 4 })], networks: 3, clockDoubtful: false }, NOW_MS)
    expect(believed.leaseOf('a')).to.deep.include({ fence: 5, expiresAtMs: NOW_MS + 400_000 })
  })

  it('tell which super-nodes can be used: for reservations those that relay', () => {
    const roles = (...list: SuperNodeRole[]): Partial<SuperNodeLease> => ({ roles: list })
    const believed = believing(named('relay', roles('relay')), named('hub', roles('hub')), named('stun', roles('stun')))
    expect(believed.superNodes(true, NOW_MS).map(({ peer }) => peer)).to.deep.equal(['relay'])
    expect(believed.superNodes(false, NOW_MS).map(({ peer }) => peer)).to.deep.equal(['relay', 'hub'])
    expect(believed.superNodes(false, NOW_MS, peer => peer === 'relay').map(({ peer }) => peer), 'of one that is distrusted').to.deep.equal(['hub'])
    expect(believed.superNodes(false, NOW_MS, () => true).map(({ peer }) => peer), 'when there is nobody else').to.deep.equal(['relay', 'hub'])
    expect(believed.reasons('hub', 12)).to.deep.equal({ named: 2, of: 3, load: 0, roundTripMs: 12, systems: ['AS64496'] })
  })

  it('tell who has a role, those first that most electors name', () => {
    const one = named('one', { roles: ['relay', 'ingest'] })
    const most = { ...named('most', { roles: ['ingest'] }), named: 3 }
    const believed = believing(one, most, named('other'), named('ended', { roles: ['ingest'], expiresAtMs: NOW_MS - 1 }))
    expect(believed.withRole('ingest', NOW_MS).map(({ peer }) => peer)).to.deep.equal(['most', 'one'])
    expect(believed.withRole('stun', NOW_MS)).to.deep.equal([])
  })

  const loads: Array<[LeaseQuota, number]> = [
    [{}, 0], [{ reservations: 0 }, 1], [{ reservations: 64 }, 0.5], [{ reservations: 64 * 9, circuits: 16 }, 0.5], [{ bytesToday: 0, reservations: 9999 }, 1]
  ]
  for (const [quota, load] of loads) {
    it(`tell how full a super-node is: ${JSON.stringify(quota)} is ${load}`, () => { expect(leaseLoad(quota)).to.equal(load) })
  }

  it('tell where to dial, and where STUN is answered', () => {
    const addresses = ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.1/udp/3478', '/ip4/192.0.2.1/udp/4001/quic-v1', '/ip6/2001:db8::1/udp/3478']
    expect(dialAddresses({ addresses })).to.deep.equal([addresses[0], addresses[2]])
    expect(stunAddresses({ addresses, roles: ['stun'] })).to.deep.equal([addresses[1], addresses[3]])
    expect(stunAddresses({ addresses, roles: ['relay'] })).to.deep.equal([])
  })
})
