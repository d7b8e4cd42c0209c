/** An offer: "I serve this model, here, like this, until then", signed by the peer that serves it. */
import { multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '@skein/core'
import { checkLife, openEnvelope, readEnvelope, sealEnvelope } from './envelope.ts'
import { checkCount, checkName, checkNumber, MAX_ADDRESSES, MAX_TASKS } from './field-bounds.ts'
import { OfferRecord } from './pb/record.ts'
import { peerIdBytesOf } from './peer-name.ts'
import { RecordError } from './record-error.ts'
import type { RecordKind } from './envelope.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of an offer; it is renewed at half of it. */
export const MAX_OFFER_LIFE_MS = 120_000

export const OFFER_KIND: RecordKind = { domain: '/skein/offer/1', maxLifeMs: MAX_OFFER_LIFE_MS }

export interface Offer {
  /** The peer that serves, as text */
  peer: string
  /** Model id, 1 to 128 bytes */
  model: string
  /** What can be asked of it: `chat`, `completion`, `embedding` */
  tasks: string[]
  /** The longest prompt plus answer that is really served, tokens; 0 when unknown */
  effectiveContext: number
  /** Measured speed of one stream, tokens/s; 0 when unknown */
  tokensPerSecond: number
  /** Requests being served or waited for now */
  queueDepth: number
  /** Most requests served at once */
  maxConcurrent: number
  /** Price of a million generated tokens, in millionths of a US dollar; 0 is free */
  priceMicros: number
  /** Short region name, `eu-west`; empty when unknown */
  region: string
  /** 1 backbone, 2 desktop, 3 tablet, 4 phone */
  tier: number
  /** The same request gives the same answer on every peer that offers this model so */
  deterministic: boolean
  /** Where the peer can be dialled, multiaddr texts, best first */
  addresses: string[]
  /** Grows with every record of this peer */
  seq: number
  issuedAtMs: number
  expiresAtMs: number
  /** Takes the offer back: holders drop what they have */
  withdrawn: boolean
}

/** An offer and the envelope it came in; forward the envelope, so that fields this version does not know survive. */
export interface SignedOffer {
  offer: Offer
  envelope: Uint8Array
}

/** @throws {RecordError} `malformed` or `oversize`, naming the field */
export async function signOffer (offer: Offer, privateKey: PrivateKey): Promise<SignedOffer> {
  checkOffer(offer)
  const payload = OfferRecord.encode({
    peerId: peerIdBytesOf(offer.peer),
    seq: offer.seq,
    issuedAtMs: Math.floor(offer.issuedAtMs),
    expiresAtMs: Math.floor(offer.expiresAtMs),
    model: offer.model,
    tasks: offer.tasks,
    effectiveContext: offer.effectiveContext,
    tokensPerSecond: offer.tokensPerSecond,
    queueDepth: offer.queueDepth,
    maxConcurrent: offer.maxConcurrent,
    priceMicros: offer.priceMicros,
    region: offer.region,
    tier: offer.tier,
    deterministic: offer.deterministic,
    addresses: offer.addresses.map(address => Uint8Array.from(multiaddr(address).bytes)),
    withdrawn: offer.withdrawn
  })
  return { offer, envelope: await sealEnvelope(OFFER_KIND, payload, privateKey) }
}

/**
 * Opens an envelope with an offer in it: size, type, signature, signer, bounds of every field, life.
 *
 * @throws {RecordError} with the reason
 */
export async function openOffer (envelope: Uint8Array, nowMs: number): Promise<SignedOffer> {
  const opened = await openEnvelope(OFFER_KIND, envelope)
  const offer = decodeOffer(opened.payload, opened.peer, opened.peerIdBytes)
  checkLife(OFFER_KIND, offer, nowMs)
  return { offer, envelope }
}

/**
 * Reads an envelope with an offer in it whose bytes are known to be the signer's otherwise: all is checked but the signature.
 *
 * @throws {RecordError} with the reason
 */
export function readOffer (envelope: Uint8Array, nowMs: number): SignedOffer {
  const read = readEnvelope(OFFER_KIND, envelope)
  const offer = decodeOffer(read.payload, read.peer, read.peerIdBytes)
  checkLife(OFFER_KIND, offer, nowMs)
  return { offer, envelope }
}

function decodeOffer (payload: Uint8Array, peer: string, peerIdBytes: Uint8Array): Offer {
  let record: OfferRecord
  let addresses: string[]
  try {
    record = OfferRecord.decode(payload)
    addresses = record.addresses.slice(0, MAX_ADDRESSES + 1).map(bytes => multiaddr(bytes).toString())
  } catch (error) {
    throw new RecordError('malformed', 'Not an offer', { cause: error })
  }
  if (!equalBytes(record.peerId, peerIdBytes)) {
    throw new RecordError('wrong_signer', 'Signed by another key than that of the peer it speaks of')
  }
  const offer: Offer = {
    peer,
    model: record.model,
    tasks: record.tasks,
    effectiveContext: record.effectiveContext,
    tokensPerSecond: record.tokensPerSecond,
    queueDepth: record.queueDepth,
    maxConcurrent: record.maxConcurrent,
    priceMicros: record.priceMicros,
    region: record.region,
    tier: record.tier,
    deterministic: record.deterministic,
    addresses,
    seq: record.seq,
    issuedAtMs: record.issuedAtMs,
    expiresAtMs: record.expiresAtMs,
    withdrawn: record.withdrawn
  }
  checkOffer(offer)
  return offer
}

function checkOffer (offer: Offer): void {
  checkName('model', offer.model)
  checkName('region', offer.region, { empty: true, maxBytes: 32 })
  checkCount('tasks', offer.tasks, MAX_TASKS)
  offer.tasks.forEach(task => { checkName('task', task, { maxBytes: 32 }) })
  checkCount('addresses', offer.addresses, MAX_ADDRESSES)
  checkNumber('tier', offer.tier, 1, 4)
  checkNumber('seq', offer.seq, 0, Number.MAX_SAFE_INTEGER)
  checkNumber('effectiveContext', offer.effectiveContext, 0, 0xffffffff)
  checkNumber('queueDepth', offer.queueDepth, 0, 0xffffffff)
  checkNumber('maxConcurrent', offer.maxConcurrent, 0, 0xffffffff)
  checkNumber('priceMicros', offer.priceMicros, 0, Number.MAX_SAFE_INTEGER)
  checkNumber('tokensPerSecond', offer.tokensPerSecond, 0, 1e9, false)
}
