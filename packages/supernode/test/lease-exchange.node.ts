/** Leases asked for over real connections on loopback. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { systemClock } from '@skein/core/system'
import { PROTOCOLS, signSuperNodeLease } from '@skein/records'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { askLeases, LeaseDesk, LeaseProtocolError, LeaseRefusedError } from '../src/libp2p/index.ts'
import { LeaseAnswer } from '../src/pb/lease-exchange.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { ElectedLeases } from '../src/index.ts'

const clock = systemClock()
const running: Array<{ stop: () => void | Promise<void> }> = []

async function node (privateKey: PrivateKey): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    privateKey,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  running.push(libp2p)
  return libp2p
}

async function signedLease (privateKey: PrivateKey, changes: { region?: string, aheadMs?: number } = {}): Promise<Uint8Array<ArrayBuffer>> {
  const issuedAtMs = clock.nowMs() + (changes.aheadMs ?? 0)
  const { envelope } = await signSuperNodeLease({
    peer: peerIdFromPrivateKey(privateKey).toString(), region: changes.region ?? 'eu-west', term: 1, fence: 1, roles: ['relay'], addresses: [],
    networks: [], quota: {}, issuedAtMs, expiresAtMs: issuedAtMs + 600_000, withdrawn: false
  }, privateKey)
  return Uint8Array.from(envelope)
}

async function failure (promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => 'none', (error: unknown) => error)
}

describe('leases that are asked for', () => {
  let asked: Libp2p
  let asking: Libp2p
  let key: PrivateKey

  beforeEach(async () => {
    key = await generateKeyPair('Ed25519')
    asked = await node(key)
    asking = await node(await generateKeyPair('Ed25519'))
  })

  afterEach(async () => {
    await Promise.all(running.splice(0).reverse().map(async it => { await it.stop() }))
  })

  async function answering (answer: (region: string) => ElectedLeases): Promise<void> {
    const desk = new LeaseDesk({ libp2p: asked, clock, answer })
    await desk.start()
    running.push(desk)
  }

  it('come with their signatures checked, and the number of peers', async () => {
    const envelope = await signedLease(key)
    await answering(() => ({ leases: [envelope], peers: 40 }))
    const { leases, peers, future } = await askLeases(asking, asked.getMultiaddrs(), { region: 'eu-west' })
    expect(leases.map(({ lease }) => lease.peer)).to.deep.equal([asked.peerId.toString()])
    expect({ peers, future }).to.deep.equal({ peers: 40, future: 0 })
  })

  it('leave out one that is over, and count one of the future', async () => {
    const leases = [await signedLease(key, { aheadMs: -700_000 }), await signedLease(await generateKeyPair('Ed25519'), { aheadMs: 120_000 })]
    await answering(() => ({ leases, peers: 40 }))
    expect(await askLeases(asking, asked.getMultiaddrs(), { region: 'eu-west' })).to.deep.equal({ leases: [], peers: 40, future: 1 })
  })

  it('are not told of a region that is not elected for, and the error says so', async () => {
    await answering(region => region === 'eu-west' ? { leases: [], peers: 1 } : { refusal: 'region' })
    const error = await failure(askLeases(asking, asked.getMultiaddrs(), { region: 'moon' }))
    expect(error).to.be.instanceOf(LeaseRefusedError).and.include({ refusal: 'region', retryAfterMs: undefined })
  })

  it('are not told to one that asks all the time', async () => {
    await answering(() => ({ leases: [], peers: 1 }))
    const errors: unknown[] = []
    for (let i = 0; i < 6; i++) {
      errors.push(await failure(askLeases(asking, asked.getMultiaddrs(), { region: 'eu-west' })))
    }
    const refused = errors.filter(error => error instanceof LeaseRefusedError)
    expect(refused.length).to.be.greaterThan(0)
    expect((refused[0] as LeaseRefusedError).retryAfterMs).to.be.within(1, 5_000)
  })

  const offences: Array<[string, () => Promise<Uint8Array>]> = [
    ['bad_lease', async () => LeaseAnswer.encode({ leases: [await signedLease(key, { region: 'us-east' })] })],
    ['bad_lease', async () => LeaseAnswer.encode({ leases: [(await signedLease(key)).fill(7, -8)] })],
    ['malformed', async () => Uint8Array.of(255, 255, 255)],
    ['malformed', async () => LeaseAnswer.encode({ leases: Array.from({ length: 65 }, () => new Uint8Array(1)) })],
    ['oversize', async () => new Uint8Array(200_000)]
  ]
  for (const [offence, bytes] of offences) {
    it(`refuse an answer that is ${offence}`, async () => {
      const answer = await bytes()
      await asked.handle(PROTOCOLS.lease, async stream => {
        await lpStream(stream).read()
        await lpStream(stream).write(answer).catch(() => {})
      })
      const error = await failure(askLeases(asking, asked.getMultiaddrs(), { region: 'eu-west' }))
      expect(error).to.be.instanceOf(LeaseProtocolError).and.include({ offence })
    })
  }

  it('end when the one that is asked says nothing', async () => {
    await asked.handle(PROTOCOLS.lease, () => {})
    expect(await failure(askLeases(asking, asked.getMultiaddrs(), { region: 'eu-west', timeoutMs: 200 }))).to.include({ name: 'DeadlineError' })
  })
})
