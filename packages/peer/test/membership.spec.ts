import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { Membership } from '../src/membership.ts'
import type { MembershipEffect, MembershipInit } from '../src/membership.ts'

const SEED = '/ip4/1.1.1.1/tcp/1'

/** A machine and its clock: `until` runs the time up to a moment and gives what the machine wanted on the way. */
function world (init: MembershipInit) {
  const machine = new Membership(init, new SeededRandom(1))
  let nowMs = 0
  const drain = (): MembershipEffect[] => {
    const effects: MembershipEffect[] = []
    for (let effect = machine.poll(); effect != null; effect = machine.poll()) {
      effects.push(effect)
    }
    return effects
  }
  return {
    machine,
    now: () => nowMs,
    drain,
    until: (atMs: number): MembershipEffect[] => {
      const effects = drain()
      for (let next = machine.nextTimeoutMs(); next != null && next <= atMs; next = machine.nextTimeoutMs()) {
        nowMs = Math.max(nowMs, next)
        machine.onTimeout(nowMs)
        effects.push(...drain())
      }
      nowMs = atMs
      return effects
    }
  }
}

describe('Membership', () => {
  it('dials the bootstrap addresses at once, again with growing pauses, at most a minute and a half apart', () => {
    const { machine, until, drain, now } = world({ bootstrap: [SEED] })
    machine.onStart(0)
    expect(drain()).to.deep.equal([{ type: 'dial', address: SEED }])
    machine.onDialed(SEED, undefined, 0)
    const dials: number[] = []
    for (let t = 0; t <= 600_000; t += 100) {
      for (const effect of until(t)) {
        expect(effect.type).to.equal('dial')
        dials.push(now())
        machine.onDialed(SEED, undefined, now())
      }
    }
    const gaps = dials.map((at, i) => at - (dials[i - 1] ?? 0))
    expect(gaps[0]).to.be.within(400, 1_600)
    expect(Math.max(...gaps)).to.be.within(30_000, 90_100)
    expect(dials.length).to.be.within(10, 25)
  })

  it('registers at a seed when it is connected and renews at half the life', () => {
    const { machine, until, drain } = world({ bootstrap: [SEED] })
    machine.onStart(0)
    drain()
    machine.onConnected('seed')
    machine.onDialed(SEED, 'seed', 0)
    machine.onSeed('seed', 0)
    expect(drain()).to.deep.equal([{ type: 'register', seed: 'seed' }])
    machine.onSeedAnswer('seed', { lifeMs: 300_000, retryAfterMs: 0, peers: [] }, 0)
    expect(until(149_999)).to.deep.equal([])
    expect(until(150_000)).to.deep.equal([{ type: 'register', seed: 'seed' }])
  })

  it('tells seeds soon when something changed, also while a registration is under way', () => {
    const { machine, until, drain } = world({ bootstrap: [] })
    machine.onConnected('seed')
    machine.onSeed('seed', 0)
    drain()
    machine.onCapabilitiesChanged(0)
    expect(until(50)).to.deep.equal([])
    machine.onSeedAnswer('seed', { lifeMs: 300_000, retryAfterMs: 0, peers: [] }, 50)
    expect(until(2_000)).to.deep.equal([{ type: 'register', seed: 'seed' }])
    machine.onSeedAnswer('seed', { lifeMs: 300_000, retryAfterMs: 0, peers: [] }, 2_000)
    machine.onCapabilitiesChanged(2_000)
    machine.onCapabilitiesChanged(2_050)
    expect(until(2_200)).to.deep.equal([{ type: 'register', seed: 'seed' }])
  })

  it('tells each of several seeds of a change that came while all were registering', () => {
    const { machine, until, drain } = world({ bootstrap: [] })
    for (const seed of ['a', 'b']) {
      machine.onConnected(seed)
      machine.onSeed(seed, 0)
    }
    drain()
    machine.onCapabilitiesChanged(0)
    for (const seed of ['a', 'b']) {
      machine.onSeedAnswer(seed, { lifeMs: 300_000, retryAfterMs: 0, peers: [] }, 50)
    }
    expect(until(1_000)).to.deep.equal([{ type: 'register', seed: 'a' }, { type: 'register', seed: 'b' }])
  })

  it('dials the peers a seed names while it has few connections, and no more than wanted', () => {
    const { machine, drain } = world({ bootstrap: [], wantedConnections: 4, maxDials: 2 })
    machine.onConnected('seed')
    machine.onSeed('seed', 0)
    drain()
    const peers = [1, 2, 3, 4, 5, 6].map(i => `/ip4/2.2.2.${i}/tcp/1`)
    machine.onSeedAnswer('seed', { lifeMs: 300_000, retryAfterMs: 0, peers }, 0)
    expect(drain().length).to.equal(2)
    machine.onConnected('a')
    machine.onDialed(peers[0] as string, 'a', 0)
    expect(drain().length).to.equal(1)
    machine.onDialed(peers[1] as string, undefined, 0)
    machine.onConnected('b')
    machine.onDialed(peers[2] as string, 'b', 0)
    machine.onConnected('c')
    expect(drain().length).to.equal(1)
  })

  it('goes back to a bootstrap address that it lost', () => {
    const { machine, until, drain } = world({ bootstrap: [SEED] })
    machine.onStart(0)
    drain()
    machine.onConnected('seed')
    machine.onDialed(SEED, 'seed', 0)
    expect(until(10_000)).to.deep.equal([])
    machine.onDisconnected('seed', 10_000)
    expect(until(12_000)).to.deep.equal([{ type: 'dial', address: SEED }])
  })

  it('asks a seed that did not answer again', () => {
    const { machine, until, drain } = world({ bootstrap: [] })
    machine.onConnected('seed')
    machine.onSeed('seed', 0)
    drain()
    machine.onSeedFailed('seed', 0)
    expect(until(20_000)).to.deep.equal([{ type: 'register', seed: 'seed' }])
    // and one that never said anything
    expect(until(60_000).length).to.be.at.least(1)
  })

  it('tries what it remembers', () => {
    const { machine, drain } = world({ bootstrap: [], remembered: ['/ip4/2.2.2.2/tcp/1/p2p/a'] })
    machine.onStart(0)
    expect(drain()).to.deep.equal([{ type: 'dial', address: '/ip4/2.2.2.2/tcp/1/p2p/a' }])
  })
})
