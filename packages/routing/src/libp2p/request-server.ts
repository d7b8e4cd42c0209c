/** Answers other peers' requests: closer peers and the best offers, and keeps the offers they store. */
import { BoundedMap, TokenBucket } from '@skein/core'
import { networkOf, RecordError } from '@skein/records'
import { KEY_BYTES } from '../model-key.ts'
import { MAX_BEST } from '../offer-filter.ts'
import { FindResponse, RoutingMessage } from '../pb/routing.ts'
import { count } from './counters.ts'
import { encodeFrame, FrameReader, RoutingProtocolError } from './frame.ts'
import { idField } from './peer-links.ts'
import { storeCode } from './store-code.ts'
import type { ContactTable } from './contact-table.ts'
import type { RoutingCounters } from './counters.ts'
import type { OfferVerifier } from './offer-verifier.ts'
import type { KnownPeer, PeerDirectory } from './peer-directory.ts'
import type { StoreRefusal } from './store-code.ts'
import type { PeerKey } from '../lookup.ts'
import type { OfferFilter } from '../offer-filter.ts'
import type { OfferStore } from '../offer-store.ts'
import type { FindRequest, StoreEntry, StoreRequest } from '../pb/routing.ts'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import type { Clock } from '@skein/core'

export interface RequestServerInit {
  clock: Clock
  counters: RoutingCounters
  directory: PeerDirectory
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
  /** Most inbound streams in all */
  maxStreams: number
  /** A stream on which nothing was asked for this long is reset */
  idleMs: number
}

interface Inbound {
  stream: Stream
  connection: Connection
  peer: KnownPeer
  reader: FrameReader
  usedMs: number
  asked: boolean
  /** Stores being verified */
  underWay: number
}

const FIRST_FRAME_MS = 10_000
const RETRY_MS = 500
/** Answers that may wait for a reader that does not read; beyond it the stream is reset. */
const MAX_UNREAD_BYTES = 1024 * 1024
const MAX_STORES_UNDER_WAY = 32
const MAX_KEYS_PER_ENTRY = 4
/** What is left of a frame for offers when the closer peers are in it. */
const ANSWER_BYTES = 62 * 1024
const MAX_CLOSER_BYTES = 24 * 1024
const REQUEST_LIMITS = { store: { entries: 64 } }

export class RequestServer {
  private readonly init: RequestServerInit
  private readonly inbound = new Set<Inbound>()
  private readonly rates = new BoundedMap<PeerKey, TokenBucket>({ maxSize: 8192 })

  constructor (init: RequestServerInit) {
    this.init = init
  }

  get streamCount (): number {
    return this.inbound.size
  }

  /** Takes over a stream that another peer opened. */
  accept (stream: Stream, connection: Connection): void {
    if (this.inbound.size >= this.init.maxStreams) {
      stream.abort(new RoutingProtocolError('malformed', 'Too many streams'))
      return
    }
    const peer = this.init.directory.of(connection.remotePeer)
    const inbound: Inbound = { stream, connection, peer, reader: new FrameReader(), usedMs: this.init.clock.nowMs(), asked: false, underWay: 0 }
    this.inbound.add(inbound)
    stream.maxWriteBufferLength = MAX_UNREAD_BYTES
    stream.addEventListener('message', (event: StreamMessageEvent) => {
      try {
        for (const frame of inbound.reader.read(event.data.subarray())) {
          this.receive(inbound, frame)
        }
      } catch (error) {
        this.reset(inbound, error as Error)
      }
    })
    stream.addEventListener('remoteCloseWrite', () => {
      this.inbound.delete(inbound)
      stream.close().catch(error => { stream.abort(error as Error) })
    })
    stream.addEventListener('close', () => { this.inbound.delete(inbound) })
  }

  /** Resets streams that nobody uses. Call about once a second. */
  sweep (nowMs: number): void {
    for (const inbound of this.inbound) {
      if (nowMs - inbound.usedMs >= (inbound.asked ? this.init.idleMs : FIRST_FRAME_MS)) {
        this.inbound.delete(inbound)
        inbound.stream.abort(new RoutingProtocolError('malformed', 'Nothing was asked for too long'))
      }
    }
  }

