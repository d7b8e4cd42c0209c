/**
 * The queue of events of a simulation: a hierarchical timer wheel (G. Varghese and A. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987)
 * in one Int32Array. A slot is a chain of chunks of 16 events, so that pushing and popping touch memory in order. Events of one tick come out in
 * the order they went in.
 */

/** There are as many events as the wheel may hold. */
export class TimerWheelFullError extends Error {
  static override name = 'TimerWheelFullError'
  override readonly name = 'TimerWheelFullError'
  readonly maxEvents: number

  constructor (maxEvents: number) {
    super(`The timer wheel is full at ${maxEvents} events: raise maxEvents, or find out what schedules without end`)
    this.maxEvents = maxEvents
  }
}

export interface TimerWheelInit {
  /**
   * Numbers of 32 bits that an event carries beside its tick, 1 to 15. With 3 an event takes 16 bytes.
   *
   * @default 3
   */
  words?: number
  /**
   * Events for which there is room from the start.
   *
   * @default 1024
   */
  initialEvents?: number
  /**
   * Most events at once. One more throws a `TimerWheelFullError`. Room grows up to it by halves.
   *
   * @default 2^24
   */
  maxEvents?: number
}

const CHUNK_EVENTS = 16
const NEAR_BITS = 12
const MIDDLE_BITS = 10
const FAR_BITS = 10
const NEAR = 1 << NEAR_BITS
const MIDDLE = 1 << MIDDLE_BITS
const FAR = 1 << FAR_BITS
const SLOTS = NEAR + MIDDLE + FAR
const FAR_SHIFT = NEAR_BITS + MIDDLE_BITS
const FAR_TICKS = 2 ** FAR_SHIFT
/** An event can be this many ticks ahead of the last one that came out: 49 days of milliseconds. */
const HORIZON = 2 ** 32 - FAR_TICKS

export class TimerWheel {
  /** The farthest that an event can be ahead. */
  static readonly horizonTicks = HORIZON
  readonly words: number
  readonly maxEvents: number
  private readonly stride: number
  private readonly chunkWords: number
  private readonly maxChunks: number
  /** Events in chunks of `CHUNK_EVENTS`, each its tick modulo 2^32 and its words. Chunk 0 is not used: 0 means none */
  private data: Int32Array
  /** The next chunk of a slot's chain, or of the free ones */
  private links: Int32Array
  private free = 0
  private used = 1
  /** The slots' first and last chunk, and how many events are in the last. First the near, one tick each, then the middle, then the far */
  private readonly heads = new Int32Array(SLOTS)
  private readonly tails = new Int32Array(SLOTS)
  private readonly fills = new Uint8Array(SLOTS)
  /** One bit for each slot: something is in it */
  private readonly bits = new Int32Array(SLOTS / 32)
  /** Nothing is earlier; the near slots are those of its block of 4,096 ticks, the middle ones those of its block of 2^22 */
  private cursor = 0
  /** Events of the cursor's slot that are out already */
  private read = 0
  private count = 0

  constructor (init: TimerWheelInit = {}) {
    this.words = init.words ?? 3
    this.maxEvents = init.maxEvents ?? 2 ** 24
    this.stride = this.words + 1
    this.chunkWords = this.stride * CHUNK_EVENTS
    if (!(this.words >= 1 && this.words <= 15)) {
      throw new RangeError('An event of a timer wheel has 1 to 15 words')
    }
    // each slot may leave its last chunk nearly empty, and the cursor's its first
    this.maxChunks = Math.ceil(this.maxEvents / CHUNK_EVENTS) + SLOTS + 2
    const initialEvents = init.initialEvents ?? 1024
    const chunks = Math.min(this.maxChunks, Math.ceil(initialEvents / CHUNK_EVENTS) + Math.min(SLOTS, Math.ceil(initialEvents / 4)) + 2)
    this.data = new Int32Array(chunks * this.chunkWords)
    this.links = new Int32Array(chunks)
  }

  /** What a wheel of so many events takes at most, for estimates before a run, bytes. */
  static bytesFor (events: number, words = 3): number {
    return (Math.ceil(events / CHUNK_EVENTS) + SLOTS) * (CHUNK_EVENTS * (words + 1) + 1) * 4 + SLOTS * 10
  }

