import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { LeasePoll, voteOnLeases } from '../src/index.ts'
import type { ElectorAnswer, LeasePollEffect, LeasePollInit } from '../src/index.ts'
import type { SuperNodeLease } from '@skein/records'

const NOW_MS = 1_790_000_000_000

function lease (peer: string, overrides: Partial<SuperNodeLease> = {}): SuperNodeLease {
  return {
    peer,
    region: 'eu-west',
    term: Math.floor(NOW_MS / 600_000),
    fence: 1,
    roles: ['relay'],
    addresses: [],
    networks: [],
    quota: {},
    issuedAtMs: NOW_MS - 60_000,
    expiresAtMs: NOW_MS + 540_000,
    withdrawn: false,
    ...overrides
  }
}

function answer (network: ElectorAnswer['network'], ...peers: string[]): ElectorAnswer {
  return { network, leases: peers.map(peer => lease(peer)), future: 0 }
}

const believed = (answers: ElectorAnswer[], alone = false): string =>
  voteOnLeases(answers, alone).leases.map(({ lease: { peer } }) => peer).sort().join('')

describe('Leases that electors name', () => {
  const cases: Array<[string, ElectorAnswer[], boolean, string]> = [
    ['of three networks two are enough', [answer(1, 'a', 'b'), answer(2, 'a', 'c'), answer(3, 'a', 'b')], false, 'ab'],
    ['of two networks both must agree', [answer(1, 'a', 'b'), answer(2, 'b')], false, 'b'],
    ['of five networks three', [answer(1, 'a', 'b'), answer(2, 'a', 'b'), answer(3, 'b'), answer(4), answer(5)], false, 'b'],
    ['one network is not enough while there is another', [answer(1, 'a')], false, ''],
    ['one network is enough when there is no other', [answer(1, 'a')], true, 'a'],
    ['being alone does not help when two answered', [answer(1, 'a'), answer(2)], true, ''],
    ['many electors of one network are one voice', [answer(1, 'x'), answer(1, 'x'), answer(1, 'x'), answer(2, 'a'), answer(3, 'a')], false, 'a'],
    ['within a network more than half must name it', [answer(1, 'a'), answer(1), answer(2, 'a'), answer(3, 'a', 'b')], false, 'a'],
    ['electors of unknown networks are one voice', [answer(undefined, 'x'), answer(undefined, 'x'), answer(1, 'a'), answer(2, 'a')], false, 'a'],
    ['nobody answered', [], true, '']
  ]
  for (const [name, answers, alone, expected] of cases) {
    it(name, () => { expect(believed(answers, alone)).to.equal(expected) })
  }

  it('are those with the highest number of all that were sent', () => {
    const [newest] = voteOnLeases([
      { ...answer(1), leases: [lease('a', { fence: 3 })] }, { ...answer(2), leases: [lease('a', { fence: 4 })] }, answer(3, 'a')
    ], false).leases
    expect(newest).to.deep.include({ named: 3, of: 3 })
    expect(newest?.lease.fence).to.equal(4)
  })

  it('need no vote when they were given back', () => {
    const withdrawn = { ...answer(1), leases: [lease('a', { withdrawn: true, fence: 9 })] }
    expect(voteOnLeases([withdrawn, answer(2), answer(3)], false).leases.map(({ lease: { peer, withdrawn: is } }) => [peer, is])).to.eql([['a', true]])
  })

  it('are not believed by a clock for which most of them come from the future', () => {
    const ahead = { ...answer(1, 'a'), future: 5 }
    expect(voteOnLeases([ahead, { ...ahead, network: 2 }, answer(3, 'a')], false)).to.deep.include({ clockDoubtful: true, leases: [] })
    expect(voteOnLeases([ahead, answer(2, 'a'), answer(3, 'a')], false).clockDoubtful).to.equal(false)
  })

  it('of who answers for fewer than half of the networks are never believed', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 6 }), (honest, perNetwork) => {
      const liars = honest - 1
      const answers = [
        ...Array.from({ length: honest }, (_, i) => answer(`honest ${i}`, 'a')),
        ...Array.from({ length: liars }, (_, i) => Array.from({ length: perNetwork }, () => answer(`liar ${i}`, 'x'))).flat()
      ]
      expect(believed(answers)).to.equal('a')
    }))
  })
})

