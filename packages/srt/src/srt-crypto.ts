/**
 * The cryptography that SRT needs, given from outside: it has to be synchronous, as packets are encrypted one by one, and the platform's, as that is
 * fast. `nodeCrypto` of `@skein/srt/node` is one.
 */

/** AES in counter mode under one key. */
export interface PacketCipher {
  /**
   * Encrypts or decrypts, which is the same.
   *
   * @param counter - the 16 bytes that the counter starts at, of which the last two are 0
   * @param into - as long as `input`, and may be the same
   */
  apply (counter: Uint8Array, input: Uint8Array, into: Uint8Array): void
}

export interface SrtCrypto {
  /** PBKDF2 with HMAC-SHA1, 2,048 rounds */
  deriveKey (passphrase: string, salt: Uint8Array, keyBytes: number): Uint8Array
  /** RFC 3394 */
  wrapKey (kek: Uint8Array, key: Uint8Array): Uint8Array
  /** `undefined` when the check value is wrong */
  unwrapKey (kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined
  packetCipher (key: Uint8Array): PacketCipher
  /** A keyed hash, 32 bits of it: for cookies */
  mac32 (key: Uint8Array, data: Uint8Array): number
  randomBytes (length: number): Uint8Array
}
