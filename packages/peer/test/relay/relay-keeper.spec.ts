import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { RelayKeeper } from '../../src/relay/relay-keeper.ts'
import type { KnownRelay, RelayKeeperEffect } from '../../src/relay/relay-keeper.ts'

const relay = (peer: string, network: string | undefined = peer): KnownRelay => ({ peer, addresses: [], network })

function drain (machine: RelayKeeper): string[] {
  const effects: string[] = []
  for (let effect: RelayKeeperEffect | undefined = machine.poll(); effect != null; effect = machine.poll()) {
    effects.push(effect.type === 'ask' ? 'ask' : `${effect.type} ${effect.type === 'reserve' ? effect.relay.peer : effect.peer}`)
  }
  return effects
}

function keeper (): RelayKeeper {
  return new RelayKeeper({}, new SeededRandom(1))
}

/** Runs the time up to a moment: what the machine wanted on the way, and when. */
function until (machine: RelayKeeper, atMs: number, answer: (effect: string, nowMs: number) => void = () => {}): Array<[number, string]> {
  const wanted: Array<[number, string]> = []
  for (let next = machine.nextTimeoutMs(); next != null && next <= atMs; next = machine.nextTimeoutMs()) {
    machine.onTimeout(next)
    for (const effect of drain(machine)) {
      wanted.push([next, effect])
      answer(effect, next)
    }
  }
  return wanted
}

