/**
 * What a STUN server answers to a datagram (RFC 8489, §6.3; RFC 5780, §6), a pure function. There is no state, so that one who forges its source can
 * fill nothing; and an answer is hardly larger than its question, so that he gains nothing by having it sent to somebody else: no SOFTWARE, and
 * FINGERPRINT only when the question has one.
 */
import {
  attributeOf, BINDING, decodeStun, encodeAddress, encodeStun, encodeXorAddress, STUN_ATTRIBUTE, STUN_CLASS
} from './stun-message.ts'
import type { StunAddress, StunAttribute, StunMessage } from './stun-message.ts'

/** Where a server listens, by address and port: `own` first; the others are there for RFC 5780. */
export interface StunOrigins {
  /** The address and port at which the datagram arrived, as others see it; `undefined` when the server does not know */
  own?: StunAddress
  /** The same address, the other port */
  otherPort?: StunAddress
  /** The other address, the same port */
  otherHost?: StunAddress
  /** The other address, the other port */
  otherBoth?: StunAddress
}

export type StunOrigin = keyof StunOrigins

export interface StunAnswer {
  bytes: Uint8Array
  /** From where it is sent, by what the question asked for */
  from: StunOrigin
}

const CHANGE_IP = 4
const CHANGE_PORT = 2
const UNKNOWN_ATTRIBUTE = 420
/** An attribute below that must be understood (RFC 8489, §14). */
const OPTIONAL_FROM = 0x8000
/** Those that a client may send and a server without credentials need not look at. */
const UNDERSTOOD = new Set<number>([
  STUN_ATTRIBUTE.mappedAddress, STUN_ATTRIBUTE.changeRequest, STUN_ATTRIBUTE.username, STUN_ATTRIBUTE.messageIntegrity,
  STUN_ATTRIBUTE.messageIntegritySha256, STUN_ATTRIBUTE.xorMappedAddress, STUN_ATTRIBUTE.priority, STUN_ATTRIBUTE.useCandidate
])
/** Of an error; a question can have more. */
const MAX_UNKNOWN = 4

/** `undefined`: it is not answered, because it is no question of STUN. */
export function answerStun (bytes: Uint8Array, source: StunAddress, origins: StunOrigins): StunAnswer | undefined {
  const request = decodeStun(bytes)
  if (request === undefined || request.class !== STUN_CLASS.request || request.method !== BINDING) {
    return undefined
  }
  const from = originOf(attributeOf(request, STUN_ATTRIBUTE.changeRequest), origins)
  const unknown = request.attributes.map(({ type }) => type).filter(type => type < OPTIONAL_FROM && !UNDERSTOOD.has(type))
  if (from === undefined) {
    unknown.push(STUN_ATTRIBUTE.changeRequest)
  }
  if (unknown.length > 0 || from === undefined) {
    return { bytes: answerTo(request, STUN_CLASS.error, unknownAttributes(unknown.slice(0, MAX_UNKNOWN))), from: 'own' }
  }
  const attributes: StunAttribute[] = [
    { type: STUN_ATTRIBUTE.xorMappedAddress, value: encodeXorAddress(source, request.transactionId) }
  ]
  const other = origins.otherBoth ?? origins.otherPort
  const origin = origins[from]
  if (other !== undefined && origin !== undefined) {
    attributes.push({ type: STUN_ATTRIBUTE.responseOrigin, value: encodeAddress(origin) })
    attributes.push({ type: STUN_ATTRIBUTE.otherAddress, value: encodeAddress(other) })
  }
  return { bytes: answerTo(request, STUN_CLASS.success, attributes), from }
}

/** `undefined` when it asks for an origin that this server does not have. */
function originOf (change: Uint8Array | undefined, origins: StunOrigins): StunOrigin | undefined {
  if (change === undefined) {
    return 'own'
  }
  if (change.length !== 4) {
    return undefined
  }
  const flags = change[3] as number
  const from = (flags & CHANGE_IP) !== 0 ? (flags & CHANGE_PORT) !== 0 ? 'otherBoth' : 'otherHost' : (flags & CHANGE_PORT) !== 0 ? 'otherPort' : 'own'
  return from === 'own' || origins[from] !== undefined ? from : undefined
}

function unknownAttributes (types: number[]): StunAttribute[] {
  const list = Uint8Array.from(types.flatMap(type => [type >> 8, type & 255]))
  return [
    { type: STUN_ATTRIBUTE.errorCode, value: Uint8Array.of(0, 0, Math.floor(UNKNOWN_ATTRIBUTE / 100), UNKNOWN_ATTRIBUTE % 100) },
    { type: STUN_ATTRIBUTE.unknownAttributes, value: list }
  ]
}

function answerTo ({ method, transactionId, hasFingerprint }: StunMessage, kind: number, attributes: StunAttribute[]): Uint8Array {
  return encodeStun({ method, class: kind, transactionId, attributes, hasFingerprint })
}

/** The flags of CHANGE-REQUEST (RFC 5780, §7.2). */
export function changeRequest (change: { ip?: boolean, port?: boolean }): StunAttribute {
  const flags = (change.ip === true ? CHANGE_IP : 0) | (change.port === true ? CHANGE_PORT : 0)
  return { type: STUN_ATTRIBUTE.changeRequest, value: Uint8Array.of(0, 0, 0, flags) }
}
