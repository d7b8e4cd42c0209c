import { NatLab, NatLabUnavailableError } from '@skein/testnet/nat-lab'
import { expect } from 'chai'
import { LabCommand } from './lab-command.ts'
import type { NatHost, NatKind } from '@skein/testnet/nat-lab'
import type { SkeinEvent } from './skein-process.ts'

describe('skein doctor behind real NATs', function () {
  this.timeout(180_000)
  let lab: NatLab
  const seeds: LabCommand[] = []
  const addresses: string[] = []

  before(async function () {
    try {
      lab = await NatLab.open()
    } catch (error) {
      if (error instanceof NatLabUnavailableError) {
        console.log(`      left out: ${error.message}`)
        this.skip()
      }
      throw error
    }
    for (const name of ['seed-1', 'seed-2']) {
      const host = await lab.addHost(name, 'public', { addresses: 2 })
      const [first = '', second = ''] = host.publicAddresses
      const seed = new LabCommand(host, ['seed', '--listen', `/ip4/${host.address}/tcp/7310`, '--ephemeral', '--log-level', 'silent',
        '--stun', `${first}:3478`, '--stun-alternate', `${second}:3479`])
      seeds.push(seed)
      addresses.push((await seed.event('listening')).addresses[0] as string)
    }
  })

  after(async () => {
    await Promise.all(seeds.map(async seed => { await seed.stop() }))
    await lab?.close()
  })

  async function examined (kind: NatKind, ...args: string[]): Promise<{ status: number | null, diagnosis: SkeinEvent, ms: number }> {
    return await examinedAt(await lab.addHost(`${kind}-${lab.hosts.length}`, kind), ...args)
  }

  async function examinedAt (host: NatHost, ...args: string[]): Promise<{ status: number | null, diagnosis: SkeinEvent, ms: number }> {
    const startMs = performance.now()
    const command = new LabCommand(host, ['doctor', ...addresses.flatMap(address => ['--seed', address]), '--listen', '/ip4/0.0.0.0/tcp/7311', ...args])
    const diagnosis = await command.event('diagnosis')
    return { status: await command.ended, diagnosis, ms: performance.now() - startMs }
  }

  const table: Array<[kind: NatKind, verdict: string, mapping: string, problems: string[]]> = [
    ['public', 'direct', 'none', []],
    // it lets everybody in to a port that has sent something, and a port that listens has not
    ['full-cone', 'punched', 'endpoint-independent', ['port_closed']],
    ['port-restricted', 'punched', 'endpoint-independent', ['port_closed']],
    ['cgnat', 'punched', 'endpoint-independent', ['port_closed']],
    ['symmetric-random', 'relayed', 'random', ['symmetric_nat', 'port_closed']],
    ['symmetric-sequential', 'punched', 'sequential', ['symmetric_nat', 'port_closed']],
    ['udp-blocked', 'punched', 'blocked', ['udp_blocked', 'port_closed']]
  ]
  for (const [kind, verdict, mapping, problems] of table) {
    it(`${kind}: ${verdict}, ${mapping}`, async () => {
      const { status, diagnosis, ms } = await examined(kind)
      expect(diagnosis.findings.nat?.mapping).to.equal(mapping)
      expect(diagnosis.verdict, JSON.stringify(diagnosis)).to.equal(verdict)
      expect(diagnosis.problems.map(({ code }: { code: string }) => code)).to.include.members(problems)
      expect(status).to.equal(0)
      expect(ms).to.be.below(15_000)
      console.log(`      ${(ms / 1_000).toFixed(1)} s: ${diagnosis.why}`)
    })
  }

  it('a server with a firewall: the port to open, and what it is reached by until then', async () => {
    const host = await lab.addHost('closed', 'public')
    await host.exec('nft', ['-f', '-'], `table inet wall {
      chain input {
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        ct state established,related accept
      }
    }`)
    const { diagnosis } = await examinedAt(host)
    expect(diagnosis).to.include({ verdict: 'punched' })
    const [first] = diagnosis.problems
    expect(first).to.include({ code: 'firewall' })
    expect(first.advice).to.include('port 7311')
  })

  it('ipv6: direct over IPv6, whatever the NAT of IPv4 does', async () => {
    const { status, diagnosis } = await examined('ipv6', '--listen', '/ip6/::/tcp/7311')
    expect(diagnosis.findings.nat?.mapping).to.equal('random')
    expect(diagnosis.verdict, JSON.stringify(diagnosis)).to.equal('direct')
    expect(diagnosis.why).to.include('/ip6/')
    expect(status).to.equal(0)
  })

  it('what it says is so: two peers behind ordinary routers begin relayed and end punched, as ping and trace tell', async () => {
    const [home, other] = [await lab.addHost('home', 'port-restricted'), await lab.addHost('other', 'port-restricted')]
    const through = addresses.flatMap(address => ['--seed', address])
    const peer = new LabCommand(home, ['peer', ...through, '--ephemeral', '--relay', 'listen', '--serve', 'smoke'])
    seeds.push(peer)
    const { id } = await peer.event('listening')
    await peer.event('ready')
    const ping = new LabCommand(other, ['ping', id as string, ...through, '--count', '12', '--interval', '0.3', '--timeout', '20'])
    expect(await ping.ended, JSON.stringify(ping.events)).to.equal(0)
    const paths = ping.events.filter(({ event }) => event === 'pong').map(({ path }) => path as string)
    console.log(`      ${paths.join(' ')}`)
    expect(paths.at(-1)).to.equal('punched')
    const trace = new LabCommand(other, ['trace', 'skein-smoke-1', ...through, '--call'])
    expect(await trace.ended, JSON.stringify(trace.events)).to.equal(0)
    const reached = trace.events.filter(({ event }) => event === 'path').map(({ path }) => path as string)
    expect(reached.at(-1)).to.equal('punched')
    expect(await trace.event('first-token')).to.include({ provider: id })
  })

  it('web-only: no seed answers at another port', async () => {
    const { status, diagnosis } = await examined('web-only')
    expect(diagnosis).to.include({ verdict: 'unreachable', isWell: false })
    expect(diagnosis.problems[0]).to.include({ code: 'no_seed_answered' })
    expect(status).to.equal(1)
  })

  it('an announced address that leads nowhere must be mended', async () => {
    const { status, diagnosis } = await examined('port-restricted', '--announce', '/ip4/45.250.7.9/tcp/7311')
    expect(diagnosis.problems[0]).to.include({ code: 'announced_wrong' })
    expect(status).to.equal(1)
  })
})
