/**
 * Trains the smoke-test model and writes its weights.
 *
 *   node --conditions=skein-source scripts/smoke-model/train.ts [--steps N] [--seed N] [--rate X] [--out FILE]
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { learnMerges, Tokenizer } from '../../packages/smoke-model/src/tokenizer.ts'
import { encodeWeights } from '../../packages/smoke-model/src/weights.ts'
import { readChapters } from './corpus.ts'
import { tokenize, Training } from './training.ts'
import type { TrainingPlan } from './training.ts'

const REPORT_EVERY = 25
const CHECKPOINT_EVERY = 200

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '1800' },
    seed: { type: 'string', default: '1851' },
    rate: { type: 'string', default: '0.003' },
    out: { type: 'string', default: join(import.meta.dirname, '../../packages/smoke-model/weights/skein-smoke-1.bin') }
  }
})

const plan: TrainingPlan = {
  shape: {
    vocabSize: 1024, contextTokens: 512, width: 160, hidden: 640, layers: 4, heads: 5,
    // From a head that sees the last words to one that sees all; powers of two, so that they are exact
    slopes: [1 / 2, 1 / 8, 1 / 32, 1 / 128, 1 / 512]
  },
  seed: Number(options.seed),
  steps: Number(options.steps),
  batch: 8,
  length: 256,
  peakRate: Number(options.rate),
  warmupSteps: 100,
  memoryBytes: 256 * 1024 * 1024
}

const startedAt = process.hrtime.bigint()
const seconds = (): string => (Number(process.hrtime.bigint() - startedAt) / 1e9).toFixed(0)

const chapters = readChapters()
const tokenizer = new Tokenizer(learnMerges(chapters.training.join('\n'), plan.shape.vocabSize))
const corpus = tokenize(chapters.training, chapters.heldOut, tokenizer)
mkdirSync(dirname(options.out), { recursive: true })
console.log(`${seconds()} s: ${corpus.training.length} tokens to train on, ${corpus.heldOut.length} held out (${corpus.heldOutBytes} bytes, ` +
  `${(corpus.heldOutBytes / corpus.heldOut.length).toFixed(2)} bytes a token)`)
console.log(JSON.stringify({ ...plan, memoryBytes: undefined }))

const training = new Training(plan, corpus)
let recent = 0
for (let step = 1; step <= plan.steps; step++) {
  recent += training.step()
  if (step % REPORT_EVERY === 0) {
    console.log(`${seconds()} s: step ${step}, training loss ${(recent / REPORT_EVERY).toFixed(4)} nats a token`)
    recent = 0
  }
  if (step % CHECKPOINT_EVERY === 0 || step === plan.steps) {
    const { natsPerToken, bitsPerByte } = training.heldOutLoss()
    console.log(`${seconds()} s: step ${step}, held-out ${natsPerToken.toFixed(4)} nats a token, ${bitsPerByte.toFixed(3)} bits a byte`)
    writeFileSync(`${options.out}.part`, encodeWeights(training.weights(tokenizer)))
    renameSync(`${options.out}.part`, options.out)
  }
}
