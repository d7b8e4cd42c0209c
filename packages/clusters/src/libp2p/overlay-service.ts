/** Drives model overlays over topics: joins and leaves them, signs and tells this peer's offers, reads those of others, dials and counts. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, MachineDriver } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { MAX_OFFER_LIFE_MS, signOffer, toldAddresses } from '@skein/records'
import { ModelOverlays } from '../overlays/model-overlays.ts'
import { readOverlayMessage } from '../overlays/overlay-message.ts'
import { MAX_OVERLAY_BYTES, overlayTopic } from '../overlays/overlay-topic.ts'
import type { ProviderContact } from '../overlays/crowd.ts'
import type { OverlayEffect } from '../overlays/model-overlay.ts'
import type { OverlayCounters } from '../overlays/overlay-counters.ts'
import type { OverlayOptions } from '../overlays/overlay-options.ts'
import type { OwnLoad } from '../overlays/own-load.ts'
import type { Libp2p, Logger, PrivateKey } from '@libp2p/interface'
import type { Clock, Random, Topic, TopicMessage, Topics, TopicVerdict } from '@skein/core'
import type { Offer, SignedOffer } from '@skein/records'

export interface OverlayServiceInit extends OverlayOptions {
  libp2p: Pick<Libp2p, 'peerId' | 'getConnections' | 'getMultiaddrs' | 'peerStore' | 'dial'>
  privateKey: PrivateKey
  topics: Topics
  /**
   * This peer's region.
   *
   * @default ''
   */
  region?: string
  /** What this peer would say of a model that it serves, now; where it is dialled, times and `seq` are filled in */
  offerOf: (model: string) => Offer | undefined
  /** Who offers a model, as far as a lookup finds them. Left out, providers are counted only as they come in sight */
  findProviders?: (model: string, signal: AbortSignal) => AsyncIterable<ProviderContact>
  /**
   * Connects to a provider that others told of.
   *
   * @default dials it at once, without any limits
   */
  connect?: (peer: string, addresses: readonly string[], signal: AbortSignal) => Promise<unknown>
  /** Each offer that is news */
  onOffer?: (signed: SignedOffer) => void
  log: Logger
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

interface Running {
  driver: MachineDriver<OverlayEffect, ModelOverlays>
  topics: Map<string, Topic>
  shutdown: AbortController
}

const MAX_ADDRESSES = 4
const DIAL_TIMEOUT_MS = 10_000
const COUNT_TIMEOUT_MS = 15_000
/** Lookups at once that only count; a further one is left out until its turn comes again. */
const MAX_COUNTS = 2
/** Time to tell others that the offers are withdrawn, when it stops, ms. */
const PARTING_TIMEOUT_MS = 500

export class OverlayService {
  private readonly init: OverlayServiceInit
  private readonly clock: Clock
  private readonly random: Random
  private readonly self: string
  private running?: Running
  private machine: ModelOverlays
  /** The models that are served, with how they were last said to be; kept while it is stopped */
  private readonly served = new Set<string>()
  private counting = 0
  private lastSeq = 0
  /** The addresses that its last offer named */
  private told = ''

  constructor (init: OverlayServiceInit) {
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.self = init.libp2p.peerId.toString()
    this.machine = this.newMachine()
  }

  get counters (): Readonly<OverlayCounters> {
    return this.machine.counters
  }

  /** Topics that this peer is in, and offers of others kept. */
  gauges (): { topics: number, offers: number } {
    return { topics: this.running?.topics.size ?? 0, offers: this.machine.offerCount }
  }

  /** The models in whose topics this peer is. */
  get models (): string[] {
    return this.machine.topics
  }

  start (): void {
    if (this.running !== undefined) {
      return
    }
    this.machine = this.newMachine()
    this.running = {
      driver: new MachineDriver({ machine: this.machine, clock: this.clock, perform: effect => { this.perform(effect) } }),
      topics: new Map(),
      shutdown: new AbortController()
    }
    this.served.forEach(model => { this.serve(model) })
  }