  /** Events that wait. */
  get size (): number {
    return this.count
  }

  /** The tick of the event that came out last. */
  get nowTick (): number {
    return this.cursor
  }

  /** Bytes that it holds. */
  get byteLength (): number {
    return this.data.byteLength + this.links.byteLength + SLOTS * 9 + this.bits.byteLength
  }

  /** Adds an event of up to three words, at or after `nowTick` and at most 4,290,772,992 ticks after it. */
  push (tick: number, a: number, b = 0, c = 0): void {
    const at = this.place(tick)
    const { data, words } = this
    data[at] = a
    if (words > 1) {
      data[at + 1] = b
      if (words > 2) {
        data[at + 2] = c
      }
    }
  }

  /** Adds an event whose words are those at `offset` of `from`. */
  pushRecord (tick: number, from: Int32Array, offset = 0): void {
    const at = this.place(tick)
    const { data, words } = this
    for (let i = 0; i < words; i++) {
      data[at + i] = from[offset + i] as number
    }
  }

  /** Takes out the first event that is before `beforeTick`, if there is one: its words go to `into`, its tick is `nowTick`. */
  pop (into: Int32Array, offset = 0, beforeTick = Infinity): boolean {
    for (;;) {
      const near = nextBit(this.bits, this.cursor & (NEAR - 1), NEAR)
      if (near < NEAR) {
        const tick = this.cursor - (this.cursor & (NEAR - 1)) + near
        if (tick >= beforeTick) {
          return false
        }
        this.cursor = tick
        this.take(near, into, offset)
        return true
      }
      if (!this.turn(beforeTick)) {
        return false
      }
    }
  }

  /** The tick of the first event that is before `beforeTick`. */
  nextTick (beforeTick = Infinity): number | undefined {
    for (;;) {
      const near = nextBit(this.bits, this.cursor & (NEAR - 1), NEAR)
      if (near < NEAR) {
        const tick = this.cursor - (this.cursor & (NEAR - 1)) + near
        return tick < beforeTick ? tick : undefined
      }
      if (!this.turn(beforeTick)) {
        return undefined
      }
    }
  }

  /** No event is before this tick, and one is soon after it, within a block of the wheel. Changes nothing, so that earlier events may still come. */
  earliestTick (): number | undefined {
    const { cursor } = this
    const near = nextBit(this.bits, cursor & (NEAR - 1), NEAR)
    return near < NEAR ? cursor - (cursor & (NEAR - 1)) + near : this.nextBlock()?.base
  }

  /** Finds the place of an event and writes its tick; says where its words go. */
  private place (tick: number): number {
    const ahead = tick - this.cursor
    if (!(ahead >= 0 && ahead <= HORIZON)) {
      throw new RangeError(`Tick ${tick} is not within ${HORIZON} ticks after ${this.cursor}`)
    }
    if (this.count >= this.maxEvents) {
      throw new TimerWheelFullError(this.maxEvents)
    }
    this.count++
    return this.append(tick | 0)
  }

  private append (low: number): number {
    const difference = (low ^ (this.cursor | 0)) >>> 0
    const slot = difference < NEAR
      ? low & (NEAR - 1)
      : difference < FAR_TICKS
        ? NEAR + ((low >>> NEAR_BITS) & (MIDDLE - 1))
        : NEAR + MIDDLE + (low >>> FAR_SHIFT)
    let chunk = this.tails[slot] as number
    let fill = this.fills[slot] as number
    if (chunk === 0) {
      chunk = this.allocate()
      this.heads[slot] = chunk
      this.tails[slot] = chunk
      this.bits[slot >>> 5]! |= 1 << (slot & 31)
      fill = 0
    } else if (fill === CHUNK_EVENTS) {
      const last = chunk
      chunk = this.allocate()
      this.links[last] = chunk
      this.tails[slot] = chunk
      fill = 0
    }
    this.fills[slot] = fill + 1
    const at = chunk * this.chunkWords + fill * this.stride
    this.data[at] = low
    return at + 1
  }

