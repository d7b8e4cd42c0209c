/** What bonding has to know of packets of SRT (draft-sharabayko-srt, §3): sequence numbers, ACK, NAK, the handshake's stream id and latency. */
import { readU16, readU32, writeU32 } from './packet.ts'
import { sequenceAfter, sequenceDistance } from './sequence.ts'

export const SRT_HANDSHAKE = 0x8000
export const SRT_ACK = 0x8002
export const SRT_NAK = 0x8003
export const SRT_SHUTDOWN = 0x8005
/** The header; nothing shorter is SRT. */
export const SRT_HEADER_BYTES = 16

const RETRANSMITTED = 0x04
const HANDSHAKE_BYTES = 48
const CONCLUSION = 0xffffffff
const EXTENSION_HSREQ = 1
const EXTENSION_HSRSP = 2
const EXTENSION_STREAM_ID = 5
const MAX_STREAM_ID_BYTES = 512
const MAX_EXTENSIONS = 16
const RANGE = 0x80000000
const MAX_SEQUENCE = 0x7fffffff

export function isSrtData (bytes: Uint8Array): boolean {
  return (bytes[0] as number) < 0x80
}

/** Of a data packet. */
export function dataSequence (bytes: Uint8Array): number {
  return readU32(bytes, 0)
}

/** A data packet that was sent before: the R bit. */
export function isRetransmission (bytes: Uint8Array): boolean {
  return ((bytes[4] as number) & RETRANSMITTED) !== 0
}

/** The first sequence number that the receiver has not got; `undefined` when the packet is too short. */
export function ackedSequence (bytes: Uint8Array, length: number): number | undefined {
  return length < SRT_HEADER_BYTES + 4 ? undefined : readU32(bytes, SRT_HEADER_BYTES) & MAX_SEQUENCE
}

/** Calls `visit` with each range of lost packets in a NAK, both ends in it; stops at what is no range. */
export function visitLosses (bytes: Uint8Array, length: number, visit: (first: number, last: number) => void): void {
  for (let at = SRT_HEADER_BYTES; at + 4 <= length; at += 4) {
    const word = readU32(bytes, at)
    if (word < RANGE) {
      visit(word, word)
      continue
    }
    const first = word - RANGE
    if (at + 8 > length) {
      return
    }
    at += 4
    const last = readU32(bytes, at)
    if (last >= RANGE || sequenceDistance(last, first) < 0) {
      return
    }
    visit(first, last)
  }
}

/** A NAK's list of losses as it is written: neighbours become ranges. */
export class LossList {
  readonly bytes: Uint8Array
  length = SRT_HEADER_BYTES
  private first = 0
  private last = 0
  private open = false

  constructor (maxBytes: number) {
    this.bytes = new Uint8Array(maxBytes)
  }

  /** Begins anew with the header of that packet. */
  begin (header: Uint8Array): void {
    this.bytes.set(header.subarray(0, SRT_HEADER_BYTES))
    this.length = SRT_HEADER_BYTES
    this.open = false
  }

  /** `false` when there is no room: finish this one, and begin another. */
  add (sequence: number): boolean {
    if (this.open && sequence === sequenceAfter(this.last)) {
      this.last = sequence
      return true
    }
    if (this.length + 16 > this.bytes.length) { // the open range, and another one
      return false
    }
    this.close()
    this.first = this.last = sequence
    this.open = true
    return true
  }

  /** The length of the packet; `undefined` when there is no loss in it. */
  finish (): number | undefined {
    this.close()
    return this.length === SRT_HEADER_BYTES ? undefined : this.length
  }

  private close (): void {
    if (!this.open) {
      return
    }
    this.open = false
    if (this.first !== this.last) {
      writeU32(this.bytes, this.length, (this.first | RANGE) >>> 0)
      this.length += 4
    }
    writeU32(this.bytes, this.length, this.last)
    this.length += 4
  }
}

/** The id of the socket that a handshake comes from; `undefined` for any other packet. */
export function handshakeSocket (bytes: Uint8Array, length = bytes.length): number | undefined {
  const body = SRT_HEADER_BYTES
  return length < body + HANDSHAKE_BYTES || readU16(bytes, 0) !== SRT_HANDSHAKE ? undefined : readU32(bytes, body + 24)
}

/** What a handshake's conclusion tells of the connection. */
export interface SrtConclusion {
  streamId?: string
  /** The larger of what the two sides want, ms; 0 for a stream without delivery by time */
  latencyMs?: number
}

/** Reads the conclusion of a handshake, request or response; `undefined` for any other packet. */
export function readConclusion (bytes: Uint8Array, length = bytes.length): SrtConclusion | undefined {
  const body = SRT_HEADER_BYTES
  if (length < body + HANDSHAKE_BYTES || readU16(bytes, 0) !== SRT_HANDSHAKE || readU32(bytes, body + 20) !== CONCLUSION) {
    return undefined
  }
  const conclusion: SrtConclusion = {}
  let at = body + HANDSHAKE_BYTES
  for (let count = 0; count < MAX_EXTENSIONS && at + 4 <= length; count++) {
    const type = readU16(bytes, at)
    const end = at + 4 + 4 * readU16(bytes, at + 2)
    if (end > length) {
      break
    }
    if (type === EXTENSION_STREAM_ID) {
      conclusion.streamId = readStreamId(bytes, at + 4, end)
    } else if ((type === EXTENSION_HSREQ || type === EXTENSION_HSRSP) && end - at >= 16) {
      conclusion.latencyMs = Math.max(readU16(bytes, at + 12), readU16(bytes, at + 14))
    }
    at = end
  }
  return conclusion
}

/** The bytes of each 32-bit word come in reverse; zeros fill the last one. */
function readStreamId (bytes: Uint8Array, from: number, end: number): string | undefined {
  const size = end - from
  if (size > MAX_STREAM_ID_BYTES) {
    return undefined
  }
  const text = new Uint8Array(size)
  for (let i = 0; i < size; i++) {
    text[i] = bytes[from + (i & ~3) + 3 - (i & 3)] as number
  }
  const zero = text.indexOf(0)
  return new TextDecoder().decode(zero < 0 ? text : text.subarray(0, zero))
}
