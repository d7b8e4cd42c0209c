/** Sessions that are asked for over real connections on loopback. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { systemClock } from '@skein/core/system'
import { PROTOCOLS, signSessionLease } from '@skein/records'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { askLeases, askSession, LeaseDesk, LeaseProtocolError, SessionDesk, SessionRefusedError } from '../src/libp2p/index.ts'
import { LeaseAnswer } from '../src/pb/lease-exchange.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { SessionLease } from '@skein/records'
import type { SessionIngest } from '../src/libp2p/index.ts'
import type { SessionRequest } from '../src/index.ts'

const clock = systemClock()
const PLACE = { ingestHost: '127.0.0.1', ingestPort: 5000, playHost: '127.0.0.1', playPort: 4000 }
const TAKE: SessionRequest = { action: 'take', session: 's', fence: 3, streamToken: 't'.repeat(64) }

async function node (privateKey: PrivateKey): Promise<Libp2p> {
  return await createLibp2p({
    privateKey,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
}

describe('sessions that are asked for', () => {
  let key: PrivateKey
  let asked: Libp2p
  let asking: Libp2p
  let stops: Array<() => Promise<unknown>> = []
  /** Streams that are let in */
  let inside: Map<string, string>

  beforeEach(async () => {
    key = await generateKeyPair('Ed25519')
    asked = await node(key)
    asking = await node(await generateKeyPair('Ed25519'))
    inside = new Map()
  })

  afterEach(async () => {
    await Promise.all(stops.map(async stop => await stop()))
    stops = []
    await asked.stop()
    await asking.stop()
  })

  async function carrying (changes: Partial<SessionIngest> = {}): Promise<SessionDesk> {
    const sessions = new SessionDesk({
      ingest: {
        capacity: 2,
        place: () => PLACE,
        admit: ({ sessionId, streamToken }) => { inside.set(sessionId, streamToken) },
        revoke: ({ sessionId }) => { inside.delete(sessionId) },
        ...changes
      },
      region: 'eu-west', privateKey: key, seat: () => ({ term: 5, fence: 7 }), networkOf: () => undefined, clock
    })
    sessions.start()
    sessions.onSeat('holding')
    const desk = new LeaseDesk({
      libp2p: asked, clock, answer: () => ({ leases: [], peers: 1 }), session: async (peer, question) => await sessions.answer(peer, question)
    })
    await desk.start()
    stops.push(async () => {
      await desk.stop()
      await sessions.stop()
    })
    return sessions
  }

  async function ask (request: Partial<SessionRequest> = {}, from: Libp2p = asking): Promise<{ lease: SessionLease, leaving: boolean } | undefined> {
    return await askSession(from, { ...TAKE, ...request }, {
      holder: asked.peerId.toString(),
      addresses: asked.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/.*$/, '')),
      region: 'eu-west',
      clock
    })
  }

  const failure = async (promise: Promise<unknown>): Promise<unknown> => await promise.then(() => 'none', (error: unknown) => error)
  const idOf = (session: string): string => `${asking.peerId.toString()}/${session}`

  it('are carried, kept and given back', async () => {
    const sessions = await carrying()
    const taken = await ask()
    expect(taken?.lease).to.deep.include({
      holder: asked.peerId.toString(), owner: asking.peerId.toString(), session: 's', fence: 3, seat: { term: 5, fence: 7 },
      place: { ...PLACE, region: 'eu-west' }
    })
    expect([...inside]).to.deep.equal([[idOf('s'), TAKE.streamToken]])
    sessions.onSeat('leaving')
    expect(await ask({ action: 'renew', streamToken: '' })).to.include({ leaving: true })
    expect(await ask({ action: 'give', streamToken: '' })).to.equal(undefined)
    expect([...inside]).to.deep.equal([])
  })

  it('are refused when what carries streams does not take them, and the place is free again', async () => {
    let takes = false
    await carrying({
      capacity: 1,
      admit: async () => {
        await new Promise(resolve => setTimeout(resolve, 20))
        if (!takes) {
          throw new Error('full')
        }
      }
    })
    expect(await failure(ask())).to.be.instanceOf(SessionRefusedError).and.include({ refusal: 'full' })
    takes = true
    expect((await ask({ fence: 4 }))?.lease.fence).to.equal(4)
  })

  it('are one place when they are asked for many times at once', async () => {
    const sessions = await carrying()
    const taken = await Promise.all(Array.from({ length: 4 }, async () => await ask()))
    expect(new Set(taken.map(answer => answer?.lease.fence)).size).to.equal(1)
    expect(sessions.taken).to.equal(1)
  })

  it('are ended when the super-node stops', async () => {
    const sessions = await carrying()
    await ask()
    await sessions.stop()
    expect([...inside]).to.deep.equal([])
  })

  it('are refused by who carries none, and by a version that does not know them', async () => {
    const desk = new LeaseDesk({ libp2p: asked, clock, answer: () => ({ leases: [], peers: 1 }) })
    await desk.start()
    expect(await failure(ask())).to.be.instanceOf(SessionRefusedError).and.include({ refusal: 'unsupported' })
    await desk.stop()
    // what was there before sessions: it reads the region, passes over the rest, and answers who is elected
    await asked.handle(PROTOCOLS.lease, async stream => {
      const question = (await lpStream(stream, { maxDataLength: 256 }).read()).subarray()
      expect(question.length).to.be.at.most(256)
      await lpStream(stream).write(LeaseAnswer.encode({ peers: 40 }))
      await stream.close()
    })
    expect(await failure(ask())).to.be.instanceOf(SessionRefusedError).and.include({ refusal: 'unsupported' })
  })

  it('do not stand in the way of questions who is elected', async () => {
    await carrying()
    expect(await askLeases(asking, asked.getMultiaddrs(), { region: 'eu-west' })).to.deep.equal({ leases: [], peers: 1, future: 0 })
  })

  it('are not answered for one that asks all the time', async () => {
    await carrying()
    const answers: unknown[] = []
    for (let i = 0; i < 25; i++) {
      answers.push(await failure(ask()))
    }
    const [busy] = answers.filter(answer => answer instanceof SessionRefusedError)
    expect(busy).to.include({ refusal: 'busy' })
    expect((busy as SessionRefusedError).retryAfterMs).to.be.within(1, 1_000)
  })

  const lies: Array<[string, (right: SessionLease) => Promise<SessionLease>]> = [
    ['another session', async right => ({ ...right, session: 'x' })],
    ['another number', async right => ({ ...right, fence: 4 })],
    ['another owner', async right => ({ ...right, owner: right.holder })],
    ['a life of an hour', async right => ({ ...right, expiresAtMs: right.issuedAtMs + 3_600_000 })]
  ]
  for (const [name, lie] of lies) {
    it(`refuse a lease of ${name}`, async () => {
      const nowMs = Math.floor(clock.nowMs())
      const lease = await lie({
        holder: asked.peerId.toString(), session: 's', owner: asking.peerId.toString(), fence: 3, seat: { term: 1, fence: 1 },
        place: { ...PLACE, region: 'eu-west' }, issuedAtMs: nowMs, expiresAtMs: nowMs + 300_000
      })
      const { envelope } = await signSessionLease(lease, key)
      await asked.handle(PROTOCOLS.lease, async stream => {
        await lpStream(stream).read()
        await lpStream(stream).write(LeaseAnswer.encode({ session: { lease: envelope, refusal: '', retryAfterMs: 0, leaving: false } }))
      })
      expect(await failure(ask())).to.be.instanceOf(LeaseProtocolError).and.include({ offence: 'bad_lease' })
    })
  }

  it('refuse a lease that another super-node has signed', async () => {
    const nowMs = Math.floor(clock.nowMs())
    const { envelope } = await signSessionLease({
      holder: asking.peerId.toString(), session: 's', owner: asking.peerId.toString(), fence: 3, seat: { term: 1, fence: 1 },
      place: { ...PLACE, region: 'eu-west' }, issuedAtMs: nowMs, expiresAtMs: nowMs + 300_000
    }, await generateKeyPair('Ed25519'))
    await asked.handle(PROTOCOLS.lease, async stream => {
      await lpStream(stream).read()
      await lpStream(stream).write(LeaseAnswer.encode({ session: { lease: envelope, refusal: '', retryAfterMs: 0, leaving: false } }))
    })
    expect(await failure(ask())).to.be.instanceOf(LeaseProtocolError)
  })
})
