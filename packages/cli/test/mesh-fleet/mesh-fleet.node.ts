/** Sessions at elected super-nodes, with no control plane: real super-nodes in processes and networks of their own, real peers that are their clients. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { systemClock } from '@skein/core/system'
import { FleetClient, MeshSessions } from '@skein/fleet'
import { FleetUplink } from '@skein/fleet/media'
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { askSession, SessionLeases, SessionRefusedError } from '@skein/supernode/libp2p'
import { loopbackHost, loopbackNetworks } from '@skein/testnet'
import { expect } from 'chai'
import { Encoder, needPrograms } from '../../../media-relay/test/media-programs.ts'
import { SkeinProcess } from '../skein-process.ts'
import { CarrierProcess } from './carrier-process.ts'
import type { Connection, NamePublisher, RelayPlace } from '@skein/fleet'
import type { Peer } from '@skein/peer'
import type { Seed } from '@skein/seed'
import type { SkeinEvent } from '../skein-process.ts'

const clock = systemClock()
const networkOf = loopbackNetworks()
const REGION = 'eu-west'
/** Three are elected of seven, so that three may go; each carries two streams. */
const OCTETS = [11, 12, 13, 14, 15, 16, 17]
const CAPACITY = 2

interface Client {
  peer: Peer
  leases: SessionLeases
  sessions: MeshSessions
  fleet: FleetClient
  /** What names were pointed at */
  names: Map<string, string>
  steps: Set<string>
}

