/** API keys, compared in a time that tells nothing about them. */
import { createHash, timingSafeEqual } from 'node:crypto'

const MAX_KEYS = 1024

export class ApiKeys {
  /** Digests have one length, so that not even the length of a key shows */
  private readonly digests: Buffer[]

  /** @param keys - none: everyone may call */
  constructor (keys: readonly string[]) {
    if (keys.length > MAX_KEYS) {
      throw new RangeError(`At most ${MAX_KEYS} API keys, not ${keys.length}`)
    }
    if (keys.some((key) => key === '' || key !== key.trim())) {
      throw new RangeError('An API key must not be empty or begin or end with a space')
    }
    this.digests = keys.map(digest)
  }

  get required (): boolean {
    return this.digests.length > 0
  }

  /** @param authorization - the header as it came */
  accepts (authorization: string | undefined): boolean {
    if (!this.required) {
      return true
    }
    const key = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1]
    if (key == null) {
      return false
    }
    const given = digest(key.trim())
    let accepted = false
    for (const known of this.digests) {
      accepted = timingSafeEqual(known, given) || accepted
    }
    return accepted
  }
}

function digest (key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
