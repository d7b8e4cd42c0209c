import { expect } from 'chai'
import { pairWays } from '../src/index.ts'
import type { DirectWay, NatFiltering, NatMapping, Reach } from '../src/index.ts'

const nat = (mapping: NatMapping, filtering?: NatFiltering): Reach => ({ dialable: false, tcp: true, webrtc: true, nat: { mapping, filtering } })
const KINDS: Record<string, Reach> = {
  public: { dialable: true, tcp: true, webrtc: true, nat: { mapping: 'none' } },
  'dialable over IPv6': { dialable: true, tcp: true, webrtc: false, nat: { mapping: 'endpoint-independent', filtering: 'port' } },
  'full cone': nat('endpoint-independent', 'open'),
  'port-restricted': nat('endpoint-independent', 'port'),
  'address-restricted': nat('endpoint-independent', 'address'),
  'filter unknown': nat('endpoint-independent'),
  sequential: nat('sequential', 'port'),
  random: nat('random', 'port'),
  'UDP blocked': nat('blocked'),
  unknown: { dialable: false, tcp: true, webrtc: true },
  'no WebRTC': { ...nat('endpoint-independent', 'port'), webrtc: false },
  browser: { ...nat('endpoint-independent', 'port'), tcp: false },
  'random with TURN': { ...nat('random', 'port'), turn: true },
  'browser behind random': { ...nat('random', 'port'), tcp: false }
}

const CASES: Array<[string, string, DirectWay[]]> = [
  ['port-restricted', 'public', ['dial', 'tcp-punch', 'webrtc']],
  ['public', 'port-restricted', ['reverse', 'tcp-punch', 'webrtc']],
  ['public', 'public', ['dial', 'reverse', 'tcp-punch', 'webrtc']],
  ['dialable over IPv6', 'port-restricted', ['reverse', 'tcp-punch']],
  ['dialable over IPv6', 'dialable over IPv6', ['dial', 'reverse', 'tcp-punch']],
  ['port-restricted', 'port-restricted', ['tcp-punch', 'webrtc']],
  ['port-restricted', 'full cone', ['tcp-punch', 'webrtc']],
  ['random', 'port-restricted', []],
  ['sequential', 'port-restricted', ['tcp-punch']],
  ['sequential', 'full cone', ['tcp-punch', 'webrtc']],
  ['sequential', 'sequential', []],
  ['sequential', 'random', []],
  ['UDP blocked', 'sequential', ['tcp-punch']],
  ['random', 'full cone', ['tcp-punch', 'webrtc']],
  ['full cone', 'sequential', ['tcp-punch', 'webrtc']],
  ['full cone', 'full cone', ['tcp-punch', 'webrtc']],
  ['browser', 'full cone', ['webrtc']],
  ['random', 'address-restricted', ['webrtc']],
  ['random', 'filter unknown', ['webrtc']],
  ['random', 'random', []],
  ['random', 'public', ['dial', 'webrtc']],
  ['UDP blocked', 'port-restricted', ['tcp-punch']],
  ['UDP blocked', 'UDP blocked', ['tcp-punch']],
  ['UDP blocked', 'random', []],
  ['unknown', 'port-restricted', ['tcp-punch', 'webrtc']],
  ['browser', 'port-restricted', ['webrtc']],
  ['browser', 'browser', ['webrtc']],
  ['browser', 'browser behind random', []],
  ['no WebRTC', 'port-restricted', ['tcp-punch']],
  ['browser', 'no WebRTC', []],
  ['random with TURN', 'random', ['webrtc']],
  ['browser behind random', 'random with TURN', ['webrtc']],
  ['random with TURN', 'UDP blocked', []]
]

describe('the ways for a pair', () => {
  for (const [a, b, ways] of CASES) {
    it(`from ${a} to ${b} are ${ways.length === 0 ? 'none but a relay' : ways.join(', ')}`, () => {
      expect(pairWays(KINDS[a] as Reach, KINDS[b] as Reach)).to.deep.equal(ways)
    })
  }

  it('are the same seen from either side, but for who dials', () => {
    const mirrored: Record<DirectWay, DirectWay> = { dial: 'reverse', reverse: 'dial', 'tcp-punch': 'tcp-punch', webrtc: 'webrtc' }
    for (const a of Object.values(KINDS)) {
      for (const b of Object.values(KINDS)) {
        expect(pairWays(a, b).map(way => mirrored[way]).sort()).to.deep.equal(pairWays(b, a).sort())
      }
    }
  })
})
