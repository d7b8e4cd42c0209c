import { expect } from 'chai'
import {
  changesPerMs, ChurnKernel, constantLatency, constantLength, createWorldChurn, DeviceChurn, ipfsSessions, mainlineSessions, Network, onlineShare, playSessions, QuantileTable,
  RandomStream, scaledLength, SimWorld, traceLength, weibull
} from '../../src/index.ts'
import type { SessionLength } from '../../src/index.ts'

const HOUR_MS = 3_600_000

/** Kolmogorov and Smirnov's distance of samples from a distribution, times √n: above 1.95 in one of 1,000 cases when they are of it. */
function distance (samples: Float64Array, cdf: (x: number) => number): number {
  samples.sort()
  const n = samples.length
  let most = 0
  for (let i = 0; i < n; i++) {
    const share = cdf(samples[i] as number)
    most = Math.max(most, share - i / n, (i + 1) / n - share)
  }
  return most * Math.sqrt(n)
}

/** The distribution of rests from its definition, ∫ (1 − F) / mean, by Simpson's rule over pieces that grow. */
function restCdfByIntegration (length: SessionLength, meanMs: number): (x: number) => number {
  return x => {
    let sum = 0
    const pieces = 4000
    // substituting t = x·v⁴ takes the steep beginning out
    const f = (v: number): number => (1 - length.cdf(x * v ** 4)) * 4 * x * v ** 3
    for (let i = 0; i < pieces; i++) {
      const [a, b] = [i / pieces, (i + 1) / pieces]
      sum += (f(a) + 4 * f((a + b) / 2) + f(b)) * (b - a) / 6
    }
    return sum / meanMs
  }
}

const trace = Array.from({ length: 500 }, (_, i) => 1000 + (i * 7919 % 500) ** 2 * 10)

const LENGTHS: Record<string, SessionLength> = {
  ipfs: ipfsSessions(), mainline: mainlineSessions(), exponential: weibull(1, HOUR_MS), steep: weibull(3, HOUR_MS), trace: traceLength(trace),
  scaled: scaledLength(mainlineSessions(), 0.3)
}

describe('session lengths', () => {
  it('are those that were published', () => {
    // 87.6 % of the sessions in IPFS are shorter than 8 hours
    expect(ipfsSessions().cdf(8 * HOUR_MS)).to.be.closeTo(0.876, 0.001)
    // shape 0.68, scale 14,900 s: 1 − 1/e are shorter than the scale, and 1 − exp(−2^0.68) than twice that
    expect(mainlineSessions().cdf(14_900_000)).to.be.closeTo(1 - 1 / Math.E, 1e-12)
    expect(mainlineSessions().cdf(29_800_000)).to.be.closeTo(1 - Math.exp(-(2 ** 0.68)), 1e-12)
  })

  for (const [name, length] of Object.entries(LENGTHS)) {
    it(`rest as renewal theory says: ${name}`, () => {
      const byIntegration = restCdfByIntegration(length, length.meanMs)
      for (const share of [0.01, 0.1, 0.5, 1, 2, 5]) {
        expect(length.restCdf(share * length.meanMs)).to.be.closeTo(byIntegration(share * length.meanMs), name === 'trace' ? 1e-3 : 1e-6)
      }
      for (const u of [0, 0.001, 0.3, 0.5, 0.9, 0.999, 1 - 2 ** -30]) {
        expect(length.restCdf(length.restQuantile(u))).to.be.closeTo(u, 1e-9)
      }
      expect(length.cdf(length.quantile(0.7))).to.be.closeTo(0.7, 1 / 500)
    })

    it(`are drawn from tables without a difference that 300,000 draws would show: ${name}`, () => {
      const random = new RandomStream(5, 1)
      const n = 300_000
      for (const [quantile, cdf] of [[length.quantile, length.cdf], [length.restQuantile, length.restCdf]] as const) {
        const table = new QuantileTable(quantile)
        const samples = Float64Array.from({ length: n }, (_, i) => table.draw(random.uint32(i, 0)))
        if (quantile === length.quantile) {
          expect(samples.reduce((sum, x) => sum + x, 0) / n / length.meanMs).to.be.closeTo(1, 0.02)
        }
        if (name !== 'trace' || quantile === length.restQuantile) { // a trace has steps, which this test does not allow for
          expect(distance(samples, cdf)).to.be.below(1.95)
        }
      }
    })
  }

  it('of a trace have its mean, and are all of it', () => {
    const length = traceLength([10, 20, 70])
    expect(length.meanMs).to.be.closeTo(100 / 3, 1e-9)
    expect([0, 0.3, 0.34, 0.67, 0.99].map(length.quantile)).to.deep.equal([10, 10, 20, 70, 70])
    // one who looks meets the 70 seven times as often as the 10
    expect(length.restCdf(10)).to.be.closeTo(0.3, 1e-12)
    expect(length.restCdf(20)).to.be.closeTo(0.5, 1e-12)
    expect(length.restQuantile(0.75)).to.be.closeTo(45, 1e-9)
  })
})

