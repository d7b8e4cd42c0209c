/**
 * `npm run bench -- simulator`: the queue of events beside heaps, churn of 10 million devices, and machines under the simulated clock. A process for
 * each figure and round; medians over CPU seconds of all its threads. `--quick` runs one round; a word runs only the figures whose name has it.
 */
import { execFile } from 'node:child_process'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runPeerSim } from './simulator/peersim.ts'

interface Result {
  name: string
  value: number
  unit: string
  target?: number
  better: 'lower' | 'higher'
}

const words = process.argv.slice(2).filter(word => !word.startsWith('-'))
const ROUNDS = process.argv.includes('--quick') ? 1 : 5
const child = fileURLToPath(new URL('simulator/child.ts', import.meta.url))
/** Loads nothing but what lookups need, because it is asked for the memory of its process. */
const lookupsChild = fileURLToPath(new URL('simulator/lookups-child.ts', import.meta.url))
const results: Result[] = []

/** What a process is asked for, and the figures that it answers with. */
const TASKS: Array<[task: string, size: number, figures: Record<string, Omit<Result, 'value'>>]> = [
  ...(['100K', '1M', '10M'] as const).map((size): typeof TASKS[number] => ['wheel', parse(size), {
    perSecond: { name: `queue events at ${size}`, unit: '1/CPU-s', target: size === '100K' ? 10e6 : undefined, better: 'higher' },
    bytes: { name: `queue bytes an event at ${size}`, unit: 'B', better: 'lower' }
  }]),
  ['wheel-far', 100_000, { perSecond: { name: 'queue events at 100K, 10M ticks ahead', unit: '1/CPU-s', better: 'higher' } }],
  ...(['100K', '1M'] as const).flatMap((size): typeof TASKS => [
    ['object-heap', parse(size), { perSecond: { name: `binary heap of objects: events at ${size}`, unit: '1/CPU-s', better: 'higher' } }],
    ['tinyqueue', parse(size), { perSecond: { name: `tinyqueue: events at ${size}`, unit: '1/CPU-s', better: 'higher' } }],
    ['array-heap', parse(size), { perSecond: { name: `binary heap in typed arrays: events at ${size}`, unit: '1/CPU-s', better: 'higher' } }]
  ]),
  ['churn', 10_000_000, {
    seconds: { name: '24 h of churn at 10M CPU-s', unit: 's', target: 60, better: 'lower' },
    changes: { name: '24 h of churn at 10M: joins and leaves', unit: 'count', better: 'higher' },
    bytes: { name: '24 h of churn at 10M: bytes held', unit: 'B', better: 'lower' },
    rss: { name: '24 h of churn at 10M: RSS', unit: 'MiB', better: 'lower' }
  }],
  ['windows', 100_000, {
    perSecond: { name: 'kernel events at 100K entities, one thread', unit: '1/CPU-s', better: 'higher' },
    perSecondOfTwo: { name: 'kernel events at 100K entities, two threads', unit: '1/CPU-s', better: 'higher' },
    speedup: { name: 'kernel events: wall time of one thread by that of two', unit: 'ratio', better: 'higher' }
  }],
  ...(['10K', '100K'] as const).map((size): typeof TASKS[number] => ['machines', parse(size), {
    perSecond: { name: `machine messages at ${size} nodes`, unit: '1/CPU-s', better: 'higher' },
    rss: { name: `machines: RSS at ${size} nodes`, unit: 'MiB', better: 'lower' }
  }]),
  ...(['10K', '100K', '1M', '10M'] as const).map((size): typeof TASKS[number] => ['churn-lookups', parse(size), {
    perSecond: { name: `lookups under churn at ${size}`, unit: '1/CPU-s', target: size === '100K' ? 50e3 : undefined, better: 'higher' },
    success: { name: `lookups under churn at ${size}: success`, unit: 'share', better: 'higher' },
    rss: { name: `lookups under churn at ${size}: RSS`, unit: 'MiB', target: size === '10M' ? 476 : undefined, better: 'lower' }
  }]),
  ['maintained-lookups', 10_000, {
    perSecond: { name: 'lookups under churn at 10K, 51.7 % NATed, those of tables counted', unit: '1/CPU-s', better: 'higher' },
    maintenanceShare: { name: 'lookups under churn at 10K, 51.7 % NATed: requests of tables', unit: 'share', better: 'lower' }
  }],
  ['storage-free-lookups', 1e9, {
    perSecond: { name: 'lookups at 1B', unit: '1/CPU-s', target: 10e3, better: 'higher' },
    rss: { name: 'lookups at 1B: RSS', unit: 'MiB', target: 95, better: 'lower' }
  }]
]

for (const [task, size, figures] of TASKS) {
  if (words.length === 0 || words.some(word => Object.values(figures).some(({ name }) => name.includes(word)))) {
    const values = await measure(task, size)
    for (const [figure, result] of Object.entries(figures)) {
      report({ ...result, value: values(figure) })
    }
  }
}
await comparePeerSim()
console.log(JSON.stringify({ bench: 'simulator', results }))

/**
 * With `--peersim=JAR[:JAR…] --peersim-config=FILE`: the same in PeerSim and here, with as many nodes as the configuration has. For a fair ratio it
 * must
 * say k = 8, alpha = 2, churn, refreshes and 51.7 % of the nodes behind NATs.
 */
async function comparePeerSim (): Promise<void> {
  const option = (name: string): string | undefined => process.argv.find(word => word.startsWith(`--${name}=`))?.slice(name.length + 3)
  const [jars, configuration] = [option('peersim'), option('peersim-config')]
  if (jars === undefined || configuration === undefined) {
    return
  }
  const peersim = await runPeerSim(jars.split(delimiter), configuration, option('java'))
  const values = await measure('maintained-lookups', peersim.nodes)
  const perSecond = peersim.lookups / peersim.cpuSeconds
  report({ name: `PeerSim: lookups at ${peersim.nodes}`, value: perSecond, unit: '1/CPU-s', better: 'higher' })
  report({ name: `lookups under churn at ${peersim.nodes} PeerSim ratio`, value: values('perSecond') / perSecond, unit: 'ratio', better: 'higher' })
}

/** Each figure is the median of the rounds. */
async function measure (task: string, size: number): Promise<(figure: string) => number> {
  const rounds: Array<Record<string, number>> = []
  for (let i = 0; i < ROUNDS; i++) {
    const file = task.endsWith('-lookups') ? lookupsChild : child
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=skein-source', file, task, String(size)])
    rounds.push(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, number>)
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

function parse (size: string): number {
  return Number(size.replace('K', 'e3').replace('M', 'e6'))
}
