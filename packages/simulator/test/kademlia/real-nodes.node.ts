/** Real libp2p nodes with kad-dht and model routing go the way that the machine in a simulated world goes. */
import { expect } from 'chai'
import { compareWithReal } from './real-network.ts'
import type { Way } from './real-network.ts'

function mean (ways: Way[], value: (way: Way) => number): number {
  return ways.reduce((sum, way) => sum + value(way), 0) / ways.length
}

describe('real nodes', function () {
  this.timeout(60_000)

  it('need as many hops and requests as the machine within 10 %, and find the same peers nine times of ten', async () => {
    const { machine, real, same } = await compareWithReal({ nodes: 24, lookups: 40, k: 4, seed: 1, settleMs: 3000 })
    expect(mean(real, ({ hops }) => hops) / mean(machine, ({ hops }) => hops)).to.be.within(0.9, 1.1)
    expect(mean(real, ({ requests }) => requests) / mean(machine, ({ requests }) => requests)).to.be.within(0.9, 1.1)
    expect(Math.abs(mean(real, ({ success }) => Number(success)) - mean(machine, ({ success }) => Number(success)))).to.be.at.most(0.1)
    expect(same).to.be.at.least(36)
  })
})
