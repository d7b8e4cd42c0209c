import { expect } from 'chai'
import { verdictOf } from '../../src/node/nat-question.ts'
import type { NatVerdict } from '@skein/reachability'
import type { NatFilteringClass, StunMapping } from '@skein/supernode/node'

const LOCAL = { host: '192.168.1.7', port: 40_000 }

function seen (...ports: number[]): StunMapping[] {
  return ports.map((port, i) => ({
    mapped: { family: 'IPv4', host: '203.0.113.7', port },
    local: LOCAL,
    server: { family: 'IPv4', host: `192.0.2.${i + 1}`, port: 3478 },
    roundTripMs: 10
  }))
}

const NO_ANSWER = ['192.0.2.1', '192.0.2.2'].map(host => ({ server: { host }, error: new Error('No answer') }))

describe('what STUN servers saw', () => {
  const filters: Array<[NatFilteringClass, NatVerdict['filtering']]> = [
    ['endpoint_independent', 'open'], ['address_dependent', 'address'], ['address_and_port_dependent', 'port'], ['not_port_dependent', 'address'],
    ['unknown', undefined]
  ]
  for (const [filtering, known] of filters) {
    it(`is a NAT whose filtering is ${known ?? 'not known'}, where it is ${filtering}`, () => {
      expect(verdictOf({ seen: seen(61_000, 61_000), failed: [], filtering })?.filtering).to.equal(known)
    })
  }

  it('is a mapping that does not depend on the destination where all saw the same', () => {
    expect(verdictOf({ seen: seen(61_000, 61_000), failed: [], filtering: 'unknown' }))
      .to.deep.equal({ mapping: 'endpoint-independent', publicAddress: '203.0.113.7', publicPort: 61_000 })
  })

  it('is a symmetric NAT where each saw another port', () => {
    expect(verdictOf({ seen: seen(61_000, 12_345), failed: [], filtering: 'unknown' })?.mapping).to.equal('random')
    expect(verdictOf({ seen: seen(61_000, 61_001), failed: [], filtering: 'unknown' })?.mapping).to.equal('sequential')
  })

  it('is no NAT where it is the address that the machine has', () => {
    const own = seen(LOCAL.port, LOCAL.port).map(one => ({ ...one, mapped: { ...one.mapped, host: LOCAL.host } }))
    expect(verdictOf({ seen: own, failed: [], filtering: 'unknown' })?.mapping).to.equal('none')
  })

  it('is UDP that is blocked where two do not answer, and nothing where one is the only one', () => {
    expect(verdictOf({ seen: [], failed: NO_ANSWER, filtering: 'unknown' })).to.deep.equal({ mapping: 'blocked' })
    expect(verdictOf({ seen: [], failed: NO_ANSWER.slice(1), filtering: 'unknown' })).to.equal(undefined)
    expect(verdictOf({ seen: seen(61_000), failed: NO_ANSWER.slice(1), filtering: 'unknown' })).to.equal(undefined)
  })
})
