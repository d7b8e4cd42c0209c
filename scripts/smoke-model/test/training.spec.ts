import { expect } from 'chai'
import { exp, ln } from '../../../packages/smoke-model/src/arithmetic.ts'
import { learnMerges, Tokenizer } from '../../../packages/smoke-model/src/tokenizer.ts'
import { Transformer } from '../../../packages/smoke-model/src/transformer.ts'
import { encodeWeights, parseWeights } from '../../../packages/smoke-model/src/weights.ts'
import { tokenize, Training } from '../training.ts'
import type { QuantizedMatrix } from '../../../packages/smoke-model/src/weights.ts'
import type { Matrix } from '../matrix-kernel.ts'
import type { TrainingPlan } from '../training.ts'

const CHAPTERS = [
  'It was the whiteness of the whale that above all things appalled me. '.repeat(8),
  'Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail about a little. '.repeat(6),
  'There she blows! there! there! there! she blows! she blows! '.repeat(8)
]

const PLAN: TrainingPlan = {
  shape: { vocabSize: 320, contextTokens: 64, width: 16, hidden: 32, layers: 2, heads: 2, slopes: [1 / 2, 1 / 16] },
  seed: 1851, steps: 10, batch: 4, length: 32, peakRate: 0.02, warmupSteps: 2, memoryBytes: 4 * 1024 * 1024
}

const tokenizer = new Tokenizer(learnMerges(CHAPTERS.join('\n'), PLAN.shape.vocabSize))
const corpus = tokenize(CHAPTERS.slice(0, 2), CHAPTERS.slice(2), tokenizer)

function train (seed = PLAN.seed): { losses: number[], training: Training } {
  const training = new Training({ ...PLAN, seed }, corpus)
  return { losses: Array.from({ length: PLAN.steps }, () => training.step()), training }
}

describe('the training', () => {
  it('repeats from its seed to the last bit, on every machine', () => {
    const { losses } = train()
    expect(losses).to.deep.equal([
      5.760577499067553, 5.625450782398991, 5.385201183575486, 5.0650978678484835, 4.798957002246618,
      4.705588491519377, 4.570779928571113, 4.457912080515692, 4.3822656112051686, 4.412575724384323
    ])
    expect(train().losses).to.deep.equal(losses)
    expect(train(1852).losses).not.to.deep.equal(losses)
  })

  it('learns', () => {
    const { losses } = train()
    expect(losses.at(-1)).to.be.below((losses[0] as number) * 0.85)
  })

  it('keeps what is held out from the training', () => {
    expect(tokenizer.decode(corpus.heldOut)).to.equal(CHAPTERS[2])
    expect(tokenizer.decode(corpus.training)).to.equal(`${CHAPTERS[0]}${CHAPTERS[1]}`)
  })

  it('trains the function that the package computes', () => {
    const { training } = train()
    const weights = parseWeights(encodeWeights(training.weights(tokenizer)))
    // What int8 rounds away is rounded away in the trained network too, so that both have the same weights
    const { parameters } = training.network
    restore(weights.embedding, ({ row, column }) => row * PLAN.shape.width + column, parameters.embedding)
    for (const [index, layer] of parameters.layers.entries()) {
      for (const name of ['qkv', 'output', 'up', 'down'] as const) {
        const source = (weights.layers[index] as NonNullable<typeof weights.layers[number]>)[name]
        restore(source, ({ row, column }) => column * source.rows + row, layer[name])
      }
    }

    const { batch, length } = PLAN
    const inputs = corpus.training.slice(0, batch * length)
    const targets = corpus.training.slice(1, batch * length + 1)
    const transformer = new Transformer(weights)
    let loss = 0
    for (let start = 0; start < inputs.length; start += length) {
      const sequence = transformer.begin(length)
      for (let i = start; i < start + length; i++) {
        sequence.push(inputs[i] as number)
        const logits = sequence.predict()
        const max = Math.max(...logits)
        loss += (ln(logits.reduce((sum, logit) => sum + exp(logit - max), 0)) + max - (logits[targets[i] as number] as number)) / inputs.length
      }
    }
    expect(training.network.forward(inputs, targets)).to.be.closeTo(loss, 1e-5)
  })
})

function restore (from: QuantizedMatrix, place: (cell: { row: number, column: number }) => number, to: Matrix): void {
  for (let row = 0; row < from.rows; row++) {
    for (let column = 0; column < from.columns; column++) {
      to.data[place({ row, column })] = (from.values[row * from.columns + column] as number) * (from.scales[row] as number)
    }
  }
}
