/** Drives the announcer: signs this peer's offers, looks up their holders, and stores them there. */
import { deadline, MachineDriver, toHex } from '@skein/core'
import { MAX_OFFER_LIFE_MS, signOffer, toldAddresses } from '@skein/records'
import { Announcer } from '../announcer.ts'
import { modelKey } from '../model-key.ts'
import { StoreRequest } from '../pb/routing.ts'
import { RoutingRequestError } from './peer-links.ts'
import { messageField } from './protobuf-field.ts'
import { storeResult } from './store-code.ts'
import type { AnnounceKey, AnnouncerEffect, AnnouncerInit } from '../announcer.ts'
import type { OfferStore } from '../offer-store.ts'
import type { OfferVerifier } from './offer-verifier.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { PeerLinks } from './peer-links.ts'
import type { Deposit } from './search-run.ts'
import type { RoutingMessage } from '../pb/routing.ts'
import type { AbortOptions, Logger, PrivateKey } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { Offer, SignedOffer } from '@skein/records'

/** What the service fills in. */
type FilledIn = 'peer' | 'seq' | 'issuedAtMs' | 'expiresAtMs' | 'withdrawn'

/** What a peer says of a model it serves; the rest of the offer is filled in. */
export interface OfferFields extends Pick<Offer, 'model'>, Partial<Omit<Offer, 'model' | FilledIn>> {}

export type OfferUpdate = Partial<Omit<OfferFields, 'model' | 'region'>>

export interface Announced {
  /** Peers that hold the offer, all keys counted */
  stored: number
  /** Peers that could not be asked or did not want it */
  failed: number
}

/** The model is not announced. */
export class NotAnnouncedError extends Error {
  static override name = 'NotAnnouncedError'
  override readonly name = 'NotAnnouncedError'
  readonly model: string

  constructor (model: string) {
    super(`No offer of ${model} is announced`)
    this.model = model
  }
}

/** As many models are announced as one peer may. */
export class TooManyModelsError extends Error {
  static override name = 'TooManyModelsError'
  override readonly name = 'TooManyModelsError'

  constructor (message = 'As many models are announced as one peer may') {
    super(message)
  }
}

export interface OwnOffersInit {
  clock: Clock
  random: Random
  log: Logger
  privateKey: PrivateKey
  /** This peer's id as text */
  peer: string
  region: string
  offerLifeMs: number
  announcer: AnnouncerInit
  store: OfferStore
  verifier: OfferVerifier
  links: PeerLinks
  /** Where this peer can be dialled now */
  addresses: () => string[]
  lookUp: (key: AnnounceKey, onClosest: (closest: KnownPeer[], region: KnownPeer[]) => void, deposit: Deposit) => void
}

type Fields = Omit<Required<OfferFields>, 'addresses'> & { addresses: string[] | undefined }

interface OwnOffer {
  fields: Fields
  signed: SignedOffer | undefined
  waiters: Set<PromiseWithResolvers<Announced>>
}

/** What goes to one peer together: a model's envelope once, with all keys under which it is stored there. */
type Batch = Map<string, { envelope: Uint8Array, keys: Array<{ key: AnnounceKey, version: number }> }>

type StoreEffect = Extract<AnnouncerEffect<KnownPeer>, { type: 'store' }>

const MAX_OFFER_ADDRESSES = 8
const MAX_BATCH_BYTES = 48 * 1024
const MAX_BATCH_ENTRIES = 64

export class OwnOffers {
  private readonly init: OwnOffersInit
  private readonly announcer: MachineDriver<AnnouncerEffect<KnownPeer>, Announcer<KnownPeer>>
  private readonly own = new Map<string, OwnOffer>()
  private readonly batches = new Map<KnownPeer, Batch>()
  private lastSeq = 0
  private stopped = false