  /** Says in its topics that this peer's offers are withdrawn, and leaves them. It can be started again. */
  async stop (): Promise<void> {
    const { running } = this
    if (running === undefined) {
      return
    }
    this.running = undefined
    running.driver.stop()
    running.shutdown.abort(new Error('Overlays have been stopped'))
    const limit = deadline(this.clock, PARTING_TIMEOUT_MS)
    const partings = [...running.topics].filter(([model]) => this.served.has(model))
      .map(async ([model, topic]) => { await this.publish(model, topic, true) })
    await Promise.race([
      Promise.all(partings),
      new Promise<void>(resolve => { limit.signal.addEventListener('abort', () => { resolve() }, { once: true }) })
    ])
    limit.clear()
    running.topics.forEach(topic => { topic.leave() })
  }

  /** This peer serves a model from now on. */
  serve (model: string): void {
    this.served.add(model)
    this.tellLoad(model, (machine, load, nowMs) => { machine.onServe(model, load, nowMs) })
  }

  /** The load of a model that is served has changed. */
  loadChanged (model: string): void {
    this.tellLoad(model, (machine, load, nowMs) => { machine.onOwnLoad(model, load, nowMs) })
  }

  /** This peer may be reached at other addresses: its offers name them. */
  addressesChanged (): void {
    if (this.told !== '' && this.addresses.join() !== this.told) {
      this.running?.driver.input((machine, nowMs) => { machine.onAddresses(nowMs) })
    }
  }

  withdraw (model: string): void {
    if (this.served.delete(model)) {
      this.running?.driver.input((machine, nowMs) => { machine.onWithdraw(model, nowMs) })
    }
  }

  /** This peer looks for providers of a model, to call one. */
  called (model: string): void {
    this.running?.driver.input((machine, nowMs) => { machine.onCall(model, nowMs) })
  }

  /** An offer was found elsewhere. */
  sighted (model: string, provider: ProviderContact): void {
    this.running?.driver.input((machine, nowMs) => { machine.onSighting(model, provider, nowMs) })
  }

  /** A provider does not serve what it offered, or cannot be reached. */
  gone (model: string, peer: string): void {
    this.running?.driver.input(machine => { machine.onGone(model, peer) })
  }

  /** The offers that hold now, as told in the model's topic; none when this peer is not in it. */
  offersOf (model: string): SignedOffer[] {
    return this.machine.offersOf(model, this.clock.nowMs())
  }

  /** What a provider told last in the model's topic. */
  newestOf (model: string, peer: string): SignedOffer | undefined {
    return this.machine.newestOf(model, peer, this.clock.nowMs())
  }

  private newMachine (): ModelOverlays {
    return new ModelOverlays({ ...this.init, self: this.self }, this.random)
  }

  private tellLoad (model: string, tell: (machine: ModelOverlays, load: OwnLoad, nowMs: number) => void): void {
    const load = this.init.offerOf(model)
    if (load !== undefined) {
      this.running?.driver.input((machine, nowMs) => { tell(machine, load, nowMs) })
    }
  }

  private perform (effect: OverlayEffect): void {
    const { model } = effect
    switch (effect.type) {
      case 'join':
        this.join(model)
        break
      case 'leave':
        this.running?.topics.get(model)?.leave()
        this.running?.topics.delete(model)
        break
      case 'look':
        this.look(model)
        break
      case 'publish':
        void this.publish(model, this.running?.topics.get(model), effect.withdrawn)
        break
      case 'offer':
        this.init.onOffer?.(effect.signed)
        break
      case 'dial':
        effect.providers.forEach(provider => { void this.dial(provider) })
        break
      case 'count':
        void this.count(model, effect.enough)
        break
    }
  }

  private join (model: string): void {
    const { running } = this
    try {
      running?.topics.set(model, this.init.topics.join(overlayTopic(model), {
        maxBytes: MAX_OVERLAY_BYTES,
        messagesPerSecond: this.machine.rules.messagesPerSecond,
        validate: message => this.validate(model, message),
        onMessage: () => {}, // what is accepted has been taken in when it was judged
        onPeers: () => { this.look(model) }
      }))
    } catch (error) {
      this.init.log('the topic of %s cannot be joined: %s', model, (error as Error).message)
    }
  }

