/** Signatures on DNS messages: TSIG with HMAC-SHA-256 (RFC 8945). */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { CLASS_ANY, decodeAnswer, DnsFormatError, encodeName, join, record, RECORD_TYPES, skipName, words } from '../../dns/dns-update.ts'
import type { UpdateAnswer } from '../../dns/dns-update.ts'

export interface TsigKey {
  /** As the server knows it: `fleet.example.org` */
  name: string
  /** Shared with the server, base64, as `tsig-keygen` prints it */
  secret: string
}

export interface SignedMessage {
  message: Uint8Array<ArrayBuffer>
  mac: Uint8Array
}

const ALGORITHM = 'hmac-sha256'
/** By so much clocks may differ, as is usual (RFC 8945, 10). */
const FUDGE_SECONDS = 300
const MAC_BYTES = 32

export function sign (message: Uint8Array, key: TsigKey, nowSeconds: number): SignedMessage {
  const [name, algorithm] = [encodeName(key.name), encodeName(ALGORITHM)]
  const time = words(Math.floor(nowSeconds / 2 ** 32), Math.floor(nowSeconds / 2 ** 16) % 2 ** 16, nowSeconds % 2 ** 16)
  const signedAt = join([time, words(FUDGE_SECONDS)])
  const mac = hmac(key, message, variables(name, algorithm, signedAt, words(0, 0)))
  const originalId = message.subarray(0, 2)
  const tsig = record(name, RECORD_TYPES.TSIG, CLASS_ANY, 0, join([algorithm, signedAt, words(mac.length), mac, originalId, words(0, 0)]))
  return { message: withAdditional(join([message, tsig]), 1), mac }
}

export interface VerifiedAnswer extends UpdateAnswer {
  /** RFC 8945, 3: 16 bad signature, 17 bad key, 18 bad time; 0 when the server took ours */
  tsigError: number
  /** It comes from who has the key, and answers what we asked */
  isAuthentic: boolean
}

/** @param requestMac - of what was asked @throws {DnsFormatError} */
export function verify (message: Uint8Array, key: TsigKey, requestMac: Uint8Array, nowSeconds: number): VerifiedAnswer {
  const answer = decodeAnswer(message)
  if (answer.tsig === undefined) {
    return { ...answer, tsigError: 0, isAuthentic: false }
  }
  const { offset, data } = answer.tsig
  const algorithmEnd = skipName(data, 0)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (algorithmEnd + 10 > data.length) {
    throw new DnsFormatError('The signature breaks off')
  }
  const macLength = view.getUint16(algorithmEnd + 8)
  const rest = algorithmEnd + 10 + macLength
  if (rest + 6 > data.length) {
    throw new DnsFormatError('The signature breaks off')
  }
  const signedAt = data.subarray(algorithmEnd, algorithmEnd + 8)
  const mac = data.subarray(algorithmEnd + 10, rest)
  const signedSeconds = view.getUint16(algorithmEnd) * 2 ** 32 + view.getUint32(algorithmEnd + 2)
  // as it was before it was signed: without the record, under the id that was asked
  const unsigned = withAdditional(join([data.subarray(rest, rest + 2), message.subarray(2, offset)]), -1)
  const expected = hmac(key, words(requestMac.length), requestMac, unsigned,
    variables(encodeName(key.name), encodeName(ALGORITHM), signedAt, data.subarray(rest + 2)))
  return {
    ...answer,
    tsigError: view.getUint16(rest + 2),
    isAuthentic: macLength === MAC_BYTES && timingSafeEqual(mac, expected) && Math.abs(nowSeconds - signedSeconds) <= view.getUint16(algorithmEnd + 6)
  }
}

/** RFC 8945, 4.3.3; `end` is the error, and what else is told. */
function variables (name: Uint8Array, algorithm: Uint8Array, signedAt: Uint8Array, end: Uint8Array): Uint8Array {
  return join([name, words(CLASS_ANY, 0, 0), algorithm, signedAt, end])
}

function hmac ({ secret }: TsigKey, ...parts: Uint8Array[]): Uint8Array {
  const hash = createHmac('sha256', Buffer.from(secret, 'base64'))
  for (const part of parts) {
    hash.update(part)
  }
  return hash.digest()
}

/** Changes the count of additional records. */
function withAdditional (message: Uint8Array<ArrayBuffer>, by: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(message.buffer)
  view.setUint16(10, view.getUint16(10) + by)
  return message
}
