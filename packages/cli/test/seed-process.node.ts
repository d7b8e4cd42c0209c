import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createPeer } from '@skein/peer'
import { expect } from 'chai'
import { needRedis, startRedis } from '../../seed/test/redis/redis-server.ts'
import { SkeinProcess } from './skein-process.ts'
import type { AddressInfo, Server } from 'node:net'
import type { Peer } from '@skein/peer'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--ephemeral']
const HTTP = ['--http', '127.0.0.1:0']
const CLIENTS = 12
const TOKEN = 'a-token-of-some-length'

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Prometheus' text format, strictly: a line that is none fails. */
function parseMetrics (text: string): Sample[] {
  return text.split('\n').filter(line => line !== '').flatMap(line => {
    if (/^# (HELP|TYPE) [a-zA-Z_:][\w:]* .+$/.test(line)) {
      return []
    }
    const match = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)$/.exec(line)
    if (match == null || (Number.isNaN(Number(match[3])) && !/^[+-]?Inf|Nan$/.test(match[3] ?? ''))) {
      throw new Error(`Not a line of metrics: ${line}`)
    }
    return [{
      name: match[1] as string,
      labels: Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key, value])),
      value: Number(match[3])
    }]
  })
}

function sumOf (samples: Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples.filter(sample => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
}

describe('skein seed', function () {
  this.timeout(60_000)
  const running: SkeinProcess[] = []
  const peers: Peer[] = []
  let folder: string

  function seed (args: string[], environment: Record<string, string> = {}): SkeinProcess {
    const child = new SkeinProcess(['seed', ...args], environment)
    running.push(child)
    return child
  }

  async function peer (bootstrap: string[], region: string): Promise<Peer> {
    const started = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, region, hardware: { tier: 3 } })
    peers.push(started)
    return started
  }

  async function metricsOf (url: string): Promise<Sample[]> {
    return parseMetrics(await (await fetch(`${url}/metrics`)).text())
  }

  async function until<T> (ask: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = await ask()
      if (fits(value)) {
        return value
      }
      await pause(50)
    }
  }

  function logOf (child: SkeinProcess): Array<Record<string, any>> {
    return child.stderr.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line))
  }

  before(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-seed-')) })
  afterEach(async () => {
    await Promise.all(peers.splice(0).map(async started => { await started.stop() }))
    await Promise.all(running.splice(0).map(async child => { await child.dispose() }))
  })
  after(async () => { await rm(folder, { recursive: true }) })

  it('shows what it does on /metrics: a real peer by region and tier, its exchange, its connection', async () => {
    const child = seed([...LOOPBACK, ...HTTP])
    const { addresses, http } = await child.event('listening')
    expect(sumOf(await metricsOf(http), 'skein_seed_registrations')).to.equal(0)

    await peer(addresses, 'eu-west')
    const samples = await until(async () => await metricsOf(http), found => sumOf(found, 'skein_seed_registrations') > 0)
    expect(samples.filter(({ name }) => name === 'skein_seed_registrations'))
      .to.deep.equal([{ name: 'skein_seed_registrations', labels: { region: 'eu-west', tier: '3' }, value: 1 }])
    expect(sumOf(samples, 'skein_seed_registered_total')).to.be.at.least(1)
    expect(sumOf(samples, 'skein_seed_connections', { direction: 'inbound' })).to.equal(1)
    const later = await until(async () => await metricsOf(http), found => sumOf(found, 'skein_seed_exchange_duration_seconds_count') > 0)
    expect(sumOf(later, 'skein_seed_exchange_duration_seconds_count', { outcome: 'answered' })).to.be.at.least(1)
    expect(sumOf(later, 'libp2p_data_transfer_bytes_total')).to.be.above(0)
    expect(sumOf(later, 'process_resident_memory_bytes')).to.be.above(0)
  })

  it('shares what it was told with another seed through Redis, and shows its password nowhere', async function () {
    needRedis(this)
    const redis = await startRedis({ password: 'w0rd' })
    try {
      const seeds = [0, 1].map(() => seed([...LOOPBACK, ...HTTP, '--drain', '0', '--redis', redis.url, '--redis-prefix', 'test']))
      const urls = await Promise.all(seeds.map(async child => (await child.event('listening')).http as string))
      await until(async () => await Promise.all(urls.map(async url => await (await fetch(`${url}/ready`)).json())), found => found.every(body => body.redis === 'up'))
      await peer((await seeds[0]!.event('listening')).addresses, 'eu-west')
      for (const url of urls) {
        const samples = await until(async () => await metricsOf(url), found => sumOf(found, 'skein_seed_registrations', { region: 'eu-west' }) === 1)
        // and the other seed, which relays
        expect(sumOf(samples, 'skein_seed_registrations')).to.be.at.most(2)
        expect(sumOf(samples, 'skein_seed_redis_up')).to.equal(1)
      }
      expect((await redis.cli('--scan', '--pattern', 'test:*')).trim().split('\n').length).to.be.above(3)
      const printed = seed(['--redis', redis.url, '--print-config'])
      await printed.event('config')
      for (const child of [...seeds, printed]) {
        const said = `${JSON.stringify(child.events)} ${child.stderr}`
        expect(said).to.include('redis://:********@')
        expect(said).to.not.include('w0rd')
      }
    } finally {
      await redis.stop()
    }
  })

  it('is at the stage that it was told, and shows it', async () => {
    const child = seed([...LOOPBACK, ...HTTP, '--stage', 'split'])
    const { http } = await child.event('listening')
    const stages = (await metricsOf(http)).filter(({ name }) => name === 'skein_seed_stage').map(({ labels, value }) => [labels.stage, value])
    expect(stages).to.deep.equal([['hub', 0], ['regional', 0], ['split', 1], ['bootstrap', 0]])
  })

  it('is ready until SIGTERM, then closes connections one after the other and ends with status 0', async () => {
    const child = seed([...LOOPBACK, ...HTTP, '--drain', '5'])
    const { addresses, http } = await child.event('listening')
    // one is closed in each tenth of a second, which leaves the time to look
    const clients = await Promise.all(Array.from({ length: CLIENTS }, async () => await peer(addresses, 'a')))
    await until(async () => await metricsOf(http), found => sumOf(found, 'skein_seed_registrations') === CLIENTS)
    expect((await fetch(`${http}/ready`)).status).to.equal(200)
    const disconnected = clients.map(async client => {
      await new Promise(resolve => { client.addEventListener('peer:disconnected', resolve, { once: true }) })
    })

    child.kill('SIGTERM')
    await child.event('draining')
    // all at once: on a busy machine one after the other could outlast the drain
    const [ready, health, found] = await Promise.all([fetch(`${http}/ready`), fetch(`${http}/health`), metricsOf(http)])
    expect([ready.status, await ready.json()]).to.deep.equal([503, { status: 'draining' }])
    expect(health.status).to.equal(200)
    expect(sumOf(found, 'skein_seed_draining')).to.equal(1)

    await Promise.all(disconnected)
    expect(await child.exit()).to.deep.equal({ code: 0, signal: null })
    expect(child.events.at(-1)?.event).to.equal('stopped')
    const stopped = logOf(child).at(-1)
    expect(stopped).to.include({ msg: 'stopped', level: 'info' })
    expect(stopped?.ms, 'the drain and the end, at most').to.be.below(10_500)
    expect(stopped?.closed).to.be.at.least(CLIENTS)
  })

  it('obeys a second signal at once', async () => {
    const child = seed([...LOOPBACK, ...HTTP, '--drain', '25'])
    const { addresses, http } = await child.event('listening')
    // one is closed in each tenth of a second, so the drain lasts
    await Promise.all(Array.from({ length: CLIENTS }, async () => await peer(addresses, 'a')))
    await until(async () => await metricsOf(http), found => sumOf(found, 'skein_seed_connections') === CLIENTS)
    child.kill('SIGTERM')
    await child.event('draining')
    await pause(400) // sooner, it would be the first one twice, as npx and timeout send it
    child.kill('SIGTERM')
    expect((await child.exit()).code).to.equal(143)
    expect(child.events.some(({ event }) => event === 'stopped')).to.equal(false)
  })

  it('ends with status 0 when it is told to stop while it still tries to join', async () => {
    const child = seed([...LOOPBACK, '--seed', '/ip4/192.0.2.1/tcp/7310'])
    while (!child.stderr.includes('"starting"')) {
      await pause(20)
    }
    await pause(500) // on its way: a join is tried for 5 s
    child.kill('SIGTERM')
    expect((await child.exit()).code).to.equal(0)
    expect(child.events.map(({ event }) => event).at(-1)).to.equal('stopped')
  })

  const ports: Array<[option: string, args: (port: number) => string[]]> = [
    ['--http', port => [...LOOPBACK, '--http', `127.0.0.1:${port}`]],
    ['--listen', port => ['--ephemeral', '--listen', `/ip4/127.0.0.1/tcp/${port}`]]
  ]
  for (const [option, args] of ports) {
    it(`says what to do when the port of ${option} is taken, with status 1`, async () => {
      const other: Server = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      try {
        const child = seed(args((other.address() as AddressInfo).port))
        expect((await child.exit()).code).to.equal(1)
        expect(child.events.at(-1)).to.include({ event: 'error', name: 'SeedListenError', code: 'EADDRINUSE' })
        expect(child.stderr).to.match(new RegExp(`the port is in use\\. Stop the program that has it, or choose another port with ${option}`))
      } finally {
        other.close()
      }
    })
  }

  it('takes flag, environment and file in this order, and prints what it took from where', async () => {
    const path = join(folder, 'seed.yaml')
    await writeFile(path, 'region: from-file\ndrain: 3\nmaxConnections: 30\nlisten: /ip4/127.0.0.1/tcp/0\n')
    const environment = { SKEIN_SEED_CONFIG: path, SKEIN_SEED_DRAIN: '4', SKEIN_SEED_MAX_CONNECTIONS: '40', SKEIN_SEED_METRICS_TOKEN: TOKEN }
    const child = seed(['--max-connections', '50', '--print-config'], environment)
    expect((await child.exit()).code).to.equal(0)
    const { text } = await child.event('config')
    expect(text).to.include(`# file ${path}\nregion: from-file\n`)
    expect(text).to.include('# environment SKEIN_SEED_DRAIN\ndrain: 4\n')
    expect(text).to.include('# flag --max-connections\nmaxConnections: 50\n')
    expect(text).to.include('# default\nephemeral: false\n')
    expect(text).to.not.include(TOKEN)
  })

  it('runs by a file alone, and logs the configuration it runs by, without its secret', async () => {
    const path = join(folder, 'all.yaml')
    await writeFile(path, `listen: [/ip4/127.0.0.1/tcp/0]\nhttp: 127.0.0.1:0\nephemeral: true\nregion: us-east\nmetricsToken: ${TOKEN}\n`)
    const child = seed(['--config', path])
    const { http } = await child.event('listening')
    expect((await fetch(`${http}/metrics`)).status).to.equal(401)
    expect((await fetch(`${http}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).to.equal(200)
    child.kill('SIGTERM')
    expect((await child.exit()).code).to.equal(0)
    const log = logOf(child)
    expect(log.map(({ msg }) => msg)).to.deep.equal(['starting', 'listening', 'draining', 'stopped'])
    expect(log[0]?.config).to.include({ region: 'us-east', metricsToken: '********', drain: 10 })
    expect(child.stderr).to.not.include(TOKEN)
  })

  const wrong: Array<[string, string[], Record<string, string>, RegExp]> = [
    ['a wrong flag', ['--drain', '99'], {}, /--drain 99: expected a whole number from 0 to 25 \(seconds\)/],
    ['a wrong variable', [], { SKEIN_SEED_HTTP: 'here' }, /SKEIN_SEED_HTTP=here: expected a port or host:port/],
    ['a variable that is none', [], { SKEIN_SEED_REGOIN: 'x' }, /SKEIN_SEED_REGOIN/],
    ['a role that is none', ['--roles', 'discover,king'], {}, /some of discover, signal, relay, bootstrap/],
    ['a file that is not there', ['--config', '/no/such/file.yaml'], {}, /\/no\/such\/file\.yaml does not exist/],
    ['a flag that is none', ['--regoin', 'x'], {}, /unknown option '--regoin'/]
  ]
  for (const [name, args, environment, message] of wrong) {
    it(`does not start with ${name}: status 2`, async () => {
      const child = seed([...LOOPBACK, ...args], environment)
      expect((await child.exit()).code).to.equal(2)
      expect(child.stderr).to.match(message)
    })
  }
})
