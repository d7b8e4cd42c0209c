/** Keys of the routing space: where offers of a model are stored, where a peer stands, and the XOR distance between them. */
import { sha256 } from '@noble/hashes/sha2.js'

/** Bytes of a key. */
export const KEY_BYTES = 32

const DOMAIN = new TextEncoder().encode('skein model key 1')

/**
 * The key of a model, or of a model in one region: SHA-256 of the domain, then model and region, each as UTF-8 after its length
 * (two bytes, big-endian). No region is the empty region.
 */
export function modelKey (model: string, region = ''): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder()
  const parts = [encoder.encode(model), encoder.encode(region)]
  const bytes = new Uint8Array(DOMAIN.length + parts.reduce((length, part) => length + 2 + part.length, 0))
  bytes.set(DOMAIN)
  let offset = DOMAIN.length
  for (const part of parts) {
    if (part.length > 0xffff) {
      throw new RangeError('A model or region name of more than 65,535 bytes')
    }
    bytes[offset] = part.length >>> 8
    bytes[offset + 1] = part.length & 0xff
    bytes.set(part, offset + 2)
    offset += 2 + part.length
  }
  return sha256(bytes) as Uint8Array<ArrayBuffer>
}

/** Where a peer stands: SHA-256 of its id's multihash, as in libp2p's kad-dht, so that one routing table serves both. */
export function kadId (peerIdMultihash: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(peerIdMultihash) as Uint8Array<ArrayBuffer>
}

/** The first 48 bits of the XOR distance as a number: enough to order any two peers but neighbours among 2^24 and more. */
export function nearness (a: Uint8Array, b: Uint8Array): number {
  return (((a[0] as number) ^ (b[0] as number)) * 0x1000000 +
    ((((a[1] as number) ^ (b[1] as number)) << 16) |
    (((a[2] as number) ^ (b[2] as number)) << 8) |
    ((a[3] as number) ^ (b[3] as number)))) * 0x10000 +
    ((((a[4] as number) ^ (b[4] as number)) << 8) | ((a[5] as number) ^ (b[5] as number)))
}

/** Negative when `a` is closer to `target` than `b` is, 0 when they are the same id (Maymounkov and Mazières 2002, §2.1). */
export function compareDistance (a: Uint8Array, b: Uint8Array, target: Uint8Array): number {
  for (let i = 0; i < KEY_BYTES; i++) {
    const difference = ((a[i] as number) ^ (target[i] as number)) - ((b[i] as number) ^ (target[i] as number))
    if (difference !== 0) {
      return difference
    }
  }
  return 0
}

/** How many leading bits two ids share: the bucket in which each keeps the other (Maymounkov and Mazières 2002, §2.2). */
export function commonBits (a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < KEY_BYTES; i++) {
    const difference = (a[i] as number) ^ (b[i] as number)
    if (difference !== 0) {
      return 8 * i + Math.clz32(difference) - 24
    }
  }
  return 8 * KEY_BYTES
}
