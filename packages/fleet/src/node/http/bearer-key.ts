/** Keys in `Authorization: Bearer KEY`, compared without telling by the time it takes how much of them is right. */
import { createHash, timingSafeEqual } from 'node:crypto'

const MAX_KEY_LENGTH = 512

export function bearerKey (authorization: string | undefined): string | undefined {
  const key = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1]
  return key === undefined || key.length > MAX_KEY_LENGTH ? undefined : key
}

/** SHA-256: keys are long and random, so that guessing is hopeless at any speed, and nothing slower is needed. */
export function hashOf (key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

export function isSameHash (a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')]
  return left.length === right.length && timingSafeEqual(left, right)
}
