import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { CircuitBreaker } from '../../src/redis/circuit-breaker.ts'
import type { CircuitBreakerEffect } from '../../src/redis/circuit-breaker.ts'

function drain (breaker: CircuitBreaker): CircuitBreakerEffect[] {
  const effects: CircuitBreakerEffect[] = []
  for (let effect = breaker.poll(); effect !== undefined; effect = breaker.poll()) {
    effects.push(effect)
  }
  return effects
}

function closed (): CircuitBreaker {
  const breaker = new CircuitBreaker({ failures: 3, firstPauseMs: 100, maxPauseMs: 800 }, new SeededRandom(1))
  breaker.onStart()
  breaker.onSuccess()
  drain(breaker)
  return breaker
}

describe('CircuitBreaker', () => {
  it('asks nothing before a first probe was answered', () => {
    const breaker = new CircuitBreaker({}, new SeededRandom(1))
    breaker.onStart()
    expect(breaker.up).to.equal(false)
    expect(drain(breaker)).to.deep.equal([{ type: 'probe' }])
    breaker.onSuccess()
    expect(breaker.up).to.equal(true)
    expect(drain(breaker)).to.deep.equal([{ type: 'state', up: true }])
  })

  it('stands single failures, and opens at three in a row', () => {
    const breaker = closed()
    for (let i = 0; i < 10; i++) {
      breaker.onFailure(i)
      breaker.onFailure(i)
      breaker.onSuccess()
    }
    expect(breaker.up).to.equal(true)
    for (let i = 0; i < 3; i++) {
      breaker.onFailure(100)
    }
    expect(breaker.up).to.equal(false)
    expect(drain(breaker)).to.deep.equal([{ type: 'state', up: false }])
  })

  it('probes after pauses that double up to a limit, each at least three quarters long', () => {
    const breaker = closed()
    let nowMs = 0
    for (let i = 0; i < 3; i++) {
      breaker.onFailure(nowMs)
    }
    drain(breaker)
    for (const pauseMs of [100, 200, 400, 800, 800, 800]) {
      const atMs = breaker.nextTimeoutMs() as number
      expect(atMs - nowMs).to.be.within(0.75 * pauseMs, pauseMs)
      breaker.onTimeout(atMs - 1)
      expect(drain(breaker)).to.deep.equal([])
      nowMs = atMs
      breaker.onTimeout(nowMs)
      expect(drain(breaker)).to.deep.equal([{ type: 'probe' }])
      expect(breaker.nextTimeoutMs()).to.equal(undefined)
      breaker.onFailure(nowMs)
    }
    breaker.onReachable()
    expect(drain(breaker)).to.deep.equal([{ type: 'probe' }])
    breaker.onSuccess()
    expect(drain(breaker)).to.deep.equal([{ type: 'state', up: true }])
  })

  it('never has two probes under way, says each change of state once, and is never without a way on', () => {
    const event = fc.constantFrom('success', 'failure', 'timeout', 'reachable')
    fc.assert(fc.property(fc.array(event, { maxLength: 200 }), fc.integer(), (events, seed) => {
      const breaker = new CircuitBreaker({ failures: 2 }, new SeededRandom(seed))
      let nowMs = 0
      let probing = false
      let up = false
      const follow = (): void => {
        for (const effect of drain(breaker)) {
          if (effect.type === 'probe') {
            expect(probing).to.equal(false)
            probing = true
          } else {
            expect(effect.up).to.equal(!up)
            up = effect.up
          }
        }
        expect(breaker.up).to.equal(up)
        expect(up || probing || breaker.nextTimeoutMs() !== undefined).to.equal(true)
      }
      breaker.onStart()
      follow()
      for (const kind of events) {
        if (kind === 'timeout') {
          nowMs = Math.max(nowMs, breaker.nextTimeoutMs() ?? nowMs)
          breaker.onTimeout(nowMs)
        } else if (kind === 'reachable') {
          breaker.onReachable()
        } else {
          // an answer ends a probe, if one is under way
          probing = false
          if (kind === 'success') {
            breaker.onSuccess()
          } else {
            breaker.onFailure(nowMs)
          }
        }
        follow()
      }
    }))
  })
})
