/** Control packets other than the handshake: written and read (draft-sharabayko-srt-01, §3.2.2 to §3.2.9). */
import { CONTROL_TYPES, HEADER_BYTES, readUint32, writeUint16, writeUint32 } from './packet-header.ts'

export interface ControlHeader {
  timestamp: number
  destination: number
}

/** What a full acknowledgement tells besides how far it reaches. */
export interface AckReport {
  /** The first packet that is missing */
  sequence: number
  rttUs: number
  rttVarianceUs: number
  /** Packets that there is room for */
  freePackets: number
  packetsPerSecond: number
  /** Capacity of the link as packet pairs show it */
  linkPacketsPerSecond: number
  bytesPerSecond: number
}

const FULL_ACK_BYTES = 28
/** Least body of an acknowledgement that has a number and round trip times. */
const SMALL_ACK_BYTES = 16
const LIGHT_ACK_BYTES = 4

function control (type: number, specific: number, bodyBytes: number, header: ControlHeader): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(HEADER_BYTES + bodyBytes)
  writeUint16(packet, 0, 0x8000 | type)
  writeUint32(packet, 4, specific)
  writeUint32(packet, 8, header.timestamp)
  writeUint32(packet, 12, header.destination)
  return packet
}

/** libsrt sends a word of zeros with control packets that have no body, and so do we. */
const EMPTY_BODY_BYTES = 4

export function keepalivePacket (header: ControlHeader): Uint8Array {
  return control(CONTROL_TYPES.keepalive, 0, EMPTY_BODY_BYTES, header)
}

export function shutdownPacket (header: ControlHeader): Uint8Array {
  return control(CONTROL_TYPES.shutdown, 0, EMPTY_BODY_BYTES, header)
}

export function ackAckPacket (number: number, header: ControlHeader): Uint8Array {
  return control(CONTROL_TYPES.ackAck, number, EMPTY_BODY_BYTES, header)
}

export function lightAckPacket (sequence: number, header: ControlHeader): Uint8Array {
  const packet = control(CONTROL_TYPES.ack, 0, LIGHT_ACK_BYTES, header)
  writeUint32(packet, HEADER_BYTES, sequence)
  return packet
}

export function ackPacket (number: number, report: AckReport, header: ControlHeader): Uint8Array {
  const packet = control(CONTROL_TYPES.ack, number, FULL_ACK_BYTES, header)
  writeUint32(packet, 16, report.sequence)
  writeUint32(packet, 20, report.rttUs)
  writeUint32(packet, 24, report.rttVarianceUs)
  writeUint32(packet, 28, report.freePackets)
  writeUint32(packet, 32, report.packetsPerSecond)
  writeUint32(packet, 36, report.linkPacketsPerSecond)
  writeUint32(packet, 40, report.bytesPerSecond)
  return packet
}

export type Ack =
  | { type: 'light', sequence: number }
  | { type: 'full', report: AckReport }

/** `undefined` when it is malformed. What older senders leave out is 0. */
export function readAck (packet: Uint8Array): Ack | undefined {
  const bodyBytes = packet.length - HEADER_BYTES
  if (bodyBytes < LIGHT_ACK_BYTES) {
    return undefined
  }
  const sequence = readUint32(packet, 16)
  if (sequence > 0x7fffffff) {
    return undefined
  }
  if (bodyBytes < SMALL_ACK_BYTES) {
    return { type: 'light', sequence }
  }
  const word = (at: number): number => packet.length >= at + 4 ? readUint32(packet, at) : 0
  return {
    type: 'full',
    report: {
      sequence,
      rttUs: word(20),
      rttVarianceUs: word(24),
      freePackets: word(28),
      packetsPerSecond: word(32),
      linkPacketsPerSecond: word(36),
      bytesPerSecond: word(40)
    }
  }
}

export interface DropRequest {
  messageNumber: number
  first: number
  last: number
}

export function dropRequestPacket ({ messageNumber, first, last }: DropRequest, header: ControlHeader): Uint8Array {
  const packet = control(CONTROL_TYPES.dropRequest, messageNumber, 8, header)
  writeUint32(packet, 16, first)
  writeUint32(packet, 20, last)
  return packet
}

export function readDropRequest (packet: Uint8Array): DropRequest | undefined {
  if (packet.length < HEADER_BYTES + 8) {
    return undefined
  }
  const [first, last] = [readUint32(packet, 16), readUint32(packet, 20)]
  return first > 0x7fffffff || last > 0x7fffffff
    ? undefined
    : { messageNumber: readUint32(packet, 4) & 0x03ffffff, first, last }
}

/** Subtypes of user-defined control packets, with which keys are changed after the handshake. */
export const USER_SUBTYPES = { keyRequest: 3, keyResponse: 4 } as const

export function userPacket (subtype: number, body: Uint8Array, header: ControlHeader): Uint8Array {
  const packet = control(CONTROL_TYPES.userDefined, 0, body.length, header)
  writeUint16(packet, 2, subtype)
  packet.set(body, HEADER_BYTES)
  return packet
}

/** A control packet whose body is words. */
export function wordsPacket (type: number, words: readonly number[], header: ControlHeader): Uint8Array<ArrayBuffer> {
  const packet = control(type, 0, words.length * 4, header)
  for (let at = 0; at < words.length; at++) {
    writeUint32(packet, HEADER_BYTES + at * 4, words[at] as number)
  }
  return packet
}
