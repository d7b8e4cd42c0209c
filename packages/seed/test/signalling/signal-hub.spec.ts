import { MAX_SIGNAL_LIFE_MS } from '@skein/records'
import { expect } from 'chai'
import fc from 'fast-check'
import { DEFAULT_SIGNAL_LIMITS } from '../../src/signalling/signal-limits.ts'
import { HubWorld } from './hub-world.ts'

describe('the signalling of a seed', () => {
  it('passes a signal on to a peer of the same seed, and says delivered once it is acknowledged', () => {
    const world = new HubWorld(['A'], { maxDelayMs: 5 })
    const alice = world.open('A', 'alice')
    world.open('A', 'bob')
    const id = world.signal(alice, 'bob')
    expect(world.outcome(id)).to.equal(undefined)
    world.clock.advance(20)
    expect(world.received.get('bob')).to.deep.equal([id])
    expect(world.outcome(id)).to.equal('delivered')
    expect(world.hubs.get('A')?.counters.outcomes.local).to.deep.equal({ delivered: 1 })
  })

  it('passes it on over another seed', () => {
    const world = new HubWorld(['A', 'B'], { maxDelayMs: 5 })
    const alice = world.open('A', 'alice')
    world.open('B', 'bob')
    world.clock.advance(20)
    const id = world.signal(alice, 'bob')
    world.clock.advance(40)
    expect(world.outcome(id)).to.equal('delivered')
    expect(world.hubs.get('A')?.counters.outcomes.remote).to.deep.equal({ delivered: 1 })
    expect(world.hubs.get('B')?.counters.foreign).to.deep.equal({ delivered: 1 })
  })

  const refusals: Array<[string, string, (world: HubWorld, alice: number) => number]> = [
    ['a peer that nobody knows', 'peer_not_found', (world, alice) => world.signal(alice, 'nobody')],
    ['a peer that is registered and not connected', 'unreachable', (world, alice) => world.signal(alice, 'registered')],
    ['no peer id', 'malformed', (world, alice) => world.signal(alice, undefined)],
    ['a kind that is none', 'malformed', (world, alice) => world.signal(alice, 'bob', { kind: 'ping' })],
    ['a payload of 16 KiB and a byte', 'oversize', (world, alice) => world.signal(alice, 'bob', { bytes: 16_385 })],
    ['a sender that is not registered', 'not_registered', world => world.signal(world.open('A', 'stranger'), 'bob')],
    ['a seed that drains', 'draining', (world, alice) => {
      world.input('A', (hub, nowMs) => { hub.onDrain(nowMs) })
      return world.signal(alice, 'bob')
    }]
  ]
  for (const [name, reason, act] of refusals) {
    it(`refuses, at once, ${name}: ${reason}`, () => {
      const world = new HubWorld(['A'], { registered: peer => !['nobody', 'stranger'].includes(peer) })
      world.frozen.add('frozen')
      const alice = world.open('A', 'alice')
      world.open('A', 'bob')
      world.open('A', 'frozen')
      const id = act(world, alice)
      world.clock.advance(0)
      expect(world.outcome(id)).to.equal(reason)
      expect(world.received.get('bob')).to.equal(undefined)
    })
  }

  it('takes a payload of 16 KiB', () => {
    const world = new HubWorld(['A'])
    const alice = world.open('A', 'alice')
    world.open('A', 'bob')
    const id = world.signal(alice, 'bob', { bytes: 16_384 })
    world.clock.advance(1)
    expect(world.outcome(id)).to.equal('delivered')
  })

  it('says timeout after 2 s, or as soon as the sender wanted, when the receiver does not acknowledge', () => {
    const world = new HubWorld(['A', 'B'])
    const alice = world.open('A', 'alice')
    for (const [seed, peer] of [['A', 'here'], ['B', 'there']] as const) {
      world.frozen.add(peer)
      world.open(seed, peer)
    }
    world.clock.advance(1)
    const ids = [world.signal(alice, 'here'), world.signal(alice, 'there'), world.signal(alice, 'there', { timeoutMs: 300 }), world.signal(alice, 'here', { timeoutMs: 60_000 })]
    world.clock.advance(300)
    expect(ids.map(id => world.outcome(id))).to.deep.equal([undefined, undefined, 'timeout', undefined])
    world.clock.advance(1_700)
    expect(ids.map(id => world.outcome(id))).to.deep.equal(['timeout', 'timeout', 'timeout', 'timeout'])
  })

  it('closes a receiver that has let signals expire for 10 s without a word, and then says at once that it is not there', () => {
    const world = new HubWorld(['A'])
    const alice = world.open('A', 'alice')
    world.frozen.add('bob')
    world.open('A', 'bob')
    for (let i = 0; i < 6; i++) {
      world.signal(alice, 'bob')
      world.clock.advance(2_000)
    }
    expect(world.closed.map(({ reason }) => reason)).to.deep.equal(['silent'])
    const id = world.signal(alice, 'bob')
    world.clock.advance(0)
    expect(world.outcome(id)).to.equal('unreachable')
  })

  it('says timeout at once when the receiver goes away with a signal that it was sent: it may have arrived', () => {
    const world = new HubWorld(['A', 'B'])
    const alice = world.open('A', 'alice')
    world.frozen.add('bob').add('carol')
    const bob = world.open('A', 'bob')
    const carol = world.open('B', 'carol')
    world.clock.advance(1)
    const ids = [world.signal(alice, 'bob'), world.signal(alice, 'carol')]
    world.clock.advance(1)
    world.close(bob)
    world.close(carol)
    world.clock.advance(1)
    expect(ids.map(id => world.outcome(id))).to.deep.equal(['timeout', 'timeout'])
  })

  it('queues no more than so much for one receiver, whoever it is from', () => {
    const world = new HubWorld(['A'])
    world.frozen.add('bob')
    world.open('A', 'bob')
    const senders = Array.from({ length: 4 }, (_, i) => world.open('A', `sender ${i}`))
    const ids = senders.flatMap(sender => Array.from({ length: 20 }, () => world.signal(sender, 'bob')))
    world.clock.advance(1)
    expect(ids.filter(id => world.outcome(id) === 'queue_full')).to.have.length(80 - DEFAULT_SIGNAL_LIMITS.maxQueuedSignals)
    expect(world.received.get('bob'), 'the window').to.have.length(16)
    world.clock.advance(2_000)
    expect(new Set(ids.map(id => world.outcome(id)))).to.deep.equal(new Set(['queue_full', 'timeout']))
    expect(world.hubs.get('A')?.pendingBytes).to.equal(0)
  })

  it('queues no more bytes than so many, here and for peers of other seeds', () => {
    const world = new HubWorld(['A', 'B'])
    world.frozen.add('bob').add('carol')
    world.open('A', 'bob')
    world.open('B', 'carol')
    const alice = world.open('A', 'alice')
    world.clock.advance(1)
    for (const to of ['bob', 'carol']) {
      const ids = Array.from({ length: 20 }, () => world.signal(world.open('A', `${to} ${Math.random()}`), to, { bytes: 16_384 }))
      world.clock.advance(1)
      expect(ids.filter(id => world.outcome(id) === 'queue_full'), to).to.have.length(4)
    }
    expect(world.hubs.get('A')?.queuedBytes).to.equal(262_144)
    expect(world.hubs.get('B')?.queuedBytes).to.equal(262_144)
    expect(world.outcome(world.signal(alice, 'alice'))).to.equal(undefined)
  })

  it('takes no more than 32 signals of one sender without an outcome', () => {
    const world = new HubWorld(['A'])
    world.frozen.add('bob')
    world.open('A', 'bob')
    const alice = world.open('A', 'alice')
    const ids = Array.from({ length: 40 }, () => world.signal(alice, 'bob'))
    world.clock.advance(0)
    expect(ids.filter(id => world.outcome(id) === 'queue_full')).to.have.length(8)
  })

  it('tells one that signals too fast to wait, and closes one that does not listen', () => {
    const { signalRate, refusalRate, openRate } = DEFAULT_SIGNAL_LIMITS
    const world = new HubWorld(['A'], { limits: { signalRate, refusalRate, openRate } })
    world.open('A', 'bob')
    const alice = world.open('A', 'alice')
    const ids: number[] = []
    for (let i = 0; i < 250; i++) {
      ids.push(world.signal(alice, 'bob'))
      world.clock.advance(0)
    }
    expect(ids.filter(id => world.outcome(id) === 'delivered')).to.have.length(200)
    expect(ids.filter(id => world.outcome(id) === 'too_early')).to.have.length(50)
    for (let i = 0; i < 250 && world.isOpen(alice); i++) {
      world.signal(alice, 'bob')
    }
    expect(world.closed).to.deep.equal([{ session: alice, reason: 'flood' }])
    // a new stream does not begin anew
    const again = world.open('A', 'alice')
    const id = world.signal(again, 'bob')
    expect(world.outcome(id)).to.equal('too_early')
    expect(world.hubs.get('A')?.counters.outcomes.none.too_early).to.be.within(200, 210)
  })

  it('closes one that opens stream after stream, and one stream too many', () => {
    const world = new HubWorld(['A'], { limits: { openRate: DEFAULT_SIGNAL_LIMITS.openRate, maxSessions: 2 } })
    for (let i = 0; i < 12; i++) {
      world.open('A', 'alice')
    }
    expect(world.closed.filter(({ reason }) => reason === 'replaced')).to.have.length(9)
    expect(world.closed.filter(({ reason }) => reason === 'flood')).to.have.length(2)
    world.open('A', 'bob')
    world.open('A', 'carol')
    expect(world.closed.at(-1)?.reason).to.equal('full')
    expect(world.hubs.get('A')?.sessionCount).to.equal(2)
  })

  it('finds a peer that has moved to another seed though the first one still claims it', () => {
    const world = new HubWorld(['A', 'B', 'C'], { maxDelayMs: 3 })
    const alice = world.open('C', 'alice')
    const before = world.open('A', 'bob')
    world.clock.advance(10)
    world.open('B', 'bob')
    world.clock.advance(10)
    const id = world.signal(alice, 'bob')
    world.clock.advance(30)
    expect(world.outcome(id)).to.equal('delivered')
    expect(world.hubs.get('B')?.counters.foreign).to.deep.equal({ delivered: 1 })
    // the newer one goes: the older serves again
    const after = [...Array(3)].map(() => world.signal(alice, 'bob'))
    world.clock.advance(30)
    expect(after.map(signal => world.outcome(signal))).to.deep.equal(['delivered', 'delivered', 'delivered'])
    expect(world.isOpen(before)).to.equal(true)
  })

  it('looks elsewhere for a receiver that lets signals expire, and comes back to it when there is nothing else', () => {
    const world = new HubWorld(['A', 'B'])
    const alice = world.open('A', 'alice')
    world.frozen.add('bob').add('carol')
    world.open('A', 'bob')
    world.open('A', 'carol')
    const lost = [world.signal(alice, 'bob'), world.signal(alice, 'carol')]
    world.clock.advance(2_000)
    expect(lost.map(id => world.outcome(id))).to.deep.equal(['timeout', 'timeout'])
    world.frozen.clear()
    world.open('B', 'bob')
    world.clock.advance(1)
    const ids = [world.signal(alice, 'bob'), world.signal(alice, 'carol')]
    world.clock.advance(1)
    expect(ids.map(id => world.outcome(id))).to.deep.equal(['delivered', 'delivered'])
    expect(world.hubs.get('B')?.counters.foreign).to.deep.equal({ delivered: 1 })
  })

  it('goes to the next seed when the newest does not have the peer any more', () => {
    const world = new HubWorld(['A', 'B', 'C'])
    const alice = world.open('C', 'alice')
    world.open('A', 'bob')
    world.clock.advance(1)
    const gone = world.open('B', 'bob')
    world.clock.advance(1)
    world.busDown = true // what B says of it does not arrive
    world.close(gone)
    world.busDown = false
    const id = world.signal(alice, 'bob')
    world.clock.advance(1)
    expect(world.outcome(id)).to.equal('delivered')
    expect(world.hubs.get('A')?.counters.foreign).to.deep.equal({ delivered: 1 })
  })

  it('goes on locally while the bus is away, and says at once that others are unreachable', () => {
    const world = new HubWorld(['A', 'B'], { registered: () => undefined })
    const alice = world.open('A', 'alice')
    world.open('A', 'bob')
    world.open('B', 'carol')
    world.clock.advance(1)
    world.busDown = true
    const ids = [world.signal(alice, 'bob'), world.signal(alice, 'carol')]
    world.clock.advance(1)
    expect(ids.map(id => world.outcome(id))).to.deep.equal(['delivered', 'unreachable'])
    world.busDown = false
    const id = world.signal(alice, 'carol')
    world.clock.advance(1)
    expect(world.outcome(id)).to.equal('delivered')
  })

  it('keeps what was not sent yet for the stream that replaces one', () => {
    const world = new HubWorld(['A'])
    const alice = world.open('A', 'alice')
    const first = world.open('A', 'bob')
    world.writable(first, false)
    const ids = [world.signal(alice, 'bob'), world.signal(alice, 'bob')]
    world.open('A', 'bob')
    world.clock.advance(1)
    expect(world.received.get('bob')).to.deep.equal(ids)
    expect(ids.map(id => world.outcome(id))).to.deep.equal(['delivered', 'delivered'])
  })

  it('drains: says so, lets what is under way end, then closes', () => {
    const world = new HubWorld(['A'], { maxDelayMs: 50 })
    const alice = world.open('A', 'alice')
    const bob = world.open('A', 'bob')
    const idle = world.open('A', 'idle')
    world.signal(alice, 'bob')
    world.clock.advance(200)
    const id = world.signal(alice, 'bob')
    world.input('A', (hub, nowMs) => { hub.onDrain(nowMs) })
    expect(world.notices.map(({ outcome }) => outcome)).to.deep.equal(['draining', 'draining', 'draining'])
    world.clock.advance(450)
    expect(world.outcome(id)).to.equal('delivered')
    const late = world.signal(alice, 'bob')
    expect(world.outcome(late)).to.equal('draining')
    world.clock.advance(50)
    expect(world.closed.map(({ session, reason }) => `${session} ${reason}`)).to.have.members([alice, bob, idle].map(session => `${session} moved`))
    expect(world.hubs.get('A')?.sessionCount).to.equal(0)
  })

  type Step =
    | { do: 'open' | 'close' | 'freeze' | 'thaw', seed: number, peer: number }
    | { do: 'signal', seed: number, peer: number, to: number, bytes: number, count: number }
    /** The receiver moves to another seed between two signals */
    | { do: 'move', seed: number, peer: number, to: number, toSeed: number, close: boolean, afterMs: number }
    | { do: 'wait', ms: number }
    | { do: 'bus', down: boolean }

  const seeds = ['A', 'B', 'C']
  const seed = fc.nat({ max: 2 })
  const peer = fc.nat({ max: 4 })
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), seed, peer }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), seed, peer }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('freeze' as const, 'thaw' as const), seed, peer }) },
    { weight: 10, arbitrary: fc.record({ do: fc.constant('signal' as const), seed, peer, to: fc.nat({ max: 5 }), bytes: fc.constantFrom(10, 1_000, 5_000, 16_384, 16_385), count: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('move' as const), seed, peer, to: peer, toSeed: seed, close: fc.boolean(), afterMs: fc.nat({ max: 30 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 5, 20, 100, 1_000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('bus' as const), down: fc.boolean() }) }
  )
  const limits = { maxQueuedSignals: 12, maxQueuedBytes: 100_000, maxPendingOfSender: 8, maxPending: 30, maxPendingBytes: 200_000, window: 3, maxSessions: 4 }

  it('gives each signal exactly one outcome in time, stays within its bounds and keeps the order of each pair, whatever happens', () => {
    fc.assert(fc.property(fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }), fc.integer(), (steps, random) => {
      const world = new HubWorld(seeds, { seed: random, limits, maxDelayMs: 30, registered: name => name !== 'peer 5' })
      const open = new Map<string, number>()
      const lasting = new Set<number>()
      const check = (): void => {
        for (const hub of world.hubs.values()) {
          expect(hub.pendingCount).to.be.at.most(limits.maxPending)
          expect(hub.pendingBytes).to.be.within(0, limits.maxPendingBytes)
          expect(hub.sessionCount).to.be.at.most(limits.maxSessions)
          expect(hub.queuedBytes).to.be.at.most(limits.maxSessions * limits.maxQueuedBytes)
        }
      }
      for (let i = 0; i < 10; i++) {
        open.set(`${seeds[i % 3]} peer ${i % 5}`, world.open(seeds[i % 3] as string, `peer ${i % 5}`))
      }
      world.clock.advance(100)
      for (const act of steps) {
        const key = 'peer' in act ? `${seeds[act.seed]} peer ${act.peer}` : ''
        const session = open.get(key)
        switch (act.do) {
          case 'open': open.set(key, world.open(seeds[act.seed] as string, `peer ${act.peer}`)); break
          case 'close': if (session !== undefined) { world.close(session); open.delete(key) } break
          case 'freeze': world.frozen.add(`peer ${act.peer}`); break
          case 'thaw': world.frozen.delete(`peer ${act.peer}`); break
          case 'wait': world.clock.advance(act.ms); break
          case 'bus': world.busDown = act.down; break
          case 'move': {
            if (session === undefined || !world.isOpen(session)) {
              break
            }
            world.signal(session, `peer ${act.to}`)
            world.clock.advance(act.afterMs)
            for (const from of act.close ? seeds : []) {
              world.close(open.get(`${from} peer ${act.to}`) ?? 0)
            }
            open.set(`${seeds[act.toSeed]} peer ${act.to}`, world.open(seeds[act.toSeed] as string, `peer ${act.to}`))
            for (let i = 0; i < 2 && world.isOpen(session); i++) {
              world.signal(session, `peer ${act.to}`)
            }
            break
          }
          case 'signal':
            for (let i = 0; i < act.count && session !== undefined && world.isOpen(session); i++) {
              world.signal(session, `peer ${act.to}`, { bytes: act.bytes })
            }
        }
        check()
      }
      open.forEach(session => { lasting.add(session) })
      world.clock.advance(MAX_SIGNAL_LIFE_MS + 100)
      for (const [id, { outcomes, sentMs, session }] of world.sent) {
        expect(outcomes.length, `outcomes of ${id}`).to.be.at.most(1)
        if (lasting.has(session) && world.isOpen(session)) {
          expect(outcomes.length, `outcomes of ${id}`).to.equal(1)
        }
        for (const { atMs } of outcomes) {
          expect(atMs - sentMs).to.be.at.most(MAX_SIGNAL_LIFE_MS)
        }
      }
      for (const received of world.received.values()) {
        expect(new Set(received).size, 'none twice').to.equal(received.length)
        const last = new Map<string, number>()
        for (const id of received.filter(id => world.outcome(id) === 'delivered')) {
          const { session } = world.sent.get(id) as { session: number }
          expect(id, 'in order').to.be.above(last.get(String(session)) ?? 0)
          last.set(String(session), id)
        }
      }
      // nothing is left behind
      for (const hub of world.hubs.values()) {
        expect([hub.pendingCount, hub.pendingBytes, hub.queuedBytes]).to.deep.equal([0, 0, 0])
      }
    }), { numRuns: 300 })
  })
})
