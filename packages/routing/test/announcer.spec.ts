/** Announcing in a small world: found at once, kept alive, moved, withdrawn, gone with its peer. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { Announcer } from '../src/announcer.ts'
import { compareDistance, modelKey } from '../src/model-key.ts'
import { World } from './virtual-world.ts'
import type { AnnouncerEffect } from '../src/announcer.ts'
import type { Contact } from '../src/contact.ts'
import type { WorldNode } from './virtual-world.ts'

function at<T> (items: T[], index: number): T {
  return items[index] as T
}

function holders (world: World, model: string): string[] {
  return [...world.nodes.values()].filter(node => node.alive && node.holds(model) > 0).map(node => node.peer)
}

function closestNodes (world: World, model: string, count: number, except: WorldNode): string[] {
  return [...world.nodes.values()].filter(node => node.alive && node !== except)
    .sort((a, b) => compareDistance(a.kadId, b.kadId, modelKey(model))).slice(0, count).map(node => node.peer)
}

describe('announcer', () => {
  it('stores at the only other node, which then gives it to a third', () => {
    const world = new World()
    const [a, b] = [world.add(), world.add()]
    a.meet(b)
    const c = world.add()
    c.meet(b)
    a.announce('m')
    world.run(100)
    expect(b.holds('m')).to.equal(1)
    expect(c.find('m').map(({ offer }) => offer.peer)).to.deep.equal([a.peer])
  })

  it('stores at the k closest nodes and says so once', () => {
    const world = new World()
    const nodes = world.populate(60)
    at(nodes, 7).announce('m')
    world.run(1000)
    expect(holders(world, 'm').sort()).to.deep.equal(closestNodes(world, 'm', 20, at(nodes, 7)).sort())
    expect(at(nodes, 7).log.filter(({ type }) => type === 'announced')).to.deep.equal([{ type: 'announced', model: 'm', stored: 20, failed: 0 }])
    // one message to each that was asked: looking up and storing are the same
    expect(at(nodes, 7).stores).to.have.length(20)
    expect(world.messages).to.equal(20)
  })

  it('is found by every node, one round of messages after it was stored', () => {
    const world = new World()
    const nodes = world.populate(40)
    at(nodes, 3).announce('m')
    world.run(200)
    for (const node of nodes.filter(other => other !== at(nodes, 3))) {
      expect(node.find('m').map(({ offer }) => offer.peer)).to.deep.equal([at(nodes, 3).peer])
    }
  })

  it('renews at half its life and so lives for as long as its peer, at the cost of one store a holder', () => {
    const world = new World()
    const nodes = world.populate(30)
    at(nodes, 0).announce('m')
    for (let minute = 1; minute <= 10; minute++) {
      world.run(60_000)
      expect(holders(world, 'm')).to.have.length(20)
    }
    expect(at(nodes, 0).stores.length).to.be.within(200, 240)
    expect(world.messages).to.be.within(200, 240)
  })

  it('is gone within its life when its peer dies', () => {
    const world = new World()
    const nodes = world.populate(30)
    at(nodes, 0).announce('m')
    world.run(100_000)
    at(nodes, 0).die()
    world.run(10_000)
    expect(at(nodes, 1).find('m')).to.have.length(1)
    world.run(110_000)
    expect(at(nodes, 1).find('m')).to.deep.equal([])
  })

  it('withdraws at all holders, and nothing brings it back', () => {
    const world = new World()
    const nodes = world.populate(30)
    at(nodes, 0).announce('m')
    world.run(1000)
    const old = at(nodes.filter(node => node.holds('m') > 0), 0).store.best(modelKey('m'), { model: 'm' }, world.clock.nowMs())
    at(nodes, 0).withdraw('m')
    world.run(100)
    expect(holders(world, 'm')).to.deep.equal([])
    expect(at(nodes, 0).log.at(-1)).to.deep.equal({ type: 'withdrawn', model: 'm', stored: 20, failed: 0 })
    const replayed = nodes.filter(node => node.store.put(modelKey('m'), at(old, 0), world.clock.nowMs()) === 'replayed').map(node => node.peer)
    expect(replayed.sort()).to.deep.equal(closestNodes(world, 'm', 20, at(nodes, 0)).sort())
    world.run(600_000)
    expect(at(nodes, 0).announcer.machine.models).to.deep.equal([])
  })

  it('withdrawn while it is being signed, announced and withdrawn again: the last word counts', () => {
    const world = new World()
    const nodes = world.populate(10)
    const node = at(nodes, 0)
    node.announce('m')
    node.withdraw('m')
    world.run(1000)
    expect(holders(world, 'm')).to.deep.equal([])
    node.announce('m')
    world.run(10)
    node.withdraw('m')
    world.run(1000)
    expect(holders(world, 'm')).to.deep.equal([])
    node.announce('m')
    world.run(1000)
    expect(holders(world, 'm')).to.have.length(9)
  })

  it('gives its offer at once to a node that comes closer than its holders', () => {
    const world = new World({ k: 3 })
    const nodes = world.populate(10)
    at(nodes, 0).announce('m')
    world.run(1000)
    for (let i = 0; i < 20; i++) {
      world.add([...world.nodes.values()])
    }
    world.run(100)
    for (const peer of closestNodes(world, 'm', 3, at(nodes, 0))) {
      expect(world.nodes.get(peer)?.holds('m')).to.equal(1)
    }
  })

  it('announced when nobody was there, is stored as soon as somebody is, and from there everywhere', () => {
    const world = new World()
    const nodes = world.populate(40)
    const late = world.add()
    late.announce('m')
    world.run(30_000)
    expect(holders(world, 'm')).to.deep.equal([])
    late.meet(at(nodes, 5))
    world.run(100)
    expect(at(nodes, 5).holds('m')).to.equal(1)
    world.run(1000)
    expect(holders(world, 'm')).to.include.members(closestNodes(world, 'm', 20, late))
  })

  it('gives up a holder that died and stores at the next', () => {
    const world = new World({ k: 5 })
    const nodes = world.populate(20)
    at(nodes, 0).announce('m')
    world.run(1000)
    const dead = closestNodes(world, 'm', 2, at(nodes, 0)).map(peer => world.nodes.get(peer) as WorldNode)
    dead.forEach(node => { node.die() })
    world.run(80_000)
    expect(at(nodes, 0).stores.filter(peer => peer === dead[0]?.peer)).to.have.length.within(2, 4)
    nodes.forEach(node => { dead.forEach(other => { node.forget(other) }) })
    world.run(20_000)
    expect(holders(world, 'm')).to.include.members(closestNodes(world, 'm', 5, at(nodes, 0)))
  })

  it('tries a silent holder again with pauses that grow, and not for ever', () => {
    const world = new World({ lifeMs: 600_000 })
    const [a, b] = [world.add(), world.add()]
    a.meet(b)
    b.refuses = 'silently'
    a.announce('m')
    world.run(8000)
    expect(a.stores).to.have.length(2)
    b.refuses = 'not'
    world.run(8000)
    expect(b.holds('m')).to.equal(1)
    b.refuses = 'silently'
    const before = world.messages
    world.run(3_600_000)
    expect(world.messages - before).to.be.below(3_600_000 / 300_000 * 12)
  })

  it('does not press a holder that refuses openly', () => {
    const world = new World()
    const [a, b] = [world.add(), world.add()]
    a.meet(b)
    b.refuses = 'openly'
    a.announce('m')
    world.run(50_000)
    expect(a.stores).to.have.length(1)
    expect(a.log.find(({ type }) => type === 'announced')).to.deep.equal({ type: 'announced', model: 'm', stored: 0, failed: 1 })
  })

  it('passes an urgent change on, at most one in three seconds, and leaves others to the renewal', () => {
    const world = new World()
    const nodes = world.populate(5)
    const node = at(nodes, 0)
    node.announce('m')
    world.run(10_000)
    const change = (urgent: boolean): void => { node.announcer.input((machine, nowMs) => { machine.onChange('m', urgent, nowMs) }) }
    const signatures = (): number => node.log.filter(({ type }) => type === 'sign').length
    change(false)
    world.run(10_000)
    expect(signatures()).to.equal(1)
    for (let i = 0; i < 60; i++) {
      change(true)
      world.run(100)
    }
    expect(signatures()).to.be.within(2, 4)
    world.run(3000)
    const seqs = nodes.slice(1).map(other => other.store.best(modelKey('m'), { model: 'm' }, world.clock.nowMs())[0]?.offer.seq)
    expect(new Set(seqs).size).to.equal(1)
    expect(seqs[0]).to.equal(signatures())
  })

  it('refuses more models than its bound', () => {
    const world = new World({ announcer: { maxModels: 2 } })
    const node = world.add()
    const accepted = ['a', 'b', 'c', 'a'].map(model => {
      let answer = false
      node.announcer.input(machine => { answer = machine.onOffer(model, [{ name: model, bytes: modelKey(model) }]) })
      return answer
    })
    expect(accepted).to.deep.equal([true, true, false, true])
  })

  describe('of a key around which peers crowd', () => {
    const key = { name: 'm', bytes: modelKey('m') }

    /** `count` peers within a share of the space around the key. */
    function around (count: number, share: number): Contact[] {
      return Array.from({ length: count }, (_, i) => {
        const kadId = Uint8Array.from(key.bytes)
        const view = new DataView(kadId.buffer)
        view.setUint32(0, (view.getUint32(0) ^ Math.floor((i + 1) / count * share * 2 ** 32)) >>> 0)
        return { peer: `${share} ${i}`, kadId }
      })
    }

    function announced (closest: Contact[], region?: Contact[]): { machine: Announcer, effects: () => AnnouncerEffect<Contact>[] } {
      const machine = new Announcer({}, new SeededRandom(1))
      const effects = (): AnnouncerEffect<Contact>[] => {
        const all: AnnouncerEffect<Contact>[] = []
        for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
          all.push(effect)
        }
        return all
      }
      machine.onOffer('m', [key])
      machine.onSigned('m', 120_000, 0)
      effects()
      machine.onClosest('m', 'm', closest, 100, region)
      return { machine, effects }
    }

    const storedAt = (effects: AnnouncerEffect<Contact>[]): string[] => effects.flatMap(effect => effect.type === 'store' ? [effect.to.peer] : [])

    it('stores at the closest and at all of the region', () => {
      const crowd = around(20, 1e-4)
      const region = around(30, 0.04)
      expect(storedAt(announced(crowd, region).effects())).to.have.members([...crowd, ...region].map(({ peer }) => peer))
    })

    it('stores at no more than four times k of a region, whoever says they stand there', () => {
      expect(storedAt(announced(around(20, 1e-4), around(500, 0.04)).effects())).to.have.length(100)
    })

    it('looks it up anew when it learns how many peers there are, and no key around which nobody crowds', () => {
      const crowded = announced(around(20, 1e-4))
      crowded.effects()
      crowded.machine.onNetworkSize(1000, 2000)
      expect(crowded.effects().map(({ type }) => type)).to.deep.equal(['lookup'])
      const usual = announced(around(20, 0.02))
      usual.effects()
      usual.machine.onNetworkSize(1000, 2000)
      expect(usual.effects()).to.deep.equal([])
    })

    it('stores at those known to be bad in addition to k others', () => {
      const closest = around(28, 0.02)
      expect(storedAt(announced(closest).effects())).to.have.length(28)
    })
  })
})
