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
    expect(drain()).to.deep.equal([{ type: 'dial', address: SEED, suggested: false }])
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
    expect(until(12_000)).to.deep.equal([{ type: 'dial', address: SEED, suggested: false }])
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

  describe('with several seeds', () => {
    const at = (seed: string): string => `/ip4/1.1.1.1/tcp/1/p2p/${seed}`
    const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `/ip4/2.2.2.2/tcp/1/p2p/${prefix}${i}`)
    const dials = (effects: MembershipEffect[]): string[] => effects.flatMap(effect => effect.type === 'dial' ? [effect.address] : [])
    const answers = (peers: string[]) => ({ lifeMs: 300_000, retryAfterMs: 0, peers })

    it('dials one every 250 ms, and the next at once when one fails', () => {
      const { machine, until, drain, now } = world({ bootstrap: ['a', 'b', 'c', 'd'].map(at) })
      machine.onStart(0)
      const [first] = dials(drain())
      expect(until(249)).to.deep.equal([])
      expect(dials(until(250)).length).to.equal(1)
      expect(dials(until(499)).length).to.equal(0)
      machine.onDialed(first as string, undefined, now())
      expect(dials(until(499)).length).to.equal(1)
      expect(dials(until(750)).length).to.equal(1)
    })

    it('leaves the others alone once it has three, and goes to them when one is lost', () => {
      const { machine, until, drain, now } = world({ bootstrap: ['a', 'b', 'c', 'd', 'e'].map(at) })
      machine.onStart(0)
      const connected: string[] = []
      for (let t = 0; t < 5_000; t += 50) {
        for (const address of dials([...drain(), ...until(t)])) {
          const seed = address.slice(-1)
          connected.push(seed)
          machine.onConnected(seed)
          machine.onDialed(address, seed, now())
          machine.onSeed(seed, now())
        }
      }
      expect(connected.length).to.equal(3)
      until(200_000)
      machine.onDisconnected(connected[0] as string, now())
      // the lost one again, and the two in reserve
      expect(new Set(dials(until(400_000)).map(address => address.slice(-1))).size).to.equal(3)
    })

    it('awaits a second as long as one may answer, and no other address of the first', () => {
      const { machine, until, now } = world({ bootstrap: [at('a'), at('b')] })
      machine.onStart(0)
      expect(machine.awaitsSecond).to.equal(true)
      until(300)
      machine.onConnected('a')
      machine.onDialed(at('a'), 'a', now())
      expect(machine.awaitsSecond).to.equal(true)
      machine.onDialed(at('b'), undefined, now())
      expect(machine.awaitsSecond).to.equal(false)

      const one = world({ bootstrap: [at('a'), at('a').replace('1.1.1.1', '1.1.1.2')] }).machine
      one.onStart(0)
      one.onConnected('a')
      expect(one.awaitsSecond).to.equal(false)
    })

    it('fills at most half of its connections on the word of the first, until the second has spoken or had time to', () => {
      for (const second of [true, false]) {
        const { machine, until, drain } = world({ bootstrap: ['a', 'b'].map(at) })
        machine.onStart(0)
        until(300)
        machine.onConnected('a')
        machine.onDialed(at('a'), 'a', 300)
        machine.onSeed('a', 300)
        drain()
        machine.onSeedAnswer('a', answers(named('x', 20)), 300)
        expect(dials(drain()).length).to.equal(4)
        if (second) {
          machine.onSeedAnswer('b', answers([...named('y', 1), ...named('x', 6).slice(5)]), 400)
          expect(dials(drain()).map(address => address.slice(-2)).sort()).to.deep.equal(['x5', 'y0'])
          until(60_000)
        } else {
          // the second is dead; the dial to it is still under way
          expect(dials(until(2_299))).to.deep.equal([])
          expect(dials(until(2_300)).length).to.equal(2)
        }
      }
    })
  })

  describe('with names of seeds', () => {
    const at = (seed: string): string => `/ip4/1.1.1.1/tcp/1/p2p/${seed}`
    const dials = (effects: MembershipEffect[]): string[] => effects.flatMap(effect => effect.type === 'dial' ? [effect.address.slice(-1)] : [])

    it('dials what they stand for in that order, 250 ms apart, beside the addresses it was given', () => {
      const { machine, until, drain } = world({ bootstrap: [at('a')] })
      machine.onStart(0)
      expect(dials(drain())).to.deep.equal(['a'])
      machine.onBootstrap(['c', 'b', 'a', 'd'].map(at), 100)
      expect(machine.awaitsSecond).to.equal(true)
      expect(dials(drain())).to.deep.equal(['c'])
      expect(dials(until(350))).to.deep.equal(['b'])
      expect(dials(until(600))).to.deep.equal(['d'])
    })

    it('dials the new ones only when the names stand for others', () => {
      const { machine, until, drain } = world({ bootstrap: [] })
      machine.onStart(0)
      machine.onBootstrap(['a', 'b'].map(at), 0)
      until(500)
      machine.onBootstrap(['b', 'c', 'a'].map(at), 500)
      expect(dials(drain())).to.deep.equal(['c'])
    })

    it('forgets one that is gone, whether its turn had come or not', () => {
      const { machine, until, drain, now } = world({ bootstrap: [] })
      machine.onStart(0)
      machine.onBootstrap(['a', 'b', 'c'].map(at), 0)
      expect(dials(drain())).to.deep.equal(['a'])
      machine.onBootstrap([at('b')], 100)
      machine.onDialed(at('a'), undefined, 200)
      const later = [...drain(), ...until(60_000)]
      expect(dials(later)).to.deep.equal(['b'])
      expect(now()).to.equal(60_000)
    })

    it('keeps a connection to one that is gone, and does not go back once it ends', () => {
      const { machine, until, drain } = world({ bootstrap: [] })
      machine.onStart(0)
      machine.onBootstrap([at('a')], 0)
      machine.onConnected('a')
      machine.onDialed(at('a'), 'a', 0)
      machine.onSeed('a', 0)
      machine.onBootstrap([], 10)
      expect(drain().filter(({ type }) => type === 'register')).to.have.length(1)
      machine.onSeedAnswer('a', { lifeMs: 300_000, retryAfterMs: 0, peers: [] }, 20)
      expect(until(150_020)).to.deep.equal([{ type: 'register', seed: 'a' }])
      machine.onDisconnected('a', 150_030)
      expect(until(1_000_000)).to.deep.equal([])
    })

    it('goes back to a seed under the address it has now', () => {
      const { machine, until, drain } = world({ bootstrap: [] })
      const moved = '/ip4/2.2.2.2/tcp/1/p2p/a'
      machine.onStart(0)
      machine.onBootstrap([at('a')], 0)
      drain()
      machine.onConnected('a')
      machine.onDialed(at('a'), 'a', 0)
      machine.onBootstrap([moved], 10)
      machine.onDisconnected('a', 20)
      expect(until(2_000)).to.deep.include({ type: 'dial', address: moved, suggested: false })
    })

    it('does not dial a second time what led to a seed that is connected, when the address names none', () => {
      const { machine, until, drain } = world({ bootstrap: [] })
      machine.onStart(0)
      machine.onBootstrap([SEED], 0)
      drain()
      machine.onConnected('a')
      machine.onDialed(SEED, 'a', 0)
      machine.onBootstrap([], 10)
      machine.onBootstrap([SEED], 20)
      expect(until(300_000)).to.deep.equal([])
    })

    it('listens to 128 addresses of names at most', () => {
      const { machine, until } = world({ bootstrap: [] })
      machine.onStart(0)
      machine.onBootstrap(Array.from({ length: 1_000 }, (_, i) => `/ip4/1.1.1.1/tcp/${i + 1}`), 0)
      expect(until(250 * 1_000)).to.have.length(128)
    })

    it('says when none of them leads anywhere', () => {
      const { machine, until, drain } = world({ bootstrap: [] })
      machine.onStart(0)
      expect(machine.bootstrapFails).to.equal(false)
      machine.onBootstrap(['a', 'b'].map(at), 0)
      until(300)
      machine.onDialed(at('a'), undefined, 300)
      expect(machine.bootstrapFails).to.equal(false)
      machine.onDialed(at('b'), undefined, 300)
      expect(machine.bootstrapFails).to.equal(true)
      drain()
      machine.onConnected('a')
      machine.onDialed(at('a'), 'a', 400)
      expect(machine.bootstrapFails).to.equal(false)
      machine.onDisconnected('a', 500)
      expect(machine.bootstrapFails).to.equal(true)
    })
  })

  describe('let go by a seed that asked to be left alone', () => {
    const alone = { lifeMs: 300_000, retryAfterMs: 400_000, peers: [] }

    /** Registered at such a seed, with so many other connections. */
    function registered (others: number) {
      const it = world({ bootstrap: [SEED] })
      it.machine.onStart(0)
      it.drain()
      for (let i = 0; i < others; i++) {
        it.machine.onConnected(`peer ${i}`)
      }
      it.machine.onConnected('seed')
      it.machine.onDialed(SEED, 'seed', 0)
      it.machine.onSeed('seed', 0)
      expect(it.drain()).to.deep.equal([{ type: 'register', seed: 'seed' }])
      it.machine.onSeedAnswer('seed', alone, 0)
      return it
    }

    it('comes back to renew and not before', () => {
      const { machine, until, drain } = registered(4)
      machine.onDisconnected('seed', 10_000)
      expect(until(399_999)).to.deep.equal([])
      expect(until(400_000)).to.deep.equal([{ type: 'dial', address: SEED, suggested: false }])
      machine.onConnected('seed')
      machine.onDialed(SEED, 'seed', 400_050)
      machine.onSeed('seed', 400_100)
      expect(drain()).to.deep.equal([{ type: 'register', seed: 'seed' }])
    })

    it('comes back when it is short of connections, ever more rarely', () => {
      const { machine, until, drain, now } = registered(4)
      machine.onDisconnected('seed', 10_000)
      expect(until(20_000)).to.deep.equal([])
      machine.onDisconnected('peer 0', 20_000)
      const visits: number[] = []
      for (let t = 20_000; t < 300_000; t += 100) {
        for (const effect of [...drain(), ...until(t)]) {
          if (effect.type === 'dial') {
            visits.push(now())
            machine.onConnected('seed')
            machine.onDialed(SEED, 'seed', now())
            machine.onSeed('seed', now())
            expect(drain()).to.deep.equal([{ type: 'register', seed: 'seed' }])
            machine.onSeedAnswer('seed', alone, now())
            machine.onDisconnected('seed', now())
          }
        }
      }
      expect(visits[0]).to.be.within(20_400, 22_000)
      expect(visits.length).to.be.within(4, 14)
    })

    it('does not register again when something else led to the seed, nor for a change', () => {
      const { machine, until, drain } = registered(5)
      machine.onDisconnected('seed', 10_000)
      machine.onConnected('seed')
      machine.onSeed('seed', 20_000)
      machine.onCapabilitiesChanged(20_000)
      expect(drain()).to.deep.equal([])
      expect(until(399_000)).to.deep.equal([])
      expect(until(400_000)).to.deep.include({ type: 'register', seed: 'seed' })
    })

    it('goes back at once to a seed that did not ask for that', () => {
      const { machine, until } = registered(5)
      machine.onSeedAnswer('seed', { ...alone, retryAfterMs: 0 }, 0)
      machine.onDisconnected('seed', 10_000)
      expect(until(12_000)).to.deep.equal([{ type: 'dial', address: SEED, suggested: false }])
    })

    it('believes no seed that asks for more than a day', () => {
      const { machine, until } = registered(5)
      machine.onSeedAnswer('seed', { ...alone, retryAfterMs: 2 ** 32 - 1 }, 0)
      machine.onDisconnected('seed', 10_000)
      expect(until(24 * 3_600_000)).to.deep.equal([{ type: 'dial', address: SEED, suggested: false }])
    })
  })
})
