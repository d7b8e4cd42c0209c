/** The stream ids and keys of a relay. A change counts when it is kept: until then everyone sees what was before. */
import { KeyTable } from './key-table.ts'
import { StreamTable } from './stream-table.ts'
import type { AccessKey, KeyTableInit, Permission } from './key-table.ts'
import type { RelayState } from './relay-state.ts'
import type { AddVerdict, StreamEntry, StreamTableInit } from './stream-table.ts'

export interface RelayBookInit extends StreamTableInit, KeyTableInit {
  state: RelayState
  /** Resolves when the state is kept; when it rejects, the change is not made */
  save: (state: RelayState) => Promise<void>
  /** A new key, and its digest */
  makeKey: () => { key: string, digest: string }
  digest: (key: string) => string
  nowMs: () => number
  /** A player id is known no more */
  onRevoked?: (entry: StreamEntry) => void
}

export type MadeKey = { type: 'made', key: string, entry: AccessKey } | { type: 'full' }

/** So much of a digest names a key. */
const KEY_ID_CHARACTERS = 12

export class RelayBook {
  readonly streams: StreamTable
  readonly keys: KeyTable
  private readonly init: RelayBookInit
  /** Changes are made one after the other; who asks for them bounds how many wait */
  private changing: Promise<unknown> = Promise.resolve()

  constructor (init: RelayBookInit) {
    this.init = init
    // a bound that was lowered forgets nothing: it only keeps out new ones
    this.streams = new StreamTable({ maxStreams: Math.max(init.maxStreams ?? 10_000, init.state.streams.length) })
    this.keys = new KeyTable({ maxKeys: Math.max(init.maxKeys ?? 256, init.state.keys.length) })
    for (const entry of init.state.streams) {
      this.streams.add(entry)
    }
    for (const key of init.state.keys) {
      this.keys.add(key)
    }
  }

  /** Whose key that is; `undefined` when it is none. */
  keyOf (key: string): AccessKey | undefined {
    return this.keys.find(this.init.digest(key))
  }

  async addStream (entry: StreamEntry): Promise<AddVerdict> {
    return await this.change(async () => {
      const verdict = this.streams.addVerdict(entry.player)
      if (verdict === 'free') {
        await this.save({ streams: [...this.streams.entries(), entry], keys: this.keys.entries() })
        this.streams.add(entry)
      }
      return verdict
    })
  }

  async removeStream (player: string): Promise<StreamEntry | undefined> {
    return await this.change(async () => {
      if (this.streams.publisherOf(player) === undefined) {
        return undefined
      }
      await this.save({ streams: this.streams.entries().filter(entry => entry.player !== player), keys: this.keys.entries() })
      const removed = this.streams.remove(player) as StreamEntry
      this.init.onRevoked?.(removed)
      return removed
    })
  }

  /** The key is in the answer and nowhere else. */
  async addKey (name: string, permissions: Permission[]): Promise<MadeKey> {
    return await this.change(async () => {
      if (this.keys.isFull) {
        return { type: 'full' }
      }
      const { key, digest } = this.init.makeKey()
      const entry = { id: digest.slice(0, KEY_ID_CHARACTERS), name, permissions, digest, createdAtMs: Math.floor(this.init.nowMs()) }
      await this.save({ streams: this.streams.entries(), keys: [...this.keys.entries(), entry] })
      this.keys.add(entry)
      return { type: 'made', key, entry }
    })
  }

  /** The last key that can make keys stays, or nobody could make one any more. */
  async removeKey (id: string): Promise<'removed' | 'unknown' | 'last-admin'> {
    return await this.change(async () => {
      if (!this.keys.entries().some(key => key.id === id)) {
        return 'unknown'
      }
      if (!this.keys.hasAdminWithout(id)) {
        return 'last-admin'
      }
      await this.save({ streams: this.streams.entries(), keys: this.keys.entries().filter(key => key.id !== id) })
      this.keys.remove(id)
      return 'removed'
    })
  }

  private async change<T> (make: () => Promise<T>): Promise<T> {
    const changing = this.changing.then(make, make)
    this.changing = changing.catch(() => {})
    return await changing
  }

  private async save (state: RelayState): Promise<void> {
    await this.init.save(state)
  }
}
