/** The topic of a model: its name, and the bounds of what is said there (docs/specs/overlays.md). */
import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '@skein/core'

/** Most bytes of a message: an offer with four addresses has some 400. */
export const MAX_OVERLAY_BYTES = 4096

const PREFIX = '/skein/model/1/'
const HASH_BYTES = 16

/** The first 16 bytes of SHA-256 of the model's name in UTF-8, as hexadecimal digits, after the prefix: names may hold what topics must not. */
export function overlayTopic (model: string): string {
  return PREFIX + toHex(sha256(new TextEncoder().encode(model)).subarray(0, HASH_BYTES))
}
