/** The values of a store: a CRC-32 over key and text, 4 bytes big-endian, then the text. One that stands under another key is damaged too. */
import { crc32 } from '@skein/core'

export interface CheckedValue {
  text: string
  crc: number
}

export function checkedValue (key: string, text: string): { bytes: Uint8Array, crc: number } {
  const body = new TextEncoder().encode(text)
  const crc = crcOf(key, body)
  const bytes = new Uint8Array(4 + body.length)
  new DataView(bytes.buffer).setUint32(0, crc)
  bytes.set(body, 4)
  return { bytes, crc }
}

/** `undefined` when it is damaged. */
export function readChecked (key: string, bytes: Uint8Array): CheckedValue | undefined {
  if (bytes.length < 4) {
    return undefined
  }
  const body = bytes.subarray(4)
  const crc = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  return crc === crcOf(key, body) ? { text: new TextDecoder().decode(body), crc } : undefined
}

function crcOf (key: string, body: Uint8Array): number {
  return crc32(body, crc32(new TextEncoder().encode(`${key}\n`)))
}
