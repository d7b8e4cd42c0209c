/** How a registration lies in the slab: the terms it is listed under, what has no code, its id, and the signed envelope. */
import { equalBytes } from '@skein/core'
import { CAPABILITIES_KIND } from '@skein/records'

export interface StoredRecord {
  /** List terms besides the region itself */
  terms: number[]
  /** Hashes of names that have no code, 32 bits each */
  names: number[]
  id: Uint8Array
  envelope: Uint8Array
}

const HEAD_BYTES = 4
const TERM_BYTES = 3
const NAME_BYTES = 4
const ID_IN_ENVELOPE = 0

/**
 * What the envelope of each Ed25519 peer begins with: a public key of 36 bytes, whose own head is always the same; the key; the payload type.
 * It is not kept a million times.
 */
const KEY_HEAD = Uint8Array.of(0x0a, 0x24, 0x08, 0x01, 0x12, 0x20)
const KEY_BYTES = 32
const TYPE = new TextEncoder().encode(CAPABILITIES_KIND.domain)
const AFTER_KEY = Uint8Array.of(0x12, TYPE.length, ...TYPE)
const BODY_AT = KEY_HEAD.length + KEY_BYTES + AFTER_KEY.length
/** A peer id that holds its key begins with these: an identity multihash of 36 bytes, then the same head as above. */
const ID_HEAD = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

export function storedLength (record: StoredRecord): number {
  return HEAD_BYTES + TERM_BYTES * record.terms.length + NAME_BYTES * record.names.length +
    (idIsInEnvelope(record) ? 0 : record.id.length) +
    (isCommon(record.envelope) ? record.envelope.length - BODY_AT + KEY_BYTES : record.envelope.length)
}

/** Writes `storedLength` bytes. */
export function writeRecord (record: StoredRecord, into: Uint8Array, offset: number): void {
  const common = isCommon(record.envelope)
  const idLength = idIsInEnvelope(record) ? ID_IN_ENVELOPE : record.id.length
  into[offset] = record.terms.length
  into[offset + 1] = record.names.length
  into[offset + 2] = idLength
  into[offset + 3] = common ? 1 : 0
  let at = offset + HEAD_BYTES
  for (const term of record.terms) {
    into[at++] = term & 0xff
    into[at++] = (term >>> 8) & 0xff
    into[at++] = term >>> 16
  }
  for (const name of record.names) {
    for (let shift = 0; shift < 32; shift += 8) {
      into[at++] = (name >>> shift) & 0xff
    }
  }
  if (idLength > 0) {
    into.set(record.id, at)
    at += idLength
  }
  if (common) {
    into.set(record.envelope.subarray(KEY_HEAD.length, KEY_HEAD.length + KEY_BYTES), at)
    into.set(record.envelope.subarray(BODY_AT), at + KEY_BYTES)
  } else {
    into.set(record.envelope, at)
  }
}

export function readTerms (bytes: Uint8Array, offset: number): number[] {
  return Array.from({ length: bytes[offset] as number }, (_, i) => {
    const at = offset + HEAD_BYTES + TERM_BYTES * i
    return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
  })
}

export function hasTerm (bytes: Uint8Array, offset: number, term: number): boolean {
  return readTerms(bytes, offset).includes(term)
}

export function hasName (bytes: Uint8Array, offset: number, name: number): boolean {
  const first = offset + HEAD_BYTES + TERM_BYTES * (bytes[offset] as number)
  const end = first + NAME_BYTES * (bytes[offset + 1] as number)
  for (let at = first; at < end; at += NAME_BYTES) {
    const value = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
    if (value >>> 0 === name) {
      return true
    }
  }
  return false
}

/** Whether the record of `length` bytes is that of the peer with these id bytes. */
export function isOf (id: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  const at = idOffset(bytes, offset)
  const idLength = bytes[offset + 2] as number
  return idLength === ID_IN_ENVELOPE
    ? id.length === ID_HEAD.length + KEY_BYTES && equalBytes(id.subarray(0, ID_HEAD.length), ID_HEAD) &&
      equalBytes(id.subarray(ID_HEAD.length), bytes.subarray(at, at + KEY_BYTES))
    : equalBytes(id, bytes.subarray(at, at + idLength))
}

/** `length` is that of the stored record. */
export function envelopeLength (bytes: Uint8Array, offset: number, length: number): number {
  const stored = length - (idOffset(bytes, offset) - offset) - (bytes[offset + 2] as number)
  return bytes[offset + 3] === 1 ? stored - KEY_BYTES + BODY_AT : stored
}

export function readEnvelope (bytes: Uint8Array, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const at = idOffset(bytes, offset) + (bytes[offset + 2] as number)
  const envelope = new Uint8Array(envelopeLength(bytes, offset, length))
  if (bytes[offset + 3] === 1) {
    envelope.set(KEY_HEAD)
    envelope.set(bytes.subarray(at, at + KEY_BYTES), KEY_HEAD.length)
    envelope.set(AFTER_KEY, KEY_HEAD.length + KEY_BYTES)
    envelope.set(bytes.subarray(at + KEY_BYTES, offset + length), BODY_AT)
  } else {
    envelope.set(bytes.subarray(at, offset + length))
  }
  return envelope
}

function idOffset (bytes: Uint8Array, offset: number): number {
  return offset + HEAD_BYTES + TERM_BYTES * (bytes[offset] as number) + NAME_BYTES * (bytes[offset + 1] as number)
}

function isCommon (envelope: Uint8Array): boolean {
  return envelope.length > BODY_AT && startsWith(envelope, 0, KEY_HEAD) && startsWith(envelope, KEY_HEAD.length + KEY_BYTES, AFTER_KEY)
}

function idIsInEnvelope ({ id, envelope }: StoredRecord): boolean {
  return id.length === ID_HEAD.length + KEY_BYTES && startsWith(id, 0, ID_HEAD) && isCommon(envelope) &&
    startsWith(envelope, KEY_HEAD.length, id.subarray(ID_HEAD.length))
}

function startsWith (bytes: Uint8Array, at: number, head: Uint8Array): boolean {
  for (let i = 0; i < head.length; i++) {
    if (bytes[at + i] !== head[i]) {
      return false
    }
  }
  return true
}
