/** The 16 bytes that begin every packet (draft-sharabayko-srt-01, §3), read and written in place. */

export const HEADER_BYTES = 16

export const CONTROL_TYPES = {
  handshake: 0,
  keepalive: 1,
  ack: 2,
  nak: 3,
  congestionWarning: 4,
  shutdown: 5,
  ackAck: 6,
  dropRequest: 7,
  peerError: 8,
  userDefined: 0x7fff
} as const

/** Which key a data packet is encrypted with: 0 none, 1 even, 2 odd. */
export type KeySlot = 0 | 1 | 2

const RETRANSMITTED = 0x04
const MESSAGE_NUMBER_MASK = 0x03ffffff
/** Numbers of messages run from 1; 0 is for control packets of a packet filter. */
const MAX_MESSAGE_NUMBER = MESSAGE_NUMBER_MASK

export function readUint32 (bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 24 | (bytes[at + 1] as number) << 16 | (bytes[at + 2] as number) << 8 | (bytes[at + 3] as number)) >>> 0
}

export function writeUint32 (bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function readUint16 (bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) << 8 | (bytes[at + 1] as number)
}

export function writeUint16 (bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function isControl (packet: Uint8Array): boolean {
  return ((packet[0] as number) & 0x80) !== 0
}

export function controlType (packet: Uint8Array): number {
  return readUint16(packet, 0) & 0x7fff
}

/** Of user-defined control packets. */
export function controlSubtype (packet: Uint8Array): number {
  return readUint16(packet, 2)
}

/** The word whose meaning depends on the type: the number of an ACK, of a message. */
export function typeSpecific (packet: Uint8Array): number {
  return readUint32(packet, 4)
}

export function timestamp (packet: Uint8Array): number {
  return readUint32(packet, 8)
}

export function setTimestamp (packet: Uint8Array, value: number): void {
  writeUint32(packet, 8, value)
}

export function destination (packet: Uint8Array): number {
  return readUint32(packet, 12)
}

export function sequence (packet: Uint8Array): number {
  return readUint32(packet, 0) & 0x7fffffff
}

export function keySlot (packet: Uint8Array): number {
  return ((packet[4] as number) >>> 3) & 3
}

export function isRetransmitted (packet: Uint8Array): boolean {
  return ((packet[4] as number) & RETRANSMITTED) !== 0
}

export function markRetransmitted (packet: Uint8Array): void {
  packet[4] = (packet[4] as number) | RETRANSMITTED
}

export function messageNumber (packet: Uint8Array): number {
  return readUint32(packet, 4) & MESSAGE_NUMBER_MASK
}

export function nextMessageNumber (number: number): number {
  return number >= MAX_MESSAGE_NUMBER ? 1 : number + 1
}

export interface DataHeader {
  sequence: number
  messageNumber: number
  keySlot: KeySlot
  /** Both bits: a message of one packet */
  isFirst: boolean
  isLast: boolean
  inOrder: boolean
  timestamp: number
  destination: number
}

/** For a packet that is sent the first time. */
export function writeDataHeader (packet: Uint8Array, header: DataHeader): void {
  writeUint32(packet, 0, header.sequence)
  writeUint32(packet, 4, header.messageNumber)
  packet[4] = (packet[4] as number) | (header.isFirst ? 0x80 : 0) | (header.isLast ? 0x40 : 0) | (header.inOrder ? 0x20 : 0) | header.keySlot << 3
  writeUint32(packet, 8, header.timestamp)
  writeUint32(packet, 12, header.destination)
}
