/** Model overlays between real nodes that gossip over TCP on loopback. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { openOffer, signOffer } from '@skein/records'
import { expect } from 'chai'
import { OverlayService } from '../src/libp2p/index.ts'
import { overlayTopic } from '../src/index.ts'
import { offerOf } from './overlay-fixture.ts'
import { createGossipNode, topicsOf } from './topics-fixture.ts'
import type { GossipNode } from './topics-fixture.ts'
import type { OverlayOptions, OwnLoad, ProviderContact } from '../src/index.ts'
import type { PrivateKey } from '@libp2p/interface'

const MODEL = 'llama3.2:3b'
const OPTIONS: OverlayOptions = {
  openAbove: 5,
  closeBelow: 4,
  closeAfterMs: 2_000,
  sightingLifeMs: 8_000,
  listenMs: 500,
  repeatMs: 4_000,
  spacingMs: 1_000,
  lookEveryMs: 250,
  messagesPerSecond: 20
}

interface Member {
  node: GossipNode
  privateKey: PrivateKey
  overlays: OverlayService
  load: OwnLoad
}

const members: Member[] = []

/** What a lookup would find: all that serve. */
const serving = new Set<Member>()

function contactOf ({ node }: Member): ProviderContact {
  return { peer: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) }
}

async function createMember (options: OverlayOptions = OPTIONS): Promise<Member> {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createGossipNode(privateKey)
  const member: Member = {
    node,
    privateKey,
    load: { queueDepth: 0, maxConcurrent: 4 },
    overlays: new OverlayService({
      ...options,
      libp2p: node,
      privateKey,
      topics: topicsOf(node.services.pubsub),
      offerOf: model => serving.has(member) ? offerOf('', { model, ...member.load }) : undefined,
      log: node.logger.forComponent('overlays')
    })
  }
  member.overlays.start()
  members.push(member)
  return member
}

function serve (member: Member): void {
  serving.add(member)
  member.overlays.serve(MODEL)
}

function setLoad (member: Member, queueDepth: number): void {
  member.load = { queueDepth, maxConcurrent: 4 }
  member.overlays.loadChanged(MODEL)
}

/** A lookup, and with it a call. */
function look (member: Member): void {
  member.overlays.called(MODEL)
  serving.forEach(provider => { member.overlays.sighted(MODEL, contactOf(provider)) })
}

const offersAt = ({ overlays }: Member): number => overlays.offersOf(MODEL).length
const loadAt = ({ overlays }: Member, of: Member): number | undefined => overlays.newestOf(MODEL, of.node.peerId.toString())?.offer.queueDepth

