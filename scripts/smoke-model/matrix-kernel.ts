/**
 * Matrix products for the training, in WebAssembly SIMD whose bytes are assembled here. One kernel does all three products that
 * a layer needs, because the left matrix may have any row and column stride (a transposed matrix is the same bytes with the
 * strides swapped). Plain SIMD without fused multiply-add: the same bits on every machine.
 */

const F32_BYTES = 4
const PAGE_BYTES = 65_536
/** The kernel's tile: rows of C at once, and columns of C at once (two vectors). */
export const TILE_ROWS = 4
export const TILE_COLUMNS = 8
/** Rows and depth of a block: such a block of the left matrix (64 KB) stays in the second-level cache. */
const BLOCK_ROWS = 64
const BLOCK_DEPTH = 256

/** A matrix in the kernel's memory; strides in elements. */
export interface Matrix {
  data: Float32Array
  rowStride: number
}

export interface Product {
  rows: number
  columns: number
  depth: number
  /** Add to C instead of overwriting it @default false */
  accumulate?: boolean
  /** Read A as its transpose: A is then stored depth × rows @default false */
  transposeA?: boolean
}

type Kernel = (
  a: number, aRow: number, aColumn: number, b: number, bRow: number, c: number, cRow: number,
  rows: number, columns: number, depth: number, accumulate: number, scratch: number
) => void

/** Memory with a bump allocator, and C = A·B or C += A·B inside it. */
export class MatrixKernel {
  private readonly memory: WebAssembly.Memory
  private readonly kernel: Kernel
  private readonly scratch: number
  private usedBytes = 64

  constructor (maxBytes: number) {
    const pages = Math.ceil(maxBytes / PAGE_BYTES)
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const module = new WebAssembly.Module(assembleKernel())
    this.kernel = new WebAssembly.Instance(module, { m: { m: this.memory } }).exports.f as Kernel
    this.scratch = this.allocate(BLOCK_DEPTH * TILE_COLUMNS).byteOffset
  }

  /** Zeroed, 64-byte aligned. */
  allocate (length: number): Float32Array {
    const array = new Float32Array(this.memory.buffer, this.usedBytes, length)
    this.usedBytes += Math.ceil(length * F32_BYTES / 64) * 64
    return array
  }

  matrix (rows: number, columns: number): Matrix {
    return { data: this.allocate(rows * columns), rowStride: columns }
  }

  multiply (a: Matrix, b: Matrix, c: Matrix, product: Product): void {
    const { rows, columns, depth, accumulate = false, transposeA = false } = product
    if (rows % TILE_ROWS !== 0 || columns % TILE_COLUMNS !== 0) {
      throw new RangeError(`${rows} × ${columns} is not a whole number of tiles`)
    }
    const aRow = (transposeA ? 1 : a.rowStride) * F32_BYTES
    const aColumn = (transposeA ? a.rowStride : 1) * F32_BYTES
    const bRow = b.rowStride * F32_BYTES
    const cRow = c.rowStride * F32_BYTES
    for (let k = 0; k < depth; k += BLOCK_DEPTH) {
      for (let i = 0; i < rows; i += BLOCK_ROWS) {
        this.kernel(
          a.data.byteOffset + i * aRow + k * aColumn, aRow, aColumn, b.data.byteOffset + k * bRow, bRow,
          c.data.byteOffset + i * cRow, cRow, Math.min(BLOCK_ROWS, rows - i), columns, Math.min(BLOCK_DEPTH, depth - k),
          accumulate || k > 0 ? 1 : 0, this.scratch
        )
      }
    }
  }
}

/** A view of `matrix` that begins at a row and a column. */
export function at (matrix: Matrix, row: number, column = 0): Matrix {
  return { data: matrix.data.subarray(row * matrix.rowStride + column), rowStride: matrix.rowStride }
}

/** `target` = transpose of the rows × columns at `source`. */
export function transpose (source: Matrix, rows: number, columns: number, target: Matrix): void {
  const { data: from, rowStride: fromStride } = source
  const { data: to, rowStride: toStride } = target
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      to[column * toStride + row] = from[row * fromStride + column] as number
    }
  }
}

const I32 = 0x7f
const V128 = 0x7b
const PARAMETERS = ['a', 'aRow', 'aColumn', 'b', 'bRow', 'c', 'cRow', 'rows', 'columns', 'depth', 'accumulate', 'scratch'] as const
const INTEGERS = ['i', 'j', 'k', 'from', 'to', 'a0', 'a1', 'a2', 'a3', 'c0', 'c1', 'c2', 'c3'] as const
const VECTORS = ['x00', 'x01', 'x10', 'x11', 'x20', 'x21', 'x30', 'x31', 'left', 'right', 'splat'] as const
const LOCALS: readonly string[] = [...PARAMETERS, ...INTEGERS, ...VECTORS]

