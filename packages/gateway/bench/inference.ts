/**
 * The same backend asked directly over HTTP and through gateway and mesh: time to the first token, tokens per second, CPU per token.
 *
 * Four processes: this one asks, one is the backend (a paced generator with OpenAI's interface), one the peer that serves it, one the
 * gateway with its peer. Rounds of both ways take turns, so that whatever else the machine does hits both.
 */
import { LoadClient } from './inference/load-client.ts'
import type { Answer } from './inference/load-client.ts'
import { BenchProcess } from './inference/bench-process.ts'
import { median, percentile } from './inference/statistics.ts'

/** What the backend takes before its first token, ms, and how fast it goes on: as the issue of the target says it. */
const PREFILL_MS = 20
const TOKENS_PER_SECOND = 100
const STREAMS = 32
const TOKENS = 200

const TTFT_ROUNDS = 6
const TTFT_REQUESTS = 50
const RATE_ROUNDS = 3

interface Side {
  name: 'direct' | 'mesh'
  client: LoadClient
  ttftP50: number[]
  ttftP95: number[]
  rate1: number[]
  rate32: number[]
  busyTtftP50: number[]
}

async function main (): Promise<void> {
  const backend = await BenchProcess.start('paced-backend', { prefillMs: PREFILL_MS, tokensPerSecond: TOKENS_PER_SECOND })
  const serving = await BenchProcess.start('serving-peer', { backend: backend.ready.url, maxConcurrent: 2 * STREAMS })
  const gateway = await BenchProcess.start('gateway-peer', { bootstrap: serving.ready.addresses })
  const processes = [gateway, serving, backend]

  try {
    const sides = [side('direct', String(backend.ready.url)), side('mesh', String(gateway.ready.url))]
    for (const { client } of sides) {
      await client.warmUp(2 * STREAMS)
    }
    await measureTtft(sides)
    const cpu = await measureRates(sides, [gateway, serving])
    report(sides, cpu)
    for (const { client } of sides) {
      client.close()
    }
  } finally {
    await Promise.all(processes.map(async (process) => { await process.stop() }))
  }
}

function side (name: Side['name'], url: string): Side {
  return { name, client: new LoadClient(url), ttftP50: [], ttftP95: [], rate1: [], rate32: [], busyTtftP50: [] }
}

/** One request after the other. */
async function measureTtft (sides: Side[]): Promise<void> {
  for (let round = 0; round < TTFT_ROUNDS; round++) {
    for (const side of inTurn(sides, round)) {
      const ttfts: number[] = []
      for (let i = 0; i < TTFT_REQUESTS; i++) {
        ttfts.push((await side.client.ask(2)).ttftMs)
      }
      side.ttftP50.push(percentile(ttfts, 50))
      side.ttftP95.push(percentile(ttfts, 95))
    }
  }
  for (const { name, ttftP50, ttftP95 } of sides) {
    console.log(`${name}: first token after ${shown(ttftP50)} ms (p50 of each round), ${shown(ttftP95)} ms (p95)`)
  }
}

/** One stream alone, then many at once; returns µs of CPU per token of each process while many go through the mesh. */
async function measureRates (sides: Side[], processes: BenchProcess[]): Promise<number[][]> {
  const cpu: number[][] = processes.map(() => [])
  for (let round = 0; round < RATE_ROUNDS; round++) {
    for (const side of inTurn(sides, round)) {
      side.rate1.push(await rate(side, 1))
      const before = await Promise.all(processes.map(async (process) => await process.cpuMicros()))
      side.rate32.push(await rate(side, STREAMS))
      if (side.name === 'mesh') {
        const after = await Promise.all(processes.map(async (process) => await process.cpuMicros()))
        after.forEach((micros, i) => { cpu[i]?.push((micros - (before[i] as number)) / (STREAMS * TOKENS)) })
      }
    }
  }
  for (const { name, rate1, rate32, busyTtftP50 } of sides) {
    const busy = `first token after ${shown(busyTtftP50)} ms (p50)`
    console.log(`${name}: ${shown(rate1)} tokens/s alone, ${shown(rate32)} in ${STREAMS} streams; there ${busy}`)
  }
  return cpu
}

/** Tokens per second from the first request to the end of the last answer. */
async function rate (side: Side, streams: number): Promise<number> {
  const startMs = performance.now()
  const answers = await Promise.all(Array.from({ length: streams }, async (): Promise<Answer> => await side.client.ask(TOKENS)))
  const seconds = (performance.now() - startMs) / 1000

  for (const { tokens } of answers) {
    if (tokens !== TOKENS) {
      throw new Error(`An answer through ${side.name} had ${tokens} tokens, not ${TOKENS}`)
    }
  }
  if (streams > 1) {
    side.busyTtftP50.push(percentile(answers.map(({ ttftMs }) => ttftMs), 50))
  }
  return streams * TOKENS / seconds
}

function report (sides: Side[], cpu: number[][]): void {
  const [direct, mesh] = sides as [Side, Side]
  const [gatewayCpu, servingCpu] = cpu as [number[], number[]]
  const result = (better: 'lower' | 'higher') => (name: string, value: number, unit: string, target?: number): object =>
    ({ name, value: round(value), unit, target, better })
  const lower = result('lower')
  const higher = result('higher')
  const added = (a: number[], b: number[]): number => median(a.map((value, i) => value - (b[i] as number)))

  console.log(JSON.stringify({
    bench: 'inference',
    results: [
      lower('ttft direct p50', median(direct.ttftP50), 'ms'),
      lower('ttft direct p95', median(direct.ttftP95), 'ms'),
      lower('ttft mesh p50', median(mesh.ttftP50), 'ms'),
      lower('ttft mesh p95', median(mesh.ttftP95), 'ms'),
      lower('ttft added p50', added(mesh.ttftP50, direct.ttftP50), 'ms', 5),
      lower('ttft added p95', added(mesh.ttftP95, direct.ttftP95), 'ms'),
      lower(`ttft added p50 at ${STREAMS} streams`, added(mesh.busyTtftP50, direct.busyTtftP50), 'ms'),
      higher('tokens direct 1', median(direct.rate1), 'tokens/s'),
      higher('tokens mesh 1', median(mesh.rate1), 'tokens/s'),
      higher('tokens ratio 1', median(mesh.rate1) / median(direct.rate1), 'ratio', 0.9),
      higher(`tokens direct ${STREAMS}`, median(direct.rate32), 'tokens/s'),
      higher(`tokens mesh ${STREAMS}`, median(mesh.rate32), 'tokens/s'),
      higher('tokens ratio', median(mesh.rate32) / median(direct.rate32), 'ratio', 0.9),
      lower('cpu per token', median(gatewayCpu) + median(servingCpu), 'µs'),
      lower('cpu per token gateway', median(gatewayCpu), 'µs'),
      lower('cpu per token serving peer', median(servingCpu), 'µs')
    ]
  }))
}

/** Who goes first changes with each round. */
function inTurn (sides: Side[], round: number): Side[] {
  return round % 2 === 0 ? sides : [...sides].reverse()
}

function shown (values: number[]): string {
  return values.map((value) => value.toFixed(1)).join(' ')
}

function round (value: number): number {
  return Number(value.toPrecision(4))
}

await main()
