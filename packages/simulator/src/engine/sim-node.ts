/** A node of a simulated world: its clock, its generator, what it can do to others. */
import { MachineDriver } from '@skein/core'
import type { Cancel, Clock, Machine, Random } from '@skein/core'
import type { ConnectPath } from './sim-network.ts'

export type ConnectOutcome =
  | { type: 'connected', path: ConnectPath }
  /** It cannot be reached, is not there, or what was sent got lost */
  | { type: 'failed' }

/** What a world does for its nodes. */
export interface NodeWorld<Message> {
  localMs: (node: number) => number
  schedule: (node: number, atMs: number, task: () => void) => Cancel
  send: (from: number, to: number, message: Message, sizeBytes: number) => void
  connect: (from: number, to: number, onOutcome: (outcome: ConnectOutcome) => void) => void
  crash: (node: number) => void
  note: (node: number, word: number) => void
}

const MAX_DRIVERS = 4096

export class SimNode<Host, Message> implements Clock {
  readonly index: number
  /** For its machines. Goes on where it was after a restart */
  readonly random: Random
  up = false
  /** How often it has started */
  starts = 0
  /** What `create` gave; before the first start, and while it is down, what it was last */
  host!: Host
  private readonly world: NodeWorld<Message>
  private readonly drivers = new Set<{ stop: () => void }>()

  constructor (index: number, random: Random, world: NodeWorld<Message>) {
    this.index = index
    this.random = random
    this.world = world
  }

  /** The time on its own clock, which may be wrong, ms since the epoch. */
  nowMs (): number {
    return this.world.localMs(this.index)
  }

  /** On its own clock. Forgotten when the node stops. */
  schedule (atMs: number, task: () => void): Cancel {
    return this.world.schedule(this.index, atMs, task)
  }

  /** Runs a machine of this node until the node stops, or until `detach`. A node may have up to 4,096 at once. */
  attach<Effect, M extends Machine<Effect>> (machine: M, perform: (effect: Effect) => void): MachineDriver<Effect, M> {
    const driver = new MachineDriver<Effect, M>({ machine, clock: this, perform })
    if (this.drivers.size >= MAX_DRIVERS) {
      throw new RangeError(`Node ${this.index} runs ${MAX_DRIVERS} machines already: detach those that are done`)
    }
    this.drivers.add(driver)
    return driver
  }

  /** Ends a machine that is done. */
  detach (driver: { stop: () => void }): void {
    driver.stop()
    this.drivers.delete(driver)
  }

  /** The message must not be changed afterwards: who gets it may be in the same memory. */
  send (to: number, message: Message, sizeBytes: number): void {
    this.world.send(this.index, to, message, sizeBytes)
  }

  connect (to: number, onOutcome: (outcome: ConnectOutcome) => void): void {
    this.world.connect(this.index, to, onOutcome)
  }

  /** Stops at once: nothing that it has scheduled happens, and nothing reaches it until it is started again. */
  crash (): void {
    this.world.crash(this.index)
  }

  /** Puts an outcome into the log whose hash tells whether two runs are the same. */
  note (...words: number[]): void {
    for (const word of words) {
      this.world.note(this.index, word)
    }
  }

  /** Called by the world. */
  stopDrivers (): void {
    this.drivers.forEach(driver => { driver.stop() })
    this.drivers.clear()
  }
}
