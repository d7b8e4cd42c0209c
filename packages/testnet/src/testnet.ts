/** A mesh of real nodes in one process, on loopback: for tests, examples and trying things out. */
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { loopbackHost, loopbackNetworks } from './loopback-network.ts'
import type { LoopbackNetworksInit } from './loopback-network.ts'
import type { Peer, PeerInit } from '@skein/peer'
import type { Seed, SeedInit } from '@skein/seed'

export interface TestnetInit {
  /**
   * Peers to start.
   *
   * @default 5
   */
  peers?: number
  /**
   * Seeds to start; peers are told of all of them. With 0 the first peer is the bootstrap of the others.
   *
   * @default 1
   */
  seeds?: number
  /** Options of every peer, or of the peer at an index */
  peer?: PeerInit | ((index: number) => PeerInit)
  /** Options of every seed */
  seed?: SeedInit
  /**
   * Puts each node into a network of its own, 127.1.0.1, 127.2.0.1 and so on, seeds first, then peers, then those that are added; and tells all of
   * them what networks these are (`networkOf`). For tests of rules about networks. Linux only, at most 255 nodes.
   *
   * @default false: all are at 127.0.0.1, where no rule of networks is of use
   */
  networks?: boolean | TestNetworksInit
  /**
   * Nodes that start at the same time.
   *
   * @default 10
   */
  concurrency?: number
  /** Told as nodes come up */
  onProgress?: (progress: { started: number, total: number }) => void
  /** Ends the start when it fires; what is up is stopped */
  signal?: AbortSignal
}

export interface TestNetworksInit extends LoopbackNetworksInit {
  /**
   * The address of a node, within 127.0.0.0/8; two may have the same.
   *
   * @param index 0 for the first that is started, seeds before peers
   * @default 127.(index + 1).0.1
   */
  hostOf?: (index: number) => string
}

export interface Testnet {
  readonly seeds: Seed[]
  readonly peers: Peer[]
  /** What a newcomer is given */
  readonly bootstrap: string[]
  /** Starts one more peer in the same mesh */
  addPeer: (init?: PeerInit) => Promise<Peer>
  /** Stops everything that is up */
  stop: () => Promise<void>
}

/** More nodes than this in one process say more about the process than about the mesh. */
const MAX_NODES = 500
/** 127.1.0.0/16 to 127.255.0.0/16. */
const MAX_NETWORKS = 255
const NETWORKS_TAKEN = `127.0.0.0/8 has a /16 for ${MAX_NETWORKS} nodes at most; say with networks.hostOf which nodes share one`

/**
 * Starts seeds and peers on free ports of 127.0.0.1, and resolves when all have joined.
 *
 * @throws {RangeError} for a number of nodes that makes no sense
 */
export async function createTestnet (init: TestnetInit = {}): Promise<Testnet> {
  const peerCount = count('peers', init.peers ?? 5)
  const seedCount = count('seeds', init.seeds ?? 1)
  if (peerCount + seedCount > MAX_NODES) {
    throw new RangeError(`At most ${MAX_NODES} nodes fit in one process; for more there is the simulator`)
  }
  if (init.networks === true && peerCount + seedCount > MAX_NETWORKS) {
    throw new RangeError(NETWORKS_TAKEN)
  }
  const net = new LocalTestnet(init)
  try {
    await net.start(seedCount, peerCount)
    return net
  } catch (error) {
    await net.stop()
    throw error
  }
}

type PlacedInit = Pick<PeerInit, 'listen' | 'networkOf' | 'transports'>

class LocalTestnet implements Testnet {
  readonly seeds: Seed[] = []
  readonly peers: Peer[] = []
  private readonly init: TestnetInit
  private readonly added = new Set<Peer>()
  private readonly networks: TestNetworksInit | undefined
  private placed = 0

  constructor (init: TestnetInit) {
    this.init = init
    this.networks = init.networks === true ? {} : init.networks === false ? undefined : init.networks
  }

  get bootstrap (): string[] {
    return this.seeds.length > 0 ? this.seeds.flatMap(seed => seed.addresses) : this.peers[0]?.addresses ?? []
  }

  async start (seedCount: number, peerCount: number): Promise<void> {
    const total = seedCount + peerCount
    const report = (): void => { this.init.onProgress?.({ started: this.seeds.length + this.peers.length, total }) }

    for (let i = 0; i < seedCount; i++) {
      this.init.signal?.throwIfAborted()
      this.seeds.push(await createSeed({
        ...this.init.seed, ...this.place(this.placed++, this.init.seed), bootstrap: this.seeds.flatMap(seed => seed.addresses)
      }))
      report()
    }
    // without a seed the others need the first one's address
    const firstPlace = this.placed
    this.placed += peerCount
    const first = seedCount === 0 ? 1 : this.init.concurrency ?? 10
    for (let i = 0; i < peerCount;) {
      this.init.signal?.throwIfAborted()
      const batch = Math.min(i === 0 ? first : this.init.concurrency ?? 10, peerCount - i)
      const started = await Promise.allSettled(Array.from({ length: batch }, async (_, j) => await this.peer(i + j, firstPlace + i + j)))
      for (const result of started) {
        if (result.status === 'fulfilled') {
          this.peers.push(result.value)
          report()
        }
      }
      for (const result of started) {
        if (result.status === 'rejected') {
          throw result.reason
        }
      }
      i += batch
    }
  }

  async addPeer (init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ bootstrap: this.bootstrap, ...init, ...this.place(this.placed++, init) })
    this.added.add(peer)
    return peer
  }

  async stop (): Promise<void> {
    await Promise.all([...this.peers, ...this.added].map(async peer => { await peer.stop() }))
    await Promise.all(this.seeds.map(async seed => { await seed.stop() }))
  }

  private async peer (index: number, place: number): Promise<Peer> {
    const init = typeof this.init.peer === 'function' ? this.init.peer(index) : this.init.peer
    return await createPeer({ bootstrap: this.bootstrap, ...init, ...this.place(place, init) })
  }

  /** Where a node is, unless it says so itself. */
  private place (index: number, init: PlacedInit = {}): PlacedInit {
    if (this.networks === undefined) {
      return { listen: init.listen ?? [LOOPBACK] }
    }
    const host = loopbackHost(this.networks.hostOf?.(index) ?? ownHost(index))
    return {
      listen: init.listen ?? host.listen,
      networkOf: init.networkOf ?? loopbackNetworks(this.networks),
      transports: those => host.transports(init.transports?.(those) ?? those)
    }
  }
}

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

/** @throws {RangeError} when there is no /16 left */
function ownHost (index: number): string {
  if (index >= MAX_NETWORKS) {
    throw new RangeError(NETWORKS_TAKEN)
  }
  return `127.${index + 1}.0.1`
}

function count (name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0) {
    throw new RangeError(`${name} must be a whole number of at least 0, not ${value}`)
  }
  return value
}
