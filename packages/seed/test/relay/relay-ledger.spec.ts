import { expect } from 'chai'
import fc from 'fast-check'
import { RelayLedger } from '../../src/index.ts'
import { monthEndMs, monthOf, monthShare } from '../../src/relay/usage-period.ts'
import type { Circuit, RelayLedgerInit, RelayLimits } from '../../src/index.ts'

const NOON = Date.UTC(2026, 10, 21, 12)
const DAY_MS = 86_400_000

function ledgerOf (limits: Partial<RelayLimits>, init: RelayLedgerInit = {}): RelayLedger {
  return new RelayLedger({ ...init, limits: { circuitBytes: 100, circuitMs: 1_000, circuitsPerPeer: 2, maxCircuits: 8, maxReservations: 4, reservationMs: 60_000, peerDayBytes: 1_000, monthBytes: 10_000, ...limits } })
}

function connect (ledger: RelayLedger, source: string, destination: string, nowMs = NOON): Circuit {
  const decision = ledger.onConnect(source, destination, nowMs)
  if (!decision.granted) {
    throw new Error(decision.reason)
  }
  return decision.circuit
}

const reasonOf = (decision: { granted: true } | { granted: false, reason: string }): string | undefined => decision.granted ? undefined : decision.reason

describe('RelayLedger', () => {
  it('brings circuits only to those who have a reservation, while it lasts and they are connected', () => {
    const ledger = ledgerOf({})
    expect(reasonOf(ledger.onConnect('a', 'b', NOON))).to.equal('no_reservation')
    expect(ledger.onReserve('b', NOON)).to.deep.equal({ granted: true, expiresAtMs: NOON + 60_000 })
    ledger.onCircuitEnded(connect(ledger, 'a', 'b', NOON + 59_999))
    expect(reasonOf(ledger.onConnect('a', 'b', NOON + 60_000))).to.equal('no_reservation')
    ledger.onReserve('b', NOON + 60_000)
    ledger.onDisconnected('b')
    expect(reasonOf(ledger.onConnect('a', 'b', NOON + 60_001))).to.equal('no_reservation')
    expect(ledger.counters.refused).to.deep.equal({ no_reservation: 3 })
  })

  it('refuses a peer a circuit to itself', () => {
    const ledger = ledgerOf({})
    ledger.onReserve('b', NOON)
    expect(reasonOf(ledger.onConnect('b', 'b', NOON))).to.equal('no_reservation')
  })

  it('refuses reservations when all are taken, but not renewals', () => {
    const ledger = ledgerOf({})
    for (const peer of ['a', 'b', 'c', 'd']) {
      expect(ledger.onReserve(peer, NOON).granted).to.equal(true)
    }
    expect(reasonOf(ledger.onReserve('e', NOON))).to.equal('full')
    expect(ledger.onReserve('a', NOON + 1).granted).to.equal(true)
    ledger.onDisconnected('b')
    expect(ledger.onReserve('e', NOON + 1).granted).to.equal(true)
  })

  it('counts the circuits of a peer at whichever end it is', () => {
    const ledger = ledgerOf({ maxReservations: 10 })
    for (const peer of ['a', 'b', 'c', 'd']) {
      ledger.onReserve(peer, NOON)
    }
    const first = connect(ledger, 'a', 'b')
    connect(ledger, 'c', 'a')
    expect(reasonOf(ledger.onConnect('a', 'd', NOON))).to.equal('too_many_circuits')
    expect(reasonOf(ledger.onConnect('d', 'a', NOON))).to.equal('too_many_circuits')
    ledger.onCircuitEnded(first)
    ledger.onCircuitEnded(first)
    expect(ledger.onConnect('d', 'a', NOON).granted).to.equal(true)
    expect(ledger.circuitsOf('a')).to.equal(2)
  })

  it('ends a circuit with the first byte beyond its limit, and when its time is over', () => {
    const ledger = ledgerOf({})
    ledger.onReserve('b', NOON)
    const greedy = connect(ledger, 'a', 'b')
    expect(ledger.onBytes(greedy, 'to_destination', 60, NOON)).to.equal(undefined)
    expect(ledger.onBytes(greedy, 'to_source', 40, NOON)).to.equal(undefined)
    expect(ledger.onBytes(greedy, 'to_source', 1, NOON)).to.equal('circuit_bytes')
    expect(greedy).to.include({ bytes: 100, ended: true })
    const slow = connect(ledger, 'a', 'b', NOON + 1)
    expect(ledger.nextTimeoutMs()).to.equal(NOON + 1_001)
    ledger.onTimeout(NOON + 1_001)
    expect(ledger.poll()).to.deep.include({ type: 'reset', circuit: slow, reason: 'circuit_time' })
    expect(ledger.circuits).to.equal(0)
    expect(ledger.counters.reset).to.deep.equal({ circuit_bytes: 1, circuit_time: 1 })
    expect(ledger.counters.bytes).to.deep.equal({ to_destination: 60, to_source: 40 })
  })

  it('gives each circuit the whole of its limits, however many there were with the same reservation', () => {
    const ledger = ledgerOf({ peerDayBytes: 10_000 })
    ledger.onReserve('b', NOON)
    for (let i = 0; i < 5; i++) {
      const circuit = connect(ledger, `a${i}`, 'b', NOON + i * 999)
      expect(ledger.onBytes(circuit, 'to_source', 100, NOON + i * 999)).to.equal(undefined)
      ledger.onTimeout(NOON + i * 999 + 998)
      expect(ledger.poll(), String(i)).to.equal(undefined)
      ledger.onCircuitEnded(circuit)
    }
  })

  it('ends circuits of a peer that has had its bytes of the day, refuses it others, and begins anew the next day', () => {
    const ledger = ledgerOf({ peerDayBytes: 150, reservationMs: 2 * DAY_MS })
    ledger.onReserve('b', NOON)
    ledger.onReserve('c', NOON)
    const one = connect(ledger, 'a', 'b')
    const two = connect(ledger, 'a', 'c')
    expect(ledger.onBytes(one, 'to_source', 100, NOON)).to.equal(undefined)
    expect(ledger.onBytes(two, 'to_source', 50, NOON)).to.equal(undefined)
    expect(ledger.onBytes(two, 'to_source', 1, NOON)).to.equal('peer_quota')
    ledger.onCircuitEnded(one)
    expect(ledger.bytesToday('a', NOON)).to.equal(150)
    expect(ledger.bytesToday('c', NOON)).to.equal(50)
    expect(reasonOf(ledger.onConnect('a', 'c', NOON))).to.equal('peer_quota')
    expect(ledger.onConnect('a', 'c', NOON + DAY_MS / 2).granted).to.equal(true)
  })

  it('stops at the bytes of the month, takes nobody then, and goes on with the next month', () => {
    const ledger = ledgerOf({ monthBytes: 120, reservationMs: 30 * DAY_MS }, { used: { month: '2026-11', bytes: 50 } })
    ledger.onReserve('b', NOON)
    const circuit = connect(ledger, 'a', 'b')
    expect(ledger.onBytes(circuit, 'to_source', 70, NOON)).to.equal(undefined)
    expect(ledger.onBytes(circuit, 'to_source', 1, NOON)).to.equal('month_quota')
    expect(reasonOf(ledger.onConnect('a', 'b', NOON))).to.equal('month_quota')
    expect(reasonOf(ledger.onReserve('d', NOON))).to.equal('month_quota')
    expect(ledger.load(NOON)).to.equal(undefined)
    const december = Date.UTC(2026, 11, 1)
    expect(ledger.usage(december)).to.deep.equal({ month: '2026-12', bytes: 0 })
    expect(ledger.load(december)).to.deep.include({ reservations: 1, circuits: 0 })
    expect(ledger.onConnect('a', 'b', december).granted).to.equal(true)
  })

  it('does not take what another month used', () => {
    expect(ledgerOf({}, { used: { month: '2026-10', bytes: 9_999 } }).usage(NOON)).to.deep.equal({ month: '2026-11', bytes: 0 })
  })

  it('refuses who asks too often', () => {
    const ledger = ledgerOf({ circuitsPerPeer: 100 })
    ledger.onReserve('b', NOON)
    const decisions = Array.from({ length: 21 }, () => reasonOf(ledger.onConnect('a', 'b', NOON)))
    expect(decisions.filter(reason => reason === 'too_often')).to.have.length(1)
    expect(reasonOf(ledger.onConnect('a', 'b', NOON + 1_000))).to.equal(undefined)
  })

  it('does not count against a peer that those are gone whom it asks for, up to a bound', () => {
    const ledger = ledgerOf({})
    ledger.onReserve('b', NOON)
    const decisions = Array.from({ length: 61 }, (_, i) => reasonOf(ledger.onConnect('a', `gone ${i}`, NOON)))
    expect(decisions.filter(reason => reason === 'no_reservation')).to.have.length(60)
    expect(decisions.at(-1)).to.equal('too_often')
    expect(ledger.onConnect('a', 'b', NOON).granted).to.equal(true)
    expect(reasonOf(ledger.onConnect('a', 'gone', NOON + 1_000))).to.equal('no_reservation')
  })

  it('takes nobody while it is closed, and tells no load', () => {
    const ledger = ledgerOf({})
    ledger.onReserve('b', NOON)
    const circuit = connect(ledger, 'a', 'b')
    ledger.onClosed('draining')
    expect(reasonOf(ledger.onReserve('c', NOON))).to.equal('draining')
    expect(reasonOf(ledger.onConnect('c', 'b', NOON))).to.equal('draining')
    expect(ledger.load(NOON)).to.equal(undefined)
    expect(ledger.onBytes(circuit, 'to_source', 1, NOON)).to.equal(undefined)
    ledger.onClosed(undefined)
    expect(ledger.onReserve('c', NOON).granted).to.equal(true)
  })

  it('remembers the day of a bounded number of peers, and of all that have a circuit', () => {
    const ledger = ledgerOf({ maxReservations: 100, maxCircuits: 100 }, { maxAccounts: 2 })
    ledger.onReserve('b', NOON)
    const held = connect(ledger, 'a', 'b')
    ledger.onBytes(held, 'to_source', 10, NOON)
    for (const peer of ['c', 'd', 'e', 'f']) {
      ledger.onReserve(peer, NOON)
      const circuit = connect(ledger, `${peer}${peer}`, peer)
      ledger.onBytes(circuit, 'to_source', 20, NOON)
      ledger.onCircuitEnded(circuit)
    }
    expect(ledger.bytesToday('a', NOON)).to.equal(10)
    expect(['c', 'cc', 'd', 'dd', 'e', 'ee', 'f', 'ff'].filter(peer => ledger.bytesToday(peer, NOON) > 0)).to.deep.equal(['f', 'ff'])
  })

  it('keeps its bounds and its sums, whatever comes', () => {
    const peer = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
    const step = fc.oneof(
      fc.record({ do: fc.constant('reserve' as const), peer }),
      fc.record({ do: fc.constant('connect' as const), peer, other: peer }),
      fc.record({ do: fc.constant('bytes' as const), at: fc.nat(7), bytes: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ do: fc.constant('end' as const), at: fc.nat(7) }),
      fc.record({ do: fc.constant('gone' as const), peer }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: DAY_MS }) })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const limits = { circuitBytes: 100, circuitsPerPeer: 2, maxCircuits: 3, maxReservations: 3, peerDayBytes: 250, monthBytes: 800 }
      const ledger = ledgerOf({ ...limits, circuitMs: 5_000, reservationMs: DAY_MS })
      const circuits: Circuit[] = []
      let [nowMs, passed] = [NOON, 0]
      for (const step of steps) {
        if (step.do === 'reserve') {
          ledger.onReserve(step.peer, nowMs)
        } else if (step.do === 'connect') {
          const decision = ledger.onConnect(step.peer, step.other, nowMs)
          if (decision.granted) {
            circuits.push(decision.circuit)
          }
        } else if (step.do === 'gone') {
          ledger.onDisconnected(step.peer)
        } else if (step.do === 'wait') {
          nowMs += step.ms
          ledger.onTimeout(nowMs)
        } else {
          const circuit = circuits.filter(({ ended }) => !ended)[step.at]
          if (circuit !== undefined && step.do === 'end') {
            ledger.onCircuitEnded(circuit)
          } else if (circuit !== undefined && step.do === 'bytes' && ledger.onBytes(circuit, 'to_source', step.bytes, nowMs) === undefined) {
            passed += step.bytes
          }
        }
        const open = circuits.filter(({ ended }) => !ended)
        expect(ledger.circuits).to.equal(open.length).and.to.be.at.most(limits.maxCircuits)
        expect(ledger.reserved).to.be.at.most(limits.maxReservations)
        for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
          expect(ledger.circuitsOf(name)).to.equal(open.filter(({ source, destination }) => source === name || destination === name).length)
            .and.to.be.at.most(limits.circuitsPerPeer)
          expect(ledger.bytesToday(name, nowMs)).to.be.at.most(limits.peerDayBytes)
        }
        expect(circuits.every(({ bytes }) => bytes <= limits.circuitBytes)).to.equal(true)
        expect(ledger.usage(nowMs).bytes).to.be.at.most(limits.monthBytes)
        expect(ledger.counters.bytes.to_source).to.equal(passed).and.to.equal(circuits.reduce((sum, { bytes }) => sum + bytes, 0))
      }
    }), { numRuns: 300 })
  })
})

describe('a month', () => {
  it('is that of UTC, whatever its length', () => {
    expect(monthOf(Date.UTC(2026, 1, 28, 23, 59, 59))).to.equal('2026-02')
    expect(monthEndMs(Date.UTC(2026, 11, 31))).to.equal(Date.UTC(2027, 0, 1))
    expect(monthShare(Date.UTC(2026, 3, 16))).to.equal(0.5)
  })

  it('is the one that the calendar of the platform has', () => {
    fc.assert(fc.property(fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2400, 0, 1) }), nowMs => {
      const date = new Date(nowMs)
      expect(monthOf(nowMs)).to.equal(date.toISOString().slice(0, 7))
      expect(monthEndMs(nowMs)).to.equal(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1))
      expect(monthShare(nowMs)).to.be.at.least(0).and.below(1)
    }))
  })
})
