import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { createPeer } from '@skein/peer'
import { expect } from 'chai'
import { Leases, parseRedisAddress, RedisConnection, resolveConfig, startSeedNode } from '../../src/node/index.ts'
import { needRedis, startRedis } from './redis-server.ts'
import type { Peer } from '@skein/peer'
import type { SeedLog, SeedNode } from '../../src/node/index.ts'
import type { RedisServer } from './redis-server.ts'
import type { ChildProcess } from 'node:child_process'

const AWAY_MS = 30_000
/** Life of a registration; records have to be back with all seeds well before it is over. */
const LIFE_MS = 300_000

describe('a fleet of three seeds and a Redis', function () {
  this.timeout(150_000)
  let redis: RedisServer
  const nodes: SeedNode[] = []
  const peers: Peer[] = []
  let member: ChildProcess | undefined
  let leases: RedisConnection | undefined
  const log = { info () {}, warn () {}, error () {}, debug () {} } as unknown as SeedLog

  async function startSeed (): Promise<SeedNode> {
    const seeds = nodes.flatMap(node => node.seed.addresses)
    const flags = { seeds, listen: ['/ip4/127.0.0.1/tcp/0'], http: '127.0.0.1:0', ephemeral: true, drain: '0', redis: redis.url }
    const node = await startSeedNode({ config: resolveConfig({ flags }).config, log, libp2pMetrics: false })
    nodes.push(node)
    return node
  }

  /** In a process of its own, for `kill -9`. */
  async function startMember (): Promise<string[]> {
    const seeds = nodes.flatMap(node => node.seed.addresses)
    member = fork(new URL('./fleet-member.ts', import.meta.url), [redis.url, ...seeds], { execArgv: ['--conditions=skein-source'] })
    return (await once(member, 'message'))[0] as string[]
  }

  async function startPeer (bootstrap: string[], region = 'eu-west'): Promise<Peer> {
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, region })
    peers.push(peer)
    return peer
  }

  async function until (what: string, holds: () => Promise<boolean> | boolean, limitMs = 30_000): Promise<void> {
    const endMs = Date.now() + limitMs
    while (!await holds()) {
      if (Date.now() > endMs) {
        throw new Error(`Not within ${limitMs} ms: ${what}`)
      }
      await pause(50)
    }
  }

  async function knows (node: SeedNode, peer: Peer): Promise<boolean> {
    return await node.seed.service.registry.get(peer.id, Date.now()) !== undefined
  }

  async function ready (node: SeedNode): Promise<[number, any]> {
    const response = await fetch(`${node.httpUrl}/ready`)
    return [response.status, await response.json()]
  }

  async function metric (node: SeedNode, name: string): Promise<number> {
    const text = await (await fetch(`${node.httpUrl}/metrics`)).text()
    return [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0)
  }

  before(async function () {
    needRedis(this)
    redis = await startRedis()
  })
  after(async () => {
    leases?.close()
    member?.kill('SIGKILL')
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    await Promise.all(nodes.map(async node => { await node.stop() }))
    await redis?.stop()
  })

  it('goes on when a seed is killed and Redis is away for 30 s, lets newcomers in meanwhile, and is one registry again after it', async () => {
    const [one, three] = [await startSeed(), await startSeed()]
    const two = await startMember()
    for (const node of nodes) {
      await until('up', async () => (await ready(node))[1].redis === 'up')
    }
    const provider = await startPeer(one.seed.addresses, 'us-east')
    await provider.serve('hello', async () => 'hello')
    const client = await startPeer(two)
    await until('both known to the third seed', async () => await knows(three, provider) && await knows(three, client))
    await until('the model is listed', async () => (await three.seed.service.models()).some(({ id }) => id === 'hello'))
    const connection = leases = new RedisConnection({ address: parseRedisAddress(redis.url) })
    await connection.ready()
    const lease = async (): Promise<number> => {
      const outcome = await new Leases({ connection }).acquire({ id: 'region', holder: 'one', lifeMs: 60_000 })
      return outcome.held ? outcome.lease.token : 0
    }
    const before = await lease()
    const ask = async (peer: Peer): Promise<string> => await peer.chat({ model: 'hello', messages: [{ role: 'user', content: 'hi' }] }).text()
    await until('the client is served', async () => await ask(client).then(() => true, () => false))

    // a seed is killed: what it was told the others know
    member?.kill('SIGKILL')
    await once(member as ChildProcess, 'exit')
    expect(await knows(one, client)).to.equal(true)
    expect(await knows(three, client)).to.equal(true)

    await redis.kill()
    const downMs = Date.now()
    const alive = [one, three]
    for (const node of alive) {
      await until('degraded', async () => (await ready(node))[1].redis === 'degraded')
      expect(await ready(node)).to.deep.equal([200, { status: 'ready', redis: 'degraded' }])
      expect(await metric(node, 'skein_seed_redis_up')).to.equal(0)
      expect(await metric(node, 'skein_seed_redis_failures_total')).to.be.above(0)
    }
    let answers = 0
    const newcomers: Peer[] = []
    while (Date.now() < downMs + AWAY_MS) {
      expect(await ask(client)).to.equal('hello')
      answers++
      if (newcomers.length < 4) {
        const node = alive[newcomers.length % 2] as SeedNode
        const newcomer = await startPeer(node.seed.addresses, 'ap-south')
        newcomers.push(newcomer)
        await until('a newcomer is registered from memory', async () => await knows(node, newcomer))
        expect(await ask(newcomer)).to.equal('hello')
      }
      await pause(250)
    }
    expect(answers).to.be.above(20)

    await redis.restart()
    for (const node of alive) {
      await until('up again', async () => (await ready(node))[1].redis === 'up')
      // the client registered with the seed that died, and comes again at half its life
      for (const peer of [provider, ...newcomers]) {
        await until('all records are back at all seeds', async () => await knows(node, peer), LIFE_MS / 4)
      }
      expect(await metric(node, 'skein_seed_redis_up')).to.equal(1)
    }
    await until('the client of leases is back', async () => await connection.call('get', 'x').then(() => true, () => false))
    expect(await lease()).to.be.above(before)
  })

  it('passes signals between peers of different seeds', async () => {
    const [one, two] = [nodes.at(-1) as SeedNode, await startSeed()]
    const [alice, bob] = [await startPeer(one.seed.addresses), await startPeer(two.seed.addresses)]
    const heard: string[] = []
    bob.signals.handle(({ payload }) => { heard.push(new TextDecoder().decode(payload)) })
    await until('delivered', async () => await alice.signals.send(bob.id, 'offer', new TextEncoder().encode('hello')).then(() => true, () => false))
    expect(heard).to.deep.equal(['hello'])
    expect(two.seed.signalling?.stats().counters.foreign.delivered).to.equal(1)
  })

  it('starts though Redis is not there, and shares once it is', async () => {
    await redis.kill()
    const node = await startSeed()
    expect(await ready(node)).to.deep.equal([200, { status: 'ready', redis: 'degraded' }])
    const peer = await startPeer(node.seed.addresses)
    await until('registered from memory', async () => await knows(node, peer))
    await redis.restart()
    const other = await startSeed()
    await until('known to another seed', async () => (await ready(other))[1].redis === 'up' && await knows(other, peer))
  })
})