describe('Asking for leases', () => {
  function poll (init: LeasePollInit = {}, electors: Array<[string, number | undefined]> = [], seed = 3): LeasePoll {
    const machine = new LeasePoll({ firstMs: 0, ...init }, new SeededRandom(seed))
    electors.forEach(([peer, network]) => { machine.onElector(peer, network, NOW_MS) })
    machine.onStart(NOW_MS)
    return machine
  }
  function drain (machine: LeasePoll): LeasePollEffect[] {
    const effects: LeasePollEffect[] = []
    for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
      effects.push(effect)
    }
    return effects
  }
  const asked = (effects: LeasePollEffect[]): string[] => effects.flatMap(effect => effect.type === 'ask' ? [effect.peer] : [])
  const names = (effects: LeasePollEffect[]): string[] | undefined => effects
    .flatMap(effect => effect.type === 'vote' ? [effect.vote.leases.map(({ lease: { peer } }) => peer)] : [])[0]

  /** One round, in which those that answer say `leases`, all at once. */
  function round (machine: LeasePoll, nowMs: number, leases: SuperNodeLease[], networkOf: (peer: string) => number | undefined): LeasePollEffect[] {
    const seen: LeasePollEffect[] = []
    machine.onTimeout(nowMs)
    for (let effects = drain(machine); effects.length > 0; effects = drain(machine)) {
      seen.push(...effects)
      for (const effect of effects) {
        if (effect.type === 'seek') {
          machine.onSought(nowMs)
        } else if (effect.type === 'ask') {
          machine.onAnswer(effect.peer, { network: networkOf(effect.peer), leases, future: 0 }, nowMs)
        }
      }
    }
    return seen
  }

  const SIX: Array<[string, number]> = [['a', 1], ['b', 1], ['c', 2], ['d', 2], ['e', 3], ['f', 3]]
  const networkOf = (peer: string): number | undefined => new Map<string, number>(SIX).get(peer)

  it('asks one elector in each of three networks, and looks for no others then', () => {
    const machine = poll({}, SIX)
    const effects = round(machine, NOW_MS, [lease('x')], networkOf)
    expect(asked(effects).map(networkOf).sort()).to.eql([1, 2, 3])
    expect(effects.map(({ type }) => type)).not.to.include('seek')
    expect(names(effects)).to.eql(['x'])
  })

  it('asks others for those that do not answer', () => {
    const machine = poll({}, SIX)
    machine.onTimeout(NOW_MS)
    const first = asked(drain(machine))
    machine.onFailed(first[0] as string, NOW_MS)
    const second = asked(drain(machine))
    expect(second.map(networkOf)).to.eql([networkOf(first[0] as string)])
  })

  it('looks for electors while fewer than three networks are known, and asks those that it finds', () => {
    const machine = poll({}, [['a', 1]])
    machine.onTimeout(NOW_MS)
    expect(drain(machine)).to.deep.equal([{ type: 'seek' }, { type: 'ask', peer: 'a' }])
    machine.onAnswer('a', answer(1, 'x'), NOW_MS)
    expect(drain(machine)).to.eql([])
    machine.onElector('c', 2, NOW_MS)
    expect(asked(drain(machine))).to.eql(['c'])
    machine.onAnswer('c', answer(2, 'x'), NOW_MS)
    machine.onSought(NOW_MS)
    expect(names(drain(machine))).to.eql(['x'])
  })

  it('ends a round at its time with what has been said', () => {
    const machine = poll({ roundMs: 8000 }, SIX)
    machine.onTimeout(NOW_MS)
    const [one, two] = asked(drain(machine)) as [string, string]
    machine.onAnswer(one, answer(networkOf(one), 'x'), NOW_MS)
    machine.onAnswer(two, answer(networkOf(two), 'x'), NOW_MS)
    expect(machine.nextTimeoutMs()).to.equal(NOW_MS + 8000)
    machine.onTimeout(NOW_MS + 8000)
    expect(names(drain(machine))).to.eql(['x'])
    machine.onAnswer('late', answer(9, 'y'), NOW_MS + 8001)
    expect(drain(machine)).to.eql([])
  })

  it('asks several where all are in one network, and goes by most of them', () => {
    const machine = poll({}, [['a', undefined], ['b', undefined], ['c', undefined], ['d', undefined]])
    const effects = round(machine, NOW_MS, [lease('x')], () => undefined)
    expect(asked(effects)).to.have.length(3)
    expect(names(effects)).to.eql(['x'])
  })

  it('goes by the network in which an elector was reached, not by the one that it tells', () => {
    const machine = poll({}, [['a', 1], ['b', 2], ['c', 3]])
    expect(names(round(machine, NOW_MS, [lease('x')], () => 7))).to.eql(['x'])
    machine.onElector('honest', 8, NOW_MS)
    expect(names(round(machine, machine.nextTimeoutMs() as number, [lease('x')], peer => peer === 'honest' ? 8 : 7))).to.eql(['x'])
  })

  it('asks again well before the leases end', () => {
    for (let seed = 0; seed < 20; seed++) {
      const machine = poll({}, SIX, seed)
      round(machine, NOW_MS, [lease('x', { expiresAtMs: NOW_MS + 300_000 }), lease('y')], networkOf)
      expect(machine.nextTimeoutMs()).to.be.within(NOW_MS + 112_500, NOW_MS + 150_000)
    }
  })

  it('pauses ever longer while nobody names any, up to ten minutes, and not when a new network is heard of', () => {
    const machine = poll({}, SIX)
    const pauses: number[] = []
    let nowMs = NOW_MS
    for (let i = 0; i < 12; i++) {
      round(machine, nowMs, [], networkOf)
      pauses.push((machine.nextTimeoutMs() as number) - nowMs)
      nowMs = machine.nextTimeoutMs() as number
    }
    expect(pauses[0]).to.be.within(2500, 7500)
    expect(Math.max(...pauses)).to.be.within(300_000, 900_000)
    round(machine, nowMs, [], networkOf)
    machine.onElector('new', 9, nowMs)
    expect(machine.nextTimeoutMs()).to.be.within(nowMs, nowMs + 6000)
  })

  it('asks soon when none of those that were told works, but not at once again', () => {
    const machine = poll({}, SIX)
    round(machine, NOW_MS, [lease('x')], networkOf)
    machine.onUrgent(NOW_MS + 100)
    expect(machine.nextTimeoutMs()).to.equal(NOW_MS + 5000)
    machine.onTimeout(NOW_MS + 5000)
    expect(asked(drain(machine))).to.have.length(3)
  })

  it('forgets who does not answer three times, and keeps no more than eight of a network and 64 in all', () => {
    const machine = poll({}, Array.from({ length: 200 }, (_, i) => [`peer ${i}`, i % 2]))
    expect(machine.known).to.equal(16)
    for (let i = 0; i < 200; i++) {
      machine.onElector(`other ${i}`, 10 + i, NOW_MS)
    }
    expect(machine.known).to.equal(64)
    for (let i = 0; i < 3; i++) {
      machine.onFailed('other 199', NOW_MS)
    }
    expect(machine.known).to.equal(63)
    for (let i = 0; i < 3; i++) {
      machine.onFailed('other 0', NOW_MS, 1_000) // it is there, and has no time
    }
    expect(machine.known).to.equal(63)
  })

  it('asks nine a round at most, whoever comes', () => {
    const machine = poll({}, Array.from({ length: 64 }, (_, i) => [`peer ${i}`, i]))
    const effects = round(machine, NOW_MS, [], () => 1)
    expect(asked(effects)).to.have.length(9)
  })
})
