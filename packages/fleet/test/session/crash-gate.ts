/**
 * Lets a control plane die at a call that it makes: before it is made, or after it was done and before its answer is heard. Or stand still there, as a
 * process does that is stopped or swapped out, and go on later as if nothing had been.
 */
import { randomBelow } from '@skein/core'
import type { Random } from '@skein/core'

export class CrashGate {
  /** Resolves when it has died */
  readonly crashed: Promise<'crashed'>
  isDead = false
  private readonly random: Random
  private callsToLive: number | undefined
  private callsToStop: number | undefined
  private going: Promise<void> = Promise.resolve()
  private resumed: () => void = () => {}
  private tellStopped: (how: 'stopped') => void = () => {}
  private die: (how: 'crashed') => void = () => {}

  constructor (random: Random) {
    this.random = random
    this.crashed = new Promise(resolve => { this.die = resolve })
  }

  /** It dies at one of the next calls. */
  arm (withinCalls: number): void {
    this.callsToLive = randomBelow(this.random, withinCalls)
  }

  /** It stands still at one of the next calls, until `resume()`; resolves when it does. */
  async armStop (withinCalls: number): Promise<'stopped'> {
    this.callsToStop = randomBelow(this.random, withinCalls)
    return await new Promise(resolve => { this.tellStopped = resolve })
  }

  resume (): void {
    this.callsToStop = undefined
    this.resumed()
  }

  kill (): void {
    this.isDead = true
    this.die('crashed')
  }

  /** What the control plane sees of `target`: as it is, until it dies. */
  guard<T extends object> (target: T): T {
    return new Proxy(target, {
      get: (object, name) => {
        const member = Reflect.get(object, name) as unknown
        if (typeof member !== 'function') {
          return member
        }
        return async (...args: unknown[]) => {
          const dies = this.callsToLive !== undefined && this.callsToLive-- === 0
          if (dies && this.random.nextUint32() % 2 === 0) {
            this.kill()
          }
          if (this.callsToStop !== undefined && this.callsToStop-- === 0) {
            this.going = new Promise(resolve => { this.resumed = resolve })
            this.tellStopped('stopped')
          }
          await this.going
          if (this.isDead) {
            return await new Promise(() => {})
          }
          try {
            return await (member as (...args: unknown[]) => unknown).apply(object, args)
          } finally {
            if (dies) {
              this.kill()
            }
            if (this.isDead) {
              // nobody is there to hear the answer
              await new Promise(() => {})
            }
          }
        }
      }
    })
  }
}
