import { expect } from 'chai'
import { MeshGossip } from '../../src/index.ts'

const NO_FAULT = { lossRate: 0, silentShare: 0 }

describe('gossip over a mesh', () => {
  it('reaches all, in D − 1 copies each', () => {
    const mesh = new MeshGossip({ seed: 1, nodes: 1_000, degree: 8, connections: 8, lazy: 0, stream: 900 })
    const { told, honest, copies, announced, rounds, rounds99, curve } = mesh.spread(0, NO_FAULT)
    expect([told, honest, announced]).to.deep.equal([1_000, 1_000, 0])
    // the first sends to all D; where two rings have a link in common, one less comes back
    expect(copies).to.be.within(6_990, 7_001)
    expect(rounds99).to.be.at.most(rounds)
    expect(curve[rounds]).to.deep.equal([rounds, 1])
  })

  it('takes as many hops around a ring as there are devices on the way', () => {
    const { rounds, copies } = new MeshGossip({ seed: 1, nodes: 101, degree: 2, connections: 2, lazy: 0, stream: 900 }).spread(0, NO_FAULT)
    expect([rounds, copies]).to.deep.equal([50, 102])
  })

  it('announces to D_lazy at each of three heartbeats', () => {
    const { announced } = new MeshGossip({ seed: 1, nodes: 500, degree: 8, connections: 20, lazy: 6, stream: 900 }).spread(0, NO_FAULT)
    expect(announced).to.equal(500 * 6 * 3)
  })

  it('makes good by announcements what the mesh loses', () => {
    const told = (lazy: number): number => {
      const mesh = new MeshGossip({ seed: 3, nodes: 5_000, degree: 4, connections: 20, lazy, stream: 900 })
      return mesh.spread(0, { lossRate: 0.5, silentShare: 0 }).told
    }
    expect(told(0)).to.be.below(4_500)
    expect(told(6)).to.be.above(4_950)
  })

  it('does not come past devices that are all silent, and counts the others alone', () => {
    const mesh = new MeshGossip({ seed: 1, nodes: 2_000, degree: 8, connections: 20, lazy: 6, stream: 900 })
    const half = mesh.spread(0, { lossRate: 0, silentShare: 0.5 })
    expect(half.honest).to.be.within(900, 1_100)
    expect(half.told / half.honest).to.be.above(0.99)
    expect(mesh.spread(0, { lossRate: 0, silentShare: 0.99 }).told).to.be.below(10)
  })

  it('is the same for the same seed, whatever ran before', () => {
    const mesh = new MeshGossip({ seed: 5, nodes: 500, degree: 6, connections: 12, lazy: 6, stream: 900 })
    const fault = { lossRate: 0.3, silentShare: 0.2 }
    const first = mesh.spread(7, fault)
    mesh.spread(8, fault)
    expect(mesh.spread(7, fault)).to.deep.equal(first)
  })

  it('refuses a mesh of odd degree', () => {
    expect(() => new MeshGossip({ seed: 1, nodes: 100, degree: 3, connections: 8, lazy: 0, stream: 900 })).to.throw(RangeError, 'even numbers of links')
  })
})
