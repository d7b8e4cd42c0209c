/** Gives a succession of targets its connections, whatever is done over them. */
import { MachineDriver } from '@skein/core'
import { targetKey } from './stream-target.ts'
import { TargetSuccession } from './target-succession.ts'
import type { Clock } from '@skein/core'
import type { StreamTarget } from './stream-target.ts'
import type { SuccessionEffect, TargetSuccessionInit } from './target-succession.ts'

export interface TargetRun {
  /** Fires when the connection is to be ended */
  signal: AbortSignal
}

export interface FollowedTargetsInit extends TargetSuccessionInit {
  clock: Clock
  /** Connects, and resolves or rejects when the connection has ended */
  run: (target: StreamTarget, options: TargetRun) => Promise<void>
  /** A connection to where the stream belongs failed; it is tried again */
  onFailed: (target: StreamTarget, error: Error) => void
  onClosed: (target: StreamTarget) => void
}

export class FollowedTargets {
  private readonly init: FollowedTargetsInit
  private readonly driver: MachineDriver<SuccessionEffect, TargetSuccession>
  /** Bounded as the targets of the succession */
  private readonly running = new Map<string, { closing: AbortController, ended: Promise<void> }>()

  constructor (init: FollowedTargetsInit) {
    this.init = init
    this.driver = new MachineDriver({
      machine: new TargetSuccession(init),
      clock: init.clock,
      perform: ({ type, target }) => {
        if (type === 'open') {
          this.open(target)
        } else {
          this.running.get(targetKey(target))?.closing.abort(new Error('The stream has moved on'))
        }
      }
    })
  }

  follow (target: StreamTarget): void {
    this.driver.input((machine, nowMs) => { machine.onTarget(target, nowMs) })
  }

  /** The connection to it does its work: the one before may go. */
  serving (target: StreamTarget): void {
    this.driver.input((machine, nowMs) => { machine.onServing(target, nowMs) })
  }

  /** Ends all connections, until there is a target again. */
  leave (): void {
    this.driver.input(machine => { machine.onOver() })
  }

  async stop (): Promise<void> {
    this.leave()
    this.driver.stop()
    await Promise.all([...this.running.values()].map(async ({ closing, ended }) => {
      closing.abort(new Error('It was stopped'))
      await ended
    }))
  }

  private open (target: StreamTarget): void {
    const key = targetKey(target)
    const closing = new AbortController()
    const before = this.running.get(key)?.ended // one that was left, and is wanted again before it has ended
    const ended = this.run(target, closing.signal, before).finally(() => {
      if (this.running.get(key)?.closing === closing) {
        this.running.delete(key)
      }
    })
    this.running.set(key, { closing, ended })
  }

  private async run (target: StreamTarget, signal: AbortSignal, before: Promise<void> | undefined): Promise<void> {
    const { run, onFailed, onClosed } = this.init
    await before
    try {
      if (!signal.aborted) {
        await run(target, { signal })
      }
    } catch (error) {
      if (!signal.aborted) {
        onFailed(target, error as Error)
      }
    }
    onClosed(target)
    if (!signal.aborted) {
      this.driver.input((machine, nowMs) => { machine.onEnded(target, nowMs) })
    }
  }
}
