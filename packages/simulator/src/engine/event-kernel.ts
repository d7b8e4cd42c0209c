/** Typed-array models that run event by event: what such a kernel is, and how its events are kept and ordered. */
import { EventBatch } from './event-batch.ts'
import { EventLog } from './event-log.ts'
import { TimerWheel } from './timer-wheel.ts'

/**
 * An event: the entity it happens to, the one that caused it, that one's count of events it has caused, and words of the kernel's own. Events of
 * one tick happen in the order of these three.
 */
export const EVENT_TO = 0
export const EVENT_FROM = 1
export const EVENT_COUNTER = 2
export const EVENT_PAYLOAD = 3

/** Through which a kernel causes events. */
export interface EventSink {
  /**
   * An event caused by `from`, which must be the entity to which something happens now (or, in `start`, one of this thread). To another entity it
   * takes at least the lookahead; to itself it may happen in the same tick, after what is there already.
   */
  emit: (tick: number, to: number, from: number, a?: number, b?: number, c?: number, d?: number) => void
  /** Whether an entity is of this thread: in `start`, only those may have events */
  owns: (entity: number) => boolean
  /** Puts an outcome into the log */
  note: (entity: number, word: number) => void
}

export interface EventKernel {
  /** Causes the first events of the entities of this thread */
  start: (sink: EventSink) => void
  /** Something happens: the event is at `at` in `events`. May read and write what belongs to the entity, and nothing else that changes */
  handle: (tick: number, events: Int32Array, at: number, sink: EventSink) => void
  /** Whole numbers that are added up over all threads at the end */
  totals?: () => Record<string, number>
}

export interface KernelWorldInit {
  kernel: EventKernel
  entities: number
  /** No event takes less from one entity to another */
  lookaheadTicks: number
  /**
   * Words of the kernel's own in an event, 0 to 4.
   *
   * @default 1
   */
  payloadWords?: number
  /**
   * Most events that wait at once, on each thread.
   *
   * @default 2^24
   */
  maxEvents?: number
  owns?: (entity: number) => boolean
  /** Where events for entities of other threads go */
  outlet?: (tick: number, event: Int32Array) => void
  /** Each entity's count of events and chain of the log; shared between threads. Default: memory of its own */
  counters?: Uint32Array
  chains?: Uint32Array
  /**
   * Whether the log is kept, at 4 bytes an entity and some nanoseconds an event.
   *
   * @default true
   */
  log?: boolean
}

/** While the kernel starts. */
const NOBODY = -1
/** Rounds of events in one tick after which it is taken for a loop. */
const MAX_ROUNDS = 10_000

export class KernelWorld implements EventSink {
  readonly lookaheadTicks: number
  readonly log: EventLog | undefined
  /** Events that have happened here */
  events = 0
  private readonly init: KernelWorldInit
  private readonly wheel: TimerWheel
  private readonly batch: EventBatch
  private readonly event: Int32Array
  private readonly counters: Uint32Array
  private tick = -1
  /** To which something happens now */
  private actor = NOBODY

  constructor (init: KernelWorldInit) {
    const words = EVENT_PAYLOAD + (init.payloadWords ?? 1)
    if (!(init.lookaheadTicks >= 1) || words > EVENT_PAYLOAD + 4) {
      throw new RangeError('A kernel needs a lookahead of a tick or more, and has up to 4 words of its own')
    }
    this.init = init
    this.lookaheadTicks = init.lookaheadTicks
    this.wheel = new TimerWheel({ words, maxEvents: init.maxEvents ?? 2 ** 24 })
    this.batch = new EventBatch(words, EVENT_PAYLOAD)
    this.event = new Int32Array(Math.max(words, EVENT_PAYLOAD + 4))
    this.counters = init.counters ?? new Uint32Array(init.entities)
    this.log = (init.log ?? true) ? new EventLog(init.entities, init.chains) : undefined
    init.kernel.start(this)
    this.tick = 0
  }

  get words (): number {
    return this.wheel.words
  }

  owns (entity: number): boolean {
    return this.init.owns?.(entity) ?? true
  }

  emit (tick: number, to: number, from: number, a = 0, b = 0, c = 0, d = 0): void {
    if (from !== this.actor && (this.actor !== NOBODY || !this.owns(from))) {
      throw new RangeError(`Entity ${from} cannot cause an event while something happens to ${this.actor}: threads would not agree on the order`)
    }
    if (to !== from && tick < this.tick + this.lookaheadTicks) {
      throw new RangeError(`An event from ${from} to ${to} at tick ${tick} is within the lookahead of ${this.lookaheadTicks} after ${this.tick}`)
    }
    const { event, counters } = this
    const counter = counters[from] as number
    counters[from] = counter + 1
    event[EVENT_TO] = to
    event[EVENT_FROM] = from
    event[EVENT_COUNTER] = counter
    event[EVENT_PAYLOAD] = a
    event[EVENT_PAYLOAD + 1] = b
    event[EVENT_PAYLOAD + 2] = c
    event[EVENT_PAYLOAD + 3] = d
    if (this.init.outlet === undefined || this.owns(to)) {
      this.wheel.pushRecord(tick, event)
    } else {
      this.init.outlet(tick, event)
    }
  }

  note (entity: number, word: number): void {
    this.log?.note(entity, word)
  }

  /** An event from another thread. */
  arrive (tick: number, memory: Int32Array, at: number): void {
    this.wheel.pushRecord(tick, memory, at)
  }

  earliestTick (): number | undefined {
    return this.wheel.earliestTick()
  }

  runBefore (beforeTick: number): void {
    const { wheel, batch, log, init: { kernel } } = this
    for (let rounds = 0; ;) {
      const tick = wheel.nextTick(beforeTick)
      if (tick === undefined) {
        return
      }
      rounds = tick === this.tick ? rounds + 1 : 0
      if (rounds > MAX_ROUNDS) {
        throw new Error(`More than ${MAX_ROUNDS} rounds of events in tick ${tick}: an entity causes events for the same tick without end`)
      }
      this.tick = tick
      batch.clear()
      for (let at = batch.room(); wheel.pop(batch.records, at, tick + 1); at = batch.room()) {
        batch.added()
      }
      batch.sort()
      this.events += batch.size
      const { records, order } = batch
      for (let i = 0; i < batch.size; i++) {
        const at = order[i] as number
        log?.event(records[at] as number, tick, records[at + EVENT_FROM] as number, records[at + EVENT_COUNTER] as number)
        this.actor = records[at] as number
        kernel.handle(tick, records, at, this)
      }
    }
  }
}