async function eventually (what: string, check: () => boolean): Promise<void> {
  const endsMs = Date.now() + 20_000
  while (!check()) {
    if (Date.now() > endsMs) {
      throw new Error(`Not after 20 s: ${what}. Offers at each: ${members.map(offersAt).join()}; in the topic: ${
        members.map(({ node }) => node.services.pubsub.getSubscribers(overlayTopic(MODEL)).length).join()}; ${
        JSON.stringify(members.map(({ overlays }) => overlays.counters))}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

describe('model overlays between real nodes', function () {
  this.timeout(60_000)

  afterEach(async () => {
    serving.clear()
    await Promise.all(members.splice(0).map(async ({ node, overlays }) => {
      await overlays.stop()
      await node.stop()
    }))
  })

  it('open for eight providers and three callers, tell loads, and close when the crowd has gone', async () => {
    const providers = await Promise.all(Array.from({ length: 8 }, async () => await createMember()))
    const callers = await Promise.all(Array.from({ length: 3 }, async () => await createMember()))
    // nobody but the first is known to the others at first
    await Promise.all(members.slice(1).map(async ({ node }) => { await node.dial((members[0] as Member).node.getMultiaddrs()) }))
    providers.forEach(serve)
    expect(members.flatMap(({ overlays }) => overlays.models), 'no crowd in sight').to.deep.equal([])

    for (const caller of callers) {
      look(caller)
      look(caller)
    }
    await eventually('all have joined', () => members.every(({ overlays }) => overlays.models.length === 1))
    await eventually('all offers have come', () => callers.every(caller => offersAt(caller) === 8))
    // callers have dialled providers that they knew of from offers
    expect(Math.min(...callers.map(({ node }) => node.services.pubsub.getSubscribers(overlayTopic(MODEL)).length))).to.be.at.least(3)

    const [busy] = providers as [Member]
    const startedMs = Date.now()
    setLoad(busy, 4)
    await eventually('the load is known', () => callers.every(caller => loadAt(caller, busy) === 4))
    expect(Date.now() - startedMs, 'ms until all callers know that a provider is full').to.be.below(3_000)
    const { envelope } = callers[0]?.overlays.newestOf(MODEL, busy.node.peerId.toString()) as { envelope: Uint8Array }
    expect((await openOffer(envelope, Date.now())).offer.queueDepth, 'the offer can be handed on').to.equal(4)

    const leaving = providers.slice(0, 6)
    leaving.forEach(({ overlays }) => { overlays.withdraw(MODEL) })
    leaving.forEach(provider => { serving.delete(provider) })
    await eventually('the withdrawals are known', () => callers.every(caller => offersAt(caller) <= 2))
    await eventually('all have left', () => members.every(({ overlays, node }) =>
      overlays.models.length === 0 && node.services.pubsub.getTopics().length === 0))
    expect(callers.every(({ overlays }) => overlays.gauges().offers === 0)).to.equal(true)
  })

  it('do not take an offer that somebody else signed, of another model, or that is none', async () => {
    const [provider, caller, stranger] = [await createMember(), await createMember(), await createMember()]
    await caller.node.dial(provider.node.getMultiaddrs())
    await stranger.node.dial(caller.node.getMultiaddrs())
    const strange = topicsOf(stranger.node.services.pubsub)
      .join(overlayTopic(MODEL), { maxBytes: 10_000, messagesPerSecond: 2, validate: () => 'accept', onMessage: () => {} })
    look(caller)
    look(caller)
    await eventually('the caller has joined', () => caller.overlays.models.length === 1 && strange.subscribers.length > 0)
    const nowMs = Date.now()
    const times = { issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000, model: MODEL }
    const ofOther = await signOffer(offerOf(provider.node.peerId.toString(), times), provider.privateKey)
    const ofOtherModel = await signOffer(offerOf(stranger.node.peerId.toString(), { ...times, model: 'another' }), stranger.privateKey)
    const good = await signOffer(offerOf(stranger.node.peerId.toString(), times), stranger.privateKey)
    for (const data of [ofOther.envelope, ofOtherModel.envelope, new Uint8Array([1, 2, 3]), new Uint8Array(5_000), good.envelope]) {
      await strange.publish(data)
    }
    await eventually('the good offer has come', () => offersAt(caller) === 1)
    expect(caller.overlays.offersOf(MODEL).map(({ offer }) => offer.peer)).to.deep.equal([stranger.node.peerId.toString()])
    expect(caller.overlays.counters.overlay_offers_rejected_total).to.equal(3)
  })

  it('say when they stop that they withdraw, leave nothing behind, and start again', async () => {
    const options = { ...OPTIONS, openAbove: 0, closeBelow: 0 }
    const [provider, caller] = [await createMember(options), await createMember(options)]
    await caller.node.dial(provider.node.getMultiaddrs())
    serve(provider)
    look(caller)
    look(caller)
    await eventually('the offer has come', () => offersAt(caller) === 1)
    await provider.overlays.stop()
    await eventually('it is withdrawn', () => offersAt(caller) === 0)
    expect(provider.node.services.pubsub.getTopics()).to.deep.equal([])
    provider.overlays.start()
    await eventually('it has come again', () => offersAt(caller) === 1)
  })
})
