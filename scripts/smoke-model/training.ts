/** A training run as a pure function of its plan, its text and its seed: batches, schedule, held-out loss, export. */
import { randomBelow, SeededRandom } from '../../packages/core/src/random.ts'
import { END_TOKEN } from '../../packages/smoke-model/src/tokenizer.ts'
import { quantize } from '../../packages/smoke-model/src/weights.ts'
import { Adam } from './adam.ts'
import { MatrixKernel } from './matrix-kernel.ts'
import { Network, parameterArrays } from './network.ts'
import type { Tokenizer } from '../../packages/smoke-model/src/tokenizer.ts'
import type { ModelShape, QuantizedMatrix, Weights } from '../../packages/smoke-model/src/weights.ts'
import type { Matrix } from './matrix-kernel.ts'

export interface TrainingPlan {
  shape: ModelShape
  seed: number
  steps: number
  /** Sequences in a step */
  batch: number
  /** Tokens in a sequence */
  length: number
  /** The learning rate rises over `warmupSteps` to `peakRate`, then falls along a line to 0 */
  peakRate: number
  warmupSteps: number
  memoryBytes: number
}

export interface Corpus {
  training: Uint16Array
  heldOut: Uint16Array
  heldOutBytes: number
}

/** Chapters as tokens, an end mark before each and after the last. */
export function tokenize (training: string[], heldOut: string[], tokenizer: Tokenizer): Corpus {
  const stream = (texts: string[]): Uint16Array => Uint16Array.from([...texts.flatMap(text => [END_TOKEN, ...tokenizer.encode(text)]), END_TOKEN])
  return {
    training: stream(training),
    heldOut: stream(heldOut),
    heldOutBytes: heldOut.reduce((sum, text) => sum + text.length, 0)
  }
}

export class Training {
  readonly network: Network
  readonly plan: TrainingPlan
  private readonly corpus: Corpus
  private readonly adam: Adam
  private readonly random: SeededRandom
  private readonly inputs: Uint16Array
  private readonly targets: Uint16Array
  private steps = 0

  constructor (plan: TrainingPlan, corpus: Corpus) {
    this.plan = plan
    this.corpus = corpus
    this.network = new Network({ ...plan, kernel: new MatrixKernel(plan.memoryBytes) })
    this.random = new SeededRandom(plan.seed)
    this.network.initialize(this.random)
    this.adam = new Adam({ parameters: parameterArrays(this.network.parameters), gradients: parameterArrays(this.network.gradients) })
    this.inputs = new Uint16Array(plan.batch * plan.length)
    this.targets = new Uint16Array(plan.batch * plan.length)
  }

  /** One step; returns the loss before it, nats per token. */
  step (): number {
    const { batch, length } = this.plan
    for (let sequence = 0; sequence < batch; sequence++) {
      this.fill(this.corpus.training, sequence, randomBelow(this.random, this.corpus.training.length - length))
    }
    const loss = this.network.forward(this.inputs, this.targets)
    this.network.backward(this.inputs)
    this.adam.step(this.rate())
    this.steps++
    return loss
  }

  /** Mean loss on the held-out text, over windows that do not overlap: so with half a window of context on average. */
  heldOutLoss (): { natsPerToken: number, bitsPerByte: number } {
    const { batch, length } = this.plan
    const { heldOut, heldOutBytes } = this.corpus
    const windows = Math.floor((heldOut.length - 1) / length)
    const batches = Math.floor(windows / batch)
    let sum = 0
    for (let index = 0; index < batches; index++) {
      for (let sequence = 0; sequence < batch; sequence++) {
        this.fill(heldOut, sequence, (index * batch + sequence) * length)
      }
      sum += this.network.forward(this.inputs, this.targets)
    }
    const natsPerToken = sum / batches
    return { natsPerToken, bitsPerByte: natsPerToken * (heldOut.length - 1) / heldOutBytes / Math.LN2 }
  }

  weights (tokenizer: Tokenizer): Omit<Weights, 'checksum'> {
    const { embedding, layers } = this.network.parameters
    const { width, hidden, vocabSize } = this.plan.shape
    return {
      shape: this.plan.shape,
      merges: [...tokenizer.merges],
      embedding: quantize(embedding.data, vocabSize, width),
      layers: layers.map(layer => ({
        qkv: quantizeTransposed(layer.qkv, width, 3 * width),
        output: quantizeTransposed(layer.output, width, width),
        up: quantizeTransposed(layer.up, width, hidden),
        down: quantizeTransposed(layer.down, hidden, width)
      }))
    }
  }

  private rate (): number {
    const { steps, warmupSteps, peakRate } = this.plan
    return this.steps < warmupSteps
      ? peakRate * (this.steps + 1) / warmupSteps
      : peakRate * (steps - this.steps) / (steps - warmupSteps)
  }

  private fill (tokens: Uint16Array, sequence: number, start: number): void {
    const { length } = this.plan
    this.inputs.set(tokens.subarray(start, start + length), sequence * length)
    this.targets.set(tokens.subarray(start + 1, start + 1 + length), sequence * length)
  }
}

/** The training keeps a matrix as inputs × outputs, the file as outputs × inputs. */
function quantizeTransposed ({ data }: Matrix, inputs: number, outputs: number): QuantizedMatrix {
  const turned = new Float32Array(inputs * outputs)
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) {
      turned[o * inputs + i] = data[i * outputs + o] as number
    }
  }
  return quantize(turned, outputs, inputs)
}
