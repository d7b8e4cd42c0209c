import { expect } from 'chai'
import fc from 'fast-check'
import { SEED_ROLES } from '../../src/index.ts'
import { ConfigError, ConfigFileError, describeOptions, environmentOf, flagOf, isList, OPTION_NAMES, optionOf, printConfig, resolveConfig } from '../../src/node/index.ts'
import type { GivenConfig, OptionName } from '../../src/node/index.ts'

const TOKEN = 'a-token-of-some-length'
const AUTHORITY = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'

function file (text: string): GivenConfig {
  return { file: { path: 'seed.yaml', text } }
}

function failureOf (given: GivenConfig): Error {
  try {
    resolveConfig(given)
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was refused')
}

describe('the configuration of a seed', () => {
  it('has a default for every option that needs one', () => {
    const { config, sources } = resolveConfig({ home: '/home/me' })
    expect(config).to.deep.equal({
      listen: ['/ip4/0.0.0.0/tcp/7310'], http: undefined, metricsToken: undefined, announce: [], seeds: [], region: '', data: '/home/me/.skein/seed',
      ephemeral: false, roles: ['discover', 'signal', 'relay', 'bootstrap'],
      relayCircuitMib: 16, relayCircuitMinutes: 10, relayCircuitsPerPeer: 16, relayReservations: 1_000, relayPeerDayMib: 512, relayMonthGb: 100, stage: 'auto',
      stun: undefined, stunAlternate: undefined, dialBack: true, maxRegistrations: 100_000, maxConnections: 4_000, redis: undefined, redisPrefix: 'skein',
      asnFile: undefined, registrationsPerNetwork: 512, registrationsPerWideNetwork: undefined, registrationsPerSystem: undefined,
      reservationsPerNetwork: undefined, reservationsPerWideNetwork: undefined, reservationsPerSystem: undefined,
      admission: undefined, admissionHelp: '', puzzleBits: 1, tokenAuthorities: [], tokenRevocations: undefined, certificateAuthorities: undefined,
      certificateRevocations: undefined, stakeLedger: undefined, stakeAuthority: [], minStake: undefined, stakeUnit: '', credential: undefined,
      trustedNetworks: ['127.0.0.0/8', '::1/128'], logLevel: 'info', drain: 10
    })
    expect(Object.values(sources).every(({ from }) => from === 'default')).to.equal(true)
  })

  it('takes the flag before the environment, the environment before the file, the file before the default', () => {
    const all: GivenConfig = { flags: { drain: '1' }, environment: { SKEIN_SEED_DRAIN: '2' }, ...file('drain: 3') }
    const cases: Array<[GivenConfig, number, string]> = [
      [all, 1, 'flag'],
      [{ ...all, flags: {} }, 2, 'environment'],
      [{ ...all, flags: {}, environment: {} }, 3, 'file'],
      [{}, 10, 'default']
    ]
    for (const [given, drain, from] of cases) {
      const { config, sources } = resolveConfig(given)
      expect([config.drain, sources.drain.from]).to.deep.equal([drain, from])
    }
  })

  it('reads only the value that counts', () => {
    expect(resolveConfig({ flags: { drain: '1' }, environment: { SKEIN_SEED_DRAIN: 'soon' } }).config.drain).to.equal(1)
  })

  it('says the same by flag, environment and file, for every option', () => {
    const samples: Record<OptionName, [text: string | string[], yaml: string]> = {
      listen: [['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'], '[/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2]'],
      http: ['127.0.0.1:8080', '127.0.0.1:8080'],
      metricsToken: [TOKEN, TOKEN],
      announce: [['/dns4/seed.example/tcp/7310'], '[/dns4/seed.example/tcp/7310]'],
      seeds: [['/ip4/192.0.2.1/tcp/7310'], '/ip4/192.0.2.1/tcp/7310'],
      region: ['eu-west', 'eu-west'],
      data: ['/var/lib/skein', '/var/lib/skein'],
      ephemeral: ['true', 'true'],
      roles: [['bootstrap', 'discover'], '[bootstrap, discover]'],
      relayCircuitMib: ['8', '8'],
      relayCircuitMinutes: ['9', '9'],
      relayCircuitsPerPeer: ['10', '10'],
      relayReservations: ['11', '11'],
      relayPeerDayMib: ['12', '12'],
      relayMonthGb: ['13', '13'],
      stage: ['hub', 'hub'],
      stun: ['192.0.2.1:3478', '192.0.2.1:3478'],
      stunAlternate: ['3479', '3479'],
      dialBack: ['false', 'false'],
      maxRegistrations: ['5', '5'],
      maxConnections: ['6', '6'],
      registrationsPerNetwork: ['14', '14'],
      registrationsPerWideNetwork: ['15', '15'],
      registrationsPerSystem: ['16', '16'],
      reservationsPerNetwork: ['17', '17'],
      reservationsPerWideNetwork: ['18', '18'],
      reservationsPerSystem: ['19', '19'],
      admission: ['token or (puzzle and stake)', 'token or (puzzle and stake)'],
      admissionHelp: ['https://example.org/join', 'https://example.org/join'],
      puzzleBits: ['3', '3'],
      tokenAuthorities: [[AUTHORITY], `[${AUTHORITY}]`],
      tokenRevocations: ['/etc/skein/revoked.txt', '/etc/skein/revoked.txt'],
      certificateAuthorities: ['/etc/skein/ca.pem', '/etc/skein/ca.pem'],
      certificateRevocations: ['/etc/skein/crl.pem', '/etc/skein/crl.pem'],
      stakeLedger: ['/etc/skein/stakes.jsonl', '/etc/skein/stakes.jsonl'],
      stakeAuthority: [[AUTHORITY], `[${AUTHORITY}]`],
      minStake: ['50', '50'],
      stakeUnit: ['EUR', 'EUR'],
      credential: ['/etc/skein/seed.credential', '/etc/skein/seed.credential'],
      asnFile: ['/etc/skein/systems.mmdb', '/etc/skein/systems.mmdb'],
      redis: ['redis://:word@127.0.0.1:6379/1', 'redis://:word@127.0.0.1:6379/1'],
      redisPrefix: ['mesh-2', 'mesh-2'],
      trustedNetworks: [['192.0.2.0/24', '2001:db8::/32'], '[192.0.2.0/24, 2001:db8::/32]'],
      logLevel: ['debug', 'debug'],
      drain: ['7', '7']
    }
    const byFlag = resolveConfig({ flags: Object.fromEntries(OPTION_NAMES.map(name => [name, samples[name][0]])) })
    const byEnvironment = resolveConfig({ environment: Object.fromEntries(OPTION_NAMES.map(name => [environmentOf(name), String(samples[name][0])])) })
    const byFile = resolveConfig(file(OPTION_NAMES.map(name => `${name}: ${samples[name][1]}`).join('\n')))
    expect(byEnvironment.config).to.deep.equal(byFlag.config)
    expect(byFile.config).to.deep.equal(byFlag.config)
    const plain = resolveConfig().config
    expect(OPTION_NAMES.filter(name => JSON.stringify(plain[name]) === JSON.stringify(byFlag.config[name]))).to.deep.equal([])
  })

  it('takes "none" for no network at all, as a flag, in the environment and in a file', () => {
    for (const given of [{ flags: { trustedNetworks: ['none'] } }, { environment: { SKEIN_SEED_TRUSTED_NETWORKS: 'none' } }, file('trustedNetworks: []')]) {
      expect(resolveConfig(given).config.trustedNetworks).to.deep.equal([])
    }
  })

  it('takes "none" for what is off by default, over what a file says', () => {
    const text = 'admission: puzzle\nregistrationsPerSystem: 5\ntokenRevocations: /x\ntokenAuthorities: [12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB]'
    const flags = { admission: 'none', registrationsPerSystem: 'none', tokenRevocations: 'none', tokenAuthorities: ['none'] }
    const { config } = resolveConfig({ ...file(text), flags })
    expect([config.admission, config.registrationsPerSystem, config.tokenRevocations, config.tokenAuthorities]).to.deep.equal([undefined, undefined, undefined, []])
  })

  const endpoints: Array<[unknown, string | undefined, number?]> = [
    ['8080', '0.0.0.0', 8080], [8080, '0.0.0.0', 8080], [':8080', '0.0.0.0', 8080], ['127.0.0.1:0', '127.0.0.1', 0], ['[::1]:80', '::1', 80],
    ['seed.example:80', 'seed.example', 80], ['65536', undefined], ['::1:80', undefined], ['http://x:80', undefined], ['x', undefined], ['', undefined],
    [-1, undefined], [true, undefined], [['8080'], undefined]
  ]
  for (const [given, host, port] of endpoints) {
    it(`reads http: ${JSON.stringify(given)} as ${host == null ? 'wrong' : `${host} port ${port}`}`, () => {
      const yaml = file(`http: ${JSON.stringify(given)}`)
      if (host == null) {
        expect(failureOf(yaml)).to.be.instanceOf(ConfigError)
      } else {
        expect(resolveConfig(yaml).config.http).to.deep.equal({ host, port })
      }
    })
  }

  const wrong: Array<[string, GivenConfig, string, RegExp]> = [
    ['an unknown key', file('colour: blue'), 'colour', /seed\.yaml: colour:.*one of the known names listen, http/],
    ['a key of another style', file('max-connections: 3'), 'max-connections', /the name maxConnections/],
    ['an unknown variable', { environment: { SKEIN_SEED_REGOIN: 'x' } }, 'SKEIN_SEED_REGOIN', /SKEIN_SEED_REGOIN=: expected one of the known/],
    ['a variable in the singular', { environment: { SKEIN_SEED_SEED: 'x' } }, 'SKEIN_SEED_SEED', /the name SKEIN_SEED_SEEDS/],
    ['a number that is too large', { flags: { drain: '26' } }, 'drain', /--drain 26: expected a whole number from 0 to 25 \(seconds\)/],
    ['a number with a fraction', file('drain: 1.5'), 'drain', /seed\.yaml: drain: 1\.5: expected a whole number/],
    ['a number as text in a file', file('drain: "5"'), 'drain', /whole number/],
    ['a network that is none', { flags: { trustedNetworks: ['10.0.0.0/33'] } }, 'trustedNetworks', /networks such as 192\.0\.2\.0\/24/],
    ['an empty flag', { flags: { drain: '' } }, 'drain', /whole number/],
    ['a word for a switch', { environment: { SKEIN_SEED_EPHEMERAL: 'maybe' } }, 'ephemeral', /SKEIN_SEED_EPHEMERAL=maybe: expected true or false/],
    ['no multiaddr', { flags: { listen: ['0.0.0.0:7310'] } }, 'listen', /--listen \["0\.0\.0\.0:7310"\]: expected multiaddrs such as/],
    ['no multiaddr in a list', file('seeds: [/ip4/1.2.3.4/tcp/1, there]'), 'seeds', /expected multiaddrs/],
    ['a name of seeds that is none', { flags: { seeds: ['srv:no/host'] } }, 'seeds', /--seed \["srv:no\/host"\]: expected .*srv:seeds\.example\.org/],
    ['a stage that is none', { flags: { stage: 'huge' } }, 'stage', /one of auto, hub/],
    ['a role that is none', { flags: { roles: 'king' } }, 'roles', /some of discover/],
    ['a policy that is none', { flags: { admission: 'token puzzle' } }, 'admission', /--admission token puzzle: expected rules \(puzzle.*"puzzle" is not expected/],
    ['an authority that is no peer id', { flags: { tokenAuthorities: ['me'] } }, 'tokenAuthorities', /--token-authority \["me"\]: expected peer ids/],
    ['a limit of nobody', { flags: { registrationsPerSystem: '0' } }, 'registrationsPerSystem', /whole number from 1 to .*, or none/],
    ['no role at all', { flags: { roles: ',' } }, 'roles', /some of discover/],
    ['a month without relaying', { flags: { relayMonthGb: '0' } }, 'relayMonthGb', /from 1 to/],
    ['a region with a line break', file('region: "a\\nb"'), 'region', /64 characters/],
    ['a map for a list', file('listen: { a: 1 }'), 'listen', /a list of/],
    ['a short token', { flags: { metricsToken: 'secret' } }, 'metricsToken', /at least 16/]
  ]
  for (const role of SEED_ROLES) {
    it(`takes the role ${role} alone`, () => {
      expect(resolveConfig({ flags: { roles: role } }).config.roles).to.deep.equal([role])
    })
  }

  for (const [name, given, key, message] of wrong) {
    it(`refuses ${name}, naming key, value and what is expected`, () => {
      const error = failureOf(given) as ConfigError
      expect(error).to.be.instanceOf(ConfigError)
      expect(error.key).to.equal(key)
      expect(error.message).to.match(message)
    })
  }

  it('does not tell a wrong secret', () => {
    const error = failureOf({ flags: { metricsToken: 'hunter2' } }) as ConfigError
    expect(`${error.message} ${String(error.value)}`).to.not.include('hunter2')
  })

  it('lets variables be that are empty, and those that Kubernetes sets for a service called skein-seed', () => {
    const environment = { SKEIN_SEED_REGION: '', SKEIN_SEED_SERVICE_HOST: '10.0.0.1', SKEIN_SEED_PORT: 'tcp://10.0.0.1:7310', SKEIN_SEED_PORT_7310_TCP: 'x', SKEIN_SEED_CONFIG: 'x' }
    expect(resolveConfig({ environment }).config).to.deep.equal(resolveConfig().config)
  })

  it('takes SKEIN_DATA, but SKEIN_SEED_DATA first', () => {
    expect(resolveConfig({ environment: { SKEIN_DATA: '/a' } }).config.data).to.equal('/a')
    expect(resolveConfig({ environment: { SKEIN_DATA: '/a', SKEIN_SEED_DATA: '~/b' }, home: '/home/me' }).config.data).to.equal('/home/me/b')
  })

  const noFiles: Array<[string, string, RegExp]> = [
    ['broken YAML', 'listen: [', /is not valid YAML/],
    ['a key twice', 'drain: 1\ndrain: 2', /is not valid YAML: .*unique/],
    ['a list', '- a', /does not hold options/],
    ['aliases that grow', `a: &a [1]\nb: &b [${'*a,'.repeat(20)}]\nregion: [${'*b,'.repeat(20)}]`, /cannot be read/],
    ['too much', `# ${'x'.repeat(70_000)}`, /larger than/]
  ]
  for (const [name, text, message] of noFiles) {
    it(`refuses a file with ${name}`, () => {
      const error = failureOf(file(text))
      expect(error).to.be.instanceOf(ConfigFileError)
      expect(error.message).to.match(/seed\.yaml/).and.match(message)
    })
  }

  it('takes an empty file, and a key without a value, for nothing said', () => {
    for (const text of ['', '# nothing', 'region:\nhttp: ~']) {
      expect(resolveConfig(file(text)).config, text).to.deep.equal(resolveConfig().config)
    }
  })

  it('prints where each value came from, secrets masked', () => {
    const text = printConfig(resolveConfig({ flags: { http: '8080' }, environment: { SKEIN_SEED_METRICS_TOKEN: TOKEN }, ...file('region: eu-west') }))
    expect(text).to.include('# flag --http\nhttp: 0.0.0.0:8080\n')
    expect(text).to.include('# environment SKEIN_SEED_METRICS_TOKEN\nmetricsToken: "********"\n')
    expect(text).to.include('# file seed.yaml\nregion: eu-west\n')
    expect(text).to.include('# default\ndrain: 10\n')
    expect(text).to.not.include(TOKEN)
  })

  it('shows no password of Redis: not when it is right, not when it is wrong', () => {
    const text = printConfig(resolveConfig({ flags: { redis: 'redis://me:w0rd@a:1,b:2' } }))
    expect(text).to.include('redis: redis://me:********@a:1,redis://b:2\n').and.not.include('w0rd')
    expect(failureOf(file(text))).to.include({ key: 'redis' })
    for (const redis of ['http://me:w0rd@a', 'redis://me:w0rd@a/x', 'redis://me:w0rd@a,redis://me:other@b', 'redis:w0rd', 'me:w0rd@a']) {
      const failure = failureOf({ flags: { redis } })
      expect(failure).to.be.instanceOf(ConfigError).and.include({ key: 'redis' })
      expect(`${failure.message} ${JSON.stringify(failure)}`).to.not.include('w0rd')
      expect(failure.message).to.include('expected redis://')
    }
  })

  it('takes no prefix for keys that would put all of them in one place', () => {
    for (const redisPrefix of ['', '{x}', 'a b', 'x'.repeat(65)]) {
      expect(failureOf({ flags: { redisPrefix } })).to.include({ key: 'redisPrefix' })
    }
  })

  it('prints what can be read back, except for a masked secret', () => {
    const endpoint = fc.tuple(fc.constantFrom('0.0.0.0', '::', '127.0.0.1', 'seed.example'), fc.nat(65_535))
      .map(([host, port]) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    const region = fc.string({ maxLength: 64, unit: 'binary' }).map(text => text.replace(/\p{Cc}/gu, '').trim())
      .filter(text => text !== '' && text.length <= 64 && text.isWellFormed())
    fc.assert(fc.property(endpoint, region, fc.nat(25), fc.boolean(), (http, region, drain, ephemeral) => {
      const resolved = resolveConfig({ flags: { http, region, drain: String(drain), ephemeral } })
      expect(resolveConfig(file(printConfig(resolved))).config).to.deep.equal(resolved.config)
    }))
    expect(failureOf(file(printConfig(resolveConfig({ flags: { metricsToken: TOKEN } }))))).to.include({ key: 'metricsToken' })
  })

  it('gives every option a flag, a variable and a name of its own', () => {
    const described = describeOptions()
    for (const field of ['name', 'flag', 'environment'] as const) {
      expect(new Set(described.map(option => option[field])).size).to.equal(OPTION_NAMES.length)
    }
    expect(flagOf('maxConnections')).to.equal('max-connections')
    expect(environmentOf('metricsToken')).to.equal('SKEIN_SEED_METRICS_TOKEN')
    expect(OPTION_NAMES.filter(name => isList(optionOf(name))))
      .to.deep.equal(['listen', 'announce', 'seeds', 'roles', 'tokenAuthorities', 'stakeAuthority', 'trustedNetworks'])
  })
})
