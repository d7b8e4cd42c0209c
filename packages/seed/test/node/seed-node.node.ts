import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pbStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { systemClock } from '@skein/core/system'
import { askSeed, createPeer } from '@skein/peer'
import { PROTOCOLS, SeedRequest, SeedResponse } from '@skein/records'
import { expect } from 'chai'
import { resolveConfig, SeedListenError, startSeedNode } from '../../src/node/index.ts'
import type { AddressInfo } from 'node:net'
import type { Peer } from '@skein/peer'
import type { SeedLog, SeedNode, SeedNodeInit, UpgradeTarget } from '../../src/node/index.ts'

interface Line {
  level: string
  fields: Record<string, any>
  message: string
}

describe('a seed as an operator runs it', function () {
  this.timeout(30_000)
  let node: SeedNode | undefined
  const lines: Line[] = []
  const note = (level: string) => (fields: Record<string, any>, message: string): void => { lines.push({ level, fields, message }) }
  const log = { info: note('info'), warn: note('warn'), error: note('error'), debug: note('debug') } as unknown as SeedLog

  async function start (flags: Record<string, unknown>, init: Partial<SeedNodeInit> = {}): Promise<SeedNode> {
    const { config } = resolveConfig({ flags: { listen: ['/ip4/127.0.0.1/tcp/0'], http: '127.0.0.1:0', ephemeral: true, ...flags } })
    node = await startSeedNode({ config, log, libp2pMetrics: false, ...init })
    return node
  }

  async function metrics (): Promise<string> {
    return await (await fetch(`${node?.httpUrl}/metrics`)).text()
  }

  beforeEach(() => { lines.length = 0 })
  afterEach(async () => {
    await node?.stop()
    node = undefined
  })

  it('tells what is mounted on its HTTP port that it drains, and does not wait for it longer than the drain', async () => {
    const told: number[] = []
    const target: UpgradeTarget = { handleUpgrade () {}, drain: async drainMs => { told.push(drainMs); await new Promise(() => {}) } }
    const { httpUrl } = await start({ drain: '1' }, { upgrades: () => ({ '/ws': target }) })
    expect((await fetch(`${httpUrl}/ws`)).status).to.equal(426)
    await node?.stop()
    expect(told).to.deep.equal([1_000])
    expect(lines.at(-1)?.message).to.equal('stopped')
  })

  it('stops once, however often it is told', async () => {
    await start({})
    await Promise.all([node?.stop(), node?.stop()])
    expect(lines.filter(({ message }) => message === 'stopped')).to.have.length(1)
  })

  it('tells who registers while it drains when to come again, and whom to go to meanwhile', async () => {
    const { seed } = await start({ drain: '0' })
    const settled = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: seed.addresses })
    const newcomer = await createPeer({ listen: [] })
    try {
      while (!/^skein_seed_registered_total [1-9]/m.test(await metrics())) {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      seed.service.drain()
      const stream = await newcomer.libp2p.dialProtocol(multiaddr(seed.addresses[0] as string), PROTOCOLS.seed)
      const messages = pbStream(stream)
      await messages.write({ capabilities: Uint8Array.of(1), wantPeers: 5 } as unknown as SeedRequest, SeedRequest)
      const response = await messages.read(SeedResponse)
      expect(response).to.include({ refused: 'draining', lifeMs: 0, retryAfterMs: 30_000 })
      expect(response.peers).to.have.length(1)
    } finally {
      await Promise.all([settled.stop(), newcomer.stop()])
    }
  })

  it('logs a change of the stage and shows it in the metrics', async () => {
    const { seed } = await start({})
    expect(await metrics()).to.match(/^skein_seed_stage\{stage="hub"\} 1$/m)
    seed.pinStage('split')
    expect(await metrics()).to.match(/^skein_seed_stage\{stage="split"\} 1$/m).and.match(/^skein_seed_stage\{stage="hub"\} 0$/m)
    expect(lines.find(({ message }) => message === 'the stage has changed')?.fields).to.include({ from: 'hub', to: 'split' })
  })

  it('counts a refusal by its reason, in the metrics at once and in the log when it stops', async () => {
    const { seed } = await start({ maxRegistrations: '1', drain: '0' })
    const peers = [await createPeer({ listen: [], bootstrap: seed.addresses }), await createPeer({ listen: [], bootstrap: seed.addresses })]
    try {
      let text = await metrics()
      while (!/^skein_seed_refusals_total\{reason="full"\} [1-9]/m.test(text)) {
        await new Promise(resolve => setTimeout(resolve, 50))
        text = await metrics()
      }
      expect(text).to.match(/^skein_seed_registrations\{region="unknown",tier="\d"\} 1$/m)
      expect(lines.filter(({ level }) => level === 'warn')).to.deep.equal([])
      await node?.stop()
      expect(lines.find(({ level }) => level === 'warn')?.fields.refused.full).to.be.at.least(1)
    } finally {
      await Promise.all(peers.map(async peer => { await peer.stop() }))
    }
  })

  it('is ready without the Redis that it was given, says so, and does not tell the password', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await once(closed, 'close')
    const { httpUrl } = await start({ redis: `redis://me:w0rd@127.0.0.1:${port}`, drain: '0' })
    const response = await fetch(`${httpUrl}/ready`)
    expect([response.status, await response.json()]).to.deep.equal([200, { status: 'ready', redis: 'degraded' }])
    expect(await metrics()).to.match(/^skein_seed_redis_up 0$/m)
    while (!/^skein_seed_redis_failures_total\{operation="probe"\} [1-9]/m.test(await metrics()) || !lines.some(({ level }) => level === 'warn')) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    await node?.stop()
    expect(lines.find(({ level }) => level === 'warn')?.message).to.equal('Redis cannot be reached')
    expect(JSON.stringify(lines)).to.not.include('w0rd')
    expect(JSON.stringify(lines)).to.include(`redis://me:********@127.0.0.1:${port}`)
  })

  it('says nothing of Redis when it has none', async () => {
    const { httpUrl } = await start({})
    expect(await (await fetch(`${httpUrl}/ready`)).json()).to.deep.equal({ status: 'ready' })
    expect(await metrics()).to.not.match(/^skein_seed_redis_up \d/m)
  })

  it('measures what the registry takes for a discover', async () => {
    const { seed } = await start({ drain: '0' })
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: seed.addresses })
    try {
      const page = await askSeed({ libp2p: peer.libp2p, clock: systemClock(), seed: seed.peer.libp2p.peerId, discover: {} })
      expect(page.page?.refused).to.equal(undefined)
      expect(await metrics()).to.match(/^skein_seed_discover_duration_seconds_count 1$/m)
    } finally {
      await peer.stop()
    }
  })

  it('relays by default, shows what it carried in the metrics, and goes on with the count of the month after a restart', async () => {
    const data = await mkdtemp(join(tmpdir(), 'skein-relay-'))
    const peers: Peer[] = []
    try {
      const { seed } = await start({ data, ephemeral: false, drain: '0' })
      const [server, caller] = [await createPeer({ listen: [], bootstrap: seed.addresses }), await createPeer({ listen: [], bootstrap: seed.addresses })]
      peers.push(server, caller)
      await server.reserveRelay()
      await server.serve('m', async () => 'x'.repeat(10_000))
      expect(await caller.chat({ model: 'm', messages: [] }).text()).to.have.length(10_000)
      const text = await metrics()
      const figure = (line: string): number => Number(new RegExp(`^${line} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN)
      const carried = figure('skein_seed_relay_month_bytes')
      expect(carried).to.be.above(10_000)
      expect(figure('skein_seed_relay_bytes_total\\{direction="to_source"\\}') + figure('skein_seed_relay_bytes_total\\{direction="to_destination"\\}')).to.equal(carried)
      expect(figure('skein_seed_relay_month_limit_bytes')).to.equal(100e9)
      expect([figure('skein_seed_relay_reservations'), figure('skein_seed_relay_circuits')]).to.deep.equal([1, 1])
      expect(figure('skein_seed_path_bytes_total\\{path="direct",direction="sent"\\}')).to.be.above(carried)
      expect(figure('skein_seed_path_bytes_total\\{path="relayed",direction="sent"\\}')).to.equal(0)
      await node?.stop()
      const again = await start({ data, ephemeral: false, drain: '0' })
      expect(again.seed.relay?.usage().bytes).to.be.at.least(carried)
      await node?.stop()

      await writeFile(join(data, 'relay-usage.json'), '{')
      const damaged = await start({ data, ephemeral: false, relayMonthGb: '1000' })
      expect(lines.find(({ level }) => level === 'warn')?.fields).to.include({ path: join(data, 'relay-usage.json') })
      expect(damaged.seed.relay?.usage().bytes).to.be.within(1, 1e12)
    } finally {
      await Promise.all(peers.map(async peer => { await peer.stop() }))
      await node?.stop()
      await rm(data, { recursive: true })
    }
  })

  it('neither relays nor counts without the role, and takes its limits from the configuration', async () => {
    const { seed } = await start({ roles: 'discover' })
    expect(seed.relay).to.equal(undefined)
    expect(await metrics()).to.match(/^# TYPE skein_seed_relay_circuits/m).and.not.match(/^skein_seed_relay_circuits \d/m)
    await node?.stop()
    const flags = { roles: 'relay', relayCircuitMib: '1', relayCircuitMinutes: '2', relayCircuitsPerPeer: '3', relayReservations: '4', relayPeerDayMib: '5', relayMonthGb: '6' }
    expect((await start(flags)).seed.relay?.ledger.limits).to.deep.equal({
      circuitBytes: 2 ** 20, circuitMs: 120_000, circuitsPerPeer: 3, maxCircuits: 4, maxReservations: 4, reservationMs: 1_800_000, peerDayBytes: 5 * 2 ** 20, monthBytes: 6e9
    })
  })

  it('leaves no port open when it cannot start', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    const spare = createServer().listen(0, '127.0.0.1')
    await Promise.all([once(taken, 'listening'), once(spare, 'listening')])
    const free = (spare.address() as AddressInfo).port
    spare.close()
    await once(spare, 'close')
    const failure = await start({ listen: [`/ip4/127.0.0.1/tcp/${free}`], http: `127.0.0.1:${(taken.address() as AddressInfo).port}` }).then(() => undefined, error => error)
    taken.close()
    expect(failure).to.be.instanceOf(SeedListenError)
    const [error] = await once(createConnection(free, '127.0.0.1').on('error', () => {}), 'error')
    expect(error).to.include({ code: 'ECONNREFUSED' })
  })

  it('has a unit that systemd understands', async function () {
    if (spawnSync('systemd-analyze', ['--version']).error != null) {
      this.skip()
    }
    const folder = await mkdtemp(join(tmpdir(), 'skein-unit-'))
    try {
      // the command need not be installed here
      const unit = (await readFile(new URL('../../deploy/skein-seed.service', import.meta.url), 'utf8')).replace('ExecStart=/usr/local/bin/skein', 'ExecStart=/bin/true')
      const path = join(folder, 'skein-seed.service')
      await writeFile(path, unit)
      const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', path])
      expect(`${stdout}${stderr}`.split('\n').filter(line => line.includes('skein-seed'))).to.deep.equal([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
