/** Keeps a peer's own offers stored at the peers closest to their keys: announces, renews, moves and withdraws them. */
import { randomFloat, TimerTable } from '@skein/core'
import { isCrowded, shareWithin } from './key-density.ts'
import { compareDistance } from './model-key.ts'
import type { Contact, PeerKey } from './contact.ts'
import type { Machine, Random } from '@skein/core'

export interface AnnounceKey {
  /** The key as text */
  name: string
  bytes: Uint8Array
}

/**
 * - `sign`: make a new record of the model's offer, a withdrawn one if so said, and report it with `onSigned`
 * - `lookup`: find the closest peers of a key, and report them with `onClosest`. Each peer that is asked on the way may be given the current record
 *   with the same message (`onStoring`, then `onStored` or `onStoreFailed`): most of those asked are the closest, so that looking up and storing
 *   cost hardly more than looking up
 * - `store`: store the current record at a peer, and report with `onStored` or `onStoreFailed`
 * - `announced`: the current record was stored, or could not be, at each of the closest peers of every key
 * - `withdrawn`: the same for the withdrawn record; the model is forgotten
 */
export type AnnouncerEffect<C extends Contact> =
  | { type: 'sign', model: string, withdrawn: boolean }
  | { type: 'lookup', model: string, key: AnnounceKey }
  | { type: 'store', model: string, key: AnnounceKey, to: C, version: number }
  | { type: 'announced', model: string, stored: number, failed: number }
  | { type: 'withdrawn', model: string, stored: number, failed: number }

export interface StoreFailure {
  /** `false` when the peer does not want the offer: it is asked again with the next record only */
  again: boolean
  /** When it wants to be asked again, if it said so */
  retryAfterMs?: number
}

export interface AnnouncerInit {
  /**
   * At how many of the closest peers an offer is stored.
   *
   * @default 20
   */
  k?: number
  /**
   * Most models announced; a further one is refused.
   *
   * @default 64
   */
  maxModels?: number
  /**
   * Least time between two signatures of one offer that are not renewals.
   *
   * @default 3000
   */
  minResignMs?: number
  /**
   * Least time between two lookups of one key; doubles with each that was not a renewal, up to 16 times.
   *
   * @default 1000
   */
  minLookupMs?: number
  /**
   * Wait before a store that failed is tried again; doubles with each failure.
   *
   * @default 1000
   */
  retryMs?: number
  /**
   * Tries at one peer before it is given up.
   *
   * @default 3
   */
  maxTries?: number
}

interface Announcement<C extends Contact> {
  kind: 'announcement'
  model: string
  keys: Array<Shelf<C>>
  /** Counts the records signed; 0 before the first */
  version: number
  signing: boolean
  signedMs: number
  renewAtMs: number
  expiresAtMs: number
  withdrawing: boolean
  /** The version for which `announced` was said */
  reportedVersion: number
  /** The record being signed is to be stored by lookups, not only at the known holders */
  seeking: boolean
  /** Something changed since the last signature was asked for */
  dirty: boolean
}

interface Shelf<C extends Contact> {
  kind: 'shelf'
  owner: Announcement<C>
  key: AnnounceKey
  holders: Map<PeerKey, Holder<C>>
  lookingUp: boolean
  lookedUpMs: number
  /** Lookups since the last renewal */
  lookups: number
  /** Peers that became known during a lookup, which may have missed them; at most `MAX_MISSED` */
  missed: C[]
}

const MAX_MISSED = 32

/** Most holders in the region of a crowded key, as multiples of k; k to 2k are expected there. */
const MAX_REGION = 4

/** Most peers of a key that are remembered, as multiples of k: the closest, its region, those asked on the way. */
const MAX_HOLDERS = 10

interface Holder<C extends Contact> {
  kind: 'holder'
  shelf: Shelf<C>
  contact: C
  /** One of the k closest, as far as is known; the others only hear of a withdrawal */
  current: boolean
  sendingVersion: number
  storedVersion: number
  storedUntilMs: number
  failures: number
  failedVersion: number
  /** It did not want this record */
  refusedVersion: number
  /** It did not answer however often it was asked: it is left alone until there is a newer record */
  givenUpVersion: number
}

type Timed<C extends Contact> = Announcement<C> | Shelf<C> | Holder<C>

