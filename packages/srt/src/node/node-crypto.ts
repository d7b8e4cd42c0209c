/** The cryptography of SRT by Node's (OpenSSL). */
import { createCipheriv, createDecipheriv, hash, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { Cipheriv } from 'node:crypto'
import type { PacketCipher, SrtCrypto } from '../srt-crypto.ts'

const BLOCK_BYTES = 16
const ROUNDS = 2_048
/** RFC 3394, §2.2.3.1 */
const WRAP_IV = Buffer.from('a6a6a6a6a6a6a6a6', 'hex')

/**
 * Counter mode out of one cipher that encrypts the blocks of the counter: a cipher for each packet would cost 40 µs to set up, this takes 5.
 * Payloads are XORed by words where they lie so, which those in packets do.
 */
class NodePacketCipher implements PacketCipher {
  private readonly blockCipher: Cipheriv
  private readonly counter = new Uint8Array(BLOCK_BYTES)
  private readonly counterWords = new Uint32Array(this.counter.buffer)
  private blocks = new Uint32Array(0)

  constructor (key: Uint8Array) {
    this.blockCipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false)
  }

  apply (counter: Uint8Array, input: Uint8Array, into: Uint8Array): void {
    const count = Math.ceil(input.length / BLOCK_BYTES)
    this.writeBlocks(counter, count)
    const stream = this.blockCipher.update(new Uint8Array(this.blocks.buffer, 0, count * BLOCK_BYTES))
    let at = 0
    if (((input.byteOffset | into.byteOffset | stream.byteOffset) & 3) === 0) {
      const words = input.length >> 2
      const from = new Uint32Array(input.buffer, input.byteOffset, words)
      const to = new Uint32Array(into.buffer, into.byteOffset, words)
      const key = new Uint32Array(stream.buffer, stream.byteOffset, words)
      for (let word = 0; word < words; word++) {
        to[word] = (from[word] as number) ^ (key[word] as number)
      }
      at = words * 4
    }
    for (; at < input.length; at++) {
      into[at] = (input[at] as number) ^ (stream[at] as number)
    }
  }

  /** Payloads have fewer than 2^16 blocks, so that the last two bytes count them, which start at 0. */
  private writeBlocks (counter: Uint8Array, count: number): void {
    if (this.blocks.length < count * 4) {
      this.blocks = new Uint32Array(count * 4)
    }
    const { blocks, counterWords } = this
    this.counter.set(counter)
    for (let block = 0; block < count; block++) {
      this.counter[14] = block >> 8
      this.counter[15] = block
      blocks[block * 4] = counterWords[0] as number
      blocks[block * 4 + 1] = counterWords[1] as number
      blocks[block * 4 + 2] = counterWords[2] as number
      blocks[block * 4 + 3] = counterWords[3] as number
    }
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
