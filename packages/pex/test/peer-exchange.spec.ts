import { expect } from 'chai'
import fc from 'fast-check'
import { SeededRandom } from '@skein/core'
import { ASK_TIMEOUT_MS, DIAL_MINUTE_MS, DialLimits, EXCHANGE_BOUNDS, PeerExchange, smallNetworkOf } from '../src/index.ts'
import { record } from './record-fixture.ts'
import type { PexEffect } from '../src/index.ts'

function effectsOf (machine: PeerExchange): PexEffect[] {
  const effects: PexEffect[] = []
  for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
    effects.push(effect)
  }
  return effects
}

function typesOf (machine: PeerExchange): string[] {
  return effectsOf(machine).map(effect => effect.type === 'penalize' ? effect.reason : effect.type)
}

const machineAt = (nowMs: number, init = {}): PeerExchange => new PeerExchange({ self: '0', ...init }, new SeededRandom(1), nowMs)
const ask = (peers: number[], nowMs: number, wanted = 50) => ({ records: peers.map(peer => record(peer, nowMs)), wanted })

describe('PeerExchange', () => {
  it('answers one question a minute of each peer', () => {
    const machine = machineAt(0)
    machine.onAsk('1', ask([1], 0), 0)
    expect(typesOf(machine)).to.deep.equal(['answer', 'learned'])
    machine.onAsk('1', ask([1], 1000), 54_999)
    expect(typesOf(machine)).to.deep.equal(['refuse', 'too_soon'])
    machine.onAsk('2', ask([2], 55_000), 55_000)
    machine.onAsk('1', ask([1], 55_000), 55_000)
    expect(typesOf(machine)).to.deep.equal(['answer', 'learned', 'answer'])
    expect(machine.counters.offences_total.too_soon).to.equal(1)
  })

  it('tells who asks of those it is connected to, and not of those it only heard of', () => {
    const machine = machineAt(0)
    machine.onAsk('1', ask([1, 2, 3], 0), 0)
    machine.onConnected('3', 0)
    machine.onAsk('4', ask([4], 0), 0)
    const answers = effectsOf(machine).filter(effect => effect.type === 'answer')
    expect(answers.map(({ records }) => records.map(({ peer }) => peer).sort())).to.deep.equal([[], ['1', '3']])
  })

  it('has a name for what others do wrong', () => {
    const machine = machineAt(0)
    machine.onAsk('1', ask(Array.from({ length: 51 }, (_, i) => i + 1), 0), 0)
    machine.onAsk('2', ask([5, 5], 0), 0)
    machine.onAnswer('3', [], 0)
    machine.onOffence('4', 'oversize')
    expect(effectsOf(machine).flatMap(effect => effect.type === 'penalize' ? [`${effect.peer} ${effect.reason}`] : [])).to.deep.equal([
      '1 too_many', '2 duplicate', '3 unsolicited', '4 oversize'
    ])
    expect(machine.view.size).to.equal(0)
  })

  it('tells more than it can serve to come again, without blame', () => {
    const machine = machineAt(0, { answersPerMinute: 3 })
    for (let peer = 1; peer <= 5; peer++) {
      machine.onAsk(String(peer), ask([peer], 0), 0)
    }
    expect(typesOf(machine)).to.deep.equal([1, 2, 3].flatMap(() => ['answer', 'learned']).concat(['refuse', 'refuse']))
  })

  it('drops who does not answer', () => {
    const machine = machineAt(0)
    machine.onKnown([record(1, 0)], 0)
    machine.onTimeout(2000)
    expect(effectsOf(machine)).to.deep.include({ type: 'ask', peer: '1', addresses: ['/ip4/203.0.1.1/tcp/4001'], records: [], wanted: 50 })
    machine.onTimeout(2000 + ASK_TIMEOUT_MS)
    expect([machine.view.size, machine.counters.asks_failed_total]).to.deep.equal([0, 1])
  })

  it('answers only, when it is told not to ask', () => {
    const machine = machineAt(0, { asks: false })
    machine.onKnown([record(7, 0)], 0)
    machine.onAsk('1', ask([1, 2], 0), 0)
    for (let nowMs = 1_000; nowMs < 600_000; nowMs += 1_000) {
      machine.onTimeout(nowMs)
    }
    expect(typesOf(machine)).to.deep.equal(['answer', 'learned'])
    expect(machine.nextTimeoutMs()).to.be.within(600_000, 660_000)
  })

  it('asks neighbours every other time', () => {
    const machine = machineAt(0, { roundMs: 60_000, fillMs: 60_000 })
    machine.onKnown(Array.from({ length: 40 }, (_, i) => record(i + 10, 0)), 0)
    machine.onConnected('1', 0)
    machine.onNeighbours(['1'])
    const asked: boolean[] = []
    for (let minute = 1; minute <= 6; minute++) {
      machine.onTimeout(minute * 60_000)
      asked.push(...effectsOf(machine).flatMap(effect => effect.type === 'ask' ? [effect.peer === '1'] : []))
    }
    expect(asked).to.deep.equal([false, true, false, true, false, true])
  })

  it('asks nobody twice in a minute, sends no more than a message holds, and dials no /24 more than twice a minute', () => {
    const step = fc.record({
      pauseMs: fc.integer({ min: 100, max: 40_000 }),
      from: fc.integer({ min: 1, max: 30 }),
      peers: fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 50 }),
      networks: fc.integer({ min: 1, max: 40 }),
      answers: fc.boolean()
    })
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), fc.nat(1e6), (steps, seed) => {
      const machine = new PeerExchange({ self: '0', fillMs: 100 }, new SeededRandom(seed), 0)
      const asks: Array<{ peer: string, atMs: number }> = []
      const dials: Array<{ network: string, atMs: number }> = []
      let nowMs = 0
      for (const { pauseMs, from, peers, networks, answers } of steps) {
        nowMs += pauseMs
        const records = peers.map(peer => record(peer, nowMs, `/ip4/203.0.${peer % networks}.9/tcp/1`))
        machine.onAsk(String(from), { records, wanted: 1000 }, nowMs)
        machine.onTimeout(nowMs)
        for (const effect of effectsOf(machine)) {
          if (effect.type !== 'ask' && effect.type !== 'answer') {
            continue
          }
          const bytes = effect.records.reduce((sum, { envelope }) => sum + envelope.length + 3, 0)
          expect(bytes).to.be.at.most(EXCHANGE_BOUNDS.maxMessageBytes - 512)
          expect(effect.records.length).to.be.at.most(effect.type === 'ask' ? 49 : 50)
          if (effect.type === 'ask') {
            asks.push({ peer: effect.peer, atMs: nowMs })
            dials.push(...effect.addresses.map(address => ({ network: smallNetworkOf(address) as string, atMs: nowMs })))
            if (answers) {
              machine.onAnswer(effect.peer, records.slice(0, effect.wanted), nowMs)
            }
          }
        }
        expect(machine.view.size).to.be.at.most(100)
        expect(machine.nextTimeoutMs()).to.be.above(nowMs)
      }
      for (const { peer, atMs } of asks) {
        expect(asks.filter(other => other.peer === peer && other.atMs >= atMs && other.atMs < atMs + 60_000)).to.have.length(1)
      }
      for (const { network, atMs } of dials) {
        expect(dials.filter(other => other.network === network && other.atMs >= atMs && other.atMs < atMs + DIAL_MINUTE_MS)).to.have.length.at.most(2)
      }
    }), { numRuns: 60 })
  })

  it('dials two of 1,000 records that one peer made up, in ten minutes', () => {
    const machine = machineAt(0, { fillMs: 100, roundMs: 1000 })
    const dialled = new Set<string>()
    for (let second = 0; second < 600; second++) {
      if (second % 60 === 0) {
        const first = 1000 + second / 60 * 50
        machine.onAsk('1', ask(Array.from({ length: 50 }, (_, i) => first + i), second * 1000), second * 1000)
      }
      machine.onTimeout(second * 1000)
      for (const effect of effectsOf(machine)) {
        if (effect.type === 'ask' && effect.peer !== '1') {
          dialled.add(effect.peer)
          machine.onAskFailed(effect.peer)
        }
      }
    }
    expect(dialled.size).to.equal(2)
  })

  it('forgets who was connected and what was asked when it is stopped, and knows its view still', () => {
    const machine = machineAt(0)
    machine.onAsk('1', ask([1, 2], 0), 0)
    machine.onConnected('2', 0)
    machine.onTimeout(2000)
    machine.onStopped(3000)
    expect([effectsOf(machine), machine.view.size]).to.deep.equal([[], 2])
    machine.onAnswer('2', [], 4000)
    expect(typesOf(machine)).to.deep.equal(['unsolicited'])
  })

  it('estimates in how many views it is, within 30 % for four of five, and for one that is in more than others', () => {
    const peers = 300
    const random = new SeededRandom(5)
    const dials = { maxDials: 1e6, sourceShare: 1, perNetworkPerMinute: 1e6 }
    const machines = Array.from({ length: peers }, (_, i) =>
      new PeerExchange({ self: String(i), fillMs: 60_000, dials: new DialLimits(dials) }, random, 0))
    machines.forEach((machine, i) => {
      // the first is in all views at the start, and in many for some time
      machine.onKnown([...Array.from({ length: 99 }, (_, j) => 1 + (i + j) % (peers - 1)), 0].map(peer => record(peer, 0)), 0)
    })
    const inDegrees = machines.map(() => 0)
    const rounds = 30
    for (let round = 1; round <= rounds; round++) {
      const nowMs = round * 60_000
      machines.forEach((machine, i) => {
        machine.onTimeout(nowMs)
        for (const { peer, records, wanted } of effectsOf(machine).filter(effect => effect.type === 'ask')) {
          const other = machines[Number(peer)] as PeerExchange
          other.onAsk(String(i), { records: [record(i, nowMs), ...records], wanted }, nowMs)
          machine.onAnswer(peer, effectsOf(other).find(effect => effect.type === 'answer')?.records ?? [], nowMs)
          effectsOf(machine)
        }
      })
      machines.forEach((_, i) => { inDegrees[i]! += machines.filter(({ view }) => view.get(String(i)) !== undefined).length / rounds })
    }
    const estimates = machines.map(machine => machine.inDegreeEstimate as number)
    const mean = (values: number[]): number => values.reduce((a, b) => a + b) / values.length
    const close = (i: number): boolean => Math.abs(estimates[i]! / inDegrees[i]! - 1) < 0.3
    expect(mean(estimates) / mean(inDegrees)).to.be.within(0.95, 1.05)
    expect(machines.filter((_, i) => close(i)).length).to.be.above(0.8 * peers)
    expect([inDegrees[0]! > 1.5 * mean(inDegrees), close(0)]).to.deep.equal([true, true])
    expect(machineAt(0).inDegreeEstimate).to.equal(undefined)
  }).timeout(20_000)
})
