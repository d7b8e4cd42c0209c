/**
 * The forward pass, one token at a time: pre-norm decoder with ALiBi attention and squared ReLU, RMS norms without gains, input
 * and output embedding shared. Plain IEEE arithmetic in a fixed order, so that the same weights give the same bits everywhere.
 */
import { exp } from './arithmetic.ts'
import type { ModelShape, QuantizedMatrix, Weights } from './weights.ts'

const NORM_EPSILON = 1e-5
/** Rows of a matrix that are multiplied together: eight independent sums keep the adders of a core busy. */
const ROWS_AT_ONCE = 8
/** Positions of the past that attention takes together, for the same reason; room for keys and values is a multiple of it. */
const POSITIONS_AT_ONCE = 4

/** A matrix ready for use: the int8 values as floats (four times the memory, 1.6 times the speed), a scale for each row. */
interface Matrix {
  rows: number
  columns: number
  values: Float32Array
  scales: Float32Array
}

interface Layer {
  qkv: Matrix
  output: Matrix
  up: Matrix
  down: Matrix
}

export class Transformer {
  readonly shape: ModelShape
  /** @private */
  readonly embedding: Matrix
  /** @private */
  readonly layers: readonly Layer[]

  constructor (weights: Weights) {
    this.shape = weights.shape
    this.embedding = unpack(weights.embedding)
    this.layers = weights.layers.map(layer => ({
      qkv: unpack(layer.qkv), output: unpack(layer.output), up: unpack(layer.up), down: unpack(layer.down)
    }))
  }

  /** An empty text that can grow to `maxTokens`, at most the model's context. */
  begin (maxTokens: number): TokenSequence {
    return new TokenSequence(this, Math.min(maxTokens, this.shape.contextTokens))
  }
}

/** A text under way: its keys and values, and room for the intermediate results. */
export class TokenSequence {
  private readonly model: Transformer
  private readonly maxTokens: number
  /** Of each layer: of each head: of each position: as many numbers as a head is wide */
  private readonly keys: Float32Array[]
  private readonly values: Float32Array[]
  private readonly room: number
  private readonly state: Float64Array
  private readonly normed: Float64Array
  private readonly qkv: Float64Array
  private readonly attended: Float64Array
  private readonly hidden: Float64Array
  private readonly delta: Float64Array
  private readonly weights: Float64Array
  private readonly logits: Float64Array
  private length = 0

  constructor (model: Transformer, maxTokens: number) {
    const { width, hidden, layers, vocabSize } = model.shape
    this.model = model
    this.maxTokens = maxTokens
    this.room = Math.ceil(maxTokens / POSITIONS_AT_ONCE) * POSITIONS_AT_ONCE
    this.keys = Array.from({ length: layers }, () => new Float32Array(this.room * width))
    this.values = Array.from({ length: layers }, () => new Float32Array(this.room * width))
    this.state = new Float64Array(width)
    this.normed = new Float64Array(width)
    this.qkv = new Float64Array(3 * width)
    this.attended = new Float64Array(width)
    this.hidden = new Float64Array(hidden)
    this.delta = new Float64Array(width)
    this.weights = new Float64Array(this.room)
    this.logits = new Float64Array(vocabSize)
  }

  /** Tokens taken in so far. */
  get position (): number {
    return this.length
  }

  /** Takes in the next token. */
  push (token: number): void {
    const { model: { embedding, layers, shape: { width, vocabSize } }, state } = this
    if (this.length >= this.maxTokens || !(token >= 0 && token < vocabSize)) {
      throw new RangeError(`Cannot take token ${token} at position ${this.length} of ${this.maxTokens}`)
    }
    const scale = embedding.scales[token] as number
    for (let i = 0; i < width; i++) {
      state[i] = embedding.values[token * width + i] as number * scale
    }
    for (let index = 0; index < layers.length; index++) {
      const layer = layers[index] as Layer
      normalize(state, this.normed)
      multiply(layer.qkv, this.normed, this.qkv)
      this.attend(index)
      multiply(layer.output, this.attended, this.delta)
      addTo(state, this.delta)
      normalize(state, this.normed)
      multiply(layer.up, this.normed, this.hidden)
      squaredRelu(this.hidden)
      multiply(layer.down, this.hidden, this.delta)
      addTo(state, this.delta)
    }
    this.length++
  }

  /** How likely each token is to come next, as unnormalized logarithms. Overwritten by the next call. */
  predict (): Float64Array {
    normalize(this.state, this.normed)
    multiply(this.model.embedding, this.normed, this.logits)
    return this.logits
  }

  private attend (index: number): void {
    const { width, heads, slopes } = this.model.shape
    const { qkv, length: position, room } = this
    const keys = this.keys[index] as Float32Array
    const values = this.values[index] as Float32Array
    const size = width / heads
    for (let head = 0; head < heads; head++) {
      const column = head * size
      const start = room * column
      for (let i = 0; i < size; i++) {
        keys[start + position * size + i] = qkv[width + column + i] as number
        values[start + position * size + i] = qkv[2 * width + column + i] as number
      }
      this.compare(keys, start, column, size)
      this.weigh(slopes[head] as number, 1 / Math.sqrt(size))
      this.mix(values, start, column, size)
    }
  }

