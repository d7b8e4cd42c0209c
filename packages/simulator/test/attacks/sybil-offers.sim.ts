/** Who holds an offer whose key is crowded by Sybils: announcers in a simulated world beside the kernel that the scenario counts with. */
import { modelKey } from '@skein/routing'
import { expect } from 'chai'
import { constantLatency, drawSortedIds, LookupRunner, Network, OfferWorld, SybilTable } from '../../src/index.ts'
import type { SybilIds } from '../../src/index.ts'

const NODES = 2000
const SYBILS = 45
const MODELS = 12

/** Ids nearer to a key than any honest node of so small a network. */
function atKey (hi: number, serial: number): SybilIds {
  return {
    hi: Uint32Array.from({ length: SYBILS }, (_, i) => (hi ^ (1 + (i * 64 + serial) * 100)) >>> 0),
    lo: Uint32Array.from({ length: SYBILS }, (_, i) => i)
  }
}

describe('Offers among Sybils at their key', function () {
  this.timeout(60_000)

  it('are held by the same honest nodes in a world of announcers as a lookup of the kernel asked', () => {
    let held = 0
    for (let serial = 0; serial < MODELS; serial++) {
      const model = `model ${serial}`
      const view = new DataView(modelKey(model).buffer)
      const [hi, lo] = [view.getUint32(0), view.getUint32(4)]
      const table = new SybilTable(drawSortedIds(5, NODES, 20), 5, 20, 900)
      table.setSybils(atKey(hi, serial), 'collude')
      const provider = serial * 31
      const network = new Network({ seed: 5, nodes: table.size, latency: constantLatency(40) })
      const offers = new OfferWorld({ seed: 5, table, network, offerLifeMs: 120_000 })
      offers.announce(10, provider, model)
      offers.world.run(10_000)
      const holders = offers.holders(model).filter(node => table.isHonest(node) && node !== provider)
      held += holders.length

      const runner = new LookupRunner(table, { k: 20, disjointPaths: 2 }, () => 40)
      runner.run(provider, hi, lo, { reason: 'exhausted', hops: 0, requests: 0, elapsedMs: 0 })
      const asked = Array.from(runner.contacted.subarray(0, runner.contactedLength)).filter(node => table.isHonest(node))
      expect(holders, model).to.have.members(asked)
    }
    expect(held / MODELS).to.be.within(1, 15)
  })
})
