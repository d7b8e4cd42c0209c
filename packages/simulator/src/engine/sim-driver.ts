/** Runs the machines that the packages ship, one for each node, in a simulated world: `MachineDriver` for up to 100,000 nodes at once. */
import { SimWorld } from './sim-world.ts'
import type { Machine, MachineDriver } from '@skein/core'
import type { SimNode } from './sim-node.ts'
import type { SimWorldInit } from './sim-world-init.ts'

/** A node whose host is a driver of its machine. */
export type MachineNode<Effect, M extends Machine<Effect>, Message> = SimNode<MachineDriver<Effect, M>, Message>

export interface SimDriverInit<Effect, M extends Machine<Effect>, Message> extends
  Omit<SimWorldInit<MachineDriver<Effect, M>, Message>, 'create' | 'receive'> {
  /** A node's machine when it starts, and a new one each time it restarts */
  machine: (node: MachineNode<Effect, M, Message>) => M
  /** Carries an effect out: sends, connects, or feeds the machine */
  perform: (node: MachineNode<Effect, M, Message>, effect: Effect, sim: SimDriver<Effect, M, Message>) => void
  /** Feeds a message to the machine */
  deliver: (machine: M, message: Message, from: number, nowMs: number) => void
}

export class SimDriver<Effect, M extends Machine<Effect>, Message> {
  /** The nodes and what is between them */
  readonly world: SimWorld<MachineDriver<Effect, M>, Message>

  constructor (init: SimDriverInit<Effect, M, Message>) {
    this.world = new SimWorld({
      ...init,
      create: node => {
        const driver = node.attach<Effect, M>(init.machine(node), effect => { init.perform(node, effect, this) })
        // a machine may have effects and a time-out from the start; what they feed it with must find the driver in place
        node.host = driver
        driver.input(() => {})
        return driver
      },
      receive: (node, message, from) => {
        node.host.input((machine, nowMs) => { init.deliver(machine, message, from, nowMs) })
      }
    })
  }

  node (index: number): MachineNode<Effect, M, Message> {
    return this.world.node(index)
  }

  /** Feeds the machine of a node, if it is up. */
  input (index: number, feed: (machine: M, nowMs: number) => void): void {
    const { up, host } = this.node(index)
    if (up) {
      host.input(feed)
    }
  }

  /** Does something at a node, so long after the start. */
  at (elapsedMs: number, index: number, task: () => void): void {
    this.world.at(elapsedMs, index, task)
  }

  send (from: number, to: number, message: Message, sizeBytes: number): void {
    this.world.send(from, to, message, sizeBytes)
  }

  connect (...call: Parameters<SimWorld<MachineDriver<Effect, M>, Message>['connect']>): void {
    this.world.connect(...call)
  }

  crash (index: number): void {
    this.world.crash(index)
  }

  restart (index: number): void {
    this.world.start(index)
  }

  /** Runs until so long after the start. Returns `false` when nothing is left to happen. */
  run (untilMs: number): boolean {
    return this.world.run(untilMs)
  }
}
