/** Bodies of handshake extensions: versions, flags and latencies, stream id, congestion control (draft-sharabayko-srt-01, §3.2.1.1 to §3.2.1.3). */
import { readUint16, readUint32, writeUint16, writeUint32 } from './packet-header.ts'

export const SRT_FLAGS = {
  tsbpdSend: 0x01,
  tsbpdReceive: 0x02,
  /** Always set by libsrt: the other side knows of encryption */
  crypt: 0x04,
  tooLateDrop: 0x08,
  periodicNak: 0x10,
  retransmitFlag: 0x20,
  stream: 0x40,
  packetFilter: 0x80
} as const

/** What we tell others we are: libsrt 1.5.1, whose protocol this is. */
export const SRT_VERSION = 0x010501
/** The first with handshakes of version 5. */
export const LEAST_SRT_VERSION = 0x010300

export interface HandshakeFeatures {
  version: number
  flags: number
  /** Of what the side that says so receives, ms */
  receiveLatencyMs: number
  /** That it proposes for what it sends, ms */
  sendLatencyMs: number
}

export function featuresBody (features: HandshakeFeatures): Uint8Array {
  const body = new Uint8Array(12)
  writeUint32(body, 0, features.version)
  writeUint32(body, 4, features.flags)
  writeUint16(body, 8, features.receiveLatencyMs)
  writeUint16(body, 10, features.sendLatencyMs)
  return body
}

export function readFeatures (body: Uint8Array): HandshakeFeatures | undefined {
  return body.length < 12
    ? undefined
    : {
        version: readUint32(body, 0),
        flags: readUint32(body, 4),
        receiveLatencyMs: readUint16(body, 8),
        sendLatencyMs: readUint16(body, 10)
      }
}

export const MAX_STREAM_ID_BYTES = 512

/** Text as libsrt puts it: zero-padded to whole words, the bytes of each word reversed. */
export function wordsOfText (text: string): Uint8Array {
  const plain = new TextEncoder().encode(text)
  return reverseWords(plain)
}

/** `undefined` when it is longer than `maxBytes`, or not UTF-8. */
export function textOfWords (body: Uint8Array, maxBytes = MAX_STREAM_ID_BYTES): string | undefined {
  if (body.length > maxBytes || body.length % 4 !== 0) {
    return undefined
  }
  const plain = reverseWords(body)
  const end = plain.indexOf(0)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(end === -1 ? plain : plain.subarray(0, end))
  } catch {
    return undefined
  }
}

function reverseWords (bytes: Uint8Array): Uint8Array {
  const reversed = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  for (let at = 0; at < bytes.length; at++) {
    reversed[at ^ 3] = bytes[at] as number
  }
  return reversed
}
