import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPeer, InferenceError } from '@skein/peer'
import { stunQuery } from '@skein/supernode/node'
import { expect } from 'chai'
import { createSeed, createSuperNode } from '../../src/index.ts'
import { USAGE_FILE } from '../../src/node/super-node/usage-file.ts'
import type { Peer, PeerInit } from '@skein/peer'
import type { TermState } from '@skein/supernode'
import type { DialBackService } from '@skein/supernode/libp2p'
import type { Seat, SeatInit, Seed, SuperNode, SuperNodeInit, SuperNodeState } from '../../src/index.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
const ASK = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const KIB = 'x'.repeat(1024)

/** A seat that the test gives and takes. */
class GivenSeat implements Seat {
  state: TermState = 'idle'
  willing: boolean[] = []
  lease: Seat['lease']
  private readonly init: SeatInit

  constructor (init: SeatInit) {
    this.init = init
  }

  give (state: TermState): void {
    this.state = state
    this.lease = { term: 1, fence: 2, expiresAtMs: 3, withdrawn: false }
    this.init.onChange()
  }

  setWilling (willing: boolean): void { this.willing.push(willing) }
  explain (): undefined { return undefined }
  async start (): Promise<void> {}
  async stop (): Promise<void> {}
}

describe('a super-node', function () {
  this.timeout(60_000)
  let running: Array<{ stop: () => Promise<void> }> = []
  let folder: string

  async function seed (): Promise<Seed> {
    const started = await createSeed({ ...LISTEN, roles: ['discover', 'bootstrap'] })
    running.push(started)
    return started
  }

  async function volunteer ({ addresses }: Seed, init: SuperNodeInit = {}): Promise<SuperNode> {
    const started = await createSuperNode({ ...LISTEN, bootstrap: addresses, cpuShare: () => 0, ...init })
    running.push(started)
    return started
  }

  async function start ({ addresses }: Seed, init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ ...LISTEN, bootstrap: addresses, ...init })
    running.push(peer)
    return peer
  }

  /** One that nobody can dial, and that gives such an answer. */
  async function server (of: Seed, kib = 1): Promise<Peer> {
    const peer = await start(of, { listen: [] })
    await peer.reserveRelay()
    await peer.serve('m', async function * () {
      for (let i = 0; i < kib; i++) {
        yield KIB
      }
    })
    return peer
  }

  /** Cannot be dialled either: the server would come to it by itself. */
  async function client (of: Seed): Promise<Peer> {
    return await start(of, { listen: [] })
  }

  async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  async function registered (of: Seed, count: number): Promise<void> {
    await until(async () => (await of.service.registry.relays({ limit: 9 }, Date.now())).length === count)
  }

  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-super-node-')) })
  afterEach(async () => {
    for (const node of running.reverse()) {
      await node.stop()
    }
    running = []
    await rm(folder, { recursive: true })
  })

  it('carries a chat to one that nobody can dial, before it has a seat, and counts what passed its line', async () => {
    const bootstrap = await seed()
    const node = await volunteer(bootstrap)
    expect(node.state).to.deep.equal({ state: 'candidate' })
    const [far, near] = [await server(bootstrap, 200), await client(bootstrap)]
    expect(far.relays.map(({ relay }) => relay)).to.deep.equal([node.id])
    const call = near.chat(ASK)
    expect((await call.text()).length).to.equal(200 * 1024)
    expect(await call.route).to.deep.include({ peer: far.id, path: 'relayed' })
    const { relay, today, month } = node.status()
    expect(relay).to.deep.include({ reservations: 1, circuits: 1, clientsToday: 1, maxReservations: 32, granted: { reservations: 1, circuits: 1 } })
    expect(relay.bytes).to.be.above(200 * 1024)
    expect(today.bytes).to.be.at.least(2 * relay.bytes)
    expect(month.bytes).to.equal(today.bytes)
  })

  it('gets a receipt from both ends for what it relayed before it has a seat', async () => {
    const bootstrap = await seed()
    const node = await volunteer(bootstrap)
    // receipts soon after a circuit's end, for the test; a minute after it otherwise
    const soon: PeerInit = { listen: [], reputation: { relaySettleMs: 100 } }
    const [far, near] = [await start(bootstrap, soon), await start(bootstrap, soon)]
    await far.reserveRelay()
    await far.serve('m', async () => KIB)
    expect(await near.chat(ASK).text()).to.equal(KIB)
    await near.libp2p.hangUp(far.libp2p.peerId)
    for (const end of [far, near]) {
      await until(() => end.trust.ledger.dealings(node.id, 'relay') === 1)
      await until(() => node.peer.trust.ledger.receiptsWith(end.id, Date.now()).length === 1)
    }
  })

  it('tells a peer over STUN how it is seen, says so in its candidacy, and can be dialled by those who verify it', async () => {
    const bootstrap = await seed()
    // addresses that are dialled stand for networks
    const networkOf: SuperNodeInit['networkOf'] = address => {
      const octet = /^\/ip4\/127\.(1\d)\./.exec(address)?.[1]
      return octet === undefined ? undefined : { small: `127.${octet}.0.0/24`, wide: `127.${octet}.0.0/16`, system: 64_500 + Number(octet) }
    }
    let offer: ReturnType<SeatInit['candidacy']> | undefined
    const node = await volunteer(bootstrap, {
      listen: ['/ip4/127.11.0.1/tcp/0'], networkOf, stun: { host: '127.0.0.1', port: 0 }, seat: init => { offer = init.candidacy(); return new GivenSeat(init) }
    })
    const [, port] = (node.status().stun?.address ?? '').split(':')
    const { mapped } = await stunQuery({ host: '127.0.0.1', port: Number(port) })
    expect(mapped.host).to.equal('127.0.0.1')
    expect(node.status().stun?.counters).to.deep.include({ answered_total: 1 })
    expect(offer?.roles).to.deep.equal(['hub', 'relay', 'stun'])
    expect(offer?.addresses.at(-1)).to.equal(`/ip4/127.11.0.1/udp/${port}`)

    const other = await volunteer(bootstrap, { listen: ['/ip4/127.12.0.1/tcp/0'], networkOf })
    const asked = other.peer.libp2p.services.dialBack as DialBackService
    const found = await asked.verify(node.id, node.peer.libp2p.getMultiaddrs().map(address => address.toString()))
    expect(found).to.deep.include({ reachable: true, networks: [networkOf(node.addresses[0] as string)] })
    // who is no volunteer of its region may not measure it
    expect(found.bytesPerSecond).to.equal(undefined)
    expect(other.status().dialBack).to.have.property('verified_total', 1)
  })

  it('paces what it carries, and loses nothing of it', async () => {
    const bootstrap = await seed()
    const node = await volunteer(bootstrap, { quota: { bytesPerSecond: 400_000 } })
    const [far, near] = [await server(bootstrap, 600), await client(bootstrap)]
    expect(far.relays).to.have.length(1)
    const startMs = performance.now()
    expect((await near.chat(ASK).text()).length).to.equal(600 * 1024)
    // in and out: 1.2 MB and more, of which 0.4 MB go at once
    expect(performance.now() - startMs).to.be.above(1_900)
    expect(node.relay.ledger.counters.reset).to.deep.equal({})
  })

  it('stops at the byte at which the day is used up; who was reached through it moves to another', async () => {
    const bootstrap = await seed()
    const node = await volunteer(bootstrap, { quota: { bytesPerDay: 3_000_000 } })
    const [far, near] = [await server(bootstrap, 20_000), await client(bootstrap)]
    const other = await volunteer(bootstrap)
    const states: SuperNodeState[] = []
    node.addEventListener('state:changed', ({ detail }) => { states.push(detail) })
    expect(await near.chat(ASK).text().catch(error => error)).to.be.instanceOf(InferenceError)
    const [, tomorrowMs] = [new Date().setUTCHours(0, 0, 0, 0), new Date().setUTCHours(24, 0, 0, 0)]
    expect(states).to.deep.equal([{ state: 'paused', why: ['day'], untilMs: tomorrowMs }])
    const { today, relay } = node.status()
    // all but the last pieces were relayed, and not one byte beyond the day
    expect(2 * relay.bytes).to.be.within(2_000_000, 3_000_000)
    expect(today.bytes).to.be.within(2_700_000, 3_200_000)
    expect(relay.ended).to.deep.equal({ day_quota: 1 })
    await until(() => far.relays.some(({ relay: used }) => used === other.id))
    expect(node.relay.load(), 'what seeds are told').to.equal(undefined)
  })

  it('drains: no new circuits, those that stand run to their end, who is reached through it moves to another', async () => {
    const bootstrap = await seed()
    const node = await volunteer(bootstrap)
    const [far, near] = [await start(bootstrap, { listen: [] }), await client(bootstrap)]
    await far.reserveRelay()
    await far.serve('m', async function * () {
      for (let i = 0; i < 60; i++) {
        yield 'x'
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    })
    const call = near.chat(ASK)
    const text = call.text()
    await call.route
    const other = await volunteer(bootstrap)
    await registered(bootstrap, 2)
    const idle = await server(bootstrap)
    const drained = node.drain({ deadlineMs: 30_000 })
    expect(node.state).to.deep.include({ state: 'draining', circuits: 1 })
    expect(await text, 'the circuit that stood').to.equal('x'.repeat(60))
    await until(() => idle.relays.some(({ relay }) => relay === other.id))
    await drained
    expect(node.state).to.deep.equal({ state: 'drained' })
    await until(() => far.relays.some(({ relay }) => relay === other.id))
    expect(node.status().relay).to.deep.include({ circuits: 0, reservations: 0, ended: {} })
  })

  it('resets what is left at the deadline of a drain', async () => {
    const bootstrap = await seed()
    const node = await volunteer(bootstrap)
    const [far, near] = [await start(bootstrap, { listen: [] }), await client(bootstrap)]
    await far.reserveRelay()
    await far.serve('m', async function * (_, { signal }) {
      yield 'x'
      await new Promise(resolve => { signal.addEventListener('abort', resolve) })
    })
    const call = near.chat(ASK)
    const failure = call.text().catch(error => error)
    await call.route
    await node.drain({ deadlineMs: 500 })
    expect(await failure).to.be.instanceOf(InferenceError)
    expect(node.status().relay.ended).to.deep.equal({ drained: 1 })
  })

  it('gives all its places while it holds a seat, takes nobody when it lost it, and tells its seat whether it is willing', async () => {
    const bootstrap = await seed()
    let seat: GivenSeat | undefined
    const node = await volunteer(bootstrap, { seat: init => seat = new GivenSeat(init), relay: { maxReservations: 100 } })
    expect(node.status().relay.maxReservations).to.equal(16)
    const far = await server(bootstrap)
    seat?.give('holding')
    expect(node.state).to.deep.equal({ state: 'elected' })
    expect(node.status().relay.maxReservations).to.equal(100)
    expect(node.status().lease).to.deep.equal({ term: 1, fence: 2, expiresAtMs: 3, withdrawn: false })
    seat?.give('leaving')
    const near = await client(bootstrap)
    expect(await near.chat(ASK).text().catch(error => error)).to.be.instanceOf(InferenceError)
    expect(node.status().relay.refused).to.have.property('no_seat')
    seat?.give('idle')
    // it is let go, and comes back to the only one that there is
    await until(() => far.relays.length === 0)
    await until(() => far.relays.length === 1)
    expect(seat?.willing.at(-1)).to.equal(true)
    void node.drain({ deadlineMs: 1_000 })
    expect(seat?.willing.at(-1)).to.equal(false)
  })

  it('remembers what it carried over a restart, to the byte, and a damaged file costs it an even share of its quota', async () => {
    const bootstrap = await seed()
    const init: SuperNodeInit = { dataDir: folder, quota: { bytesPerMonth: 31_000_000_000 } }
    const first = await volunteer(bootstrap, init)
    const [, near] = [await server(bootstrap, 300), await client(bootstrap)]
    await near.chat(ASK).text()
    await first.stop()
    const { month } = first.status()
    expect(month.bytes).to.be.above(600 * 1024)
    const second = await volunteer(bootstrap, init)
    expect(second.status().month.bytes).to.be.within(month.bytes, month.bytes + 100_000)
    await second.stop()

    const path = join(folder, USAGE_FILE)
    await writeFile(path, (await readFile(path, 'utf8')).replace(/"bytes":\d/, '"bytes":0'))
    const damages: string[] = []
    const third = await volunteer(bootstrap, { ...init, onDamage: message => { damages.push(message) } })
    const expected = (new Date().getUTCDate() - 1) * 1e9
    expect(third.status().month.bytes).to.be.within(expected, expected + 1.1e9)
    expect(damages[0]).to.include(`moved to ${path}.damaged`)
  })
})