describe('ChurnKernel', () => {
  it('is in equilibrium from the first moment on: share online and rate within 1 %', function () {
    this.timeout(60_000)
    const devices = 300_000
    const hours = 4
    for (const model of [
      { on: ipfsSessions(), off: weibull(0.6, 2 * HOUR_MS) },
      { on: mainlineSessions(), off: mainlineSessions() },
      { on: traceLength(trace), off: constantLength(1_500_000) }
    ]) {
      const kernel = new ChurnKernel({ seed: 11, model, fromDevice: 0, toDevice: devices })
      const expected = devices * changesPerMs(model) * HOUR_MS
      for (let hour = 0; hour < hours; hour++) {
        const changes = kernel.joins + kernel.leaves
        expect(kernel.online / devices / onlineShare(model), `online in hour ${hour}`).to.be.closeTo(1, 0.01)
        kernel.runBefore((hour + 1) * 36_000)
        // the count of one hour has a deviation of 0.7 %: lengths so uneven spread it twice as far as those of a Poisson process
        expect((kernel.joins + kernel.leaves - changes) / expected, `changes in hour ${hour}`).to.be.closeTo(1, 0.025)
      }
      expect((kernel.joins + kernel.leaves) / expected / hours).to.be.closeTo(1, 0.01)
    }
  })

  it('has rests that do not change with time: those after six hours are those of the start', () => {
    const model = { on: mainlineSessions(), off: weibull(0.6, 2 * HOUR_MS) }
    const kernel = new ChurnKernel({ seed: 3, model, fromDevice: 0, toDevice: 60_000, tickMs: 1000 })
    const nowTick = 6 * 3600
    kernel.runBefore(nowTick)
    const online = Array.from({ length: 60_000 }, (_, device) => device).filter(device => kernel.isOnline(device))
    const waiting = new Set(online)
    const rests: number[] = []
    for (let tick = nowTick; waiting.size > 0 && tick < nowTick + 3000 * 3600; tick += 3600) {
      kernel.runBefore(tick + 3600, (device, _online, at) => {
        if (waiting.delete(device)) {
          rests.push((at - nowTick) * 1000)
        }
      })
    }
    expect(waiting.size).to.equal(0)
    expect(distance(Float64Array.from(rests), model.on.restCdf)).to.be.below(1.95)
  })

  it('does the same in parts as in one', () => {
    const model = { on: ipfsSessions(), off: ipfsSessions() }
    const changes = (from: number, to: number): string[] => {
      const list: string[] = []
      new ChurnKernel({ seed: 4, model, fromDevice: from, toDevice: to }).runBefore(36_000, (device, online, tick) => list.push(`${tick} ${device} ${online}`))
      return list
    }
    expect([...changes(0, 300), ...changes(300, 1000)].sort()).to.deep.equal(changes(0, 1000).sort())
  })

  it('takes 10 bytes a device, and a few for all', () => {
    const model = { on: ipfsSessions(), off: ipfsSessions() }
    expect(new ChurnKernel({ seed: 4, model, fromDevice: 0, toDevice: 1_000_000 }).byteLength).to.be.below(11_500_000)
  })
})

describe('churn of a world', () => {
  it('starts and stops its nodes as the kernel does its devices', () => {
    const model = { on: weibull(0.7, 100_000), off: weibull(0.7, 50_000) }
    const churn = createWorldChurn(9, model, node => node > 0)
    const log: string[] = []
    const world: SimWorld<undefined, string> = new SimWorld<undefined, string>({
      seed: 9, nodes: 200, network: new Network({ seed: 9, nodes: 200, latency: constantLatency(5) }), startsUp: churn.startsUp, receive: () => {},
      create: node => { if (world?.elapsedMs > 0) { log.push(`${Math.round(world.elapsedMs / 1000)} ${node.index} true`) } return undefined },
      stopped: node => { log.push(`${Math.round(world.elapsedMs / 1000)} ${node.index} false`) }
    })
    churn.begin(world)
    world.run(600_000)
    const times = new DeviceChurn(9, model)
    const expected: string[] = []
    for (let device = 1; device < 200; device++) {
      let online = times.startsOnline(device)
      for (let [atMs, session] = [times.firstMs(device), 0]; atMs < 600_000; session++) {
        online = !online
        expected.push(`${Math.round(Math.ceil(atMs * 8) / 8 / 1000)} ${device} ${online}`)
        atMs += times.lengthMs(device, session, online)
      }
    }
    expect(log.sort()).to.deep.equal(expected.sort())
    expect(log.length).to.be.above(1000)
  })

  it('plays observed sessions back', () => {
    const churn = playSessions([
      { node: 2, fromMs: 300, untilMs: 400 }, { node: 1, fromMs: -50, untilMs: 100 }, { node: 1, fromMs: 200, untilMs: Infinity }, { node: 2, fromMs: 400, untilMs: 500 },
      { node: 0, fromMs: -100, untilMs: -10 }
    ])
    const log: string[] = []
    const world: SimWorld<undefined, string> = new SimWorld<undefined, string>({
      seed: 1, nodes: 4, network: new Network({ seed: 1, nodes: 4, latency: constantLatency(5) }), startsUp: churn.startsUp, receive: () => {},
      create: node => { log.push(`${world.elapsedMs} ${node.index} up`) }, stopped: node => { log.push(`${world.elapsedMs} ${node.index} down`) }
    })
    churn.begin(world)
    world.run(1000)
    expect(log).to.deep.equal(['0 1 up', '100 1 down', '200 1 up', '300 2 up', '400 2 down', '400 2 up', '500 2 down'])
    expect(() => { playSessions([{ node: 1, fromMs: 0, untilMs: 10 }, { node: 1, fromMs: 5, untilMs: 20 }]).begin(world) }).to.throw('overlaps')
  })
})
