/** The cryptography of SRT by Node's (OpenSSL). */
import { createCipheriv, createDecipheriv, hash, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { PacketCipher, SrtCrypto } from '../srt-crypto.ts'

const ROUNDS = 2_048
/** RFC 3394, §2.2.3.1 */
const WRAP_IV = Buffer.from('a6a6a6a6a6a6a6a6', 'hex')

class NodePacketCipher implements PacketCipher {
  private readonly algorithm: string
  private readonly key: Uint8Array

  constructor (key: Uint8Array) {
    this.algorithm = `aes-${key.length * 8}-ctr`
    this.key = key
  }

  apply (counter: Uint8Array, input: Uint8Array, into: Uint8Array): void {
    into.set(createCipheriv(this.algorithm, this.key, counter).update(input))
  }
}

class NodeCrypto implements SrtCrypto {
  deriveKey (passphrase: string, salt: Uint8Array, keyBytes: number): Uint8Array {
    return pbkdf2Sync(passphrase, salt, ROUNDS, keyBytes, 'sha1')
  }

  wrapKey (kek: Uint8Array, key: Uint8Array): Uint8Array {
    const cipher = createCipheriv(`id-aes${kek.length * 8}-wrap`, kek, WRAP_IV)
    return Buffer.concat([cipher.update(key), cipher.final()])
  }

  unwrapKey (kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
    const decipher = createDecipheriv(`id-aes${kek.length * 8}-wrap`, kek, WRAP_IV)
    try {
      return Buffer.concat([decipher.update(wrapped), decipher.final()])
    } catch {
      return undefined // the check value is wrong: another passphrase
    }
  }

  packetCipher (key: Uint8Array): PacketCipher {
    return new NodePacketCipher(key)
  }

  mac32 (key: Uint8Array, data: Uint8Array): number {
    // so little of a hash is told that it cannot be continued, so that no HMAC is needed, which takes four times as long
    return hash('sha256', Buffer.concat([key, data]), 'buffer').readUInt32BE(0)
  }

  randomBytes (length: number): Uint8Array {
    return new Uint8Array(randomBytes(length))
  }
}

const crypto = new NodeCrypto()

export function nodeCrypto (): SrtCrypto {
  return crypto
}
