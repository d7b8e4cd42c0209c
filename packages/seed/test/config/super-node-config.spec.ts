import { expect } from 'chai'
import { printConfig } from '../../src/config/printed-config.ts'
import { resolveConfig } from '../../src/config/seed-config.ts'
import { SUPER_NODE_TABLE } from '../../src/config/super-node-options.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import type { GivenConfig } from '../../src/config/seed-config.ts'

describe('the configuration of a super-node', () => {
  const resolve = (given: GivenConfig = {}): ReturnType<typeof resolveConfig<typeof SUPER_NODE_TABLE.options>> => resolveConfig(given, SUPER_NODE_TABLE)

  it('has limits unless it is told otherwise', () => {
    expect(resolve().config).to.deep.include({ perDay: 10e9, perMonth: 200e9, bandwidth: 5e6, cpu: 0.5, schedule: undefined, timeZone: 'local' })
  })

  it('takes units from flags, environment and file', () => {
    const { config, sources } = resolve({
      flags: { perDay: '20GB', schedule: 'Mon-Fri 20:00-06:00', cpu: '25%' },
      environment: { SKEIN_SUPERNODE_BANDWIDTH: '50Mbit', SKEIN_SUPERNODE_PER_DAY: '1GB' },
      file: { path: 'f.yaml', text: 'perMonth: 1 TB\nregion: eu-west\ntimeZone: Europe/Berlin\nmetrics: 9090\n' }
    })
    expect(config).to.deep.include({
      perDay: 20e9, perMonth: 1e12, bandwidth: 6.25e6, cpu: 0.25, region: 'eu-west', timeZone: 'Europe/Berlin',
      schedule: [{ days: [1, 2, 3, 4, 5], from: '20:00', to: '06:00' }], metrics: { host: '127.0.0.1', port: 9090 }
    })
    expect(sources.perDay).to.deep.equal({ from: 'flag', name: 'per-day' })
  })

  it('has no limit where it is told none', () => {
    const { config } = resolve({ flags: { perDay: 'none', perMonth: 'none', bandwidth: 'none' }, file: { path: 'f', text: 'cpu: none' } })
    expect(config).to.deep.include({ perDay: undefined, perMonth: undefined, bandwidth: undefined, cpu: undefined })
  })

  it('is printed so that it can be read back', () => {
    const given = resolve({ flags: { perDay: 'none', schedule: 'Sat,Sun 00:00-24:00', bandwidth: '30Mbit', stunPort: '3478' } })
    const text = printConfig(given, SUPER_NODE_TABLE)
    expect(text).to.include('# flag --per-day\nperDay: none\n').and.include('bandwidth: 30 Mbit/s\n').and.include('perMonth: 200 GB\n')
    expect(resolve({ file: { path: 'f', text } }).config).to.deep.equal(given.config)
  })

  const wrong: Array<[string, GivenConfig, RegExp]> = [
    ['an amount without a number', { flags: { perDay: 'lots' } }, /--per-day lots: expected an amount such as 10GB/],
    ['a rate without bits or bytes', { flags: { bandwidth: '20M' } }, /--bandwidth 20M: expected a rate such as 20Mbit/],
    ['a rate that carries nothing', { flags: { bandwidth: '1kbit' } }, /of 128 kbit\/s at least/],
    ['no processor at all', { flags: { cpu: '0%' } }, /--cpu 0%: expected a share/],
    ['a schedule that is none', { environment: { SKEIN_SUPERNODE_SCHEDULE: 'weekends' } }, /SKEIN_SUPERNODE_SCHEDULE=weekends: expected windows of the week/],
    ['a time that is none', { flags: { schedule: 'Mon 20:00-26:00' } }, /expected windows of the week/],
    ['a zone that is none', { flags: { timeZone: 'Europe/Nowhere' } }, /expected a time zone such as/],
    ['a key that is none', { file: { path: 'f.yaml', text: 'per_day: 1GB' } }, /expected the name perDay/],
    ['a variable that is none', { environment: { SKEIN_SUPERNODE_PERDAYS: '1' } }, /SKEIN_SUPERNODE_PERDAYS/]
  ]
  for (const [name, given, message] of wrong) {
    it(`refuses ${name}, and says what it takes`, () => {
      expect(() => resolve(given)).to.throw(ConfigError, message)
    })
  }
})
