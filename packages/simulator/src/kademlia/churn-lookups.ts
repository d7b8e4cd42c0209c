/**
 * Lookups among devices that come and go, event by event: a request is answered when its node is still there, and waited for in vain when it is
 * not. Joins
 * and refreshes of tables cause lookups of their own, which are counted beside those that users make.
 */
import { RandomStream } from '../engine/random-stream.ts'
import { TimerWheel } from '../engine/timer-wheel.ts'
import { below } from './bucket-draw.ts'
import { ChurnTable } from './churn-table.ts'
import { ContactList } from './contact-list.ts'
import { DeviceCells } from './device-cells.ts'
import { idInBucket } from './join-protocol.ts'
import { closestContacts } from './kad-table.ts'
import { KademliaStream } from './kademlia-stream.ts'
import { PLACES } from './hashed-cells.ts'
import { LookupKernel } from './lookup-kernel.ts'
import { newTally } from './lookup-tally.ts'
import { Presence } from './presence.ts'
import { onlineShare } from '../engine/churn.ts'
import type { ChurnModel } from '../engine/churn.ts'
import type { LookupRule } from './lookup-kernel.ts'
import type { LookupTally } from './lookup-tally.ts'

export interface ChurnLookupsInit {
  seed: number
  /** Devices online on average */
  online: number
  model: ChurnModel
  /** @default k 8, alpha 2 */
  rule?: LookupRule
  /** Lookups that users make, a second, in the whole network */
  lookupsPerSecond: number
  /**
   * Until then devices come and go and nothing is looked up, ms. At the start all tables are as if refreshed a moment ago; after one `refreshMs` they
   * are as stale as they get.
   *
   * @default 0
   */
  lookupsFromMs?: number
  /**
   * How long after a refresh of its buckets a device's next is, ms.
   *
   * @default 3_600_000
   */
  refreshMs?: number
  /**
   * Whether joins and refreshes cause the lookups by which they happen: its own id when a device comes, and then and at each refresh an id in each
   * of its buckets.
   * Without, tables are as if they had, and it costs nothing.
   *
   * @default false
   */
  maintenance?: boolean
  /** Share of devices that others cannot reach. @default 0 */
  natShare?: number
  /** What becomes of those, see `ChurnTableInit`. @default 'client' */
  natted?: 'client' | 'listed'
  /** From request to answer, whole ms, at least 1. Default: 40 to 200, each pair its own */
  roundTripMs?: (from: number, to: number) => number
  /** Most lookups under way at once; further ones are not made, and counted. @default 65_536 */
  maxLookups?: number
  /** Of how many lookups one is checked for having found the closest node that is there. @default 16 */
  checkEvery?: number
}

const USER = 0
const ANSWER = 0
const EXPIRE = 1
/** Words of an event: the slot and the kind, the candidate, and which of the slot's lookups it is. */
const [SLOT, CANDIDATE, LOOKUP] = [0, 1, 2]
/** Longest elapsed time of the histogram, ms. */
const HISTOGRAM_MS = 20_000

export class ChurnLookups {
  readonly presence: Presence
  readonly table: ChurnTable
  readonly user: LookupTally = newTally()
  readonly maintenance: LookupTally = newTally()
  /** Of users' complete lookups: how many took so many ms */
  readonly elapsedHistogram = new Uint32Array(HISTOGRAM_MS + 1)
  /** Lookups that were not made because too many were under way */
  refused = 0
  nowMs = 0
  private readonly init: Required<ChurnLookupsInit>
  private readonly devices: DeviceCells
  private readonly kernel: LookupKernel
  private readonly wheel: TimerWheel
  private readonly event = new Int32Array(3)
  private readonly contacts: ContactList
  private readonly who: RandomStream
  private readonly closest: Int16Array
  private readonly self: Float64Array
  private readonly hi: Uint32Array
  private readonly lo: Uint32Array
  private readonly startMs: Float64Array
  private readonly lookup: Int32Array
  private readonly kind: Uint8Array
  private readonly free: Int32Array
  private freeLength = 0
  private made = 0
  private drawn = 0
  private refreshed = 0