export class Announcer<C extends Contact = Contact> implements Machine<AnnouncerEffect<C>> {
  private readonly k: number
  private readonly maxModels: number
  private readonly minResignMs: number
  private readonly minLookupMs: number
  private readonly retryMs: number
  private readonly maxTries: number
  private readonly random: Random
  private readonly announcements = new Map<string, Announcement<C>>()
  private readonly timers = new TimerTable<Timed<C>>()
  private readonly effects: Array<AnnouncerEffect<C>> = []

  constructor (init: AnnouncerInit, random: Random) {
    this.k = init.k ?? 20
    this.maxModels = init.maxModels ?? 64
    this.minResignMs = init.minResignMs ?? 3000
    this.minLookupMs = init.minLookupMs ?? 1000
    this.retryMs = init.retryMs ?? 1000
    this.maxTries = init.maxTries ?? 3
    this.random = random
  }

  get models (): string[] {
    return [...this.announcements.keys()]
  }

  /** Peers that hold the current offer of a model, all keys counted. */
  holderCount (model: string): number {
    const announcement = this.announcements.get(model)
    return announcement === undefined ? 0 : this.tally(announcement).stored
  }

  /** Announces a model, or with other keys an announced one anew. `false` when there are too many. */
  onOffer (model: string, keys: AnnounceKey[]): boolean {
    let announcement = this.announcements.get(model)
    if (announcement === undefined) {
      if (this.announcements.size >= this.maxModels) {
        return false
      }
      announcement = {
        kind: 'announcement',
        model,
        keys: [],
        version: 0,
        signing: false,
        signedMs: -Infinity,
        renewAtMs: 0,
        expiresAtMs: 0,
        withdrawing: false,
        reportedVersion: 0,
        seeking: false,
        dirty: false
      }
      this.announcements.set(model, announcement)
    }
    announcement.withdrawing = false
    const kept = new Map(announcement.keys.map(shelf => [shelf.key.name, shelf]))
    announcement.keys = keys.map(key => kept.get(key.name) ?? {
      kind: 'shelf', owner: announcement, key, holders: new Map(), lookingUp: false, lookedUpMs: -Infinity, lookups: 0, missed: []
    })
    announcement.seeking = true
    this.sign(announcement)
    return true
  }

  /** What the offer says has changed: at once if it is urgent, otherwise with the next renewal. */
  onChange (model: string, urgent: boolean, nowMs: number): void {
    const announcement = this.announcements.get(model)
    if (announcement === undefined || announcement.withdrawing || !urgent) {
      return
    }
    const atMs = announcement.signedMs + this.minResignMs
    if (announcement.signing) {
      announcement.dirty = true
    } else if (atMs <= nowMs) {
      this.sign(announcement)
    } else if (atMs < (this.timers.deadlineOf(announcement) ?? Infinity)) {
      this.timers.set(announcement, atMs)
    }
  }

  /** Tells all holders that the offer is taken back. */
  onWithdraw (model: string): void {
    const announcement = this.announcements.get(model)
    if (announcement === undefined || announcement.withdrawing) {
      return
    }
    announcement.withdrawing = true
    this.timers.delete(announcement)
    if (announcement.version === 0 && !announcement.signing) {
      this.report(announcement)
    } else {
      this.sign(announcement)
    }
  }

  /** A record was signed. */
  onSigned (model: string, expiresAtMs: number, nowMs: number): void {
    const announcement = this.announcements.get(model)
    if (announcement === undefined || !announcement.signing) {
      return
    }
    announcement.signing = false
    announcement.version++
    announcement.signedMs = nowMs
    announcement.expiresAtMs = expiresAtMs
    // withdrawn, or changed again, while it was being signed
    const { dirty, withdrawing } = announcement
    announcement.dirty = false
    if (dirty && withdrawing) {
      this.sign(announcement)
      return
    }
    if (!withdrawing) {
      const halfLifeMs = Math.max(0, expiresAtMs - nowMs) / 2
      announcement.renewAtMs = nowMs + halfLifeMs * (0.9 + 0.1 * randomFloat(this.random))
      this.timers.set(announcement, dirty ? Math.min(announcement.renewAtMs, nowMs + this.minResignMs) : announcement.renewAtMs)
    }
    const seeking = announcement.seeking && !withdrawing
    announcement.seeking = false
    for (const shelf of announcement.keys) {
      for (const holder of shelf.holders.values()) {
        holder.givenUpVersion = 0
        holder.failures = 0
        if (!seeking) {
          this.store(holder, nowMs)
        }
      }
      if (seeking) {
        this.lookUp(shelf, nowMs)
      }
    }
    this.report(announcement)
  }

