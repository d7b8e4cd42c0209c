/** The registry that the seeds of a fleet share, in Redis: each operation one script for each part of the registry that it touches. */
import { randomBelow } from '@skein/core'
import { regionsByDistance } from '@skein/routing'
import { KeyedHash } from '../registry/keyed-hash.ts'
import { MAX_SLAB_RECORD_BYTES } from '../registry/record-slab.ts'
import { DEFAULT_RELAY_LIMIT, MAX_RELAY_LIMIT, rankRelays } from '../registry/relay-rank.ts'
import { PartCensus } from './part-census.ts'
import { PeerHomes } from './peer-homes.ts'
import { RedisFailure, RedisFullError } from './redis-failure.ts'
import { RedisSearch } from './redis-search.ts'
import { fieldsOf, readColumns } from './registration-fields.ts'
import { idOf, RegistryKeys } from './registry-keys.ts'
import { GET, LEAVE, REGISTER, RELAYS, SAMPLE, SWEEP, WALK } from './registry-scripts.ts'
import { orderTags, REGION_TAGS, regionTag } from './region-tag.ts'
import type { RedisArgument, RedisConnection, RedisReply, RedisScript } from './redis-connection.ts'
import type { RegistrationFields } from './registration-fields.ts'
import type { OrderRegions } from '../registry/region-order.ts'
import type {
  DiscoverPage, DiscoverQuery, RegionTierCount, RegisterOptions, RegisterOutcome, Registration, Registry
} from '../registry/registry.ts'
import type { RelayCandidate, RelayQuery } from '../registry/relay-rank.ts'
import type { Random } from '@skein/core'
import type { Capabilities, SeedModel } from '@skein/records'

export interface RedisRegistryInit {
  connection: RedisConnection
  /** What all keys begin with @default 'skein' */
  prefix?: string
  /**
   * Most registrations kept, of all seeds together. Seeds that register at the same moment may go beyond it by what they do in a second.
   *
   * @default 100_000
   */
  maxRegistrations?: number
  /** Most registrations that come from one network @default 512 */
  maxPerNetwork?: number
  /** Where times between regions were measured @default by distance on the map */
  orderRegions?: OrderRegions
  /** Whether lives end by the clock of Redis, so that a seed whose clock is wrong does no harm; a simulation has its own time @default true */
  serverTime?: boolean
  /** Told when Redis has forgotten everything */
  onEmpty?: () => void
  random: Random
}

/** Forgotten by one script, and scripts in one sweep of a part: a script must not hold up the others for long. */
const SWEEP_BUDGET = { records: 100, scripts: 40 }
const SAMPLES_PER_PICK = 4
/** Of newcomers' peers in one answer. */
const SAMPLE_BYTES = 12_000
interface Drawn {
  id: string
  group: string
  envelope: Buffer
}

export class RedisRegistry implements Registry {
  private readonly init: RedisRegistryInit
  private readonly connection: RedisConnection
  private readonly keys: RegistryKeys
  private readonly maxRegistrations: number
  private readonly orderRegions: OrderRegions
  private readonly census: PartCensus
  private readonly homes: PeerHomes
  private ring?: { key: string, hash: KeyedHash }

  constructor (init: RedisRegistryInit) {
    this.init = init
    this.connection = init.connection
    this.keys = new RegistryKeys(init.prefix ?? 'skein')
    this.maxRegistrations = init.maxRegistrations ?? 100_000
    this.orderRegions = init.orderRegions ?? regionsByDistance
    this.census = new PartCensus(init.connection, this.keys)
    this.homes = new PeerHomes(init.connection, this.keys, init.maxPerNetwork ?? 512)
  }

  get size (): number {
    return this.census.size
  }