  constructor (init: ChurnLookupsInit) {
    const rule: LookupRule = { k: 8, alpha: 2, ...init.rule }
    const maxLookups = init.maxLookups ?? 65_536
    const roundTrips = new RandomStream(init.seed, KademliaStream.roundTrip)
    this.init = {
      refreshMs: 3_600_000,
      lookupsFromMs: 0,
      maintenance: false,
      natShare: 0,
      natted: 'client',
      roundTripMs: (from, to) => 40 + ((roundTrips.int32(from, to) >>> 16) * 161 >>> 16),
      checkEvery: 16,
      ...init,
      maxLookups,
      rule
    }
    const share = onlineShare(init.model)
    this.kernel = new LookupKernel(maxLookups, rule)
    const { k } = this.kernel
    this.devices = new DeviceCells(init.seed, init.online / share, Math.min(32, k / share))
    this.presence = new Presence({ seed: init.seed, model: init.model, devices: this.devices.count })
    this.table = new ChurnTable({
      seed: init.seed,
      k,
      devices: this.devices,
      presence: this.presence,
      refreshTicks: Math.ceil(this.init.refreshMs / this.presence.tickMs),
      natShare: this.init.natShare,
      natted: this.init.natted
    })
    this.wheel = new TimerWheel({ words: 3 })
    this.contacts = new ContactList(512)
    this.who = new RandomStream(init.seed, KademliaStream.lookup)
    this.closest = new Int16Array(k)
    this.self = new Float64Array(maxLookups)
    this.hi = new Uint32Array(maxLookups)
    this.lo = new Uint32Array(maxLookups)
    this.startMs = new Float64Array(maxLookups)
    this.lookup = new Int32Array(maxLookups)
    this.kind = new Uint8Array(maxLookups)
    this.free = Int32Array.from({ length: maxLookups }, (_, i) => maxLookups - 1 - i)
    this.freeLength = maxLookups
  }

  /** Bytes of what grows with the network, and of the lookups. */
  get byteLength (): number {
    return this.presence.byteLength + this.devices.start.byteLength + this.wheel.byteLength + this.kernel.pool.byteLength
  }

  /** Devices, online or not. */
  get deviceCount (): number {
    return this.devices.count
  }

  /** Runs until so long after the start. */
  run (untilMs: number): void {
    const { event, presence, wheel } = this
    const { tickMs } = presence
    while (this.nowMs < untilMs) {
      // who comes and goes is settled a tick ahead; within it, the rest happens in its order
      const tick = Math.round(this.nowMs / tickMs)
      const endMs = (tick + 1) * tickMs
      this.table.tick = tick
      presence.runBefore(tick + 1, device => { this.join(device) })
      if (this.nowMs >= this.init.lookupsFromMs) {
        this.refresh(tick)
        this.begin(endMs - this.init.lookupsFromMs)
      }
      while (wheel.pop(event, 0, endMs)) {
        this.happen(event[SLOT] as number, event[CANDIDATE] as number, event[LOOKUP] as number, wheel.nowTick)
      }
      this.nowMs = endMs
    }
  }

  /** Users' lookups of this tick, evenly spread. Their first requests are sent at its beginning. */
  private begin (afterMs: number): void {
    const until = Math.floor(afterMs * this.init.lookupsPerSecond / 1000)
    for (; this.made < until; this.made++) {
      this.start(this.onlineDevice(), this.who.uint32(this.made, 0), this.who.uint32(this.made, 1), USER)
    }
  }

  private onlineDevice (): number {
    for (;;) {
      const device = below(this.who.uint32(this.drawn++, 2), this.devices.count)
      if (this.presence.isOnline(device)) {
        return device
      }
    }
  }

  private join (device: number): void {
    if (this.init.maintenance && this.nowMs >= this.init.lookupsFromMs) {
      const node = this.devices.nodeOf(device)
      this.start(device, this.table.idHi(node), this.table.idLo(node), 1)
      this.refreshBuckets(device)
    }
  }

  /** Devices refresh one after another, all once in the time between two refreshes. */
  private refresh (tick: number): void {
    if (!this.init.maintenance) {
      return
    }
    const { lookupsFromMs, refreshMs } = this.init
    const until = Math.floor(((tick + 1) * this.presence.tickMs - lookupsFromMs) / refreshMs * this.devices.count)
    for (; this.refreshed < until; this.refreshed++) {
      const device = this.refreshed % this.devices.count
      if (this.presence.isOnline(device)) {
        this.refreshBuckets(device)
      }
    }
  }

  private refreshBuckets (device: number): void {
    const node = this.devices.nodeOf(device)
    for (let bucket = 0; bucket < this.table.buckets - 1; bucket++) {
      const [hi, lo] = idInBucket(
        this.table.idHi(node), this.table.idLo(node), bucket, this.who.uint32(this.drawn, 3), this.who.uint32(this.drawn++, 4)
      )
      this.start(device, hi, lo, 1)
    }
  }

  private start (device: number, hi: number, lo: number, kind: number): void {
    if (this.freeLength === 0) {
      this.refused++
      return
    }
    const slot = this.free[--this.freeLength] as number
    const self = this.devices.nodeOf(device)
    this.self[slot] = self
    this.hi[slot] = hi
    this.lo[slot] = lo
    this.startMs[slot] = this.nowMs
    this.kind[slot] = kind
    this.tally(slot).started++
    closestContacts(this.table, self, hi, lo, self, this.kernel.k, this.contacts)
    this.kernel.begin(slot, this.contacts, this.nowMs)
    this.proceed(slot, this.nowMs)
  }

