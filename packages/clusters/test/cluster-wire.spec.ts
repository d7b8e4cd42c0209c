/** What members of clusters write is read as it was meant, and whatever is read throws nothing but the one error. */
import { expect } from 'chai'
import fc from 'fast-check'
import {
  decodeAnswer, decodeMessage, encodeAnswer, encodeMessage, MAX_CLUSTER_MESSAGE_BYTES, MAX_TOLD_MEMBERS
} from '../src/cluster-message.ts'
import { ClusterMessageError, decodeNotice, encodeNotice, MAX_NOTICE_BYTES } from '../src/cluster-notice.ts'
import { ClusterAnswer as WireAnswer, ClusterMessage as WireMessage, ClusterNotice } from '../src/pb/cluster.ts'
import { testPeer } from './peer-fixture.ts'
import type { ClusterMessage, ToldMember } from '../src/cluster-message.ts'
import type { Notice } from '../src/cluster-notice.ts'

const NOW_S = 1_767_225_600

const NOTICES: Notice[] = [
  { type: 'presence', seq: NOW_S, weight: 1.5, scope: undefined },
  { type: 'presence', seq: NOW_S, weight: 0, scope: 'eu-west/all/0110' },
  { type: 'leave', seq: NOW_S, movedTo: undefined },
  { type: 'leave', seq: NOW_S, movedTo: 0 },
  { type: 'gone', peers: [{ peer: testPeer(1), seq: NOW_S }, { peer: testPeer(2), seq: 5 }] },
  {
    type: 'lease',
    notice: {
      term: 3, expiresAtMs: NOW_S * 1000, addresses: ['/ip4/10.0.0.1/tcp/4001'], checksum: 0xffffffff, parts: [{ prefix: 5, depth: 3, peers: 700 }],
      anchors: [{ name: 'north', coordinate: { position: [1, 2, 3], heightMs: 4, error: 0.5 } }]
    }
  },
  { type: 'lease', notice: { term: 0, expiresAtMs: undefined, addresses: [], checksum: 0, parts: [], anchors: [] } }
]

function member (index: number): ToldMember {
  return { peer: testPeer(index), seq: NOW_S + index, weight: 2, scope: undefined, gone: false }
}

describe('notices in a topic', () => {
  for (const notice of NOTICES) {
    it(`are read as they were written: ${JSON.stringify(notice).slice(0, 60)}`, () => {
      expect(decodeNotice(encodeNotice(notice))).to.deep.equal(notice)
    })
  }

  it('are small: one that says that a peer is there has 14 bytes, one that another is gone has 50', () => {
    expect(encodeNotice(NOTICES[0] as Notice).length).to.be.at.most(14)
    expect(encodeNotice({ type: 'gone', peers: [{ peer: testPeer(1), seq: NOW_S }] }).length).to.be.at.most(50)
  })

  it('stay below their bound at worst', () => {
    const addresses = Array.from({ length: 9 }, () => `/dns4/${'a'.repeat(240)}`)
    const parts = Array.from({ length: 99 }, (_, prefix) => ({ prefix, depth: 24, peers: 2 ** 31 }))
    const anchors = Array.from({ length: 9 }, (_, i) => ({ name: `${i}`.repeat(64), coordinate: { position: [1, 2, 3], heightMs: 4, error: 0.5 } }))
    const bytes = encodeNotice({ type: 'lease', notice: { term: 2 ** 40, expiresAtMs: 2 ** 52, addresses, checksum: 0xffffffff, parts, anchors } })
    expect(bytes.length).to.be.at.most(MAX_NOTICE_BYTES)
    expect(decodeNotice(bytes)).to.have.property('type', 'lease')
  })

  for (const [name, bytes] of Object.entries({
    'says nothing': ClusterNotice.encode({}),
    'says two things': ClusterNotice.encode({ presence: { seq: 1, weight: 1, scope: '' }, leave: { seq: 1, movedTo: 0 } }),
    'has a negative weight': ClusterNotice.encode({ presence: { seq: 1, weight: -1, scope: '' } }),
    'has a weight that is no number': ClusterNotice.encode({ presence: { seq: 1, weight: Number.NaN, scope: '' } }),
    'names no part': ClusterNotice.encode({ presence: { seq: 1, weight: 1, scope: 'eu west' } }),
    'is of the far future': ClusterNotice.encode({ presence: { seq: 2 ** 50, weight: 1, scope: '' } }),
    'goes too deep': ClusterNotice.encode({ leave: { seq: 1, movedTo: 26 } }),
    'names no peer': ClusterNotice.encode({ gone: { peers: [{ peer: Uint8Array.of(1, 2, 3), seq: 1 }] } }),
    'names 17 peers': ClusterNotice.encode({ gone: { peers: Array.from({ length: 17 }, () => ({ peer: new Uint8Array(38), seq: 1 })) } }),
    'is too large': new Uint8Array(MAX_NOTICE_BYTES + 1)
  })) {
    it(`are refused when one ${name}`, () => {
      expect(() => decodeNotice(bytes)).to.throw(ClusterMessageError)
    })
  }
})

