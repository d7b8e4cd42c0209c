import { expect } from 'chai'
import { newGossipCounters } from '../../src/gossip/gossip-counters.ts'
import { RpcGuard } from '../../src/gossip/rpc-guard.ts'
import type { RPC } from '@libp2p/gossipsub/message'

const RULES: Record<string, { maxBytes: number, messagesPerSecond: number }> = {
  t: { maxBytes: 100, messagesPerSecond: 1 },
  large: { maxBytes: 1e9, messagesPerSecond: 1_000 }
}

function rig (): { guard: RpcGuard, counters: ReturnType<typeof newGossipCounters> } {
  const counters = newGossipCounters()
  return { guard: new RpcGuard({ counters, ruleOf: topic => RULES[topic] }), counters }
}

function message (init: Partial<RPC.Message> = {}): RPC.Message {
  return { topic: 't', data: new Uint8Array(10), from: new Uint8Array(38), seqno: new Uint8Array(8), signature: new Uint8Array(64), ...init }
}

function rpc (init: Partial<RPC> = {}): RPC {
  return { subscriptions: [], messages: [], ...init }
}

describe('what a neighbour sends', () => {
  it('comes through when nothing is wrong with it', () => {
    const { guard } = rig()
    const sent = rpc({
      messages: [message(), message({ topic: 'large', data: new Uint8Array(65_536) })],
      subscriptions: [{ subscribe: true, topic: 'other' }]
    })
    expect(guard.admit('p', sent, 0)).to.deep.equal({ rpc: sent, faults: [] })
  })

  for (const [what, wrong, faults] of [
    ['larger than the topic allows', message({ data: new Uint8Array(101) }), [{ topic: 't' }]],
    ['larger than any topic allows', message({ topic: 'large', data: new Uint8Array(65_537) }), [{ topic: 'large' }]],
    ['with a publisher that is no peer id', message({ from: new Uint8Array(65) }), [{ topic: 't' }]],
    ['with a number that is none', message({ seqno: new Uint8Array(9) }), [{ topic: 't' }]],
    ['with a signature of no kind', message({ signature: new Uint8Array(513) }), [{ topic: 't' }]],
    ['with a key of no kind', message({ key: new Uint8Array(1_025) }), [{ topic: 't' }]],
    ['of a topic that this node is not in', message({ topic: 'left' }), []]
  ] as const) {
    it(`does not when it is ${what}`, () => {
      const { guard } = rig()
      const good = message()
      expect(guard.admit('p', rpc({ messages: [wrong, good] }), 0)).to.deep.equal({ rpc: rpc({ messages: [good] }), faults })
    })
  }

  it('is cut to twice the rate of its topic, for each neighbour', () => {
    const { guard, counters } = rig()
    const hundred = (): RPC => rpc({ messages: Array.from({ length: 100 }, () => message()) })
    const through = (peer: string, atMs: number): number => guard.admit(peer, hundred(), atMs)?.rpc.messages.length ?? 0
    expect(through('p', 0)).to.equal(64)
    expect(through('p', 10_000)).to.equal(20)
    expect(through('q', 10_000)).to.equal(64)
    expect(counters.messages_over_rate_total).to.equal(36 + 80 + 36)
  })

  it('is dropped whole beyond 200 a second', () => {
    const { guard, counters } = rig()
    const through = (atMs: number): number =>
      Array.from({ length: 3_000 }, () => guard.admit('p', rpc(), atMs)).filter(admitted => admitted !== undefined).length
    expect(through(0)).to.equal(2_000)
    expect(through(1_000)).to.equal(200)
    expect(counters.rpcs_dropped_total).to.equal(1_000 + 2_800)
  })

  it('names no topics without end, and no peers without a signed record', () => {
    const { guard, counters } = rig()
    const signed = { peerID: new Uint8Array(38), signedPeerRecord: new Uint8Array(200) }
    const control = {
      ihave: [], iwant: [], graft: [], idontwant: [],
      prune: [{ topicID: 't', peers: [{ peerID: new Uint8Array(38) }, signed, { peerID: new Uint8Array(38), signedPeerRecord: new Uint8Array(0) }] }]
    }
    const admitted = guard.admit('p', rpc({
      subscriptions: [
        { subscribe: true, topic: 'x'.repeat(129) }, { subscribe: true, topic: '' }, { subscribe: true }, { subscribe: false, topic: 'fine' }
      ],
      control
    }), 0)
    expect(admitted?.rpc.subscriptions).to.deep.equal([{ subscribe: false, topic: 'fine' }])
    expect(admitted?.rpc.control?.prune[0]?.peers).to.deep.equal([signed])
    expect(counters.px_unsigned_total).to.equal(2)
  })
})
