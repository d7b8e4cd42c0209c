/**
 * The transformer as it is trained: forward and backward pass over a batch, by hand. The same function as the one in
 * `packages/smoke-model/src/transformer.ts`, which runs it one token at a time.
 */
import { exp, ln } from '../../packages/smoke-model/src/arithmetic.ts'
import { randomFloat } from '../../packages/core/src/random.ts'
import { at, transpose } from './matrix-kernel.ts'
import type { Random } from '../../packages/core/src/random.ts'
import type { ModelShape } from '../../packages/smoke-model/src/weights.ts'
import type { Matrix, MatrixKernel } from './matrix-kernel.ts'

const NORM_EPSILON = 1e-5
/** Rows of attention scores computed at once; what lies right of such a block is never touched. */
const ATTENTION_BLOCK = 64

export interface LayerParameters {
  /** width × 3 width: queries, keys, values */
  qkv: Matrix
  /** width × width */
  output: Matrix
  /** width × hidden */
  up: Matrix
  /** hidden × width */
  down: Matrix
}

export interface Parameters {
  /** vocabulary × width, used for input and output */
  embedding: Matrix
  layers: LayerParameters[]
}

export interface NetworkInit {
  shape: ModelShape
  /** Sequences in a batch */
  batch: number
  /** Tokens in a sequence, a multiple of 8 */
  length: number
  kernel: MatrixKernel
}

interface LayerActivations {
  input: Matrix
  normed: Matrix
  inverse: Float32Array
  qkv: Matrix
  /** batch × heads × length rows of attention weights */
  weights: Matrix
  attended: Matrix
  middle: Matrix
  middleNormed: Matrix
  middleInverse: Float32Array
  up: Matrix
  hidden: Matrix
}

export class Network {
  readonly parameters: Parameters
  readonly gradients: Parameters
  private readonly init: NetworkInit
  private readonly activations: LayerActivations[]
  private readonly rows: number
  private readonly last: Matrix
  private readonly lastNormed: Matrix
  private readonly lastInverse: Float32Array
  private readonly logits: Matrix
  private readonly gradient: Matrix
  private readonly normedGradient: Matrix
  private readonly hiddenGradient: Matrix
  private readonly qkvGradient: Matrix
  private readonly scores: Matrix
  private readonly turned: Matrix
  private readonly turnedHead: Matrix

  constructor (init: NetworkInit) {
    const { shape: { width, hidden, vocabSize, layers, heads }, batch, length, kernel } = init
    const rows = batch * length
    this.init = init
    this.rows = rows
    this.parameters = allocateParameters(init)
    this.gradients = allocateParameters(init)
    this.activations = Array.from({ length: layers }, () => ({
      input: kernel.matrix(rows, width),
      normed: kernel.matrix(rows, width),
      inverse: kernel.allocate(rows),
      qkv: kernel.matrix(rows, 3 * width),
      weights: kernel.matrix(batch * heads * length, length),
      attended: kernel.matrix(rows, width),
      middle: kernel.matrix(rows, width),
      middleNormed: kernel.matrix(rows, width),
      middleInverse: kernel.allocate(rows),
      up: kernel.matrix(rows, hidden),
      hidden: kernel.matrix(rows, hidden)
    }))
    this.last = kernel.matrix(rows, width)
    this.lastNormed = kernel.matrix(rows, width)
    this.lastInverse = kernel.allocate(rows)
    this.logits = kernel.matrix(rows, vocabSize)
    this.gradient = kernel.matrix(rows, width)
    this.normedGradient = kernel.matrix(rows, width)
    this.hiddenGradient = kernel.matrix(rows, hidden)
    this.qkvGradient = kernel.matrix(rows, 3 * width)
    this.scores = kernel.matrix(length, length)
    this.turned = { data: kernel.allocate(Math.max(hidden, vocabSize, 3 * width) * width), rowStride: 0 }
    this.turnedHead = kernel.matrix(width / heads, length)
  }

