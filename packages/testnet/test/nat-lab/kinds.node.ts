/** Each kind of NAT of the laboratory is what it claims to be, by a probe of RFC 5780, and faults are faults. */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { NAT_KINDS } from '../../src/nat-lab/index.ts'
import { HostProcess } from './host-process.ts'
import { openLab } from './open-lab.ts'
import type { NatHost, NatKind, NatLab } from '../../src/nat-lab/index.ts'

const PROBE = fileURLToPath(new URL('nat-probe.ts', import.meta.url))

interface Told {
  id: number
  mapping?: string
  filtering?: string
  ports?: number[]
  local?: string
  failed?: string[]
  answered?: number
  seenAs?: string
}

const OPEN = { mapping: 'none', filtering: 'endpoint_independent' }
const SYMMETRIC = { mapping: 'address_and_port_dependent', filtering: 'address_and_port_dependent' }
const BLOCKED = { mapping: 'unknown', filtering: 'unknown' }
const CLAIMS: Record<NatKind, { mapping: string, filtering: string }> = {
  public: OPEN,
  'full-cone': { mapping: 'endpoint_independent', filtering: 'endpoint_independent' },
  restricted: { mapping: 'endpoint_independent', filtering: 'address_dependent' },
  'port-restricted': { mapping: 'endpoint_independent', filtering: 'address_and_port_dependent' },
  'symmetric-random': SYMMETRIC,
  'symmetric-sequential': SYMMETRIC,
  cgnat: { mapping: 'endpoint_independent', filtering: 'address_and_port_dependent' },
  'udp-blocked': BLOCKED,
  'web-only': BLOCKED,
  ipv6: SYMMETRIC
}

