import { randomBytes, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { idDistance } from '../../src/stages/size-estimate.ts'
import { SizeEstimator } from '../../src/stages/size-estimator.ts'
import type { SizeEstimatorEffect, SizeEstimatorInit } from '../../src/stages/size-estimator.ts'

/** An estimator in a network of so many other nodes; `until` runs time and answers its lookups. */
function world (nodes: number, init: SizeEstimatorInit = {}, answer = true) {
  const random = new SeededRandom(nodes + 1)
  const ids = Array.from({ length: nodes }, () => randomBytes(random, 32))
  const machine = new SizeEstimator(init, new SeededRandom(7))
  const probes: number[] = []
  const sizes: Array<Extract<SizeEstimatorEffect, { type: 'size' }>> = []
  machine.onStart(0)
  return {
    machine,
    probes,
    sizes,
    until (atMs: number): void {
      for (let nowMs = machine.nextTimeoutMs(); nowMs !== undefined && nowMs <= atMs; nowMs = machine.nextTimeoutMs()) {
        machine.onTimeout(nowMs)
        for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
          if (effect.type === 'size') {
            sizes.push(effect)
          } else {
            const { key } = effect
            probes.push(nowMs)
            if (answer) {
              machine.onProbe(key, [...ids].sort((a, b) => idDistance(key, a) - idDistance(key, b)).slice(0, 20), nowMs + 100)
            }
          }
        }
      }
    }
  }
}

describe('SizeEstimator', () => {
  it('looks up eight keys one after the other, then one a minute', () => {
    const { probes, until } = world(30)
    until(200_000)
    expect(probes.length).to.equal(11)
    expect(probes[0]).to.equal(10_000)
    expect(probes[7]).to.equal(10_000 + 7 * 1_100)
    expect((probes[9] as number) - (probes[8] as number)).to.equal(60_100)
  })

  it('tells the size after the first eight, and with each that follows', () => {
    const { sizes, until } = world(2_000)
    until(17_600)
    expect(sizes.length).to.equal(0)
    until(200_000)
    expect(sizes.length).to.equal(4)
    for (const { estimate } of sizes) {
      expect(estimate.nodes / 2_001).to.be.within(0.7, 1.4)
      expect(estimate.from).to.equal('density')
      expect(estimate.low).to.be.below(estimate.nodes)
      expect(estimate.high).to.be.above(estimate.nodes)
    }
  })

  it('counts itself and all it met in a small network', () => {
    for (const nodes of [0, 1, 5, 19]) {
      const { machine, until } = world(nodes)
      until(30_000)
      expect(machine.estimate(30_000)?.nodes).to.equal(nodes + 1)
    }
  })

  it('goes by the registrations when they are more, here or at another seed, for as long as its word is fresh', () => {
    const { machine, until } = world(5)
    expect(machine.estimate(0)).to.equal(undefined)
    machine.onRegistrations(40)
    expect(machine.estimate(0)).to.deep.include({ nodes: 41, low: 41, from: 'registrations' })
    until(30_000)
    expect(machine.estimate(30_000)).to.deep.include({ nodes: 41, from: 'registrations' })
    machine.onSeedRegistrations('other', 900, 30_000)
    machine.onSeedRegistrations('third', 100, 30_000)
    expect(machine.estimate(40_000)?.nodes).to.equal(901)
    expect(machine.estimate(330_001)?.nodes).to.equal(41)
    machine.onRegistrations(2)
    expect(machine.estimate(330_001)).to.deep.include({ nodes: 6, from: 'density' })
  })

  it('goes on when a lookup never ends, and takes no answer that comes after that', () => {
    const { machine, probes, until } = world(0, {}, false)
    until(10_000)
    until(300_000)
    expect(probes.length).to.be.within(8, 12)
    machine.onProbe(new Uint8Array(32), [], 300_000)
    expect(machine.estimate(300_000)).to.equal(undefined)
  })

  it('goes with the network: what was measured long ago no longer counts', () => {
    const { machine, until } = world(10, { window: 4, firstProbes: 4, pauseMs: 1_000 })
    until(20_000)
    expect(machine.estimate(20_000)?.nodes).to.equal(11)
    const random = new SeededRandom(3)
    for (let nowMs = 21_000, i = 0; i < 4; i++, nowMs += 2_000) {
      for (machine.onTimeout(nowMs); ;) {
        const effect = machine.poll()
        if (effect === undefined) {
          break
        }
        if (effect.type === 'probe') {
          const key = effect.key
          const ids = Array.from({ length: 500 }, () => randomBytes(random, 32))
          machine.onProbe(key, ids.sort((a, b) => idDistance(key, a) - idDistance(key, b)).slice(0, 20), nowMs)
        }
      }
    }
    expect(machine.estimate(40_000)?.nodes).to.be.within(300, 800)
  })
})
