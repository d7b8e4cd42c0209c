/**
 * A simulated world of nodes: their clocks, what they have scheduled, and the messages between them. What happens to a node happens in the order of
 * (tick, source, the source's counter), whatever else is in the world and on however many threads it runs.
 */
import { Dials } from './dials.ts'
import { EventBatch } from './event-batch.ts'
import { EventLog } from './event-log.ts'
import { NodeClocks } from './node-clocks.ts'
import { RandomStream } from './random-stream.ts'
import { SimNode } from './sim-node.ts'
import { Stream } from './streams.ts'
import { TimerWheel } from './timer-wheel.ts'
import type { Cancel } from '@skein/core'
import type { SimNetwork } from './sim-network.ts'
import type { ConnectOutcome, NodeWorld } from './sim-node.ts'
import type { Parcel, SimWorldInit } from './sim-world-init.ts'

/** What is to happen; what a node scheduled is forgotten when it has stopped since. */
type Pending<Message> =
  | { type: 'task', start: number, atMs: number, run: (() => void) | undefined }
  | { type: 'order', tick: number, run: () => void }
  | { type: 'arrival' | 'delivery', from: number, parcel: Parcel<Message> }

const [TO, FROM, COUNTER, PENDING] = [0, 1, 2, 3]
/** Orders from outside come after all else in their tick. */
const OUTSIDE = 0xffffffff
const CONTROL_BYTES = 100
/** A node that schedules for the same tick again and again is looping. */
const MAX_ROUNDS = 10_000

export class SimWorld<Host, Message> implements NodeWorld<Message> {
  readonly nodes: Array<SimNode<Host, Message>> = []
  readonly network: SimNetwork
  readonly tickMs: number
  readonly startMs: number
  readonly log: EventLog
  /** Messages handed to the network, and those that were handed to a node */
  sent = 0
  delivered = 0
  private readonly init: SimWorldInit<Host, Message>
  private readonly wheel: TimerWheel
  private readonly batch = new EventBatch(4, 3)
  private readonly pending: Array<Pending<Message> | undefined> = []
  private readonly freePending: number[] = []
  private readonly counters: Uint32Array
  private readonly orders: Uint32Array
  private readonly dials = new Dials()
  private readonly clocks: NodeClocks
  private readonly delaysMs = new Float64Array(2)
  private readonly event = new Int32Array(4)
  private tick = 0
  /** The node to which something happens now */
  private actor: number | undefined

  constructor (init: SimWorldInit<Host, Message>) {
    this.init = init
    this.network = init.network
    this.tickMs = init.tickMs ?? 0.125
    this.startMs = init.startMs ?? 1_700_000_000_000
    this.clocks = new NodeClocks({ tickMs: this.tickMs, startMs: this.startMs, skew: init.clockSkew })
    this.wheel = new TimerWheel({ words: 4, maxEvents: init.maxEvents ?? 2 ** 24 })
    this.log = new EventLog(init.nodes)
    this.counters = new Uint32Array(init.nodes)
    this.orders = new Uint32Array(init.nodes)
    if (!(this.lookaheadTicks >= 1)) {
      throw new RangeError(`The least latency, ${init.network.leastLatencyMs} ms, must be at least a tick of ${this.tickMs} ms`)
    }
    const random = new RandomStream(init.seed, Stream.machine)
    for (let index = 0; index < init.nodes; index++) {
      this.nodes.push(new SimNode(index, random.generator(index), this))
    }
    for (const node of this.nodes) {
      if (this.owns(node.index) && (init.startsUp?.(node.index) ?? true)) {
        this.at(0, node.index, () => { this.start(node.index) })
      }
    }
  }

  /** Ticks within which nothing that happens to one node can matter to another. */
  get lookaheadTicks (): number {
    return Math.floor(this.network.leastLatencyMs / this.tickMs)
  }

  /** Since the start. */
  get elapsedMs (): number {
    return this.tick * this.tickMs
  }

  /** Events that wait. */
  get size (): number {
    return this.wheel.size
  }

  node (index: number): SimNode<Host, Message> {
    return this.nodes[index] as SimNode<Host, Message>
  }

  owns (node: number): boolean {
    return this.init.owns?.(node) ?? true
  }

