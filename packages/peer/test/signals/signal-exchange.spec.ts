import { ManualClock, MachineDriver } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { SignalExchange } from '../../src/signals/signal-exchange.ts'
import { SignalHandlers } from '../../src/signals/signal-handlers.ts'
import type { SignalExchangeEffect, SignalExchangeInit } from '../../src/signals/signal-exchange.ts'
import type { SignalOutcome } from '@skein/records'

/** A peer whose seeds answer as they are told to. */
class Desk {
  readonly clock = new ManualClock(1_000)
  readonly opened: string[] = []
  readonly sent: Array<Extract<SignalExchangeEffect, { type: 'send' }>> = []
  readonly settled = new Map<number, { outcome: SignalOutcome, atMs: number }>()
  settledTwice = false
  /** What each seed answers at once; without an answer nothing comes */
  readonly answers: Record<string, SignalOutcome | undefined> = {}
  readonly driver: MachineDriver<SignalExchangeEffect, SignalExchange>
  private keys = 0

  constructor (init: SignalExchangeInit = {}) {
    this.driver = new MachineDriver({
      machine: new SignalExchange(init),
      clock: this.clock,
      perform: effect => {
        if (effect.type === 'open') {
          this.opened.push(effect.seed)
        } else if (effect.type === 'send') {
          this.sent.push(effect)
          const answer = this.answers[effect.seed]
          if (answer !== undefined) {
            this.outcome(effect.seed, effect.id, answer)
          }
        } else {
          this.settledTwice ||= this.settled.has(effect.key)
          this.settled.set(effect.key, { outcome: effect.outcome, atMs: this.clock.nowMs() })
        }
      }
    })
  }

  open (...seeds: string[]): this {
    for (const seed of seeds) {
      this.driver.input((machine, nowMs) => { machine.onSeed(seed); machine.onOpened(seed, nowMs) })
    }
    return this
  }

  send (to = 'bob', timeoutMs = 2_000): number {
    const key = ++this.keys
    this.driver.input((machine, nowMs) => { machine.onSend(key, { to, kind: 'offer', payload: Uint8Array.of(key), timeoutMs }, nowMs) })
    return key
  }

  outcome (seed: string, id: number, outcome: SignalOutcome, retryAfterMs = 0): void {
    this.driver.input((machine, nowMs) => { machine.onOutcome(seed, id, outcome, retryAfterMs, nowMs) })
  }

  close (seed: string): void {
    this.driver.input((machine, nowMs) => { machine.onClosed(seed, nowMs) })
  }

  told (key: number): SignalOutcome | undefined {
    return this.settled.get(key)?.outcome
  }
}

