/** The registry of one seed, in its memory: records in a slab, what is compared in columns, lists by region and model; no object for each. */
import { randomBelow } from '@skein/core'
import { networkOf, peerIdBytesOf } from '@skein/records'
import { knownRegions, regionsByDistance } from '@skein/routing'
import { DiscoverSearch, HASH_DOMAIN } from './discover-search.ts'
import { ExpiryWheel } from './expiry-wheel.ts'
import { HashIndex } from './hash-index.ts'
import { KeyedHash } from './keyed-hash.ts'
import { NameDictionary } from './name-dictionary.ts'
import { NetworkCounts } from './network-counts.ts'
import { PostingForest } from './posting-forest.ts'
import { modelOfTerm, modelTerm, PostingLists, TERM_ALL, TERM_REST } from './posting-lists.ts'
import { MAX_SLAB_RECORD_BYTES, RecordSlab } from './record-slab.ts'
import { RegionOrder } from './region-order.ts'
import { MAX_RELAYS, rankRelays } from './relay-rank.ts'
import { RegistrationColumns, rttCode, saturated, taskBit } from './registration-columns.ts'
import { isOf, readEnvelope, readTerms, storedLength, writeRecord } from './stored-record.ts'
import type { SearchParts } from './discover-search.ts'
import type { OrderRegions } from './region-order.ts'
import type {
  DiscoverPage, DiscoverQuery, RegionTierCount, RegisterOptions, RegisterOutcome, RegisterRefusal, Registration, Registry
} from './registry.ts'
import type { RelayCandidate, RelayQuery } from './relay-rank.ts'
import type { StoredRecord } from './stored-record.ts'
import type { Random } from '@skein/core'
import type { Capabilities, SeedModel } from '@skein/records'

export interface MemoryRegistryInit {
  /**
   * Most registrations kept; a newcomer beyond it is refused, for those who are here renew and a flood must not push them out.
   *
   * @default 100_000
   */
  maxRegistrations?: number
  /** Most bytes of records; beyond it newcomers are refused as well @default 512 for each of `maxRegistrations` */
  maxRecordBytes?: number
  /**
   * Most registrations that come from one network (a /24 of IPv4, a /48 of IPv6), so that one who has many keys but few addresses cannot take all
   * places.
   *
   * @default 512
   */
  maxPerNetwork?: number
  /** Where times between regions were measured @default by distance on the map */
  orderRegions?: OrderRegions
  /** For the key of the hashes: nobody outside may guess it */
  random: Random
}

/** Regions with a code; the rest are found too, by name, after all others. */
const MAX_REGIONS = 255
/** Models with a code; the rest are found too, one by one. */
const MAX_MODELS = 32_767
/** Models of one registration that get lists, the loaded ones first; the rest are found one by one. */
const MAX_LISTED_MODELS = 24
/** List entries for each registration that may be here: one for its region, others for its models. */
const POSTINGS_PER_REGISTRATION = 8
/** Lists that are kept for "all of a region" and "those with unlisted models". */
const RESERVED_LISTS = 2 * (MAX_REGIONS + 1)
/** Slots looked at for expiry within another operation, and in a sweep. */
const EXPIRE_BUDGET = { discover: 8, register: 32, full: 4096, sweep: 4096 }
const MODELS_LIFE_MS = 1000
/** Up to this many registrations the listing of models is made anew each time. */
const SMALL = 1000
const MAX_LISTED = 200
const MAX_LISTED_REGIONS = 16
const SAMPLES_PER_PICK = 4
/** Of newcomers' peers in one answer. */
const SAMPLE_BYTES = 12_000

interface ModelListing {
  atMs: number
  models: SeedModel[]
}

