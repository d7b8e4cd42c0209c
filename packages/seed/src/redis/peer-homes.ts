/**
 * Where peers are registered, and how many of one network: a key for each peer, in a place that does not depend on its region. It puts the
 * registrations of a peer in order, whatever regions they name, and tells in which part the one before was.
 */
import { ASSIGN, CLAIM, ENTER, UNCLAIM } from './home-scripts.ts'
import { REGION_TAGS } from './region-tag.ts'
import type { RedisArgument, RedisConnection } from './redis-connection.ts'
import type { RegistryKeys } from './registry-keys.ts'

export interface ClaimRequest {
  id: string
  seq: number
  tag: string
  expiresAtMs: number
  /** The id of the network it comes from; empty when it is not counted */
  network: string
  /** The time, as scripts take it */
  now: RedisArgument
}

export interface Claim extends ClaimRequest {
  /** Whether the peer was registered */
  wasLive: boolean
  /** The part it was in, maybe long ago */
  before: string | undefined
  /** The home as it was */
  value: Buffer
  /** The id of the network it was counted in; empty when in none */
  networkBefore: string
  /** 2 when it was counted in its network before, 1 when it is by this claim, 0 when there was no room, `undefined` without a network */
  entry: number | undefined
}

export type ClaimOutcome =
  | { granted: true, claim: Claim }
  | { granted: false, reason: 'replayed', newer: string }
  | { granted: false, reason: 'expired' | 'network_full' }

export interface Home {
  tag: string
  /** The id of the network it is counted in; empty when in none */
  network: string
  /** The part it was in before; empty when in none */
  left: string
}

/** Larger than any number of peers of a network. */
const NO_LIMIT = 1_000_000_000

export class PeerHomes {
  private readonly connection: RedisConnection
  private readonly keys: RegistryKeys
  private readonly maxPerNetwork: number

  constructor (connection: RedisConnection, keys: RegistryKeys, maxPerNetwork: number) {
    this.connection = connection
    this.keys = keys
    this.maxPerNetwork = maxPerNetwork
  }

  async find (id: string): Promise<Home | undefined> {
    return readHome(await this.connection.call('get', this.keys.home(id)) as Buffer | null)
  }

  /** Forgets it, and that it was counted; where it was. */
  async remove (id: string): Promise<Home | undefined> {
    const home = readHome(await this.connection.call('getdel', this.keys.home(id)) as Buffer | null)
    if (home !== undefined && home.network !== '') {
      await this.quit(home.network, id)
    }
    return home
  }

  /** When this seed dies before the part has taken the registration, the claim ends with its life. */
  async claim (request: ClaimRequest): Promise<ClaimOutcome> {
    const { id, seq, tag, expiresAtMs, network, now } = request
    const [reply, entry] = await Promise.all([
      this.connection.run(CLAIM, this.keys.home(id), now, seq, tag, expiresAtMs, network),
      this.enter(network, request, this.maxPerNetwork)
    ])
    const [answer, detail, value] = reply as [Buffer, Buffer | number, Buffer]
    const word = answer.toString('latin1')
    if (word !== 'claimed') {
      await (entry === 1 ? this.quit(network, id) : undefined)
      return word === 'expired' ? { granted: false, reason: 'expired' } : { granted: false, reason: 'replayed', newer: String(detail) }
    }
    const home = readHome(value)
    const claim: Claim = { ...request, wasLive: detail === 1, before: home?.tag, value, networkBefore: home?.network ?? '', entry }
    if (entry === 0 && !claim.wasLive) {
      await this.takeBack(claim)
      return { granted: false, reason: 'network_full' }
    }
    return { granted: true, claim }
  }

  /** Whether the claim was still there to take back; there may be a newer one. */
  async takeBack ({ id, seq, network, now, value, entry, wasLive, networkBefore }: Claim): Promise<boolean> {
    const [isBack] = await Promise.all([
      this.connection.run(UNCLAIM, this.keys.home(id), now, seq, value),
      entry === 1 && !(wasLive && network === networkBefore) ? this.quit(network, id) : undefined
    ])
    return isBack === 1
  }

  /** What the registration that was claimed leaves behind. One who comes back from a network that is full keeps its place, counted where it was. */
  async settle (claim: Claim): Promise<void> {
    const { id, network, networkBefore, entry } = claim
    if (!claim.wasLive || networkBefore === network) {
      await (entry === 0 ? this.enter(network, claim, NO_LIMIT) : undefined)
    } else if (entry === 0 && networkBefore !== '') {
      await Promise.all([this.connection.run(ASSIGN, this.keys.home(id), claim.seq, networkBefore), this.enter(networkBefore, claim, NO_LIMIT)])
    } else if (entry === 0) {
      await this.connection.run(ASSIGN, this.keys.home(id), claim.seq, '')
    } else if (networkBefore !== '') {
      await this.quit(networkBefore, id)
    }
  }

  /** See `Claim.entry`. */
  private async enter (network: string, { id, expiresAtMs, now }: ClaimRequest, limit: number): Promise<number | undefined> {
    return network === '' ? undefined : await this.connection.run(ENTER, this.keys.network(network), id, now, expiresAtMs, limit) as number
  }

  private async quit (network: string, id: string): Promise<void> {
    await this.connection.call('zrem', this.keys.network(network), id)
  }
}

function readHome (value: Buffer | null): Home | undefined {
  const [, , tag, network, left] = value?.toString('latin1').split('|') ?? []
  return tag === undefined || !REGION_TAGS.includes(tag) ? undefined : { tag, network: network ?? '', left: left ?? '' }
}
