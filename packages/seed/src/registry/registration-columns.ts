/** What is compared of each registration, in typed arrays with a place a slot: system memory that is only taken when a slot is first used. */
export class RegistrationColumns {
  readonly hi: Uint32Array
  readonly lo: Uint32Array
  /** Where its record lies, 0 for a slot that nobody has */
  readonly address: Uint32Array
  readonly length: Uint16Array
  readonly seq: Float64Array
  readonly expiresAtMs: Float64Array
  /** Memory in KiB, context and price end at 2^32 − 1 */
  readonly ramKiB: Uint32Array
  readonly vramKiB: Uint32Array
  readonly context: Uint32Array
  readonly priceMicros: Uint32Array
  /** 0 for one that has no code */
  readonly region: Uint8Array
  readonly tier: Uint8Array
  readonly tasks: Uint8Array
  readonly free: Uint8Array
  readonly maxConcurrent: Uint8Array
  /** Round trip to the seed in steps of `RTT_STEP_MS`, 0 when it was not measured */
  readonly rtt: Uint8Array
  /** A hash of the network of the first address */
  readonly network: Uint16Array
  /** The counter of the network it came from */
  readonly origin: Uint16Array

  constructor (slots: number) {
    this.hi = new Uint32Array(slots)
    this.lo = new Uint32Array(slots)
    this.address = new Uint32Array(slots)
    this.length = new Uint16Array(slots)
    this.seq = new Float64Array(slots)
    this.expiresAtMs = new Float64Array(slots)
    this.ramKiB = new Uint32Array(slots)
    this.vramKiB = new Uint32Array(slots)
    this.context = new Uint32Array(slots)
    this.priceMicros = new Uint32Array(slots)
    this.region = new Uint8Array(slots)
    this.tier = new Uint8Array(slots)
    this.tasks = new Uint8Array(slots)
    this.free = new Uint8Array(slots)
    this.maxConcurrent = new Uint8Array(slots)
    this.rtt = new Uint8Array(slots)
    this.network = new Uint16Array(slots)
    this.origin = new Uint16Array(slots)
  }
}

/** Tasks that have a bit; others are found by their names. */
const TASKS = ['chat', 'completion', 'embedding']

/** The bit of a task, 0 when it has none. */
export function taskBit (task: string): number {
  const bit = TASKS.indexOf(task)
  return bit === -1 ? 0 : 1 << bit
}

const RTT_STEP_MS = 2

/** A round trip as it fits the column: 2 to 510 ms. */
export function rttCode (rttMs: number): number {
  return Math.min(255, Math.max(1, Math.ceil(rttMs / RTT_STEP_MS)))
}

export function rttOfCode (code: number): number | undefined {
  return code === 0 ? undefined : code * RTT_STEP_MS
}

/** A number as it fits 32 bits: larger ones are the largest. */
export function saturated (value: number): number {
  return Math.min(0xffffffff, Math.max(0, Math.floor(value)))
}
