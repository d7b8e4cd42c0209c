import { expect } from 'chai'
import fc from 'fast-check'
import { formatBytes, formatRate, formatShare, parseBytes, parseRate, parseShare } from '../../src/config/quantity.ts'
import { formatSchedule, parseSchedule } from '../../src/config/schedule-text.ts'

describe('amounts as people write them', () => {
  const bytes: Array<[string, number | undefined]> = [
    ['10GB', 10e9], ['10 gb', 10e9], ['10G', 10e9], ['1.5 TB', 1.5e12], ['1GiB', 2 ** 30], ['500kB', 500_000], ['64 KiB', 65_536], ['12', 12], ['12 B', 12],
    ['0', 0], ['', undefined], ['GB', undefined], ['-1GB', undefined], ['10 GBit', undefined], ['1iB', undefined], ['1e9', undefined], ['99999999 TB', undefined]
  ]
  for (const [text, expected] of bytes) {
    it(`"${text}" is ${expected ?? 'no amount'}${expected === undefined ? '' : ' bytes'}`, () => { expect(parseBytes(text)).to.equal(expected) })
  }

  const rates: Array<[string, number | undefined]> = [
    ['20Mbit', 2.5e6], ['20 Mbit/s', 2.5e6], ['20mbit', 2.5e6], ['20Mbps', 2.5e6], ['20 Mb/s', 2.5e6], ['2.5MB', 2.5e6], ['2.5 MB/s', 2.5e6], ['1 Gbit', 125e6],
    ['1MiB/s', 2 ** 20], ['800 bit/s', 100], ['20', undefined], ['20M', undefined], ['Mbit', undefined], ['20 Mbit/h', undefined]
  ]
  for (const [text, expected] of rates) {
    it(`"${text}" is ${expected ?? 'no rate'}${expected === undefined ? '' : ' bytes/s'}`, () => { expect(parseRate(text)).to.equal(expected) })
  }

  it('shares are of a hundred or of one', () => {
    expect(['50%', '50 %', '0.5', '100%', '1', '0', '0%', '150%', '2', 'half'].map(parseShare))
      .to.deep.equal([0.5, 0.5, 0.5, 1, 1, undefined, undefined, undefined, undefined, undefined])
  })

  it('are read back as they were written', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 999_999 }), fc.constantFrom(1, 1e3, 1e6), (n, unit) => {
      expect(parseBytes(formatBytes(n * unit))).to.be.closeTo(n * unit, n * unit * 0.006)
      expect(parseRate(formatRate(n * unit))).to.be.closeTo(n * unit, n * unit * 0.006 + 1)
    }))
    expect([formatBytes(10e9), formatBytes(1_234_567_890), formatRate(2.5e6), formatShare(0.5), formatBytes(0), formatBytes(999)])
      .to.deep.equal(['10 GB', '1.23 GB', '20 Mbit/s', '50%', '0 B', '999 B'])
  })
})

describe('a schedule as people write it', () => {
  const schedules: Array<[string, ReturnType<typeof parseSchedule>]> = [
    ['20:00-06:00', [{ from: '20:00', to: '06:00' }]],
    ['daily 20:00 - 06:00', [{ from: '20:00', to: '06:00' }]],
    ['Mon-Fri 20:00-06:00', [{ days: [1, 2, 3, 4, 5], from: '20:00', to: '06:00' }]],
    ['Mon-Fri 20:00-06:00; Sat,Sun 00:00-24:00', [{ days: [1, 2, 3, 4, 5], from: '20:00', to: '06:00' }, { days: [6, 7], from: '00:00', to: '24:00' }]],
    ['fri-mon 1:00-2:00', [{ days: [1, 5, 6, 7], from: '1:00', to: '2:00' }]],
    ['monday, Wed 1:00-2:00', [{ days: [1, 3], from: '1:00', to: '2:00' }]],
    ['', undefined], ['Mon', undefined], ['Mon 20-22', undefined], ['Mop 20:00-22:00', undefined], ['Mon-Tue-Wed 20:00-22:00', undefined], ['Monkey 1:00-2:00', undefined]
  ]
  for (const [text, expected] of schedules) {
    it(`"${text}" ${expected === undefined ? 'is none' : 'is read, and written back'}`, () => {
      expect(parseSchedule(text)).to.deep.equal(expected)
      if (expected !== undefined) {
        expect(parseSchedule(formatSchedule(expected))).to.deep.equal(expected)
      }
    })
  }
})