export class MemoryRegistry implements Registry {
  private readonly maxRegistrations: number
  private readonly orderRegions: OrderRegions
  private readonly networks: NetworkCounts
  /** By slot */
  private readonly relaysBySlot = new Map<number, RelayCandidate>()
  private readonly columns: RegistrationColumns
  private readonly slab: RecordSlab
  private readonly forest: PostingForest
  private readonly lists: PostingLists
  private readonly index: HashIndex
  private readonly wheel: ExpiryWheel
  private readonly hash: KeyedHash
  private readonly regions: NameDictionary
  private readonly modelNames: NameDictionary
  private readonly providers = new Uint32Array(MAX_MODELS + 1)
  /** By region code, eight places each */
  private readonly tiers = new Uint32Array((MAX_REGIONS + 1) * 8)
  private readonly searchParts: SearchParts
  private readonly freeSlots: Uint32Array
  private freeCount = 0
  private highest = 0
  private listing?: ModelListing

  constructor (init: MemoryRegistryInit) {
    const max = init.maxRegistrations ?? 100_000
    this.maxRegistrations = max
    this.columns = new RegistrationColumns(max)
    this.slab = new RecordSlab(init.maxRecordBytes ?? max * 512 + 4_194_304)
    this.forest = new PostingForest(max * POSTINGS_PER_REGISTRATION + 64, this.columns.hi, this.columns.lo)
    this.lists = new PostingLists(RESERVED_LISTS + Math.max(1024, Math.min(max, 131_072)), this.forest)
    this.index = new HashIndex(max, this.columns.lo)
    this.wheel = new ExpiryWheel(max, this.columns.expiresAtMs)
    this.hash = new KeyedHash(init.random)
    this.networks = new NetworkCounts(this.hash, HASH_DOMAIN.origin, init.maxPerNetwork ?? 512)
    this.orderRegions = init.orderRegions ?? regionsByDistance
    this.regions = new NameDictionary(MAX_REGIONS, knownRegions())
    this.modelNames = new NameDictionary(MAX_MODELS)
    this.freeSlots = new Uint32Array(max)
    this.searchParts = {
      columns: this.columns,
      slab: this.slab,
      forest: this.forest,
      lists: this.lists,
      regions: this.regions,
      models: this.modelNames,
      regionOrder: new RegionOrder(this.hash, this.orderRegions),
      hash: this.hash
    }
  }

  get size (): number {
    return this.highest - this.freeCount
  }

  /** Bytes taken for records, which stay taken. */
  get heldRecordBytes (): number {
    return this.slab.heldBytes
  }

  async register (capabilities: Capabilities, envelope: Uint8Array, nowMs: number, options: RegisterOptions = {}): Promise<RegisterOutcome> {
    const { peer, expiresAtMs } = capabilities
    if (expiresAtMs <= nowMs) {
      return refusal('expired', 'Its life is over')
    }
    this.expire(nowMs, EXPIRE_BUDGET.register)
    const id = idOf(peer)
    const known = this.find(peer, id)
    const isLive = known !== undefined && (this.columns.expiresAtMs[known] as number) > nowMs
    if (isLive && capabilities.seq <= (this.columns.seq[known] as number)) {
      return refusal('replayed', `Sequence number ${capabilities.seq} is not newer than ${this.columns.seq[known]}`)
    }
    if (known === undefined && this.size >= this.maxRegistrations) {
      this.expire(nowMs, EXPIRE_BUDGET.full)
      if (this.size >= this.maxRegistrations) {
        return refusal('full', `All ${this.maxRegistrations} registrations are taken; try another seed`)
      }
    }
    const origin = this.networks.codeOf(options.network)
    if (known === undefined && !this.networks.hasRoom(origin)) {
      this.expire(nowMs, EXPIRE_BUDGET.full)
    }
    if (known === undefined && !this.networks.hasRoom(origin)) {
      return refusal('network_full', `Others of ${options.network} have taken all places that one network may have; try another seed`)
    }

    const region = this.regions.acquire(capabilities.region) ?? 0
    const record: StoredRecord = { ...this.termsOf(capabilities, region), id, envelope }
    const length = storedLength(record)
    const oldTerms = known === undefined ? [] : this.terms(known)
    const freed = known === undefined ? 0 : 1 + oldTerms.length
    if (length > MAX_SLAB_RECORD_BYTES || this.forest.free + freed < 1 + record.terms.length) {
      this.release(region, record.terms)
      return length > MAX_SLAB_RECORD_BYTES
        ? refusal('oversize', `A record of ${length} bytes`)
        : refusal('full', 'All entries of lists are taken; try another seed')
    }
    const address = this.slab.allocate(length) ?? (known === undefined ? undefined : this.allocateInPlace(known, length))
    if (address === undefined) {
      this.release(region, record.terms)
      return refusal('full', 'All memory for records is taken; try another seed')
    }
    writeRecord(record, this.slab.bytes(address), this.slab.offset(address))
    const slot = known ?? this.takeSlot()
    if (known === undefined) {
      this.add(slot, capabilities, region, record, address, length, nowMs)
    } else {
      this.replace(slot, oldTerms, capabilities, region, record, address, length, nowMs)
    }
    this.countOrigin(slot, origin, known === undefined)
    if (known === undefined || options.rttMs !== undefined) {
      this.columns.rtt[slot] = options.rttMs === undefined ? 0 : rttCode(options.rttMs)
    }
    this.noteRelay(slot, capabilities)
    return { registered: true, renewed: isLive, lifeMs: expiresAtMs - nowMs }
  }

