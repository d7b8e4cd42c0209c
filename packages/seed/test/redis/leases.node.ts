import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import { Leases, parseRedisAddress, RedisConnection, RedisFailure } from '../../src/node/index.ts'
import { needRedis, startRedis } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'

describe('Leases', function () {
  this.timeout(60_000)
  let server: RedisServer
  let connection: RedisConnection

  before(async function () {
    needRedis(this)
    server = await startRedis()
    connection = new RedisConnection({ address: parseRedisAddress(server.url) })
    await connection.ready()
  })
  after(async () => {
    connection?.close()
    await server?.stop()
  })

  it('has one holder, which is told to others with what is left', async () => {
    const leases = new Leases({ connection, prefix: 'one' })
    const first = await leases.acquire({ id: 'job', holder: 'a', lifeMs: 60_000 })
    const second = await leases.acquire({ id: 'job', holder: 'b', lifeMs: 60_000 })
    expect(first).to.deep.include({ held: true })
    expect(second).to.deep.include({ held: false, holder: 'a', token: first.held ? first.lease.token : 0 })
    expect(second.held ? 0 : second.remainingMs).to.be.within(50_000, 60_000)
  })

  it('is renewed and released by its token alone', async () => {
    const leases = new Leases({ connection, prefix: 'two' })
    const outcome = await leases.acquire({ id: 'job', holder: 'a', lifeMs: 1_000 })
    const token = outcome.held ? outcome.lease.token : 0
    expect(await leases.renew({ id: 'job', holder: 'b', token, lifeMs: 1_000 })).to.equal(false)
    expect(await leases.renew({ id: 'job', holder: 'a', token: token - 1, lifeMs: 1_000 })).to.equal(false)
    expect(await leases.renew({ id: 'job', holder: 'a', token, lifeMs: 60_000 })).to.equal(true)
    expect(await leases.release({ id: 'job', holder: 'a', token: token - 1 })).to.equal(false)
    const again = await leases.acquire({ id: 'job', holder: 'a', lifeMs: 60_000 })
    // the same holder, started anew: what it held before is void
    expect(again.held && again.lease.token > token).to.equal(true)
    expect(await leases.release({ id: 'job', holder: 'a', token })).to.equal(false)
    expect(await leases.release({ id: 'job', holder: 'a', token: again.held ? again.lease.token : 0 })).to.equal(true)
    expect((await leases.acquire({ id: 'job', holder: 'b', lifeMs: 60_000 })).held).to.equal(true)
  })

  it('ends by itself, and cannot be renewed afterwards', async () => {
    const leases = new Leases({ connection, prefix: 'three' })
    const outcome = await leases.acquire({ id: 'job', holder: 'a', lifeMs: 50 })
    await pause(80)
    expect(await leases.renew({ id: 'job', holder: 'a', token: outcome.held ? outcome.lease.token : 0, lifeMs: 1_000 })).to.equal(false)
    expect((await leases.acquire({ id: 'job', holder: 'b', lifeMs: 1_000 })).held).to.equal(true)
  })

  it('refuses a life, a floor and a holder out of bounds', async () => {
    const leases = new Leases({ connection })
    const holder = 'a'
    for (const request of [{ lifeMs: 0 }, { lifeMs: 600_001 }, { lifeMs: 1.5 }, { floor: -1 }, { floor: 2 ** 53 }, { holder: 'x'.repeat(257) }]) {
      expect(await leases.acquire({ id: 'x', holder, lifeMs: 1, ...request }).then(() => undefined, error => error)).to.be.instanceOf(RangeError)
    }
  })

  it('never gives two holders at once, nor a token that is not above all before it, whatever happens to the data', async () => {
    const event = fc.record({
      kind: fc.constantFrom('acquire', 'acquire', 'acquire', 'renew', 'release', 'expire', 'lose', 'ahead'),
      holder: fc.constantFrom('a', 'b', 'c d', '1 2'),
      floorAbove: fc.nat(1_000)
    })
    let run = 0
    await fc.assert(fc.asyncProperty(fc.array(event, { maxLength: 40 }), async events => {
      const prefix = `p${run++}`
      const leases = new Leases({ connection, prefix })
      let last = 0
      let held: { holder: string, token: number } | undefined
      for (const { kind, holder, floorAbove } of events) {
        if (kind === 'acquire') {
          const floor = floorAbove % 3 === 0 ? last + floorAbove : 0
          const outcome = await leases.acquire({ id: 'job', holder, lifeMs: 600_000, floor })
          expect(outcome.held).to.equal(held === undefined || held.holder === holder)
          if (outcome.held) {
            expect(outcome.lease.token).to.be.above(last).and.at.least(floor)
            last = outcome.lease.token
            held = { holder, token: last }
          }
        } else if (kind === 'renew') {
          expect(await leases.renew({ id: 'job', holder, token: held?.token ?? 1, lifeMs: 600_000 })).to.equal(held?.holder === holder)
        } else if (kind === 'release') {
          expect(await leases.release({ id: 'job', holder, token: held?.token ?? 1 })).to.equal(held?.holder === holder)
          held = held?.holder === holder ? undefined : held
        } else if (kind === 'ahead' && last > 0) {
          // as after the clock of the server was set back: what is stored is above it
          const [fence] = (await server.cli('--scan', '--pattern', `${prefix}:fence:*`)).trim().split('\n')
          if (fence != null && fence !== '') {
            last = Math.max(last, Date.now() * 1000 + 3_600_000_000)
            await server.cli('set', fence, String(last))
          }
        } else {
          const keys = (await server.cli('--scan', '--pattern', `${prefix}:${kind === 'lose' ? '*' : 'lease:*'}`)).trim().split('\n').filter(key => key !== '')
          // all is lost: who wants to be sure brings the greatest token it has seen
          if (keys.length > 0) {
            await server.cli('del', ...keys)
          }
          held = undefined
          if (kind === 'lose' && last > Date.now() * 1000) {
            const outcome = await leases.acquire({ id: 'job', holder, lifeMs: 600_000, floor: last + 1 })
            expect(outcome.held && outcome.lease.token).to.equal(last + 1)
            last++
            held = { holder, token: last }
          }
        }
      }
    }), { numRuns: 25 })
  })

  it('gives greater tokens after Redis was killed and came back empty', async () => {
    const own = await startRedis()
    const other = new RedisConnection({ address: parseRedisAddress(own.url) })
    try {
      await other.ready()
      const leases = new Leases({ connection: other })
      const tokens: number[] = []
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 3; i++) {
          const outcome = await leases.acquire({ id: 'job', holder: `${round}`, lifeMs: 600_000 })
          tokens.push(outcome.held ? outcome.lease.token : 0)
        }
        await own.kill()
        expect(await leases.acquire({ id: 'job', holder: 'x', lifeMs: 1_000 }).then(() => undefined, error => error)).to.be.instanceOf(RedisFailure)
        await own.restart()
        expect((await own.cli('dbsize')).trim()).to.equal('0')
        while (await other.call('get', 'x').then(() => false, () => true)) {
          await pause(20)
        }
      }
      expect(tokens).to.have.length(12)
      expect([...new Set(tokens)].sort((a, b) => a - b)).to.deep.equal(tokens)
    } finally {
      other.close()
      await own.stop()
    }
  })
})
