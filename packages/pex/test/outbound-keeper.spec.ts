import { expect } from 'chai'
import fc from 'fast-check'
import { SeededRandom } from '@skein/core'
import { AddressTables, DIAL_MINUTE_MS, DialLimits, OutboundKeeper, smallNetworkOf, wideNetworkOf } from '../src/index.ts'
import type { OutboundEffect, OutboundKeeperInit } from '../src/index.ts'

const key = new Uint8Array(16).fill(9)
/** Each in its own /16 for the first hundreds. */
const address = (i: number): string => `/ip4/${20 + (i >> 8) % 60}.${i & 255}.${(i >> 14) & 255}.1/tcp/4001`

/** Runs a keeper, with peers of which some answer; returns what it dialled. */
class Run {
  readonly dials: Array<Extract<OutboundEffect, { type: 'dial' }> & { atMs: number }> = []
  anchors: string[] = []
  closed = 0
  nowMs = 0
  readonly keeper: OutboundKeeper
  private readonly answers: (peer: string) => boolean

  constructor (tables: AddressTables, answers: (peer: string) => boolean, seed = 1, anchors: string[] = [], init: Partial<OutboundKeeperInit> = {}) {
    this.answers = answers
    this.keeper = new OutboundKeeper({ tables, dials: new DialLimits(), anchors, ...init }, new SeededRandom(seed), 0)
  }

  until (endMs: number): void {
    for (let next = this.keeper.nextTimeoutMs() ?? Infinity; next <= endMs; next = this.keeper.nextTimeoutMs() ?? Infinity) {
      this.nowMs = Math.max(next, this.nowMs)
      this.keeper.onTimeout(this.nowMs)
      this.drain()
    }
    this.nowMs = endMs
  }

  drain (): void {
    for (let effect = this.keeper.poll(); effect !== undefined; effect = this.keeper.poll()) {
      if (effect.type === 'dial') {
        this.dials.push({ ...effect, atMs: this.nowMs })
        if (this.answers(effect.peer)) {
          this.keeper.onConnected(effect.peer, effect.addresses[0], this.nowMs)
        } else {
          this.keeper.onDialFailed(effect.peer)
        }
      } else if (effect.type === 'close') {
        this.closed++
        this.keeper.onDisconnected(effect.peer, this.nowMs)
      } else {
        this.anchors = effect.peers
      }
    }
  }
}

function tablesOf (tried: number, heard: number): AddressTables {
  const tables = new AddressTables({ key })
  for (let i = 0; i < tried; i++) {
    tables.onConnected(`t${i}`, address(i), 0)
  }
  for (let i = 0; i < heard; i++) {
    tables.add(`n${i}`, [address(1000 + i)], { peer: `s${i % 40}`, address: address(5000 + i % 40) })
  }
  return tables
}

