/** Packets of SRTLA, all big-endian: how they are told apart, read and written. */

export const KEEPALIVE = 0x9000
export const ACK = 0x9100
export const REG1 = 0x9200
export const REG2 = 0x9201
export const REG3 = 0x9202
export const REG_ERR = 0x9210
export const REG_NGP = 0x9211
export const REG_NAK = 0x9212

/** The id of a group: the first half is the sender's choice, the second the receiver's. */
export const ID_BYTES = 256
export const HALF_ID_BYTES = ID_BYTES / 2
export const REG_BYTES = 2 + ID_BYTES
/** Sequence numbers in one ACK. */
export const ACK_SEQUENCES = 10
export const ACK_BYTES = 4 + 4 * ACK_SEQUENCES
export const KEEPALIVE_BYTES = 38
/** Larger ones are cut by some implementations, so nobody sends them. */
export const MAX_PACKET_BYTES = 1_500
/** What control packets are padded to where networks drop smaller ones. Relayed packets of SRT never are: zeros behind a NAK say "0 is lost". */
export const PADDED_BYTES = 32

const EXTENSION_MAGIC = 0xc01f
const EXTENSION_VERSION = 1
const TIMED_KEEPALIVE_BYTES = 10

/** What the sender tells of a link with its keepalives. */
export interface LinkReport {
  /** The sender's clock, ms; 0 in one that it did not send by its clock */
  timeMs: number
  connection: number
  window: number
  inFlight: number
  rttMs: number
  naks: number
  bytesPerSecond: number
}

/** The first 16 bits; 0 when there are less. */
export function packetType (bytes: Uint8Array, length = bytes.length): number {
  return length < 2 ? 0 : (bytes[0] as number) << 8 | (bytes[1] as number)
}

/** One that is nothing but its type: REG3, REG_ERR, REG_NGP, the short keepalive. */
export function encodeBare (type: number, options: { padded?: boolean } = {}): Uint8Array {
  const bytes = new Uint8Array(options.padded === true ? PADDED_BYTES : 2)
  writeType(bytes, type)
  return bytes
}

/** REG1 or REG2. */
export function encodeRegistration (type: typeof REG1 | typeof REG2, id: Uint8Array): Uint8Array {
  if (id.length !== ID_BYTES) {
    throw new RangeError(`The id of a group has ${ID_BYTES} bytes, not ${id.length}`)
  }
  const bytes = new Uint8Array(REG_BYTES)
  writeType(bytes, type)
  bytes.set(id, 2)
  return bytes
}

/** The id in a REG1 or REG2, a view of it; `undefined` when it is too long or too short. */
export function registrationId (bytes: Uint8Array, length = bytes.length): Uint8Array | undefined {
  return length === REG_BYTES ? bytes.subarray(2, REG_BYTES) : undefined
}

/** An ACK to be filled in by `writeAckSequence`. */
export function emptyAck (): Uint8Array {
  const bytes = new Uint8Array(ACK_BYTES)
  writeType(bytes, ACK)
  return bytes
}

export function writeAckSequence (ack: Uint8Array, at: number, sequence: number): void {
  writeU32(ack, 4 + 4 * at, sequence)
}

/** How many sequence numbers there are in an ACK of that length: zeros of padding would be numbers, so it is ten at most. */
export function ackCount (length: number): number {
  return Math.max(0, Math.min(ACK_SEQUENCES, (length - 4) >> 2))
}

export function ackSequence (bytes: Uint8Array, at: number): number {
  return readU32(bytes, 4 + 4 * at) & 0x7fffffff
}

/** The long keepalive, written into `bytes`. */
export function writeKeepalive (bytes: Uint8Array, report: LinkReport): void {
  writeType(bytes, KEEPALIVE)
  writeU64(bytes, 2, report.timeMs)
  writeU16(bytes, 10, EXTENSION_MAGIC)
  writeU16(bytes, 12, EXTENSION_VERSION)
  writeU32(bytes, 14, report.connection)
  writeU32(bytes, 18, report.window)
  writeU32(bytes, 22, report.inFlight)
  writeU32(bytes, 26, report.rttMs)
  writeU32(bytes, 30, report.naks)
  writeU32(bytes, 34, report.bytesPerSecond)
}

/** When a keepalive was sent, by the sender's clock; `undefined` in one that does not say. */
export function keepaliveTimeMs (bytes: Uint8Array, length = bytes.length): number | undefined {
  const timeMs = length < TIMED_KEEPALIVE_BYTES ? 0 : readU32(bytes, 2) * 0x100000000 + readU32(bytes, 6)
  return timeMs === 0 ? undefined : timeMs
}

/** What a long keepalive says; `undefined` for a shorter or unknown one. */
export function readKeepalive (bytes: Uint8Array, length = bytes.length): LinkReport | undefined {
  if (length < KEEPALIVE_BYTES || readU16(bytes, 10) !== EXTENSION_MAGIC || readU16(bytes, 12) !== EXTENSION_VERSION) {
    return undefined
  }
  return {
    timeMs: readU32(bytes, 2) * 0x100000000 + readU32(bytes, 6),
    connection: readU32(bytes, 14),
    window: readU32(bytes, 18) | 0,
    inFlight: readU32(bytes, 22) | 0,
    rttMs: readU32(bytes, 26),
    naks: readU32(bytes, 30),
    bytesPerSecond: readU32(bytes, 34)
  }
}

/** Takes the same time wherever the two differ, so that nobody finds an id byte by byte. */
export function idsEqual (a: Uint8Array, b: Uint8Array, length: number): boolean {
  if (a.length < length || b.length < length) {
    return false
  }
  let difference = 0
  for (let i = 0; i < length; i++) {
    difference |= (a[i] as number) ^ (b[i] as number)
  }
  return difference === 0
}

export function readU16 (bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) << 8 | (bytes[at + 1] as number)
}

export function readU32 (bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 24 | (bytes[at + 1] as number) << 16 | (bytes[at + 2] as number) << 8 | (bytes[at + 3] as number)) >>> 0
}

export function writeU16 (bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function writeU32 (bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function writeU64 (bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, Math.floor(value / 0x100000000))
  writeU32(bytes, at + 4, value % 0x100000000)
}

function writeType (bytes: Uint8Array, type: number): void {
  writeU16(bytes, 0, type)
}