describe('RelayKeeper', () => {
  it('does nothing until a reservation is wanted', () => {
    const machine = keeper()
    machine.onRelays([relay('a')], 0)
    expect(drain(machine)).to.deep.equal([])
  })

  it('asks for relays, and reserves at as many of the best as are wanted', () => {
    const machine = keeper()
    machine.onWanted(2, 0)
    expect(drain(machine)).to.deep.equal(['ask'])
    machine.onRelays([relay('a'), relay('b'), relay('c')], 10)
    expect(drain(machine)).to.deep.equal(['reserve a', 'reserve b'])
    machine.onReserved('a', 20)
    machine.onFailed('b', 20)
    expect(drain(machine)).to.deep.equal(['reserve c'])
    machine.onReserved('c', 30)
    expect(machine.relays).to.deep.equal(['a', 'c'])
    until(machine, 600_000)
    expect(machine.nextTimeoutMs()).to.equal(undefined)
  })

  it('goes to another relay at once when one is lost', () => {
    const machine = keeper()
    machine.onWanted(1, 0)
    machine.onRelays([relay('a'), relay('b')], 0)
    machine.onReserved('a', 0)
    drain(machine)
    machine.onLost('a', 1_000)
    expect(drain(machine)).to.deep.equal(['reserve b'])
  })

  it('makes reservations again at once where they were when this peer is in another network', () => {
    const machine = keeper()
    machine.onWanted(2, 0)
    machine.onRelays([relay('a'), relay('b'), relay('c')], 0)
    machine.onReserved('a', 0)
    machine.onFailed('b', 0)
    machine.onFailed('c', 0)
    drain(machine)
    machine.onNetworkChanged(100)
    expect(drain(machine)).to.deep.equal(['reserve b'])
    machine.onReserved('b', 200)
    machine.onLost('a', 2_000)
    machine.onLost('b', 2_000)
    expect(drain(machine)).to.deep.equal(['reserve a', 'reserve b'])
  })

  it('makes the reservation again at the only relay there is, first within 1.5 s, then at most every 45 s', () => {
    const machine = keeper()
    machine.onWanted(1, 0)
    machine.onRelays([relay('a')], 0)
    machine.onReserved('a', 0)
    drain(machine)
    machine.onLost('a', 100_000)
    const tries: number[] = []
    until(machine, 1_000_000, (effect, nowMs) => {
      if (effect === 'ask') {
        machine.onRelays([], nowMs)
      } else {
        tries.push(nowMs)
        machine.onFailed('a', nowMs)
      }
      drain(machine)
    })
    expect((tries[0] ?? 0) - 100_000).to.be.within(500, 1_500)
    const gaps = tries.slice(1).map((at, i) => at - (tries[i] ?? 0))
    expect(Math.max(...gaps)).to.be.at.most(45_000)
    expect(tries.length).to.be.below(50)
    machine.onReserved('a', 1_000_000)
    expect(machine.relays).to.deep.equal(['a'])
  })

  it('asks ever more rarely while nobody knows a relay', () => {
    const machine = keeper()
    machine.onWanted(1, 0)
    expect(drain(machine)).to.deep.equal(['ask'])
    machine.onRelays([], 0)
    const asks = until(machine, 600_000, (_, nowMs) => { machine.onRelays([], nowMs) })
    expect(asks.length).to.be.within(12, 50)
  })

  it('never holds or seeks more than are wanted, and seeks on while it holds fewer', () => {
    const peer = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('reserved' as const, 'failed' as const, 'lost' as const), peer }),
      fc.record({ do: fc.constant('relays' as const), peers: fc.uniqueArray(peer) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60_000 }) })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 100 }), steps => {
      const machine = keeper()
      const [pending, asking] = [new Set<string>(), { is: false }]
      let nowMs = 0
      const take = (): void => {
        for (const effect of drain(machine)) {
          if (effect === 'ask') {
            expect(asking.is).to.equal(false)
            asking.is = true
          } else {
            const peer = effect.slice('reserve '.length)
            expect(pending.has(peer) || machine.relays.includes(peer)).to.equal(false)
            pending.add(peer)
          }
        }
        expect(machine.relays.length + pending.size).to.be.at.most(2)
        if (machine.relays.length < 2 && pending.size === 0 && !asking.is) {
          expect(machine.nextTimeoutMs()).to.not.equal(undefined)
        }
      }
      machine.onWanted(2, nowMs)
      take()
      for (const step of steps) {
        if (step.do === 'wait') {
          nowMs += step.ms
          machine.onTimeout(nowMs)
        } else if (step.do === 'relays') {
          if (asking.is) {
            asking.is = false
            machine.onRelays(step.peers.map(peer => relay(peer)), nowMs)
          }
        } else if (step.do === 'lost') {
          machine.onLost(step.peer, nowMs)
        } else if (pending.delete(step.peer)) {
          step.do === 'reserved' ? machine.onReserved(step.peer, nowMs) : machine.onFailed(step.peer, nowMs)
        }
        take()
      }
    }))
  })

  it('takes a second one in another network only, and asks for one without hurry', () => {
    const machine = keeper()
    machine.onWanted(2, 0)
    machine.onRelays([relay('a', 'one'), relay('b', 'one'), { peer: 'c', addresses: [] }], 0)
    expect(drain(machine)).to.deep.equal(['ask', 'reserve a'])
    machine.onReserved('a', 0)
    const asked = until(machine, 600_000, (_, nowMs) => { machine.onRelays([relay('a', 'one'), relay('b', 'one')], nowMs) })
    expect(asked.every(([, effect]) => effect === 'ask')).to.equal(true)
    expect(asked.length).to.be.within(1, 12)
    until(machine, 1_800_000, (_, nowMs) => { machine.onRelays([relay('d', 'two')], nowMs) })
    machine.onReserved('d', 1_800_000)
    expect(machine.relays).to.deep.equal(['a', 'd'])
  })

  it('looks for another at once when the only one is lost, however long it meant to wait', () => {
    const machine = keeper()
    machine.onWanted(2, 0)
    machine.onRelays([relay('a', 'one')], 0)
    machine.onReserved('a', 0)
    until(machine, 60_000, (_, nowMs) => { machine.onRelays([relay('a', 'one')], nowMs) })
    machine.onLost('a', 60_000)
    expect(until(machine, 62_000).map(([, effect]) => effect)).to.include('ask')
  })

  it('gives its own back when as many have stood elsewhere for half a minute', () => {
    const machine = keeper()
    machine.onWanted(2, 0)
    machine.onRelays([relay('a'), relay('b')], 0)
    machine.onReserved('a', 0)
    machine.onReserved('b', 0)
    drain(machine)
    machine.onElsewhere(['x'], 1_000)
    expect(until(machine, 100_000)).to.deep.equal([])
    machine.onElsewhere(['x', 'y'], 100_000)
    machine.onElsewhere(['x'], 120_000)
    expect(until(machine, 200_000), 'one was lost again').to.deep.equal([])
    machine.onElsewhere(['x', 'y'], 200_000)
    expect(until(machine, 300_000)).to.deep.equal([[230_000, 'release a'], [230_000, 'release b']])
    expect(machine.relays).to.deep.equal([])
  })

  it('makes them again at once when those elsewhere are gone', () => {
    const machine = keeper()
    machine.onWanted(2, 0)
    machine.onRelays([relay('a'), relay('b')], 0)
    machine.onReserved('a', 0)
    machine.onReserved('b', 0)
    machine.onElsewhere(['x', 'y', 'z'], 0)
    until(machine, 60_000)
    drain(machine)
    machine.onElsewhere([], 60_000)
    expect(drain(machine)).to.deep.equal(['reserve a', 'reserve b'])
  })
})
