/** A receipt: "this is what was delivered", one payload that provider and consumer each sign in an envelope of their own (docs/specs/receipts.md). */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { equalBytes, fromHex, toHex } from '@skein/core'
import { checkLife, openEnvelope, readEnvelope, sealEnvelope } from './envelope.ts'
import { checkName, checkNumber } from './field-bounds.ts'
import { ReceiptRecord } from './pb/receipt.ts'
import { peerIdBytesOf, peerNameOf } from './peer-name.ts'
import { RecordError } from './record-error.ts'
import type { Opened, RecordKind } from './envelope.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of a receipt: after four half-lives of 7 days it says little of how its parties are now. */
export const MAX_RECEIPT_LIFE_MS = 30 * 86_400_000

/** Most bytes of an envelope with a receipt. Keys are Ed25519 or secp256k1; an RSA key alone would take more. */
export const MAX_RECEIPT_BYTES = 512

/** The longest request, or period of a relay. */
export const MAX_RECEIPT_DURATION_MS = 86_400_000

export const RECEIPT_KIND: RecordKind = { domain: '/skein/receipt/1', maxLifeMs: MAX_RECEIPT_LIFE_MS }

/** The position is the number on the wire, less one. */
const KINDS = ['inference', 'relay'] as const
const OUTCOMES = ['complete', 'failed', 'truncated', 'refused'] as const
const PATHS = ['local', 'direct', 'punched', 'relayed', 'bonded'] as const

const REQUEST_ID_BYTES = 16

export type ReceiptKind = typeof KINDS[number]
/** How a request ended, as the consumer saw it. */
export type ReceiptOutcome = typeof OUTCOMES[number]
/** How the two were connected. */
export type ReceiptPath = typeof PATHS[number]

interface Delivery {
  /** 16 random bytes of the consumer as 32 hexadecimal digits; with the parties it counts once */
  requestId: string
  /** Who served, as text */
  provider: string
  /** Whom, as text */
  consumer: string
  outcome: ReceiptOutcome
  path: ReceiptPath
  bytes: number
  issuedAtMs: number
  expiresAtMs: number
}

export interface InferenceReceipt extends Delivery {
  kind: 'inference'
  /** Model id, 1 to 128 bytes */
  model: string
  tokensIn: number
  tokensOut: number
  /** From the request to the first token, ms; left out when none came */
  firstTokenMs?: number
  /** From the request to its end, ms */
  durationMs: number
}

/** Bytes that a relay, the provider, carried for its client, the consumer. */
export interface RelayReceipt extends Delivery {
  kind: 'relay'
  /** The period in which they were carried, ms */
  durationMs: number
}

export type Receipt = InferenceReceipt | RelayReceipt

/** A receipt and the envelope it came in; forward the envelope. */
export interface SignedReceipt {
  receipt: Receipt
  /** The signer: one of the two parties */
  signer: string
  envelope: Uint8Array
}

/** What there is of one receipt: signed by both, or by one because the other refuses. */
export interface ReceiptProof {
  receipt: Receipt
  /** At least one of the two is there */
  byProvider?: Uint8Array
  byConsumer?: Uint8Array
}

/** @throws {RecordError} `malformed` naming the field, `oversize`, or `wrong_signer` when the key is neither party's */
export async function signReceipt (receipt: Receipt, privateKey: PrivateKey): Promise<SignedReceipt> {
  const whole = { ...receipt, issuedAtMs: Math.floor(receipt.issuedAtMs), expiresAtMs: Math.floor(receipt.expiresAtMs) }
  checkReceipt(whole)
  return await seal(whole, encode(whole), privateKey)
}

/**
 * Signs what the other party signed: the same bytes, so that fields which this version does not know are signed too.
 *
 * @throws {RecordError} `wrong_signer` when the key is not the other party's
 */