  /** Uniform values with the usual spread: 0.02 for the embedding, 1/√in for matrices, less where a residual is added. */
  initialize (random: Random): void {
    const { width, hidden, layers } = this.init.shape
    const residual = 1 / Math.sqrt(2 * layers)
    fillUniform(this.parameters.embedding.data, 0.02, random)
    for (const layer of this.parameters.layers) {
      fillUniform(layer.qkv.data, 1 / Math.sqrt(width), random)
      fillUniform(layer.output.data, residual / Math.sqrt(width), random)
      fillUniform(layer.up.data, 1 / Math.sqrt(width), random)
      fillUniform(layer.down.data, residual / Math.sqrt(hidden), random)
    }
  }

  /** Mean loss in nats per token. `inputs` and `targets` hold batch × length tokens. */
  forward (inputs: Uint16Array, targets: Uint16Array): number {
    const { shape: { width, hidden, vocabSize }, kernel } = this.init
    const { rows, parameters } = this
    const first = this.activations[0] as LayerActivations
    for (let row = 0; row < rows; row++) {
      const from = inputs[row] as number * width
      first.input.data.set(parameters.embedding.data.subarray(from, from + width), row * width)
    }
    for (const [index, layer] of parameters.layers.entries()) {
      const a = this.activations[index] as LayerActivations
      const next = this.activations[index + 1]?.input ?? this.last
      normalize(a.input.data, a.normed.data, a.inverse, width)
      kernel.multiply(a.normed, layer.qkv, a.qkv, { rows, columns: 3 * width, depth: width })
      this.attend(a)
      a.middle.data.set(a.input.data)
      kernel.multiply(a.attended, layer.output, a.middle, { rows, columns: width, depth: width, accumulate: true })
      normalize(a.middle.data, a.middleNormed.data, a.middleInverse, width)
      kernel.multiply(a.middleNormed, layer.up, a.up, { rows, columns: hidden, depth: width })
      squaredRelu(a.up.data, a.hidden.data)
      next.data.set(a.middle.data)
      kernel.multiply(a.hidden, layer.down, next, { rows, columns: width, depth: hidden, accumulate: true })
    }
    normalize(this.last.data, this.lastNormed.data, this.lastInverse, width)
    const turned = this.transposed(parameters.embedding, vocabSize, width)
    kernel.multiply(this.lastNormed, turned, this.logits, { rows, columns: vocabSize, depth: width })
    return crossEntropy(this.logits.data, targets, vocabSize)
  }

  /** Fills `gradients` for the batch of the last `forward`, which must have the same inputs. */
  backward (inputs: Uint16Array): void {
    const { shape: { width, hidden, vocabSize }, kernel } = this.init
    const { rows, parameters, gradients, gradient, normedGradient, hiddenGradient, qkvGradient } = this
    const turned = { rows: width, depth: rows, transposeA: true }

    kernel.multiply(this.logits, parameters.embedding, normedGradient, { rows, columns: width, depth: vocabSize })
    kernel.multiply(this.logits, this.lastNormed, gradients.embedding, { ...turned, rows: vocabSize, columns: width })
    gradient.data.fill(0)
    normalizeBackward(normedGradient.data, this.lastNormed.data, this.lastInverse, gradient.data, width)

    for (let index = parameters.layers.length - 1; index >= 0; index--) {
      const layer = parameters.layers[index] as LayerParameters
      const to = gradients.layers[index] as LayerParameters
      const a = this.activations[index] as LayerActivations
      kernel.multiply(a.hidden, gradient, to.down, { ...turned, rows: hidden, columns: width })
      kernel.multiply(gradient, this.transposed(layer.down, hidden, width), hiddenGradient, { rows, columns: hidden, depth: width })
      squaredReluBackward(a.up.data, hiddenGradient.data)
      kernel.multiply(a.middleNormed, hiddenGradient, to.up, { ...turned, columns: hidden })
      kernel.multiply(hiddenGradient, this.transposed(layer.up, width, hidden), normedGradient, { rows, columns: width, depth: hidden })
      normalizeBackward(normedGradient.data, a.middleNormed.data, a.middleInverse, gradient.data, width)

      kernel.multiply(a.attended, gradient, to.output, { ...turned, columns: width })
      kernel.multiply(gradient, this.transposed(layer.output, width, width), normedGradient, { rows, columns: width, depth: width })
      this.attendBackward(a)
      kernel.multiply(a.normed, qkvGradient, to.qkv, { ...turned, columns: 3 * width })
      kernel.multiply(qkvGradient, this.transposed(layer.qkv, width, 3 * width), normedGradient, { rows, columns: width, depth: 3 * width })
      normalizeBackward(normedGradient.data, a.normed.data, a.inverse, gradient.data, width)
    }
    for (let row = 0; row < rows; row++) {
      const to = inputs[row] as number * width
      for (let i = 0; i < width; i++) {
        gradients.embedding.data[to + i] = gradients.embedding.data[to + i] as number + (gradient.data[row * width + i] as number)
      }
    }
  }

