/**
 * `npm run bench -- seed-registry`: what a registration costs in memory, and what register and discover cost in time, at 1K, 100K, 250K and 1M
 * registrations; beside it a plain `Map` that answers with everything, and the registry in Redis, where that is installed. A process for each figure
 * and round, so that RSS is that of one size.
 * Times are by the clock on the wall: where others compute too, or under `nice`, p99 is the time slice of the scheduler.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hasRedis } from '../test/redis/redis-server.ts'

interface Result {
  name: string
  value: number
  unit: string
  target?: number
  better: 'lower' | 'higher'
}

const ROUNDS = Number(process.argv[2] ?? 3)
const child = fileURLToPath(new URL('seed-registry/child.ts', import.meta.url))
const redisChild = fileURLToPath(new URL('seed-registry/redis-child.ts', import.meta.url))
const results: Result[] = []
/** Of a process with a registry and no node, by registrations */
const rss = new Map<number, number>()

for (const [size, count] of [['1K', 1000], ['100K', 100_000], ['250K', 250_000], ['1M', 1_000_000]] as Array<[string, number]>) {
  const figures = await measure('memory', count)
  if (count >= 250_000) {
    rss.set(count, figures('rss'))
    const node = await measure('node', count)
    const target = count === 1_000_000 ? 512 : 256
    report({ name: `RSS with a libp2p node at ${size}`, value: node('rss') / 2 ** 20, unit: 'MiB', target, better: 'lower' })
  }
  report({ name: `register per second at ${size}`, value: figures('registerPerSecond'), unit: '1/s', better: 'higher' })
  report({ name: `discover p50 ms at ${size}`, value: figures('p50'), unit: 'ms', better: 'lower' })
  report({ name: `discover p99 ms at ${size}`, value: figures('p99'), unit: 'ms', target: 1, better: 'lower' })
  report({ name: `discover p99 ms at ${size}, a filter that fits nobody`, value: figures('hopelessP99'), unit: 'ms', target: 1, better: 'lower' })
  report({ name: `answer bytes at ${size}, largest`, value: figures('mostBytes'), unit: 'B', target: 12_288, better: 'lower' })
  if (count === 1_000_000) {
    // from 250K to 1M: what the start of a process leaves to the collector is larger than a small registry, and goes while that fills
    const [small = NaN, large = NaN] = rss.values()
    report({ name: 'bytes per registration', value: (large - small) / 750_000, unit: 'B', target: 400, better: 'lower' })
    report({ name: 'signed record, mean', value: figures('record'), unit: 'B', better: 'lower' })
  }
}
report({ name: 'register per second, signatures checked', value: (await measure('signed', 0))('registerPerSecond'), unit: '1/s', better: 'higher' })
for (const [size, count] of [['1K', 1000], ['100K', 100_000]] as Array<[string, number]>) {
  const map = await measure('map', count)
  if (count > 1000) { // fewer do not show in RSS
    report({ name: `map: bytes per registration at ${size}`, value: map('perRegistration'), unit: 'B', better: 'lower' })
  }
  report({ name: `map: discover p50 ms at ${size}`, value: map('p50'), unit: 'ms', better: 'lower' })
  report({ name: `map: discover p99 ms at ${size}`, value: map('p99'), unit: 'ms', better: 'lower' })
  report({ name: `map: answer bytes at ${size}, largest`, value: map('mostBytes'), unit: 'B', better: 'lower' })
}
if (hasRedis()) {
  for (const [size, count] of [['1K', 1000], ['100K', 100_000], ['1M', 1_000_000]] as Array<[string, number]>) {
    // a round of a million takes minutes
    const redis = await measure('redis', count, count === 1_000_000 ? 1 : ROUNDS)
    report({ name: `redis: register per second at ${size}`, value: redis('registerPerSecond'), unit: '1/s', better: 'higher' })
    report({ name: `redis: renew per second at ${size}`, value: redis('renewPerSecond'), unit: '1/s', better: 'higher' })
    report({ name: `redis: discover p50 ms at ${size}`, value: redis('p50'), unit: 'ms', better: 'lower' })
    report({ name: `redis: discover p99 ms at ${size}`, value: redis('p99'), unit: 'ms', better: 'lower' })
    report({ name: `redis: discover p99 ms at ${size}, a filter that fits nobody`, value: redis('hopelessP99'), unit: 'ms', better: 'lower' })
    report({ name: `redis: discover per second at ${size}`, value: redis('discoverPerSecond'), unit: '1/s', better: 'higher' })
    report({ name: `redis: answer bytes at ${size}, largest`, value: redis('mostBytes'), unit: 'B', target: 12_288, better: 'lower' })
    report({ name: `redis: bytes per registration at ${size}`, value: redis('perRegistration'), unit: 'B', better: 'lower' })
  }
} else {
  console.log('redis-server is not installed: no figures of Redis')
}
console.log(JSON.stringify({ bench: 'seed-registry', results }))

/** Each figure is the median of the rounds. */
async function measure (kind: string, count: number, times = ROUNDS): Promise<(figure: string) => number> {
  const rounds: Array<Record<string, number>> = []
  for (let i = 0; i < times; i++) {
    const program = kind === 'redis' ? [redisChild] : [child, kind]
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=skein-source', ...program, String(count)])
    rounds.push(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''))
  }
  return figure => median(rounds.map(round => round[figure] as number))
}

function report (result: Result): void {
  const rounded = { ...result, value: Number(result.value.toPrecision(4)) }
  results.push(rounded)
  console.log(`${rounded.name}: ${rounded.value} ${rounded.unit}${result.target == null ? '' : ` (target ${result.target})`}`)
}

function median (values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
