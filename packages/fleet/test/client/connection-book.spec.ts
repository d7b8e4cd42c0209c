import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { ConnectionBook } from '@skein/fleet'
import type { ConnectionEffect, SessionView } from '@skein/fleet'

function view (slot: number, fields: Partial<SessionView> = {}): SessionView {
  return {
    id: `s${slot}`, slot, name: 'k7mx2p9a', state: 'provisioning', steps: [], publishId: 'live_t', playId: 'play_t', leaseRemainingMs: 300_000, heartbeatMs: 30_000,
    ...fields
  }
}

/** The book under a hand that moves the time: what it asks for, in order. */
class BookWorld {
  readonly book = new ConnectionBook(new SeededRandom(1))
  nowMs = 0
  readonly effects: ConnectionEffect[] = []

  drain (): void {
    for (let effect = this.book.poll(); effect !== undefined; effect = this.book.poll()) {
      this.effects.push(effect)
    }
  }

  pass (ms: number): void {
    const untilMs = this.nowMs + ms
    for (let atMs = this.book.nextTimeoutMs(); atMs !== undefined && atMs <= untilMs; atMs = this.book.nextTimeoutMs()) {
      this.nowMs = Math.max(this.nowMs, atMs)
      this.book.onTimeout(this.nowMs)
      this.drain()
    }
    this.nowMs = untilMs
  }

  take (type: ConnectionEffect['type']): any[] {
    this.drain()
    return this.effects.splice(0).filter(effect => effect.type === type)
  }

  get states (): string[] {
    return this.book.connections().map(({ state }) => state)
  }
}

