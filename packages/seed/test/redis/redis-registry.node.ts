import { setTimeout as pause } from 'node:timers/promises'
import { SeededRandom, shuffle } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { parseRedisAddress, RedisConnection, RedisFailure, RedisRegistry } from '../../src/node/index.ts'
import { ID_LENGTH } from '../../src/redis/registry-keys.ts'
import { discover, register, walk } from '../registry/conformance/registry-under-test.ts'
import { capabilitiesOf, envelopeOf, nameOf } from '../registry/registration.ts'
import { needRedis, startCluster, startRedis } from './redis-server.ts'
import type { RedisRegistryInit } from '../../src/node/index.ts'
import type { RedisCluster, RedisServer } from './redis-server.ts'

const REGIONS = ['', 'eu-west', 'us-east', 'us-east-1', 'nowhere']

describe('RedisRegistry', function () {
  this.timeout(60_000)
  let server: RedisServer
  const connections: RedisConnection[] = []
  let opened = 0

  async function connect (url = server.url, commandTimeoutMs = 5_000): Promise<RedisConnection> {
    const connection = new RedisConnection({ address: parseRedisAddress(url), commandTimeoutMs })
    connections.push(connection)
    await connection.ready()
    return connection
  }

  async function open (prefix: string, init: Partial<RedisRegistryInit> = {}): Promise<RedisRegistry> {
    const registry = new RedisRegistry({
      connection: init.connection ?? await connect(), prefix, maxRegistrations: 10_000, serverTime: false, random: new SeededRandom(++opened), ...init
    })
    await registry.sweep(0)
    return registry
  }

  before(async function () {
    needRedis(this)
    server = await startRedis()
  })
  afterEach(() => { connections.splice(0).forEach(connection => { connection.close() }) })
  after(async () => { await server?.stop() })

  it('has all keys of a part behind one tag, and no name from outside in any of them', async () => {
    const registry = await open('keys')
    await register(registry, 'evil', { region: '{x}:all', loadedModels: ['}{', 'm:all'], swappableModels: ['*'], tasks: ['{t}'] })
    await register(registry, 'plain', { region: 'eu-west', loadedModels: ['m'], relay: { reservations: 0, maxReservations: 1, circuits: 0, maxCircuits: 1 } })
    await registry.register(capabilitiesOf('from'), envelopeOf('from'), 0, { network: '}{' })
    const keys = (await server.cli('--scan', '--pattern', 'keys:*')).trim().split('\n')
    expect(keys.length).to.be.above(15)
    const id = `[\\w-]{${ID_LENGTH}}`
    for (const key of keys) {
      expect(key).to.match(new RegExp(`^keys:(key|\\{p:\\d+\\}:${id}|\\{n:\\d+\\}:${id}|\\{r:(eu-west|none|other-\\d+)\\}:(all|exp|cnt|top|relay|rest|[rgmw]:${id}))$`))
    }
  })

  it('keeps nothing of those who leave or whose life ends', async () => {
    const registry = await open('nothing')
    for (let i = 0; i < 50; i++) {
      const network = `192.0.2.${i % 5}/24`
      const capabilities = capabilitiesOf(`p${i}`, { region: REGIONS[i % 5], loadedModels: [`m${i % 7}`], swappableModels: ['s'], expiresAtMs: 1000 })
      await registry.register(capabilities, envelopeOf(`p${i}`), 0, { network })
    }
    for (let i = 0; i < 25; i++) {
      expect(await registry.remove(`p${i}`)).to.equal(true)
    }
    await registry.sweep(1000)
    expect(registry.size).to.equal(0)
    const keys = (await server.cli('--scan', '--pattern', 'nothing:*')).trim().split('\n')
    // homes and networks end by themselves
    expect(keys.filter(key => key.includes('{r:'))).to.deep.equal([])
    for (const key of keys.filter(key => !key.endsWith(':key'))) {
      expect(Number(await server.cli('pttl', key))).to.be.within(1, 700_000)
    }
  })

  it('ends every key by itself when no seed runs any more', async () => {
    const registry = await open('alone')
    await register(registry, 'p', { region: 'eu-west', loadedModels: ['m'], swappableModels: ['s'], relay: { reservations: 0, maxReservations: 1, circuits: 0, maxCircuits: 1 } })
    await register(registry, 'p', { region: 'us-east', loadedModels: ['m'], seq: 2 })
    for (const key of (await server.cli('--scan', '--pattern', 'alone:*')).trim().split('\n').filter(key => !key.endsWith(':key'))) {
      expect(Number(await server.cli('pttl', key)), key).to.be.within(1, 1_000_000)
    }
  })

  it('is one registry for several seeds: pages of one go on at another, sizes follow', async () => {
    const one = await open('fleet')
    const two = await open('fleet')
    for (let i = 0; i < 120; i++) {
      await register(i % 2 === 0 ? one : two, `p${i}`, { region: REGIONS[i % 5] })
    }
    await Promise.all([one.sweep(0), two.sweep(0)])
    expect([one.size, two.size]).to.deep.equal([120, 120])
    const names: string[] = []
    let cursor: Uint8Array | undefined
    let turn = 0
    do {
      const page = await (turn++ % 2 === 0 ? one : two).discover({ limit: 7, asker: 'me', cursor }, 0)
      names.push(...page.envelopes.map(nameOf))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(names.length).to.equal(120)
    expect(new Set(names).size).to.equal(120)
  })

  it('leaves a peer in one region only, with its newest record, whoever registers it where at the same moment', async () => {
    const seeds = await Promise.all([1, 2, 3].map(async () => await open('race')))
    const random = new SeededRandom(5)
    for (let round = 0; round < 40; round++) {
      const peer = `p${round % 4}`
      const tries = shuffle(random, Array.from({ length: 8 }, (_, i) => ({ seq: round * 10 + i + 1, region: REGIONS[(round + i) % 5], seed: seeds[i % 3] as RedisRegistry })))
      const outcomes = await Promise.all(tries.map(async ({ seq, region, seed }) => await register(seed, peer, { seq, region })))
      const newest = round * 10 + 8
      expect(outcomes[tries.findIndex(({ seq }) => seq === newest)]).to.be.oneOf(['registered', 'renewed'])
      await Promise.all(seeds.map(async seed => { await seed.sweep(0) }))
      const found = (await walk(seeds[0] as RedisRegistry, {})).filter(name => name === peer)
      expect(found).to.deep.equal([peer])
      expect(new TextDecoder().decode((await seeds[1]?.get(peer, 0))?.envelope).startsWith(`${peer} ${newest} `)).to.equal(true)
    }
    expect((await seeds[2]?.countBy())?.reduce((sum, { count }) => sum + count, 0)).to.equal(4)
  })

  it('does not lose the sums of a part, whatever happens in it', async () => {
    const event = fc.record({
      kind: fc.constantFrom('register', 'register', 'register', 'remove', 'wait'),
      peer: fc.nat(8), region: fc.constantFrom(...REGIONS), tier: fc.integer({ min: 1, max: 3 }), models: fc.uniqueArray(fc.constantFrom('m', 'n', 'o'), { maxLength: 3 })
    })
    const connection = await connect()
    await fc.assert(fc.asyncProperty(fc.array(event, { maxLength: 60 }), async events => {
      const registry = await open(`sums${opened}`, { connection })
      let nowMs = 0
      let seq = 0
      for (const { kind, peer, region, tier, models } of events) {
        if (kind === 'register') {
          await register(registry, `p${peer}`, { seq: ++seq, region, tier, loadedModels: models, expiresAtMs: nowMs + 1000 }, nowMs)
        } else if (kind === 'remove') {
          await registry.remove(`p${peer}`)
        } else {
          nowMs += 400
        }
      }
      await registry.sweep(nowMs)
      const all = await walk(registry, {}, nowMs)
      expect(registry.size).to.equal(all.length)
      expect((await registry.countBy()).reduce((sum, { count }) => sum + count, 0)).to.equal(all.length)
      for (const { id, providers } of await registry.models(10, nowMs)) {
        expect((await walk(registry, { model: id }, nowMs)).length).to.equal(providers)
      }
      await registry.sweep(nowMs + 1000)
      expect([registry.size, await registry.countBy(), await registry.models(10, nowMs)]).to.deep.equal([0, [], []])
    }), { numRuns: 40 })
  })

  it('goes by the clock of Redis: a seed whose clock is wrong neither forgets others nor keeps what is over', async () => {
    const right = await open('clock', { serverTime: true })
    const wrong = await open('clock', { serverTime: true })
    const nowMs = Date.now()
    expect(await register(right, 'p', { expiresAtMs: nowMs + 300_000 }, nowMs)).to.equal('registered')
    const aheadMs = nowMs + 600_000
    await wrong.sweep(aheadMs)
    expect(await discover(wrong, {}, aheadMs)).to.deep.equal(['p'])
    // what is over by Redis is not taken from a seed that is behind
    expect(await register(wrong, 'late', { expiresAtMs: nowMs - 300_000 }, nowMs - 600_000)).to.equal('expired')
    expect(await register(right, 'short', { expiresAtMs: Date.now() + 300 }, Date.now())).to.equal('registered')
    await pause(400)
    expect(await right.get('short', nowMs)).to.equal(undefined)
    expect(await discover(right, {}, nowMs)).to.deep.equal(['p'])
  })

  it('notices that Redis was emptied though the connection stood, and starts anew', async () => {
    const own = await startRedis()
    try {
      let emptied = 0
      const registry = await open('x', { connection: await connect(own.url), onEmpty: () => { emptied++ } })
      await register(registry, 'p')
      const { cursor } = await registry.discover({ limit: 1 }, 0)
      await own.cli('flushall')
      await registry.sweep(0)
      expect([emptied, registry.size, cursor]).to.deep.equal([1, 0, cursor])
      expect(await register(registry, 'p')).to.equal('registered')
      await registry.sweep(0)
      expect(emptied).to.equal(1)
    } finally {
      await own.stop()
    }
  })

  it('runs its scripts though the server has forgotten them', async () => {
    const registry = await open('scripts')
    await register(registry, 'p')
    await server.cli('script', 'flush')
    expect(await register(registry, 'p', { seq: 2 })).to.equal('renewed')
    expect(await discover(registry)).to.deep.equal(['p'])
  })

  it('refuses as full when Redis has no memory left, and changes nothing by halves', async () => {
    const own = await startRedis({ args: ['--maxmemory', '4mb', '--maxmemory-policy', 'noeviction'] })
    try {
      const registry = await open('oom', { connection: await connect(own.url), maxRegistrations: 100_000 })
      let count = 0
      let outcome = 'registered'
      for (; outcome === 'registered' && count < 5_000; count++) {
        outcome = await register(registry, `p${count}`, { region: REGIONS[count % 5], loadedModels: ['m'] }, 0, 4000)
      }
      expect(outcome).to.equal('full')
      await registry.sweep(0)
      expect(registry.size).to.equal(count - 1)
      expect((await walk(registry, {})).length).to.equal(count - 1)
      expect((await registry.models(1, 0))[0]?.providers).to.equal(count - 1)
    } finally {
      await own.stop()
    }
  })

  it('fails with a RedisFailure, and soon, when Redis is frozen, gone, or wants a password', async () => {
    const own = await startRedis({ password: 'word' })
    try {
      const registry = await open('f', { connection: await connect(own.url, 200) })
      await register(registry, 'p')
      own.freeze()
      expect(await registry.discover({}, 0).then(() => undefined, error => error)).to.be.instanceOf(RedisFailure).with.property('operation', 'skeinWalk')
      own.thaw()
      await own.kill()
      expect(await registry.discover({}, 0).then(() => undefined, error => error)).to.be.instanceOf(RedisFailure)
      await own.restart()
      while (await registry.ping().then(() => false, () => true)) {
        await pause(20)
      }
      await registry.sweep(0)
      expect(registry.size).to.equal(0)
      const stranger = new RedisConnection({ address: parseRedisAddress(`redis://127.0.0.1:${own.port}`) })
      connections.push(stranger)
      const refused = await stranger.ready().then(async () => { await stranger.call('get', 'x') }).then(() => undefined, error => error)
      expect(String(refused)).to.include('NOAUTH')
    } finally {
      await own.stop()
    }
  })
})

describe('RedisRegistry in a cluster', function () {
  this.timeout(120_000)
  let cluster: RedisCluster
  let connection: RedisConnection

  before(async function () {
    needRedis(this)
    cluster = await startCluster()
    connection = new RedisConnection({ address: parseRedisAddress(cluster.url), commandTimeoutMs: 5_000 })
    await connection.ready()
  })
  after(async () => {
    connection?.close()
    await cluster?.stop()
  })

  it('registers, moves, finds, pages and forgets over all nodes', async () => {
    const registry = new RedisRegistry({ connection, maxRegistrations: 1000, maxPerNetwork: 100, serverTime: false, random: new SeededRandom(1) })
    await registry.sweep(0)
    for (let i = 0; i < 200; i++) {
      const capabilities = capabilitiesOf(`p${i}`, { region: REGIONS[i % 5], loadedModels: ['m'], relay: i % 20 === 0 ? { reservations: i, maxReservations: 1000, circuits: 0, maxCircuits: 1 } : undefined })
      const outcome = await registry.register(capabilities, envelopeOf(`p${i}`), 0, { network: `10.0.${i % 4}.0/24` })
      expect(outcome.registered).to.equal(true)
    }
    for (let i = 0; i < 50; i++) {
      expect(await register(registry, `p${i}`, { seq: 2, region: REGIONS[(i + 1) % 5], loadedModels: ['m'] })).to.equal('renewed')
      expect(await register(registry, `p${i}`, { seq: 1, region: REGIONS[i % 5], loadedModels: ['m'] })).to.equal('replayed')
    }
    const held = await Promise.all(cluster.nodes.map(async node => Number(await node.cli('dbsize'))))
    expect(Math.min(...held)).to.be.above(10)
    const names = await walk(registry, { model: 'm', near: 'us-east', limit: 13 })
    expect([names.length, new Set(names).size, registry.size]).to.deep.equal([200, 200, 200])
    expect((await registry.sample(20, 'p0', 0, new SeededRandom(2))).length).to.equal(20)
    expect((await registry.models(1, 0))[0]).to.deep.include({ id: 'm', providers: 200 })
    // the first fifty came again, as no relays
    expect((await registry.relays({ limit: 8 }, 0)).map(nameOf)).to.deep.equal(['p60', 'p80', 'p100', 'p120', 'p140', 'p160', 'p180'])
    for (let i = 0; i < 200; i++) {
      expect(await registry.remove(`p${i}`)).to.equal(true)
    }
    expect([registry.size, await registry.countBy()]).to.deep.equal([0, []])
  })
})
