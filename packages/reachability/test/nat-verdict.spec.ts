import { expect } from 'chai'
import { describeNat, natVerdict } from '../src/index.ts'
import type { NatEvidence, NatVerdict } from '../src/index.ts'

const LOCAL = { addresses: ['192.168.1.7'], port: 4001 }
const seen = (...ports: number[]): NatEvidence['sightings'] => ports.map((port, i) => ({ server: `192.0.2.${i}:3478`, address: '198.51.100.4', port }))

const CASES: Array<[name: string, evidence: Partial<NatEvidence>, verdict: NatVerdict | undefined]> = [
  ['nobody answered', { asked: 2 }, { mapping: 'blocked' }],
  ['nobody was asked', { asked: 0 }, undefined],
  ['one server alone answered', { sightings: seen(4001) }, undefined],
  ['the same server answered twice', { sightings: [...seen(4001), ...seen(4001)] }, undefined],
  ['all saw the socket\'s own address', { sightings: seen(4001).map(sighting => ({ ...sighting, address: '192.168.1.7' })) },
    { mapping: 'none', publicAddress: '192.168.1.7', publicPort: 4001 }],
  ['all saw one mapping', { sightings: seen(61_000, 61_000) }, { mapping: 'endpoint-independent', publicAddress: '198.51.100.4', publicPort: 61_000 }],
  ['each saw the next port', { sightings: seen(61_000, 61_001, 61_003) }, { mapping: 'sequential', publicAddress: '198.51.100.4', step: 1 }],
  ['each saw any port', { sightings: seen(61_000, 12_345) }, { mapping: 'random', publicAddress: '198.51.100.4' }],
  ['ports went down', { sightings: seen(61_000, 60_999) }, { mapping: 'random', publicAddress: '198.51.100.4' }],
  ['they saw different addresses', { sightings: seen(61_000, 61_001).map((sighting, i) => ({ ...sighting, address: `198.51.100.${i}` })) }, { mapping: 'random' }],
  ['the filtering was tested', { sightings: seen(61_000, 61_000), filtering: 'open' },
    { mapping: 'endpoint-independent', publicAddress: '198.51.100.4', publicPort: 61_000, filtering: 'open' }]
]

describe('the verdict on a NAT', () => {
  for (const [name, evidence, verdict] of CASES) {
    it(`is ${verdict?.mapping ?? 'open'} where ${name}`, () => {
      expect(natVerdict({ local: LOCAL, sightings: [], asked: 2, ...evidence })).to.deep.equal(verdict)
    })
  }

  it('is said in plain words', () => {
    expect(describeNat({ mapping: 'none' })).to.contain('no NAT')
    expect(describeNat({ mapping: 'none', filtering: 'port' })).to.contain('firewall')
    expect(describeNat({ mapping: 'endpoint-independent', filtering: 'open' })).to.contain('full cone')
    expect(describeNat({ mapping: 'random' })).to.contain('through a relay')
    expect(describeNat({ mapping: 'sequential' })).to.contain('in sequence')
    expect(describeNat({ mapping: 'blocked' })).to.contain('UDP is blocked')
  })
})
