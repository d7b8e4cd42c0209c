/** Crowded keys: the estimate of a network's size, and the test for more peers than chance puts next to a key. */
import { randomBytes, randomFloat, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { crowdRadius, isCrowded, poissonTail, shareWithin, sizeFromClosest } from '../src/key-density.ts'
import { NetworkSize } from '../src/network-size.ts'
import type { Contact } from '../src/contact.ts'
import type { Random } from '@skein/core'

const K = 20

/** Shares of the space within which the closest of `size` evenly spread peers stand. */
function chance (random: Random, size: number, count = K): number[] {
  let share = 0
  return Array.from({ length: count }, () => (share -= Math.log(1 - randomFloat(random)) / size))
}

function contactAt (target: Uint8Array, share: number): Contact {
  const kadId = Uint8Array.from(target)
  const away = Math.floor(share * 2 ** 32)
  const view = new DataView(kadId.buffer)
  view.setUint32(0, (view.getUint32(0) ^ away) >>> 0)
  return { peer: String(share), kadId }
}

describe('key density', () => {
  for (const [count, mean, expected] of [[0, 3, 1], [1, 1, 0.632121], [20, 20, 0.529743], [20, 5, 0.0000003452], [10, 2, 0.0000464981]] as const) {
    it(`gives ${expected} for ${count} or more where ${mean} are expected`, () => {
      expect(poissonTail(count, mean)).to.be.closeTo(expected, expected * 1e-4)
    })
  }

  it('measures the share of the space that is nearer than a peer', () => {
    const target = randomBytes(new SeededRandom(1), 32)
    for (const share of [0.5, 0.001, 1e-6]) {
      expect(shareWithin(contactAt(target, share).kadId, target)).to.be.closeTo(share, 1e-9)
    }
  })

  it('takes less than one key in 500 for crowded when nobody attacks, with a size that errs as estimates do', () => {
    const random = new SeededRandom(7)
    let alarms = 0
    for (let i = 0; i < 20_000; i++) {
      const size = [0, 1, 2].map(() => sizeFromClosest(chance(random, 10_000), K)).sort((a, b) => a - b)[1] as number
      alarms += isCrowded(chance(random, 10_000), size, K) ? 1 : 0
    }
    expect(alarms / 20_000).to.be.below(0.002)
  })

  it('notices k peers, and half as many, that stand nearer than the nearest would', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 100, max: 10_000_000 }), fc.constantFrom(10, 20, 45), (seed, size, sybils) => {
      const honest = chance(new SeededRandom(seed), size, 3 * K)
      const near = Array.from({ length: sybils }, (_, i) => (i + 1) / sybils * 0.9 / size)
      const shares = [...honest, ...near].sort((a, b) => a - b)
      expect(isCrowded(shares, size * 1.3, K)).to.equal(true)
      const radius = crowdRadius(shares, size, K)
      expect(near.every(share => share <= radius)).to.equal(true)
      expect(radius).to.be.at.most(K / 2 / size)
    }))
  })

  it('says nothing of a key around which fewer than half of k stand', () => {
    expect(isCrowded([1e-9, 2e-9, 3e-9], 1e6, K)).to.equal(false)
  })
})

describe('network size', () => {
  function probe (machine: NetworkSize, nowMs: number, find: (target: Uint8Array) => Contact[]): number {
    let probes = 0
    for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
      probes++
      machine.onClosest(effect.target, find(effect.target), nowMs)
    }
    return probes
  }

  it('probes three keys one after another when it is needed, and once more every ten minutes in which it is', () => {
    const random = new SeededRandom(3)
    const machine = new NetworkSize({}, random)
    const find = (target: Uint8Array): Contact[] => chance(random, 5000).map(share => contactAt(target, share))
    expect(machine.size).to.equal(undefined)
    machine.onNeeded(0, 10_000)
    machine.onNeeded(2000, 10_000)
    expect(machine.poll()).to.equal(undefined)
    expect(machine.nextTimeoutMs()).to.equal(10_000)
    machine.onTimeout(10_000)
    expect(probe(machine, 10_000, find)).to.equal(3)
    expect(machine.size).to.be.within(2500, 10_000)
    machine.onNeeded(500_000)
    expect(probe(machine, 500_000, find)).to.equal(0)
    machine.onNeeded(610_000)
    expect(probe(machine, 610_000, find)).to.equal(1)
  })

  it('probes at once for whoever cannot wait', () => {
    const machine = new NetworkSize({}, new SeededRandom(3))
    machine.onNeeded(0, 10_000)
    machine.onNeeded(100)
    expect(machine.poll()).to.include({ type: 'probe' })
    expect(machine.nextTimeoutMs()).to.equal(undefined)
  })

  it('is that of all who answer where fewer than k do, and is not led astray by one crowded probe', () => {
    const random = new SeededRandom(4)
    const few = new NetworkSize({}, random)
    few.onNeeded(0)
    probe(few, 0, target => [0.2, 0.5, 0.7].map(share => contactAt(target, share)))
    expect(few.size).to.equal(4)
    const fooled = new NetworkSize({}, random)
    let probes = 0
    fooled.onNeeded(0)
    probe(fooled, 0, target => chance(random, probes++ === 0 ? 1e9 : 5000).map(share => contactAt(target, share)))
    expect(fooled.size).to.be.within(2500, 15_000)
  })

  it('gives up when nobody is there, until it is needed again', () => {
    const machine = new NetworkSize({}, new SeededRandom(5))
    machine.onNeeded(0)
    expect(probe(machine, 0, () => [])).to.equal(2)
    expect(machine.size).to.equal(undefined)
    machine.onNeeded(1)
    expect(probe(machine, 1, () => [])).to.equal(2)
  })
})