  /** weights = the head's query · each key. Keys beyond the last position are zero. */
  private compare (keys: Float32Array, start: number, column: number, size: number): void {
    const { qkv, weights, length: position } = this
    for (let past = 0; past <= position; past += POSITIONS_AT_ONCE) {
      const at0 = start + past * size
      const at1 = at0 + size
      const at2 = at1 + size
      const at3 = at2 + size
      let sum0 = 0
      let sum1 = 0
      let sum2 = 0
      let sum3 = 0
      for (let i = 0; i < size; i++) {
        const query = qkv[column + i] as number
        sum0 += query * (keys[at0 + i] as number)
        sum1 += query * (keys[at1 + i] as number)
        sum2 += query * (keys[at2 + i] as number)
        sum3 += query * (keys[at3 + i] as number)
      }
      weights[past] = sum0
      weights[past + 1] = sum1
      weights[past + 2] = sum2
      weights[past + 3] = sum3
    }
  }

  /** Softmax of the scaled scores less what their distance costs; zero for the positions that are still to come. */
  private weigh (slope: number, scale: number): void {
    const { weights, length: position } = this
    let max = -Infinity
    for (let past = 0; past <= position; past++) {
      const score = weights[past] as number * scale - slope * (position - past)
      weights[past] = score
      max = score > max ? score : max
    }
    let sum = 0
    for (let past = 0; past <= position; past++) {
      const weight = exp(weights[past] as number - max)
      weights[past] = weight
      sum += weight
    }
    const factor = 1 / sum
    for (let past = 0; past <= position; past++) {
      weights[past] = weights[past] as number * factor
    }
    for (let next = position + 1; next % POSITIONS_AT_ONCE !== 0; next++) {
      weights[next] = 0
    }
  }

  private mix (values: Float32Array, start: number, column: number, size: number): void {
    const { attended, weights, length: position } = this
    attended.fill(0, column, column + size)
    for (let past = 0; past <= position; past += POSITIONS_AT_ONCE) {
      const weight0 = weights[past] as number
      const weight1 = weights[past + 1] as number
      const weight2 = weights[past + 2] as number
      const weight3 = weights[past + 3] as number
      const at0 = start + past * size
      const at1 = at0 + size
      const at2 = at1 + size
      const at3 = at2 + size
      for (let i = 0; i < size; i++) {
        attended[column + i] = attended[column + i] as number +
          weight0 * (values[at0 + i] as number) + weight1 * (values[at1 + i] as number) +
          weight2 * (values[at2 + i] as number) + weight3 * (values[at3 + i] as number)
      }
    }
  }
}

function unpack ({ rows, columns, scales, values }: QuantizedMatrix): Matrix {
  return { rows, columns, scales, values: Float32Array.from(values) }
}

/** to = matrix · from. Each row's sum runs from its first column to its last. */
function multiply ({ rows, columns, values, scales }: Matrix, from: Float64Array, to: Float64Array): void {
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const at0 = row * columns
    const at1 = at0 + columns
    const at2 = at1 + columns
    const at3 = at2 + columns
    const at4 = at3 + columns
    const at5 = at4 + columns
    const at6 = at5 + columns
    const at7 = at6 + columns
    let sum0 = 0
    let sum1 = 0
    let sum2 = 0
    let sum3 = 0
    let sum4 = 0
    let sum5 = 0
    let sum6 = 0
    let sum7 = 0
    for (let i = 0; i < columns; i++) {
      const x = from[i] as number
      sum0 += (values[at0 + i] as number) * x
      sum1 += (values[at1 + i] as number) * x
      sum2 += (values[at2 + i] as number) * x
      sum3 += (values[at3 + i] as number) * x
      sum4 += (values[at4 + i] as number) * x
      sum5 += (values[at5 + i] as number) * x
      sum6 += (values[at6 + i] as number) * x
      sum7 += (values[at7 + i] as number) * x
    }
    to[row] = sum0 * (scales[row] as number)
    to[row + 1] = sum1 * (scales[row + 1] as number)
    to[row + 2] = sum2 * (scales[row + 2] as number)
    to[row + 3] = sum3 * (scales[row + 3] as number)
    to[row + 4] = sum4 * (scales[row + 4] as number)
    to[row + 5] = sum5 * (scales[row + 5] as number)
    to[row + 6] = sum6 * (scales[row + 6] as number)
    to[row + 7] = sum7 * (scales[row + 7] as number)
  }
}

function normalize (from: Float64Array, to: Float64Array): void {
  let sum = 0
  for (let i = 0; i < from.length; i++) {
    sum += (from[i] as number) * (from[i] as number)
  }
  const factor = 1 / Math.sqrt(sum / from.length + NORM_EPSILON)
  for (let i = 0; i < from.length; i++) {
    to[i] = from[i] as number * factor
  }
}

function squaredRelu (values: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number
    values[i] = x > 0 ? x * x : 0
  }
}

function addTo (to: Float64Array, from: Float64Array): void {
  for (let i = 0; i < to.length; i++) {
    to[i] = to[i] as number + (from[i] as number)
  }
}
