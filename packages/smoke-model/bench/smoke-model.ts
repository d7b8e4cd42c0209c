/** Speed of the smoke-test model on one core: alone, and as a backend beside a living event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { loadSmokeModel, parseWeights, smokeBackend, SmokeModel } from '@skein/smoke-model'
import { readWeightFile } from '../src/node/weight-file.ts'
import type { InferenceEvent } from '@skein/inference'

const ROUNDS = 7
const STREAMS = 4
const NANOSECONDS_PER_MS = 1e6

interface Result {
  name: string
  value: number
  unit: string
  target?: number
  better: 'lower' | 'higher'
}

const model = await loadSmokeModel()
const results: Result[] = []

function report (result: Omit<Result, 'value'>, samples: number[]): void {
  const sorted = [...samples].sort((a, b) => a - b)
  const value = Number((sorted[Math.floor(sorted.length / 2)] as number).toPrecision(4))
  results.push({ ...result, value })
  console.log(`${result.name}: ${value} ${result.unit} (${sorted[0]?.toPrecision(4)} to ${sorted.at(-1)?.toPrecision(4)})`)
}

/** Tokens per second of a prompt of so many tokens, and of the answer after it; and what CPU time (all threads) a token took. */
function generate (promptTokens: number, answerTokens: number): { prompt: number, answer: number, cpuMs: number } {
  const prompt = model.encode(' whale'.repeat(promptTokens)).slice(0, promptTokens)
  // Greedy, because a drawn end mark would cut the answer short now and then
  const generation = model.begin(prompt, { maxTokens: answerTokens, temperature: 0 })
  const cpuBefore = process.cpuUsage()
  const startedMs = performance.now()
  for (let i = 0; i < promptTokens; i++) {
    generation.next()
  }
  const promptMs = performance.now() - startedMs
  let produced = 0
  while (generation.next().type === 'piece') {
    produced++
  }
  const answerMs = performance.now() - startedMs - promptMs
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    prompt: promptTokens / promptMs * 1_000, answer: produced / answerMs * 1_000, cpuMs: (user + system) / 1_000 / (promptTokens + produced)
  }
}

async function stream (seed: number, sliceMs?: number): Promise<number> {
  const backend = backends.get(sliceMs) ?? smokeBackend({ model, maxConcurrent: STREAMS, sliceMs })
  backends.set(sliceMs, backend)
  const body = { prompt: 'Call me Ishmael.', max_tokens: 400, seed }
  let last: InferenceEvent | undefined
  for await (const event of backend.infer({ task: 'completion', model: model.id, body }, { signal: new AbortController().signal })) {
    last = event.type === 'usage' ? event : last
  }
  return last?.type === 'usage' ? Number(last.usage.completion_tokens) : 0
}

const backends = new Map<number | undefined, ReturnType<typeof smokeBackend>>()
const rounds = Array.from({ length: ROUNDS }, (_, round) => round)

generate(16, 64)
const bytes = await readWeightFile()
report({ name: 'load', unit: 'ms', target: 100, better: 'lower' }, rounds.map(() => {
  const startedMs = performance.now()
  new SmokeModel(parseWeights(bytes)).encode('')
  return performance.now() - startedMs
}))
const short = rounds.map(() => generate(8, 56))
const long = rounds.map(() => generate(448, 64))
report({ name: 'tokens at the start of the context', unit: 'tokens/s', target: 200, better: 'higher' }, short.map(({ answer }) => answer))
report({ name: 'tokens at full context', unit: 'tokens/s', target: 200, better: 'higher' }, long.map(({ answer }) => answer))
report({ name: 'prompt of 448 tokens', unit: 'tokens/s', target: 200, better: 'higher' }, long.map(({ prompt }) => prompt))

report({ name: 'cpu per token, short text', unit: 'ms', target: 5, better: 'lower' }, short.map(({ cpuMs }) => cpuMs))
report({ name: 'cpu per token, whole context', unit: 'ms', target: 5, better: 'lower' }, long.map(({ cpuMs }) => cpuMs))

const speeds: number[] = []
const delays: number[] = []
const together: number[] = []
for (const round of rounds) {
  let startedMs = performance.now()
  speeds.push(await stream(round) / (performance.now() - startedMs) * 1_000)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  startedMs = performance.now()
  const counts = await Promise.all(Array.from({ length: STREAMS }, async (_, index) => await stream(round * STREAMS + index)))
  together.push(counts.reduce((sum, count) => sum + count, 0) / (performance.now() - startedMs) * 1_000)
  delay.disable()
  delays.push(delay.percentile(99) / NANOSECONDS_PER_MS)
}
report({ name: 'backend, 1 stream', unit: 'tokens/s', target: 200, better: 'higher' }, speeds)
report({ name: `backend, ${STREAMS} streams together`, unit: 'tokens/s', target: 200, better: 'higher' }, together)
report({ name: `event loop delay p99, ${STREAMS} streams`, unit: 'ms', target: 12, better: 'lower' }, delays)

console.log(JSON.stringify({ bench: 'smoke-model', results }))
