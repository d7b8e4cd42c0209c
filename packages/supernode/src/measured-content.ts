/**
 * What is sent to measure bandwidth: ChaCha20's stream (RFC 8439, §2.4) under a key that is made of a nonce. Nobody can compress it, nor have it
 * ready before the nonce is known, and any block of it can be made by itself.
 */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@skein/core'
import { BLOCK_BYTES } from './bandwidth-rounds.ts'

/** Of a block, sent back by who received it: nobody can name them who did not read up to there. */
export const ECHO_BYTES = 16
export const CONTENT_NONCE_BYTES = 32

/** Of ChaCha20's own blocks, which its counter counts. */
const CIPHER_BLOCK_BYTES = 64
const NAME = new TextEncoder().encode('/skein/dial-back/1.0.0 content')
const ZEROS = new Uint8Array(BLOCK_BYTES)
const NO_NONCE = new Uint8Array(12)

/** The blocks that belong to a nonce; of one that the receiver does not know it cannot name the end of a block before it has it. */
export class MeasuredContent {
  private readonly key: Uint8Array

  constructor (nonce: Uint8Array) {
    this.key = sha256(concatBytes(NAME, nonce))
  }

  /** @param index from 0 on */
  block (index: number): Uint8Array {
    return chacha20(this.key, NO_NONCE, ZEROS, undefined, index * (BLOCK_BYTES / CIPHER_BLOCK_BYTES))
  }
}

export function echoOf (block: Uint8Array): Uint8Array {
  return block.subarray(block.length - ECHO_BYTES)
}