describe('The connections of a client', () => {
  it('are provided as they are added, ready with a relay and live with a sender', () => {
    const world = new BookWorld()
    world.book.onAdded({ slot: 1, region: 'eu-west' }, 0)
    expect(world.take('start')).to.deep.equal([{ type: 'start', spec: { slot: 1, region: 'eu-west' } }])
    expect(world.states).to.deep.equal(['provisioning'])
    world.book.onStarted(1, view(1), 0)
    world.pass(250)
    expect(world.take('poll')).to.deep.equal([{ type: 'poll', slot: 1, sessionId: 's1' }])
    world.book.onRenewed(1, view(1, { state: 'active' }), 300)
    expect(world.states).to.deep.equal(['ready'])
    world.pass(1_000)
    expect(world.take('watch')).to.have.length(1)
    world.book.onStatistics(1, true)
    expect(world.states).to.deep.equal(['live'])
    world.book.onRenewed(1, view(1, { state: 'active' }), 1_400)
    expect(world.states).to.deep.equal(['live'])
    world.book.onStatistics(1, false)
    expect(world.states).to.deep.equal(['ready'])
    expect(world.take('changed').map(({ connection }) => connection.state)).to.deep.equal(['live', 'ready'])
  })

  it('are asked about at once when they are not where they were, so that who sends follows', () => {
    const world = new BookWorld()
    world.book.onAdded({ slot: 1 }, 0)
    world.book.onStarted(1, view(1, { state: 'active' }), 0)
    world.pass(3_000)
    world.take('poll')
    world.book.onElsewhere(1, world.nowMs)
    expect(world.take('poll')).to.deep.equal([{ type: 'poll', slot: 1, sessionId: 's1' }])
    const place = { instanceId: 'fra1', region: 'eu-west', ingestHost: '192.0.2.2', ingestPort: 5_000, playHost: '192.0.2.2', playPort: 4_000 }
    world.book.onRenewed(1, view(1, { state: 'active', place }), world.nowMs)
    expect(world.take('changed').at(-1).connection.session.place).to.deep.equal(place)
    world.book.onElsewhere(7, world.nowMs) // nobody's
    expect(world.take('poll')).to.deep.equal([])
  })

  it('are asked about less often where there is no news of them, until there is', () => {
    const world = new BookWorld()
    world.book.onAdded({ slot: 1 }, 0)
    world.book.onStarted(1, view(1), 0)
    const waits: number[] = []
    const answer = (session: SessionView): void => {
      world.book.onRenewed(1, session, world.nowMs)
      world.take('poll')
      const askedMs = world.nowMs
      while (world.take('poll').length === 0) {
        world.pass((world.book.nextTimeoutMs() as number) - world.nowMs)
      }
      waits.push(world.nowMs - askedMs)
    }
    world.pass(250)
    for (let at = 0; at < 5; at++) {
      answer(view(1))
    }
    answer(view(1, { steps: [{ step: 'launching_instance', startedMs: 1 }] }))
    expect(waits).to.deep.equal([500, 1_000, 2_000, 2_000, 2_000, 250])
  })

  it('start within two seconds of the app, each at its own moment, and two at a time', () => {
    const world = new BookWorld()
    world.book.onAppStarted(Array.from({ length: 10 }, (_, slot) => ({ slot })), 0)
    expect(world.take('start')).to.deep.equal([])
    world.pass(2_000)
    const first = world.take('start')
    expect(first).to.have.length(2)
    const [one, two] = first.map(({ spec }) => spec.slot as number) as [number, number]
    world.book.onStarted(one, view(one), world.nowMs)
    world.pass(1_000)
    expect(world.take('start')).to.deep.equal([])
    world.book.onRenewed(one, view(one, { state: 'active' }), world.nowMs)
    expect(world.take('start')).to.have.length(1)
    world.book.onStartFailed(two, 'no relay', world.nowMs)
    expect(world.take('start')).to.have.length(1)
    const moments = new Set(Array.from({ length: 50 }, (_, seed) => {
      const book = new ConnectionBook(new SeededRandom(seed))
      book.onAppStarted([{ slot: 0 }], 0)
      return book.nextTimeoutMs()
    }))
    expect(moments.size).to.be.above(40)
    expect(Math.max(...[...moments].map(Number))).to.be.below(2_000)
  })

  it('are renewed every 30 s, whether the last heartbeat was answered or not', () => {
    const world = new BookWorld()
    world.book.onAdded({ slot: 1 }, 0)
    world.book.onStarted(1, view(1, { state: 'active' }), 0)
    world.take('start')
    world.pass(100_000)
    expect(world.take('heartbeat')).to.have.length(3)
    // the control plane is away: the relay goes on to the end of its lease
    world.book.onUnanswered(1, 's1', 'away', 100_000)
    expect(world.states).to.deep.equal(['ready'])
    world.pass(210_000)
    world.book.onUnanswered(1, 's1', 'away', 310_000)
    expect(world.states).to.deep.equal(['error'])
    world.pass(2_000)
    expect(world.take('start')).to.have.length(1)
  })

  it('begin anew at once when the session is over, and wait longer each time that they fail', () => {
    const world = new BookWorld()
    world.book.onAdded({ slot: 1 }, 0)
    world.book.onStarted(1, view(1, { state: 'active' }), 0)
    world.take('start')
    world.book.onSessionOver(1, 's1', 'gone', 5)
    expect(world.take('start')).to.have.length(1)
    const waits: number[] = []
    for (let at = 0; at < 8; at++) {
      world.book.onStarted(1, view(1, { id: `t${at}`, state: 'ended', failure: 'full' }), world.nowMs)
      expect(world.book.connections()[0]).to.include({ state: 'error', message: 'full' })
      const failedMs = world.nowMs
      world.pass((world.book.nextTimeoutMs() as number) - failedMs)
      waits.push(world.nowMs - failedMs)
      expect(world.take('start')).to.have.length(1)
    }
    expect(waits[0]).to.be.within(2_000, 4_000)
    expect(waits.at(-1)).to.be.within(30_000, 60_000)
  })

  it('are given back when they are removed, also before the start is answered, and as long as it takes', () => {
    const world = new BookWorld()
    world.book.onAdded({ slot: 1 }, 0)
    world.book.onRemoved(1, 10)
    expect(world.take('stop')).to.deep.equal([])
    world.book.onStarted(1, view(1), 20)
    expect(world.take('stop')).to.deep.equal([{ type: 'stop', sessionId: 's1' }])
    world.book.onStopFailed('s1', 20)
    world.pass(2_020)
    expect(world.take('stop')).to.have.length(1)
    world.book.onStopped('s1')
    expect(world.book.nextTimeoutMs()).to.equal(undefined)
  })

  it('do not listen to answers about sessions that they have no more', () => {
    const world = new BookWorld()
    world.book.onAdded({ slot: 1 }, 0)
    world.book.onStarted(1, view(1, { state: 'active' }), 0)
    world.book.onSessionOver(1, 'other', 'gone', 5)
    world.book.onRenewed(1, view(1, { id: 'other', state: 'ended' }), 5)
    world.book.onUnanswered(1, 'other', 'away', 400_000)
    expect(world.states).to.deep.equal(['ready'])
  })

  it('are a hundred at most', () => {
    const world = new BookWorld()
    world.book.onAppStarted(Array.from({ length: 100 }, (_, slot) => ({ slot })), 0)
    world.book.onAdded({ slot: 5 }, 0)
    expect(() => { world.book.onAdded({ slot: 100 }, 0) }).to.throw(RangeError)
  })
})
