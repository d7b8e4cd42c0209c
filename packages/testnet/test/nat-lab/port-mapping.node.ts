/** Ports mapped by a real router: miniupnpd as the NAT of a host, asked by UPnP, NAT-PMP and PCP; and a provider that becomes direct by it. */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { HostProcess } from './host-process.ts'
import { LabMesh } from './lab-mesh.ts'
import { MappingRouter, missingRouter } from './mapping-router.ts'
import { openLab } from './open-lab.ts'
import type { MappingProtocol, RouterMapping } from '@skein/reachability/port-mapping'
import type { NatHost, NatLab } from '../../src/nat-lab/index.ts'
import type { MappingRouterOptions } from './mapping-router.ts'

const NODE = fileURLToPath(new URL('mapping-node.ts', import.meta.url))
const PORT = 7311
/** From a router that forgets to a port that is mapped again: the router is looked at every 30 s. */
const AGAIN_LIMIT_MS = 45_000
/** Whole seconds are told: of a router that ran for a moment only it cannot be told whether it has begun anew. */
const UPTIME_MS = 8_000
/** Until offers with the new address are where they are looked for. */
const TOLD_LIMIT_MS = 15_000
/** Until calls go there. */
const DIRECT_LIMIT_MS = 15_000

interface Line {
  opened?: RouterMapping
  closed?: RouterMapping
  problem?: string
  counters?: { forgotten_total: number }
  stopped?: boolean
}

