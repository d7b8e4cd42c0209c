import { expect } from 'chai'
import { isNotable, SelfRenewal } from '../../src/registry/self-renewal.ts'
import type { RelayLoad } from '@skein/records'

const load = (reservations: number, circuits = 0): RelayLoad => ({ reservations, maxReservations: 100, circuits, maxCircuits: 50 })

function started (nowMs = 0): SelfRenewal {
  const machine = new SelfRenewal()
  machine.onStart(nowMs)
  expect(machine.poll()).to.deep.equal({ type: 'register', changed: false })
  machine.onRegistered(load(0), 300_000, nowMs)
  return machine
}

describe('SelfRenewal', () => {
  it('registers at the start, and again at half the life', () => {
    const machine = started()
    expect(machine.nextTimeoutMs()).to.equal(150_000)
    machine.onTimeout(150_000)
    expect(machine.poll()).to.deep.equal({ type: 'register', changed: false })
  })

  it('tells a notable load soon, at most every 10 s, and no other', () => {
    const machine = started()
    machine.onLoad(load(9), 1_000)
    expect(machine.nextTimeoutMs()).to.equal(150_000)
    machine.onLoad(load(10), 2_000)
    expect(machine.nextTimeoutMs()).to.equal(10_000)
    machine.onTimeout(10_000)
    expect(machine.poll()).to.deep.equal({ type: 'register', changed: true })
    machine.onRegistered(load(10), 300_000, 10_050)
    machine.onLoad(load(30), 60_000)
    expect(machine.poll(), 'long after the last it is told at once').to.deep.equal({ type: 'register', changed: true })
  })

  it('takes it back when the load is again what was told', () => {
    const machine = started()
    machine.onLoad(load(20), 1_000)
    machine.onLoad(load(1), 2_000)
    expect(machine.nextTimeoutMs()).to.equal(150_000)
  })

  it('tries again after a failure', () => {
    const machine = started()
    machine.onTimeout(150_000)
    machine.poll()
    machine.onFailed(150_000)
    machine.onTimeout(160_000)
    expect(machine.poll()).to.deep.equal({ type: 'register', changed: false })
  })

  const cases: Array<[string, RelayLoad | undefined, RelayLoad | undefined, boolean]> = [
    ['nothing', load(5), load(5), false],
    ['a few of many', load(5), load(14), false],
    ['a tenth of the reservations', load(5), load(15), true],
    ['a tenth of the circuits', load(5, 10), load(5, 5), true],
    ['the last place', load(99), load(100), true],
    ['room again', load(100), load(99), true],
    ['closing', load(5), undefined, true],
    ['opening', undefined, load(5), true],
    ['still closed', undefined, undefined, false]
  ]
  for (const [name, before, after, notable] of cases) {
    it(`finds ${name} ${notable ? '' : 'not '}notable`, () => { expect(isNotable(before, after)).to.equal(notable) })
  }
})
