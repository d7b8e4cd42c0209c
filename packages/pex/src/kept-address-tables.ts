/** Address tables that outlive the process: read from a store, written to it as they change. */
import { randomBytes } from '@skein/core'
import { AddressTables } from './address-tables.ts'
import type { AddressTablesStore, StoreChanges } from './address-tables-store.ts'
import type { Cancel, Clock, Random } from '@skein/core'

export interface KeptAddressTablesInit {
  /** Left out, nothing is kept */
  store?: AddressTablesStore
  clock: Clock
  random: Random
  /** Told when writing fails, such as on a full disk; it is tried again with the next changes */
  onFailure?: (error: Error) => void
  /**
   * Between two writes, ms. Anchors are written at once, and with them what has changed by then.
   *
   * @default 30_000
   */
  saveMs?: number
}

const KEY_BYTES = 16

export class KeptAddressTables {
  readonly tables: AddressTables
  private readonly init: KeptAddressTablesInit
  private kept: string[]
  /** What could not be written */
  private unsaved: StoreChanges = { changed: [], deleted: [] }
  private cancelSave: Cancel | undefined
  private saving: Promise<void> = Promise.resolve()

  private constructor (init: KeptAddressTablesInit, tables: AddressTables, anchors: string[]) {
    this.init = init
    this.tables = tables
    this.kept = anchors
  }

  /** Reads what an earlier run kept; a new key is written before it is used. */
  static async open (init: KeptAddressTablesInit): Promise<KeptAddressTables> {
    const { store, random } = init
    const { key: keptKey, known, anchors } = await store?.load() ?? { known: [], anchors: [] }
    const key = keptKey ?? randomBytes(random, KEY_BYTES)
    const kept = new KeptAddressTables(init, new AddressTables({ key, known }), anchors)
    if (keptKey === undefined) {
      await kept.save({ key })
    }
    return kept
  }

  /** The outbound peers of the last run, or of this one once it has some. */
  get anchors (): readonly string[] {
    return this.kept
  }

  start (): void {
    const { clock, store, saveMs = 30_000 } = this.init
    if (store !== undefined) {
      this.cancelSave = clock.schedule(clock.nowMs() + saveMs, () => {
        this.start()
        void this.save({})
      })
    }
  }

  async setAnchors (anchors: readonly string[]): Promise<void> {
    this.kept = [...anchors]
    await this.save({ anchors: this.kept })
  }

  /** Writes what has changed since the last time. The store stays open. */
  async stop (): Promise<void> {
    this.cancelSave?.()
    this.cancelSave = undefined
    await this.save({})
  }

  private async save (more: Pick<StoreChanges, 'key' | 'anchors'>): Promise<void> {
    const { store, onFailure } = this.init
    this.saving = this.saving.then(async () => {
      const changes = merge(this.unsaved, { ...more, ...this.tables.takeChanges() })
      if (store === undefined || isEmpty(changes)) {
        return
      }
      try {
        await store.save(changes)
        this.unsaved = { changed: [], deleted: [] }
      } catch (error) {
        this.unsaved = changes
        onFailure?.(error as Error)
      }
    })
    await this.saving
  }
}

/** The later word on a peer stands; the tables bound how many there are. */
function merge (earlier: StoreChanges, later: StoreChanges): StoreChanges {
  const changed = new Map([...earlier.changed, ...later.changed].map(entry => [entry.peer, entry]))
  const deleted = new Set(earlier.deleted)
  later.changed.forEach(({ peer }) => deleted.delete(peer))
  later.deleted.forEach(peer => {
    changed.delete(peer)
    deleted.add(peer)
  })
  return { key: later.key ?? earlier.key, anchors: later.anchors ?? earlier.anchors, changed: [...changed.values()], deleted: [...deleted] }
}

function isEmpty ({ key, anchors, changed, deleted }: StoreChanges): boolean {
  return key === undefined && anchors === undefined && changed.length === 0 && deleted.length === 0
}
