/** A model of a few hundred weights with random values, for tests that need a model and not its words. */
import { SeededRandom } from '@skein/core'
import { quantize } from '../src/weights.ts'
import type { ModelShape, QuantizedMatrix, Weights } from '../src/weights.ts'

export const MINIATURE_SHAPE: ModelShape = {
  vocabSize: 264, contextTokens: 48, width: 16, hidden: 24, layers: 2, heads: 2, slopes: [0.5, 0.0625]
}

export function miniatureWeights (seed = 1): Omit<Weights, 'checksum'> {
  const random = new SeededRandom(seed)
  const { vocabSize, width, hidden, layers } = MINIATURE_SHAPE
  const matrix = (rows: number, columns: number): QuantizedMatrix =>
    quantize(Float32Array.from({ length: rows * columns }, () => random.nextUint32() / 0x80000000 - 1), rows, columns)
  return {
    shape: MINIATURE_SHAPE,
    merges: [[116, 104], [257, 101], [32, 258], [32, 97], [101, 114], [32, 119], [105, 110]],
    embedding: matrix(vocabSize, width),
    layers: Array.from({ length: layers }, () => ({
      qkv: matrix(3 * width, width), output: matrix(width, width), up: matrix(hidden, width), down: matrix(width, hidden)
    }))
  }
}
