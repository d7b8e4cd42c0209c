/** The handshake control packet, version 5, with its extensions (draft-sharabayko-srt-01, §3.2.1). */
import { CONTROL_TYPES, controlType, HEADER_BYTES, isControl, readUint16, readUint32, writeUint16, writeUint32 } from './packet-header.ts'
import type { ControlHeader } from './control-packet.ts'

export const HANDSHAKE_TYPES = { induction: 1, conclusion: 0xffffffff } as const
/** What a listener of version 5 puts into the extension field of its induction. */
export const HANDSHAKE_MAGIC = 0x4a17
/** Bits of the extension field of a conclusion. */
export const EXTENSION_FLAGS = { handshake: 1, key: 2, config: 4 } as const
export const EXTENSION_TYPES = {
  handshakeRequest: 1,
  handshakeResponse: 2,
  keyRequest: 3,
  keyResponse: 4,
  streamId: 5,
  congestion: 6,
  filter: 7,
  group: 8
} as const

const FIXED_BYTES = 48
/** Least packet: header and fixed fields. */
export const HANDSHAKE_BYTES = HEADER_BYTES + FIXED_BYTES
/** A conclusion has six kinds of extension at most; each may come once. */
const MAX_EXTENSIONS = 8

export interface Handshake {
  version: number
  /** Key length: 0 not said, 2 16 bytes, 3 24, 4 32 */
  encryption: number
  extensionField: number
  initialSequence: number
  /** Largest packet with its IP and UDP headers, bytes */
  mss: number
  flowWindowPackets: number
  type: number
  socketId: number
  cookie: number
  /** Of the other side as this one sees it; 16 bytes, in words of the sender's byte order. Nobody relies on it */
  peerAddress: Uint8Array
  extensions: HandshakeExtension[]
}

export interface HandshakeExtension {
  type: number
  /** Whole words */
  body: Uint8Array
}

/** `undefined` when it is no handshake, or malformed. The bodies are views into the packet. */
export function readHandshake (packet: Uint8Array): Handshake | undefined {
  if (packet.length < HANDSHAKE_BYTES || !isControl(packet) || controlType(packet) !== CONTROL_TYPES.handshake) {
    return undefined
  }
  const version = readUint32(packet, 16)
  const extensions: HandshakeExtension[] = []
  for (let at = HANDSHAKE_BYTES; version >= 5 && at + 4 <= packet.length;) {
    const bodyBytes = readUint16(packet, at + 2) * 4
    if (at + 4 + bodyBytes > packet.length || extensions.length === MAX_EXTENSIONS) {
      return undefined
    }
    extensions.push({ type: readUint16(packet, at), body: packet.subarray(at + 4, at + 4 + bodyBytes) })
    at += 4 + bodyBytes
  }
  return {
    version,
    encryption: readUint16(packet, 20),
    extensionField: readUint16(packet, 22),
    initialSequence: readUint32(packet, 24),
    mss: readUint32(packet, 28),
    flowWindowPackets: readUint32(packet, 32),
    type: readUint32(packet, 36),
    socketId: readUint32(packet, 40),
    cookie: readUint32(packet, 44),
    peerAddress: packet.subarray(48, 64),
    extensions
  }
}

export function handshakePacket (handshake: Handshake, header: ControlHeader): Uint8Array {
  const length = handshake.extensions.reduce((sum, { body }) => sum + 4 + body.length, HANDSHAKE_BYTES)
  const packet = new Uint8Array(length)
  writeUint16(packet, 0, 0x8000 | CONTROL_TYPES.handshake)
  writeUint32(packet, 8, header.timestamp)
  writeUint32(packet, 12, header.destination)
  writeUint32(packet, 16, handshake.version)
  writeUint16(packet, 20, handshake.encryption)
  writeUint16(packet, 22, handshake.extensionField)
  writeUint32(packet, 24, handshake.initialSequence)
  writeUint32(packet, 28, handshake.mss)
  writeUint32(packet, 32, handshake.flowWindowPackets)
  writeUint32(packet, 36, handshake.type)
  writeUint32(packet, 40, handshake.socketId)
  writeUint32(packet, 44, handshake.cookie)
  packet.set(handshake.peerAddress.subarray(0, 16), 48)
  let at = HANDSHAKE_BYTES
  for (const { type, body } of handshake.extensions) {
    writeUint16(packet, at, type)
    writeUint16(packet, at + 2, body.length / 4)
    packet.set(body, at + 4)
    at += 4 + body.length
  }
  return packet
}

/** An IPv4 address as libsrt puts it into a handshake, its bytes reversed; zeros for IPv6, as nobody reads them. */
export function addressField (address: string): Uint8Array {
  const field = new Uint8Array(16)
  const parts = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  if (parts !== null) {
    field.set(parts.slice(1).map(Number).reverse())
  }
  return field
}