  /** @throws {RedisFailure} as do all operations */
  async register (capabilities: Capabilities, envelope: Uint8Array, nowMs: number, options: RegisterOptions = {}): Promise<RegisterOutcome> {
    if (capabilities.expiresAtMs <= nowMs) {
      return EXPIRED
    }
    if (envelope.length > MAX_SLAB_RECORD_BYTES) {
      return { registered: false, reason: 'oversize', message: `A record of ${envelope.length} bytes` }
    }
    const fields = fieldsOf(capabilities, await this.hash(), options.rttMs)
    const network = options.network === undefined ? '' : idOf(options.network)
    return await this.settle(capabilities, envelope, fields, nowMs, network).catch(fullOrThrow)
  }

  async discover (query: DiscoverQuery, nowMs: number): Promise<DiscoverPage> {
    return await new RedisSearch({
      hash: await this.hash(),
      orderRegions: this.orderRegions,
      mayHold: tag => this.census.mayHold(tag),
      walk: async (tag, args) => await this.run(WALK, tag, 'all', [this.timeOf(nowMs), ...args])
    }, query, nowMs).run()
  }

  async get (peer: string, nowMs: number): Promise<Registration | undefined> {
    const id = idOf(peer)
    const home = await this.homes.find(id)
    if (home === undefined) {
      return undefined
    }
    const [expires, envelope] = await this.run(GET, home.tag, `r:${id}`, [id, this.timeOf(nowMs)]) as [Buffer?, Buffer?]
    return envelope === undefined ? undefined : { peer, envelope: Uint8Array.from(envelope), expiresAtMs: Number(expires) }
  }

  async remove (peer: string): Promise<boolean> {
    const id = idOf(peer)
    const home = await this.homes.remove(id)
    if (home === undefined) {
      return false
    }
    const [wasThere] = await Promise.all([
      this.leave(home.tag, id),
      home.left === '' ? undefined : this.leave(home.left, id)
    ])
    return wasThere
  }

  async sample (count: number, asker: string, nowMs: number, random: Random): Promise<Array<Uint8Array<ArrayBuffer>>> {
    const hash = await this.hash()
    const draws = this.census.draw(count * SAMPLES_PER_PICK, random)
    const drawn = await Promise.all([...draws].map(async ([tag, numbers]) => {
      const reply = await this.run(SAMPLE, tag, 'all', [this.timeOf(nowMs), ...numbers]) as Buffer[]
      return triples(reply).map(([id, columns, envelope]): Drawn => ({
        id: id.toString('latin1'),
        group: `${tag} ${columns.readUInt32BE(22)} ${readColumns(columns).network}`,
        envelope
      }))
    }))
    const own = idOf(asker)
    const groups = Map.groupBy(drawn.flat().filter(({ id }) => id !== own), ({ group }) => group)
    // which group comes first is drawn as well, for there may be more of them than places
    const from = hash.text(asker).lo ^ random.nextUint32()
    const members = [...groups.values()]
    const turned = members.length === 0 ? [] : [...members.slice((from >>> 0) % members.length), ...members.slice(0, (from >>> 0) % members.length)]
    return inRounds(turned.map(group => group.slice(randomBelow(random, group.length)).concat(group)), count)
  }

  async models (count: number, nowMs: number): Promise<SeedModel[]> {
    return await this.census.models(count, nowMs)
  }

  async countBy (): Promise<RegionTierCount[]> {
    return await this.census.countBy()
  }

  async relays (query: RelayQuery, nowMs: number): Promise<Array<Uint8Array<ArrayBuffer>>> {
    const limit = Math.min(MAX_RELAY_LIMIT, Math.max(0, query.limit ?? DEFAULT_RELAY_LIMIT))
    const tags = orderTags(query.near, 0, this.orderRegions).filter(tag => this.census.mayHold(tag))
    const isNear = query.near !== undefined && query.near !== ''
    const asker = query.asker === undefined ? undefined : idOf(query.asker)
    const found: Array<RelayCandidate & { envelope: Buffer }> = []
    for (let at = 0, width = isNear ? 1 : tags.length; at < tags.length && found.length < limit; at += width, width *= 2) {
      const group = tags.slice(at, at + width)
      const replies = await Promise.all(group.map(async tag => await this.run(RELAYS, tag, 'relay', [this.timeOf(nowMs), limit + 1]) as Buffer[]))
      for (const [id, listing, envelope] of replies.flatMap(triples)) {
        const { y } = JSON.parse(listing.toString()) as { y: Omit<RelayCandidate, 'peer'> }
        const peer = id.toString('latin1')
        if (peer !== asker) {
          found.push({ peer, region: y.region, load: y.load, envelope })
        }
      }
    }
    return rankRelays(found, { ...query, limit, asker }, this.orderRegions).map(({ envelope }) => Uint8Array.from(envelope))
  }