describe('OutboundKeeper', () => {
  it('makes eight connections, into eight /16s, the anchors of the last run first, and names two of them for the next', () => {
    const run = new Run(tablesOf(30, 200), () => true, 1, ['t3', 't4'])
    run.until(30_000)
    expect(run.dials.slice(0, 2).map(({ peer }) => peer)).to.deep.equal(['t3', 't4'])
    expect(run.keeper.reserved).to.have.length(8)
    expect(new Set(run.dials.map(({ addresses }) => wideNetworkOf(addresses[0] as string))).size).to.equal(8)
    expect(run.anchors).to.deep.equal(['t3', 't4'])
  })

  it('makes up for those that close', () => {
    const run = new Run(tablesOf(30, 200), () => true)
    run.until(30_000)
    for (const peer of run.keeper.reserved.slice(0, 3)) {
      run.keeper.onDisconnected(peer, run.nowMs)
    }
    expect(run.keeper.reserved).to.have.length(5)
    run.until(60_000)
    expect(run.keeper.reserved).to.have.length(8)
  })

  it('sends a feeler every two minutes, which makes a new address a tried one and is closed again', () => {
    const tables = tablesOf(20, 300)
    const run = new Run(tables, () => true)
    run.until(30_000)
    const before = tables.count(true)
    run.until(600_000)
    const feelers = run.dials.filter(({ purpose }) => purpose === 'feeler')
    expect(feelers.map(({ atMs }) => atMs)).to.deep.equal([120_000, 240_000, 360_000, 480_000, 600_000])
    expect([run.closed, tables.count(true) - before]).to.deep.equal([5, 5])
  })

  it('counts what other parts of the node dialled, in four of its eight places: who was given, named by a seed, or known before', () => {
    const tables = tablesOf(30, 200)
    const run = new Run(tables, () => true)
    for (let i = 0; i < 3; i++) {
      run.keeper.onConnected(`given${i}`, address(600 + i), 0)
      run.keeper.onChosen(`given${i}`, 'given')
    }
    for (let i = 0; i < 8; i++) {
      run.keeper.onConnected(`named${i}`, address(700 + i), 0)
      run.keeper.onChosen(`named${i}`, 'suggested')
    }
    expect(run.keeper.reserved).to.deep.equal(['given0', 'given1', 'given2', 'named0'])
    run.until(30_000)
    expect([run.keeper.reserved.length, run.dials.length]).to.deep.equal([8, 4])
    // its own before others', and never those that are dialled at each start anyway
    expect(run.dials.map(({ peer }) => peer)).to.include.members(run.anchors)

    const again = new Run(tables, () => true)
    again.keeper.onConnected('t7', address(7), 0)
    expect(again.keeper.reserved).to.deep.equal(['t7'])
    again.keeper.onConnected('stranger', address(900), 0)
    again.keeper.onConnected('came', undefined, 0)
    again.keeper.onChosen('came', 'suggested')
    expect(again.keeper.reserved).to.deep.equal(['t7'])
  })

  it('counts nothing of others in a /16 that has a place', () => {
    const run = new Run(tablesOf(0, 0), () => true)
    for (const [i, place] of ['/ip4/20.1.1.1/tcp/1', '/ip4/20.1.9.1/tcp/1', '/ip4/20.2.1.1/tcp/1'].entries()) {
      run.keeper.onConnected(`named${i}`, place, 0)
      run.keeper.onChosen(`named${i}`, 'suggested')
    }
    expect(run.keeper.reserved).to.deep.equal(['named0', 'named2'])
  })

  it('leaves seeds to newcomers, unless it is alone', () => {
    const tables = tablesOf(1, 0)
    const run = new Run(tables, () => true)
    run.until(5_000)
    expect(run.keeper.reserved).to.deep.equal(['t0'])
    run.keeper.onSeed('t0')
    expect([run.keeper.reserved, tables.get('t0')?.seed]).to.deep.equal([[], true])
    run.keeper.onDisconnected('t0', run.nowMs)
    const { length } = run.dials
    run.keeper.onConnected('friend', undefined, run.nowMs)
    run.until(900_000)
    expect(run.dials.length).to.equal(length)
    run.keeper.onDisconnected('friend', run.nowMs)
    run.until(run.nowMs + 60_000)
    expect(run.dials.at(-1)?.peer).to.equal('t0')
  })

  it('dials only until somebody is connected, when it is told to', () => {
    const run = new Run(tablesOf(30, 200), () => false, 1, [], { onlyToJoin: true, feelerMs: Infinity })
    run.until(20_000)
    const { length } = run.dials
    expect(length).to.be.above(4)
    run.keeper.onConnected('came', undefined, run.nowMs)
    run.until(3_600_000)
    expect(run.dials.length).to.be.within(length, length + 4)
    run.keeper.onDisconnected('came', run.nowMs)
    run.until(2 * 3_600_000)
    expect(run.dials.length).to.be.within(length, length + 4)
  })

  it('looks ever more rarely while there is nobody to dial, and at once when it hears of somebody', () => {
    const tables = tablesOf(0, 0)
    const run = new Run(tables, () => true, 1, [], { feelerMs: Infinity })
    const looks: number[] = []
    while (run.nowMs < 120_000) {
      run.until(run.keeper.nextTimeoutMs() as number)
      looks.push(run.nowMs)
    }
    expect(looks.slice(0, 7)).to.deep.equal([0, 2_000, 6_000, 14_000, 30_000, 46_000, 62_000])
    tables.add('n', [address(1)], { peer: 's', address: address(2) })
    run.keeper.onLearned()
    run.until(run.nowMs + 1_000)
    expect(run.keeper.reserved).to.deep.equal(['n'])
    expect(run.keeper.nextTimeoutMs()).to.be.a('number')
  })

  it('leaves the connection of a peer that came while a feeler was on its way to it', () => {
    const tables = tablesOf(0, 1)
    const run = new Run(tables, () => true, 1, [], { rule: { outbound: 0 } })
    run.keeper.onTimeout(120_000)
    const dial = run.keeper.poll()
    expect(dial).to.deep.include({ type: 'dial', peer: 'n0', purpose: 'feeler' })
    run.keeper.onConnected('n0', undefined, 120_100)
    run.keeper.onDialVain('n0')
    expect([run.keeper.poll(), tables.get('n0')?.failures]).to.deep.equal([undefined, 0])
  })

  it('has an honest connection after each of 100 restarts with a book in which the new addresses are 10 : 1 the attacker\'s', () => {
    let cutOff = 0
    for (let seed = 1; seed <= 100; seed++) {
      const { tables, anchors } = poisoned(seed)
      // half of the honest ones are offline; the attacker never is
      const run = new Run(tables, peer => peer.startsWith('evil') || Number(peer.replace(/\D/g, '')) % 2 === 0, seed, anchors)
      run.until(60_000)
      cutOff += run.keeper.reserved.some(peer => peer.startsWith('good')) ? 0 : 1
    }
    expect(cutOff).to.equal(0)
  }).timeout(60_000)

  it('keeps its bounds whatever happens: eight in all, one of a /16, two dials a minute into a /24, a feeler at a time', () => {
    const event = fc.record({ pauseMs: fc.integer({ min: 10, max: 30_000 }), close: fc.boolean(), inbound: fc.nat(60) })
    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), fc.nat(1e6), fc.integer({ min: 1, max: 30 }), (events, seed, networks) => {
      const tables = new AddressTables({ key })
      for (let i = 0; i < 200; i++) {
        const place = `/ip4/${30 + i % networks}.8.${i % 3}.${i}/tcp/1`
        if (i % 3 === 0) {
          tables.onConnected(`p${i}`, place, 0)
        } else {
          tables.add(`p${i}`, [place], { peer: `s${i % 7}` })
        }
      }
      const run = new Run(tables, peer => Number(peer.slice(1)) % 4 !== 0, seed)
      for (const { pauseMs, close, inbound } of events) {
        run.until(run.nowMs + pauseMs)
        run.keeper.onConnected(`p${inbound}`, undefined, run.nowMs)
        const { reserved } = run.keeper
        const standing = reserved.map(peer => wideNetworkOf(tables.get(peer)?.addresses[0] ?? ''))
        expect(reserved.length).to.be.at.most(8)
        expect(new Set(standing).size).to.equal(reserved.length)
        if (close && reserved[0] !== undefined) {
          run.keeper.onDisconnected(reserved[0], run.nowMs)
        }
      }
      const dials = run.dials.flatMap(({ addresses, atMs }) => addresses.map(text => ({ network: smallNetworkOf(text), atMs })))
      for (const { network, atMs } of dials) {
        expect(dials.filter(other => other.network === network && other.atMs >= atMs && other.atMs < atMs + DIAL_MINUTE_MS)).to.have.length.at.most(2)
      }
    }), { numRuns: 40 })
  }).timeout(20_000)
})