  private take (slot: number, into: Int32Array, offset: number): void {
    const chunk = this.heads[slot] as number
    const { data, words } = this
    const at = chunk * this.chunkWords + this.read * this.stride + 1
    for (let i = 0; i < words; i++) {
      into[offset + i] = data[at + i] as number
    }
    this.count--
    this.read++
    if (chunk !== this.tails[slot]) {
      if (this.read === CHUNK_EVENTS) {
        this.heads[slot] = this.links[chunk] as number
        this.release(chunk)
        this.read = 0
      }
    } else if (this.read === this.fills[slot]) {
      this.empty(slot)
      this.release(chunk)
      this.read = 0
    }
  }

  /** Brings the next block of ticks into the near slots, or of blocks into the middle ones; `false` when none begins before `beforeTick`. */
  private turn (beforeTick: number): boolean {
    const block = this.nextBlock()
    if (block === undefined || block.base >= beforeTick) {
      return false
    }
    this.cursor = block.base
    this.cascade(block.slot)
    return true
  }

  /** The first slot beyond the near ones that has events, and the tick at which its time begins. */
  private nextBlock (): { slot: number, base: number } | undefined {
    const { cursor } = this
    const block = Math.floor(cursor / NEAR)
    const middle = nextBit(this.bits, NEAR + (block & (MIDDLE - 1)) + 1, NEAR + MIDDLE)
    if (middle < NEAR + MIDDLE) {
      return { slot: middle, base: (block - (block & (MIDDLE - 1)) + middle - NEAR) * NEAR }
    }
    const far = Math.floor(cursor / FAR_TICKS)
    const here = NEAR + MIDDLE + (far & (FAR - 1))
    let slot = nextBit(this.bits, here + 1, SLOTS)
    if (slot === SLOTS) {
      slot = nextBit(this.bits, NEAR + MIDDLE, here)
      if (slot === here) {
        return undefined
      }
    }
    return { slot, base: (far + ((slot - here + FAR) & (FAR - 1))) * FAR_TICKS }
  }

  /** Deals the events of a slot out to the slots of a finer level, in their order. */
  private cascade (slot: number): void {
    const { words, stride, chunkWords } = this
    let chunk = this.heads[slot] as number
    const tail = this.tails[slot] as number
    const last = this.fills[slot] as number
    this.empty(slot)
    for (;;) {
      const events = chunk === tail ? last : CHUNK_EVENTS
      for (let event = 0, from = chunk * chunkWords; event < events; event++, from += stride) {
        const at = this.append(this.data[from] as number)
        const { data } = this
        for (let i = 0; i < words; i++) {
          data[at + i] = data[from + 1 + i] as number
        }
      }
      const next = this.links[chunk] as number
      this.release(chunk)
      if (chunk === tail) {
        return
      }
      chunk = next
    }
  }

  private empty (slot: number): void {
    this.heads[slot] = 0
    this.tails[slot] = 0
    this.fills[slot] = 0
    this.bits[slot >>> 5]! &= ~(1 << (slot & 31))
  }

  private allocate (): number {
    const chunk = this.free
    if (chunk !== 0) {
      this.free = this.links[chunk] as number
      return chunk
    }
    if (this.used === this.links.length) {
      this.grow()
    }
    return this.used++
  }

  private release (chunk: number): void {
    this.links[chunk] = this.free
    this.free = chunk
  }

  private grow (): void {
    const chunks = Math.min(this.maxChunks, Math.ceil(this.links.length * 1.5))
    if (chunks === this.links.length) {
      throw new TimerWheelFullError(this.maxEvents)
    }
    const data = new Int32Array(chunks * this.chunkWords)
    data.set(this.data)
    const links = new Int32Array(chunks)
    links.set(this.links)
    this.data = data
    this.links = links
  }
}

/** The first bit that is set, from `from` on and before `end`; `end` when there is none. */
function nextBit (bits: Int32Array, from: number, end: number): number {
  if (from >= end) {
    return end
  }
  let index = from >>> 5
  let word = (bits[index] as number) & (-1 << (from & 31))
  while (word === 0) {
    index++
    if (index << 5 >= end) {
      return end
    }
    word = bits[index] as number
  }
  const bit = (index << 5) + 31 - Math.clz32(word & -word)
  return bit < end ? bit : end
}
