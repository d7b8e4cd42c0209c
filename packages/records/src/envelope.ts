/** Sealing and opening records in libp2p's signed envelope (libp2p RFC 0002, signed envelopes). */
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { equalBytes } from '@skein/core'
import { RecordError } from './record-error.ts'
import type { PrivateKey } from '@libp2p/interface'

/** Most bytes of an envelope with any record of Skein in it. */
export const MAX_ENVELOPE_BYTES = 8192

/** How far in the future a record may have been issued: what clocks differ by. */
export const MAX_CLOCK_SKEW_MS = 60_000

/** One kind of record: what separates its signatures from those of other kinds, and how long it may live. */
export interface RecordKind {
  /** The domain of the signature, and as UTF-8 the payload type */
  domain: string
  maxLifeMs: number
}

export interface Opened {
  /** Who signed, as text */
  peer: string
  /** The signer's id as a multihash */
  peerIdBytes: Uint8Array
  payload: Uint8Array
}

/** Signs `payload`; the same key and payload give the same bytes (Ed25519 is deterministic). */
export async function sealEnvelope (kind: RecordKind, payload: Uint8Array, privateKey: PrivateKey): Promise<Uint8Array<ArrayBuffer>> {
  const envelope = await RecordEnvelope.seal({
    domain: kind.domain,
    codec: payloadType(kind),
    marshal: () => payload,
    equals: () => false
  }, privateKey)
  const bytes = Uint8Array.from(envelope.marshal())
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw new RecordError('oversize', `The signed record has ${bytes.length} bytes; at most ${MAX_ENVELOPE_BYTES} are allowed. Shorten its lists`)
  }
  return bytes
}

/**
 * Checks size, type and signature.
 *
 * @throws {RecordError} `oversize`, `malformed`, `wrong_type` or `signature`
 */
export async function openEnvelope (kind: RecordKind, bytes: Uint8Array): Promise<Opened> {
  const envelope = parseEnvelope(kind, bytes)
  let valid: boolean
  try {
    valid = await envelope.validate(kind.domain)
  } catch (error) {
    throw new RecordError('signature', 'The signature could not be checked', { cause: error })
  }
  if (!valid) {
    throw new RecordError('signature', 'The signature does not fit the record')
  }

  return contentOf(envelope)
}

/**
 * Reads what was opened before and kept since: the signature is not checked again.
 *
 * @throws {RecordError} `oversize`, `malformed` or `wrong_type`
 */
export function readEnvelope (kind: RecordKind, bytes: Uint8Array): Opened {
  return contentOf(parseEnvelope(kind, bytes))
}

function contentOf (envelope: RecordEnvelope): Opened {
  const peerId = peerIdFromPublicKey(envelope.publicKey)
  return { peer: peerId.toString(), peerIdBytes: peerId.toMultihash().bytes, payload: envelope.payload.subarray() }
}

function parseEnvelope (kind: RecordKind, bytes: Uint8Array): RecordEnvelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw new RecordError('oversize', `A signed record of ${bytes.length} bytes; at most ${MAX_ENVELOPE_BYTES} are allowed`)
  }

  let envelope: RecordEnvelope
  try {
    envelope = RecordEnvelope.createFromProtobuf(bytes)
  } catch (error) {
    throw new RecordError('malformed', 'Not a signed envelope', { cause: error })
  }
  if (!equalBytes(envelope.payloadType, payloadType(kind))) {
    throw new RecordError('wrong_type', `Not an envelope of type ${kind.domain}`)
  }
  return envelope
}

/**
 * The rule of lives: issued at most `MAX_CLOCK_SKEW_MS` ahead, not expired, not longer than its kind may live.
 *
 * @throws {RecordError} `future`, `expired` or `life_too_long`
 */
export function checkLife (kind: RecordKind, record: { issuedAtMs: number, expiresAtMs: number }, nowMs: number): void {
  if (record.issuedAtMs > nowMs + MAX_CLOCK_SKEW_MS) {
    throw new RecordError('future', `Issued ${Math.round((record.issuedAtMs - nowMs) / 1000)} s in the future; is a clock wrong?`)
  }
  if (record.expiresAtMs <= nowMs) {
    throw new RecordError('expired', `Expired ${Math.round((nowMs - record.expiresAtMs) / 1000)} s ago`)
  }
  if (record.expiresAtMs - record.issuedAtMs > kind.maxLifeMs) {
    throw new RecordError('life_too_long', `A life of ${record.expiresAtMs - record.issuedAtMs} ms; at most ${kind.maxLifeMs} ms are allowed`)
  }
}

function payloadType (kind: RecordKind): Uint8Array {
  return new TextEncoder().encode(kind.domain)
}
