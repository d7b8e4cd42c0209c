import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { environmentOf, flagOf, OPTION_NAMES, resolveConfig } from '../../src/node/index.ts'
import { STAGES } from '../../src/stages/stage.ts'
import { SEED_OPTIONS } from '../../src/config/option-table.ts'
import { GUIDE, metricsTable, optionsTable, section } from './document-tables.ts'
import type { SeedConfig } from '../../src/node/index.ts'

const deploy = (name: string): string => readFileSync(fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url)), 'utf8')
const FILES = ['Dockerfile', 'fly.toml', 'seed.yaml', 'skein-seed.service', 'README.md']
/** The longest drain and the end after it. */
const STOP_SECONDS = SEED_OPTIONS.drain.max + 5

/** Options as they are set by name in a file of some kind. */
const SETTINGS: Array<[file: string, settings: () => Record<string, string>]> = [
  ['skein-seed.service', () => Object.fromEntries([...deploy('skein-seed.service').matchAll(/^Environment=(\w+)=(.+)$/gm)].map(([, key, value]) => [key, value]))],
  ['Dockerfile', () => Object.fromEntries([...deploy('Dockerfile').matchAll(/^(?:ENV| {3})? *(SKEIN_SEED_\w+)=(\S+)/gm)].map(([, key, value]) => [key, value]))],
  ['fly.toml', () => Object.fromEntries([...deploy('fly.toml').matchAll(/^ *(SKEIN_SEED_\w+) = "(.+)"$/gm)].map(([, key, value]) => [key, value]))]
]

function settingsOf (file: string): SeedConfig {
  const environment = SETTINGS.find(([name]) => name === file)?.[1]() ?? {}
  expect(Object.keys(environment), `settings found in ${file}`).to.not.have.length(0)
  return resolveConfig({ environment }).config
}

function portsOf (config: SeedConfig): number[] {
  return [...config.listen.map(address => Number(/\/tcp\/(\d+)/.exec(address)?.[1])), ...config.http == null ? [] : [config.http.port]]
}

describe('the files to deploy a seed with', () => {
  for (const file of [...FILES, '../README.md', '../../../docs/operating-a-seed.md']) {
    it(`${file} names only options that there are`, () => {
      const text = deploy(file)
      const variables = [...OPTION_NAMES.map(environmentOf), 'SKEIN_SEED_CONFIG']
      expect([...text.matchAll(/SKEIN_SEED_[A-Z_]+/g)].map(([name]) => name).filter(name => !variables.includes(name))).to.deep.equal([])
      const flags = [...OPTION_NAMES.map(flagOf), 'config', 'print-config', 'json', 'help', 'no-ephemeral']
      const commands = [...text.matchAll(/skein(?:\.js")? seed(.*)|"seed"(.*)/g)].map(match => match[0])
      expect(commands.flatMap(command => [...command.split(/`|#|\n/)[0]?.matchAll(/--([a-z-]+)/g) ?? []].map(([, name]) => name))
        .filter(name => !flags.includes(name as string))).to.deep.equal([])
    })
  }

  for (const [file] of SETTINGS) {
    it(`${file} sets options to values that they can have`, () => {
      expect(settingsOf(file).data).to.match(/^\/(data|var\/lib\/skein-seed)$/)
    })
  }

  it('seed.yaml is a configuration', () => {
    const { config, sources } = resolveConfig({ file: { path: 'seed.yaml', text: deploy('seed.yaml') } })
    expect(config.http).to.deep.equal({ host: '127.0.0.1', port: 8080 })
    expect(Object.values(sources).filter(({ from }) => from === 'file')).to.have.length.above(5)
  })

  it('the unit starts the seed by the file that its README installs, and gives it the time to drain', () => {
    const unit = deploy('skein-seed.service')
    expect(unit).to.match(/^ExecStart=\/usr\/local\/bin\/skein seed --config \/etc\/skein\/seed\.yaml$/m)
    expect(deploy('README.md')).to.include('seed.yaml /etc/skein/seed.yaml')
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).to.be.above(STOP_SECONDS)
    expect(unit).to.match(/^RestartPreventExitStatus=2$/m)
    expect(`/var/lib/${/^StateDirectory=(.+)$/m.exec(unit)?.[1]}`).to.equal(settingsOf('skein-seed.service').data)
  })

  it('the image exposes the ports that it listens on, keeps its data in its volume, and starts what is built', () => {
    const dockerfile = deploy('Dockerfile')
    const config = settingsOf('Dockerfile')
    expect(/^EXPOSE (.+)$/m.exec(dockerfile)?.[1]?.split(' ').map(Number)).to.have.members(portsOf(config))
    expect(dockerfile).to.match(new RegExp(`^VOLUME ${config.data}$`, 'm'))
    expect(dockerfile).to.include(`127.0.0.1:${config.http?.port}/health`)
    const program = /^ENTRYPOINT \["node", "\/app\/(.+?)\/dist\/(.+?)\.js", "seed"\]$/m.exec(dockerfile)
    expect(existsSync(fileURLToPath(new URL(`../../../../${program?.[1]}/src/${program?.[2]}.ts`, import.meta.url)))).to.equal(true)
  })

  it('fly.toml routes to the ports that the seed listens on, announces the ones outside, and gives it the time to drain', () => {
    const fly = deploy('fly.toml')
    const config = settingsOf('fly.toml')
    expect([...fly.matchAll(/internal_port = (\d+)/g)].map(([, port]) => Number(port))).to.have.members(portsOf(config))
    expect(Number(/\[metrics\]\s+port = (\d+)/.exec(fly)?.[1])).to.equal(config.http?.port)
    const outside = [...fly.matchAll(/^ {4}port = (\d+)$/gm)].map(([, port]) => Number(port))
    for (const address of config.announce) {
      expect(outside).to.include(Number(/\/tcp\/(\d+)/.exec(address)?.[1]))
    }
    expect(Number(/kill_timeout = "(\d+)s"/.exec(fly)?.[1])).to.be.above(STOP_SECONDS)
    expect(/destination = "(.+)"/.exec(fly)?.[1]).to.equal(config.data)
    expect(fly).to.include('path = "/ready"')
  })
})

describe('the operating guide', () => {
  const guide = readFileSync(GUIDE, 'utf8')

  it('has the table of options as it is', () => {
    expect(section(guide, 'options')).to.equal(optionsTable())
  })

  it('has the table of metrics as they are', async () => {
    expect(section(guide, 'metrics')).to.equal(await metricsTable())
  })

  it('speaks of no metric of the seed that there is not', async () => {
    const known = await metricsTable()
    expect([...guide.matchAll(/skein_seed_\w+/g)].map(([name]) => name).filter(name => !known.includes(`\`${name}\``))).to.deep.equal([])
  })

  it('tells of every stage, and the option takes them', () => {
    expect(SEED_OPTIONS.stage.choices).to.deep.equal(['auto', ...STAGES])
    for (const stage of STAGES) {
      expect(guide).to.match(new RegExp(`^\\| ${stage} \\|`, 'm'))
    }
  })
})
