import { expect } from 'chai'
import fc from 'fast-check'
import { LocationKeeper } from '../../src/signalling/location-keeper.ts'
import { LOCATION_LIFE_MS } from '../../src/signalling/signal-bus.ts'
import type { LocationEffect } from '../../src/signalling/location-keeper.ts'

function drain (keeper: LocationKeeper): LocationEffect[] {
  const effects: LocationEffect[] = []
  for (let effect = keeper.poll(); effect !== undefined; effect = keeper.poll()) {
    effects.push(effect)
  }
  return effects
}

describe('the keeper of locations', () => {
  it('claims, renews at a third of the life, and takes back', () => {
    const keeper = new LocationKeeper()
    keeper.onPresent('p', 0)
    expect(drain(keeper)).to.deep.equal([{ type: 'claim', peer: 'p', floor: 1 }])
    keeper.onClaimed('p', 70, 5)
    expect(keeper.nextTimeoutMs()).to.equal(5 + LOCATION_LIFE_MS / 3)
    keeper.onTimeout(5 + LOCATION_LIFE_MS / 3)
    expect(drain(keeper)).to.deep.equal([{ type: 'renew', peer: 'p', token: 70 }])
    keeper.onRenewed('p', true, 30_010)
    keeper.onAbsent('p', 30_020)
    expect(drain(keeper)).to.deep.equal([{ type: 'release', peer: 'p', token: 70 }])
    keeper.onReleased('p', 30_030)
    expect([keeper.size, keeper.nextTimeoutMs()]).to.deep.equal([0, undefined])
  })

  it('claims anew, above every token it has seen, when a renewal is refused or the peer has connected again', () => {
    const keeper = new LocationKeeper()
    keeper.onPresent('p', 0)
    keeper.onClaimed('p', 70, 0)
    keeper.onTimeout(30_000)
    drain(keeper)
    keeper.onRenewed('p', false, 30_000)
    expect(drain(keeper)).to.deep.equal([{ type: 'claim', peer: 'p', floor: 71 }])
    // it connects again while the bus is being asked: that claim is older than the connection
    keeper.onPresent('p', 30_001)
    keeper.onClaimed('p', 90, 30_002)
    expect(drain(keeper)).to.deep.equal([{ type: 'claim', peer: 'p', floor: 91 }])
  })

  it('tries again after the bus has failed, and at once when it is back', () => {
    const keeper = new LocationKeeper()
    keeper.onPresent('p', 0)
    drain(keeper)
    keeper.onClaimed('p', undefined, 10)
    expect(drain(keeper)).to.deep.equal([])
    keeper.onTimeout(keeper.nextTimeoutMs() as number)
    expect(drain(keeper)).to.have.length(1)
    keeper.onClaimed('p', undefined, 3_000)
    keeper.onRestored(3_001)
    expect(drain(keeper)).to.have.length(1)
  })

  it('asks no faster than it may when all is to be claimed again', () => {
    const keeper = new LocationKeeper({ rate: { ratePerSecond: 100, burst: 100 } })
    let nowMs = 0
    const asked: number[] = []
    const work = (): void => {
      for (const effect of drain(keeper)) {
        asked.push(nowMs)
        if (effect.type === 'claim') {
          keeper.onClaimed(effect.peer, asked.length, nowMs)
        } else if (effect.type === 'renew') {
          keeper.onRenewed(effect.peer, true, nowMs)
        }
      }
    }
    const run = (untilMs: number): void => {
      for (let next = keeper.nextTimeoutMs(); next !== undefined && next <= untilMs; next = keeper.nextTimeoutMs()) {
        nowMs = next
        keeper.onTimeout(nowMs)
        work()
      }
      nowMs = untilMs
    }
    for (let i = 0; i < 1_000; i++) {
      keeper.onPresent(`p${i}`, 0)
    }
    work()
    run(10_000)
    expect(keeper.held).to.equal(1_000)
    asked.length = 0
    keeper.onRestored(nowMs)
    work()
    run(nowMs + 10_000)
    expect(asked).to.have.length(1_000)
    expect(asked.filter(atMs => atMs < 11_000).length).to.be.within(100, 201)
  })

  it('has claimed whoever is here and nobody else once all is quiet, whatever the bus did', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('present' as const, 'absent' as const), peer: fc.nat({ max: 2 }) }),
      fc.record({ do: fc.constantFrom('answer' as const, 'fail' as const, 'forget' as const, 'restored' as const), peer: fc.constant(0) }),
      fc.record({ do: fc.constant('wait' as const), peer: fc.constantFrom(1, 2_000, 30_000) })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
      const keeper = new LocationKeeper()
      const claims = new Map<string, number>()
      const here = new Set<string>()
      const asked: LocationEffect[] = []
      let nowMs = 0
      let token = 0
      const answer = (works: boolean): void => {
        asked.push(...drain(keeper))
        const effect = asked.shift()
        if (effect === undefined) {
          return
        }
        const { peer } = effect
        if (effect.type === 'claim') {
          token = Math.max(token + 1, effect.floor)
          if (works) {
            claims.set(peer, token)
          }
          keeper.onClaimed(peer, works ? token : undefined, nowMs)
        } else if (effect.type === 'renew') {
          keeper.onRenewed(peer, works ? claims.get(peer) === effect.token : undefined, nowMs)
        } else {
          if (claims.get(peer) === effect.token) {
            claims.delete(peer)
          }
          keeper.onReleased(peer, nowMs)
        }
      }
      for (const { do: what, peer } of steps) {
        switch (what) {
          case 'present': here.add(`${peer}`); keeper.onPresent(`${peer}`, nowMs); break
          case 'absent': here.delete(`${peer}`); keeper.onAbsent(`${peer}`, nowMs); break
          case 'answer': answer(true); break
          case 'fail': answer(false); break
          case 'forget': claims.clear(); break
          case 'restored': keeper.onRestored(nowMs); break
          case 'wait': nowMs += peer; keeper.onTimeout(nowMs); break
        }
      }
      for (let i = 0; i < 60; i++) {
        answer(true)
        nowMs += 2_000
        keeper.onTimeout(nowMs)
      }
      for (const peer of here) {
        expect(claims.has(peer), `claim of ${peer}`).to.equal(true)
      }
      expect(keeper.held).to.equal(here.size)
      expect(keeper.size).to.equal(here.size)
    }), { numRuns: 500 })
  })
})
