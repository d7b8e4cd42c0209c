/** The peers registered at a seed, in memory: bounded, each with its life, and a diverse pick of them for newcomers. */
import { randomBelow } from '@skein/core'
import { networkOf, RecordError } from '@skein/records'
import type { Random } from '@skein/core'
import type { Capabilities, SeedModel } from '@skein/records'

export interface Registration {
  capabilities: Capabilities
  /** As it came, handed to others */
  envelope: Uint8Array
}

export interface RegistrationTableInit {
  /**
   * Most registrations kept; a newcomer beyond it is refused, for those who are here renew and a flood must not push them out.
   *
   * @default 100_000
   */
  maxRegistrations?: number
}

/** The table is full. */
export class TableFullError extends Error {
  static override name = 'TableFullError'
  override readonly name = 'TableFullError'

  constructor (max: number) {
    super(`All ${max} registrations are taken; try another seed`)
  }
}

/** How many candidates are looked at for each peer that is handed out. */
const SAMPLES_PER_PICK = 4

export class RegistrationTable {
  private readonly maxRegistrations: number
  private readonly registrations = new Map<string, Registration>()
  /** The same keys in an array, so that one can be drawn at random; `slots` says where each is */
  private readonly drawn: string[] = []
  private readonly slots = new Map<string, number>()
  private sweepAtMs = 0

  constructor (init: RegistrationTableInit = {}) {
    this.maxRegistrations = init.maxRegistrations ?? 100_000
  }

  get size (): number {
    return this.registrations.size
  }

  /**
   * Adds or renews.
   *
   * @throws {RecordError} `replayed` when its seq is not newer than the one that is here
   * @throws {TableFullError}
   */
  register (registration: Registration, nowMs: number): void {
    const { peer, seq } = registration.capabilities
    const known = this.registrations.get(peer)
    if (known != null && seq <= known.capabilities.seq) {
      throw new RecordError('replayed', `Sequence number ${seq} is not newer than ${known.capabilities.seq}`)
    }
    if (known == null) {
      if (this.registrations.size >= this.maxRegistrations) {
        this.sweep(nowMs)
      }
      if (this.registrations.size >= this.maxRegistrations) {
        throw new TableFullError(this.maxRegistrations)
      }
      this.slots.set(peer, this.drawn.length)
      this.drawn.push(peer)
    }
    this.registrations.set(peer, registration)
    if (nowMs >= this.sweepAtMs) {
      this.sweep(nowMs)
    }
  }

  /** Up to `count` live registrations other than `asker`, from as many networks and regions as there are. */
  pick (count: number, asker: string, nowMs: number, random: Random): Registration[] {
    const groups = new Map<string, Registration[]>()
    const seen = new Set<string>([asker])

    const samples = Math.min(this.drawn.length, count * SAMPLES_PER_PICK)
    // where nearly all are wanted, drawing at random would miss some
    const start = samples === 0 ? 0 : randomBelow(random, this.drawn.length)
    for (let i = 0; i < samples; i++) {
      const index = samples === this.drawn.length ? (start + i) % this.drawn.length : randomBelow(random, this.drawn.length)
      const peer = this.drawn[index] as string
      const registration = this.registrations.get(peer)
      if (registration == null || seen.has(peer) || registration.capabilities.expiresAtMs <= nowMs) {
        continue
      }
      seen.add(peer)
      const group = `${registration.capabilities.region} ${networkOf(registration.capabilities.addresses[0] ?? '') ?? ''}`
      groups.set(group, [...(groups.get(group) ?? []), registration])
    }

    const picked: Registration[] = []
    for (let round = 0; picked.length < count; round++) {
      const before = picked.length
      for (const group of groups.values()) {
        const registration = group[round]
        if (registration != null && picked.length < count) {
          picked.push(registration)
        }
      }
      if (picked.length === before) {
        break
      }
    }
    return picked
  }

  /** The models that live registrations have loaded, the most offered first. */
  models (count: number, nowMs: number): SeedModel[] {
    const models = new Map<string, { providers: number, regions: Set<string> }>()
    for (const { capabilities } of this.registrations.values()) {
      if (capabilities.expiresAtMs <= nowMs) {
        continue
      }
      for (const id of capabilities.loadedModels) {
        const entry = models.get(id) ?? { providers: 0, regions: new Set() }
        entry.providers++
        if (capabilities.region !== '' && entry.regions.size < 16) {
          entry.regions.add(capabilities.region)
        }
        models.set(id, entry)
      }
    }
    return [...models]
      .sort(([a, x], [b, y]) => y.providers - x.providers || (a < b ? -1 : 1))
      .slice(0, count)
      .map(([id, { providers, regions }]) => ({ id, providers, regions: [...regions].sort() }))
  }

  private sweep (nowMs: number): void {
    this.sweepAtMs = nowMs + 60_000
    for (const [peer, { capabilities }] of this.registrations) {
      if (capabilities.expiresAtMs <= nowMs) {
        this.remove(peer)
      }
    }
  }

  private remove (peer: string): void {
    this.registrations.delete(peer)
    const slot = this.slots.get(peer)
    const last = this.drawn.pop()
    this.slots.delete(peer)
    if (slot != null && last != null && last !== peer) {
      this.drawn[slot] = last
      this.slots.set(last, slot)
    }
  }
}