describe('ports that a real router maps', function () {
  this.timeout(150_000)
  let lab: NatLab
  let outsider: NatHost
  let hosts = 0
  const running: Array<{ stop: () => Promise<void> }> = []

  before(async function () {
    const missing = missingRouter()
    if (missing !== undefined) {
      console.log(`      left out: ${missing}`)
      this.skip()
    }
    lab = await openLab(this)
    outsider = await lab.addHost('outsider', 'public')
  })

  afterEach(async () => {
    for (const one of running.splice(0).reverse()) {
      await one.stop()
    }
  })
  after(async () => { await lab?.close() })

  async function behind (options: MappingRouterOptions, kind: 'port-restricted' | 'cgnat' = 'port-restricted'): Promise<{ host: NatHost, router: MappingRouter }> {
    const name = `home${hosts++}`
    const host = await lab.addHost(name, kind)
    const router = await MappingRouter.start(lab, name, options)
    running.push(router)
    return { host, router }
  }

  function start (host: NatHost, protocol: MappingProtocol, port = PORT): HostProcess<Line> {
    const node = new HostProcess<Line>(host, NODE, [protocol, String(port)])
    running.push(node)
    return node
  }

  /** What somebody in the world is greeted with there; nothing when he does not get in. */
  async function greeting (address: string, port: number): Promise<string> {
    const script = `const s=require('net').connect(${port},'${address}');s.on('data',d=>{process.stdout.write(d)});` +
      's.on(\'error\',()=>{});setTimeout(()=>process.exit(),2000);s.on(\'close\',()=>process.exit())'
    return await outsider.exec(process.execPath, ['-e', script])
  }

  async function until (isSo: () => Promise<boolean>, limitMs: number): Promise<number> {
    const startMs = Date.now()
    while (!await isSo()) {
      if (Date.now() - startMs > limitMs) {
        throw new Error(`It was not so within ${limitMs} ms`)
      }
      await new Promise(resolve => setTimeout(resolve, 250))
    }
    return Date.now() - startMs
  }

  const table: Array<[MappingProtocol, MappingRouterOptions]> = [['pcp', { upnp: false }], ['nat-pmp', { upnp: false }], ['upnp', { natPmp: false }]]
  it('others come in, also after the router was switched off and on, and no more when it is over, by each protocol', async () => {
    const homes: Array<Awaited<ReturnType<typeof behind>>> = []
    for (const [, options] of table) {
      homes.push(await behind(options))
    }
    await Promise.all(table.map(async ([protocol], i) => {
      const { host, router } = homes[i] as typeof homes[number]
      expect(await greeting(host.publicAddress, PORT)).to.equal('')
      const node = start(host, protocol)
      const { opened } = await node.line(line => line.opened !== undefined)
      expect(opened).to.include({
        protocol, router: '192.168.1.1', internalAddress: host.address, internalPort: PORT, externalAddress: host.publicAddress, externalPort: PORT
      })
      expect(await router.mappedPorts()).to.deep.equal([PORT])
      expect(await greeting(host.publicAddress, PORT)).to.equal('hello')

      await new Promise(resolve => setTimeout(resolve, UPTIME_MS))
      await router.restart()
      expect(await router.mappedPorts()).to.deep.equal([])
      const againMs = await until(async () => (await router.mappedPorts()).includes(PORT), AGAIN_LIMIT_MS)
      console.log(`      ${protocol}: mapped again ${(againMs / 1_000).toFixed(1)} s after the router was back`)
      expect(await greeting(host.publicAddress, PORT)).to.equal('hello')
      await node.line(({ counters }) => counters?.forgotten_total === 1)

      node.write({})
      await node.line(({ stopped }) => stopped === true)
      expect(await router.mappedPorts()).to.deep.equal([])
      expect(await greeting(host.publicAddress, PORT)).to.equal('')
    }))
  })

  for (const [protocol, options] of table) {
    it(`${protocol}: a router behind a carrier's NAT maps nothing, and that is told`, async () => {
      const { host } = await behind({ ...options, outside: 'wan' }, 'cgnat')
      const { problem } = await start(host, protocol).line(line => line.problem !== undefined)
      expect(problem).to.equal(protocol === 'pcp' ? 'double_nat' : 'no_external_address')
    })
  }

  it('a router that has another address: the old one is closed, and the new one open, by each protocol', async () => {
    const homes: NatHost[] = []
    for (const [, options] of table) {
      homes.push((await behind(options)).host)
    }
    await Promise.all(table.map(async ([protocol], i) => {
      const host = homes[i] as NatHost
      const node = start(host, protocol)
      await node.line(line => line.opened !== undefined)
      await new Promise(resolve => setTimeout(resolve, UPTIME_MS))
      const address = `45.20${i}.7.2`
      await lab.execInRouter(host.name, 'ip', ['-batch', '-'], `addr del ${host.publicAddress}/24 dev wan0\naddr add ${address}/24 dev wan0\n`)
      const { opened } = await node.line(line => line.opened?.externalAddress === address)
      expect(opened?.externalPort).to.equal(PORT)
      expect(node.lines.find(line => line.closed !== undefined)?.closed?.externalAddress).to.equal(host.publicAddress)
    }))
  })

  it('a router that does none of it is silent', async () => {
    const host = await lab.addHost(`home${hosts++}`, 'port-restricted')
    const nodes = [start(host, 'pcp', 7311), start(host, 'upnp', 7312)]
    const lines = await Promise.all(nodes.map(async node => await node.line(line => line.problem !== undefined)))
    expect(lines.map(({ problem }) => problem)).to.deep.equal(['silent', 'silent'])
  })

  for (const protocol of ['pcp', 'upnp'] as const) {
    it(`${protocol}: another port outside, where the router has that one itself`, async () => {
      const { host, router } = await behind({})
      const taken = lab.spawnInRouter(host.name, process.execPath, ['-e', `require('net').createServer().listen(${PORT}, '0.0.0.0', () => console.log('there'))`])
      running.push({ stop: async () => { taken.kill() } })
      await new Promise(resolve => taken.stdout?.once('data', resolve))
      const { opened } = await start(host, protocol).line(line => line.opened !== undefined)
      expect(opened?.externalPort).to.not.equal(PORT)
      expect(await router.mappedPorts()).to.deep.equal([opened?.externalPort])
      expect(await greeting(host.publicAddress, opened?.externalPort ?? 0)).to.equal('hello')
    })
  }
})

