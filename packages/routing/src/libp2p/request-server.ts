/** Answers other peers' requests: closer peers and the best offers, and keeps the offers they store. */
import { BoundedMap, concatBytes, TokenBucket } from '@skein/core'
import { networkOf, RecordError } from '@skein/records'
import { KEY_BYTES } from '../model-key.ts'
import { MAX_BEST } from '../offer-filter.ts'
import { FindResponse, RoutingMessage } from '../pb/routing.ts'
import { count } from './counters.ts'
import { RoutingProtocolError } from './frame.ts'
import { messageField } from './protobuf-field.ts'
import { storeCode } from './store-code.ts'
import type { ContactTable } from './contact-table.ts'
import type { RoutingCounters } from './counters.ts'
import type { OfferVerifier } from './offer-verifier.ts'
import type { KnownPeer } from './peer-directory.ts'
import type { RoutingStream } from './routing-stream.ts'
import type { StoreRefusal } from './store-code.ts'
import type { PeerKey } from '../contact.ts'
import type { OfferFilter } from '../offer-filter.ts'
import type { OfferStore } from '../offer-store.ts'
import type { FindRequest, StoreEntry, StoreRequest } from '../pb/routing.ts'
import type { Connection } from '@libp2p/interface'
import type { Clock } from '@skein/core'

export interface RequestServerInit {
  clock: Clock
  counters: RoutingCounters
  table: ContactTable
  store: OfferStore
  verifier: OfferVerifier
  /** Not told to others for now */
  isResting: (peer: PeerKey) => boolean
  /** Most closer peers of an answer */
  k: number
  /** Requests a second of one peer, in the long run */
  ratePerSecond: number
  /** Requests of one peer at once */
  rateBurst: number
  /** Requests are refused: this peer only asks */
  clientMode: () => boolean
}

const RETRY_MS = 500
const MAX_STORES_UNDER_WAY = 32
const MAX_KEYS_PER_ENTRY = 4
/** What is left of a frame for offers when the closer peers are in it. */
const ANSWER_BYTES = 62 * 1024
const MAX_CLOSER_BYTES = 24 * 1024
const CLIENT_RETRY_MS = 600_000

export class RequestServer {
  private readonly init: RequestServerInit
  private readonly rates = new BoundedMap<PeerKey, TokenBucket>({ maxSize: 8192 })

  constructor (init: RequestServerInit) {
    this.init = init
  }

  /**
   * Answers a request, at once or when its offers have been verified.
   *
   * @throws {RoutingProtocolError} when no implementation would ask so
   */
  receive (stream: RoutingStream, message: RoutingMessage): void {
    const { clientMode, clock, counters, verifier } = this.init
    const nowMs = clock.nowMs()
    stream.usedMs = nowMs
    const client = clientMode()
    if (client || !this.bucket(stream.peer.peer, nowMs).take(1, nowMs)) {
      this.refuse(stream, message.id, client ? CLIENT_RETRY_MS : RETRY_MS)
      return
    }
    const found = message.find === undefined ? undefined : this.find(message.find, stream.peer, nowMs)
    const isBusy = stream.underWay >= MAX_STORES_UNDER_WAY || verifier.isBusy
    if (message.store === undefined || isBusy) {
      // of a message that asks for both, what costs little is answered even when there is no time to verify
      if (found === undefined) {
        this.refuse(stream, message.id, RETRY_MS)
      } else {
        counters.requests_answered_total++
        stream.send(message.id, found)
      }
      return
    }
    counters.requests_answered_total++
    stream.underWay++
    this.storeAll(message.store, stream.connection, nowMs).then(
      results => {
        const stored = RoutingMessage.encode({ stored: { results: Uint8Array.from(results) } })
        stream.send(message.id, found === undefined ? stored : concatBytes(found, stored))
      },
      error => { stream.abort(error as Error) }
    ).finally(() => { stream.underWay-- })
  }