  constructor (init: OwnOffersInit) {
    this.init = init
    this.announcer = new MachineDriver({
      machine: new Announcer<KnownPeer>(init.announcer, init.random),
      clock: init.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  async announce (fields: OfferFields, options: AbortOptions = {}): Promise<Announced> {
    options.signal?.throwIfAborted()
    const { model } = fields
    const known = this.own.get(model)
    const own: OwnOffer = { fields: this.complete(fields), signed: known?.signed, waiters: known?.waiters ?? new Set() }
    this.own.set(model, own)
    const waiter = this.waiter(own, options.signal)
    let accepted = false
    this.announcer.input(machine => { accepted = machine.onOffer(model, keysOf(own.fields)) })
    if (!accepted) {
      this.own.delete(model)
      own.waiters.forEach(({ reject }) => { reject(new TooManyModelsError()) })
    }
    return await waiter
  }

  update (model: string, change: OfferUpdate): void {
    const own = this.find(model)
    const before = own.fields
    own.fields = { ...before, ...change }
    const urgent = matters(before, own.fields)
    this.announcer.input((machine, nowMs) => { machine.onChange(model, urgent, nowMs) })
  }

  async withdraw (model: string, options: AbortOptions = {}): Promise<Announced> {
    const waiter = this.waiter(this.find(model), options.signal)
    this.announcer.input(machine => { machine.onWithdraw(model) })
    return await waiter
  }

  /** Withdraws everything, and gives up after `timeoutMs`. */
  async withdrawAll (timeoutMs: number): Promise<void> {
    const limit = deadline(this.init.clock, timeoutMs)
    try {
      await Promise.all([...this.own.keys()].map(model => this.withdraw(model, { signal: limit.signal })))
    } catch (error) {
      this.init.log('not all offers were withdrawn in time - %e', error)
    } finally {
      limit.clear()
    }
  }

  onNetworkSize (size: number): void {
    this.announcer.input((machine, nowMs) => { machine.onNetworkSize(size, nowMs) })
  }

  onContact (peer: KnownPeer): void {
    this.announcer.input((machine, nowMs) => { machine.onContact(peer, nowMs) })
  }

  onContactLost (peer: KnownPeer): void {
    this.announcer.input((machine, nowMs) => { machine.onContactLost(peer.peer, nowMs) })
  }

  /** This peer's addresses may have changed; its offers name them. */
  onAddresses (): void {
    for (const [model, own] of this.own) {
      if (own.fields.addresses === undefined && own.signed !== undefined && own.signed.offer.addresses.join() !== this.addresses().join()) {
        this.announcer.input((machine, nowMs) => { machine.onChange(model, true, nowMs) })
      }
    }
  }

  stop (): void {
    this.stopped = true
    this.announcer.stop()
    for (const [model, own] of this.own) {
      own.waiters.forEach(({ reject }) => { reject(new NotAnnouncedError(model)) })
    }
    this.own.clear()
  }

  private find (model: string): OwnOffer {
    const own = this.own.get(model)
    if (own === undefined) {
      throw new NotAnnouncedError(model)
    }
    return own
  }

  private complete (fields: OfferFields): Fields {
    return {
      tasks: ['chat'],
      effectiveContext: 0,
      tokensPerSecond: 0,
      queueDepth: 0,
      maxConcurrent: 1,
      priceMicros: 0,
      region: this.init.region,
      tier: 2,
      deterministic: false,
      addresses: undefined,
      ...fields
    }
  }

  private addresses (): string[] {
    return toldAddresses(this.init.addresses(), MAX_OFFER_ADDRESSES)
  }

  private perform (effect: AnnouncerEffect<KnownPeer>): void {
    switch (effect.type) {
      case 'sign':
        void this.sign(effect.model, effect.withdrawn)
        break
      case 'lookup':
        this.init.lookUp(effect.key, (closest, region) => {
          this.announcer.input((machine, nowMs) => { machine.onClosest(effect.model, effect.key.name, closest, nowMs, region) })
        }, { request: to => this.deposit(effect.model, effect.key, to) })
        break
      case 'store':
        this.enqueue(effect)
        break
      case 'announced':
        this.settle(effect.model, effect)
        break
      case 'withdrawn':
        this.settle(effect.model, effect)
        this.own.delete(effect.model)
        break
    }
  }

  private async sign (model: string, withdrawn: boolean): Promise<void> {
    const { clock, log, offerLifeMs, peer, privateKey, store, verifier } = this.init
    const own = this.own.get(model)
    if (own === undefined) {
      return
    }
    const nowMs = Math.floor(clock.nowMs())
    // grows over restarts too, as long as the clock does
    this.lastSeq = Math.max(this.lastSeq + 1, nowMs)
    try {
      const signed = await signOffer({
        ...own.fields,
        addresses: own.fields.addresses ?? this.addresses(),
        peer,
        seq: this.lastSeq,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + Math.min(MAX_OFFER_LIFE_MS, offerLifeMs),
        withdrawn
      }, privateKey)
      if (this.stopped) {
        return
      }
      own.signed = signed
      verifier.remember(signed)
      for (const { bytes } of keysOf(own.fields)) {
        store.put(bytes, signed, nowMs)
      }
      this.announcer.input((machine, now) => { machine.onSigned(model, signed.offer.expiresAtMs, now) })
    } catch (error) {
      log.error('an offer could not be signed - %e', error)
      own.waiters.forEach(({ reject }) => { reject(error) })
      this.announcer.input((machine, now) => { machine.onSignFailed(model, now) })
    }
  }

  /** The current record for a peer that a lookup asks anyway. */
  private deposit (model: string, key: AnnounceKey, to: KnownPeer): ReturnType<Deposit['request']> {
    const signed = this.own.get(model)?.signed
    let wanted = false
    this.announcer.input(machine => { wanted = signed !== undefined && machine.onStoring(model, key.name, to) })
    if (signed === undefined || !wanted) {
      return undefined
    }
    const batch: Batch = new Map([[model, { envelope: signed.envelope, keys: [{ key, version: this.announcer.machine.versionOf(model) }] }]])
    return { body: storeField(batch), onAnswer: answer => { this.receive(to, batch, answer) } }
  }

  private enqueue ({ key, model, to, version }: StoreEffect): void {
    const signed = this.own.get(model)?.signed
    if (signed === undefined) {
      return
    }
    if (this.batches.size === 0) {
      queueMicrotask(() => { this.flush() })
    }
    const batch: Batch = this.batches.get(to) ?? new Map()
    this.batches.set(to, batch)
    const entry = batch.get(model) ?? { envelope: signed.envelope, keys: [] }
    batch.set(model, entry)
    entry.keys.push({ key, version })
  }

  private flush (): void {
    const batches = [...this.batches]
    this.batches.clear()
    for (const [peer, batch] of batches) {
      let part: Batch = new Map()
      let bytes = 0
      for (const [model, entry] of batch) {
        const size = entry.envelope.length + 40 * entry.keys.length
        if (part.size === MAX_BATCH_ENTRIES || (part.size > 0 && bytes + size > MAX_BATCH_BYTES)) {
          this.send(peer, part)
          part = new Map()
          bytes = 0
        }
        part.set(model, entry)
        bytes += size
      }
      this.send(peer, part)
    }
  }

  private send (peer: KnownPeer, batch: Batch): void {
    this.init.links.request(peer, storeField(batch), answer => { this.receive(peer, batch, answer) })
  }

  private receive (peer: KnownPeer, batch: Batch, answer: RoutingMessage | RoutingRequestError): void {
    const failure = answer instanceof RoutingRequestError ? answer : undefined
    const results = answer instanceof RoutingRequestError ? undefined : answer.stored?.results
    // a peer that is busy answers what costs it little, and stores when it is asked again
    const again = { again: results === undefined, retryAfterMs: failure?.retryAfterMs }
    let index = 0
    for (const [model, { keys }] of batch) {
      for (const { key, version } of keys) {
        const result = storeResult(results?.[index++] ?? -1)
        this.announcer.input((machine, nowMs) => {
          if (result === 'stored' || result === 'unchanged') {
            machine.onStored(model, key.name, peer.peer, version, nowMs)
          } else {
            machine.onStoreFailed(model, key.name, peer.peer, version, again, nowMs)
          }
        })
      }
    }
  }

  private settle (model: string, { stored, failed }: Announced): void {
    this.own.get(model)?.waiters.forEach(({ resolve }) => { resolve({ stored, failed }) })
  }

  private async waiter (own: OwnOffer, signal: AbortSignal | undefined): Promise<Announced> {
    signal?.throwIfAborted()
    const waiter = Promise.withResolvers<Announced>()
    own.waiters.add(waiter)
    const onAbort = (): void => { waiter.reject(signal?.reason) }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await waiter.promise
    } finally {
      own.waiters.delete(waiter)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

function storeField (batch: Batch): Uint8Array {
  const entries = [...batch.values()].map(({ envelope, keys }) => ({
    envelope: envelope as Uint8Array<ArrayBuffer>,
    keys: keys.map(({ key }) => key.bytes as Uint8Array<ArrayBuffer>)
  }))
  return messageField(3, StoreRequest.encode({ entries }))
}

function keysOf ({ model, region }: Fields): AnnounceKey[] {
  const keys = region === '' ? [modelKey(model)] : [modelKey(model), modelKey(model, region)]
  return keys.map(bytes => ({ name: toHex(bytes), bytes }))
}

/** Whether a change matters to who chooses among offers, so much that it should not wait for the next renewal. */
function matters (before: Fields, after: Fields): boolean {
  const isFull = ({ queueDepth, maxConcurrent }: Fields): boolean => queueDepth >= maxConcurrent
  const ratio = (after.tokensPerSecond + 1) / (before.tokensPerSecond + 1)
  return isFull(before) !== isFull(after) ||
    ratio < 0.5 || ratio > 2 ||
    before.priceMicros !== after.priceMicros ||
    before.effectiveContext !== after.effectiveContext ||
    before.deterministic !== after.deterministic ||
    before.tier !== after.tier ||
    before.tasks.join() !== after.tasks.join() ||
    before.addresses?.join() !== after.addresses?.join()
}