describe('messages over a stream', () => {
  it('are read as they were written', () => {
    const answer = {
      topic: '/skein/cluster/1/eu-west/all/', members: [member(1), { ...member(2), gone: true }], cluster: undefined,
      near: [{ peer: testPeer(3), addresses: ['/ip4/10.0.0.1/tcp/1'] }],
      holders: [{ holder: testPeer(4), term: 1, expiresAtMs: NOW_S * 1000, addresses: [] }],
      buckets: new Uint32Array(64).fill(7), parts: [{ prefix: 1, depth: 1, peers: 2 }]
    }
    const messages: ClusterMessage[] = [
      { type: 'heartbeat', scope: 'eu-west', term: 1, expiresAtMs: NOW_S * 1000, more: true },
      { type: 'digest', bytes: Uint8Array.of(1, 2, 3) },
      { type: 'load', seq: NOW_S, models: [{ model: 'a', free: 3 }] },
      { type: 'members', topic: 'x', buckets: new Uint32Array(64).fill(3) },
      { type: 'members', topic: 'x', buckets: undefined },
      { type: 'push', answer },
      { type: 'where', model: 'a' }
    ]
    for (const message of messages) {
      expect(decodeMessage(encodeMessage(message))).to.deep.equal(message)
    }
    expect(decodeAnswer(encodeAnswer({ type: 'members', answer }))).to.deep.equal({ type: 'members', answer })
    const regions = [{ region: 'eu-west', providers: 1, free: 2, exact: true }]
    expect(decodeAnswer(encodeAnswer({ type: 'where', regions }))).to.deep.equal({ type: 'where', regions })
    expect(decodeAnswer(encodeAnswer({ type: 'where', regions: undefined }))).to.deep.equal({ type: 'where', regions: undefined })
  })

  it('hold the list of a full cluster, with where some of it can be dialled', () => {
    const members = Array.from({ length: MAX_TOLD_MEMBERS + 100 }, (_, i) => member(i))
    const near = Array.from({ length: 20 }, (_, i) => ({ peer: testPeer(i), addresses: Array.from({ length: 5 }, () => `/dns4/${'a'.repeat(200)}`) }))
    const bytes = encodeAnswer({ type: 'members', answer: { topic: 'x'.repeat(160), members, near, holders: [], buckets: new Uint32Array(64) } })
    expect(bytes.length).to.be.at.most(MAX_CLUSTER_MESSAGE_BYTES)
    const read = decodeAnswer(bytes)
    expect(read.type === 'members' && read.answer.members.length).to.be.at.least(1024)
  })

  it('throw nothing but the one error, whatever is read', () => {
    const seeds = [
      ...NOTICES.map(encodeNotice),
      WireMessage.encode({ load: { seq: 1, models: [{ model: 'm', free: 1 }] } }),
      WireAnswer.encode({ where: { notReady: false, regions: [{ region: 'eu-west', providers: 1, free: 1, exact: true }] } }),
      encodeMessage({ type: 'members', topic: 'x', buckets: new Uint32Array(64) })
    ]
    const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 8 })).map(([seed, changes]) => {
      const bytes = Uint8Array.from(seed)
      changes.forEach(([at, value]) => { bytes[at % bytes.length] = value })
      return bytes
    })
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), bytes => {
      for (const read of [decodeNotice, decodeMessage, decodeAnswer]) {
        try {
          read(bytes)
        } catch (error) {
          expect(error).to.be.instanceOf(ClusterMessageError)
        }
      }
    }), { numRuns: 3000 })
  })
})
