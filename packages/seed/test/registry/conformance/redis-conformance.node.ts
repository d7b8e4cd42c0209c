import { SeededRandom } from '@skein/core'
import { parseRedisAddress, RedisConnection, RedisRegistry } from '../../../src/node/index.ts'
import { needRedis, startRedis } from '../../redis/redis-server.ts'
import { registryConformance } from './registry-conformance.ts'
import type { RedisServer } from '../../redis/redis-server.ts'

describe('RedisRegistry as a registry', function () {
  this.timeout(120_000)
  let server: RedisServer
  let connection: RedisConnection
  let opened = 0

  before(async function () {
    needRedis(this)
    server = await startRedis()
  })
  beforeEach(async () => {
    connection = new RedisConnection({ address: parseRedisAddress(server.url), commandTimeoutMs: 10_000 })
    await connection.ready()
  })
  afterEach(() => { connection.close() })
  after(async () => { await server?.stop() })

  registryConformance({
    open: async ({ stranger: _, ...options } = {}) => {
      const registry = new RedisRegistry({
        connection, prefix: `test${opened++}`, maxRegistrations: 1000, ...options, serverTime: false, random: new SeededRandom(opened)
      })
      await registry.sweep(0)
      return registry
    },
    runs: count => Math.ceil(count / 5)
  })
})
