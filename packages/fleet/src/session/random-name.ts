/** Names and tokens in base36, from secure randomness. */
import { randomBelow } from '@skein/core'
import type { Random } from '@skein/core'

const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz'
/** 36^8 is 2.8 trillion: of a million names, one more is taken already once in three million times. */
export const SLOT_NAME_LENGTH = 8
/** 165 bits: a right, not to be guessed. */
const TOKEN_LENGTH = 32
/** 82 bits: an id, unique without asking. */
const ID_LENGTH = 16

export function base36 (random: Random, length: number): string {
  return Array.from({ length }, () => BASE36[randomBelow(random, 36)]).join('')
}

export function slotName (random: Random): string {
  return base36(random, SLOT_NAME_LENGTH)
}

export function streamToken (random: Random): string {
  return base36(random, TOKEN_LENGTH)
}

export function uniqueId (random: Random): string {
  return base36(random, ID_LENGTH)
}
