import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { signOffer } from '@skein/records'
import { expect } from 'chai'
import { AttackedSeed } from './attacked-seed.ts'
import { ask, expectInTime, honestJoins, joinFrom, peerFrom, registrationOf } from './honest-peer.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Peer } from '@skein/peer'
import type { SeedRequest } from '@skein/records'

describe('a seed that is asked by attackers', function () {
  this.timeout(60_000)
  let seed: AttackedSeed
  let peers: Peer[] = []

  beforeEach(async () => { seed = await AttackedSeed.start() })
  afterEach(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    peers = []
    await seed.stop()
  })

  /** A peer that is connected, and is left to itself by its own membership. */
  async function attackerFrom (localAddress: string, privateKey: PrivateKey): Promise<Peer> {
    const peer = await peerFrom(localAddress, privateKey)
    peers.push(peer)
    await peer.libp2p.dial(multiaddr(seed.target.address))
    return peer
  }

  it('answers three discovers of a peer and tells it to wait with the others, while an honest one joins', async () => {
    const spammers = await Promise.all(Array.from({ length: 4 }, async (_, i) =>
      await attackerFrom(`127.0.1.${i + 1}`, await generateKeyPair('Ed25519'))))
    const spam = Promise.all(spammers.map(async peer => {
      const outcomes: string[] = []
      for (let i = 0; i < 100; i++) {
        const response = await ask(peer, seed.target.address, { discover: { limit: 100 } } as Partial<SeedRequest>).catch(() => undefined)
        if (response === undefined) {
          outcomes.push('reset')
          await new Promise(resolve => setTimeout(resolve, 50))
        } else {
          outcomes.push(response.refused || response.page?.refused || 'answered')
        }
      }
      return outcomes
    }))
    const joinsMs = await honestJoins(seed, 3)
    const outcomes = await spam
    console.log(`      discover spam: honest joins ${joinsMs.map(ms => ms.toFixed(0)).join(', ')} ms`)
    expectInTime(joinsMs, await honestJoins(seed, 2))
    for (const each of outcomes) {
      // one every 10 s besides the first three, of an attack of some seconds
      expect(each.filter(outcome => outcome === 'answered').length).to.be.within(1, 5)
      expect(each.filter(outcome => outcome === 'too_early').length).to.be.above(50)
    }
    const { counters } = await seed.figures()
    expect(counters.refused.discover_too_early).to.be.above(0)
    expect(counters.refused.too_early).to.be.above(0)
    expect(await seed.metric('skein_seed_refusals_total', 'reason="discover_too_early"')).to.equal(counters.refused.discover_too_early)
  })

  it('accepts no record twice, none that is older, that another signed, that has expired, or that is of another kind', async () => {
    const [victimKey, key] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')]
    const peer = await attackerFrom('127.0.1.1', key)
    const seq = Date.now() * 2
    const good = await registrationOf(key, { seq })
    expect((await ask(peer, seed.target.address, { capabilities: good })).refused).to.equal('')
    const captured = await registrationOf(victimKey, { seq })
    const pastMs = Date.now() - 400_000
    const offer = await signOffer({
      peer: peerIdFromPrivateKey(key).toString(), model: 'm', tasks: [], effectiveContext: 0, tokensPerSecond: 0, queueDepth: 0, maxConcurrent: 1,
      priceMicros: 0, region: '', tier: 2, deterministic: false, addresses: [], seq: seq + 9, issuedAtMs: Date.now(), expiresAtMs: Date.now() + 100_000,
      withdrawn: false
    }, key)
    const flipped = Uint8Array.from(good)
    flipped[flipped.length - 1]! ^= 1

    const cases: Array<[name: string, record: Uint8Array<ArrayBuffer>, reason: string]> = [
      ['the same again', good, 'replayed'],
      ['the same seq, newly signed', await registrationOf(key, { seq }), 'replayed'],
      ['an older seq', await registrationOf(key, { seq: seq - 1 }), 'replayed'],
      ['seq 0', await registrationOf(key, { seq: 0 }), 'replayed'],
      ['another peer\'s', captured, 'wrong_signer'],
      ['one that has expired', await registrationOf(key, { seq: seq + 1, issuedAtMs: pastMs, expiresAtMs: pastMs + 300_000 }), 'expired'],
      ['one from the future', await registrationOf(key, { seq: seq + 1, issuedAtMs: Date.now() + 200_000, expiresAtMs: Date.now() + 400_000 }), 'future'],
      ['one with a bit flipped', flipped, 'signature'],
      ['an offer', Uint8Array.from(offer.envelope), 'wrong_type']
    ]
    const before = await seed.figures()
    for (const [name, capabilities, reason] of cases) {
      expect((await ask(peer, seed.target.address, { capabilities })).refused, name).to.equal(reason)
    }
    const { counters, registrations } = await seed.figures()
    expect(counters.registered - before.counters.registered).to.equal(0)
    expect(registrations - before.registrations).to.equal(0)
    for (const reason of new Set(cases.map(([, , reason]) => reason))) {
      expect(counters.refused[reason], reason).to.be.at.least(1)
      expect(await seed.metric('skein_seed_refusals_total', `reason="${reason}"`), reason).to.equal(counters.refused[reason])
    }
    expect(await joinFrom('127.9.9.2', seed)).to.be.above(0)
  })
})

