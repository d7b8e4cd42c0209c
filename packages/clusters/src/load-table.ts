/** What the peers of one cluster told their coordinator: which models they serve, and how many requests they could begin. */
import { BoundedMap } from '@skein/core'
import { digestKey, MAX_FREE_PER_PEER } from './region-capacity.ts'
import type { ModelCapacity, RegionCapacity } from './region-capacity.ts'

export interface ModelLoad {
  model: string
  /** Requests that the peer could begin now */
  free: number
}

export interface LoadTableInit {
  /**
   * Peers remembered: a cluster that is about to split, twice. Beyond it the one heard longest ago goes.
   *
   * @default 2048
   */
  maxPeers?: number
  /**
   * Models of one peer; further ones are passed over.
   *
   * @default 64
   */
  maxModels?: number
  /**
   * A peer that is not heard for so long does not count.
   *
   * @default 180_000
   */
  lifeMs?: number
}

interface PeerLoad {
  seq: number
  heardMs: number
  free: Array<[key: string, free: number]>
}

export class LoadTable {
  private readonly maxModels: number
  private readonly lifeMs: number
  private readonly peers: BoundedMap<string, PeerLoad>

  constructor (init: LoadTableInit = {}) {
    this.maxModels = init.maxModels ?? 64
    this.lifeMs = init.lifeMs ?? 180_000
    this.peers = new BoundedMap({ maxSize: init.maxPeers ?? 2048 })
  }

  /** A peer told its load. `false` when that is not newer than what it told before. */
  onLoad (peer: string, seq: number, models: Iterable<ModelLoad>, nowMs: number): boolean {
    const known = this.peers.get(peer)
    if (known !== undefined && seq <= known.seq) {
      return false
    }
    const free = new Map<string, number>()
    for (const { model, free: requests } of models) {
      if (free.size >= this.maxModels) {
        break
      }
      free.set(digestKey(model), requests >= 0 ? Math.min(MAX_FREE_PER_PEER, Math.floor(requests)) : 0)
    }
    this.peers.set(peer, { seq, heardMs: nowMs, free: [...free] })
    return true
  }

  onPeerLeft (peer: string): void {
    this.peers.delete(peer)
  }

  /** Forgets all others. */
  retain (belongs: (peer: string) => boolean): void {
    for (const peer of this.peers.keys()) {
      if (!belongs(peer)) {
        this.peers.delete(peer)
      }
    }
  }

  /** All together. */
  capacity (nowMs: number): RegionCapacity {
    const models = new Map<string, ModelCapacity>()
    let peers = 0
    for (const [peer, { heardMs, free }] of this.peers) {
      if (nowMs - heardMs >= this.lifeMs) {
        this.peers.delete(peer)
        continue
      }
      peers++
      for (const [key, requests] of free) {
        const sum = models.get(key) ?? { providers: 0, free: 0 }
        models.set(key, { providers: sum.providers + 1, free: sum.free + requests })
      }
    }
    return { peers, models }
  }
}