/** The attacker has a /16 for each of its addresses, and tells of them from five; a fifth of those that were connected to, anchors too, are its. */
function poisoned (seed: number): { tables: AddressTables, anchors: string[] } {
  const tables = new AddressTables({ key: new Uint8Array(16).fill(seed) })
  const random = new SeededRandom(seed)
  const evil = (i: number): string => `/ip4/${100 + (i >> 8)}.${i & 255}.7.1/tcp/1`
  for (let i = 0; i < 40; i++) {
    const mine = random.nextUint32() % 5 === 0
    tables.onConnected(`${mine ? 'evil' : 'good'}${i}`, mine ? evil(i) : address(seed * 100 + i), 0)
  }
  for (let i = 0; i < 100; i++) {
    tables.add(`good-new${i}`, [address(seed * 100 + 1000 + i)], { peer: `g${i % 10}`, address: address(9000 + i % 10) })
  }
  for (let i = 0; i < 1000; i++) {
    tables.add(`evil-new${i}`, [evil(40 + i)], { peer: `e${i % 5}`, address: evil(i % 5) })
  }
  const tried = [...tables.values()].filter(entry => entry.tried).map(({ peer }) => peer)
  return { tables, anchors: [0, 1].map(() => tried[random.nextUint32() % tried.length] as string) }
}
