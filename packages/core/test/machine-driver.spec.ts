import { expect } from 'chai'
import { MachineDriver, ManualClock } from '../src/index.ts'
import type { Machine } from '../src/index.ts'

/** Echoes what it is told, and says `tick` every 10 ms. */
class Echo implements Machine<string> {
  private readonly effects: string[] = []
  private nextMs?: number

  onWord (word: string, nowMs: number): void {
    this.effects.push(word)
    this.nextMs ??= nowMs + 10
  }

  onTimeout (nowMs: number): void {
    this.effects.push('tick')
    this.nextMs = nowMs + 10
  }

  poll (): string | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.nextMs
  }
}

describe('MachineDriver', () => {
  it('performs effects in order, also those of inputs that an effect causes', () => {
    const performed: string[] = []
    const driver = new MachineDriver<string, Echo>({
      machine: new Echo(),
      clock: new ManualClock(),
      perform: effect => {
        performed.push(effect)
        if (effect === 'a') {
          driver.input((machine, nowMs) => { machine.onWord('c', nowMs) })
        }
      }
    })
    driver.input((machine, nowMs) => {
      machine.onWord('a', nowMs)
      machine.onWord('b', nowMs)
    })
    expect(performed).to.deep.equal(['a', 'b', 'c'])
  })

  it('wakes the machine when it asked for it, and no more once stopped', () => {
    const clock = new ManualClock()
    const performed: string[] = []
    const driver = new MachineDriver({ machine: new Echo(), clock, perform: (effect: string) => { performed.push(effect) } })
    driver.input((machine, nowMs) => { machine.onWord('a', nowMs) })
    clock.advance(25)
    expect(performed).to.deep.equal(['a', 'tick', 'tick'])
    driver.stop()
    clock.advance(100)
    driver.input((machine, nowMs) => { machine.onWord('b', nowMs) })
    expect(performed).to.deep.equal(['a', 'tick', 'tick'])
  })

  it('throws when a machine never comes to rest', () => {
    const driver = new MachineDriver<string, Machine<string>>({
      machine: { poll: () => 'again', onTimeout: () => {}, nextTimeoutMs: () => undefined },
      clock: new ManualClock(),
      perform: () => {},
      maxEffects: 10
    })
    expect(() => { driver.input(() => {}) }).to.throw('more than 10 effects')
  })
})
