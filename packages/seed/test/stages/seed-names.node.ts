import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createPeer, NameServerError, SeedAddressError } from '@skein/peer'
import { expect } from 'chai'
import { NameServer } from '../../../peer/test/names/name-server.ts'
import { createSeed } from '../../src/index.ts'
import { inventedPeers } from './invented-peers.ts'
import type { Peer, PeerInit, SeedNameError } from '@skein/peer'
import type { SrvTarget } from '../../../peer/test/names/name-server.ts'
import type { Seed } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
const ASK = { messages: [{ role: 'user', content: 'hi' }] }

describe('many seeds behind one name', function () {
  this.timeout(60_000)
  const seeds: Seed[] = []
  const peers: Peer[] = []
  let names: NameServer

  beforeEach(async () => { names = await NameServer.start() })
  afterEach(async () => {
    await Promise.all(peers.splice(0).map(async peer => { await peer.stop() }))
    await Promise.all(seeds.splice(0).map(async seed => { await seed.stop() }))
    names.stop()
  })

  async function startSeed (): Promise<Seed> {
    const seed = await createSeed(LISTEN)
    seeds.push(seed)
    return seed
  }

  async function start (bootstrap: string[], init: Partial<PeerInit> = {}): Promise<Peer> {
    const peer = await createPeer({ ...LISTEN, bootstrap, dns: { servers: [names.address] }, ...init })
    peers.push(peer)
    return peer
  }

  function isConnected (peer: Peer, seed: Seed): boolean {
    return peer.libp2p.getPeers().some(other => other.toString() === seed.id)
  }

  async function until (fits: () => boolean): Promise<void> {
    while (!fits()) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  function srvOf (seed: Seed, priority = 1): SrvTarget {
    return { target: 'localhost', port: Number(/\/tcp\/(\d+)/.exec(seed.addresses[0] ?? '')?.[1]), priority, weight: 1 }
  }

  for (const kind of ['dnsaddr', 'SRV'] as const) {
    it(`joins through all three of a ${kind} name, each an address of its own`, async () => {
      const three = await Promise.all([startSeed(), startSeed(), startSeed()])
      names.setDnsaddr('seeds.test', ['/dnsaddr/eu.seeds.test', ...three.slice(0, 1).flatMap(seed => seed.addresses)])
      names.setDnsaddr('eu.seeds.test', three.slice(1).flatMap(seed => seed.addresses))
      names.setSrv('seeds.test', three.map((seed, i) => srvOf(seed, i)))
      const newcomer = await start([kind === 'SRV' ? 'srv:seeds.test' : '/dnsaddr/seeds.test'])
      expect(newcomer.stats().connections).to.be.at.least(1)
      await until(() => three.every(seed => isConnected(newcomer, seed) && seed.service.registry.size === 1))
      expect(names.questions).to.deep.equal(kind === 'SRV'
        ? ['SRV _skein._tcp.seeds.test']
        : ['TXT _dnsaddr.seeds.test', 'TXT _dnsaddr.eu.seeds.test'])
    })
  }

  it('joins though one is dead, one is another than its record says and one lies, and compares two answers', async () => {
    const [honest, other, liar, dead] = await Promise.all([startSeed(), startSeed(), startSeed(), createSeed(LISTEN)])
    const deadAddresses = dead.addresses
    await dead.stop()
    const someone = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    const impostor = other.addresses.map(address => address.replace(/\/p2p\/.*/, `/p2p/${someone}`))
    const invented = await inventedPeers(20)
    liar.service.registry.sample = async () => invented

    for (let i = 0; i < 6; i++) {
      await start(honest.addresses)
    }
    await peers[0]?.serve('m', async () => 'true')
    names.setDnsaddr('seeds.test', [...deadAddresses, ...impostor, ...liar.addresses, ...honest.addresses])
    const newcomer = await start(['/dnsaddr/seeds.test'])
    const others = new Set(peers.map(peer => peer.id))
    expect(await newcomer.chat({ model: 'm', ...ASK }).text()).to.equal('true')
    // half of its company at least is on the word of the honest one, though all whom the liar names are not there
    await until(() => newcomer.libp2p.getPeers().filter(peer => others.has(peer.toString())).length >= 4)
    await until(() => honest.service.registry.size === 7 && liar.service.registry.size === 1)
    expect(isConnected(newcomer, other)).to.equal(false)
  })

  it('joins though one refuses whatever it is asked', async () => {
    const [honest, refusing] = await Promise.all([startSeed(), startSeed()])
    refusing.service.registry.register = async () => ({ registered: false, reason: 'full', message: 'no place' })
    refusing.service.registry.sample = async () => { throw new Error('no answer') }
    names.setSrv('seeds.test', [srvOf(refusing, 0), srvOf(honest, 1)])
    const newcomer = await start(['srv:seeds.test'])
    await until(() => honest.service.registry.size === 1 && refusing.service.counters.requests > 0)
    const provider = await start(['srv:seeds.test'])
    await provider.serve('m', async () => 'true')
    expect(await newcomer.chat({ model: 'm', ...ASK }).text()).to.equal('true')
  })

  it('finds a new seed when the records change while it runs, and keeps its connection to one that is gone from them', async () => {
    const [first, second] = await Promise.all([startSeed(), startSeed()])
    names.setDnsaddr('seeds.test', first.addresses)
    const peer = await start(['/dnsaddr/seeds.test'], { dns: { servers: [names.address], defaultTtlMs: 300 } })
    await until(() => isConnected(peer, first))
    names.setDnsaddr('seeds.test', second.addresses)
    await until(() => isConnected(peer, second) && second.service.registry.size === 1)
    expect(isConnected(peer, first)).to.equal(true)
  })

  it('asks for the names again when all its seeds are gone, long before the time of the answer is over', async () => {
    const [first, second] = await Promise.all([startSeed(), startSeed()])
    names.setDnsaddr('seeds.test', first.addresses)
    const peer = await start(['/dnsaddr/seeds.test'])
    await until(() => isConnected(peer, first))
    names.setDnsaddr('seeds.test', second.addresses)
    await seeds.shift()?.stop()
    await until(() => isConnected(peer, second))
  })

  it('joins with the addresses that it has when a name leads nowhere, tells of it once, and goes on asking', async () => {
    const seed = await startSeed()
    const failures: SeedNameError[] = []
    const peer = await start(['/dnsaddr/nothing.test', 'srv:seeds.test', ...seed.addresses], { onSeedNameFailure: error => { failures.push(error) } })
    await until(() => isConnected(peer, seed) && names.questions.length > 4)
    expect(failures.map(({ problem, seedName }) => [problem, seedName]).sort()).to.deep.equal([
      ['not_found', '_dnsaddr.nothing.test'], ['not_found', '_skein._tcp.seeds.test']
    ])
    const late = await startSeed()
    names.setSrv('seeds.test', [srvOf(late)])
    await until(() => isConnected(peer, late))
  })

  it('starts in its time when no DNS server answers', async () => {
    names.silent = true
    const peer = await start(['/dnsaddr/seeds.test'], { joinTimeoutMs: 200 })
    expect(peer.stats().connections).to.equal(0)
    const seed = await startSeed()
    names.setDnsaddr('seeds.test', seed.addresses)
    names.silent = false
    await until(() => isConnected(peer, seed))
  })

  it('leaves out a seed\'s own address, and what it has no transport for', async () => {
    const seed = await startSeed()
    const failures: SeedNameError[] = []
    const fleet = await createSeed({ ...LISTEN, dns: { servers: [names.address], defaultTtlMs: 100 }, bootstrap: ['/dnsaddr/seeds.test'], joinTimeoutMs: 0, onSeedNameFailure: error => { failures.push(error) } })
    seeds.push(fleet)
    const overQuic = `/ip4/127.0.0.1/udp/1/quic-v1/p2p/${seed.id}`
    names.setDnsaddr('seeds.test', [...fleet.addresses])
    const asked = names.questions.length
    await until(() => names.questions.length > asked + 3)
    expect(failures.map(({ problem }) => problem)).to.deep.equal(['not_found'])
    names.setDnsaddr('seeds.test', [...fleet.addresses, overQuic])
    await until(() => failures.length > 1)
    expect(failures[1]?.message).to.equal(`/dnsaddr/seeds.test stands for 1 addresses that this peer has no transport for, such as ${overQuic}`)
    names.setDnsaddr('seeds.test', [...fleet.addresses, overQuic, ...seed.addresses])
    await until(() => isConnected(fleet.peer, seed))
  })

  const wrong: Array<[string, Partial<PeerInit>, typeof SeedAddressError | typeof NameServerError, RegExp]> = [
    ['an address that is none', { bootstrap: ['/ip4/127.0.0.1/tcp/1', 'localhost:7310'] }, SeedAddressError, /"localhost:7310" is no address of a seed/],
    ['a name that is none', { bootstrap: ['srv:no/name'] }, SeedAddressError, /host name after "srv:"/],
    ['more names than it asks for', { bootstrap: Array.from({ length: 17 }, (_, i) => `srv:s${i}.test`) }, SeedAddressError, /at most 256 entries, 16 of them names/],
    ['a DNS server that is none', { dns: { servers: ['dns.test'] } }, NameServerError, /"dns\.test" is no DNS server/]
  ]
  for (const [what, init, type, message] of wrong) {
    it(`does not start with ${what}`, async () => {
      const error = await createPeer(init).catch(error => error)
      expect(error).to.be.instanceOf(type)
      expect(error.message).to.match(message)
    })
  }
})
