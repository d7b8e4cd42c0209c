/**
 * Leases with fencing tokens, in Redis: one holder at a time, and a number that only grows, by which whoever is written to can tell a holder that was
 * paused past its lease from the one after it (M. Kleppmann, How to do distributed locking, 2016).
 *
 * The token is the greatest of the last one plus one, the floor that the caller brings, and the time of the server in microseconds: so it grows also
 * when Redis has lost all its data, as long as its clock was not set back by more than it was away, or a caller remembers a token it has seen.
 */
import { idOf } from './registry-keys.ts'
import type { RedisConnection, RedisScript } from './redis-connection.ts'

export interface LeasesInit {
  connection: RedisConnection
  /** @default 'skein' */
  prefix?: string
}

export interface LeaseRequest {
  /** What is leased; a name of any length */
  id: string
  /** Who asks; the same holder gets its lease again, with a new token */
  holder: string
  /** 1 to 600,000 */
  lifeMs: number
  /** The token is at least this: one more than the greatest that the caller has seen @default 0 */
  floor?: number
}

export interface Lease {
  token: number
  lifeMs: number
}

export type LeaseOutcome =
  | { held: true, lease: Lease }
  | { held: false, holder: string, token: number, remainingMs: number }

const MAX_LIFE_MS = 600_000
/** The last token is remembered for so long after the last lease; later ones are greater by the time, ms. */
const MEMORY_MS = 30 * 24 * 3_600_000
const MAX_HOLDER_LENGTH = 256

/** `lease` is "token holder"; `fence`, in the same slot, the last token. */
const ACQUIRE: RedisScript = {
  name: 'skeinLeaseAcquire',
  lua: `
local current = redis.call('GET', KEYS[1])
if current then
  local token, holder = string.match(current, '^(%d+) (.*)$')
  if holder ~= ARGV[2] then
    return { 0, token, holder, redis.call('PTTL', KEYS[1]) }
  end
end
local time = redis.call('TIME')
local token = tonumber(time[1]) * 1000000 + tonumber(time[2])
token = math.max(token, tonumber(redis.call('GET', ARGV[1]) or 0) + 1, tonumber(ARGV[4]))
local text = string.format('%.0f', token)
redis.call('SET', ARGV[1], text, 'PX', ${MEMORY_MS})
redis.call('SET', KEYS[1], text .. ' ' .. ARGV[2], 'PX', ARGV[3])
return { 1, text }
`
}

const RENEW: RedisScript = {
  name: 'skeinLeaseRenew',
  lua: `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
`
}

const RELEASE: RedisScript = {
  name: 'skeinLeaseRelease',
  lua: `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
`
}

export class Leases {
  private readonly connection: RedisConnection
  private readonly prefix: string

  constructor (init: LeasesInit) {
    this.connection = init.connection
    this.prefix = init.prefix ?? 'skein'
  }

  /**
   * @throws {RangeError} for a life, a floor or a holder out of bounds
   * @throws {RedisFailure} when it is not known whether the lease is held: it may be, until its life ends
   */
  async acquire ({ id, holder, lifeMs, floor = 0 }: LeaseRequest): Promise<LeaseOutcome> {
    checkLife(lifeMs)
    if (!Number.isSafeInteger(floor) || floor < 0 || holder.length > MAX_HOLDER_LENGTH) {
      throw new RangeError(`A floor is a whole number from 0, a holder has at most ${MAX_HOLDER_LENGTH} characters`)
    }
    const reply = await this.connection.run(ACQUIRE, this.key('lease', id), this.key('fence', id), holder, lifeMs, floor)
    const [held, token, other, remainingMs] = reply as [number, Buffer, Buffer?, number?]
    return held === 1
      ? { held: true, lease: { token: Number(token), lifeMs } }
      : { held: false, holder: String(other), token: Number(token), remainingMs: Math.max(0, remainingMs ?? 0) }
  }

  /** Whether it is held still, now for another `lifeMs`; the token stays. */
  async renew ({ id, holder, token, lifeMs }: { id: string, holder: string, token: number, lifeMs: number }): Promise<boolean> {
    checkLife(lifeMs)
    return await this.connection.run(RENEW, this.key('lease', id), `${token} ${holder}`, lifeMs) === 1
  }

  /** Whether it was held. */
  async release ({ id, holder, token }: { id: string, holder: string, token: number }): Promise<boolean> {
    return await this.connection.run(RELEASE, this.key('lease', id), `${token} ${holder}`) === 1
  }

  private key (kind: 'lease' | 'fence', id: string): string {
    return `${this.prefix}:${kind}:{l:${idOf(id)}}`
  }
}

function checkLife (lifeMs: number): void {
  if (!Number.isInteger(lifeMs) || lifeMs < 1 || lifeMs > MAX_LIFE_MS) {
    throw new RangeError(`A lease lives for 1 to ${MAX_LIFE_MS} ms, not ${lifeMs}`)
  }
}
