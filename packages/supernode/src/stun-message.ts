/** STUN messages (RFC 8489, RFC 5780): reading and writing of those that a Binding needs, without credentials. */
import { crc32 } from '@skein/core'

export const BINDING = 0x0001
/** The classes of a message, as the two bits that tell them. */
export const STUN_CLASS = { request: 0, indication: 1, success: 2, error: 3 } as const
export const STUN_ATTRIBUTE = {
  mappedAddress: 0x0001,
  changeRequest: 0x0003,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  messageIntegritySha256: 0x001c,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  responseOrigin: 0x802b,
  otherAddress: 0x802c
} as const

export interface StunAddress {
  family: 'IPv4' | 'IPv6'
  host: string
  port: number
}

export interface StunAttribute {
  type: number
  value: Uint8Array
}

export interface StunMessage {
  method: number
  /** One of `STUN_CLASS` */
  class: number
  /** 12 bytes */
  transactionId: Uint8Array
  attributes: StunAttribute[]
  /** A FINGERPRINT was there, and is right; a message whose is wrong is none */
  hasFingerprint: boolean
}

export const TRANSACTION_ID_BYTES = 12
const HEADER_BYTES = 20
const COOKIE = 0x2112a442
/** Of a message; the largest that fits into a datagram everywhere. */
const MAX_MESSAGE_BYTES = 1_500
/** Bytes of a type and a length. */
const TLV_BYTES = 4
const FINGERPRINT_XOR = 0x5354554e
const FAMILIES: Record<number, StunAddress['family']> = { 1: 'IPv4', 2: 'IPv6' }

/** `undefined` for what is no STUN message: another protocol's, one that was cut, one with a wrong FINGERPRINT. */
export function decodeStun (bytes: Uint8Array): StunMessage | undefined {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_MESSAGE_BYTES || bytes.length % 4 !== 0) {
    return undefined
  }
  const view = viewOf(bytes)
  const type = view.getUint16(0)
  if (type >= 0x4000 || view.getUint16(2) !== bytes.length - HEADER_BYTES || view.getUint32(4) !== COOKIE) {
    return undefined
  }
  const attributes: StunAttribute[] = []
  let hasFingerprint = false
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const [attribute, length] = [view.getUint16(at), view.getUint16(at + 2)]
    const end = at + TLV_BYTES + length
    // nothing comes after a FINGERPRINT (RFC 8489, §14.7)
    if (end > bytes.length || hasFingerprint) {
      return undefined
    }
    if (attribute === STUN_ATTRIBUTE.fingerprint) {
      if (length !== 4 || view.getUint32(at + TLV_BYTES) !== fingerprintOf(bytes.subarray(0, at))) {
        return undefined
      }
      hasFingerprint = true
    }
    attributes.push({ type: attribute, value: bytes.subarray(at + TLV_BYTES, end) })
    at = end + (4 - length % 4) % 4
  }
  return {
    // the bits of the class lie between those of the method (§5)
    method: (type & 0x3e00) >> 2 | (type & 0x00e0) >> 1 | type & 0x000f,
    class: (type & 0x0100) >> 7 | (type & 0x0010) >> 4,
    transactionId: bytes.subarray(8, HEADER_BYTES),
    attributes,
    hasFingerprint
  }
}

/** With a FINGERPRINT at its end when `hasFingerprint`. */
export function encodeStun ({ method, class: kind, transactionId, attributes, hasFingerprint }: StunMessage): Uint8Array {
  const bodyBytes = attributes.reduce((sum, { value }) => sum + TLV_BYTES + padded(value.length), 0) + (hasFingerprint ? 2 * TLV_BYTES : 0)
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes)
  const view = viewOf(bytes)
  view.setUint16(0, (method & 0x0f80) << 2 | (method & 0x0070) << 1 | method & 0x000f | (kind & 2) << 7 | (kind & 1) << 4)
  view.setUint16(2, bodyBytes)
  view.setUint32(4, COOKIE)
  bytes.set(transactionId, 8)
  let at = HEADER_BYTES
  for (const { type, value } of attributes) {
    view.setUint16(at, type)
    view.setUint16(at + 2, value.length)
    bytes.set(value, at + TLV_BYTES)
    at += TLV_BYTES + padded(value.length)
  }
  if (hasFingerprint) {
    view.setUint16(at, STUN_ATTRIBUTE.fingerprint)
    view.setUint16(at + 2, 4)
    view.setUint32(at + TLV_BYTES, fingerprintOf(bytes.subarray(0, at)))
  }
  return bytes
}