function assembleKernel (): Uint8Array<ArrayBuffer> {
  const rows = [0, 1, 2, 3]
  // Copies the eight columns of B to the scratch, so that the inner loop reads them one after the other
  const pack = [
    ...set('from', add(get('b'), shiftLeft(get('j'), 2))), ...set('to', get('scratch')),
    ...loop('k', 'depth', 1, [
      ...get('to'), ...vectorLoad(get('from'), 0), ...vectorStore(0),
      ...get('to'), ...vectorLoad(get('from'), 16), ...vectorStore(16),
      ...set('from', add(get('from'), get('bRow'))), ...set('to', add(get('to'), constant(32)))
    ])
  ]
  const pointers = rows.flatMap(row => [
    ...set(`a${row}`, row === 0 ? add(get('a'), multiply(get('i'), get('aRow'))) : add(get(`a${row - 1}`), get('aRow'))),
    ...set(`c${row}`, row === 0
      ? add(add(get('c'), multiply(get('i'), get('cRow'))), shiftLeft(get('j'), 2))
      : add(get(`c${row - 1}`), get('cRow')))
  ])
  const clear = rows.flatMap(row => [...set(`x${row}0`, vectorZero()), ...set(`x${row}1`, vectorZero())])
  const read = rows.flatMap(row => [
    ...set(`x${row}0`, vectorLoad(get(`c${row}`), 0)), ...set(`x${row}1`, vectorLoad(get(`c${row}`), 16))
  ])
  const inner = [
    ...set('left', vectorLoad(get('to'), 0)), ...set('right', vectorLoad(get('to'), 16)),
    ...rows.flatMap(row => [
      ...set('splat', splatLoad(get(`a${row}`))),
      ...set(`x${row}0`, vectorAdd(get(`x${row}0`), vectorMultiply(get('splat'), get('left')))),
      ...set(`x${row}1`, vectorAdd(get(`x${row}1`), vectorMultiply(get('splat'), get('right')))),
      ...set(`a${row}`, add(get(`a${row}`), get('aColumn')))
    ]),
    ...set('to', add(get('to'), constant(32)))
  ]
  const write = rows.flatMap(row => [
    ...get(`c${row}`), ...get(`x${row}0`), ...vectorStore(0), ...get(`c${row}`), ...get(`x${row}1`), ...vectorStore(16)
  ])
  const body = loop('j', 'columns', TILE_COLUMNS, [
    ...pack,
    ...loop('i', 'rows', TILE_ROWS, [
      ...pointers, ...get('accumulate'), 0x04, 0x40, ...read, 0x05, ...clear, 0x0b,
      ...set('to', get('scratch')), ...loop('k', 'depth', 1, inner), ...write
    ])
  ])
  const locals = [2, ...unsigned(INTEGERS.length), I32, ...unsigned(VECTORS.length), V128]
  const code = [...locals, ...body, 0x0b]
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, PARAMETERS.length, ...PARAMETERS.map(() => I32), 0]),
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 0x02, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code])
  ])
}

function section (id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function unsigned (value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest >>>= 7
  }
  return [...bytes, rest]
}

function index (name: string): number[] {
  const position = LOCALS.indexOf(name)
  if (position < 0) {
    throw new RangeError(`No local is called ${name}`)
  }
  return unsigned(position)
}

const get = (name: string): number[] => [0x20, ...index(name)]
const set = (name: string, value: number[]): number[] => [...value, 0x21, ...index(name)]
/** A small constant: one byte of signed LEB128. */
const constant = (value: number): number[] => [0x41, value]
const add = (left: number[], right: number[]): number[] => [...left, ...right, 0x6a]
const multiply = (left: number[], right: number[]): number[] => [...left, ...right, 0x6c]
const shiftLeft = (value: number[], bits: number): number[] => [...value, ...constant(bits), 0x74]
const vectorLoad = (address: number[], offset: number): number[] => [...address, 0xfd, 0x00, 2, offset]
const vectorStore = (offset: number): number[] => [0xfd, 0x0b, 2, offset]
const splatLoad = (address: number[]): number[] => [...address, 0xfd, 0x09, 2, 0]
const vectorZero = (): number[] => [0xfd, 0x0c, ...new Uint8Array(16)]
const vectorAdd = (left: number[], right: number[]): number[] => [...left, ...right, 0xfd, 0xe4, 0x01]
const vectorMultiply = (left: number[], right: number[]): number[] => [...left, ...right, 0xfd, 0xe6, 0x01]
/** for (name = 0; name < limit; name += step), for a limit of at least one step. */
const loop = (name: string, limit: string, step: number, body: number[]): number[] => [
  ...set(name, constant(0)), 0x03, 0x40, ...body, ...set(name, add(get(name), constant(step))), ...get(name), ...get(limit), 0x49, 0x0d, 0, 0x0b
]
