import { expect } from 'chai'
import fc from 'fast-check'
import { LocalClock, ScheduleError, TimeZoneError, WeeklySchedule } from '../src/index.ts'
import type { ScheduleWindow } from '../src/index.ts'

const HOUR_MS = 3_600_000
const berlin = new LocalClock('Europe/Berlin')
const at = (text: string): number => Date.parse(text)

function schedule (windows: ScheduleWindow[], clock = berlin): WeeklySchedule {
  return new WeeklySchedule(windows, clock)
}

describe('A clock on the wall', () => {
  const days: Array<[string, string, string, number]> = [
    ['an ordinary day', 'Europe/Berlin', '2026-11-21T00:00+01:00', 24],
    ['the day on which summer time begins', 'Europe/Berlin', '2026-03-29T00:00+01:00', 23],
    ['the day on which it ends', 'Europe/Berlin', '2026-10-25T00:00+02:00', 25],
    ['the day on which it ends where it is half an hour', 'Australia/Lord_Howe', '2026-04-05T00:00+11:00', 24.5],
    ['a day that begins at one', 'America/Santiago', '2026-09-06T01:00-03:00', 23]
  ]
  for (const [name, zone, start, hours] of days) {
    it(`gives ${name} ${hours} hours in ${zone}`, () => {
      const clock = new LocalClock(zone)
      const startMs = at(start)
      expect(clock.keyOf('day', startMs - 1)).not.to.equal(clock.keyOf('day', startMs))
      expect((clock.endOf('day', startMs) - startMs) / HOUR_MS).to.equal(hours)
    })
  }

  it('ends a month by the zone, not by UTC', () => {
    expect(berlin.endOf('month', at('2026-10-03T12:00Z'))).to.equal(at('2026-10-31T23:00Z'))
    expect(berlin.keyOf('month', at('2026-10-31T23:30Z'))).to.equal('2026-11')
    expect(berlin.endOf('month', at('2026-12-31T22:59Z'))).to.equal(at('2026-12-31T23:00Z'))
  })

  it('says that it does not know a zone', () => {
    expect(() => new LocalClock('Mars/Olympus')).to.throw(TimeZoneError, 'Europe/Berlin')
  })
})

describe('A weekly schedule', () => {
  it('is open in its windows, over midnight too', () => {
    const nights = schedule([{ days: [5], from: '22:00', to: '07:00' }])
    const cases: Array<[string, boolean]> = [
      ['2026-11-20T21:59+01:00', false], ['2026-11-20T22:00+01:00', true], ['2026-11-21T06:59+01:00', true], ['2026-11-21T07:00+01:00', false],
      ['2026-11-21T22:30+01:00', false], ['2026-11-20T06:00+01:00', false]
    ]
    for (const [text, open] of cases) {
      expect(nights.isOpen(at(text)), text).to.equal(open)
    }
  })

  const changes: Array<[string, ScheduleWindow, string, string]> = [
    ['opens', { from: '22:00', to: '07:00' }, '2026-11-20T12:00+01:00', '2026-11-20T22:00+01:00'],
    ['closes', { from: '22:00', to: '07:00' }, '2026-11-20T23:00+01:00', '2026-11-21T07:00+01:00'],
    ['opens next week', { days: [1], from: '08:00', to: '09:00' }, '2026-11-16T09:00+01:00', '2026-11-23T08:00+01:00'],
    ['opens at the same reading after summer time began', { from: '06:00', to: '07:00' }, '2026-03-28T12:00+01:00', '2026-03-29T06:00+02:00'],
    ['opens late when the hour of its beginning is left out', { from: '02:30', to: '04:00' }, '2026-03-29T01:00+01:00', '2026-03-29T03:00+02:00'],
    ['closes when the hour that comes twice is over once', { from: '01:00', to: '02:30' }, '2026-10-25T01:30+02:00', '2026-10-25T02:30+02:00'],
    ['opens again in the hour that comes twice', { from: '01:00', to: '02:30' }, '2026-10-25T02:45+02:00', '2026-10-25T02:00+01:00']
  ]
  for (const [name, window, fromText, toText] of changes) {
    it(name, () => {
      expect(schedule([window]).nextChangeMs(at(fromText))).to.equal(at(toText))
    })
  }

  it('that is open at all times never changes', () => {
    expect(schedule([{ from: '00:00', to: '24:00' }]).nextChangeMs(at('2026-03-28T12:00Z'))).to.equal(undefined)
  })

  const wrong = [{ from: '7', to: '08:00' }, { from: '25:00', to: '08:00' }, { from: '08:60', to: '09:00' }, { days: [8], from: '1:00', to: '2:00' }]
  for (const window of wrong) {
    it(`does not take ${JSON.stringify(window)}`, () => {
      expect(() => schedule([window])).to.throw(ScheduleError)
    })
  }

  it('changes when it says it does and not before, in any zone and month', () => {
    const window = fc.record({
      days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      from: fc.integer({ min: 0, max: 95 }).map(quarter => `${quarter >> 2}:${String(quarter % 4 * 15).padStart(2, '0')}`),
      to: fc.integer({ min: 1, max: 96 }).map(quarter => `${quarter >> 2}:${String(quarter % 4 * 15).padStart(2, '0')}`)
    })
    const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC')
    const time = fc.integer({ min: at('2025-01-01T00:00Z'), max: at('2028-01-01T00:00Z') })
    fc.assert(fc.property(window, zone, time, fc.double({ min: 0, max: 0.999, noNaN: true }),
      (one, name, nowMs, share) => {
        const plan = schedule([one], new LocalClock(name))
        const changeMs = plan.nextChangeMs(nowMs)
        const open = plan.isOpen(nowMs)
        if (changeMs !== undefined) {
          expect(plan.isOpen(changeMs)).to.equal(!open)
          expect(plan.isOpen(changeMs - 1)).to.equal(open)
          expect(plan.isOpen(Math.floor(nowMs + share * (changeMs - nowMs)))).to.equal(open)
        }
      }), { numRuns: 60 })
  })
})