export function attributeOf (message: StunMessage, type: number): Uint8Array | undefined {
  return message.attributes.find(attribute => attribute.type === type)?.value
}

/** MAPPED-ADDRESS and those of its form (§14.1); `undefined` for what is none. */
export function decodeAddress (value: Uint8Array | undefined): StunAddress | undefined {
  const family = value === undefined ? undefined : FAMILIES[value[1] ?? 0]
  if (value === undefined || family === undefined || value.length !== (family === 'IPv4' ? 8 : 20)) {
    return undefined
  }
  return { family, host: hostText(value.subarray(4)), port: viewOf(value).getUint16(2) }
}

export function encodeAddress ({ family, host, port }: StunAddress): Uint8Array {
  const octets = hostOctets(host, family)
  const value = new Uint8Array(4 + octets.length)
  value[1] = family === 'IPv4' ? 1 : 2
  viewOf(value).setUint16(2, port)
  value.set(octets, 4)
  return value
}

/** XOR-MAPPED-ADDRESS (§14.2); the same both ways. */
export function decodeXorAddress (value: Uint8Array | undefined, transactionId: Uint8Array): StunAddress | undefined {
  return value === undefined || value.length < 4 ? undefined : decodeAddress(xored(value, transactionId))
}

export function encodeXorAddress (address: StunAddress, transactionId: Uint8Array): Uint8Array {
  return xored(encodeAddress(address), transactionId)
}

/** The port with the first half of the cookie, the address with cookie and transaction id. */
function xored (value: Uint8Array, transactionId: Uint8Array): Uint8Array {
  const mask = new Uint8Array(4 + TRANSACTION_ID_BYTES)
  viewOf(mask).setUint32(0, COOKIE)
  mask.set(transactionId, 4)
  return value.map((byte, i) => i < 2 ? byte : i < 4 ? byte ^ (mask[i - 2] as number) : byte ^ (mask[i - 4] ?? 0))
}

function fingerprintOf (before: Uint8Array): number {
  // the length in the header counts the FINGERPRINT, which is there in both uses of this
  return (crc32(before) ^ FINGERPRINT_XOR) >>> 0
}

function padded (length: number): number {
  return length + (4 - length % 4) % 4
}

function viewOf (bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function hostText (octets: Uint8Array): string {
  if (octets.length === 4) {
    return octets.join('.')
  }
  const groups = Array.from({ length: 8 }, (_, i) => ((octets[2 * i] as number) << 8 | (octets[2 * i + 1] as number)).toString(16))
  // the longest run of zeros is left out (RFC 5952, §4.2)
  const runs = [...groups.map(group => group === '0' ? '0' : '-').join('').matchAll(/0{2,}/g)]
  const longest = runs.toSorted((a, b) => b[0].length - a[0].length)[0]
  if (longest === undefined) {
    return groups.join(':')
  }
  return `${groups.slice(0, longest.index).join(':')}::${groups.slice(longest.index + longest[0].length).join(':')}`
}

/** @throws {RangeError} for what is no address of the family */
function hostOctets (host: string, family: StunAddress['family']): Uint8Array {
  const octets = family === 'IPv4' ? host.split('.').map(Number) : ip6Octets(host.replace(/%.*$/, ''))
  if (octets.length !== (family === 'IPv4' ? 4 : 16) || octets.some(octet => !Number.isInteger(octet) || octet < 0 || octet > 255)) {
    throw new RangeError(`${host} is no ${family} address`)
  }
  return Uint8Array.from(octets)
}

function ip6Octets (host: string): number[] {
  const plain = host.replace(/\d+\.\d+\.\d+\.\d+$/, quad => {
    const [a = 0, b = 0, c = 0, d = 0] = quad.split('.').map(Number)
    return `${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`
  })
  const [head = '', tail] = plain.split('::')
  const read = (part: string): number[] => part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const [left, right] = [read(head), read(tail ?? '')]
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array.from({ length: zeros }, () => 0), ...right].flatMap(group => [group >> 8, group & 255])
}