describe('the kinds of NAT of the laboratory', function () {
  this.timeout(60_000)
  let lab: NatLab
  let stun: NatHost
  let asked = 0
  const probes = new Map<string, HostProcess<Told>>()
  const probed = new Map<NatKind, Promise<Told>>()

  before(async function () {
    lab = await openLab(this)
    stun = await lab.addHost('stun', 'public', { addresses: 2 })
    for (const kind of NAT_KINDS) {
      await lab.addHost(kind, kind)
    }
    for (const host of lab.hosts) {
      probes.set(host.name, new HostProcess(host, PROBE, []))
    }
    await ask('stun', 'serve', ...stun.publicAddresses, ...stun.addresses6)
    await ask('stun', 'listen', '80', '443', '4000')
    // silence takes seconds to tell
    NAT_KINDS.forEach(kind => probed.set(kind, ask(kind, 'nat', stun.publicAddress)))
  })

  after(async () => {
    await Promise.all([...probes.values()].map(async process => { await process.stop() }))
    await lab?.close()
  })

  const host = (kind: NatKind): NatHost => lab.hosts.find(({ name }) => name === kind) as NatHost
  async function ask (name: string, ...command: string[]): Promise<Told> {
    const probe = probes.get(name) as HostProcess<Told>
    const id = asked++
    probe.write({ id, ask: command })
    return await probe.line(line => line.id === id)
  }
  /** By whom a host is connected to, how that one sees it */
  const seenAs = async (from: string, to: string | undefined, port: number): Promise<string | undefined> =>
    (await ask(from, 'tcp', to ?? '', String(port))).seenAs

  for (const kind of NAT_KINDS) {
    const { mapping, filtering } = CLAIMS[kind]
    it(`${kind}: mapping ${mapping}, filtering ${filtering}`, async () => {
      const line = await probed.get(kind) as Told
      expect(line).to.include({ mapping, filtering })
      expect(line.failed).to.deep.equal(mapping === 'unknown' ? ['StunTimeoutError'] : [])
    })
  }

  it('a sequential one takes the next port for each destination, a random one any', async () => {
    const steps = async (kind: NatKind): Promise<number[]> => {
      const { ports = [] } = await probed.get(kind) as Told
      return ports.slice(1).map((port, i) => port - (ports[i] as number))
    }
    expect(await steps('symmetric-sequential')).to.deep.equal([1, 1])
    expect(await steps('symmetric-random')).to.not.deep.equal([1, 1])
  })

  it('TCP goes out through every kind, and is seen at the address of the NAT', async () => {
    await Promise.all(NAT_KINDS.map(async kind => {
      expect(await seenAs(kind, stun.publicAddress, 443), kind).to.equal(host(kind).publicAddress)
    }))
  })

  it('where the web alone is allowed, ports 80 and 443 are, and no other', async () => {
    expect(await seenAs('web-only', stun.publicAddress, 80)).to.equal(host('web-only').publicAddress)
    expect(await seenAs('web-only', stun.publicAddress, 4000)).to.equal('not connected')
    expect(await seenAs('udp-blocked', stun.publicAddress, 4000)).to.equal(host('udp-blocked').publicAddress)
  })

  it('a host behind a NAT that listens is dialled by nobody, one with IPv6 by all over IPv6', async () => {
    const behind = NAT_KINDS.filter(kind => kind !== 'public')
    await Promise.all(behind.map(async kind => { await ask(kind, 'listen', '4000') }))
    const answers = await Promise.all(behind.map(async kind => await seenAs('stun', host(kind).publicAddress, 4000)))
    expect(answers).to.deep.equal(behind.map(() => 'not connected'))
    expect(await seenAs('stun', host('ipv6').address6, 4000)).to.be.oneOf([...stun.addresses6])
  })

  it('over IPv6 a host that has it is seen as it is, and lets everybody in', async () => {
    const line = await ask('ipv6', 'nat', stun.address6 as string)
    expect(line).to.include(OPEN)
    expect(line.local).to.equal(host('ipv6').address6)
    expect(await ask('port-restricted', 'nat', stun.address6 as string)).to.include(BLOCKED)
  })

  it('of packets that are to be lost so many are', async () => {
    await lab.setLoss('public', 0.2)
    const { answered = 0 } = await ask('public', 'ping', stun.publicAddress, '300')
    // there and back: 0.64; the bounds are five standard deviations away
    expect(answered / 300).to.be.within(0.5, 0.78)
    await lab.setLoss('public', 0)
    expect(await ask('public', 'ping', stun.publicAddress, '20')).to.include({ answered: 20 })
  })

  it('a host that is cut off reaches nobody until that is mended', async () => {
    await lab.setCut('full-cone')
    expect(await seenAs('full-cone', stun.publicAddress, 443)).to.equal('not connected')
    await lab.setCut('full-cone', false)
    expect(await seenAs('full-cone', stun.publicAddress, 443)).to.equal(host('full-cone').publicAddress)
  })

  it('a NAT that was rebooted lets in nobody whom it let in before', async () => {
    // a mapping of UDP, through which the server's other address comes in
    for (const kind of ['full-cone', 'restricted'] as const) {
      const conntrack = async (): Promise<string> => await lab.execInRouter(kind, 'conntrack', ['-L', '-p', 'udp', '--orig-port-dst', '3478'])
      const remembered = async (): Promise<string> => await lab.execInRouter(kind, 'nft', ['list', 'set', 'ip', 'nat', 'remembered'])
      await ask(kind, 'nat', stun.publicAddress)
      expect(await conntrack(), kind).to.include('dport=3478')
      expect(await remembered(), kind).to.include('udp')
      await lab.rebootNat(kind)
      expect(await conntrack(), kind).to.not.include('dport=3478')
      expect(await remembered(), kind).to.not.include('udp')
    }
  })

  for (const kind of ['public', 'full-cone', 'cgnat', 'ipv6'] as const) {
    it(`a ${kind} host at another uplink is seen at another address, and is of the same kind`, async () => {
      const before = host(kind)
      const moved = await lab.changeUplink(kind)
      expect(moved.publicAddress).to.not.equal(before.publicAddress)
      expect(moved.address).to.not.equal(before.address)
      expect(await seenAs(kind, stun.publicAddress, 443)).to.equal(moved.publicAddress)
      expect(await ask(kind, 'nat', stun.publicAddress)).to.include(CLAIMS[kind])
      if (moved.address6 !== undefined) {
        expect(moved.address6).to.not.equal(before.address6)
        expect(await seenAs(kind, stun.address6, 443)).to.equal(moved.address6)
      }
    })
  }
})
