/** One measurement in a process of its own: `child.ts KIND COUNT` prints one JSON object. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SeededRandom } from '@skein/core'
import { openCapabilities } from '@skein/records'
import { createSeed, MemoryRegistry } from '../../src/index.ts'
import { keepHeapSmall } from '../../src/node/heap-size.ts'
import { modelName, MODELS, popular, population, signed } from './population.ts'
import { answerBytes, percentile, questionOf } from './questions.ts'
import type { SignedCapabilities } from '@skein/records'

const QUERIES = 20_000
const SIGNED = 3_000
/** As many as arrive at once; more would live long enough to be what is measured. */
const BATCH = 20
const [kind, countText] = process.argv.slice(2)
const count = Number(countText)
const random = new SeededRandom(1)
const nowMs = 1_700_000_000_000
keepHeapSmall()
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const figures = kind === 'map' ? await measureMap() : kind === 'signed' ? await measureSigned() : await measureRegistry(kind === 'node')
console.log(JSON.stringify(figures))
process.exit(0)

async function measureRegistry (withNode: boolean): Promise<Record<string, number>> {
  const next = await population(random, nowMs)
  if (withNode) {
    await createSeed({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  }
  const registry = new MemoryRegistry({ maxRegistrations: count, random })
  let registerMs = 0
  let bytes = 0
  for (let done = 0; done < count;) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, next)
    const start = performance.now()
    for (const { capabilities, envelope } of batch) {
      const outcome = await registry.register(capabilities, envelope, nowMs)
      if (!outcome.registered) {
        throw new Error(outcome.reason)
      }
      bytes += envelope.length
    }
    registerMs += performance.now() - start
    done += batch.length
  }
  return {
    rss: rss(),
    record: bytes / count,
    registerPerSecond: count / registerMs * 1000,
    ...(withNode ? {} : await measureDiscover(registry))
  }
}

async function measureDiscover (registry: MemoryRegistry): Promise<Record<string, number>> {
  const common: number[] = []
  const hopeless: number[] = []
  let most = 0
  let total = 0
  for (let i = 0; i < QUERIES * 1.1; i++) {
    const fitsNobody = i >= QUERIES
    const query = { ...questionOf(random), ...(fitsNobody ? { minRamBytes: 1e15 } : {}) }
    const start = performance.now()
    const page = await registry.discover(query, nowMs);
    (fitsNobody ? hopeless : common).push(performance.now() - start)
    const bytes = answerBytes(page)
    most = Math.max(most, bytes)
    total += fitsNobody ? 0 : bytes
  }
  return {
    p50: percentile(common, 0.5),
    p99: percentile(common, 0.99),
    hopelessP99: percentile(hopeless, 0.99),
    mostBytes: most,
    meanBytes: total / QUERIES
  }
}

/** What the original relay does: a map, and an answer that holds everything that fits. */
async function measureMap (): Promise<Record<string, number>> {
  const next = await population(random, nowMs)
  const before = rss()
  const map = new Map<string, { capabilities: ReturnType<typeof next>['capabilities'], envelope: Uint8Array }>()
  for (let i = 0; i < count; i++) {
    const registration = next()
    map.set(registration.capabilities.peer, registration)
  }
  const after = rss()
  const times: number[] = []
  let most = 0
  const rounds = Math.max(20, Math.min(2000, 2_000_000 / count))
  for (let i = 0; i < rounds; i++) {
    const model = modelName(popular(random, MODELS))
    const start = performance.now()
    const found = [...map.values()].filter(({ capabilities }) => capabilities.loadedModels.includes(model) && capabilities.expiresAtMs > nowMs)
    times.push(performance.now() - start)
    most = Math.max(most, found.reduce((sum, { envelope }) => sum + envelope.length + 3, 0))
  }
  return { perRegistration: (after - before) / count, p50: percentile(times, 0.5), p99: percentile(times, 0.99), mostBytes: most }
}

async function measureSigned (): Promise<Record<string, number>> {
  const records: SignedCapabilities[] = []
  for (let i = 0; i < SIGNED; i++) {
    records.push(await signed(random, nowMs))
  }
  const registry = new MemoryRegistry({ maxRegistrations: SIGNED, random })
  const start = performance.now()
  for (const { envelope } of records) {
    const { capabilities } = await openCapabilities(envelope, nowMs)
    await registry.register(capabilities, envelope, nowMs)
  }
  return { registerPerSecond: SIGNED / (performance.now() - start) * 1000, size: registry.size }
}

function rss (): number {
  gc()
  gc()
  return process.memoryUsage.rss()
}