  /** Also notices when Redis has lost what it knew, and how many are in each part. */
  async sweep (nowMs: number): Promise<void> {
    await this.readRing()
    await Promise.all(REGION_TAGS.map(async tag => {
      for (let i = 0; i < SWEEP_BUDGET.scripts; i++) {
        const [forgotten, size] = await this.run(SWEEP, tag, 'exp', [this.timeOf(nowMs), SWEEP_BUDGET.records]) as [number, number]
        this.census.note(tag, size)
        if (forgotten < SWEEP_BUDGET.records) {
          break
        }
      }
    }))
  }

  /** @throws {RedisFailure} when Redis is not there */
  async ping (): Promise<void> {
    await this.readRing()
  }

  /**
   * The home of the peer puts its registrations in order and says where it was, the network counts; then the part takes it. What was claimed is given
   * back when a later step refuses; when this seed dies in between, it ends with the life of the record.
   */
  private async settle (
    capabilities: Capabilities, envelope: Uint8Array, fields: RegistrationFields, nowMs: number, network: string
  ): Promise<RegisterOutcome> {
    const { seq, expiresAtMs } = capabilities
    const id = idOf(capabilities.peer)
    const tag = regionTag(capabilities.region)
    const entry = await this.homes.claim({ id, seq, tag, expiresAtMs, network, now: this.timeOf(nowMs) })
    if (!entry.granted) {
      return entry.reason === 'replayed' ? replayed(seq, entry.newer) : entry.reason === 'expired' ? EXPIRED : NETWORK_FULL
    }
    const { claim } = entry
    const outcome = await this.enlist(tag, id, seq, expiresAtMs, fields, envelope, nowMs)
    if (!outcome.registered && await this.homes.takeBack(claim)) {
      return outcome
    }
    // also when a newer one has come after this claim: that one looks after the part of this claim, not after the one before
    if (claim.before !== undefined && claim.before !== tag) {
      await this.leave(claim.before, id, { seq, expiresAtMs, nowMs })
    }
    if (!outcome.registered) {
      return outcome
    }
    await this.homes.settle(claim)
    return { ...outcome, renewed: claim.wasLive }
  }