  /** Signing failed: the driver says so and tries no more by itself. */
  onSignFailed (model: string, nowMs: number): void {
    const announcement = this.announcements.get(model)
    if (announcement?.signing === true) {
      announcement.signing = false
      this.timers.set(announcement, nowMs + this.minResignMs)
    }
  }

  /**
   * The closest peers of a key, as a lookup found them, and where those crowd around the key, the others of its region: all of them hold the offer,
   * in addition to the closest and not in their place.
   */
  onClosest (model: string, keyName: string, closest: C[], nowMs: number, region: C[] = []): void {
    const shelf = this.shelf(model, keyName)
    if (shelf === undefined || !shelf.lookingUp) {
      return
    }
    shelf.lookingUp = false
    if (closest.length === 0) {
      this.lookUpLater(shelf, nowMs)
      for (const holder of shelf.holders.values()) {
        this.store(holder, nowMs)
      }
    } else {
      const names = new Set<PeerKey>()
      for (const contact of [...closest.slice(0, 2 * this.k), ...region.slice(0, MAX_REGION * this.k)]) {
        names.add(contact.peer)
        this.hold(shelf, contact, nowMs)
      }
      for (const [name, holder] of shelf.holders) {
        const givenUp = isGivenUp(holder)
        holder.current = names.has(name) && !givenUp
        if (!holder.current && !givenUp && holder.sendingVersion === 0 && holder.storedUntilMs <= nowMs) {
          this.timers.delete(holder)
          shelf.holders.delete(name)
        }
      }
    }
    const missed = shelf.missed
    shelf.missed = []
    for (const contact of missed) {
      this.welcome(shelf, contact, nowMs)
    }
    this.report(shelf.owner)
  }

  /** The size of the network has become known: keys around which holders crowd are looked up anew, with all of their region. */
  onNetworkSize (networkSize: number, nowMs: number): void {
    for (const announcement of this.announcements.values()) {
      for (const shelf of announcement.keys) {
        const shares = [...shelf.holders.values()].filter(({ current }) => current)
          .map(({ contact }) => shareWithin(contact.kadId, shelf.key.bytes)).sort((a, b) => a - b)
        if (isCrowded(shares, networkSize, this.k)) {
          this.lookUp(shelf, nowMs)
        }
      }
    }
  }

  /** The number of the current record; 0 when there is none. */
  versionOf (model: string): number {
    return this.announcements.get(model)?.version ?? 0
  }

  /** A peer that a lookup asks is given the current record with the same message. `false` when it has it, or should not get it. */
  onStoring (model: string, keyName: string, contact: C): boolean {
    const shelf = this.shelf(model, keyName)
    if (shelf === undefined || shelf.owner.version === 0) {
      return false
    }
    const known = shelf.holders.get(contact.peer)
    const holder = known ?? this.newHolder(shelf, contact, false)
    const { version } = shelf.owner
    if (holder === undefined || holder.sendingVersion > 0 || [holder.storedVersion, holder.refusedVersion, holder.givenUpVersion].includes(version)) {
      return false
    }
    this.timers.delete(holder)
    holder.sendingVersion = version
    return true
  }

  onStored (model: string, keyName: string, peer: PeerKey, version: number, nowMs: number): void {
    const holder = this.shelf(model, keyName)?.holders.get(peer)
    if (holder === undefined || holder.sendingVersion !== version) {
      return
    }
    const announcement = holder.shelf.owner
    holder.sendingVersion = 0
    holder.storedVersion = version
    holder.storedUntilMs = announcement.expiresAtMs
    holder.failures = 0
    if (version < announcement.version) {
      this.store(holder, nowMs)
    }
    this.report(announcement)
  }

