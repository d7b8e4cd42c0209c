/**
 * Single protobuf fields. Fields of a message may come in pieces, so what is the same for many messages is encoded once and sent
 * with an id before it.
 */
import { encodeFrame } from './frame.ts'

/** A request's or an answer's id (field 1). */
export function idField (id: number): Uint8Array {
  const bytes = [0x08]
  for (let rest = id; ; rest = Math.floor(rest / 128)) {
    if (rest < 0x80) {
      bytes.push(rest)
      return Uint8Array.from(bytes)
    }
    bytes.push((rest % 128) | 0x80)
  }
}

/** A field that holds a message which is encoded already; `field` below 16. */
export function messageField (field: number, message: Uint8Array): Uint8Array {
  const framed = encodeFrame(message)
  const bytes = new Uint8Array(1 + framed.length)
  bytes[0] = (field << 3) | 2
  bytes.set(framed, 1)
  return bytes
}