  /**
   * Does something at a node (also one that is down), so long after the start. On several threads it must be given before the world runs, for all
   * nodes and on each thread alike, or from within what happens to that node.
   */
  at (elapsedMs: number, node: number, task: () => void): void {
    if (this.actor !== undefined) {
      this.checkActor(node)
    }
    if (this.owns(node)) {
      const tick = Math.max(this.tick, Math.ceil(elapsedMs / this.tickMs))
      const order = this.orders[node] as number
      this.orders[node] = order + 1
      this.push(tick, node, OUTSIDE, order, { type: 'order', tick, run: task })
    }
  }

  /** Starts a node that is down. */
  start (index: number): void {
    this.checkActor(index)
    const node = this.node(index)
    if (!node.up) {
      node.up = true
      node.starts++
      this.log.note(index, 0x57a27)
      node.host = this.init.create(node)
    }
  }

  crash (index: number): void {
    this.checkActor(index)
    const node = this.node(index)
    if (node.up) {
      node.up = false
      node.starts++
      this.log.note(index, 0xdead)
      node.stopDrivers()
      this.dials.forget(index)
      this.init.stopped?.(node)
    }
  }

  /** Runs until so long after the start: all that is before it has happened then. Returns `false` when nothing is left to happen. */
  run (untilMs: number): boolean {
    this.runBefore(Math.ceil(untilMs / this.tickMs))
    this.tick = Math.max(this.tick, Math.floor(untilMs / this.tickMs))
    return this.wheel.size > 0
  }

  /** Nothing is left to happen before this tick. */
  earliestTick (): number | undefined {
    return this.wheel.earliestTick()
  }

  /** Lets all happen that is before a tick. */
  runBefore (beforeTick: number): void {
    for (let rounds = 0; ;) {
      const tick = this.wheel.nextTick(beforeTick)
      if (tick === undefined) {
        return
      }
      rounds = tick === this.tick ? rounds + 1 : 0
      if (rounds > MAX_ROUNDS) {
        throw new Error(`More than ${MAX_ROUNDS} rounds of events at ${this.elapsedMs} ms: a node schedules for the same time without end`)
      }
      this.tick = tick
      this.runTick(tick)
      this.actor = undefined
    }
  }

  /** A parcel from a node that lives elsewhere. */
  arrive (tick: number, to: number, from: number, counter: number, parcel: Parcel<Message>): void {
    this.push(tick, to, from, counter, { type: 'arrival', from, parcel })
  }

  localMs (node: number): number {
    return this.clocks.localMs(node, this.tick)
  }

  schedule (node: number, atMs: number, task: () => void): Cancel {
    this.checkActor(node)
    const pending: Pending<Message> = { type: 'task', start: this.node(node).starts, atMs, run: task }
    if (atMs < Infinity) {
      this.push(this.clocks.tickOf(node, atMs, this.tick), node, node, this.count(node), pending)
    }
    return () => { pending.run = undefined }
  }

  send (from: number, to: number, message: Message, sizeBytes: number): void {
    this.checkActor(from)
    this.sent++
    this.transmit(from, to, { type: 'message', message, sizeBytes })
  }

  connect (from: number, to: number, onOutcome: (outcome: ConnectOutcome) => void): void {
    this.checkActor(from)
    const plan = this.network.plan === undefined ? { path: 'direct' as const, roundTrips: 1 } : this.network.plan(from, to)
    const dial = this.count(from)
    if (plan !== undefined) {
      this.dials.begin(from, dial, { to, startedMs: this.elapsedMs, plan, onOutcome })
      this.transmit(from, to, { type: 'dial', dial, sizeBytes: CONTROL_BYTES })
    }
    this.schedule(from, this.localMs(from) + (this.init.connectTimeoutMs ?? 10_000), () => {
      if (plan === undefined) {
        onOutcome({ type: 'failed' })
      } else {
        this.dials.end(from, dial, false)
      }
    })
  }

  note (node: number, word: number): void {
    this.log.note(node, word)
  }

  /** On several threads a node can do something only when something happens to it: else each thread would see another order, or do it again. */
  private checkActor (node: number): void {
    if (this.init.owns !== undefined && node !== this.actor) {
      throw new RangeError(`Node ${node} can act only within what happens to it: give it an order with at()`)
    }
  }