  /** A store came to nothing. */
  onStoreFailed (model: string, keyName: string, peer: PeerKey, version: number, options: StoreFailure, nowMs: number): void {
    const holder = this.shelf(model, keyName)?.holders.get(peer)
    if (holder === undefined || holder.sendingVersion !== version) {
      return
    }
    const shelf = holder.shelf
    holder.sendingVersion = 0
    holder.failedVersion = version
    holder.failures++
    if (!options.again) {
      holder.refusedVersion = version
    } else {
      if (holder.failures < this.maxTries) {
        this.timers.set(holder, nowMs + Math.max(options.retryAfterMs ?? 0, this.retryMs * 2 ** (holder.failures - 1)))
      } else {
        // the closest set has changed
        holder.givenUpVersion = version
        holder.current = false
        if (!shelf.owner.withdrawing) {
          this.lookUpLater(shelf, nowMs)
        }
      }
    }
    this.report(shelf.owner)
  }

  /** A peer became known that may be closer to a key than those that hold it: it gets the offer at once. */
  onContact (contact: C, nowMs: number): void {
    for (const announcement of this.announcements.values()) {
      if (announcement.withdrawing) {
        continue
      }
      for (const shelf of announcement.keys) {
        if (!shelf.lookingUp) {
          this.welcome(shelf, contact, nowMs)
        } else if (shelf.missed.length < MAX_MISSED) {
          shelf.missed.push(contact)
        }
      }
    }
  }

  /** A peer is gone: the next closest take its place. */
  onContactLost (peer: PeerKey, nowMs: number): void {
    for (const announcement of this.announcements.values()) {
      for (const shelf of announcement.keys) {
        const holder = shelf.holders.get(peer)
        if (holder === undefined || holder.sendingVersion > 0 || announcement.withdrawing) {
          continue
        }
        this.timers.delete(holder)
        shelf.holders.delete(peer)
        if (holder.current || currentCount(shelf) < this.k) {
          this.lookUpLater(shelf, nowMs)
        }
      }
    }
  }

  onTimeout (nowMs: number): void {
    for (;;) {
      const due = this.timers.popDue(nowMs)
      if (due === undefined) {
        return
      }
      if (due.kind === 'announcement') {
        if (nowMs >= due.renewAtMs) {
          due.seeking = true
          due.keys.forEach(shelf => { shelf.lookups = 0 })
        }
        this.sign(due)
      } else if (due.kind === 'shelf') {
        this.lookUp(due, nowMs)
      } else {
        this.store(due, nowMs)
      }
    }
  }

  poll (): AnnouncerEffect<C> | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private shelf (model: string, keyName: string): Shelf<C> | undefined {
    return this.announcements.get(model)?.keys.find(shelf => shelf.key.name === keyName)
  }

  private sign (announcement: Announcement<C>): void {
    if (announcement.signing) {
      announcement.dirty = true
      return
    }
    announcement.signing = true
    this.effects.push({ type: 'sign', model: announcement.model, withdrawn: announcement.withdrawing })
  }

  private lookUp (shelf: Shelf<C>, nowMs: number): void {
    this.timers.delete(shelf)
    // before the first record is signed there is nothing to store; when it is, the lookups begin
    if (!shelf.lookingUp && !shelf.owner.withdrawing && shelf.owner.version > 0) {
      shelf.lookingUp = true
      shelf.lookedUpMs = nowMs
      shelf.lookups++
      this.effects.push({ type: 'lookup', model: shelf.owner.model, key: shelf.key })
    }
  }

  private lookUpLater (shelf: Shelf<C>, nowMs: number): void {
    if (!shelf.lookingUp && this.timers.deadlineOf(shelf) === undefined) {
      const waitMs = this.minLookupMs * 2 ** Math.min(4, Math.max(0, shelf.lookups - 1))
      this.timers.set(shelf, Math.max(nowMs, shelf.lookedUpMs + waitMs * (1 + 0.1 * randomFloat(this.random))))
    }
  }

  /** Whether a peer would be one of the k closest known. */
  private belongs (shelf: Shelf<C>, contact: C): boolean {
    let closer = 0
    for (const holder of shelf.holders.values()) {
      if (holder.current && compareDistance(holder.contact.kadId, contact.kadId, shelf.key.bytes) < 0 && ++closer >= this.k) {
        return false
      }
    }
    return true
  }

