/**
 * Events on several threads at once, in windows: in a window as long as the least latency, nothing that happens to one node can matter to another,
 * so each thread runs its own nodes through it alone, and then they exchange what they have for each other (conservative synchronisation as in
 * D. Nicol, "The Cost of Conservative Synchronization in Parallel Discrete Event Simulations", 1993; the windows of YAWNS).
 */
import { Barrier } from './barrier.ts'
import { readMailbox } from './mailbox.ts'
import type { Outbox } from './mailbox.ts'

/** The memory through which the threads of a run meet. */
export interface WindowMemory {
  barrier: SharedArrayBuffer
  /** For each thread, the tick before which it has no event, and whether it has more to hand over */
  next: SharedArrayBuffer
  more: SharedArrayBuffer
  /** From thread i to thread j at i · threads + j */
  mailboxes: SharedArrayBuffer[]
}

export function createWindowMemory (threads: number, mailboxBytes: number): WindowMemory {
  return {
    barrier: new SharedArrayBuffer(Barrier.bytes),
    next: new SharedArrayBuffer(threads * 8),
    more: new SharedArrayBuffer(threads * 4),
    mailboxes: Array.from({ length: threads * threads }, (_, i) =>
      new SharedArrayBuffer(Math.floor(i / threads) === i % threads ? 0 : Math.max(1024, mailboxBytes)))
  }
}

/** Which thread a node lives on: blocks of 64, dealt out in turn, so that threads do not share cache lines of the nodes' columns. */
export function threadOf (node: number, threads: number): number {
  return (node >>> 6) % threads
}

/** A thread's part of what is simulated. */
export interface WindowedWorld {
  readonly lookaheadTicks: number
  /** Nothing is left to happen here before this tick */
  earliestTick: () => number | undefined
  runBefore: (tick: number) => void
  /** A record that another thread has sent */
  receive: (memory: Int32Array, at: number, length: number) => void
}

export interface WindowLoopInit {
  thread: number
  threads: number
  memory: WindowMemory
  outboxes: Outbox[]
  world: WindowedWorld
  untilTick: number
  onWindow?: (tick: number) => void
}

/** Runs until nothing is left to happen on any thread before `untilTick`. Returns the number of windows. */
export function runWindows (init: WindowLoopInit): number {
  const { thread, threads, memory, outboxes, world, untilTick, onWindow } = init
  const barrier = new Barrier(memory.barrier, threads)
  const next = new Float64Array(memory.next)
  const more = new Int32Array(memory.more)
  const mailboxes = memory.mailboxes.map(buffer => new Int32Array(buffer))
  const others = Array.from({ length: threads }, (_, other) => other).filter(other => other !== thread)
  const receive = world.receive.bind(world)

  for (let windows = 0; ; windows++) {
    let left: boolean
    do {
      more[thread] = 0
      for (const other of others) {
        if (outboxes[other]?.post(mailboxes[thread * threads + other] as Int32Array) === true) {
          more[thread] = 1
        }
      }
      barrier.wait()
      for (const other of others) {
        readMailbox(mailboxes[other * threads + thread] as Int32Array, receive)
      }
      left = more.includes(1)
      next[thread] = world.earliestTick() ?? Infinity
      barrier.wait()
    } while (left)
    const tick = next.reduce((least, one) => Math.min(least, one), Infinity)
    if (tick >= untilTick) {
      return windows
    }
    onWindow?.(tick)
    // no thread publishes anew before all have passed the next barrier, so all have read the same
    world.runBefore(Math.min(untilTick, tick + world.lookaheadTicks))
  }
}
