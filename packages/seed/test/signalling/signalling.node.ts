import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { createPeer, SignalError } from '@skein/peer'
import { encodeSignalFrame, MAX_SIGNAL_LIFE_MS, peerIdBytesOf, PROTOCOLS, SignalFrameReader } from '@skein/records'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { createSeed } from '../../src/index.ts'
import { RedisSignalBus } from '../../src/redis/signal-bus.ts'
import { needRedis, startRedis } from '../redis/redis-server.ts'
import type { ChildProcess } from 'node:child_process'
import type { PrivateKey } from '@libp2p/interface'
import type { Peer, PeerInit, ReceivedSignal } from '@skein/peer'
import type { SignalFrame } from '@skein/records'
import type { Seed, SeedInit } from '../../src/index.ts'
import type { RedisServer } from '../redis/redis-server.ts'

const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }
/** For timers and the network of a busy machine. */
const MARGIN_MS = 1_000
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload)

async function until (check: () => boolean | Promise<boolean>): Promise<void> {
  while (!await check()) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

describe('signalling', function () {
  this.timeout(60_000)
  const seeds: Seed[] = []
  const peers: Peer[] = []
  const children: ChildProcess[] = []
  const clients: Redis[] = []
  let redis: RedisServer | undefined

  afterEach(async () => {
    children.splice(0).forEach(child => { child.kill('SIGKILL') })
    await Promise.all(peers.splice(0).map(async peer => { await peer.stop() }))
    await Promise.all(seeds.splice(0).map(async seed => { await seed.stop() }))
    clients.splice(0).forEach(client => { client.disconnect() })
    await redis?.stop()
    redis = undefined
  })

  async function seed (init: SeedInit = {}): Promise<Seed> {
    const made = await createSeed({ ...LISTEN, ...init })
    seeds.push(made)
    return made
  }

  /** A peer that is registered and has its streams, and what it was signalled. */
  async function peer (at: Seed[], init: PeerInit = {}): Promise<Peer & { heard: ReceivedSignal[] }> {
    const made = Object.assign(await createPeer({ listen: [], bootstrap: at.flatMap(({ addresses }) => addresses), ...init }), { heard: [] as ReceivedSignal[] })
    peers.push(made)
    made.signals.handle(signal => { made.heard.push(signal) })
    await until(() => made.signals.seeds.length === at.length)
    return made
  }

  async function processPeer (at: Seed, privateKey: PrivateKey): Promise<ChildProcess> {
    const child = spawn(process.execPath, [
      '--conditions=skein-source', new URL('signalled-process.ts', import.meta.url).pathname, at.addresses[0] as string, toHex(privateKey.raw)
    ], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    return child
  }

  async function fleetSeed (server: RedisServer): Promise<Seed> {
    const client = new Redis(server.port, { enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, retryStrategy: () => 50 })
    client.on('error', () => {})
    clients.push(client)
    return await seed({ signalling: { bus: id => new RedisSignalBus({ client, seed: id, clock: systemClock() }) } })
  }

  async function refusal (work: Promise<void>): Promise<{ reason: string, ms: number }> {
    const sinceMs = performance.now()
    const error = await work.then(() => { throw new Error('it was delivered') }, error => error)
    expect(error, String(error)).to.be.instanceOf(SignalError)
    return { reason: error.reason, ms: performance.now() - sinceMs }
  }

  /** Deliveries are asked for until one is made: claims and connections follow events by some ms. */
  async function eventually (from: Peer, to: string): Promise<void> {
    for (;;) {
      try {
        await from.signals.send(to, 'other', bytes('?'))
        return
      } catch (error) {
        expect(error).to.be.instanceOf(SignalError)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
  }

  it('passes offer, answer and candidates between two peers of one seed, in order, each from whom it is', async () => {
    const at = await seed()
    const [alice, bob] = [await peer([at]), await peer([at])]
    bob.signals.handle('offer', async ({ from, payload }) => { await bob.signals.send(from, 'answer', bytes(`to ${text(payload)}`)) })
    await alice.signals.send(bob.id, 'offer', bytes('hello'))
    await Promise.all(Array.from({ length: 60 }, async (_, i) => { await alice.signals.send(bob.id, 'candidate', bytes(String(i))) }))
    await until(() => alice.heard.length === 1)
    expect(alice.heard.map(({ from, kind, payload }) => [from, kind, text(payload)])).to.deep.equal([[bob.id, 'answer', 'to hello']])
    expect(bob.heard.map(({ payload }) => Number(text(payload)))).to.deep.equal([...Array(60).keys()])
    expect(new Set(bob.heard.map(({ from }) => from))).to.deep.equal(new Set([alice.id]))
    expect(at.signalling?.stats().counters.outcomes.local.delivered).to.equal(62)
  })

  it('takes 16 KiB and no more', async () => {
    const at = await seed()
    const [alice, bob] = [await peer([at]), await peer([at])]
    await alice.signals.send(bob.id, 'offer', new Uint8Array(16_384).fill(7))
    expect(bob.heard[0]?.payload).to.deep.equal(new Uint8Array(16_384).fill(7))
    expect((await refusal(alice.signals.send(bob.id, 'offer', new Uint8Array(16_385)))).reason).to.equal('oversize')
  })

  it('says at once that nobody is there: unknown, registered elsewhere, not taking that kind', async () => {
    const at = await seed()
    const [alice, bob] = [await peer([at]), await peer([at])]
    const stranger = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    await eventually(alice, bob.id)
    const unknown = await refusal(alice.signals.send(stranger, 'offer', bytes('?')))
    expect(unknown.reason).to.equal('peer_not_found')
    expect(unknown.ms).to.be.below(MARGIN_MS)

    await until(async () => await at.service.registry.get(bob.id, Date.now()) !== undefined)
    await bob.stop()
    await until(() => at.signalling?.stats().sessions === 1)
    expect((await refusal(alice.signals.send(bob.id, 'offer', bytes('?')))).reason).to.equal('unreachable')

    const deaf = await createPeer({ listen: [], bootstrap: at.addresses })
    peers.push(deaf)
    deaf.signals.handle('answer', () => {})
    await until(() => deaf.signals.seeds.length === 1)
    expect((await refusal(alice.signals.send(deaf.id, 'offer', bytes('?')))).reason).to.equal('unhandled')
    await alice.signals.send(deaf.id, 'answer', bytes('?'))
  })

  it('says timeout within 2 s when the receiver is frozen, and delivers again when it goes on', async () => {
    const at = await seed()
    const alice = await peer([at])
    const key = await generateKeyPair('Ed25519')
    const bob = peerIdFromPrivateKey(key).toString()
    const child = await processPeer(at, key)
    await eventually(alice, bob)
    child.kill('SIGSTOP')
    const { reason, ms } = await refusal(alice.signals.send(bob, 'offer', bytes('?'), { timeoutMs: 10_000 }))
    expect(reason).to.equal('timeout')
    expect(ms).to.be.within(MAX_SIGNAL_LIFE_MS - 100, MAX_SIGNAL_LIFE_MS + MARGIN_MS)
    child.kill('SIGCONT')
    await eventually(alice, bob)
  })

  it('queues so much for a receiver that takes nothing, and the seed does not grow with what is sent to it', async () => {
    const at = await seed()
    const key = await generateKeyPair('Ed25519')
    const bob = peerIdFromPrivateKey(key).toString()
    const child = await processPeer(at, key)
    const senders = await Promise.all(Array.from({ length: 5 }, async () => await peer([at])))
    await Promise.all(senders.map(async sender => { await eventually(sender, bob) }))
    child.kill('SIGSTOP')
    const reasons: string[] = []
    let mostBytes = 0
    const watch = setInterval(() => { mostBytes = Math.max(mostBytes, at.signalling?.stats().queuedBytes ?? 0) }, 5)
    await Promise.all(senders.flatMap(sender => Array.from({ length: 30 }, async () => {
      reasons.push((await refusal(sender.signals.send(bob, 'candidate', new Uint8Array(16_000)))).reason)
    })))
    clearInterval(watch)
    expect(new Set(reasons)).to.deep.equal(new Set(['queue_full', 'timeout']))
    expect(reasons.filter(reason => reason === 'queue_full').length).to.be.at.least(100)
    expect(mostBytes).to.be.within(16_000, 262_144)
  })

  it('refuses a sender that floods, counts it, ends its stream, and goes on with the others', async () => {
    const at = await seed()
    const [alice, bob, mallory] = [await peer([at]), await peer([at]), await peer([at])]
    await eventually(mallory, bob.id)
    const connection = mallory.libp2p.getConnections(at.peer.libp2p.peerId)[0]
    const stream = await connection?.newStream(PROTOCOLS.signal)
    const told: SignalFrame[] = []
    const reader = new SignalFrameReader()
    let ended = false
    stream?.addEventListener('message', ({ data }) => { told.push(...reader.read(data.subarray())) })
    stream?.addEventListener('remoteCloseWrite', () => { ended = true })
    stream?.addEventListener('close', () => { ended = true })
    for (let id = 1; id <= 1_000 && !ended; id++) {
      // says that it is from somebody else, too
      stream?.send(encodeSignalFrame({ id, to: peerIdBytesOf(bob.id), from: peerIdBytesOf(alice.id), kind: 'candidate', payload: new Uint8Array(100) }))
      if (id % 20 === 0) {
        await new Promise(resolve => setTimeout(resolve, 1))
        await alice.signals.send(bob.id, 'candidate', bytes('honest'), { timeoutMs: 5_000 }).catch(error => { expect(error.reason).to.equal('queue_full') })
      }
    }
    await until(() => ended)
    expect(told.filter(({ outcome }) => outcome === 'too_early').length).to.be.above(100)
    expect(told.find(({ outcome }) => outcome === 'too_early')?.retryAfterMs).to.be.within(1, 1_000)
    expect(at.signalling?.stats().counters.outcomes.none.too_early).to.be.above(100)
    expect(new Set(bob.heard.map(({ from }) => from))).to.deep.equal(new Set([alice.id, mallory.id]))
    expect(bob.heard.filter(({ from }) => from === alice.id).every(({ payload }) => text(payload) === 'honest')).to.equal(true)
    await alice.signals.send(bob.id, 'offer', bytes('still here'))
  })

  it('resets a stream with what is no frame', async () => {
    const at = await seed()
    const alice = await peer([at])
    for (const junk of [Uint8Array.of(3, 255, 255, 255), Uint8Array.of(255, 255, 255, 255), Uint8Array.of(129, 128, 2)]) {
      const stream = await alice.libp2p.getConnections(at.peer.libp2p.peerId)[0]?.newStream(PROTOCOLS.signal)
      stream?.send(junk)
      await until(() => stream?.status !== 'open')
    }
    expect(at.signalling?.stats().counters.malformed).to.equal(3)
  })

  it('finds the way over whichever of several unconnected seeds has the peer', async () => {
    const [one, two, three] = [await seed(), await seed(), await seed()]
    const alice = await peer([one, two, three])
    for (const only of [one, two, three]) {
      const bob = await peer([only])
      await alice.signals.send(bob.id, 'offer', bytes('over here'))
      expect(bob.heard).to.have.length(1)
    }
    const nobody = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    const { reason, ms } = await refusal(alice.signals.send(nobody, 'offer', bytes('?')))
    expect(reason).to.equal('peer_not_found')
    expect(ms).to.be.below(MAX_SIGNAL_LIFE_MS)
  })

  it('drains: signals go over another seed, streams end', async () => {
    const [one, two] = [await seed(), await seed()]
    const [alice, bob] = [await peer([one, two]), await peer([one, two])]
    await eventually(alice, bob.id)
    one.signalling?.drain()
    await alice.signals.send(bob.id, 'offer', bytes('hello'))
    await until(() => one.signalling?.stats().sessions === 0)
    expect(alice.signals.seeds).to.deep.equal([two.id])
  })

  it('ends at the stage at which seeds do not signal, and begins again', async () => {
    const at = await seed({ stages: { letGo: { settleMs: 60_000, joinMs: 60_000 } } })
    const [alice, bob] = [await peer([at]), await peer([at])]
    await eventually(alice, bob.id)
    at.pinStage('bootstrap')
    await until(() => at.signalling?.stats().sessions === 0)
    expect((await refusal(alice.signals.send(bob.id, 'offer', bytes('?')))).reason).to.equal('unreachable')
    at.pinStage('hub')
    const carol = await peer([at])
    const dave = await peer([at])
    await eventually(carol, dave.id)
  })

  it('gives up when the caller does', async () => {
    const at = await seed()
    const alice = await peer([at])
    const key = await generateKeyPair('Ed25519')
    const child = await processPeer(at, key)
    child.kill('SIGSTOP')
    const giveUp = new AbortController()
    const sending = alice.signals.send(peerIdFromPrivateKey(key).toString(), 'offer', bytes('?'), { signal: giveUp.signal }).catch(error => error)
    setTimeout(() => { giveUp.abort(new Error('enough')) }, 50)
    expect((await sending).message).to.equal('enough')
  })

  describe('over a fleet with a Redis', () => {
    beforeEach(async function () {
      needRedis(this)
      redis = await startRedis()
    })

    it('passes signals from one seed to the other, both ways and in order', async () => {
      const [a, b] = [await fleetSeed(redis as RedisServer), await fleetSeed(redis as RedisServer)]
      const [alice, bob] = [await peer([a]), await peer([b])]
      await eventually(alice, bob.id)
      await eventually(bob, alice.id)
      bob.heard.length = 0
      await Promise.all(Array.from({ length: 60 }, async (_, i) => { await alice.signals.send(bob.id, 'candidate', bytes(String(i))) }))
      expect(bob.heard.map(({ payload }) => Number(text(payload)))).to.deep.equal([...Array(60).keys()])
      expect(a.signalling?.stats().counters.outcomes.remote.delivered).to.be.at.least(60)
      expect(b.signalling?.stats().counters.foreign.delivered).to.be.at.least(60)
    })

    it('says timeout within 2 s when a peer of the other seed is frozen', async () => {
      const [a, b] = [await fleetSeed(redis as RedisServer), await fleetSeed(redis as RedisServer)]
      const alice = await peer([a])
      const key = await generateKeyPair('Ed25519')
      const child = await processPeer(b, key)
      await eventually(alice, peerIdFromPrivateKey(key).toString())
      child.kill('SIGSTOP')
      const { reason, ms } = await refusal(alice.signals.send(peerIdFromPrivateKey(key).toString(), 'offer', bytes('?')))
      expect(reason).to.equal('timeout')
      expect(ms).to.be.below(MAX_SIGNAL_LIFE_MS + MARGIN_MS)
    })

    it('finds a peer that has moved to the other seed while the first still claims it', async () => {
      const [a, b] = [await fleetSeed(redis as RedisServer), await fleetSeed(redis as RedisServer)]
      const c = await fleetSeed(redis as RedisServer)
      const [alice, carol] = [await peer([a]), await peer([c])]
      const key = await generateKeyPair('Ed25519')
      const bob = peerIdFromPrivateKey(key).toString()
      const before = await processPeer(a, key)
      await eventually(carol, bob)
      before.kill('SIGSTOP')
      await processPeer(b, key)
      // one at a third seed is led to the newest connection
      await until(async () => (await redis?.cli('hlen', `skein:loc:${bob}`))?.trim() === '2')
      await carol.signals.send(bob, 'offer', bytes('?'))
      expect(b.signalling?.stats().counters.foreign.delivered).to.equal(1)
      // one at the first seed learns of it by the first signal that expires
      expect((await refusal(alice.signals.send(bob, 'offer', bytes('?')))).reason).to.equal('timeout')
      // which the sender may notice a moment before the seed
      await pause(200)
      await alice.signals.send(bob, 'offer', bytes('?'))
      expect(b.signalling?.stats().counters.foreign.delivered).to.equal(2)
    })

    it('goes on locally while Redis is away, says within 2 s that others are unreachable, and reaches them when it is back', async () => {
      const [a, b] = [await fleetSeed(redis as RedisServer), await fleetSeed(redis as RedisServer)]
      const [alice, bob, carol] = [await peer([a]), await peer([a]), await peer([b])]
      await eventually(alice, carol.id)
      await redis?.kill()
      await alice.signals.send(bob.id, 'offer', bytes('local'))
      for (let i = 0; i < 3; i++) {
        const { reason, ms } = await refusal(alice.signals.send(carol.id, 'offer', bytes('remote')))
        expect(reason).to.be.oneOf(['unreachable', 'timeout'])
        expect(ms).to.be.below(MAX_SIGNAL_LIFE_MS + MARGIN_MS)
      }
      await alice.signals.send(bob.id, 'offer', bytes('local'))
      await redis?.restart()
      const sinceMs = performance.now()
      await eventually(alice, carol.id)
      expect(performance.now() - sinceMs).to.be.below(30_000)
      await until(() => a.signalling?.stats().claims === 2)
    })

    it('takes claims back when a seed stops, and reaches a peer of a seed that was killed over its other one', async () => {
      const [a, b] = [await fleetSeed(redis as RedisServer), await fleetSeed(redis as RedisServer)]
      const c = await fleetSeed(redis as RedisServer)
      const alice = await peer([a])
      const bob = await peer([c, b])
      await eventually(alice, bob.id)
      await until(async () => (await redis?.cli('hlen', `skein:loc:${bob.id}`))?.trim() === '2')
      await c.stop()
      expect((await redis?.cli('hkeys', `skein:loc:${bob.id}`))?.trim()).to.equal(b.id)
      await alice.signals.send(bob.id, 'offer', bytes('?'))
    })
  })
})
