/** The machine that the packages ship and the kernel over typed arrays do the same, request by request. */
import { expect } from 'chai'
import fc from 'fast-check'
import { Network } from '../../src/engine/network.ts'
import { RandomStream } from '../../src/engine/random-stream.ts'
import { ExplicitTable, fillIdeal } from '../../src/kademlia/explicit-table.ts'
import { ImplicitTable } from '../../src/kademlia/implicit-table.ts'
import { LookupRunner } from '../../src/kademlia/lookup-run.ts'
import { MachineLookups } from '../../src/kademlia/machine-lookups.ts'
import { drawSortedIds } from '../../src/kademlia/sorted-ids.ts'
import { tickRoundTrip } from '../../src/kademlia/tick-round-trip.ts'
import type { LatencyModel } from '../../src/engine/latency.ts'
import type { KadTable } from '../../src/kademlia/kad-table.ts'
import type { LookupOutcome } from '../../src/kademlia/lookup-run.ts'
import type { MachineOutcome } from '../../src/kademlia/machine-lookups.ts'

const LOOKUPS = 10

/** Up to 1.6 s a round trip, of which a good part is longer than the soft time-out. */
function scattered (seed: number, spreadMs: number): LatencyModel {
  const random = new RandomStream(seed, 900)
  return { leastMs: 5, oneWayMs: (from, to) => 5 + random.float(from, to) * spreadMs }
}

const scenarios = fc.record({
  seed: fc.nat(),
  size: fc.oneof(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 60, max: 2000 })),
  kind: fc.constantFrom('explicit', 'implicit'),
  clustered: fc.constantFrom(0, 0.75),
  spreadMs: fc.constantFrom(0, 0.5, 100, 800, 4000),
  silentShare: fc.constantFrom(0, 0, 0.1, 0.4, 0.9),
  k: fc.constantFrom(1, 4, 8, 20),
  alpha: fc.integer({ min: 1, max: 6 }),
  disjointPaths: fc.integer({ min: 1, max: 3 }),
  bounds: fc.constantFrom({}, { maxRequests: 7 }, { maxCandidates: 25 }, { maxCandidates: 20, maxRequests: 60 })
})

describe('machine and kernel', () => {
  it('ask the same peers in the same order, and end the same way at the same time, with the same peers found', function () {
    this.timeout(60_000)
    const ends = new Map<string, number>()
    fc.assert(fc.property(scenarios, ({ seed, size, kind, clustered, spreadMs, silentShare, k, alpha, disjointPaths, bounds }) => {
      const ids = drawSortedIds(seed, size, k)
      let table: KadTable = new ImplicitTable(ids, seed, k, { clustered: Math.floor(clustered * k) })
      if (kind === 'explicit') {
        const explicit = new ExplicitTable(ids, k)
        fillIdeal(explicit, seed)
        table = explicit
      }
      const latency = scattered(seed, spreadMs)
      const silent = new RandomStream(seed, 901)
      const isSilent = (node: number): boolean => silent.float(node, 0) < silentShare
      const rule = { k, alpha, disjointPaths, ...bounds }
      const machines = new MachineLookups({ seed, table, rule, network: new Network({ seed, nodes: size, latency }), isSilent })
      const runner = new LookupRunner(table, rule, tickRoundTrip(latency, 0.125, isSilent), 'node')
      const who = new RandomStream(seed, 902)
      for (let i = 0; i < LOOKUPS; i++) {
        const self = table.nodeAt(who.uint32(i, 0))
        const [hi, lo] = [who.uint32(i, 1), who.uint32(i, 2)]
        let machine: MachineOutcome | undefined
        machines.begin(i * 1e6, self, hi, lo, outcome => { machine = outcome })
        machines.world.run((i + 1) * 1e6)
        const outcome = runner.run(self, hi, lo, {} as LookupOutcome)
        const kernel: MachineOutcome = {
          ...outcome,
          contacted: Array.from(runner.contacted.subarray(0, runner.contactedLength)),
          found: Array.from(runner.found.subarray(0, runner.foundLength))
        }
        expect(machine, JSON.stringify([machine, kernel])).to.deep.equal(kernel)
        ends.set(kernel.reason, (ends.get(kernel.reason) ?? 0) + 1)
      }
    }), { numRuns: 150 })
    expect([...ends.keys()]).to.have.members(['converged', 'exhausted', 'budget'])
  })
})