  stop (): void {
    for (const inbound of this.inbound) {
      inbound.stream.abort(new RoutingProtocolError('malformed', 'Stopped'))
    }
    this.inbound.clear()
  }

  private receive (inbound: Inbound, frame: Uint8Array): void {
    const { clock, counters } = this.init
    const nowMs = clock.nowMs()
    inbound.usedMs = nowMs
    inbound.asked = true
    const message = decode(frame)
    if (!this.bucket(inbound.peer.peer, nowMs).take(1, nowMs)) {
      counters.requests_refused_for_load_total++
      this.answer(inbound, message.id, RoutingMessage.encode({ retryAfterMs: RETRY_MS }))
    } else if (message.find !== undefined) {
      counters.requests_answered_total++
      this.answer(inbound, message.id, this.find(message.find, inbound.peer, nowMs))
    } else if (message.store !== undefined) {
      if (inbound.underWay >= MAX_STORES_UNDER_WAY || this.init.verifier.isBusy) {
        counters.requests_refused_for_load_total++
        this.answer(inbound, message.id, RoutingMessage.encode({ retryAfterMs: RETRY_MS }))
        return
      }
      counters.requests_answered_total++
      inbound.underWay++
      this.storeAll(message.store, inbound.connection, nowMs).then(
        results => { this.answer(inbound, message.id, RoutingMessage.encode({ stored: { results } })) },
        error => { this.reset(inbound, error as Error) }
      ).finally(() => { inbound.underWay-- })
    } else {
      throw new RoutingProtocolError('malformed', 'A message that asks for nothing')
    }
  }

  private find (request: FindRequest, from: KnownPeer, nowMs: number): Uint8Array {
    const { k, isResting, store, table } = this.init
    if (request.key.length !== KEY_BYTES) {
      throw new RoutingProtocolError('malformed', 'A key of a wrong length')
    }
    const closer: Uint8Array[] = []
    let closerBytes = 0
    for (const peer of table.closest(request.key, Math.min(request.closer, k), other => other !== from && !isResting(other.peer))) {
      const entry = peer.encoded
      if (entry !== undefined && closerBytes + entry.length <= MAX_CLOSER_BYTES) {
        closerBytes += entry.length + 4
        closer.push(entry)
      }
    }
    const offers: Uint8Array[] = []
    if (request.limit > 0) {
      // an envelope costs up to four bytes more in the message; at most 100 of them
      const options = { limit: Math.min(request.limit, MAX_BEST), near: request.near === '' ? undefined : request.near, maxBytes: ANSWER_BYTES - closerBytes }
      for (const { envelope } of store.best(request.key, filterOf(request), nowMs, options)) {
        offers.push(envelope)
      }
    }
    const found = FindResponse.encode({ offers, closer } as FindResponse)
    return encodeField(4, found)
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

  private answer (inbound: Inbound, id: number, body: Uint8Array): void {
    const { stream } = inbound
    if (stream.status !== 'open') {
      return
    }
    try {
      if (!stream.send(encodeFrame(idField(id), body)) && stream.readStatus === 'readable') {
        // the reader is slower than it asks: nothing more is read until it has taken this
        stream.pause()
        stream.onDrain().then(() => { stream.resume() }).catch(() => {})
      }
    } catch (error) {
      this.reset(inbound, error as Error)
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

  private reset (inbound: Inbound, error: Error): void {
    this.init.counters.protocol_errors_total++
    this.inbound.delete(inbound)
    inbound.stream.abort(error)
  }
}

function decode (frame: Uint8Array): RoutingMessage {
  try {
    return RoutingMessage.decode(frame, { limits: REQUEST_LIMITS })
  } catch (cause) {
    throw new RoutingProtocolError('malformed', 'Not a message', { cause })
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

/** A protobuf field that holds a message which is encoded already. */
export function encodeField (field: number, message: Uint8Array): Uint8Array {
  const framed = encodeFrame(message)
  const bytes = new Uint8Array(1 + framed.length)
  bytes[0] = (field << 3) | 2
  bytes.set(framed, 1)
  return bytes
}
