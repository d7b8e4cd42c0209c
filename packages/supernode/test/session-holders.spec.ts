import { SeededRandom, shuffle } from '@skein/core'
import { expect } from 'chai'
import { sessionHolders } from '../src/index.ts'
import type { SuperNodeLease } from '@skein/records'

function lease (peer: string, changes: Partial<SuperNodeLease> = {}): SuperNodeLease {
  return {
    peer, region: 'eu-west', term: 1, fence: 1, roles: ['relay', 'ingest'], addresses: [], networks: [], quota: {}, issuedAtMs: 0, expiresAtMs: 1,
    withdrawn: false, ...changes
  }
}

const LEASES = ['a', 'b', 'c', 'd', 'e'].map(peer => lease(peer))
const names = (leases: SuperNodeLease[]): string => leases.map(({ peer }) => peer).join('')

describe('Super-nodes that a session asks', () => {
  it('come in the same order, in whatever order they are known', () => {
    const order = names(sessionHolders(LEASES, 'ann', 's'))
    const random = new SeededRandom(1)
    for (let i = 0; i < 20; i++) {
      expect(names(sessionHolders(shuffle(random, [...LEASES]), 'ann', 's'))).to.equal(order)
    }
  })

  it('keep their order when one is gone', () => {
    const [first, ...rest] = sessionHolders(LEASES, 'ann', 's')
    expect(names(sessionHolders(LEASES.filter(one => one !== first), 'ann', 's'))).to.equal(names(rest))
  })

  it('are others for other sessions and other owners, so that all get some', () => {
    const firsts = Array.from({ length: 1_000 }, (_, i) => sessionHolders(LEASES, `owner ${i % 100}`, `s${i}`)[0]?.peer)
    for (const { peer } of LEASES) {
      expect(firsts.filter(first => first === peer).length).to.be.within(150, 250)
    }
  })

  it('carry streams, are of the region that is wished for, stay, and come last when they have nothing left', () => {
    const leases = [
      lease('spent', { quota: { bytesToday: 0 } }), lease('relay', { roles: ['relay'] }), lease('far', { region: 'us-east' }),
      lease('leaves', { withdrawn: true }), lease('good')
    ]
    expect(sessionHolders(leases, 'ann', 's', 'eu-west').map(({ peer }) => peer)).to.deep.equal(['good', 'spent'])
  })
})
