/** The message that carries the keys of a stream, wrapped (draft-sharabayko-srt-01, §3.2.2, §6.1.5 to §6.2.2; RFC 3394). */
import type { SrtCrypto } from './srt-crypto.ts'

/** Bits: 1 even, 2 odd; both while the key changes. */
export type KeySet = 1 | 2 | 3

export type KeyBytes = 16 | 24 | 32

export interface KeyMaterial {
  salt: Uint8Array
  keyBytes: KeyBytes
  even?: Uint8Array
  odd?: Uint8Array
}

const FIXED_BYTES = 16
const SALT_BYTES = 16
const WRAP_BYTES = 8
const VERSION_AND_TYPE = 0x12
const SIGN = [0x20, 0x29]
const CIPHER_AES_CTR = 2
const STREAM_SRT = 2
/** Of the salt, its last bytes. */
const KEK_SALT_BYTES = 8

/** What is answered instead of a message when the keys were not taken: libsrt's states. */
export const KEY_STATES = { unsecured: 0, securing: 1, secured: 2, noSecret: 3, badSecret: 4 } as const

export function deriveKek (crypto: SrtCrypto, passphrase: string, salt: Uint8Array, keyBytes: KeyBytes): Uint8Array {
  return crypto.deriveKey(passphrase, salt.subarray(salt.length - KEK_SALT_BYTES), keyBytes)
}

export function wrapKeyMaterial (crypto: SrtCrypto, kek: Uint8Array, material: KeyMaterial): Uint8Array {
  const keys = [material.even, material.odd].filter(key => key !== undefined)
  const plain = new Uint8Array(keys.length * material.keyBytes)
  keys.forEach((key, at) => { plain.set(key, at * material.keyBytes) })
  const wrapped = crypto.wrapKey(kek, plain)

  const message = new Uint8Array(FIXED_BYTES + SALT_BYTES + wrapped.length)
  message[0] = VERSION_AND_TYPE
  message.set(SIGN, 1)
  message[3] = (material.even === undefined ? 0 : 1) | (material.odd === undefined ? 0 : 2)
  message[8] = CIPHER_AES_CTR
  message[10] = STREAM_SRT
  message[14] = SALT_BYTES / 4
  message[15] = material.keyBytes / 4
  message.set(material.salt, FIXED_BYTES)
  message.set(wrapped, FIXED_BYTES + SALT_BYTES)
  return message
}

/** What can be read without the passphrase. */
export interface WrappedKeyMaterial {
  keySet: KeySet
  salt: Uint8Array
  keyBytes: KeyBytes
  wrapped: Uint8Array
}

/** `undefined` for what is malformed, or encrypted in another way than with AES in counter mode. */
export function readKeyMaterial (message: Uint8Array): WrappedKeyMaterial | undefined {
  const keySet = (message[3] ?? 0) & 3
  const keyBytes = (message[15] ?? 0) * 4
  const known = message[0] === VERSION_AND_TYPE && message[1] === SIGN[0] && message[2] === SIGN[1] &&
    message[8] === CIPHER_AES_CTR && message[9] === 0 && (message[14] as number) * 4 === SALT_BYTES
  if (!known || keySet === 0 || (keyBytes !== 16 && keyBytes !== 24 && keyBytes !== 32)) {
    return undefined
  }
  const keys = keySet === 3 ? 2 : 1
  if (message.length !== FIXED_BYTES + SALT_BYTES + WRAP_BYTES + keys * keyBytes) {
    return undefined
  }
  return {
    keySet: keySet as KeySet,
    salt: message.slice(FIXED_BYTES, FIXED_BYTES + SALT_BYTES),
    keyBytes,
    wrapped: message.slice(FIXED_BYTES + SALT_BYTES)
  }
}

/** `undefined` when the key is another, that is, the passphrase. */
export function unwrapKeyMaterial (crypto: SrtCrypto, kek: Uint8Array, material: WrappedKeyMaterial): KeyMaterial | undefined {
  const { keySet, salt, keyBytes, wrapped } = material
  const plain = crypto.unwrapKey(kek, wrapped)
  if (plain === undefined) {
    return undefined
  }
  return {
    salt,
    keyBytes,
    ...(keySet & 1) !== 0 && { even: plain.slice(0, keyBytes) },
    ...(keySet & 2) !== 0 && { odd: plain.slice(plain.length - keyBytes) }
  }
}
