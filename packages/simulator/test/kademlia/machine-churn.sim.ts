/** The machine that the packages ship while nodes crash and restart: time-outs, and lookups that go on without those that are gone. */
import { expect } from 'chai'
import { constantLatency } from '../../src/engine/latency.ts'
import { Network } from '../../src/engine/network.ts'
import { RandomStream } from '../../src/engine/random-stream.ts'
import { weibull } from '../../src/engine/session-length.ts'
import { createWorldChurn } from '../../src/engine/world-churn.ts'
import { ImplicitTable } from '../../src/kademlia/implicit-table.ts'
import { LookupRunner } from '../../src/kademlia/lookup-run.ts'
import { MachineLookups } from '../../src/kademlia/machine-lookups.ts'
import { drawSortedIds } from '../../src/kademlia/sorted-ids.ts'
import { tickRoundTrip } from '../../src/kademlia/tick-round-trip.ts'
import type { LookupOutcome } from '../../src/kademlia/lookup-run.ts'

const NODES = 1000
const table = new ImplicitTable(drawSortedIds(1, NODES, 20), 1, 20)
const latency = constantLatency(30)
const who = new RandomStream(1, 903)

describe('lookup machines under churn', function () {
  this.timeout(20_000)

  it('go exactly as the kernel goes when a quarter of the nodes has crashed and is still in all tables', () => {
    const isDown = (node: number): boolean => who.float(node, 9) < 0.25
    const machines = new MachineLookups({ seed: 1, table, network: new Network({ seed: 1, nodes: NODES, latency }) })
    for (let node = 0; node < NODES; node++) {
      if (isDown(node)) {
        machines.world.at(10, node, () => { machines.world.crash(node) })
      }
    }
    const runner = new LookupRunner(table, {}, tickRoundTrip(latency, 0.125, isDown), 'node')
    let compared = 0
    for (let i = 0; i < 200; i++) {
      const self = table.nodeAt(who.uint32(i, 0))
      if (isDown(self)) {
        continue
      }
      const [hi, lo] = [who.uint32(i, 1), who.uint32(i, 2)]
      machines.begin(1000 + i, self, hi, lo, machine => {
        const { hops, requests, elapsedMs } = runner.run(self, hi, lo, {} as LookupOutcome)
        expect(machine).to.deep.include({ hops, requests, elapsedMs, contacted: Array.from(runner.contacted.subarray(0, runner.contactedLength)) })
        expect(machine.found).to.deep.equal(Array.from(runner.found.subarray(0, runner.foundLength)))
        compared++
      })
    }
    machines.world.run(60_000)
    expect(compared).to.be.above(100)
  })

  it('end within a few seconds and without those that are gone, while half of the nodes come and go within minutes', () => {
    const length = weibull(0.68, 300_000)
    const churn = createWorldChurn(1, { on: length, off: length }, node => node % 2 === 0)
    const machines = new MachineLookups({ seed: 1, table, network: new Network({ seed: 1, nodes: NODES, latency }), startsUp: churn.startsUp })
    churn.begin(machines.world)
    let ended = 0
    let late = 0
    let converged = 0
    for (let i = 0; i < 400; i++) {
      const self = table.nodeAt(who.uint32(i, 3)) | 1
      machines.begin(500 * i, self < NODES ? self : 1, who.uint32(i, 4), who.uint32(i, 5), ({ elapsedMs, found, reason }) => {
        ended++
        late += elapsedMs > 5000 ? 1 : 0
        converged += reason === 'converged' ? 1 : 0
        // one that answered may have gone since
        expect(found.filter(node => !machines.world.node(node).up)).to.have.length.at.most(2)
      })
    }
    machines.world.run(300_000)
    expect(ended).to.equal(400)
    expect(converged).to.be.above(380)
    expect(late).to.be.at.most(20)
  })
})