describe('a seed whose attacker signs 10,000 registrations from one /24', function () {
  this.timeout(120_000)

  it('keeps 512 of them, and takes those from elsewhere', async () => {
    const seed = await AttackedSeed.start()
    const peers: Peer[] = []
    try {
      const before = await seed.figures()
      const outcomes: string[] = []
      const joinsMs: number[] = []
      // as many over real connections as the limits let in at once, each with a key of its own
      await Promise.all(Array.from({ length: 48 }, async (_, i) => {
        const key = await generateKeyPair('Ed25519')
        const peer = await peerFrom(`127.0.1.${i + 1}`, key)
        peers.push(peer)
        outcomes.push((await ask(peer, seed.target.address, { capabilities: await registrationOf(key, { seq: Date.now() * 2 }) })).refused)
      }))
      expect(outcomes).to.deep.equal(Array(48).fill(''))
      // at 8 new connections a second the others would take 20 minutes: they come to the same handler without a socket
      const startMs = performance.now()
      while (outcomes.length < 10_000) {
        const batch = await Promise.all(Array.from({ length: Math.min(200, 10_000 - outcomes.length) }, async (_, i) => {
          const key = await generateKeyPair('Ed25519')
          const envelope = Buffer.from(await registrationOf(key)).toString('base64')
          return { peer: peerIdFromPrivateKey(key).toString(), address: `/ip4/127.0.1.${i % 256}/tcp/4001`, envelope }
        }))
        const answers = seed.register(batch)
        if (outcomes.length % 2_000 < 200) {
          joinsMs.push(await joinFrom(`127.9.${outcomes.length / 200 | 0}.1`, seed))
        }
        outcomes.push(...await answers)
      }
      const seconds = (performance.now() - startMs) / 1_000
      const figures = await seed.figures()
      const grownBytes = figures.peakBytes - before.rssBytes
      const refused = Object.fromEntries([...Map.groupBy(outcomes, outcome => outcome)].map(([reason, each]) => [reason, each.length]))
      console.log(`      10,000 registrations of one /24: ${JSON.stringify(refused)}; honest joins ${joinsMs.map(ms => ms.toFixed(0)).join(', ')} ms; ` +
        `RSS +${(grownBytes / 1024 / 1024).toFixed(0)} MiB at most; ${seconds.toFixed(1)} s`)
      expect(refused).to.deep.equal({ '': 512, network_full: 10_000 - 512 })
      expect(figures.counters.refused.network_full).to.equal(10_000 - 512)
      expect(await seed.metric('skein_seed_refusals_total', 'reason="network_full"')).to.equal(10_000 - 512)
      expectInTime(joinsMs, await honestJoins(seed, 2))
      expect(figures.registrations - before.registrations).to.equal(512 + joinsMs.length)
      expect(grownBytes).to.be.below(150 * 1024 * 1024)
    } finally {
      await Promise.all(peers.map(async peer => { await peer.stop() }))
      await seed.stop()
    }
  })
})