describe('a provider behind a router that maps ports', function () {
  this.timeout(150_000)
  let mesh: LabMesh
  let router: MappingRouter | undefined

  before(function () {
    const missing = missingRouter()
    if (missing !== undefined) {
      console.log(`      left out: ${missing}`)
      this.skip()
    }
  })

  beforeEach(async function () {
    mesh = new LabMesh(await openLab(this))
    await mesh.startRelay('one')
  })

  afterEach(async () => {
    await router?.stop()
    await mesh?.close()
  })

  it('is dialled directly from behind a symmetric NAT, which nothing else makes possible; with --port-mapping off it is not', async () => {
    const host = await mesh.lab.addHost('home', 'symmetric-random')
    router = await MappingRouter.start(mesh.lab, 'home')
    const provider = await mesh.startProvider(host, { relays: 0 })
    const { address } = await provider.process.line(({ event }) => event === 'port-mapped')
    const [port] = await router.mappedPorts()
    expect(address).to.equal(`/ip4/${host.publicAddress}/tcp/${port}`)

    const elsewhere = await mesh.lab.addHost('elsewhere', 'symmetric-random')
    const caller = await mesh.startCaller(elsewhere)
    const startMs = Date.now()
    let addresses: string[] = []
    while (!addresses.some(one => one.startsWith(address ?? '-')) && Date.now() - startMs < TOLD_LIMIT_MS) {
      addresses = (await caller.ask('find')).addresses ?? []
    }
    expect(addresses.some(one => one.startsWith(address ?? '-')), addresses.join()).to.equal(true)
    // one that was connected through the relay before goes on there until the better way is found
    const paths: string[] = []
    for (const calledMs = Date.now(); paths.at(-1) !== 'direct' && Date.now() - calledMs < DIRECT_LIMIT_MS;) {
      const call = await caller.ask('call', '10')
      expect(call.error ?? '').to.equal('')
      expect(call.pieces).to.be.above(0)
      paths.push(call.path ?? 'none')
    }
    console.log(`      calls went ${paths.join(', ')}`)
    expect(paths.at(-1)).to.equal('direct')

    await provider.process.stop('SIGTERM')
    expect(await router.mappedPorts()).to.deep.equal([])
    expect(provider.process.lines.some(({ event }) => event === 'port-unmapped')).to.equal(false)

    const without = await mesh.startProvider(await mesh.lab.addHost('other', 'symmetric-random'), { args: ['--port-mapping', 'off'] })
    await caller.process.stop()
    const again = await mesh.startCaller(elsewhere)
    await again.ask('find')
    expect(await again.ask('call', '10')).to.include({ path: 'relayed' })
    expect(without.process.lines.some(({ event }) => event === 'port-mapped')).to.equal(false)
  })

  it('is told by skein doctor whether the router maps ports, and what to do when it does not', async () => {
    const mapping = await mesh.lab.addHost('home', 'symmetric-random')
    router = await MappingRouter.start(mesh.lab, 'home')
    const well = await mesh.examine(mapping)
    expect(well, JSON.stringify(well)).to.include({ verdict: 'direct' })
    expect(well.findings?.portMapping).to.deep.equal({ address: `/ip4/${mapping.publicAddress}/tcp/7311`, protocol: 'pcp' })
    expect(well.why).to.include(`${mapping.publicAddress}/tcp/7311`)

    const silent = await mesh.examine(await mesh.lab.addHost('silent', 'symmetric-random'))
    expect(silent.findings?.portMapping).to.deep.equal({ problem: 'silent' })
    expect(silent.problems?.find(({ code }) => code === 'port_closed')?.advice).to.include('Switch UPnP or NAT-PMP on')

    const behindTwo = await mesh.lab.addHost('two', 'cgnat')
    const inner = await MappingRouter.start(mesh.lab, 'two', { outside: 'wan' })
    try {
      const twice = await mesh.examine(behindTwo)
      expect(twice.findings?.portMapping).to.deep.equal({ problem: 'double_nat' })
      expect(twice.problems?.map(({ code }) => code)).to.include('double_nat')
    } finally {
      await inner.stop()
    }
    expect(await router.mappedPorts()).to.deep.equal([])
  })
})