async function until<T> (what: string, limitMs: number, find: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const startMs = performance.now()
  for (;;) {
    const found = await find()
    if (found !== undefined && found !== false) {
      return found
    }
    if (performance.now() - startMs > limitMs) {
      throw new Error(`It did not come to pass in ${limitMs} ms that ${what}`)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

describe('sessions in the mesh', function () {
  this.timeout(600_000)
  let seed: Seed
  let carriers: CarrierProcess[] = []
  const clients: Client[] = []
  const living = (): CarrierProcess[] => carriers.filter(({ isKilled }) => !isKilled)
  const carrierOf = (id: string | undefined): CarrierProcess => carriers.find(carrier => carrier.id === id) as CarrierProcess

  async function client (octet: number): Promise<Client> {
    const privateKey = await generateKeyPair('Ed25519')
    const { transports } = loopbackHost(`127.${octet}.0.1`)
    const peer = await createPeer({
      listen: [], transports, networkOf, privateKey, region: REGION, bootstrap: seed.addresses,
      superNodes: { poll: { firstMs: 500, minPauseMs: 3_000, refreshMs: 10_000 } }
    })
    const leases = new SessionLeases({
      libp2p: peer.libp2p, leases: () => peer.superNodeLeases, seek: () => { peer.seekSuperNodes() },
      hold: { renewMs: 1_000, retryMs: 500, overlapMs: 3_000 }, clock, log: peer.libp2p.logger.forComponent('test:leases')
    })
    leases.start()
    const names = new Map<string, string>()
    const publisher: NamePublisher = {
      publish: async (name, host) => { names.set(name, host) },
      withdraw: async name => { names.delete(name) }
    }
    const sessions = new MeshSessions({ leases, names: publisher, owner: peer.id, secret: privateKey.raw, clock })
    const fleet = await FleetClient.open({ requests: sessions })
    const steps = new Set<string>()
    fleet.addEventListener('connection:changed', ({ detail }) => { detail.session?.steps.forEach(({ step }) => steps.add(step)) })
    const started = { peer, leases, sessions, fleet, names, steps }
    clients.push(started)
    return started
  }

  const readyPlace = (connection: Connection | undefined): RelayPlace | undefined =>
    connection?.state === 'ready' ? connection.session?.place : undefined

  /** Adds a slot, and waits until it has a place. */
  async function connected ({ fleet }: Client, slot: number): Promise<RelayPlace> {
    await fleet.add({ slot })
    return await until(`slot ${slot} is ready`, 120_000, () => readyPlace(fleet.connection(slot)))
  }

  async function streams (): Promise<Array<{ at: string, sessionId: string }>> {
    return (await Promise.all(living().map(async carrier => (await carrier.view()).streams.map(({ sessionId }) => ({ at: carrier.id, sessionId }))))).flat()
  }

  async function stop ({ fleet, sessions, leases, peer }: Client): Promise<void> {
    await fleet.close()
    await sessions.close()
    leases.stop()
    await peer.stop()
  }

  before(async () => {
    seed = await createSeed({ ...loopbackHost('127.1.0.1'), networkOf, trustedNetworks: ['127.0.0.0/8'], roles: ['discover', 'bootstrap', 'signal'] })
    const bootstrap = seed.addresses
    carriers = await Promise.all(OCTETS.map(async octet => await CarrierProcess.start({ octet, bootstrap, capacity: CAPACITY, leaseMs: 20_000 })))
    const startMs = performance.now()
    await until('three hold seats', 180_000, async () => {
      const views = await Promise.all(carriers.map(async carrier => await carrier.view()))
      return views.every(({ elected }) => elected.length === 3) && views.filter(({ state }) => state === 'elected').length >= 3
    })
    console.log(`        three hold seats after ${Math.round(performance.now() - startMs)} ms`)
  })

  afterEach(async () => {
    for (const { fleet } of clients) {
      await Promise.all(fleet.connections().map(async ({ slot }) => { await fleet.remove(slot) }))
      await fleet.settled()
    }
    await Promise.all(clients.splice(0).map(stop))
  })

  after(async () => {
    await Promise.all(carriers.map(async carrier => { await carrier.kill() }))
    await seed?.stop()
  })

  it('are ready in six steps, at a super-node that lets the token in, and are given back', async () => {
    const ann = await client(31)
    await until('leases are believed', 120_000, () => ann.peer.superNodeLeases.length > 0)
    const startMs = performance.now()
    const place = await connected(ann, 1)
    console.log(`        ready after ${Math.round(performance.now() - startMs)} ms, of which at most 250 ms are the client's polls`)
    const carrier = carrierOf(place.instanceId)
    expect(place).to.include({ instanceId: carrier.id, region: REGION, ingestHost: carrier.host, playHost: carrier.host })
    const session = ann.fleet.connection(1)?.session
    const [stream] = (await carrier.view()).streams
    expect(`live_${stream?.streamToken}`).to.equal(session?.publishId)
    expect([...ann.steps]).to.deep.equal(['launching_instance', 'waiting_for_instance', 'admitting_stream', 'publishing_name', 'checking_relay', 'ready'])
    expect(ann.names.get(session?.name as string)).to.equal(carrier.host)
    await ann.fleet.remove(1)
    await ann.fleet.settled()
    expect((await carrier.view()).streams).to.deep.equal([])
    expect([...ann.names]).to.deep.equal([])
  })

  it('have each a place of its own, and one that comes when all are taken is told so, and gets the first that is free', async () => {
    const [ann, bob, eve] = [await client(32), await client(33), await client(34)] as const
    // all at once: they race for the places
    const places = await Promise.all([ann, bob].flatMap(one => [1, 2].map(async slot => await connected(one, slot))))
    const perHolder = Map.groupBy(places, ({ instanceId }) => instanceId)
    expect(Math.max(...[...perHolder.values()].map(({ length }) => length))).to.be.at.most(CAPACITY)
    const carried = await streams()
    expect(new Set(carried.map(({ sessionId }) => sessionId)).size).to.equal(4).and.equal(carried.length)

    const holders = await until('leases are believed', 120_000, () => eve.peer.superNodeLeases.length > 0 && [...eve.peer.superNodeLeases])
    for (const { peer, addresses } of holders) {
      const take = async (n: number): Promise<unknown> => await askSession(eve.peer.libp2p, {
        action: 'take', session: `e${n}`, fence: 1, streamToken: `${n}`.repeat(32)
      }, { holder: peer, addresses, region: REGION, clock, timeoutMs: 20_000 }).catch((refusal: unknown) => refusal)
      const answers = [await take(1), await take(2), await take(3)]
      expect(answers.at(-1)).to.be.instanceOf(SessionRefusedError).and.include({ refusal: 'full' })
      expect((await carrierOf(peer).view()).streams).to.have.length(CAPACITY)
    }
    const leases = new SessionLeases({
      libp2p: eve.peer.libp2p, leases: () => holders, seek: () => {}, clock, log: eve.peer.libp2p.logger.forComponent('test:leases')
    })
    leases.start()
    const placed = new Promise<string>(resolve => { leases.addEventListener('session:placed', ({ detail }) => { resolve(detail.lease.holder) }) })
    const starved = new Promise<string[]>(resolve => {
      leases.addEventListener('session:starved', ({ detail: { refusals } }) => { resolve(refusals.map(({ why }) => why)) })
    })
    leases.hold({ session: 'late', streamToken: 'l'.repeat(32) })
    expect(await starved).to.deep.equal(holders.map(() => 'full'))
    const freed = ann.fleet.connection(1)?.session?.place?.instanceId
    await ann.fleet.remove(1)
    await ann.fleet.settled()
    // those of eve run out meanwhile, as nobody renews them
    expect(holders.map(({ peer }) => peer)).to.include(await placed)
    const streamsThere = (await carrierOf(await placed).view()).streams.map(({ sessionId }) => sessionId)
    expect(streamsThere).to.include(`${eve.peer.id}/late`).and.have.length.at.most(CAPACITY)
    console.log(`        the place was given by ${await placed === freed ? 'the one that had got one back' : 'one where a lease ran out'}`)
    await leases.give('late')
    leases.stop()
    for (const { peer, addresses } of holders) {
      for (const session of ['e1', 'e2']) {
        await askSession(eve.peer.libp2p, { action: 'give', session, fence: 1, streamToken: '' }, { holder: peer, addresses, region: REGION, clock })
      }
    }
  })

  it('are kept by skein fleet connect --mesh, whose name skein resolve finds, with the same stream id at each start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-mesh-'))
    const address = seed.addresses[0] as string
    const connect = ['fleet', 'connect', '--mesh', '--seed', address, '--region', REGION, '--slot', '1', '--identity', folder]
    const isReady = ({ state }: SkeinEvent): boolean => state === 'ready'
    const children: SkeinProcess[] = []
    const start = (...args: string[]): SkeinProcess => {
      const child = new SkeinProcess(args)
      children.push(child)
      return child
    }
    try {
      const first = start(...connect)
      const { peer: owner } = await first.event('owner')
      const { session } = await first.event('connection', isReady)
      expect(carriers.map(({ id }) => id)).to.include(session.place.instanceId)
      const found = start('resolve', `${session.name}.${owner}`, '--seed', address)
      expect(await found.event('resolved')).to.include({ name: session.name, owner, host: session.place.ingestHost })
      first.kill('SIGKILL')
      await first.exit()
      const second = start(...connect, '--release')
      const again = await second.event('connection', isReady)
      expect(again.session).to.include({ name: session.name, publishId: session.publishId })
      second.kill('SIGINT')
      expect(await second.exit()).to.include({ code: 0 })
      expect((await streams()).filter(({ sessionId }) => sessionId.startsWith(owner))).to.deep.equal([])
    } finally {
      await Promise.all(children.map(async child => { await child.dispose() }))
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('move from a super-node that drains, which carries them until they are elsewhere', async () => {
    const ann = await client(35)
    const place = await connected(ann, 1)
    const before = carrierOf(place.instanceId)
    const own = async (): Promise<string[]> => (await streams()).filter(({ sessionId }) => sessionId.startsWith(ann.peer.id)).map(({ at }) => at)
    const heldBoth = new Promise<string[]>(resolve => {
      ann.leases.addEventListener('session:placed', () => { void own().then(resolve) })
    })
    await before.drain()
    const startMs = performance.now()
    const next = await until('it has another place', 120_000, () => {
      const now = readyPlace(ann.fleet.connection(1))
      return now?.instanceId !== place.instanceId && now
    })
    console.log(`        moved ${Math.round(performance.now() - startMs)} ms after the drain began`)
    expect(await heldBoth, 'places while it moved').to.have.members([place.instanceId, next.instanceId])
    expect(ann.names.get(ann.fleet.connection(1)?.session?.name as string)).to.equal(next.ingestHost)
    await until('the old place is given back', 30_000, async () => (await own()).join() === next.instanceId)
    await before.kill()
  })

  it('move from a super-node that is killed', async () => {
    const ann = await client(36)
    const place = await connected(ann, 1)
    const startMs = performance.now()
    await carrierOf(place.instanceId).kill()
    const next = await until('it has another place', 120_000, () => {
      const now = readyPlace(ann.fleet.connection(1))
      return now?.instanceId !== place.instanceId && now
    })
    console.log(`        moved ${Math.round(performance.now() - startMs)} ms after SIGKILL`)
    expect(ann.names.get(ann.fleet.connection(1)?.session?.name as string)).to.equal(next.ingestHost)
    expect((await streams()).filter(({ sessionId }) => sessionId === `${ann.peer.id}/${ann.fleet.connection(1)?.session?.id}`))
      .to.deep.equal([{ at: next.instanceId, sessionId: `${ann.peer.id}/${ann.fleet.connection(1)?.session?.id}` }])
  })

  it('go on with their stream elsewhere when the super-node that carries it is killed', async function () {
    needPrograms(this)
    const ann = await client(37)
    const uplink = await FleetUplink.open({ port: 0, settleMs: 500, overlapMs: 500 })
    ann.fleet.addEventListener('connection:changed', ({ detail }) => { uplink.follow(detail.session) })
    const place = await connected(ann, 1)
    const encoder = new Encoder({ port: uplink.port, streamId: 'any', seconds: 300, mbitPerSecond: 1 })
    try {
      const first = carrierOf(place.instanceId)
      await until('the stream comes in', 60_000, async () => (await first.view()).carriedBytes > 100_000)
      await first.kill()
      const next = await until('it has another place', 120_000, () => {
        const now = readyPlace(ann.fleet.connection(1))
        return now?.instanceId !== place.instanceId && now
      })
      const before = (await carrierOf(next.instanceId).view()).carriedBytes
      await until('the stream comes in there', 60_000, async () => (await carrierOf(next.instanceId).view()).carriedBytes > before + 100_000)
      expect(encoder.isRunning, 'the encoder knows nothing of it').to.equal(true)
    } finally {
      await encoder.stop()
      await uplink.stop()
    }
  })
})
