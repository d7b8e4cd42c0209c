/** The registry in a Redis that is started for it: `redis-child.ts COUNT` prints one JSON object. */
import { SeededRandom } from '@skein/core'
import { parseRedisAddress, RedisConnection, RedisRegistry } from '../../src/node/index.ts'
import { startRedis } from '../../test/redis/redis-server.ts'
import { population } from './population.ts'
import { answerBytes, percentile, questionOf } from './questions.ts'
import type { RegisterOutcome } from '../../src/index.ts'

const QUERIES = 5_000
const HOPELESS = 500
/** As many registrations as are on their way at once. */
const BATCH = 50
const ASKERS = 16
const RENEWALS = 20_000
const count = Number(process.argv[2])
const random = new SeededRandom(1)
const nowMs = 1_700_000_000_000

const server = await startRedis()
const connection = new RedisConnection({ address: parseRedisAddress(server.url), commandTimeoutMs: 30_000 })
try {
  await connection.ready()
  console.log(JSON.stringify(await measure()))
} finally {
  connection.close()
  await server.stop()
}

async function measure (): Promise<Record<string, number>> {
  const registry = new RedisRegistry({ connection, maxRegistrations: count, serverTime: false, random })
  await registry.sweep(nowMs)
  const emptyBytes = await memoryBytes()
  const next = await population(random, nowMs)
  type Sent = ReturnType<typeof next>
  const register = async (batch: Sent[]): Promise<number> => {
    const start = performance.now()
    const outcomes = await Promise.all(batch.map(async ({ capabilities, envelope }) => await registry.register(capabilities, envelope, nowMs)))
    const failed = outcomes.find((outcome): outcome is Extract<RegisterOutcome, { registered: false }> => !outcome.registered)
    if (failed !== undefined) {
      throw new Error(failed.reason)
    }
    return performance.now() - start
  }

  let registerMs = 0
  const kept: Sent[] = []
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, next)
    registerMs += await register(batch)
    if (kept.length < RENEWALS) {
      kept.push(...batch)
    }
  }
  let renewMs = 0
  for (let at = 0; at < kept.length; at += BATCH) {
    renewMs += await register(kept.slice(at, at + BATCH).map(({ capabilities, envelope }) => {
      return { capabilities: { ...capabilities, seq: capabilities.seq + 1 }, envelope }
    }))
  }
  const perRegistration = (await memoryBytes() - emptyBytes) / count

  await registry.sweep(nowMs)
  const common: number[] = []
  const hopeless: number[] = []
  let mostBytes = 0
  for (let i = 0; i < QUERIES + HOPELESS; i++) {
    const fitsNobody = i >= QUERIES
    const query = { ...questionOf(random), ...(fitsNobody ? { minRamBytes: 1e15 } : {}) }
    const start = performance.now()
    const page = await registry.discover(query, nowMs);
    (fitsNobody ? hopeless : common).push(performance.now() - start)
    mostBytes = Math.max(mostBytes, answerBytes(page))
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: ASKERS }, async () => {
    for (let i = 0; i < QUERIES / ASKERS; i++) {
      await registry.discover(questionOf(random), nowMs)
    }
  }))
  const discoverMs = performance.now() - start
  return {
    registerPerSecond: count / registerMs * 1000,
    renewPerSecond: kept.length / renewMs * 1000,
    p50: percentile(common, 0.5),
    p99: percentile(common, 0.99),
    hopelessP99: percentile(hopeless, 0.99),
    discoverPerSecond: QUERIES / discoverMs * 1000,
    mostBytes,
    perRegistration
  }
}

async function memoryBytes (): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await server.cli('info', 'memory'))?.[1])
}
