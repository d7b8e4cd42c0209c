import { expect } from 'chai'
import { Lookup } from '@skein/routing'
import { constantLatency, createClockSkew, Network, SimDriver, SimWorld } from '../../src/index.ts'
import { ToyMachine } from './toy-machine.ts'
import type { ToyEffect, ToyMessage } from './toy-machine.ts'
import type { Contact, LookupEffect, SequencedOffer } from '@skein/routing'
import type { MachineDriver } from '@skein/core'
import type { ConnectOutcome, NetworkInit, SimNetwork, SimWorldInit } from '../../src/index.ts'

function toys (nodes: number, network: Partial<NetworkInit> = {}, init: Partial<SimWorldInit<MachineDriver<ToyEffect, ToyMachine>, ToyMessage>> = {}) {
  const seed = init.seed ?? 1
  return new SimDriver<ToyEffect, ToyMachine, ToyMessage>({
    seed,
    nodes,
    network: new Network({ seed, nodes, latency: constantLatency(20), ...network }),
    machine: node => new ToyMachine(node.index, nodes, node.random, node.nowMs()),
    perform: (node, effect) => {
      if (effect.type === 'send') {
        node.send(effect.to, effect.message, 100)
      } else {
        node.note(effect.number)
      }
    },
    deliver: (machine, message, from, nowMs) => { machine.onMessage(message, from, nowMs) },
    ...init
  })
}