  private async enlist (
    tag: string, id: string, seq: number, expiresAtMs: number, fields: RegistrationFields, envelope: Uint8Array, nowMs: number
  ): Promise<RegisterOutcome> {
    const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.length)
    const attempt = async (): Promise<[Buffer, (Buffer | number)?, number?]> => await this.run(REGISTER, tag, `r:${id}`, [
      id, this.timeOf(nowMs), seq, expiresAtMs, fields.place, fields.columns, bytes, fields.listing,
      this.maxRegistrations - this.census.size + this.census.sizeOf(tag)
    ]) as [Buffer, (Buffer | number)?, number?]
    let reply = await attempt().catch(fullOrThrow)
    if (Array.isArray(reply) && isWord(reply, 'full') && this.census.mayRecount(nowMs)) {
      await this.sweep(nowMs)
      reply = await attempt().catch(fullOrThrow)
    }
    if (!Array.isArray(reply)) {
      return reply
    }
    const [answer, detail, size] = reply
    switch (answer.toString('latin1')) {
      case 'ok':
        this.census.note(tag, size as number)
        return { registered: true, renewed: detail === 1, lifeMs: expiresAtMs - nowMs }
      case 'replayed': return replayed(seq, String(detail))
      case 'expired': return EXPIRED
      default: return { registered: false, reason: 'full', message: `All ${this.maxRegistrations} registrations are taken; try another seed` }
    }
  }

  private async leave (tag: string, id: string, newer?: { seq: number, expiresAtMs: number, nowMs: number }): Promise<boolean> {
    const now = newer === undefined ? '' : this.timeOf(newer.nowMs)
    const [wasThere, size] = await this.run(LEAVE, tag, `r:${id}`, [id, now, newer?.seq ?? '', newer?.expiresAtMs ?? '']) as [number, number]
    this.census.note(tag, size)
    return wasThere === 1
  }

  private async run (script: RedisScript, tag: string, key: string, args: RedisArgument[]): Promise<RedisReply> {
    const base = this.keys.part(tag)
    return await this.connection.run(script, `${base}${key}`, base, ...args)
  }

  private timeOf (nowMs: number): RedisArgument {
    return this.init.serverTime === false ? String(Math.floor(nowMs)) : ''
  }

  private async hash (): Promise<KeyedHash> {
    return this.ring?.hash ?? await this.readRing()
  }

  /** All seeds of a fleet have the key of the ring's hashes from Redis: so a peer has one place in it, and a page of one seed goes on at another. */
  private async readRing (): Promise<KeyedHash> {
    const { random } = this.init
    const name = this.keys.ringKey
    let key = await this.connection.call('get', name) as Buffer | null
    if (key == null) {
      const made = `${random.nextUint32()} ${random.nextUint32()}`
      await this.connection.call('set', name, made, 'NX')
      key = await this.connection.call('get', name) as Buffer | null
    }
    const text = key?.toString('latin1') ?? ''
    const halves = text.split(' ').map(Number)
    if (halves.length !== 2 || halves.some(half => !Number.isInteger(half))) {
      throw new RedisFailure('ring', new Error(`${name} does not hold two numbers: do others use this prefix?`))
    }
    if (this.ring?.key !== text) {
      const wasKnown = this.ring !== undefined
      let at = 0
      this.ring = { key: text, hash: new KeyedHash({ nextUint32: () => halves[at++] as number }) }
      if (wasKnown) {
        this.init.onEmpty?.()
        this.census.forget()
      }
    }
    return this.ring.hash
  }
}

const NETWORK_FULL: RegisterOutcome = {
  registered: false, reason: 'network_full', message: 'Others of this network have taken all places that one network may have; try another seed'
}
const EXPIRED: RegisterOutcome = { registered: false, reason: 'expired', message: 'Its life is over' }

function fullOrThrow (error: unknown): RegisterOutcome {
  if (error instanceof RedisFullError) {
    return { registered: false, reason: 'full', message: 'All memory for registrations is taken; try another seed' }
  }
  throw error
}

function isWord ([answer]: [Buffer, ...unknown[]], word: string): boolean {
  return answer.toString('latin1') === word
}

function replayed (seq: number, known: string): RegisterOutcome {
  return { registered: false, reason: 'replayed', message: `Sequence number ${seq} is not newer than ${known}` }
}

function triples (reply: Buffer[]): Array<[Buffer, Buffer, Buffer]> {
  return Array.from({ length: Math.floor(reply.length / 3) }, (_, i) => reply.slice(3 * i, 3 * i + 3) as [Buffer, Buffer, Buffer])
}

/** One of each group, then a second of each, and so on; nobody twice. */
function inRounds (groups: Drawn[][], count: number): Array<Uint8Array<ArrayBuffer>> {
  const picked = new Map<string, Uint8Array<ArrayBuffer>>()
  let bytes = 0
  for (let round = 0, found = true; found && picked.size < count; round++) {
    found = false
    for (const group of groups) {
      const drawn = group[round]
      if (drawn !== undefined && picked.size < count) {
        found = true
        if (!picked.has(drawn.id) && bytes + drawn.envelope.length <= SAMPLE_BYTES) {
          bytes += drawn.envelope.length
          picked.set(drawn.id, Uint8Array.from(drawn.envelope))
        }
      }
    }
  }
  return [...picked.values()]
}