  private runTick (tick: number): void {
    const { wheel, batch, event } = this
    // most ticks have one event
    wheel.pop(event, 0, tick + 1)
    if (wheel.nextTick(tick + 1) === undefined) {
      this.handle(event[TO] as number, event[FROM] as number, event[COUNTER] as number, event[PENDING] as number)
      return
    }
    batch.clear()
    batch.room()
    batch.records.set(event, 0)
    batch.added()
    for (let at = batch.room(); wheel.pop(batch.records, at, tick + 1); at = batch.room()) {
      batch.added()
    }
    batch.sort()
    for (let i = 0; i < batch.size; i++) {
      const { records } = batch
      const at = batch.order[i] as number
      this.handle(records[at] as number, records[at + FROM] as number, records[at + COUNTER] as number, records[at + PENDING] as number)
    }
  }

  private handle (to: number, from: number, counter: number, slot: number): void {
    const pending = this.pending[slot] as Pending<Message>
    this.pending[slot] = undefined
    this.freePending.push(slot)
    const node = this.node(to)
    this.actor = to
    if (pending.type === 'task') {
      this.runTask(node, pending)
    } else if (pending.type === 'order') {
      if (pending.tick > this.tick) { // farther ahead than the queue reaches
        this.push(pending.tick, to, OUTSIDE, counter, pending)
      } else {
        pending.run()
      }
    } else if (node.up) {
      const { parcel } = pending
      if (pending.type === 'arrival' && this.network.admit !== undefined) {
        const waitMs = this.network.admit(to, parcel.sizeBytes, this.elapsedMs)
        const ticks = waitMs === undefined ? 0 : Math.round(waitMs / this.tickMs)
        if (waitMs === undefined || ticks > 0) {
          if (waitMs !== undefined) {
            this.push(this.tick + ticks, to, from, counter, { ...pending, type: 'delivery' })
          }
          return
        }
      }
      this.deliver(node, pending.from, counter, parcel)
    }
  }

  private runTask (node: SimNode<Host, Message>, task: Extract<Pending<Message>, { type: 'task' }>): void {
    const { run } = task
    if (run === undefined || !node.up || node.starts !== task.start) {
      return
    }
    if (node.nowMs() < task.atMs) {
      this.push(this.clocks.tickOf(node.index, task.atMs, this.tick), node.index, node.index, this.count(node.index), task)
      return
    }
    task.run = undefined
    this.log.event(node.index, this.tick, node.index, 0)
    run()
  }

  private deliver (node: SimNode<Host, Message>, from: number, counter: number, parcel: Parcel<Message>): void {
    this.log.event(node.index, this.tick, from, counter)
    if (parcel.type === 'message') {
      this.delivered++
      this.log.note(node.index, this.init.digest?.(parcel.message) ?? parcel.sizeBytes)
      this.init.receive(node, parcel.message, from)
    } else if (parcel.type === 'dial') {
      this.transmit(node.index, from, { ...parcel, type: 'accept' })
    } else {
      const leftMs = this.dials.onAccepted(node.index, parcel.dial, from, this.elapsedMs)
      if (leftMs !== undefined && leftMs > 0) {
        this.schedule(node.index, node.nowMs() + leftMs, () => { this.dials.end(node.index, parcel.dial, true) })
      } else if (leftMs !== undefined) {
        this.dials.end(node.index, parcel.dial, true)
      }
    }
  }

  private transmit (from: number, to: number, parcel: Parcel<Message>): void {
    const { delaysMs, tickMs } = this
    const first = this.count(from)
    const copies = this.network.transmit(from, to, parcel.sizeBytes, this.elapsedMs, first, delaysMs)
    for (let copy = 0; copy < copies; copy++) {
      const tick = this.tick + Math.max(from === to ? 0 : this.lookaheadTicks, Math.ceil((delaysMs[copy] as number) / tickMs))
      const counter = copy === 0 ? first : this.count(from)
      if (this.owns(to)) {
        this.push(tick, to, from, counter, { type: 'arrival', from, parcel })
      } else {
        this.init.outlet?.(tick, to, from, counter, parcel)
      }
    }
  }

  private count (node: number): number {
    const counter = this.counters[node] as number
    this.counters[node] = counter + 1
    return counter
  }

  private push (tick: number, to: number, from: number, counter: number, pending: Pending<Message>): void {
    const slot = this.freePending.pop() ?? this.pending.length
    this.pending[slot] = pending
    const { event } = this
    event[TO] = to
    event[FROM] = from
    event[COUNTER] = counter
    event[PENDING] = slot
    this.wheel.pushRecord(Math.min(tick, this.tick + TimerWheel.horizonTicks), event)
  }
}
