/** Nodes or devices as a struct of arrays: an int32 handle for each, identifiers in two halves, and a column for each thing that is known of them. */
import { RandomStream } from './random-stream.ts'
import { Stream } from './streams.ts'

/** There is no room for another member. */
export class PopulationFullError extends Error {
  static override name = 'PopulationFullError'
  override readonly name = 'PopulationFullError'
  readonly capacity: number

  constructor (capacity: number) {
    super(`The population is full at ${capacity}: make it larger, or let members go`)
    this.capacity = capacity
  }
}

const COLUMNS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array
} as const

export type ColumnType = keyof typeof COLUMNS
export type Column<T extends ColumnType> = InstanceType<typeof COLUMNS[T]>

export interface PopulationInit<C extends Record<string, ColumnType>> {
  seed: number
  /** Most members at once, up to 2^31 − 1 */
  capacity: number
  /** What is known of each member, and as what kind of number */
  columns: C
  /**
   * In memory that threads can share.
   *
   * @default false
   */
  shared?: boolean
}

export class Population<C extends Record<string, ColumnType> = Record<string, ColumnType>> {
  readonly capacity: number
  /** The halves of each member's identifier */
  readonly idHigh: Uint32Array
  readonly idLow: Uint32Array
  /** Which one it is in the order of coming, modulo 2^32: what tells it from those that had its handle before */
  readonly serial: Uint32Array
  readonly columns: { [K in keyof C]: Column<C[K]> }
  private readonly random: RandomStream
  /** The next free handle of each free one */
  private readonly nextFree: Int32Array
  private readonly alive: Uint8Array
  private free = -1
  private used = 0
  private count = 0
  private added = 0

  constructor (init: PopulationInit<C>) {
    const { capacity, shared = false } = init
    if (!(capacity >= 0 && capacity < 2 ** 31)) {
      throw new RangeError('A population has room for up to 2^31 - 1 members')
    }
    const column = (type: ColumnType): Column<ColumnType> => {
      const bytes = capacity * COLUMNS[type].BYTES_PER_ELEMENT
      return new COLUMNS[type]((shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)) as ArrayBuffer)
    }
    this.capacity = capacity
    this.random = new RandomStream(init.seed, Stream.nodeId)
    this.idHigh = column('uint32') as Uint32Array
    this.idLow = column('uint32') as Uint32Array
    this.serial = column('uint32') as Uint32Array
    this.nextFree = column('int32') as Int32Array
    this.alive = column('uint8') as Uint8Array
    this.columns = Object.fromEntries(Object.entries(init.columns).map(([name, type]) => [name, column(type)])) as { [K in keyof C]: Column<C[K]> }
  }

  get size (): number {
    return this.count
  }

  /** Handles are below this. */
  get end (): number {
    return this.used
  }

  /** A new member with an identifier of its own: its handle. Its columns are 0. Handles of those that left are given again, the last first. */
  add (): number {
    let handle = this.free
    if (handle >= 0) {
      this.free = this.nextFree[handle] as number
      for (const name in this.columns) {
        this.columns[name][handle] = 0
      }
    } else if (this.used < this.capacity) {
      handle = this.used++
    } else {
      throw new PopulationFullError(this.capacity)
    }
    const serial = this.added++
    this.serial[handle] = serial
    this.idHigh[handle] = this.random.uint32(serial, 0)
    this.idLow[handle] = this.random.uint32(serial, 1)
    this.alive[handle] = 1
    this.count++
    return handle
  }

  /** Lets a member go. */
  remove (handle: number): void {
    if (this.has(handle)) {
      this.alive[handle] = 0
      this.nextFree[handle] = this.free
      this.free = handle
      this.count--
    }
  }

  has (handle: number): boolean {
    return this.alive[handle] === 1
  }
}
