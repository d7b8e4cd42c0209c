/** A credential: "I vouch for this peer until then", signed by an authority that operators of seeds name, and carried by the peer. */
import { fromHex, toHex } from '@skein/core'
import { checkLife, openEnvelope, sealEnvelope } from './envelope.ts'
import { checkName, checkNumber } from './field-bounds.ts'
import { CredentialRecord } from './pb/credential.ts'
import { peerIdBytesOf, peerNameOf } from './peer-name.ts'
import { RecordError } from './record-error.ts'
import type { RecordKind } from './envelope.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of a credential: a year and a month to renew it in. */
export const MAX_CREDENTIAL_LIFE_MS = 396 * 86_400_000

/** Most bytes of an envelope with a credential. An Ed25519 authority needs some 250. */
export const MAX_CREDENTIAL_BYTES = 2_048

export const CREDENTIAL_KIND: RecordKind = { domain: '/skein/credential/1', maxLifeMs: MAX_CREDENTIAL_LIFE_MS }

const ID_BYTES = 16
const MAX_NOTE_BYTES = 128

export interface Credential {
  /** 16 random bytes as 32 hexadecimal digits; revocation lists name it by them */
  id: string
  /** The peer it is for, as text */
  subject: string
  issuedAtMs: number
  expiresAtMs: number
  /** For the authority's own books, at most 128 bytes; may be empty */
  note: string
}

export interface SignedCredential {
  credential: Credential
  /** Who vouches, as text */
  authority: string
  envelope: Uint8Array
}

/** @throws {RecordError} `malformed`, `life_too_long` or `oversize` */
export async function signCredential (credential: Credential, privateKey: PrivateKey): Promise<Uint8Array<ArrayBuffer>> {
  const { id, subject, issuedAtMs, expiresAtMs, note } = credential
  const lifeMs = Math.floor(expiresAtMs - issuedAtMs)
  const idBytes = /^[0-9a-f]{32}$/.test(id) ? fromHex(id) : undefined
  if (idBytes === undefined) {
    throw new RecordError('malformed', 'The id of a credential is 32 hexadecimal digits')
  }
  checkName('note', note, { empty: true, maxBytes: MAX_NOTE_BYTES })
  checkNumber('issuedAtMs', issuedAtMs, 0, Number.MAX_SAFE_INTEGER, false)
  if (!(lifeMs > 0 && lifeMs <= MAX_CREDENTIAL_LIFE_MS)) {
    throw new RecordError('life_too_long', `A credential lives from 1 ms to ${MAX_CREDENTIAL_LIFE_MS / 86_400_000} days, not ${lifeMs} ms`)
  }
  const payload = CredentialRecord.encode({ id: idBytes, subject: peerIdBytesOf(subject), issuedAtMs: Math.floor(issuedAtMs), lifeMs, note })
  return await sealEnvelope(CREDENTIAL_KIND, payload, privateKey)
}

/**
 * Checks the signature and the life. Whether the authority is one to listen to, and who may present it, is for the caller to say.
 *
 * @throws {RecordError} with the reason
 */
export async function openCredential (envelope: Uint8Array, nowMs: number): Promise<SignedCredential> {
  const signed = await readCredential(envelope)
  checkLife(CREDENTIAL_KIND, signed.credential, nowMs)
  return signed
}

/**
 * Like `openCredential`, and gives one whose life is over too.
 *
 * @throws {RecordError} with the reason
 */
export async function readCredential (envelope: Uint8Array): Promise<SignedCredential> {
  if (envelope.length > MAX_CREDENTIAL_BYTES) {
    throw new RecordError('oversize', `A credential of ${envelope.length} bytes; at most ${MAX_CREDENTIAL_BYTES} are allowed`)
  }
  const opened = await openEnvelope(CREDENTIAL_KIND, envelope)
  let record: CredentialRecord
  try {
    record = CredentialRecord.decode(opened.payload)
  } catch (error) {
    throw new RecordError('malformed', 'Not a credential', { cause: error })
  }
  if (record.id.length !== ID_BYTES) {
    throw new RecordError('malformed', `The id of a credential has ${record.id.length} bytes; expected ${ID_BYTES}`)
  }
  checkName('note', record.note, { empty: true, maxBytes: MAX_NOTE_BYTES })
  const { issuedAtMs, lifeMs, note } = record
  checkNumber('lifeMs', lifeMs, 1, Number.MAX_SAFE_INTEGER)
  const credential = { id: toHex(record.id), subject: peerNameOf(record.subject), issuedAtMs, expiresAtMs: issuedAtMs + lifeMs, note }
  return { credential, authority: opened.peer, envelope }
}
