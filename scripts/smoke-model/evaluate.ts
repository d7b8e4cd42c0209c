/**
 * Loss of the shipped weights, as the package computes it, on the held-out chapters.
 *
 *   node --conditions=skein-source scripts/smoke-model/evaluate.ts
 */
import { exp, ln } from '../../packages/smoke-model/src/arithmetic.ts'
import { END_TOKEN, Tokenizer } from '../../packages/smoke-model/src/tokenizer.ts'
import { Transformer } from '../../packages/smoke-model/src/transformer.ts'
import { parseWeights } from '../../packages/smoke-model/src/weights.ts'
import { readWeightFile } from '../../packages/smoke-model/src/node/weight-file.ts'
import { readChapters } from './corpus.ts'

const weights = parseWeights(await readWeightFile())
const tokenizer = new Tokenizer(weights.merges)
const transformer = new Transformer(weights)
const { heldOut } = readChapters()
const bytes = heldOut.reduce((sum, text) => sum + text.length, 0)
const tokens = [...heldOut.flatMap(text => [END_TOKEN, ...tokenizer.encode(text)]), END_TOKEN]

for (const window of [256, 512]) {
  let loss = 0
  let later = { loss: 0, tokens: 0 }
  for (let start = 0; start + 1 < tokens.length; start += window) {
    const sequence = transformer.begin(window)
    for (let i = start; i < start + window && i + 1 < tokens.length; i++) {
      sequence.push(tokens[i] as number)
      const surprise = surpriseOf(sequence.predict(), tokens[i + 1] as number)
      loss += surprise
      if (i - start >= window / 2) {
        later = { loss: later.loss + surprise, tokens: later.tokens + 1 }
      }
    }
  }
  console.log(`windows of ${window}: ${(loss / (tokens.length - 1)).toFixed(4)} nats a token, ${(loss / Math.LN2 / bytes).toFixed(3)} bits a byte; ` +
    `${(later.loss / later.tokens).toFixed(4)} nats a token in the second half of a window`)
}

function surpriseOf (logits: Float64Array, token: number): number {
  const max = Math.max(...logits)
  return ln(logits.reduce((sum, logit) => sum + exp(logit - max), 0)) + max - (logits[token] as number)
}
