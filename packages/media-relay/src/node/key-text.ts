/** The text of a key of the management API, and the digest that is kept of it. */
import { createHash } from 'node:crypto'
import { randomBytes } from '@skein/core'
import type { Random } from '@skein/core'

const KEY_BYTES = 32

/** So that a key is known for one where it turns up, by people and by scanners of leaks. */
const PREFIX = 'skein_mr_'

export function makeKey (random: Random): { key: string, digest: string } {
  const key = `${PREFIX}${Buffer.from(randomBytes(random, KEY_BYTES)).toString('base64url')}`
  return { key, digest: keyDigest(key) }
}

export function keyDigest (key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