  private refuse (stream: RoutingStream, id: number, retryAfterMs: number): void {
    this.init.counters.requests_refused_for_load_total++
    stream.send(id, RoutingMessage.encode({ retryAfterMs }))
  }

  private find (request: FindRequest, from: KnownPeer, nowMs: number): Uint8Array {
    const { k, isResting, store, table } = this.init
    const target = request.closerTo.length === 0 ? request.key : request.closerTo
    if (request.key.length !== KEY_BYTES || target.length !== KEY_BYTES) {
      throw new RoutingProtocolError('malformed', 'A key of a wrong length')
    }
    const closer: Uint8Array[] = []
    let closerBytes = 0
    for (const peer of table.closest(target, Math.min(request.closer, k), other => other !== from && !isResting(other.peer))) {
      const entry = peer.encoded
      if (entry !== undefined && closerBytes + entry.length <= MAX_CLOSER_BYTES) {
        closerBytes += entry.length + 4
        closer.push(entry)
      }
    }
    const offers: Uint8Array[] = []
    if (request.limit > 0) {
      // an envelope costs up to four bytes more in the message; at most 100 of them
      const near = request.near === '' ? undefined : request.near
      const limit = Math.min(request.limit, MAX_BEST)
      for (const { envelope } of store.best(request.key, filterOf(request), nowMs, { limit, near, maxBytes: ANSWER_BYTES - closerBytes })) {
        offers.push(envelope)
      }
    }
    const found = FindResponse.encode({ offers, closer } as FindResponse)
    return messageField(4, found)
  }

  /**
   * Only the signer's own connection may store its offer. That proves that the signer is alive, gives the network it is counted in, and
   * keeps anyone else from replaying offers into places where their signer did not put them.
   */
  private async storeAll (request: StoreRequest, connection: Connection, nowMs: number): Promise<number[]> {
    const results: number[] = []
    for (const entry of request.entries) {
      if (entry.keys.length > MAX_KEYS_PER_ENTRY || entry.keys.some(key => key.length !== KEY_BYTES)) {
        throw new RoutingProtocolError('malformed', 'An offer with too many keys, or one of a wrong length')
      }
      results.push(...await this.storeOne(entry, connection, nowMs))
    }
    return results
  }

  private async storeOne (entry: StoreEntry, connection: Connection, nowMs: number): Promise<number[]> {
    const { counters, store, verifier } = this.init
    const refuse = (reason: StoreRefusal): number => {
      count(counters.stores_refused_total, reason)
      return storeCode(reason)
    }
    try {
      const signed = await verifier.open(entry.envelope, nowMs)
      if (signed.offer.peer !== connection.remotePeer.toString()) {
        return entry.keys.map(() => refuse('not_signer'))
      }
      const network = networkOf(connection.remoteAddr.toString())
      return entry.keys.map(key => {
        const result = store.put(key, signed, nowMs, network)
        if (result === 'stored' || result === 'unchanged') {
          counters.offers_stored_total += result === 'stored' ? 1 : 0
          return storeCode(result)
        }
        return refuse(result)
      })
    } catch (error) {
      return entry.keys.map(() => refuse(error instanceof RecordError ? error.reason : 'malformed'))
    }
  }

  private bucket (peer: PeerKey, nowMs: number): TokenBucket {
    let bucket = this.rates.touch(peer)
    if (bucket === undefined) {
      bucket = new TokenBucket({ ratePerSecond: this.init.ratePerSecond, burst: this.init.rateBurst }, nowMs)
      this.rates.set(peer, bucket)
    }
    return bucket
  }
}

function filterOf (request: FindRequest): OfferFilter {
  return {
    model: request.model,
    region: request.region === '' ? undefined : request.region,
    minTier: request.minTier === 0 ? undefined : request.minTier,
    minContext: request.minContext === 0 ? undefined : request.minContext,
    task: request.task === '' ? undefined : request.task,
    maxPriceMicros: request.priceBelow === 0 ? undefined : request.priceBelow - 1
  }
}
