import { expect } from 'chai'
import { toldAddresses } from '../src/index.ts'

describe('toldAddresses', () => {
  const direct = ['/ip4/1.1.1.1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1', '/ip4/10.0.0.3/tcp/1', '/ip4/10.0.0.4/tcp/1']
  const via = (relay: string, host = 1): string => `/ip4/2.2.2.${host}/tcp/1/p2p/${relay}/p2p-circuit`
  const cases: Array<[string, string[], string[]]> = [
    ['takes the first ones when there is no relay', direct, direct.slice(0, 4)],
    ['takes circuits alone', [via('A'), via('A', 2)], [via('A'), via('A', 2)]],
    ['keeps half of the places for circuits', [...direct, via('A'), via('A', 2), via('A', 3)], [...direct.slice(0, 2), via('A'), via('A', 2)]],
    ['has each relay before any twice', [...direct, via('A'), via('A', 2), via('B')], [...direct.slice(0, 2), via('A'), via('B')]],
    ['gives no place away', [...direct.slice(0, 1), via('A'), via('A', 2), via('A', 3)], [...direct.slice(0, 1), via('A'), via('A', 2), via('A', 3)]],
    ['leaves out this device itself', ['/ip4/127.0.0.1/tcp/1', ...direct.slice(0, 1), '/ip6/::1/tcp/1'], direct.slice(0, 1)],
    ['names this device where that is all there is', ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', via('A')], ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', via('A')]],
    ['leaves what fits as it is, direct ones first', [via('A'), ...direct.slice(0, 3)], [...direct.slice(0, 3), via('A')]]
  ]
  for (const [name, addresses, told] of cases) {
    it(name, () => { expect(toldAddresses(addresses, 4)).to.deep.equal(told) })
  }
})