describe('the signals of a peer', () => {
  const cases: Array<[string, Array<SignalOutcome | undefined>, SignalOutcome | undefined, number]> = [
    ['the first seed delivers', ['delivered', 'delivered'], 'delivered', 1],
    ['the first does not know the peer, the second delivers', ['peer_not_found', 'delivered'], 'delivered', 2],
    ['the first cannot reach it, the second does not know it', ['unreachable', 'peer_not_found'], 'unreachable', 2],
    ['the first drains', ['draining', 'delivered'], 'delivered', 2],
    ['the first is asked too often', ['too_early', 'delivered'], 'delivered', 2],
    ['nobody knows it', ['peer_not_found', 'peer_not_found'], 'peer_not_found', 2],
    ['it may have arrived: no second time', ['timeout', 'delivered'], 'timeout', 1],
    ['the receiver takes none', ['unhandled', 'delivered'], 'unhandled', 1],
    ['the receiver has too many', ['queue_full', 'delivered'], 'queue_full', 1]
  ]
  for (const [name, answers, outcome, sends] of cases) {
    it(`goes from seed to seed: ${name}`, () => {
      const desk = new Desk().open('s0', 's1')
      answers.forEach((answer, i) => { desk.answers[`s${i}`] = answer })
      const key = desk.send()
      expect(desk.told(key)).to.equal(outcome)
      expect(desk.sent).to.have.length(sends)
    })
  }

  it('fails at once without a seed, and waits for one that is being opened', () => {
    const desk = new Desk()
    expect(desk.told(desk.send())).to.equal('unreachable')
    desk.driver.input(machine => { machine.onSeed('s') })
    const key = desk.send()
    expect(desk.told(key)).to.equal(undefined)
    desk.answers.s = 'delivered'
    desk.driver.input((machine, nowMs) => { machine.onOpened('s', nowMs) })
    expect(desk.told(key)).to.equal('delivered')
  })

  it('tries again while the registration may be under way, in order, and says so when it is not', () => {
    const desk = new Desk().open('s')
    desk.answers.s = 'not_registered'
    const keys = [desk.send(), desk.send()]
    desk.clock.advance(500)
    desk.answers.s = 'delivered'
    desk.clock.advance(500)
    expect(keys.map(key => desk.told(key))).to.deep.equal(['delivered', 'delivered'])
    expect(desk.sent.slice(-2).map(({ payload }) => payload[0])).to.deep.equal(keys)
    desk.answers.s = 'not_registered'
    const key = desk.send()
    desk.clock.advance(2_000)
    expect(desk.settled.get(key)).to.deep.equal({ outcome: 'not_registered', atMs: desk.clock.nowMs() })
  })

  it('says timeout when its own time is over, or the stream breaks with it under way', () => {
    const desk = new Desk().open('s')
    const key = desk.send('bob', 500)
    expect(desk.sent[0]?.timeoutMs).to.equal(500)
    desk.clock.advance(500)
    expect(desk.told(key)).to.equal('timeout')
    const broken = desk.send()
    desk.close('s')
    expect(desk.told(broken)).to.equal('timeout')
  })

  it('answers over the seed that it was called over, and remembers the one that delivered', () => {
    const desk = new Desk().open('s0', 's1', 's2')
    desk.driver.input(machine => { machine.onHeard('bob', 's2') })
    desk.answers.s2 = 'unreachable'
    desk.answers.s0 = 'unreachable'
    desk.answers.s1 = 'delivered'
    desk.send()
    expect(desk.sent.map(({ seed }) => seed)).to.deep.equal(['s2', 's0', 's1'])
    desk.send()
    expect(desk.sent.at(-1)?.seed).to.equal('s1')
    expect(desk.sent).to.have.length(4)
  })

  it('has no more than 24 under way over a seed, and 256 in all; the others wait in order', () => {
    const desk = new Desk().open('s')
    const keys = Array.from({ length: 260 }, () => desk.send())
    expect(desk.sent).to.have.length(24)
    expect(keys.filter(key => desk.told(key) === 'queue_full')).to.deep.equal(keys.slice(256))
    for (let i = 0; i < 256; i++) {
      desk.outcome('s', desk.sent[i]?.id ?? 0, 'delivered')
    }
    expect(desk.sent.map(({ payload }) => payload[0])).to.deep.equal(keys.slice(0, 256).map(key => key % 256))
  })

  it('opens a stream to no more seeds than it may, opens again ever more slowly, and leaves a seed that drains in peace', () => {
    const desk = new Desk({ maxSeeds: 2 }).open('s0', 's1', 's2')
    expect(desk.opened).to.deep.equal(['s0', 's1'])
    desk.driver.input((machine, nowMs) => { machine.onSeedGone('s0', nowMs) })
    expect(desk.opened).to.deep.equal(['s0', 's1', 's2'])
    const pauses: number[] = []
    for (let i = 0; i < 9; i++) {
      desk.close('s1')
      const [count, fromMs] = [desk.opened.length, desk.clock.nowMs()]
      while (desk.opened.length === count) {
        desk.clock.advance(500)
      }
      pauses.push(desk.clock.nowMs() - fromMs)
    }
    expect(pauses).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])

    desk.driver.input((machine, nowMs) => { machine.onOpened('s1', nowMs) })
    desk.outcome('s1', 0, 'draining', 30_000)
    expect(desk.driver.machine.openSeeds).to.deep.equal([])
    desk.clock.advance(100)
    desk.close('s1')
    const count = desk.opened.length
    desk.clock.advance(29_000)
    expect(desk.opened).to.have.length(count)
  })

  it('settles each signal once and in time, whatever the seeds do', () => {
    const seed = fc.constantFrom('s0', 's1', 's2')
    const outcome = fc.constantFrom<SignalOutcome>('delivered', 'peer_not_found', 'not_registered', 'unreachable', 'timeout', 'too_early', 'draining', 'queue_full')
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('seed' as const, 'open' as const, 'close' as const, 'gone' as const), seed }),
      fc.record({ do: fc.constant('send' as const), to: fc.constantFrom('bob', 'carol'), timeoutMs: fc.constantFrom(100, 2_000) }),
      fc.record({ do: fc.constant('answer' as const), which: fc.nat({ max: 30 }), outcome }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 50, 500) })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 100, size: 'max' }), steps => {
      const desk = new Desk({ maxSeeds: 2, maxSends: 5 })
      const sends: Array<{ key: number, sentMs: number, timeoutMs: number }> = []
      for (const act of steps) {
        switch (act.do) {
          case 'seed': desk.driver.input(machine => { machine.onSeed(act.seed) }); break
          case 'open': desk.driver.input((machine, nowMs) => { machine.onOpened(act.seed, nowMs) }); break
          case 'close': desk.close(act.seed); break
          case 'gone': desk.driver.input((machine, nowMs) => { machine.onSeedGone(act.seed, nowMs) }); break
          case 'send': sends.push({ sentMs: desk.clock.nowMs(), timeoutMs: act.timeoutMs, key: desk.send(act.to, act.timeoutMs) }); break
          case 'answer': {
            const sent = desk.sent.at(-1 - act.which)
            desk.outcome(sent?.seed ?? '', sent?.id ?? 0, act.outcome)
            break
          }
          case 'wait': desk.clock.advance(act.ms)
        }
      }
      desk.clock.advance(2_000)
      expect(desk.settledTwice).to.equal(false)
      for (const { key, sentMs, timeoutMs } of sends) {
        expect((desk.settled.get(key)?.atMs ?? Infinity) - sentMs).to.be.at.most(timeoutMs)
      }
    }), { numRuns: 500 })
  })
})

