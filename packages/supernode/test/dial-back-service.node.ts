import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { expect } from 'chai'
import { judgeDialBack } from '../src/index.ts'
import { DialBackLimitedError } from '../src/libp2p/index.ts'
import { MeasuredContent } from '../src/measured-content.ts'
import { DialBackAnswer, DialBackRequest } from '../src/pb/dial-back.ts'
import { addressesOf, identified, loopbackNetwork, nodeAt } from './dial-back-fixture.ts'
import { slowLink } from './slow-link.ts'
import type { DialBackReport } from '../src/index.ts'
import type { DialBackNode, NodeChanges } from './dial-back-fixture.ts'

const MIB = 1024 * 1024

describe('dial-back', function () {
  this.timeout(120_000)
  const open: Array<{ stop: () => Promise<void> | void }> = []

  async function node (host: string, changes: NodeChanges = {}): Promise<DialBackNode> {
    const started = await nodeAt(host, changes)
    open.push(started)
    return started
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map(async one => { await one.stop() }))
  })

  it('reaches a peer at its address by a new connection, measures it, and leaves the old connection as it was', async () => {
    const candidate = await node('127.10.0.1', { admits: () => true })
    const verifier = await node('127.11.0.1')
    const standing = await verifier.dial(candidate.getMultiaddrs())
    await identified(candidate, verifier.peerId)
    const arrived: string[] = []
    candidate.addEventListener('connection:open', ({ detail }) => { arrived.push(detail.remoteAddr.toString()) })

    const verified = await verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate))
    expect(verified).to.deep.include({ reachable: true, networks: [loopbackNetwork('/ip4/127.10.0.1')] })
    expect([...verified.addresses.values()]).to.deep.equal(['reached'])
    expect(verified.bytesPerSecond).to.be.above(2 * MIB)
    expect(arrived.map(address => address.split('/')[2])).to.deep.equal(['127.11.0.1'])
    expect(standing.status).to.equal('open')
  })

  it('does not reach one behind a firewall, whatever connections it made itself', async () => {
    const closed = await node('127.12.0.9')
    const [port] = closed.getMultiaddrs().map(address => address.toString().split('/')[4])
    await closed.stop() // nobody listens there from now on
    const candidate = await node('127.12.0.1', { announce: [`/ip4/127.12.0.1/tcp/${port}`], admits: () => true })
    const verifier = await node('127.11.0.1')
    await candidate.dial(verifier.getMultiaddrs())
    const verified = await verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate))
    expect(verified).to.deep.include({ reachable: false, networks: [] })
    expect([...verified.addresses.values()]).to.deep.equal(['failed'])
  })

  it('does not take another peer at the address for it', async () => {
    const [candidate, other, verifier] = [await node('127.12.0.1'), await node('127.13.0.1'), await node('127.11.0.1')]
    const named = addressesOf(other).map(address => address.replace(/\/p2p\/.*/, ''))
    const verified = await verifier.services.dialBack.verify(candidate.peerId.toString(), named)
    expect(verified.reachable).to.equal(false)
  })

  it('dials nobody at an address that is not public, a circuit or a name', async () => {
    const candidate = await node('127.0.0.1')
    const verifier = await node('127.11.0.1')
    const verified = await verifier.services.dialBack.verify(candidate.peerId.toString(), [
      ...addressesOf(candidate), '/dns4/localhost/tcp/4001', `/ip4/127.14.0.1/tcp/4001/p2p/${candidate.peerId.toString()}/p2p-circuit`
    ])
    expect(verified.reachable).to.equal(false)
    expect(new Set(verified.addresses.values())).to.deep.equal(new Set(['not_public']))
  })

  it('dials two addresses of strangers at most for one that sent nothing, and a /24 twice a minute', async () => {
    const candidate = await node('127.12.0.1')
    const victims = await Promise.all([1, 2, 3, 4].map(async i => await node(`127.2${i}.0.1`)))
    let dialled = 0
    for (const victim of victims) {
      victim.addEventListener('connection:open', () => { dialled++ })
    }
    const verifier = await node('127.11.0.1', { dialTimeoutMs: 1_000 })
    const named = victims.flatMap(victim => addressesOf(victim).map(address => address.replace(/\/p2p\/.*/, '')))
    const once = await verifier.services.dialBack.verify(candidate.peerId.toString(), named)
    expect([...once.addresses.values()].toSorted()).to.deep.equal(['failed', 'unpaid', 'unpaid', 'unpaid'])
    await verifier.services.dialBack.verify(candidate.peerId.toString(), named)
    const error = await verifier.services.dialBack.verify(candidate.peerId.toString(), named).catch(error => error)
    expect(error).to.be.instanceOf(DialBackLimitedError)
    expect(dialled).to.equal(0) // the handshake ended each: it was somebody else's key
  })

  it('reaches further hosts of a peer that was measured, and not those of one that was not', async () => {
    const listen = ['/ip4/127.15.0.1/tcp/0', '/ip4/127.16.0.1/tcp/0', '/ip4/127.17.0.1/tcp/0']
    const verifier = await node('127.11.0.1')
    for (const admitted of [true, false]) {
      const candidate = await node('127.15.0.1', { listen, admits: () => admitted })
      const verified = await verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate))
      expect(verified.networks.map(({ wide }) => wide)).to.deep.equal(
        admitted ? ['127.15.0.0/16', '127.16.0.0/16', '127.17.0.0/16'] : ['127.15.0.0/16'])
      expect(verified.unmeasured).to.equal(admitted ? undefined : 'not_here')
    }
  })

  it('measures a liar at what its link carries, from three networks, and not at what it claims', async () => {
    const realBytesPerSecond = 1_000_000
    const inner = await node('127.0.0.1', { admits: () => true })
    const link = await slowLink('127.18.0.1', { host: '127.0.0.1', port: Number(inner.getMultiaddrs()[0]?.toString().split('/')[4]) }, realBytesPerSecond)
    open.push(link)
    const claimed = 100 * realBytesPerSecond
    const verifiers = await Promise.all([1, 2, 3].map(async i => await node(`127.3${i}.0.1`)))
    const reports: DialBackReport[] = []
    for (const [i, verifier] of verifiers.entries()) {
      const { reachable, bytesPerSecond } = await verifier.services.dialBack.verify(inner.peerId.toString(), [`/ip4/127.18.0.1/tcp/${link.port}`])
      reports.push({
        verifier: verifier.peerId.toString(), network: loopbackNetwork(`/ip4/127.3${i + 1}.0.1`) as DialBackReport['network'], reachable,
        ...bytesPerSecond === undefined ? {} : { bytesPerSecond }, atMs: Date.now()
      })
      const own = [loopbackNetwork('/ip4/127.18.0.1') as DialBackReport['network']]
      expect(judgeDialBack(reports, own, Date.now()).verified, `with ${i + 1} networks`).to.equal(i === 2)
    }
    process.stdout.write(`      claims ${claimed}, gives ${realBytesPerSecond}, was measured at ${reports.map(report => report.bytesPerSecond).join(', ')} bytes/s\n`)
    for (const { bytesPerSecond } of reports) {
      expect(bytesPerSecond).to.be.within(realBytesPerSecond / 5, realBytesPerSecond * 1.1)
    }
  })

  it('measures a node that paces itself at its pace', async () => {
    const candidate = await node('127.10.0.1', { admits: () => true, maxBytesPerSecond: 1_500_000 })
    const verifier = await node('127.11.0.1')
    const { bytesPerSecond } = await verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate))
    expect(bytesPerSecond).to.be.within(300_000, 1_750_000)
  })

  for (const [what, content, echo] of [
    ['sends something else than it was asked for', (): Uint8Array => new Uint8Array(65_536), (): Uint8Array => new Uint8Array(16)],
    ['confirms what it has not read', (nonce: Uint8Array, i: number): Uint8Array => new MeasuredContent(nonce).block(i), (): Uint8Array => new Uint8Array(16)]
  ] as const) {
    it(`gives no bandwidth to one that ${what}`, async () => {
      const liar = await node('127.10.0.1')
      await liar.unhandle('/skein/dial-back/1.0.0')
      await liar.handle('/skein/dial-back/1.0.0', async stream => {
        const messages = lpStream(stream)
        const { round } = DialBackRequest.decode((await messages.read()).subarray())
        await messages.write(DialBackAnswer.encode({}))
        for (let i = 0; i < (round?.give ?? 0) / 65_536; i++) {
          await messages.write(content(round?.nonce as Uint8Array, i))
        }
        for (let i = 0; i < (round?.take ?? 0) / 65_536; i++) {
          await messages.write(echo())
        }
      })
      const verifier = await node('127.11.0.1')
      const { reachable, bytesPerSecond, unmeasured } = await verifier.services.dialBack.verify(liar.peerId.toString(), addressesOf(liar))
      expect({ reachable, bytesPerSecond, unmeasured }).to.deep.equal({ reachable: true, bytesPerSecond: undefined, unmeasured: 'bad_content' })
    })
  }

  it('lets three verifiers that come at once measure one after the other', async () => {
    const candidate = await node('127.10.0.1', { admits: () => true })
    const verifiers = await Promise.all([1, 2, 3].map(async i => await node(`127.3${i}.0.1`)))
    const results = await Promise.all(verifiers.map(async verifier =>
      await verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate))))
    expect(results.map(({ reachable, bytesPerSecond }) => reachable && bytesPerSecond !== undefined)).to.deep.equal([true, true, true])
  })

  it('gives no more in an hour than its budget', async () => {
    const candidate = await node('127.10.0.1', { admits: () => true, budget: { maxBytesPerHour: MIB, maxNetworkBytesPerHour: MIB } })
    const verifier = await node('127.11.0.1')
    const { reachable, bytesPerSecond, unmeasured } = await verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate))
    expect({ reachable, bytesPerSecond, unmeasured }).to.deep.equal({ reachable: true, bytesPerSecond: undefined, unmeasured: 'busy' })
    expect(candidate.services.dialBack.counters.measurement_bytes_total).to.be.at.most(MIB)
  })

  it('ends when its signal fires', async () => {
    const candidate = await node('127.10.0.1', { admits: () => true, maxBytesPerSecond: 10_000 })
    const verifier = await node('127.11.0.1')
    const controller = new AbortController()
    const verifying = verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate), controller.signal)
    setTimeout(() => { controller.abort(new Error('enough')) }, 200)
    expect((await verifying.catch(error => error)).message).to.equal('enough')
  })

  it('says what it found when the time that it was given is over', async () => {
    const candidate = await node('127.10.0.1', { admits: () => true, maxBytesPerSecond: 10_000 })
    const verifier = await node('127.11.0.1')
    const { signal } = deadline(systemClock(), 1_000)
    const { reachable, bytesPerSecond, unmeasured } = await verifier.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate), signal)
    expect({ reachable, bytesPerSecond, unmeasured }).to.deep.equal({ reachable: true, bytesPerSecond: undefined, unmeasured: 'timed_out' })
  })

  describe('asked for', () => {
    async function asker (changes: NodeChanges = {}, networks = [1, 2, 3]): Promise<{ self: DialBackNode, verifiers: DialBackNode[] }> {
      const self = await node('127.10.0.1', changes)
      const verifiers = await Promise.all(networks.map(async i => await node(`127.3${i}.0.1`)))
      for (const verifier of verifiers) {
        await self.dial(verifier.getMultiaddrs())
        await identified(self, verifier.peerId)
      }
      return { self, verifiers }
    }

    it('says that a peer can be dialled, when those in three networks did', async () => {
      const { self, verifiers } = await asker()
      const [result] = await self.services.dialBack.askDialBack(addressesOf(self))
      expect(result?.state).to.equal('reachable')
      expect(result?.verdict.verifiedFrom).to.equal(3)
      expect(result?.byVerifier.map(({ verifier, said }) => [verifier, said])).to.have.deep.members(
        verifiers.map(({ peerId }) => [peerId.toString(), 'reached']))
    })

    it('measures when it is asked to', async () => {
      const { self } = await asker()
      const [result] = await self.services.dialBack.askDialBack(addressesOf(self), { measure: true })
      expect(result?.verdict).to.deep.include({ verified: true, missing: [] })
      expect(result?.verdict.bytesPerSecond).to.be.above(MIB)
    })

    it('says of each address what became of it, and pays for those of other hosts', async () => {
      const { self } = await asker({ listen: ['/ip4/127.10.0.1/tcp/0', '/ip4/127.19.0.1/tcp/0'] })
      const results = await self.services.dialBack.askDialBack([...addressesOf(self), '/ip4/127.10.0.1/tcp/1', '/ip4/192.168.1.1/tcp/4001'])
      expect(results.map(({ state }) => state)).to.deep.equal(['reachable', 'reachable', 'unreachable', 'unknown'])
      expect(results[3]?.byVerifier.map(({ said }) => said)).to.deep.equal(['not_public', 'not_public', 'not_public'])
    })

    it('says nothing with fewer than three networks', async () => {
      const { self } = await asker({}, [1, 2])
      const [result] = await self.services.dialBack.askDialBack(addressesOf(self))
      expect(result?.state).to.equal('unknown')
      expect(result?.verdict.missing.map(({ rule }) => rule)).to.include('networks')
    })

    it('does not believe one that says it came and did not', async () => {
      const { self, verifiers } = await asker()
      const liar = verifiers[0] as DialBackNode
      // a listener that is not there: whoever says that it reached it lies
      const desk = (liar.services.dialBack as unknown as { desk: { dialBack: (...args: unknown[]) => Promise<unknown> } }).desk
      desk.dialBack = async () => [{ status: 'reached', bytesPerSecond: 0n }]
      const [result] = await self.services.dialBack.askDialBack(['/ip4/127.10.0.1/tcp/1'])
      expect(result?.byVerifier.map(({ said }) => said).toSorted()).to.deep.equal(['failed', 'failed', 'unheard'])
    })

    it('is refused to those that ask too often', async () => {
      const { self } = await asker()
      const asked = await Promise.all(Array.from({ length: 5 }, async () => await self.services.dialBack.askDialBack(addressesOf(self))))
      expect(asked.flatMap(([result]) => result?.byVerifier.map(({ said }) => said) ?? [])).to.include('busy')
    })
  })

  it('ends a stream of rubbish, and goes on', async () => {
    const candidate = await node('127.10.0.1', { admits: () => true })
    const stranger = await node('127.11.0.1')
    const connection = await stranger.dial(candidate.getMultiaddrs().map(address => multiaddr(address.toString())))
    for (const bytes of [Uint8Array.of(0), Uint8Array.of(255, 255, 255, 255), Uint8Array.of(3, 26, 1, 8), new Uint8Array(5_000).fill(7)]) {
      const stream = await connection.newStream('/skein/dial-back/1.0.0')
      const ended = new Promise(resolve => { stream.addEventListener('close', resolve) })
      stream.send(bytes)
      stream.close().catch(() => {})
      await ended
    }
    expect(candidate.services.dialBack.counters.refused_total).to.equal(4)
    expect((await stranger.services.dialBack.verify(candidate.peerId.toString(), addressesOf(candidate))).reachable).to.equal(true)
  })
})
