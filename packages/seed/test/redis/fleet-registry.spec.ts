import { ManualClock, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { FleetRegistry } from '../../src/redis/fleet-registry.ts'
import { RedisFailure } from '../../src/redis/redis-failure.ts'
import { MemoryRegistry } from '../../src/registry/memory-registry.ts'
import { StaleCursorError } from '../../src/registry/registry.ts'
import { discover, register, walk } from '../registry/conformance/registry-under-test.ts'
import { capabilitiesOf, envelopeOf } from '../registry/registration.ts'
import type { SharedRegistry } from '../../src/redis/fleet-registry.ts'

/** A registry that several share and that can be made to fail; what it keeps is in memory. */
class FailingRegistry extends MemoryRegistry implements SharedRegistry {
  failing = false
  asked = 0

  async ping (): Promise<void> {
    this.check('ping')
  }

  override async register (...args: Parameters<MemoryRegistry['register']>): ReturnType<MemoryRegistry['register']> {
    this.check('register')
    return await super.register(...args)
  }

  override async discover (...args: Parameters<MemoryRegistry['discover']>): ReturnType<MemoryRegistry['discover']> {
    this.check('discover')
    return await super.discover(...args)
  }

  override async sweep (nowMs: number): Promise<void> {
    this.check('sweep')
    await super.sweep(nowMs)
  }

  private check (operation: string): void {
    this.asked++
    if (this.failing) {
      throw new RedisFailure(operation, new Error('down'))
    }
  }
}

describe('FleetRegistry', () => {
  const clock = new ManualClock(1_000_000)
  let shared: FailingRegistry
  let states: string[]

  async function settle (): Promise<void> {
    for (let i = 0; i < 20; i++) {
      await Promise.resolve()
    }
  }

  function seed (): FleetRegistry {
    const random = new SeededRandom(1)
    const registry = new FleetRegistry({
      local: new MemoryRegistry({ maxRegistrations: 1000, random }), shared, clock, random, onState: state => { states.push(state) }
    })
    registry.start()
    return registry
  }

  const life = (): { expiresAtMs: number } => ({ expiresAtMs: clock.nowMs() + 300_000 })

  beforeEach(() => {
    shared = new FailingRegistry({ maxRegistrations: 1000, random: new SeededRandom(2) })
    states = []
  })

  it('shares what one seed was told with the others', async () => {
    const [one, two] = [seed(), seed()]
    await settle()
    expect(one.state).to.equal('up')
    await register(one, 'p', life(), clock.nowMs())
    expect(await discover(two, {}, clock.nowMs())).to.deep.equal(['p'])
    expect(two.size).to.equal(1)
  })

  it('takes a record back that the fleet refuses, and asks nobody about one that it knows itself', async () => {
    const [one, two] = [seed(), seed()]
    await settle()
    expect(await register(one, 'p', { seq: 5, ...life() }, clock.nowMs())).to.equal('registered')
    const asked = shared.asked
    expect(await register(one, 'p', { seq: 5, ...life() }, clock.nowMs())).to.equal('replayed')
    expect(shared.asked).to.equal(asked)
    expect(await register(two, 'p', { seq: 4, ...life() }, clock.nowMs())).to.equal('replayed')
    shared.failing = true
    for (let i = 0; i < 4; i++) {
      expect(await discover(two, {}, clock.nowMs())).to.deep.equal([])
    }
    expect(await discover(one, {}, clock.nowMs())).to.deep.equal(['p'])
  })

  it('goes on from its memory when Redis fails, within the same question, and stops asking after three', async () => {
    const one = seed()
    await settle()
    await register(one, 'p', life(), clock.nowMs())
    shared.failing = true
    expect(await discover(one, {}, clock.nowMs())).to.deep.equal(['p'])
    expect(await register(one, 'q', life(), clock.nowMs())).to.equal('registered')
    expect(await discover(one, {}, clock.nowMs())).to.have.members(['p', 'q'])
    expect(one.state).to.equal('degraded')
    const asked = shared.asked
    expect(await walk(one, {}, clock.nowMs())).to.have.members(['p', 'q'])
    expect(await register(one, 'r', life(), clock.nowMs())).to.equal('registered')
    expect(shared.asked).to.equal(asked)
    expect(one.failures).to.deep.equal({ discover: 2, register: 1 })
    expect(states).to.deep.equal(['up', 'degraded'])
  })

  it('asks again with growing pauses, and is up when one was answered', async () => {
    const one = seed()
    await settle()
    shared.failing = true
    for (let i = 0; i < 3; i++) {
      await one.sweep(clock.nowMs())
    }
    const before = shared.asked
    for (let i = 0; i < 60; i++) {
      clock.advance(1000)
      await settle()
    }
    // 0.25, 0.5, 1, 2, 4, 8, then every 10 s
    expect(shared.asked - before).to.be.within(8, 14)
    shared.failing = false
    clock.advance(10_000)
    await settle()
    expect(one.state).to.equal('up')
  })

  it('keeps its size while Redis is away, for one life', async () => {
    const [one, two] = [seed(), seed()]
    await settle()
    for (let i = 0; i < 30; i++) {
      await register(one, `p${i}`, { expiresAtMs: clock.nowMs() + 600_000 }, clock.nowMs())
    }
    expect(two.size).to.equal(30)
    shared.failing = true
    for (let i = 0; i < 3; i++) {
      await two.sweep(clock.nowMs())
    }
    expect(two.state).to.equal('degraded')
    expect(two.size).to.equal(30)
    clock.advance(299_000)
    expect(two.size).to.equal(30)
    clock.advance(2_000)
    expect(two.size).to.equal(0)
    expect(one.size).to.equal(30)
  })

  it('lets a cursor of Redis end as stale when the answer has to come from memory', async () => {
    const one = seed()
    await settle()
    for (let i = 0; i < 30; i++) {
      await register(one, `p${i}`, life(), clock.nowMs())
    }
    const { cursor } = await one.discover({ limit: 5 }, clock.nowMs())
    shared.failing = true
    const error = await one.discover({ limit: 5, cursor }, clock.nowMs()).then(() => undefined, failure => failure)
    expect(error).to.be.instanceOf(StaleCursorError)
    expect((await one.discover({ limit: 5 }, clock.nowMs())).envelopes).to.have.length(5)
  })

  it('throws what is no failure of Redis', async () => {
    const one = seed()
    await settle()
    shared.register = async () => { throw new TypeError('a mistake') }
    const error = await one.register(capabilitiesOf('p', life()), envelopeOf('p'), clock.nowMs()).then(() => undefined, failure => failure)
    expect(error).to.be.instanceOf(TypeError)
  })
})