  private welcome (shelf: Shelf<C>, contact: C, nowMs: number): void {
    if (shelf.holders.has(contact.peer) || !this.belongs(shelf, contact)) {
      return
    }
    const first = shelf.holders.size === 0
    this.hold(shelf, contact, nowMs)
    if (first) {
      this.lookUp(shelf, nowMs)
    } else if (currentCount(shelf) <= this.k) {
      // there were fewer than k: this one may know more
      this.lookUpLater(shelf, nowMs)
    }
  }

  private hold (shelf: Shelf<C>, contact: C, nowMs: number): void {
    const holder = shelf.holders.get(contact.peer) ?? this.newHolder(shelf, contact, true)
    if (holder !== undefined) {
      holder.contact = contact
      holder.current = !isGivenUp(holder)
      if (holder.refusedVersion !== shelf.owner.version && this.timers.deadlineOf(holder) === undefined) {
        this.store(holder, nowMs)
      }
    }
  }

  private newHolder (shelf: Shelf<C>, contact: C, current: boolean): Holder<C> | undefined {
    if (shelf.holders.size >= MAX_HOLDERS * this.k && !dropFormer(shelf)) {
      return undefined
    }
    const holder: Holder<C> = {
      kind: 'holder',
      shelf,
      contact,
      current,
      sendingVersion: 0,
      storedVersion: 0,
      storedUntilMs: -Infinity,
      failures: 0,
      failedVersion: 0,
      refusedVersion: 0,
      givenUpVersion: 0
    }
    shelf.holders.set(contact.peer, holder)
    return holder
  }

  private store (holder: Holder<C>, nowMs: number): void {
    const announcement = holder.shelf.owner
    const due = announcement.version > 0 && !announcement.signing && holder.storedVersion < announcement.version && !isGivenUp(holder) &&
      (announcement.withdrawing ? holder.storedUntilMs > nowMs || holder.failures > 0 : holder.current)
    if (due && holder.sendingVersion === 0) {
      this.timers.delete(holder)
      holder.sendingVersion = announcement.version
      this.effects.push({ type: 'store', model: announcement.model, key: holder.shelf.key, to: holder.contact, version: announcement.version })
    }
  }

  private tally (announcement: Announcement<C>): { stored: number, failed: number, open: number } {
    let stored = 0
    let failed = 0
    let open = 0
    for (const shelf of announcement.keys) {
      for (const holder of shelf.holders.values()) {
        if (holder.sendingVersion > 0) {
          open++
        } else if (holder.storedVersion === announcement.version) {
          stored++
        } else if (holder.failedVersion === announcement.version) {
          failed++
        }
      }
    }
    return { stored, failed, open }
  }

  /** Says once for each record that its round is over. */
  private report (announcement: Announcement<C>): void {
    if (announcement.signing || (announcement.version > 0 && announcement.reportedVersion === announcement.version)) {
      return
    }
    if (!announcement.withdrawing && (announcement.version === 0 || announcement.keys.some(shelf => shelf.lookingUp))) {
      return
    }
    const { stored, failed, open } = this.tally(announcement)
    if (open > 0) {
      return
    }
    announcement.reportedVersion = announcement.version
    const { model } = announcement
    if (!announcement.withdrawing) {
      this.effects.push({ type: 'announced', model, stored, failed })
      return
    }
    this.effects.push({ type: 'withdrawn', model, stored, failed })
    this.announcements.delete(model)
    this.timers.delete(announcement)
    for (const shelf of announcement.keys) {
      this.timers.delete(shelf)
      for (const holder of shelf.holders.values()) {
        this.timers.delete(holder)
      }
    }
  }
}

function isGivenUp<C extends Contact> (holder: Holder<C>): boolean {
  return holder.givenUpVersion > 0 && holder.givenUpVersion === holder.shelf.owner.version
}

function currentCount<C extends Contact> (shelf: Shelf<C>): number {
  let count = 0
  for (const holder of shelf.holders.values()) {
    count += holder.current ? 1 : 0
  }
  return count
}

/** Makes room by forgetting a holder that is no longer one of the closest. */
function dropFormer<C extends Contact> (shelf: Shelf<C>): boolean {
  for (const [name, holder] of shelf.holders) {
    if (!holder.current && holder.sendingVersion === 0) {
      shelf.holders.delete(name)
      return true
    }
  }
  return false
}