describe('the handlers of signals', () => {
  const signal = { from: 'bob', kind: 'offer' as const, payload: new Uint8Array() }

  it('get what is theirs: the kind before all others, the later before the earlier, none after it was taken away', () => {
    const heard: string[] = []
    const handlers = new SignalHandlers(() => {})
    expect(handlers.dispatch(signal)).to.equal('unhandled')
    handlers.set('any', () => { heard.push('any') })
    const remove = handlers.set('offer', () => { heard.push('first') })
    const removeSecond = handlers.set('offer', () => { heard.push('second') })
    remove() // is not there any more
    handlers.dispatch(signal)
    removeSecond()
    handlers.dispatch(signal)
    expect(heard).to.deep.equal(['second', 'any'])
  })

  it('refuse what comes while 64 are at work, and survive what they throw', async () => {
    const errors: unknown[] = []
    const handlers = new SignalHandlers(error => { errors.push(error) })
    const gate = Promise.withResolvers<void>()
    handlers.set('offer', async () => { await gate.promise; throw new Error('later') })
    expect(Array.from({ length: 66 }, () => handlers.dispatch(signal)).slice(62)).to.deep.equal(['delivered', 'delivered', 'queue_full', 'queue_full'])
    gate.resolve()
    await new Promise(resolve => setImmediate(resolve))
    expect(errors).to.have.length(64)
    handlers.set('offer', () => { throw new Error('at once') })
    expect(handlers.dispatch(signal)).to.equal('delivered')
    expect(errors).to.have.length(65)
  })
})