  async discover (query: DiscoverQuery, nowMs: number): Promise<DiscoverPage> {
    this.expire(nowMs, EXPIRE_BUDGET.discover)
    return new DiscoverSearch(this.searchParts, query, nowMs).run()
  }

  async get (peer: string, nowMs: number): Promise<Registration | undefined> {
    const slot = this.find(peer, idOf(peer))
    const expiresAtMs = slot === undefined ? 0 : this.columns.expiresAtMs[slot] as number
    return slot === undefined || expiresAtMs <= nowMs ? undefined : { peer, envelope: this.envelope(slot), expiresAtMs }
  }

  async remove (peer: string): Promise<boolean> {
    const slot = this.find(peer, idOf(peer))
    if (slot !== undefined) {
      this.drop(slot)
    }
    return slot !== undefined
  }

  async sample (count: number, asker: string, nowMs: number, random: Random): Promise<Array<Uint8Array<ArrayBuffer>>> {
    const { hi, lo } = this.hash.text(asker, HASH_DOMAIN.peer)
    const groups = new Map<number, number[]>()
    for (const slot of this.drawn(count * SAMPLES_PER_PICK, random)) {
      if ((this.columns.expiresAtMs[slot] as number) > nowMs && !(this.columns.hi[slot] === hi && this.columns.lo[slot] === lo)) {
        const group = (this.columns.region[slot] as number) * 0x10000 + (this.columns.network[slot] as number)
        const members = groups.get(group)
        if (members === undefined) {
          groups.set(group, [slot])
        } else {
          members.push(slot)
        }
      }
    }
    return this.inRounds([...groups.values()], count)
  }

  async models (count: number, nowMs: number): Promise<SeedModel[]> {
    this.expire(nowMs, EXPIRE_BUDGET.sweep)
    if (this.listing === undefined || this.size <= SMALL || nowMs >= this.listing.atMs + MODELS_LIFE_MS) {
      this.listing = { atMs: nowMs, models: this.listModels() }
    }
    return this.listing.models.slice(0, count)
  }

  async countBy (): Promise<RegionTierCount[]> {
    return [...this.regions.names(), undefined].flatMap(name => {
      const code = name === undefined ? 0 : this.regions.code(name) as number
      return Array.from({ length: 8 }, (_, tier) => ({ region: name ?? 'other', tier, count: this.tiers[code * 8 + tier] as number }))
    }).filter(({ count }) => count > 0)
  }

  async relays (query: RelayQuery, nowMs: number): Promise<Array<Uint8Array<ArrayBuffer>>> {
    const live = [...this.relaysBySlot]
      .filter(([slot]) => (this.columns.expiresAtMs[slot] as number) > nowMs)
      .map(([slot, relay]) => ({ ...relay, slot }))
    return rankRelays(live, query, this.orderRegions).map(({ slot }) => this.envelope(slot))
  }

