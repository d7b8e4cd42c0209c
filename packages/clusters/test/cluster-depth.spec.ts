/** Clusters: their bounds, and whether peers with different views agree about them. */
import { randomFloat, SeededRandom, shuffle } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { ClusterCensus } from '../src/cluster-census.ts'
import { clusterDepth, depthRange } from '../src/cluster-depth.ts'
import { partitionClusters } from '../src/cluster-partition.ts'
import { clusterPoint, prefixOf } from '../src/cluster-point.ts'

function uniformPoints (count: number, random: SeededRandom): Uint32Array {
  return Uint32Array.from({ length: count }, () => random.nextUint32()).sort()
}

describe('partitionClusters', () => {
  it('leaves a zone whole up to 1024 peers and splits it at 1025', () => {
    const points = uniformPoints(1025, new SeededRandom(1))
    expect(partitionClusters(points.slice(0, 1024))).to.have.length(1)
    expect(partitionClusters(points)).to.have.length(2)
  })

  it('makes clusters of 256 to 1024 of any number of peers, and each peer is in one', () => {
    fc.assert(fc.property(fc.integer({ min: 1025, max: 60_000 }), fc.integer(), fc.nat(8), (count, seed, before) => {
      const points = uniformPoints(count, new SeededRandom(seed))
      const parts = partitionClusters(points, {}, () => before)
      expect(parts[0]?.from).to.equal(0)
      expect(parts.at(-1)?.to).to.equal(count)
      for (const [i, { prefix, depth, from, to }] of parts.entries()) {
        expect(to - from).to.be.within(256, 1024)
        expect(parts[i + 1]?.from ?? count).to.equal(to)
        expect(prefixOf(points[from] as number, depth)).to.equal(prefix)
        expect(prefixOf(points[to - 1] as number, depth)).to.equal(prefix)
      }
    }), { numRuns: 60 })
  })

  it('never lets a cluster grow beyond 1024, wherever peers have chosen their points', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 4, max: 20 }), fc.integer({ min: 0, max: 3000 }), (seed, bits, crowd) => {
      const random = new SeededRandom(seed)
      const points = Uint32Array.from([...uniformPoints(2000, random), ...Array.from({ length: crowd }, () => random.nextUint32() >>> bits)]).sort()
      for (const { from, to } of partitionClusters(points)) {
        expect(to - from).to.be.at.most(1024)
      }
    }), { numRuns: 60 })
  })

  it('does not flap: between a split at 1025 and a merge below about 512 nothing changes', () => {
    const random = new SeededRandom(2)
    const all = uniformPoints(1100, random)
    const sizes = [1100, 1000, 800, 600, 560]
    const order = shuffle(random, [...all])
    for (const size of sizes) {
      expect(partitionClusters(Uint32Array.from(order.slice(0, size)).sort(), {}, () => 1)).to.have.length(2)
    }
    expect(partitionClusters(Uint32Array.from(order.slice(0, 480)).sort(), {}, () => 1)).to.have.length(1)
    for (const size of [...sizes].reverse().filter(count => count <= 1024)) {
      expect(partitionClusters(Uint32Array.from(order.slice(0, size)).sort(), {}, () => 0)).to.have.length(1)
    }
  })
})

describe('clusterDepth', () => {
  it('is what the peers around have, where the numbers allow it', () => {
    expect(clusterDepth({ least: 1, most: 2 }, [2, 2, 2, 1])).to.equal(2)
    expect(clusterDepth({ least: 1, most: 2 }, [9, 9, 9])).to.equal(2)
    expect(clusterDepth({ least: 1, most: 2 }, [0, 0, 0, 7])).to.equal(1)
    expect(clusterDepth({ least: 3, most: 4 }, [])).to.equal(3)
  })

  it('comes to be that of most around for 95 of 100 peers of a zone, though each misses up to a tenth of it and they start with anything', () => {
    fc.assert(fc.property(fc.integer({ min: 100, max: 6000 }), fc.integer(), fc.double({ min: 0, max: 0.1, noNaN: true }), (count, seed, missing) => {
      const random = new SeededRandom(seed)
      const points = uniformPoints(count, random)
      let depths = Array.from(points, () => random.nextUint32() % 6)
      const watched = Array.from({ length: 100 }, (_, i) => Math.floor(i * count / 100))
      const ranges = watched.map(() => new ClusterCensus({ points: points.filter(() => randomFloat(random) >= missing) }).count)
        .map((view, i) => depthRange(points[watched[i] as number] as number, view))
      for (let round = 0; round < 12; round++) {
        // those that one hears of: the watched ones, of which half are heard
        const next = watched.map((at, i) => {
          const range = ranges[i] as { least: number, most: number }
          const near = watched.filter(other => other === at || randomFloat(random) < 0.5)
            .filter(other => prefixOf(points[other] as number, range.least) === prefixOf(points[at] as number, range.least))
          return clusterDepth(range, near.map(other => depths[other] as number))
        })
        depths = depths.slice()
        watched.forEach((at, i) => { depths[at] = next[i] as number })
      }
      // a peer agrees when most of those that share its part have its depth
      const agreeing = watched.filter(at => {
        const { least } = ranges[watched.indexOf(at)] as { least: number }
        const near = watched.filter(other => prefixOf(points[other] as number, least) === prefixOf(points[at] as number, least))
        return near.filter(other => depths[other] === depths[at]).length * 2 > near.length
      })
      expect(agreeing.length).to.be.at.least(95)
      for (const [i, at] of watched.entries()) {
        const { least, most } = ranges[i] as { least: number, most: number }
        expect(depths[at]).to.be.within(least, most)
      }
    }), { numRuns: 25 })
  })
})

describe('ClusterCensus', () => {
  it('takes what it sees for its own part, what it is told for others, and an even share for the rest', () => {
    const points = Array.from({ length: 400 }, (_, i) => i) // all under the prefix 00
    const census = new ClusterCensus({ points, prefix: 0, depth: 2, told: [{ prefix: 1, depth: 2, peers: 300 }, { prefix: 0, depth: 3, peers: 9999 }] })
    expect(census.count(0, 2)).to.equal(400)
    expect(census.count(1, 2)).to.equal(300)
    expect(census.count(0, 1)).to.equal(700)
    expect(census.count(1, 1)).to.equal(800)
    expect(census.count(0, 0)).to.equal(1500)
    expect(census.count(0, 3)).to.equal(400)
  })

  it('counts nobody twice when a part and its halves are both told of', () => {
    const told = [{ prefix: 1, depth: 1, peers: 600 }, { prefix: 2, depth: 2, peers: 310 }, { prefix: 3, depth: 2, peers: 300 }]
    expect(new ClusterCensus({ points: [1, 2, 3], prefix: 0, depth: 1, told }).count(1, 1)).to.equal(610)
  })

  it('tells the size of a zone from one cluster of it', () => {
    const points = uniformPoints(50_000, new SeededRandom(3))
    const own = points.filter(point => prefixOf(point, 6) === 17)
    const { count } = new ClusterCensus({ points: own, prefix: 17, depth: 6 })
    expect(count(0, 0)).to.be.closeTo(50_000, 6000)
    expect(depthRange(own[0] as number, count)).to.deep.equal(depthRange(own[0] as number, new ClusterCensus({ points }).count))
  })
})

describe('clusterPoint', () => {
  it('has fixed values', () => {
    expect(clusterPoint('12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp')).to.equal(665913696)
    expect(prefixOf(0xffff0000, 8)).to.equal(0xff)
    expect(prefixOf(0xffff0000, 0)).to.equal(0)
  })
})