  private happen (slotAndKind: number, candidate: number, lookup: number, nowMs: number): void {
    const slot = slotAndKind >>> 1
    if (this.lookup[slot] !== lookup) {
      return
    }
    const { kernel } = this
    const self = this.self[slot] as number
    const at = slot * kernel.pool.capacity + candidate
    if (!this.presence.isOnline(this.devices.deviceOf(self))) {
      this.tally(slot).abandoned++
      this.release(slot)
      return
    }
    if ((slotAndKind & 1) === EXPIRE) {
      kernel.expire(slot, candidate, nowMs)
      kernel.advance(slot, nowMs)
    } else {
      const node = kernel.pool.node[at] as number
      if (!this.table.answers(node)) {
        this.tally(slot).unanswered++
        const sentMs = kernel.pool.sentMs[at] as number
        this.wheel.push(Math.max(nowMs, sentMs + kernel.softTimeoutMs), slot * 2 + EXPIRE, candidate, lookup)
        this.wheel.push(Math.max(nowMs, sentMs + kernel.requestTimeoutMs), slot * 2 + EXPIRE, candidate, lookup)
        return
      }
      closestContacts(this.table, node, this.hi[slot] as number, this.lo[slot] as number, self, kernel.k, this.contacts)
      kernel.answer(slot, candidate, self, this.contacts, nowMs)
    }
    this.proceed(slot, nowMs)
  }

  /** Sends what the lookup asks, or ends it. */
  private proceed (slot: number, nowMs: number): void {
    const { kernel, wheel } = this
    const self = this.self[slot] as number
    const first = slot * kernel.pool.capacity
    for (let i = 0; i < kernel.askedLength; i++) {
      const candidate = kernel.asked[i] as number
      const roundTripMs = this.init.roundTripMs(self, kernel.pool.node[first + candidate] as number)
      if (roundTripMs >= kernel.softTimeoutMs) {
        wheel.push(nowMs + kernel.softTimeoutMs, slot * 2 + EXPIRE, candidate, this.lookup[slot] as number)
      }
      if (roundTripMs >= kernel.requestTimeoutMs) {
        wheel.push(nowMs + kernel.requestTimeoutMs, slot * 2 + EXPIRE, candidate, this.lookup[slot] as number)
      }
      wheel.push(nowMs + roundTripMs, slot * 2 + ANSWER, candidate, this.lookup[slot] as number)
    }
    if (kernel.ended !== undefined) {
      this.end(slot, nowMs)
    }
  }

  private end (slot: number, nowMs: number): void {
    const { kernel } = this
    const tally = this.tally(slot)
    const size = kernel.closest(slot, this.closest)
    if (kernel.ended === 'budget' || size === 0) {
      tally.abandoned++
    } else {
      const elapsedMs = nowMs - (this.startMs[slot] as number)
      const nearest = slot * kernel.pool.capacity + (this.closest[0] as number)
      tally.complete++
      tally.hops += kernel.pool.hop[nearest] as number
      tally.elapsedMs += elapsedMs
      if (this.kind[slot] === USER) {
        const bin = Math.min(HISTOGRAM_MS, elapsedMs)
        this.elapsedHistogram[bin] = (this.elapsedHistogram[bin] as number) + 1
      }
      if (tally.complete % this.init.checkEvery === 0) {
        tally.checked++
        tally.found += kernel.pool.node[nearest] === this.nearestOnline(slot) ? 1 : 0
      }
    }
    tally.requests += kernel.requests[slot] as number
    this.release(slot)
  }

  private release (slot: number): void {
    this.lookup[slot] = ((this.lookup[slot] as number) + 1) | 0
    this.free[this.freeLength++] = slot
  }

  private tally (slot: number): LookupTally {
    return this.kind[slot] === USER ? this.user : this.maintenance
  }

  /** Of all nodes that answer, but for the searcher, the closest to the target: in its cell or, should that be empty, in one not far away. */
  private nearestOnline (slot: number): number {
    const { cells } = this.devices
    const own = cells.cellBits === 0 ? 0 : (this.hi[slot] as number) >>> (32 - cells.cellBits)
    this.contacts.clear()
    for (let offset = 0; offset < 2 ** cells.cellBits && this.contacts.size === 0; offset++) {
      const cell = (own ^ offset) >>> 0
      for (let place = 0, count = this.devices.countIn(cell); place < count; place++) {
        const node = cell * PLACES + place
        if (node !== this.self[slot] && this.table.answers(node)) {
          this.table.pushNode(node, this.hi[slot] as number, this.lo[slot] as number, this.contacts)
        }
      }
    }
    this.contacts.sortFrom(0)
    return this.contacts.nodes[0] as number
  }
}
