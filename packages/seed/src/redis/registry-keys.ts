/**
 * What keys are called. Names from outside go into keys as hashes of one length, never as they are; what stands in braces decides the node of a
 * cluster, and is one of a fixed set.
 *
 * ```
 * {r:TAG}:all         zset of ids by their place in the ring            {r:TAG}:r:ID      hash: the registration
 * {r:TAG}:m:MODEL     the same of those that have it loaded             {r:TAG}:g:ID      where a peer that moved went: seq, expiry
 * {r:TAG}:w:MODEL     … that can load it                                {r:TAG}:exp       zset of ids and labels by expiry
 * {r:TAG}:rest        … that have models without a list                 {r:TAG}:cnt       hash of label to count
 * {r:TAG}:relay       zset of relays by how full they are               {r:TAG}:top       zset of region and model by providers
 * {p:N}:ID            in which part a peer is, and its seq              {n:N}:NETWORK     zset of its ids by expiry
 * key                 the key of the ring's hashes
 * ```
 */
import { hash } from 'node:crypto'
import { REDIS_PREFIX } from './redis-address.ts'

/** Characters of an id or a hash of a name: 120 bits, more than anybody can make collide. */
export const ID_LENGTH = 20
const SHARDS = 256

export class RegistryKeys {
  private readonly prefix: string

  /** @throws {RangeError} when the prefix could put all keys in one place, or none apart from those of others */
  constructor (prefix: string) {
    if (!REDIS_PREFIX.test(prefix)) {
      throw new RangeError(`The prefix of keys must fit ${REDIS_PREFIX}`)
    }
    this.prefix = prefix
  }

  get ringKey (): string {
    return `${this.prefix}:key`
  }

  /** What the keys of a part begin with. */
  part (tag: string): string {
    return `${this.prefix}:{r:${tag}}:`
  }

  home (id: string): string {
    return `${this.prefix}:{p:${shardOf(id)}}:${id}`
  }

  /** `id` is that of the network. */
  network (id: string): string {
    return `${this.prefix}:{n:${shardOf(id)}}:${id}`
  }
}

/** A name of any length as `ID_LENGTH` letters and digits. */
export function idOf (name: string): string {
  return hash('sha256', name, 'base64url').slice(0, ID_LENGTH)
}

function shardOf (id: string): number {
  return Buffer.from(id.slice(0, 4), 'base64url')[0] as number % SHARDS
}