  private look (model: string): void {
    const count = this.init.topics.subscribersOf(overlayTopic(model)).length
    this.running?.driver.input((machine, nowMs) => { machine.onSubscribers(model, count, nowMs) })
  }

  private validate (model: string, message: TopicMessage): TopicVerdict {
    const read = readOverlayMessage(model, message, this.clock.nowMs())
    if (read.verdict === 'reject') {
      this.machine.counters.overlay_offers_rejected_total++
    }
    if (read.verdict !== 'accept') {
      return read.verdict
    }
    let verdict: TopicVerdict = 'ignore'
    this.running?.driver.input((machine, nowMs) => { verdict = machine.onOffer(model, read.signed, nowMs) })
    return verdict
  }

  private async publish (model: string, topic: Topic | undefined, withdrawn: boolean): Promise<void> {
    const offer = this.init.offerOf(model) ?? (withdrawn ? withdrawnOffer(model) : undefined)
    if (offer === undefined || topic === undefined) {
      return
    }
    const nowMs = Math.floor(this.clock.nowMs())
    // grows over restarts too, as long as the clock does
    this.lastSeq = Math.max(this.lastSeq + 1, nowMs)
    const { addresses } = this
    this.told = addresses.join()
    try {
      const { envelope } = await signOffer({
        ...offer,
        peer: this.self,
        addresses: withdrawn ? [] : addresses,
        seq: this.lastSeq,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + MAX_OFFER_LIFE_MS,
        withdrawn
      }, this.init.privateKey)
      await topic.publish(envelope)
    } catch (error) {
      this.init.log('the offer of %s was not told: %s', model, (error as Error).message)
    }
  }

  private get addresses (): string[] {
    return toldAddresses(this.init.libp2p.getMultiaddrs().map(address => address.toString()), MAX_ADDRESSES)
  }

  private async dial (provider: ProviderContact): Promise<void> {
    const { connect, log } = this.init
    const { running } = this
    if (running === undefined) {
      return
    }
    const limit = deadline(this.clock, DIAL_TIMEOUT_MS, [running.shutdown.signal])
    try {
      await (connect ?? this.connect)(provider.peer, provider.addresses, limit.signal)
    } catch (error) {
      log('%s of an overlay cannot be dialled: %s', provider.peer, (error as Error).message)
    } finally {
      limit.clear()
    }
  }

  private readonly connect = async (peer: string, addresses: readonly string[], signal: AbortSignal): Promise<void> => {
    const { libp2p } = this.init
    const peerId = peerIdFromString(peer)
    if (libp2p.getConnections(peerId).length === 0) {
      await libp2p.peerStore.merge(peerId, { multiaddrs: addresses.map(address => multiaddr(address)) }, { signal })
      await libp2p.dial(peerId, { signal })
    }
  }

  /** Looks providers up until there are enough for a topic. */
  private async count (model: string, enough: number): Promise<void> {
    const { findProviders, log } = this.init
    const { running } = this
    if (findProviders === undefined || running === undefined || this.counting >= MAX_COUNTS) {
      return
    }
    this.counting++
    const limit = deadline(this.clock, COUNT_TIMEOUT_MS, [running.shutdown.signal])
    const seen = new Set<string>()
    try {
      for await (const { peer, addresses } of findProviders(model, limit.signal)) {
        seen.add(peer)
        running.driver.input((machine, nowMs) => { machine.onSighting(model, { peer, addresses }, nowMs) })
        if (seen.size >= enough) {
          break
        }
      }
    } catch (error) {
      log('the providers of %s were not counted to the end: %s', model, (error as Error).message)
    } finally {
      limit.clear()
      this.counting--
    }
  }
}

/** What is left to say of a model that this peer no longer knows. */
function withdrawnOffer (model: string): Offer {
  return {
    peer: '',
    model,
    tasks: [],
    effectiveContext: 0,
    tokensPerSecond: 0,
    queueDepth: 0,
    maxConcurrent: 0,
    priceMicros: 0,
    region: '',
    tier: 4,
    deterministic: false,
    addresses: [],
    seq: 0,
    issuedAtMs: 0,
    expiresAtMs: 0,
    withdrawn: true
  }
}