  async sweep (nowMs: number): Promise<void> {
    this.expire(nowMs, EXPIRE_BUDGET.sweep)
  }

  /** The live registrations of `count` places, from one on; `next` is where to go on, `undefined` at the end. */
  envelopesFrom (from: number, count: number, nowMs: number): { envelopes: Array<Uint8Array<ArrayBuffer>>, next: number | undefined } {
    const envelopes: Array<Uint8Array<ArrayBuffer>> = []
    const end = Math.min(this.highest, from + count)
    for (let slot = from; slot < end; slot++) {
      if (this.columns.address[slot] !== 0 && (this.columns.expiresAtMs[slot] as number) > nowMs) {
        envelopes.push(this.envelope(slot))
      }
    }
    return { envelopes, next: end < this.highest ? end : undefined }
  }

  private expire (nowMs: number, budget: number): void {
    this.wheel.turn(nowMs, budget, slot => { this.drop(slot) })
  }

  private find (peer: string, id: Uint8Array): number | undefined {
    const { hi, lo } = this.hash.text(peer, HASH_DOMAIN.peer)
    return this.index.find(lo, slot => {
      const address = this.columns.address[slot] as number
      return this.columns.hi[slot] === hi && isOf(id, this.slab.bytes(address), this.slab.offset(address))
    })
  }

  private add (slot: number, capabilities: Capabilities, region: number, record: StoredRecord, address: number, length: number, nowMs: number): void {
    const { hi, lo } = this.hash.text(capabilities.peer, HASH_DOMAIN.peer)
    this.columns.hi[slot] = hi
    this.columns.lo[slot] = lo
    this.index.add(slot)
    this.write(slot, capabilities, region, address, length)
    this.wheel.add(slot, nowMs)
    this.list(slot, region, record.terms)
  }

  private replace (
    slot: number, oldTerms: number[], capabilities: Capabilities, region: number, record: StoredRecord, address: number, length: number, nowMs: number
  ): void {
    const oldRegion = this.columns.region[slot] as number
    const oldAddress = this.columns.address[slot] as number
    const sameLists = oldRegion === region && oldTerms.length === record.terms.length && oldTerms.every((term, i) => term === record.terms[i])
    this.tiers[oldRegion * 8 + (this.columns.tier[slot] as number)]!--
    if (oldAddress !== 0) {
      this.slab.free(oldAddress)
    }
    this.wheel.remove(slot)
    if (!sameLists) {
      this.unlist(slot, oldRegion, oldTerms)
    }
    this.release(oldRegion, oldTerms)
    this.write(slot, capabilities, region, address, length)
    this.wheel.add(slot, nowMs)
    if (!sameLists) {
      this.list(slot, region, record.terms)
    }
  }

  private drop (slot: number): void {
    const region = this.columns.region[slot] as number
    const terms = this.terms(slot)
    this.tiers[region * 8 + (this.columns.tier[slot] as number)]!--
    this.wheel.remove(slot)
    this.index.delete(slot)
    this.unlist(slot, region, terms)
    this.release(region, terms)
    this.slab.free(this.columns.address[slot] as number)
    this.columns.address[slot] = 0
    this.networks.remove(this.columns.origin[slot] as number)
    this.relaysBySlot.delete(slot)
    this.freeSlots[this.freeCount++] = slot
  }

  /** One who comes back from a network that is full keeps its place, counted where it was. */
  private countOrigin (slot: number, origin: number, isNew: boolean): void {
    const { columns, networks } = this
    if (!isNew) {
      if (columns.origin[slot] === origin || !networks.hasRoom(origin)) {
        return
      }
      networks.remove(columns.origin[slot] as number)
    }
    columns.origin[slot] = origin
    networks.add(origin)
  }

  private noteRelay (slot: number, { peer, region, relay }: Capabilities): void {
    if (relay === undefined) {
      this.relaysBySlot.delete(slot)
    } else if (this.relaysBySlot.has(slot) || this.relaysBySlot.size < MAX_RELAYS) {
      this.relaysBySlot.set(slot, { peer, region, load: relay })
    }
  }

