/** The machine that `@skein/pex` ships and the kernel over typed arrays have the same views, record by record and in the same order. */
import { expect } from 'chai'
import fc from 'fast-check'
import { CheckedExchange, FIRST_STRANGER, RandomStream, UNCHECKED } from '../../src/index.ts'
import { InstantWorld } from './instant-world.ts'
import type { RecordMessage } from '../../src/index.ts'

const STREAM = 900
const MINUTE_MS = 60_000

interface World {
  seed: number
  nodes: number
  viewSize: number
  supers: number
  perNetwork: number
  exchange: { sourceShare?: number, networkShare?: number, roundMs?: number, fillMs?: number, answersPerMinute?: number, referralsPerMinute?: number }
  sybils: number
  churn: number
  cut: boolean
  minutes: number
}

/** Runs both, and compares them each ten minutes. */
function compare (world: World): { asks: number, failed: number, refused: number } {
  const { seed, nodes, viewSize, supers, exchange, sybils } = world
  let cut = false
  const networkOf = (peer: number): number => peer >= FIRST_STRANGER ? 50_000 + peer % 4 : peer % 7 === 0 ? -1 : Math.floor(peer / world.perNetwork)
  const reaches = (from: number, to: number): boolean => !cut || ((from ^ to) & 1) === 0
  const draws = new RandomStream(seed, STREAM + 1)
  const sybil = (device: number, nowMs: number, i: number): number => FIRST_STRANGER + (draws.uint32(device * 64 + i, nowMs) % sybils)
  const told = (device: number, nowMs: number): number[] => [...new Set(Array.from({ length: 50 }, (_, i) => sybil(device, nowMs, i)))]
  const kernel = new CheckedExchange({
    ...exchange, seed, stream: STREAM, slots: nodes, viewSize, networkOf, reaches,
    ...(sybils === 0 ? {} : { answer: (_, from, message, nowMs) => { told(from, nowMs).slice(0, 16).forEach(peer => { message.add(peer, nowMs) }) } })
  })
  const machines = new InstantWorld({
    seed, stream: STREAM, exchange: { ...exchange, viewSize }, networkOf, reaches,
    answer: (peer, from, nowMs) => peer < FIRST_STRANGER || sybils === 0
      ? undefined
      : told(from, nowMs).slice(0, 16).map(other => machines.recordOf(other, nowMs))
  })
  const known = Array.from({ length: supers }, (_, i) => i)
  for (let slot = 0; slot < nodes; slot++) {
    kernel.start(slot, known)
    machines.start(slot, known)
  }
  for (let minute = 1; minute <= world.minutes; minute++) {
    const atMs = minute * MINUTE_MS
    kernel.run(atMs)
    machines.run(atMs)
    for (let slot = supers; slot < nodes; slot++) {
      if (draws.float(slot, 1e6 + minute) < world.churn) {
        kernel.stop(slot)
        machines.stop(slot)
        kernel.start(slot, known)
        machines.start(slot, known)
      }
    }
    for (let slot = 0; slot < nodes && sybils > 0; slot++) {
      const stranger = FIRST_STRANGER + (slot + minute) % sybils
      const records = told(slot, atMs + 1).filter(peer => peer !== stranger).slice(0, 49)
      const message = { peers: Int32Array.from([...records, stranger]), issuedAt: new Int32Array(50).fill(atMs), length: records.length + 1 }
      expect(kernel.hear(stranger, slot, message as unknown as RecordMessage, 50))
        .to.equal(machines.hear(stranger, slot, [...records, stranger].map(peer => machines.recordOf(peer)), 50))
    }
    cut = world.cut && minute % 10 >= 4
    if (minute % 10 === 0 || minute === world.minutes) {
      for (let slot = 0; slot < nodes; slot++) {
        const { views } = kernel
        const device = machines.slots[slot] as number
        const expected = [...(machines.machines[device]?.view.values() ?? [])].map(({ record, source, checkedMs }) => [
          Number(record.peer), record.issuedAtMs, Number(source), checkedMs ?? UNCHECKED
        ])
        const found = Array.from({ length: views.length[slot] as number }, (_, i) => {
          const at = slot * viewSize + i
          return [views.peers[at], views.issuedAt[at], views.source[at], views.checkedAt[at]]
        })
        expect(found, `the view of ${slot} after ${minute} minutes`).to.deep.equal(expected)
      }
    }
  }
  expect(machines.offences).to.deep.equal([])
  const totals = { asks: 0, failed: 0, refused: 0 }
  machines.machines.forEach(({ counters }) => {
    totals.asks += counters.asks_total
    totals.failed += counters.asks_failed_total
    totals.refused += counters.asks_refused_total
  })
  expect(kernel.totals).to.include(totals)
  return totals
}

const worlds = fc.record({
  seed: fc.nat(),
  nodes: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 3, max: 60 }) }, { weight: 1, arbitrary: fc.integer({ min: 60, max: 300 }) }),
  viewSize: fc.constantFrom(100, 100, 130),
  supers: fc.integer({ min: 1, max: 20 }),
  perNetwork: fc.constantFrom(1, 3, 20),
  exchange: fc.record({
    sourceShare: fc.constantFrom(0.02, 0.25),
    networkShare: fc.constantFrom(0.01, 1 / 16, 1),
    roundMs: fc.constantFrom(60_000, 20_000),
    fillMs: fc.constantFrom(2_000, 5_000),
    answersPerMinute: fc.constantFrom(2, 120),
    referralsPerMinute: fc.constantFrom(2, 1200)
  }, { requiredKeys: [] }),
  sybils: fc.constantFrom(0, 0, 60),
  churn: fc.constantFrom(0, 0.02),
  cut: fc.boolean(),
  minutes: fc.constantFrom(25, 40)
}).map(world => ({ ...world, supers: Math.min(world.supers, world.nodes - 1) }))

describe('machine and kernel of peer exchange', function () {
  this.timeout(120_000)

  it('have the same views, whoever is there, goes, is cut off, lies, or is asked too often', () => {
    const totals = { failed: 0, refused: 0 }
    fc.assert(fc.property(worlds, world => {
      const { failed, refused } = compare(world)
      totals.failed += failed
      totals.refused += refused
    }), { numRuns: 8 })
    expect(totals.failed).to.be.above(0)
    expect(totals.refused).to.be.above(0)
  })

  it('have the same views with 2,000 devices that start with the same 20', () => {
    compare({ seed: 5, nodes: 2_000, viewSize: 100, supers: 20, perNetwork: 3, exchange: {}, sybils: 0, churn: 0.003, cut: false, minutes: 4 })
  })
})