  private attend (a: LayerActivations): void {
    const { shape: { width, heads, slopes }, batch, length, kernel } = this.init
    const size = width / heads
    const scale = 1 / Math.sqrt(size)
    for (let sequence = 0; sequence < batch; sequence++) {
      for (let head = 0; head < heads; head++) {
        const row = sequence * length
        const column = head * size
        const weights = at(a.weights, (sequence * heads + head) * length)
        transpose(at(a.qkv, row, width + column), length, size, this.turnedHead)
        for (let block = 0; block < length; block += ATTENTION_BLOCK) {
          const rows = Math.min(ATTENTION_BLOCK, length - block)
          const end = block + rows
          const scores = at(weights, block)
          kernel.multiply(at(a.qkv, row + block, column), this.turnedHead, scores, { rows, columns: end, depth: size })
          causalSoftmax(scores, { rows, start: block, scale, slope: slopes[head] as number })
          kernel.multiply(scores, at(a.qkv, row, 2 * width + column), at(a.attended, row + block, column), { rows, columns: size, depth: end })
        }
      }
    }
  }

  /** From the gradient of `attended` in `normedGradient` to that of queries, keys and values. */
  private attendBackward (a: LayerActivations): void {
    const { shape: { width, heads }, batch, length, kernel } = this.init
    const size = width / heads
    const scale = 1 / Math.sqrt(size)
    for (let sequence = 0; sequence < batch; sequence++) {
      for (let head = 0; head < heads; head++) {
        const row = sequence * length
        const column = head * size
        const weights = at(a.weights, (sequence * heads + head) * length)
        transpose(at(a.qkv, row, 2 * width + column), length, size, this.turnedHead)
        for (let block = 0; block < length; block += ATTENTION_BLOCK) {
          const rows = Math.min(ATTENTION_BLOCK, length - block)
          const end = block + rows
          const scores = at(this.scores, block)
          kernel.multiply(at(this.normedGradient, row + block, column), this.turnedHead, scores, { rows, columns: end, depth: size })
          softmaxBackward(at(weights, block), scores, { rows, columns: end, scale })
          kernel.multiply(scores, at(a.qkv, row, width + column), at(this.qkvGradient, row + block, column), { rows, columns: size, depth: end })
        }
        for (let block = 0; block < length; block += ATTENTION_BLOCK) {
          const product = { rows: Math.min(ATTENTION_BLOCK, length - block), columns: size, depth: length - block, transposeA: true }
          const from = row + block
          kernel.multiply(at(this.scores, block, block), at(a.qkv, from, column), at(this.qkvGradient, from, width + column), product)
          kernel.multiply(at(weights, block, block), at(this.normedGradient, from, column), at(this.qkvGradient, from, 2 * width + column), product)
        }
      }
    }
  }

  private transposed (matrix: Matrix, rows: number, columns: number): Matrix {
    const turned = { data: this.turned.data, rowStride: rows }
    transpose(matrix, rows, columns, turned)
    return turned
  }
}

/** The arrays of all parameters in a fixed order. */
export function parameterArrays (parameters: Parameters): Float32Array[] {
  return [parameters.embedding.data, ...parameters.layers.flatMap(layer => [layer.qkv.data, layer.output.data, layer.up.data, layer.down.data])]
}

function allocateParameters ({ shape: { width, hidden, vocabSize, layers }, kernel }: NetworkInit): Parameters {
  return {
    embedding: kernel.matrix(vocabSize, width),
    layers: Array.from({ length: layers }, () => ({
      qkv: kernel.matrix(width, 3 * width),
      output: kernel.matrix(width, width),
      up: kernel.matrix(width, hidden),
      down: kernel.matrix(hidden, width)
    }))
  }
}

function fillUniform (array: Float32Array, deviation: number, random: Random): void {
  const half = deviation * Math.sqrt(3)
  for (let i = 0; i < array.length; i++) {
    array[i] = (2 * randomFloat(random) - 1) * half
  }
}

