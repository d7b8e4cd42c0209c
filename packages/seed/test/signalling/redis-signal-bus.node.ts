import { systemClock } from '@skein/core/system'
import { expect } from 'chai'
import { Cluster, Redis } from 'ioredis'
import { RedisSignalBus } from '../../src/redis/signal-bus.ts'
import { SignalBusError } from '../../src/signalling/signal-bus.ts'
import { needRedis, startCluster, startRedis } from '../redis/redis-server.ts'
import { busConformance } from './bus-conformance.ts'
import type { RedisCluster, RedisServer } from '../redis/redis-server.ts'

const OPTIONS = { enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, retryStrategy: () => 50 }

async function until (check: () => boolean | Promise<boolean>): Promise<void> {
  while (!await check()) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

async function failure (work: Promise<unknown>): Promise<SignalBusError> {
  const error = await work.then(value => { throw new Error(`no failure but ${JSON.stringify(value)}`) }, error => error)
  expect(error, String(error)).to.be.instanceOf(SignalBusError)
  return error
}

describe('the bus in Redis', function () {
  this.timeout(30_000)
  let server: RedisServer
  let client: Redis

  before(async function () {
    needRedis(this)
    server = await startRedis()
    client = new Redis(server.port, { ...OPTIONS })
    client.on('error', () => {})
    await until(() => client.status === 'ready')
  })
  after(async () => {
    client?.disconnect()
    await server?.stop()
  })
  const bus = (seed: string): RedisSignalBus => new RedisSignalBus({ client, seed, clock: systemClock(), prefix: 'test' })

  busConformance(() => ({ bus }))

  it('lets claims end by themselves', async () => {
    await bus('A').claim('mortal', 0)
    expect(Number(await server.cli('pttl', 'test:loc:mortal'))).to.be.within(80_000, 90_000)
    // as if it had been claimed 90 s ago
    const token = await bus('B').claim('mortal', 0)
    await server.cli('hset', 'test:loc:mortal', 'A', `${token - 1}:${Date.now() - 1}`)
    expect(await bus('A').renew('mortal', token - 1)).to.equal(false)
    expect(await bus('C').locate('mortal')).to.deep.equal([{ seed: 'B', token }])
    await bus('C').claim('mortal', 0)
    expect((await server.cli('hkeys', 'test:loc:mortal')).trim().split('\n')).to.have.members(['B', 'C'])
  })

  it('fails at once when Redis is away, hears when it is back, and its tokens have not gone back though it has forgotten all', async () => {
    const [a, b] = [bus('A'), bus('B')]
    const heard: number[] = []
    let restored = 0
    b.start({ onMessage: bytes => { heard.push(bytes[0] as number) }, onRestored: () => { restored++ } })
    await until(async () => await a.publish('B', Uint8Array.of(1)) === 'sent')
    await until(() => heard.length > 0)
    const before = await a.claim('p', 0)

    await server.kill()
    await until(() => client.status !== 'ready')
    const sinceMs = performance.now()
    expect((await failure(a.locate('p'))).mayBeDone).to.equal(false)
    await failure(a.publish('B', Uint8Array.of(2)))
    expect(performance.now() - sinceMs).to.be.below(1_000)

    await server.restart()
    await until(() => restored > 0)
    expect(await a.locate('p')).to.deep.equal([])
    expect(await a.renew('p', before)).to.equal(false)
    expect(await a.claim('p', 0)).to.be.above(before)
    await until(async () => await a.publish('B', Uint8Array.of(3)) === 'sent')
    await until(() => heard.includes(3))
    expect(heard).not.to.include(2)
    await b.stop()
  })

  it('notices that the connection that listens hangs, makes another, and hears again', async function () {
    const errors: string[] = []
    let heard = 0
    const b = new RedisSignalBus({ client, seed: 'B', clock: systemClock(), prefix: 'test', onError: error => { errors.push(error.message) } })
    b.start({ onMessage: () => { heard++ }, onRestored: () => {} })
    await until(async () => await b.publish('B', Uint8Array.of(1)) === 'sent')
    server.freeze()
    await until(() => errors.length > 0)
    server.thaw()
    heard = 0
    await until(async () => {
      await b.publish('B', Uint8Array.of(1)).catch(() => {})
      return heard > 0
    })
    await b.stop()
  })

  it('gives up after a second when Redis does not answer', async () => {
    server.freeze()
    try {
      const sinceMs = performance.now()
      expect((await failure(bus('A').locate('p'))).mayBeDone).to.equal(true)
      expect(performance.now() - sinceMs).to.be.within(900, 2_000)
    } finally {
      server.thaw()
    }
  })
})

describe('the bus in a Redis cluster', function () {
  this.timeout(60_000)
  let cluster: RedisCluster
  let client: Cluster

  before(async function () {
    needRedis(this)
    cluster = await startCluster()
    client = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })), { redisOptions: OPTIONS, enableOfflineQueue: false })
    client.on('error', () => {})
    await until(() => client.status === 'ready')
  })
  after(async () => {
    client?.disconnect()
    await cluster?.stop()
  })

  busConformance(() => ({ bus: seed => new RedisSignalBus({ client, seed, clock: systemClock() }) }))
})
