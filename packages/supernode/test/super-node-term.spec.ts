import { expect } from 'chai'
import fc from 'fast-check'
import { SuperNodeTerm, TERM_MS } from '../src/index.ts'
import { NOW_MS } from './candidate-fixture.ts'
import type { SuperNodeTermInit, TermEffect } from '../src/index.ts'

const MINUTE_MS = 60_000
const START_MS = Math.floor(NOW_MS / TERM_MS) * TERM_MS
const TERM = START_MS / TERM_MS

function drain (machine: SuperNodeTerm): TermEffect[] {
  const effects: TermEffect[] = []
  for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
    effects.push(effect)
  }
  return effects
}

function elected (init: SuperNodeTermInit = {}): SuperNodeTerm {
  const machine = new SuperNodeTerm(init)
  machine.onWilling(START_MS)
  machine.onElection(true, START_MS)
  return machine
}

describe('A seat', () => {
  it('is taken when an election names a willing peer', () => {
    const lease = { term: TERM, fence: 1, issuedAtMs: START_MS, expiresAtMs: START_MS + 10 * MINUTE_MS, withdrawn: false }
    expect(drain(elected())).to.deep.equal([
      { type: 'elect' },
      { type: 'persist', mark: { term: TERM, fence: 1 } },
      { type: 'sign', lease },
      { type: 'state', state: 'holding' }
    ])
  })

  it('is renewed at half of the lease, in the same term and under a higher number', () => {
    const machine = elected()
    drain(machine)
    expect(machine.nextTimeoutMs()).to.equal(START_MS + 5 * MINUTE_MS)
    machine.onTimeout(START_MS + 5 * MINUTE_MS)
    expect(drain(machine)).to.deep.equal([{ type: 'elect' }])
    machine.onElection(true, START_MS + 5 * MINUTE_MS + 1000)
    expect(machine.lease).to.deep.include({ term: TERM, fence: 2, expiresAtMs: START_MS + 15 * MINUTE_MS + 1000 })
  })

  it('that another is elected to is kept to the end of its lease, and its clients for a minute more', () => {
    const machine = elected()
    machine.onTimeout(START_MS + 5 * MINUTE_MS)
    machine.onElection(false, START_MS + 5 * MINUTE_MS)
    drain(machine)
    expect(machine.takesClients(START_MS + 10 * MINUTE_MS - 1)).to.equal(true)
    expect(machine.takesClients(START_MS + 10 * MINUTE_MS)).to.equal(false)
    machine.onTimeout(START_MS + 10 * MINUTE_MS)
    expect(drain(machine)).to.deep.equal([{ type: 'state', state: 'leaving' }, { type: 'elect' }])
    machine.onTimeout(START_MS + 11 * MINUTE_MS)
    expect(drain(machine).filter(({ type }) => type !== 'elect')).to.deep.equal([{ type: 'state', state: 'idle' }, { type: 'release' }])
  })

  it('is lost when elections do not answer: they are asked for again, and the lease ends', () => {
    const machine = elected()
    for (let nowMs = START_MS; nowMs <= START_MS + 10 * MINUTE_MS; nowMs = machine.nextTimeoutMs() as number) {
      machine.onTimeout(nowMs)
    }
    expect(machine.state).to.equal('leaving')
    expect(drain(machine).filter(({ type }) => type === 'elect')).to.have.length(12)
  })

  it('that was lost and won again is of another term', () => {
    const machine = elected()
    machine.onElection(false, START_MS + 5 * MINUTE_MS)
    machine.onElection(true, START_MS + 10 * MINUTE_MS + 1)
    expect(machine.lease).to.deep.include({ term: TERM + 1, fence: 2 })
    expect(machine.state).to.equal('holding')
  })

  it('is given back at once when the volunteer stops', () => {
    const machine = elected()
    drain(machine)
    machine.onUnwilling(START_MS + MINUTE_MS)
    expect(drain(machine).map(effect => effect.type === 'sign' ? effect.lease.withdrawn : effect.type)).to.deep.equal(['persist', true, 'state'])
    expect(machine.takesClients(START_MS + MINUTE_MS)).to.equal(false)
    expect(machine.nextTimeoutMs()).to.equal(START_MS + 2 * MINUTE_MS)
  })

  it('is not taken by one that has stopped meanwhile', () => {
    const machine = new SuperNodeTerm()
    machine.onWilling(START_MS)
    machine.onUnwilling(START_MS + 1)
    machine.onElection(true, START_MS + 2)
    expect(machine.state).to.equal('idle')
  })

  it('goes on above the numbers of before a crash', () => {
    const machine = elected({ mark: { term: TERM, fence: 41 } })
    expect(machine.lease).to.deep.include({ term: TERM, fence: 42 })
  })

  it('cannot be leased for longer than clients accept', () => {
    expect(() => new SuperNodeTerm({ leaseMs: 600_001 })).to.throw(RangeError)
  })

  it('never has a lease that was not persisted before, nor a number twice, nor clients after its end', () => {
    const step = fc.record({ input: fc.constantFrom('willing', 'unwilling', 'won', 'lost', 'time'), waitMs: fc.nat(8 * MINUTE_MS) })
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const machine = new SuperNodeTerm()
      let nowMs = START_MS
      let persisted = 0
      let signed = 0
      for (const { input, waitMs } of steps) {
        nowMs += waitMs
        switch (input) {
          case 'willing': machine.onWilling(nowMs); break
          case 'unwilling': machine.onUnwilling(nowMs); break
          case 'time': machine.onTimeout(nowMs); break
          default: machine.onElection(input === 'won', nowMs)
        }
        for (const effect of drain(machine)) {
          if (effect.type === 'persist') {
            expect(effect.mark.fence).to.be.above(persisted)
            persisted = effect.mark.fence
          } else if (effect.type === 'sign') {
            expect(effect.lease.fence).to.equal(persisted)
            expect(effect.lease.fence).to.be.above(signed)
            signed = effect.lease.fence
          }
        }
        expect(machine.takesClients(machine.lease?.expiresAtMs ?? nowMs)).to.equal(false)
      }
    }))
  })
})
