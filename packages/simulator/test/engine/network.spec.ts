import { expect } from 'chai'
import {
  ACCESS_NETWORKS, canDial, canPunch, constantLatency, measuredRegions, NAT_CLASSES, NatModel, Network, RegionLatency, roundTripMs, SimWorld
} from '../../src/index.ts'
import { isCut } from '../../src/engine/partition.ts'
import type { NatClass, NetworkInit, Partition } from '../../src/index.ts'

function sendMany (init: Partial<NetworkInit>, count = 100_000): { delays: number[], copies: number[] } {
  const network = new Network({ seed: 3, nodes: 10, latency: constantLatency(50), ...init })
  const out = new Float64Array(2)
  const delays: number[] = []
  const copies: number[] = []
  for (let i = 0; i < count; i++) {
    const n = network.transmit(1, 2, 1000, i * 10, i, out)
    copies.push(n)
    delays.push(...out.subarray(0, n))
  }
  return { delays, copies }
}

const mean = (values: number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length

describe('Network', () => {
  it('loses, doubles and holds up as many messages as it is told to', () => {
    const { copies, delays } = sendMany({ lossRate: 0.1, duplicateRate: 0.2, reorderRate: 0.25, reorderMs: 40 })
    expect(copies.filter(n => n === 0).length / 100_000).to.be.closeTo(0.1, 0.004)
    expect(copies.filter(n => n === 2).length / 90_000).to.be.closeTo(0.2, 0.005)
    expect(delays.filter(ms => ms > 50).length / delays.length).to.be.closeTo(0.25, 0.005)
    expect(mean(delays)).to.be.closeTo(50 + 0.25 * 20, 0.2)
    expect(Math.min(...delays)).to.equal(50)
  })

  it('adds jitter of the mean it is told, never below the distance', () => {
    const { delays } = sendMany({ jitter: 0.3 })
    expect(mean(delays)).to.be.closeTo(65, 0.3)
    expect(delays.every(ms => ms >= 50)).to.equal(true)
  })

  it('gives different messages different fates, and the same ones the same', () => {
    expect(sendMany({ lossRate: 0.3 }).copies).to.deep.equal(sendMany({ lossRate: 0.3 }).copies)
    expect(sendMany({ lossRate: 0.3 }).copies).not.to.deep.equal(sendMany({ lossRate: 0.3, seed: 4 }).copies)
  })

  it('sends again in streams what was lost, and keeps the order', () => {
    const { copies, delays } = sendMany({ delivery: 'stream', lossRate: 0.1, jitter: 0.5 })
    expect(copies.filter(n => n !== 1)).to.deep.equal([])
    const arrivals = delays.map((ms, i) => i * 10 + ms)
    expect(arrivals.every((ms, i) => i === 0 || ms >= (arrivals[i - 1] as number))).to.equal(true)
    expect(delays.filter(ms => ms > 250).length / delays.length).to.be.above(0.08)
  })

  it('queues at both lines, and drops what does not fit', () => {
    const arrivals: number[] = []
    const network = new Network({
      seed: 1, nodes: 3, latency: constantLatency(10), upBytesPerSecond: () => 100_000, downBytesPerSecond: node => node === 2 ? 50_000 : Infinity, maxQueueMs: 200
    })
    const world: SimWorld<undefined, number> = new SimWorld<undefined, number>({
      seed: 1, nodes: 3, network, create: () => undefined, receive: (_node, message) => { arrivals.push(message, world.elapsedMs) }
    })
    world.at(0, 0, () => { // 10 ms each out, and to node 2 20 ms each in
      for (let i = 0; i < 3; i++) {
        world.send(0, 1, i, 1000)
      }
    })
    world.at(100, 0, () => {
      for (let i = 3; i < 6; i++) {
        world.send(0, 2, i, 1000)
      }
    })
    world.run(500)
    expect(arrivals).to.deep.equal([0, 20, 1, 30, 2, 40, 3, 140, 4, 160, 5, 180])
    world.at(1000, 0, () => {
      for (let i = 0; i < 100; i++) {
        world.send(0, 1, i, 1000)
      }
    })
    world.run(5000)
    expect(network.lost.queue).to.equal(79) // 200 ms of queue are 20 messages, and the one that is sent
  })

  it('keeps apart what is partitioned, for its time, and one way only when asked', () => {
    const halves: Partition = { fromMs: 100, untilMs: 200, a: node => node < 5 }
    const cases: Array<[Partition, number, number, number, boolean]> = [
      [halves, 0, 9, 99, false], [halves, 0, 9, 100, true], [halves, 9, 0, 150, true], [halves, 0, 4, 150, false], [halves, 8, 9, 150, false], [halves, 0, 9, 200, false],
      [{ ...halves, blocks: 'a-to-b' }, 0, 9, 150, true], [{ ...halves, blocks: 'a-to-b' }, 9, 0, 150, false],
      [{ ...halves, b: node => node === 9 }, 0, 8, 150, false], [{ ...halves, b: node => node === 9 }, 9, 3, 150, true]
    ]
    for (const [partition, from, to, nowMs, cut] of cases) {
      expect(isCut([partition], from, to, nowMs), `${from} to ${to} at ${nowMs}`).to.equal(cut)
    }
    const network = new Network({ seed: 1, nodes: 10, latency: constantLatency(10), partitions: [halves] })
    expect([50, 150, 250].map((ms, i) => network.transmit(0, 9, 10, ms, i, new Float64Array(2)))).to.deep.equal([1, 0, 1])
    expect(network.lost.partition).to.equal(1)
  })
})

describe('measured round trips', () => {
  it('are between all pairs, the same both ways, and no faster than light in glass', () => {
    // degrees, rough: of the cities the data centres are at
    const places: Record<string, [number, number]> = {
      'us-east': [37.4, -79.8], 'us-west': [37.8, -122.4], 'sa-east': [-23.5, -46.6], 'eu-west': [52.4, 4.9], 'af-south': [-25.7, 28.2], 'ap-south': [18.6, 73.9],
      'ap-southeast': [1.3, 103.8], 'ap-northeast': [35.7, 139.8], 'au-east': [-33.9, 151.2], 'eu-north': [60.7, 17.1], 'me-central': [25.3, 55.3], 'ca-central': [43.7, -79.4]
    }
    const radians = (degrees: number): number => degrees * Math.PI / 180
    const ratios: number[] = []
    for (const a of measuredRegions()) {
      for (const b of measuredRegions()) {
        expect(roundTripMs(a, b)).to.equal(roundTripMs(b, a)).and.within(2, 400)
        const [from, to] = [places[a], places[b]]
        if (from !== undefined && to !== undefined && a !== b) {
          const h = Math.sin(radians(to[0] - from[0]) / 2) ** 2 + Math.cos(radians(from[0])) * Math.cos(radians(to[0])) * Math.sin(radians(to[1] - from[1]) / 2) ** 2
          const leastMs = 2 * 2 * 6371 * Math.asin(Math.sqrt(h)) / 204
          expect(roundTripMs(a, b), `${a} to ${b}`).to.be.above(leastMs)
          ratios.push(roundTripMs(a, b) / leastMs)
        }
      }
    }
    expect(mean(ratios)).to.be.within(1.2, 2.5)
    expect(() => roundTripMs('eu-west', 'atlantis')).to.throw('atlantis')
  })

  it('are what nodes of regions and access networks are apart, one way', () => {
    const nodes = 20_000
    const latency = new RegionLatency({ seed: 1, nodes, regions: { 'eu-west': 3, 'us-east': 1 }, access: { cable: 1 } })
    const west = Array.from({ length: nodes }, (_, node) => node).filter(node => latency.regionOf[node] === 0)
    expect(west.length / nodes).to.be.closeTo(0.75, 0.01)
    const here = west.find(node => latency.regionOf[node] === 0) as number
    const there = latency.regionOf.indexOf(1)
    expect(latency.oneWayMs(here, there)).to.be.above(42)
    const within = west.slice(0, 5000).map((node, i) => 2 * latency.oneWayMs(node, west[i + 5000] as number)).sort((a, b) => a - b)
    // median of the sum of two lognormal accesses and the 2 ms of the region
    expect(within[2500]).to.be.within(2 + 2 * ACCESS_NETWORKS.cable.medianRoundTripMs, 2 + 2.25 * ACCESS_NETWORKS.cable.medianRoundTripMs)
    expect(within[0]).to.be.at.least(2 * latency.leastMs)
  })
})

describe('NatModel', () => {
  it('says who can be dialled and who can be punched', () => {
    const all = { punching: true, portPrediction: true, birthday: true, tcpOpen: true }
    const cases: Array<[NatClass, NatClass, boolean, boolean, boolean]> = [ // dialled, punched plainly, punched by all means
      ['port-restricted', 'public', true, true, true],
      ['symmetric-random', 'endpoint-independent', true, true, true],
      ['udp-blocked', 'endpoint-independent', false, false, true],
      ['port-restricted', 'port-restricted', false, true, true],
      ['port-restricted', 'symmetric-sequential', false, false, true],
      ['port-restricted', 'symmetric-random', false, false, true],
      ['symmetric-random', 'symmetric-random', false, false, false],
      ['symmetric-sequential', 'symmetric-random', false, false, false],
      ['udp-blocked', 'port-restricted', false, false, true],
      ['udp-blocked', 'symmetric-random', false, false, false]
    ]
    for (const [a, b, dialled, plain, byAll] of cases) {
      expect(canDial(a, b), `${a} dials ${b}`).to.equal(dialled)
      if (!dialled) {
        expect([canPunch(a, b, {}), canPunch(a, b, all)], `${a} and ${b}`).to.deep.equal([plain, byAll])
        expect([canPunch(b, a, {}), canPunch(b, a, all)], `${b} and ${a}`).to.deep.equal([plain, byAll])
      }
    }
  })

  it('punches as often as was measured, the same pair each time, nearly always with the first attempt', () => {
    const nat = new NatModel({ seed: 2, nodes: 400, mix: { 'port-restricted': 1 } })
    let [punched, first] = [0, 0]
    for (let a = 0; a < 400; a++) {
      for (let b = 0; b < a; b++) {
        const plan = nat.plan(a, b)
        expect(nat.plan(b, a)).to.deep.equal(plan)
        punched += plan?.path === 'punched' ? 1 : 0
        first += plan?.path === 'punched' && plan.roundTrips === 6 ? 1 : 0
      }
    }
    expect(punched / (400 * 399 / 2)).to.be.closeTo(0.7, 0.01)
    expect(first / punched).to.be.closeTo(0.976, 0.005)
  })

  it('has nodes of each class by their weights, and no path where there is no relay', () => {
    const nat = new NatModel({ seed: 2, nodes: 10_000, mix: { public: 0.4, 'symmetric-random': 0.6 }, relay: false })
    const [open, closed] = ['public', 'symmetric-random'].map(name => NAT_CLASSES.indexOf(name as NatClass))
    const symmetric = [...nat.classOf.keys()].filter(node => nat.classOf[node] === closed)
    expect(symmetric.length / 10_000).to.be.closeTo(0.6, 0.02)
    const reachable = nat.classOf.indexOf(open as number)
    expect(nat.plan(symmetric[0] as number, symmetric[1] as number)).to.equal(undefined)
    expect(nat.plan(symmetric[0] as number, reachable)).to.include({ path: 'direct', roundTrips: 3 })
    expect(nat.plan(reachable, symmetric[0] as number)).to.include({ path: 'direct', roundTrips: 6 })
  })
})