describe('SimDriver', () => {
  it('carries messages in the time that the network says, and wakes machines when they want to be', () => {
    const sim = toys(2)
    expect(sim.run(10_000)).to.equal(false)
    const [a, b] = [sim.node(0).host.machine, sim.node(1).host.machine]
    expect([a.heard.length, b.heard.length]).to.deep.equal([40, 40])
    expect([sim.world.sent, sim.world.delivered]).to.deep.equal([80, 80])
    const at = (entry: string | undefined): number => Number(entry?.split(' ')[0])
    const ping = at(b.heard.find(entry => entry.endsWith('0 ping 3')))
    const pong = at(a.heard.find(entry => entry.endsWith('1 pong 3')))
    expect(pong - ping).to.equal(20)
  })

  it('does the same for the same seed, and something else for another', () => {
    const hash = (seed: number, until: number[]): string => {
      const sim = toys(50, { seed, jitter: 0.3, lossRate: 0.1, duplicateRate: 0.1, reorderRate: 0.1 }, { seed })
      until.forEach(ms => { sim.run(ms) })
      return sim.world.log.hash()
    }
    expect(hash(1, [5000])).to.equal(hash(1, [5000]))
    // in one go or in pieces
    expect(hash(1, [5000])).to.equal(hash(1, [1, 13.3, 700, 701.1, 5000]))
    expect(hash(1, [5000])).not.to.equal(hash(2, [5000]))
  })

  it('orders what arrives at one time by who sent it and when, not by when it was queued', () => {
    const received: string[] = []
    // messages of the higher node are sent first and take longer
    const network: SimNetwork = {
      leastLatencyMs: 1,
      transmit: (from, _to, _size, nowMs, _counter, delaysMs) => { delaysMs[0] = 100 - nowMs; return from === 9 ? 2 : 1 }
    }
    const world = new SimWorld<undefined, string>({
      seed: 1, nodes: 10, network, create: () => undefined, receive: (_node, message, from) => { received.push(`${from}${message}`) }
    })
    for (let node = 9; node > 0; node--) {
      world.at(10 - node, node, () => {
        world.node(node).send(0, 'a', 1)
        world.node(node).send(0, 'b', 1)
      })
    }
    network.transmit = ((original): SimNetwork['transmit'] => (...args) => { args[5][1] = 100 - args[3]; return original(...args) })(network.transmit)
    world.run(1000)
    expect(received.join(' ')).to.equal('1a 1b 2a 2b 3a 3b 4a 4b 5a 5b 6a 6b 7a 7b 8a 8b 9a 9a 9b 9b')
  })

  it('forgets what a node had scheduled when it crashes, loses what reaches it then, and starts it afresh', () => {
    const stopped: number[] = []
    const sim = toys(2, {}, { stopped: node => { stopped.push(node.index) } })
    sim.at(300, 1, () => { sim.crash(1) })
    sim.run(300)
    const before = sim.node(1).host.machine
    sim.run(700)
    const heard = before.heard.length
    const { sent } = sim.world
    sim.run(1000)
    expect(before.heard.length).to.equal(heard)
    expect(stopped).to.deep.equal([1])
    expect(sim.world.sent).to.be.above(sent) // the other goes on
    sim.at(1000, 1, () => { sim.restart(1) })
    sim.run(20_000)
    const after = sim.node(1).host.machine
    expect(after).not.to.equal(before)
    expect(after.heard.filter(entry => entry.includes('pong')).length).to.equal(20)
  })

  it('gives each node a clock of its own, and keeps its deadlines by it', () => {
    const clockSkew = createClockSkew(7, { maxOffsetMs: 600_000, maxDriftPpm: 100 })
    const seen: number[] = []
    const world = new SimWorld<undefined, string>({
      seed: 1, nodes: 20, network: new Network({ seed: 1, nodes: 20, latency: constantLatency(5) }), clockSkew,
      create: node => {
        const atMs = node.nowMs() + 100_000
        node.schedule(atMs, () => {
          seen.push(node.index)
          expect(node.nowMs()).to.be.within(atMs, atMs + 0.2)
          expect(world.elapsedMs).to.be.closeTo(100_000 / (1 + clockSkew.drift(node.index)), 0.2)
        })
        return undefined
      },
      receive: () => {}
    })
    world.run(200_000)
    expect(seen.length).to.equal(20)
    const offsets = Array.from({ length: 20 }, (_, node) => clockSkew.offsetMs(node))
    expect(Math.max(...offsets) - Math.min(...offsets)).to.be.above(600_000)
  })

  it('wakes a node that waits for a month', () => {
    let wokenMs = 0
    const world = new SimWorld<undefined, string>({
      seed: 1, nodes: 1, network: new Network({ seed: 1, nodes: 1, latency: constantLatency(5) }),
      create: node => {
        node.schedule(node.nowMs() + 30 * 86_400_000, () => { wokenMs = world.elapsedMs })
        node.schedule(Infinity, () => { throw new Error('never') })
      },
      receive: () => {}
    })
    let orderedMs = 0
    world.at(35 * 86_400_000, 0, () => { orderedMs = world.elapsedMs })
    world.run(40 * 86_400_000)
    expect(wokenMs).to.equal(30 * 86_400_000)
    expect(orderedMs).to.equal(35 * 86_400_000)
  })

  it('stops a node that schedules without end for one time', () => {
    const world = new SimWorld<undefined, string>({
      seed: 1, nodes: 1, network: new Network({ seed: 1, nodes: 1, latency: constantLatency(5) }),
      create: node => {
        const again = (): void => { node.schedule(node.nowMs(), again) }
        again()
      },
      receive: () => {}
    })
    expect(() => world.run(10)).to.throw('without end')
  })

  it('connects within the round trips that the network plans, and says when it cannot', () => {
    const outcomes: Array<[string, number]> = []
    const plans: Record<number, SimNetwork['plan']> = {
      1: () => ({ path: 'direct', roundTrips: 1 }), 2: () => ({ path: 'punched', roundTrips: 3 }), 3: () => undefined, 4: () => ({ path: 'relayed', roundTrips: 2 })
    }
    const network = new Network({ seed: 1, nodes: 5, latency: constantLatency(25) })
    const world = new SimWorld<undefined, string>({
      seed: 1, nodes: 5, network: { leastLatencyMs: 25, transmit: network.transmit.bind(network), plan: (from, to) => plans[to]?.(from, to) },
      startsUp: node => node !== 4, create: () => undefined, receive: () => {}
    })
    world.at(10, 0, () => {
      for (const to of [1, 2, 3, 4]) {
        world.connect(0, to, (outcome: ConnectOutcome) => {
          outcomes.push([`${to} ${outcome.type === 'connected' ? outcome.path : 'failed'}`, world.elapsedMs])
        })
      }
    })
    world.run(60_000)
    expect(outcomes).to.deep.equal([['1 direct', 60], ['2 punched', 160], ['3 failed', 10_010], ['4 failed', 10_010]])
  })

  it('runs the lookup that the packages ship', () => {
    const nodes = 40
    type Found = LookupEffect<Contact, SequencedOffer>
    const contacts = Array.from({ length: nodes }, (_, i): Contact => ({ peer: String(i), kadId: Uint8Array.from({ length: 32 }, (_, j) => (i * 97 + j * 31) & 255) }))
    const done: Array<Extract<Found, { type: 'done' }>> = []
    const world = new SimWorld<Map<number, MachineDriver<Found, Lookup>>, { type: 'query' | 'answer', id: number }>({
      seed: 3,
      nodes,
      network: new Network({ seed: 3, nodes, latency: constantLatency(30), lossRate: 0.05, jitter: 0.2 }),
      create: () => new Map(),
      receive: (node, message, from) => {
        if (message.type === 'query') {
          node.send(from, { type: 'answer', id: message.id }, 1000)
        } else {
          const closer = [1, 3, 9, 27].map(step => contacts[(from + step) % nodes] as Contact)
          node.host.get(message.id)?.input((lookup, nowMs) => { lookup.onResponse(String(from), { offers: [], closer }, nowMs) })
        }
      }
    })
    for (let i = 0; i < nodes; i++) {
      world.at(i, i, () => {
        const node = world.node(i)
        const lookup = new Lookup({ target: new Uint8Array(32).fill(i), start: [contacts[(i + 1) % nodes] as Contact], self: String(i), k: 8 }, node.nowMs())
        const driver = node.attach<Found, Lookup>(lookup, effect => {
          if (effect.type === 'query') {
            node.send(Number(effect.to.peer), { type: 'query', id: i }, 100)
          } else if (effect.type === 'done') {
            done.push(effect)
            node.detach(driver)
          }
        })
        node.host.set(i, driver)
        driver.input(() => {})
      })
    }
    world.run(60_000)
    expect(done.length).to.equal(nodes)
    // with so few contacts a loss may leave less than k to ask
    expect(done.filter(({ reason }) => reason === 'converged').length).to.be.above(nodes / 2)
    expect(done.filter(({ reason }) => !['converged', 'exhausted'].includes(reason))).to.deep.equal([])
    expect(world.size).to.equal(0)
  })
})
