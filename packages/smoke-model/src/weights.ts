/**
 * The weight file: what a smoke-test model is made of, in one little-endian file.
 *
 *   0  4  magic 'SKSM'
 *   4  2  version, 1
 *   6  2  vocabulary           14  2  layers
 *   8  2  context, tokens      16  2  heads
 *  10  2  width                18  2  merges
 *  12  2  hidden width         20  4  length of the file
 *  24     slope of each head, f32
 *         merges, two u16 each
 *         matrices: the embedding, then of each layer qkv, output, up, down; each as one f32 scale a row, then its rows in int8
 *  end -4 CRC-32 of all before it
 *
 * A matrix has one row per output; a weight is scale × int8.
 */
import { crc32 } from '@skein/core'
import type { Merge } from './tokenizer.ts'

const MAGIC = 0x4d534b53
const VERSION = 1
const HEADER_BYTES = 24
const CRC_BYTES = 4
/** The forward pass takes so many rows of a matrix at once. */
const ROWS_MULTIPLE = 8
/** Larger than any file that could still be called small: bounds what a header can make us allocate. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

export interface ModelShape {
  vocabSize: number
  /** Longest prompt plus answer */
  contextTokens: number
  width: number
  /** Width inside the feed-forward half of a layer */
  hidden: number
  layers: number
  heads: number
  /** Of each head: what a step into the past costs (ALiBi) */
  slopes: readonly number[]
}

export interface QuantizedMatrix {
  rows: number
  columns: number
  scales: Float32Array
  values: Int8Array
}

export interface QuantizedLayer {
  qkv: QuantizedMatrix
  output: QuantizedMatrix
  up: QuantizedMatrix
  down: QuantizedMatrix
}

export interface Weights {
  shape: ModelShape
  merges: Merge[]
  embedding: QuantizedMatrix
  layers: QuantizedLayer[]
  /** Also the fingerprint of the model */
  checksum: number
}

/** The bytes are no weight file of this version, or are damaged. */
export class WeightsError extends Error {
  static override name = 'WeightsError'
  override readonly name = 'WeightsError'

  constructor (message = 'Not a valid weight file') {
    super(message)
  }
}

/** @throws {WeightsError} */
export function parseWeights (bytes: Uint8Array): Weights {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_BYTES + CRC_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new WeightsError('The file does not begin as a weight file does')
  }
  if (view.getUint16(4, true) !== VERSION) {
    throw new WeightsError(`Version ${view.getUint16(4, true)} is not supported, only ${VERSION}`)
  }
  if (bytes.length > MAX_FILE_BYTES || view.getUint32(20, true) !== bytes.length) {
    throw new WeightsError(`The header says ${view.getUint32(20, true)} bytes, the file has ${bytes.length}`)
  }
  const checksum = view.getUint32(bytes.length - CRC_BYTES, true)
  if (crc32(bytes.subarray(0, bytes.length - CRC_BYTES)) !== checksum) {
    throw new WeightsError('The checksum does not match: the file is damaged')
  }
  const [vocabSize, contextTokens, width, hidden, layerCount, heads, mergeCount] = [6, 8, 10, 12, 14, 16, 18]
    .map(offset => view.getUint16(offset, true)) as [number, number, number, number, number, number, number]
  checkShape({ vocabSize, contextTokens, width, hidden, layers: layerCount, heads, mergeCount, fileBytes: bytes.length })

  let offset = HEADER_BYTES
  const slopes = Array.from({ length: heads }, (_, head) => view.getFloat32(offset + 4 * head, true))
  offset += 4 * heads
  const merges = Array.from({ length: mergeCount }, (_, rank): Merge => [
    view.getUint16(offset + 4 * rank, true), view.getUint16(offset + 4 * rank + 2, true)
  ])
  offset += 4 * mergeCount
  const matrix = (rows: number, columns: number): QuantizedMatrix => {
    const scales = Float32Array.from({ length: rows }, (_, row) => view.getFloat32(offset + 4 * row, true))
    const values = new Int8Array(bytes.buffer, bytes.byteOffset + offset + 4 * rows, rows * columns).slice()
    offset += 4 * rows + rows * columns
    return { rows, columns, scales, values }
  }
  const embedding = matrix(vocabSize, width)
  const layers = Array.from({ length: layerCount }, (): QuantizedLayer => ({
    qkv: matrix(3 * width, width), output: matrix(width, width), up: matrix(hidden, width), down: matrix(width, hidden)
  }))
  return { shape: { vocabSize, contextTokens, width, hidden, layers: layerCount, heads, slopes }, merges, embedding, layers, checksum }
}

export function encodeWeights ({ shape, merges, embedding, layers }: Omit<Weights, 'checksum'>): Uint8Array<ArrayBuffer> {
  const matrices = [embedding, ...layers.flatMap(layer => [layer.qkv, layer.output, layer.up, layer.down])]
  const length = fileLength({ ...shape, layers: layers.length, mergeCount: merges.length })
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  const { vocabSize, contextTokens, width, hidden, heads } = shape
  for (const [index, value] of [VERSION, vocabSize, contextTokens, width, hidden, layers.length, heads, merges.length].entries()) {
    view.setUint16(4 + 2 * index, value, true)
  }
  view.setUint32(20, length, true)
  let offset = HEADER_BYTES
  for (const slope of shape.slopes) {
    view.setFloat32(offset, slope, true)
    offset += 4
  }
  for (const token of merges.flat()) {
    view.setUint16(offset, token, true)
    offset += 2
  }
  for (const { scales, values } of matrices) {
    for (const scale of scales) {
      view.setFloat32(offset, scale, true)
      offset += 4
    }
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.length), offset)
    offset += values.length
  }
  view.setUint32(offset, crc32(bytes.subarray(0, offset)), true)
  return bytes
}

/** int8 with a scale for each row, rounded to the nearest. `values` holds rows × columns. */
export function quantize (values: ArrayLike<number>, rows: number, columns: number): QuantizedMatrix {
  const scales = new Float32Array(rows)
  const quantized = new Int8Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    let max = 0
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      max = Math.max(max, Math.abs(values[i] as number))
    }
    const scale = Math.fround(max / 127)
    scales[row] = scale
    for (let i = row * columns; scale > 0 && i < (row + 1) * columns; i++) {
      quantized[i] = Math.max(-127, Math.min(127, Math.round(values[i] as number / scale)))
    }
  }
  return { rows, columns, scales, values: quantized }
}

type Counts = Omit<ModelShape, 'slopes'> & { mergeCount: number }

function fileLength ({ vocabSize, width, hidden, layers, heads, mergeCount }: Counts): number {
  const matrix = (rows: number, columns: number): number => rows * (4 + columns)
  const layer = matrix(3 * width, width) + matrix(width, width) + matrix(hidden, width) + matrix(width, hidden)
  return HEADER_BYTES + 4 * heads + 4 * mergeCount + matrix(vocabSize, width) + layers * layer + CRC_BYTES
}

function checkShape (counts: Counts & { fileBytes: number }): void {
  const { vocabSize, contextTokens, width, hidden, layers, heads, mergeCount, fileBytes } = counts
  const isWhole = [vocabSize, width, hidden].every(rows => rows % ROWS_MULTIPLE === 0) && width % (2 * heads) === 0
  if ([vocabSize, contextTokens, width, hidden, layers, heads].includes(0) || !isWhole || vocabSize !== 257 + mergeCount) {
    throw new WeightsError('The header describes an impossible model')
  }
  if (fileLength(counts) !== fileBytes) {
    throw new WeightsError(`Such a model takes ${fileLength(counts)} bytes, the file has ${fileBytes}`)
  }
}