  private write (slot: number, capabilities: Capabilities, region: number, address: number, length: number): void {
    const { columns } = this
    const [first] = capabilities.addresses
    columns.address[slot] = address
    columns.length[slot] = length
    columns.seq[slot] = capabilities.seq
    columns.expiresAtMs[slot] = capabilities.expiresAtMs
    columns.ramKiB[slot] = saturated(capabilities.ramBytes / 1024)
    columns.vramKiB[slot] = saturated(capabilities.vramBytes / 1024)
    columns.context[slot] = saturated(capabilities.effectiveContext)
    columns.priceMicros[slot] = saturated(capabilities.priceMicros)
    columns.region[slot] = region
    columns.tier[slot] = Math.min(7, capabilities.tier)
    columns.tasks[slot] = capabilities.tasks.reduce((bits, task) => bits | taskBit(task), 0)
    columns.free[slot] = Math.min(255, Math.max(0, capabilities.maxConcurrent - capabilities.queueDepth))
    columns.maxConcurrent[slot] = Math.min(255, capabilities.maxConcurrent)
    columns.network[slot] = this.hash.text(first === undefined ? '' : networkOf(first) ?? '', HASH_DOMAIN.network).lo & 0xffff
    this.tiers[region * 8 + (columns.tier[slot] as number)]!++
  }

  /** Under which terms it is listed (models get their codes here), and the hashes of names that have none. */
  private termsOf (capabilities: Capabilities, region: number): { terms: number[], names: number[] } {
    const terms: number[] = []
    const names: number[] = []
    const loaded = new Set(capabilities.loadedModels)
    const hasRoom = this.lists.hasRoom(RESERVED_LISTS + MAX_LISTED_MODELS)
    for (const model of new Set([...loaded, ...capabilities.swappableModels])) {
      const code = terms.length < MAX_LISTED_MODELS && hasRoom ? this.modelNames.acquire(model) : undefined
      if (code === undefined) {
        names.push(this.hash.text(model, HASH_DOMAIN.model).lo)
      } else {
        terms.push(modelTerm(code, loaded.has(model)))
      }
    }
    if (names.length > 0) {
      terms.push(TERM_REST)
    }
    if (region === 0) {
      names.push(this.hash.text(capabilities.region, HASH_DOMAIN.region).lo)
    }
    for (const task of capabilities.tasks) {
      if (taskBit(task) === 0) {
        names.push(this.hash.text(task, HASH_DOMAIN.task).lo)
      }
    }
    return { terms, names }
  }

  private release (region: number, terms: number[]): void {
    if (region !== 0) {
      this.regions.release(region)
    }
    for (const term of terms) {
      const model = modelOfTerm(term)
      if (model !== undefined) {
        this.modelNames.release(model.code)
      }
    }
  }

  private list (slot: number, region: number, terms: number[]): void {
    this.lists.add(region, TERM_ALL, slot)
    for (const term of terms) {
      this.lists.add(region, term, slot)
      this.count(term, 1)
    }
  }

  private unlist (slot: number, region: number, terms: number[]): void {
    this.lists.remove(region, TERM_ALL, slot)
    for (const term of terms) {
      this.lists.remove(region, term, slot)
      this.count(term, -1)
    }
  }

  private count (term: number, change: number): void {
    const model = modelOfTerm(term)
    if (model?.loaded === true) {
      this.providers[model.code]! += change
    }
  }

  private terms (slot: number): number[] {
    const address = this.columns.address[slot] as number
    return readTerms(this.slab.bytes(address), this.slab.offset(address))
  }

  private envelope (slot: number): Uint8Array<ArrayBuffer> {
    const address = this.columns.address[slot] as number
    return readEnvelope(this.slab.bytes(address), this.slab.offset(address), this.columns.length[slot] as number)
  }

