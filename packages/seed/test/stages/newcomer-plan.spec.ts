import { expect } from 'chai'
import { Farewells } from '../../src/stages/farewells.ts'
import { letGoAtMs, newcomerPlan } from '../../src/stages/newcomer-plan.ts'
import { STAGES } from '../../src/stages/stage.ts'
import type { Newcomer } from '../../src/stages/newcomer-plan.ts'

describe('newcomerPlan', () => {
  it('names at most 20 peers at every stage, and no more than were asked for', () => {
    for (const stage of STAGES) {
      expect(newcomerPlan(stage, { peers: 1_000, models: 0 }).peers, stage).to.equal(20)
      expect(newcomerPlan(stage, { peers: 3, models: 0 }).peers, stage).to.equal(3)
    }
  })

  it('lists fewer models and at last none as the network grows', () => {
    expect(STAGES.map(stage => newcomerPlan(stage, { peers: 0, models: 500 }).models)).to.deep.equal([200, 200, 50, 0])
    expect(newcomerPlan('hub', { peers: 0, models: 7 }).models).to.equal(7)
  })

  it('asks to be left alone at the last stage only, the longer the more peers there are', () => {
    const wait = (size: number): number => newcomerPlan('bootstrap', { peers: 20, models: 0 }, size).renewAfterMs
    expect(STAGES.slice(0, 3).map(stage => newcomerPlan(stage, { peers: 20, models: 0 }, 1e7).renewAfterMs)).to.deep.equal([0, 0, 0])
    expect(wait(10)).to.equal(150_000)
    expect(wait(1_000_000)).to.equal(20_000_000)
    expect(wait(1e10)).to.equal(24 * 3_600_000)
  })
})

describe('letGoAtMs', () => {
  const cases: Array<[string, Newcomer, number]> = [
    ['never asked', { connectedMs: 100, registered: false, otherConnections: 0 }, 60_100],
    ['was refused', { connectedMs: 0, answeredMs: 500, registered: false, otherConnections: 9 }, 60_500],
    ['registered, knows nobody yet', { connectedMs: 0, answeredMs: 500, registered: true, otherConnections: 0 }, 10_500],
    ['registered, knows a few', { connectedMs: 0, answeredMs: 500, registered: true, otherConnections: 3 }, 10_500],
    ['registered, stands on its own', { connectedMs: 0, answeredMs: 500, registered: true, otherConnections: 4 }, 1_500]
  ]
  for (const [name, newcomer, atMs] of cases) {
    it(name, () => { expect(letGoAtMs(newcomer)).to.equal(atMs) })
  }
})

describe('Farewells', () => {
  const closed = (machine: Farewells): string[] => {
    const peers: string[] = []
    for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
      peers.push(effect.peer)
    }
    return peers
  }

  it('says none while the stage keeps its peers, and all who have joined once it does not', () => {
    const machine = new Farewells()
    machine.onConnected('a', 0)
    machine.onAnswered('a', { registered: true, otherConnections: 5 }, 10)
    machine.onConnected('b', 0)
    expect(machine.nextTimeoutMs()).to.equal(undefined)
    machine.onLettingGo(true, 20_000)
    expect(closed(machine)).to.deep.equal(['a'])
    machine.onDisconnected('a')
    expect(machine.nextTimeoutMs()).to.equal(60_000)
    machine.onTimeout(60_000)
    expect(closed(machine)).to.deep.equal(['b'])
    machine.onTimeout(90_000) // it is still there
    expect(closed(machine)).to.deep.equal(['b'])
    machine.onLettingGo(false, 95_000)
    expect(machine.nextTimeoutMs()).to.equal(undefined)
  })

  it('gives one that comes back to renew its time anew', () => {
    const machine = new Farewells()
    machine.onLettingGo(true, 0)
    machine.onConnected('a', 0)
    machine.onDisconnected('a')
    machine.onConnected('a', 100_000)
    expect(machine.nextTimeoutMs()).to.equal(160_000)
    machine.onAnswered('a', { registered: true, otherConnections: 8 }, 100_010)
    expect(machine.nextTimeoutMs()).to.equal(101_010)
  })

  it('watches no more peers than it may', () => {
    const machine = new Farewells({ maxPeers: 3 })
    for (let i = 0; i < 10; i++) {
      machine.onConnected(`peer ${i}`, 0)
    }
    expect(machine.watched).to.equal(3)
    machine.onAnswered('peer 9', { registered: true, otherConnections: 0 }, 0)
    expect(machine.watched).to.equal(3)
  })
})