export async function countersignReceipt (signed: SignedReceipt, privateKey: PrivateKey): Promise<SignedReceipt> {
  if (peerIdFromPrivateKey(privateKey).toString() === signed.signer) {
    throw new RecordError('wrong_signer', 'The one who signed a receipt cannot countersign it')
  }
  return await seal(signed.receipt, readEnvelope(RECEIPT_KIND, signed.envelope).payload, privateKey)
}

/**
 * Checks size, signature, signer, bounds and life.
 *
 * @throws {RecordError} with the reason
 */
export async function openReceipt (envelope: Uint8Array, nowMs: number): Promise<SignedReceipt> {
  checkSize(envelope)
  const signed = decode(await openEnvelope(RECEIPT_KIND, envelope), envelope)
  checkLife(RECEIPT_KIND, signed.receipt, nowMs)
  return signed
}

/**
 * Opens one envelope, or the two of a receipt that both have signed.
 *
 * @throws {RecordError} with the reason; `wrong_signer` when two envelopes are not of the two parties, or do not hold the same bytes
 */
export async function openReceiptProof (envelopes: readonly Uint8Array[], nowMs: number): Promise<ReceiptProof> {
  const [first, second] = envelopes
  if (first === undefined || envelopes.length > 2) {
    throw new RecordError('malformed', `A receipt has one envelope or two, not ${envelopes.length}`)
  }
  const signed = [await openReceipt(first, nowMs)]
  if (second !== undefined) {
    signed.push(await openReceipt(second, nowMs))
  }
  return joinReceipts(signed)
}

/**
 * Reads what was opened before and kept since: neither signatures nor life are checked again.
 *
 * @throws {RecordError} with the reason
 */
export function readReceiptProof (envelopes: readonly Uint8Array[]): ReceiptProof {
  if (envelopes.length < 1 || envelopes.length > 2) {
    throw new RecordError('malformed', `A receipt has one envelope or two, not ${envelopes.length}`)
  }
  return joinReceipts(envelopes.map(envelope => {
    checkSize(envelope)
    return decode(readEnvelope(RECEIPT_KIND, envelope), envelope)
  }))
}

/** Puts together what was opened. @throws {RecordError} `wrong_signer` when the two do not belong together */
export function joinReceipts (signed: readonly SignedReceipt[]): ReceiptProof {
  const { receipt, signer, envelope } = signed[0] as SignedReceipt
  const other = signed[1]
  if (other !== undefined && (other.signer === signer || !equalBytes(payloadOf(envelope), payloadOf(other.envelope)))) {
    throw new RecordError('wrong_signer', 'The two envelopes are not the two parties\' of one receipt')
  }
  const of = (party: string): Uint8Array | undefined => signed.find(part => part.signer === party)?.envelope
  return { receipt, byProvider: of(receipt.provider), byConsumer: of(receipt.consumer) }
}

/** What a receipt is known by: it counts once, whatever else it says. */
export function receiptKey ({ kind, requestId, provider, consumer }: Receipt): string {
  return `${kind}/${provider}/${consumer}/${requestId}`
}

function payloadOf (envelope: Uint8Array): Uint8Array {
  return readEnvelope(RECEIPT_KIND, envelope).payload
}

async function seal (receipt: Receipt, payload: Uint8Array, privateKey: PrivateKey): Promise<SignedReceipt> {
  const signer = peerIdFromPrivateKey(privateKey).toString()
  checkSigner(receipt, signer)
  const envelope = await sealEnvelope(RECEIPT_KIND, payload, privateKey)
  checkSize(envelope)
  return { receipt, signer, envelope }
}

function encode (receipt: Receipt): Uint8Array {
  return ReceiptRecord.encode({
    ...(receipt.kind === 'inference' ? receipt : { model: '', tokensIn: 0, tokensOut: 0 }),
    requestId: fromHex(receipt.requestId),
    kind: KINDS.indexOf(receipt.kind) + 1,
    provider: peerIdBytesOf(receipt.provider),
    consumer: peerIdBytesOf(receipt.consumer),
    issuedAtMs: receipt.issuedAtMs,
    lifeMs: receipt.expiresAtMs - receipt.issuedAtMs,
    outcome: OUTCOMES.indexOf(receipt.outcome) + 1,
    path: PATHS.indexOf(receipt.path) + 1,
    durationMs: receipt.durationMs,
    bytes: receipt.bytes
  })
}