  /** Room for a renewed record in place of its own, where there is no other; when that does not do, all stays as it was. */
  private allocateInPlace (slot: number, length: number): number | undefined {
    const { columns, slab } = this
    const old = columns.address[slot] as number
    const oldLength = columns.length[slot] as number
    const copy = slab.bytes(old).slice(slab.offset(old), slab.offset(old) + oldLength)
    slab.free(old)
    const address = slab.allocate(length)
    // what was just given back can be had again
    const kept = address === undefined ? slab.allocate(oldLength) as number : 0
    if (kept !== 0) {
      slab.bytes(kept).set(copy, slab.offset(kept))
    }
    columns.address[slot] = kept
    return address
  }

  private takeSlot (): number {
    return this.freeCount > 0 ? this.freeSlots[--this.freeCount] as number : this.highest++
  }

  /** Different slots drawn at random: half of the draws by region, so that small ones are seen; all slots when there are not more. */
  private drawn (draws: number, random: Random): Set<number> {
    const regions = [...this.regions.names(), undefined]
      .map(name => name === undefined ? 0 : this.regions.code(name) as number)
      .map(code => ({ root: this.lists.root(code, TERM_ALL), count: this.lists.count(code, TERM_ALL) }))
      .filter(({ count }) => count > 0)
    const slots = new Set<number>()
    if (regions.length === 0) {
      return slots
    }
    if (this.size <= draws) {
      for (let i = 0, from = randomBelow(random, this.highest); i < this.highest; i++) {
        const slot = (from + i) % this.highest
        if (this.columns.address[slot] !== 0) {
          slots.add(slot)
        }
      }
      return slots
    }
    for (let i = 0; i < draws; i++) {
      let region = regions[randomBelow(random, regions.length)] as { root: number, count: number }
      if (i % 2 === 0) {
        let at = randomBelow(random, this.size)
        region = regions.find(({ count }) => (at -= count) < 0) as { root: number, count: number }
      }
      this.forest.seek(region.root, random.nextUint32(), 0, true)
      let slot = this.forest.next()
      if (slot === undefined) {
        this.forest.seek(region.root, 0, 0, true)
        slot = this.forest.next()
      }
      slots.add(slot as number)
    }
    return slots
  }

  /** One of each group, then a second of each, and so on. */
  private inRounds (groups: number[][], count: number): Array<Uint8Array<ArrayBuffer>> {
    const picked: Array<Uint8Array<ArrayBuffer>> = []
    let bytes = 0
    for (let round = 0, found = true; found && picked.length < count; round++) {
      found = false
      for (const group of groups) {
        const slot = group[round]
        if (slot !== undefined && picked.length < count) {
          found = true
          const envelope = this.envelope(slot)
          if (bytes + envelope.length <= SAMPLE_BYTES) {
            bytes += envelope.length
            picked.push(envelope)
          }
        }
      }
    }
    return picked
  }

  private listModels (): SeedModel[] {
    const regions = [...this.regions.names()].sort().map(name => ({ name, code: this.regions.code(name) as number }))
      .filter(({ name, code }) => name !== '' && this.lists.count(code, TERM_ALL) > 0)
    return [...this.modelNames.names()]
      .map(id => ({ id, code: this.modelNames.code(id) as number }))
      .map(model => ({ ...model, providers: this.providers[model.code] as number }))
      .filter(({ providers }) => providers > 0)
      .sort((a, b) => b.providers - a.providers || (a.id < b.id ? -1 : 1))
      .slice(0, MAX_LISTED)
      .map(({ id, code, providers }) => ({
        id,
        providers,
        regions: regions.filter(region => this.lists.count(region.code, modelTerm(code, true)) > 0)
          .slice(0, MAX_LISTED_REGIONS).map(({ name }) => name)
      }))
  }
}

function refusal (reason: RegisterRefusal, message: string): RegisterOutcome {
  return { registered: false, reason, message }
}

/** What tells peers apart: the id's bytes, or the text of a name that is not a peer id. */
function idOf (peer: string): Uint8Array {
  try {
    return peerIdBytesOf(peer)
  } catch {
    return new TextEncoder().encode(peer).subarray(0, 255)
  }
}
