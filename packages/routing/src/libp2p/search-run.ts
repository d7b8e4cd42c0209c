/** Drives one search: sends its requests over the links, has the offers of the answers verified, and gives both back to the machine. */
import { concatBytes, MachineDriver, toHex } from '@skein/core'
import { RecordError } from '@skein/records'
import { commonBits } from '../model-key.ts'
import { meets } from '../offer-filter.ts'
import { ModelSearch } from '../model-search.ts'
import { FindRequest } from '../pb/routing.ts'
import { count } from './counters.ts'
import { messageField } from './protobuf-field.ts'
import { RoutingRequestError } from './peer-links.ts'
import type { RoutingCounters } from './counters.ts'
import type { OfferVerifier } from './offer-verifier.ts'
import type { OnLookupStep } from './lookup-step.ts'
import type { KnownPeer, PeerDirectory } from './peer-directory.ts'
import type { OnAnswer, PeerLinks } from './peer-links.ts'
import type { ModelSearchEffect, ModelSearchInit, SearchKey } from '../model-search.ts'
import type { OfferFilter } from '../offer-filter.ts'
import type { FindResponse } from '../pb/routing.ts'
import type { Clock } from '@skein/core'
import type { SignedOffer } from '@skein/records'

/** What no holder gives that verifies what it stores. Clocks differ, so an expired offer is none. */
const LIES = new Set(['signature', 'wrong_signer', 'malformed', 'oversize'])

type Query = Extract<ModelSearchEffect<KnownPeer, FoundSeq>, { type: 'query' }>

interface FoundSeq {
  peer: string
  seq: number
  signed: SignedOffer
}

/** Storing with the same message that asks. */
export interface Deposit {
  /** A `StoreRequest` as a field of a message; `undefined` when there is nothing to store at that peer */
  request: (to: KnownPeer) => { body: Uint8Array, onAnswer: OnAnswer } | undefined
}

export interface SearchRunInit {
  clock: Clock
  counters: RoutingCounters
  directory: PeerDirectory
  links: PeerLinks
  verifier: OfferVerifier
  search: ModelSearchInit<KnownPeer>
  /** `undefined`: closer peers only */
  filter: OfferFilter | undefined
  /** Most offers of one answer */
  limit: number
  near: string | undefined
  k: number
  /** What a peer that is asked is to store by the way */
  deposit?: Deposit
  onOffers: (key: SearchKey<KnownPeer>, offers: SignedOffer[], from: KnownPeer | undefined) => void
  onClosest?: (key: SearchKey<KnownPeer>, closest: KnownPeer[], region: KnownPeer[]) => void
  /** It would help to know how many peers there are: `onNetworkSize` */
  onWeigh?: () => void
  onFailure?: (key: SearchKey<KnownPeer>, peer: KnownPeer) => void
  /** Told of each step; without it nothing is made for it */
  onStep?: OnLookupStep
  onDone: (complete: boolean) => void
}

export class SearchRun {
  private readonly init: SearchRunInit
  private readonly driver: MachineDriver<ModelSearchEffect<KnownPeer, FoundSeq>, ModelSearch<KnownPeer, FoundSeq>>
  private readonly bodies = new Map<string, Uint8Array>()
  private onEnd: () => void = () => {}
  private ended = false

