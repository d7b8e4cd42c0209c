import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_USAGE_DAYS, QuotaError, VolunteerLimits } from '../src/index.ts'
import type { DayUsage, VolunteerEffect, VolunteerQuota } from '../src/index.ts'

const NOW_MS = Date.parse('2026-11-21T12:00Z')
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const CHUNK = 65_536

function limits (quota: VolunteerQuota = {}, days: DayUsage[] = [], nowMs = NOW_MS): VolunteerLimits {
  return new VolunteerLimits(quota, days, nowMs)
}

function drain (machine: VolunteerLimits): VolunteerEffect[] {
  const effects: VolunteerEffect[] = []
  for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
    effects.push(effect)
  }
  return effects
}

/** Carries until it may not any more. */
function exhaust (machine: VolunteerLimits, nowMs: number): number {
  let bytes = 0
  while (machine.onBytes(CHUNK, nowMs).type === 'pass') {
    bytes += CHUNK
  }
  return bytes
}

describe('The limits of a volunteer', () => {
  it('are none unless they are set', () => {
    const machine = limits()
    expect(machine.state).to.deep.equal({ state: 'active' })
    expect(machine.onCircuit('a', NOW_MS)).to.equal(true)
    expect(machine.onBytes(CHUNK, NOW_MS)).to.deep.equal({ type: 'pass' })
    expect(machine.left(NOW_MS)).to.deep.equal({})
  })

  it('stop new clients at 98 % of a day, and every byte at 100 %, until the day ends', () => {
    const machine = limits({ bytesPerDay: 100 * CHUNK })
    machine.onCircuit('a', NOW_MS)
    for (let i = 0; i < 98; i++) {
      expect(machine.onBytes(CHUNK, NOW_MS).type).to.equal('pass')
    }
    expect(machine.state).to.deep.equal({ state: 'paused', why: ['day'], untilMs: Date.parse('2026-11-22T00:00Z') })
    expect(machine.onCircuit('b', NOW_MS)).to.equal(false)
    expect(exhaust(machine, NOW_MS)).to.equal(2 * CHUNK)
    expect(machine.onBytes(1, NOW_MS)).to.deep.equal({ type: 'stop', why: 'day' })
    expect(machine.nextTimeoutMs()).to.be.at.most(Date.parse('2026-11-22T00:00Z'))
    machine.onTimeout(Date.parse('2026-11-22T00:00Z'))
    expect(machine.state).to.deep.equal({ state: 'active' })
    expect(machine.left(Date.parse('2026-11-22T00:00Z'))).to.deep.equal({ bytesToday: 100 * CHUNK })
  })

  it('count what had to pass unasked, without refusing it', () => {
    const machine = limits({ bytesPerDay: 100 * CHUNK })
    machine.onCarried(99 * CHUNK, NOW_MS)
    expect(machine.state).to.deep.include({ state: 'paused', why: ['day'] })
    machine.onCarried(2 * CHUNK, NOW_MS)
    machine.onCarried(0, NOW_MS)
    expect(machine.left(NOW_MS)).to.deep.equal({ bytesToday: 0 })
    expect(machine.onBytes(1, NOW_MS)).to.deep.equal({ type: 'stop', why: 'day' })
    expect(machine.summary()).to.deep.equal([{ day: '2026-11-21', bytes: 101 * CHUNK, circuits: 0, clients: 0 }])
  })

  it('count a day by the time zone', () => {
    const machine = limits({ bytesPerDay: CHUNK, timeZone: 'America/Los_Angeles' })
    exhaust(machine, NOW_MS)
    expect(machine.state).to.deep.include({ untilMs: Date.parse('2026-11-22T08:00Z') })
  })

  it('count a month over restarts, with what was kept', () => {
    const days = [{ day: '2026-10-31', bytes: 10 * CHUNK, circuits: 1, clients: 1 }, { day: '2026-11-02', bytes: 7 * CHUNK, circuits: 1, clients: 1 }]
    const machine = limits({ bytesPerMonth: 10 * CHUNK }, days)
    expect(machine.left(NOW_MS)).to.deep.equal({ bytesThisMonth: 3 * CHUNK })
    expect(exhaust(machine, NOW_MS)).to.equal(3 * CHUNK)
    expect(machine.state).to.deep.equal({ state: 'paused', why: ['month'], untilMs: Date.parse('2026-12-01T00:00Z') })
  })

  it('name all reasons for a pause, and the end of the last', () => {
    const machine = limits({ bytesPerDay: CHUNK, bytesPerMonth: CHUNK })
    exhaust(machine, NOW_MS)
    expect(machine.state).to.deep.equal({ state: 'paused', why: ['month', 'day'], untilMs: Date.parse('2026-12-01T00:00Z') })
  })

  it('keep to the bandwidth, and say when to ask again', () => {
    const machine = limits({ bytesPerSecond: 1_000_000 })
    let passed = 0
    let nowMs = NOW_MS
    while (nowMs < NOW_MS + 10_000) {
      const verdict = machine.onBytes(CHUNK, nowMs)
      if (verdict.type === 'pass') {
        passed += CHUNK
      } else if (verdict.type === 'wait') {
        expect(verdict.waitMs).to.be.within(1, 1000)
        nowMs += verdict.waitMs
      }
    }
    expect(passed).to.be.within(10_000_000, 11_100_000)
  })

  it('follow the schedule, and give circuits a minute when the hours are over', () => {
    const machine = limits({ schedule: [{ from: '20:00', to: '21:00' }] })
    expect(machine.state).to.deep.equal({ state: 'paused', why: ['schedule'], untilMs: Date.parse('2026-11-21T20:00Z') })
    const openMs = machine.nextTimeoutMs() as number
    machine.onTimeout(openMs)
    expect(machine.onCircuit('a', openMs)).to.equal(true)
    drain(machine)
    machine.onTimeout(openMs + HOUR_MS)
    expect(machine.state).to.deep.include({ state: 'paused' })
    expect(drain(machine).some(({ type }) => type === 'end_circuits')).to.equal(false)
    expect(machine.nextTimeoutMs()).to.equal(openMs + HOUR_MS + MINUTE_MS)
    machine.onTimeout(openMs + HOUR_MS + MINUTE_MS)
    expect(drain(machine)).to.deep.include({ type: 'end_circuits', why: 'schedule' })
  })

  it('pause while the processor is busy for half a minute, not for a peak', () => {
    const machine = limits({ cpuShare: 0.5 })
    machine.onCpu(0.9, NOW_MS)
    machine.onCpu(0.2, NOW_MS + 20_000)
    machine.onCpu(0.9, NOW_MS + 25_000)
    expect(machine.state.state).to.equal('active')
    machine.onCpu(0.9, NOW_MS + 55_000)
    expect(machine.state).to.deep.include({ state: 'paused', why: ['cpu'] })
    machine.onCpu(0.1, NOW_MS + 60_000)
    machine.onCpu(0.1, NOW_MS + 90_000)
    expect(machine.state.state).to.equal('active')
  })

  it('drain: no new circuits, drained when the last has ended', () => {
    const machine = limits()
    machine.onCircuit('a', NOW_MS)
    machine.onDrain(NOW_MS + HOUR_MS, NOW_MS)
    expect(machine.state).to.deep.equal({ state: 'draining', circuits: 1, untilMs: NOW_MS + HOUR_MS })
    expect(machine.onCircuit('b', NOW_MS)).to.equal(false)
    expect(machine.onBytes(CHUNK, NOW_MS).type).to.equal('pass')
    machine.onCircuitClosed(NOW_MS + 1000)
    expect(machine.state).to.deep.equal({ state: 'drained' })
    machine.onResume(NOW_MS + 2000)
    expect(machine.state).to.deep.equal({ state: 'active' })
  })

  it('drain at the deadline those that did not end', () => {
    const machine = limits()
    machine.onCircuit('a', NOW_MS)
    machine.onDrain(NOW_MS + MINUTE_MS, NOW_MS)
    drain(machine)
    machine.onTimeout(machine.nextTimeoutMs() as number)
    machine.onTimeout(NOW_MS + MINUTE_MS)
    expect(drain(machine)).to.deep.include({ type: 'end_circuits', why: 'drained' })
    expect(machine.onBytes(1, NOW_MS + MINUTE_MS)).to.deep.equal({ type: 'stop', why: 'drained' })
  })

  it('say what was done, by day', () => {
    const machine = limits()
    machine.onCircuit('a', NOW_MS)
    machine.onCircuit('a', NOW_MS)
    machine.onCircuit('b', NOW_MS)
    machine.onBytes(1000, NOW_MS)
    machine.onCircuit('a', NOW_MS + 24 * HOUR_MS)
    machine.onBytes(1, NOW_MS + 24 * HOUR_MS)
    expect(machine.summary()).to.deep.equal([
      { day: '2026-11-21', bytes: 1000, circuits: 3, clients: 2 }, { day: '2026-11-22', bytes: 1, circuits: 1, clients: 1 }
    ])
  })

  it('are kept every half minute while something is carried, and when the state changes', () => {
    const machine = limits({ bytesPerDay: 10 * CHUNK })
    machine.onBytes(CHUNK, NOW_MS)
    expect(machine.nextTimeoutMs()).to.equal(NOW_MS + 30_000)
    machine.onTimeout(NOW_MS + 30_000)
    expect(drain(machine)).to.deep.equal([{ type: 'save', days: [{ day: '2026-11-21', bytes: CHUNK, circuits: 0, clients: 0 }] }])
    expect(machine.nextTimeoutMs()).to.equal(undefined)
    exhaust(machine, NOW_MS + 31_000)
    expect(drain(machine).map(({ type }) => type)).to.deep.equal(['state', 'save'])
  })

  it('keep thirteen months', () => {
    const days = Array.from({ length: 600 }, (_, i) => ({
      day: new Date(NOW_MS - (600 - i) * 24 * HOUR_MS).toISOString().slice(0, 10), bytes: 1, circuits: 0, clients: 0
    }))
    expect(limits({}, days).summary().length).to.be.within(MAX_USAGE_DAYS - 1, MAX_USAGE_DAYS)
  })

  const wrong = [['bytesPerDay', { bytesPerDay: NaN }], ['bytesPerSecond', { bytesPerSecond: 100 }], ['cpuShare', { cpuShare: 50 }]] as const
  for (const [field, quota] of wrong) {
    it(`do not take ${JSON.stringify(quota)}`, () => {
      expect(() => limits(quota)).to.throw(QuotaError).with.property('field', field)
    })
  }

  it('never let more pass than a quota has, and always end by a timer', () => {
    const step = fc.record({
      kind: fc.constantFrom('bytes', 'open', 'close', 'time', 'cpu'), waitMs: fc.nat(6 * HOUR_MS), size: fc.integer({ min: 1, max: CHUNK })
    })
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const schedule = [{ from: '06:00', to: '23:00' }]
      const quota = { bytesPerDay: 4 * CHUNK, bytesPerMonth: 9 * CHUNK, cpuShare: 0.5, schedule, timeZone: 'Europe/Berlin' }
      const machine = limits(quota)
      let nowMs = NOW_MS
      for (const { kind, waitMs, size } of steps) {
        nowMs += waitMs
        switch (kind) {
          case 'bytes': machine.onBytes(size, nowMs); break
          case 'open': machine.onCircuit('a', nowMs); break
          case 'close': machine.onCircuitClosed(nowMs); break
          case 'cpu': machine.onCpu(size / CHUNK, nowMs); break
          default: machine.onTimeout(nowMs)
        }
        drain(machine)
        expect(machine.nextTimeoutMs() ?? Infinity).to.be.above(nowMs)
      }
      const months = Map.groupBy(machine.summary(), ({ day }) => day.slice(0, 7))
      for (const days of months.values()) {
        expect(days.reduce((sum, { bytes }) => sum + bytes, 0)).to.be.at.most(quota.bytesPerMonth)
        expect(Math.max(...days.map(({ bytes }) => bytes))).to.be.at.most(quota.bytesPerDay)
      }
    }))
  })
})