function normalize (from: Float32Array, to: Float32Array, inverse: Float32Array, width: number): void {
  for (let row = 0; row < inverse.length; row++) {
    const start = row * width
    let sum = 0
    for (let i = start; i < start + width; i++) {
      sum += (from[i] as number) * (from[i] as number)
    }
    const factor = 1 / Math.sqrt(sum / width + NORM_EPSILON)
    inverse[row] = factor
    for (let i = start; i < start + width; i++) {
      to[i] = from[i] as number * factor
    }
  }
}

/** Adds the gradient of the norm's input to `to`. */
function normalizeBackward (gradient: Float32Array, normed: Float32Array, inverse: Float32Array, to: Float32Array, width: number): void {
  for (let row = 0; row < inverse.length; row++) {
    const start = row * width
    let dot = 0
    for (let i = start; i < start + width; i++) {
      dot += (gradient[i] as number) * (normed[i] as number)
    }
    const mean = dot / width
    const factor = inverse[row] as number
    for (let i = start; i < start + width; i++) {
      to[i] = to[i] as number + factor * (gradient[i] as number - (normed[i] as number) * mean)
    }
  }
}

function squaredRelu (from: Float32Array, to: Float32Array): void {
  for (let i = 0; i < from.length; i++) {
    const x = from[i] as number
    to[i] = x > 0 ? x * x : 0
  }
}

function squaredReluBackward (up: Float32Array, gradient: Float32Array): void {
  for (let i = 0; i < up.length; i++) {
    const x = up[i] as number
    gradient[i] = x > 0 ? 2 * x * (gradient[i] as number) : 0
  }
}

interface CausalBlock {
  rows: number
  /** Position of the block's first row */
  start: number
  scale: number
  /** What a step into the past costs (ALiBi) */
  slope: number
}

/** Softmax over the past of each row, in place; zero from there to the block's right edge. */
function causalSoftmax ({ data, rowStride }: Matrix, { rows, start, scale, slope }: CausalBlock): void {
  for (let row = 0; row < rows; row++) {
    const from = row * rowStride
    const self = start + row
    let max = -Infinity
    for (let i = 0; i <= self; i++) {
      const score = data[from + i] as number * scale - slope * (self - i)
      data[from + i] = score
      max = score > max ? score : max
    }
    let sum = 0
    for (let i = 0; i <= self; i++) {
      const weight = exp(data[from + i] as number - max)
      data[from + i] = weight
      sum += weight
    }
    const factor = 1 / sum
    for (let i = 0; i <= self; i++) {
      data[from + i] = data[from + i] as number * factor
    }
    data.fill(0, from + self + 1, from + start + rows)
  }
}

function softmaxBackward (weights: Matrix, gradient: Matrix, { rows, columns, scale }: { rows: number, columns: number, scale: number }): void {
  for (let row = 0; row < rows; row++) {
    const w = row * weights.rowStride
    const g = row * gradient.rowStride
    let dot = 0
    for (let i = 0; i < columns; i++) {
      dot += (weights.data[w + i] as number) * (gradient.data[g + i] as number)
    }
    for (let i = 0; i < columns; i++) {
      gradient.data[g + i] = weights.data[w + i] as number * (gradient.data[g + i] as number - dot) * scale
    }
  }
}

/** Mean loss; turns the logits into their gradient. */
function crossEntropy (logits: Float32Array, targets: Uint16Array, vocabSize: number): number {
  const share = 1 / targets.length
  let loss = 0
  for (let row = 0; row < targets.length; row++) {
    const from = row * vocabSize
    const target = from + (targets[row] as number)
    let max = -Infinity
    for (let i = from; i < from + vocabSize; i++) {
      const logit = logits[i] as number
      max = logit > max ? logit : max
    }
    const wanted = logits[target] as number - max
    let sum = 0
    for (let i = from; i < from + vocabSize; i++) {
      const power = exp(logits[i] as number - max)
      logits[i] = power
      sum += power
    }
    loss += (ln(sum) - wanted) * share
    const factor = share / sum
    for (let i = from; i < from + vocabSize; i++) {
      logits[i] = logits[i] as number * factor
    }
    logits[target] = logits[target] as number - share
  }
  return loss
}