  constructor (init: SearchRunInit) {
    this.init = init
    init.counters.lookups_total++
    this.driver = new MachineDriver({
      machine: new ModelSearch<KnownPeer, FoundSeq>(init.search, init.clock.nowMs()),
      clock: init.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  /** Begins. What it finds may be told before this returns; `onEnd` is told just before `onDone`. */
  start (onEnd: () => void): void {
    this.onEnd = onEnd
    this.driver.input(() => {})
  }

  onContact (peer: KnownPeer): void {
    this.driver.input((machine, nowMs) => { machine.onCandidates([peer], nowMs) })
  }

  onNetworkSize (): void {
    this.driver.input((machine, nowMs) => { machine.onNetworkSize(nowMs) })
  }

  stop (): void {
    this.driver.input(machine => { machine.stop() })
  }

  private perform (effect: ModelSearchEffect<KnownPeer, FoundSeq>): void {
    switch (effect.type) {
      case 'query':
        this.query(effect)
        break
      case 'offers':
        this.init.onOffers(effect.key, effect.offers.map(({ signed }) => signed), effect.from)
        break
      case 'closest':
        this.init.onClosest?.(effect.key, effect.closest, effect.region)
        break
      case 'weigh':
        this.init.onWeigh?.()
        break
      case 'done':
        this.ended = true
        this.init.onStep?.({ type: 'ended', atMs: this.init.clock.nowMs(), complete: effect.complete })
        this.driver.stop()
        this.onEnd()
        this.init.onDone(effect.complete)
        break
    }
  }

  private query ({ key, lookup, target, to }: Query): void {
    const deposit = this.init.deposit?.request(to)
    const asking = this.body(key, target)
    const body = deposit === undefined ? asking : concatBytes(asking, deposit.body)
    const told = this.init.onStep && this.tellAsked(this.init.onStep, to, target)
    this.init.links.request(to, body, answer => {
      deposit?.onAnswer(answer)
      told?.(answer)
      if (this.ended) {
        return
      }
      if (answer instanceof RoutingRequestError || answer.found === undefined) {
        this.init.onFailure?.(key, to)
        this.driver.input((machine, nowMs) => { machine.onFailure(key.name, to.peer, nowMs, lookup) })
      } else {
        this.receive(key, to, answer.found, lookup)
      }
    }, () => !this.ended)
  }

  /** Returns what is to be told of the answer. */
  private tellAsked (onStep: OnLookupStep, to: KnownPeer, target: Uint8Array): OnAnswer {
    const askedMs = this.init.clock.nowMs()
    const asked = { peer: to.peerId.toString(), key: toHex(target), sharedBits: commonBits(to.kadId, target) }
    onStep({ type: 'asked', atMs: askedMs, ...asked })
    return answer => {
      const atMs = this.init.clock.nowMs()
      const took = { ...asked, atMs, tookMs: atMs - askedMs }
      if (answer instanceof RoutingRequestError || answer.found === undefined) {
        onStep({ type: 'failed', ...took, reason: answer instanceof RoutingRequestError ? answer.reason : 'protocol' })
      } else {
        onStep({ type: 'answered', ...took, offers: answer.found.offers.length, closer: answer.found.closer.length })
      }
    }
  }

  private receive (key: SearchKey<KnownPeer>, from: KnownPeer, found: FindResponse, lookup: number): void {
    const closer: KnownPeer[] = []
    for (const entry of found.closer.slice(0, this.init.k)) {
      const peer = this.init.directory.fromEntry(entry)
      if (peer !== undefined) {
        closer.push(peer)
      }
    }
    const offers: FoundSeq[] = []
    const respond = (): void => {
      this.driver.input((machine, nowMs) => { machine.onResponse(key.name, from.peer, { offers, closer }, nowMs, lookup) })
    }
    const verifying: Array<Promise<void>> = []
    const nowMs = this.init.clock.nowMs()
    for (const envelope of found.offers.slice(0, this.init.limit)) {
      const opened = this.init.verifier.open(envelope, nowMs)
      if (opened instanceof Promise) {
        verifying.push(opened.then(signed => { this.take(signed, offers) }, error => { this.reject(from, error) }))
      } else {
        this.take(opened, offers)
      }
    }
    if (verifying.length === 0) {
      respond()
    } else {
      void Promise.all(verifying).then(respond)
    }
  }

  private take (signed: SignedOffer, offers: FoundSeq[]): void {
    const { filter, counters } = this.init
    if (filter !== undefined && meets(signed.offer, filter)) {
      offers.push({ peer: signed.offer.peer, seq: signed.offer.seq, signed })
    } else {
      count(counters.offers_rejected_total, 'not_asked_for')
    }
  }

  private reject (from: KnownPeer, error: unknown): void {
    const reason = error instanceof RecordError ? error.reason : 'malformed'
    count(this.init.counters.offers_rejected_total, reason)
    if (LIES.has(reason)) {
      this.init.links.distrust(from)
    }
  }

  /** The request but for its id; the same to every peer that is asked for a target. */
  private body (key: SearchKey<KnownPeer>, target: Uint8Array): Uint8Array {
    const isBeside = target !== key.target
    const name = isBeside ? `${key.name} ${toHex(target)}` : key.name
    let body = this.bodies.get(name)
    if (body === undefined) {
      const { filter, k, limit, near } = this.init
      body = messageField(2, FindRequest.encode({
        key: key.target as Uint8Array<ArrayBuffer>,
        limit: filter === undefined ? 0 : limit,
        closer: k,
        model: filter?.model,
        region: filter?.region,
        minTier: filter?.minTier,
        minContext: filter?.minContext,
        task: filter?.task,
        priceBelow: filter?.maxPriceMicros === undefined ? undefined : filter.maxPriceMicros + 1,
        near,
        closerTo: isBeside ? target as Uint8Array<ArrayBuffer> : undefined
      }))
      this.bodies.set(name, body)
    }
    return body
  }
}