function decode ({ payload, peer }: Opened, envelope: Uint8Array): SignedReceipt {
  let record: ReceiptRecord
  try {
    record = ReceiptRecord.decode(payload)
  } catch (error) {
    throw new RecordError('malformed', 'Not a receipt', { cause: error })
  }
  const { model, tokensIn, tokensOut, firstTokenMs } = record
  const kind = named('kind', KINDS, record.kind)
  const delivery = {
    requestId: toHex(record.requestId),
    provider: peerNameOf(record.provider),
    consumer: peerNameOf(record.consumer),
    outcome: named('outcome', OUTCOMES, record.outcome),
    path: named('path', PATHS, record.path),
    durationMs: record.durationMs,
    bytes: record.bytes,
    issuedAtMs: record.issuedAtMs,
    expiresAtMs: record.issuedAtMs + record.lifeMs
  }
  const receipt: Receipt = kind === 'relay'
    ? { kind, ...delivery }
    : { kind, ...delivery, model, tokensIn, tokensOut, ...(firstTokenMs === undefined ? {} : { firstTokenMs }) }
  checkReceipt(receipt)
  checkSigner(receipt, peer)
  return { receipt, signer: peer, envelope }
}

function named<T extends string> (field: string, names: readonly T[], code: number): T {
  const name = names[code - 1]
  if (name === undefined) {
    throw new RecordError('malformed', `${field} is ${code}; expected 1 to ${names.length}`)
  }
  return name
}

function checkReceipt (receipt: Receipt): void {
  if (!/^[0-9a-f]+$/.test(receipt.requestId) || receipt.requestId.length !== 2 * REQUEST_ID_BYTES) {
    throw new RecordError('malformed', `requestId is not ${2 * REQUEST_ID_BYTES} hexadecimal digits, small letters`)
  }
  if (receipt.provider === receipt.consumer) {
    throw new RecordError('malformed', 'provider and consumer are the same peer')
  }
  checkNamed('kind', KINDS, receipt.kind)
  checkNamed('outcome', OUTCOMES, receipt.outcome)
  checkNamed('path', PATHS, receipt.path)
  checkNumber('issuedAtMs', receipt.issuedAtMs, 0, Number.MAX_SAFE_INTEGER - MAX_RECEIPT_LIFE_MS)
  checkNumber('life', receipt.expiresAtMs - receipt.issuedAtMs, 1, 0xffffffff)
  checkNumber('durationMs', receipt.durationMs, 0, MAX_RECEIPT_DURATION_MS)
  checkNumber('bytes', receipt.bytes, 0, Number.MAX_SAFE_INTEGER)
  if (receipt.kind === 'inference') {
    checkName('model', receipt.model)
    checkNumber('tokensIn', receipt.tokensIn, 0, 0xffffffff)
    checkNumber('tokensOut', receipt.tokensOut, 0, 0xffffffff)
    if (receipt.firstTokenMs !== undefined) {
      checkNumber('firstTokenMs', receipt.firstTokenMs, 0, receipt.durationMs)
    }
  }
}

function checkNamed (field: string, names: readonly string[], value: string): void {
  if (!names.includes(value)) {
    throw new RecordError('malformed', `${field} is ${JSON.stringify(value)}; expected one of ${names.join(', ')}`)
  }
}

function checkSigner ({ provider, consumer }: Receipt, signer: string): void {
  if (signer !== provider && signer !== consumer) {
    throw new RecordError('wrong_signer', 'Signed by neither party of the receipt')
  }
}

function checkSize (envelope: Uint8Array): void {
  if (envelope.length > MAX_RECEIPT_BYTES) {
    throw new RecordError('oversize', `A receipt of ${envelope.length} bytes; at most ${MAX_RECEIPT_BYTES} are allowed`)
  }
}
