/** Starts a peer: identity, address book, libp2p node, membership of the mesh. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { deadline } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { createLibp2p } from 'libp2p'
import { platform } from '#platform'
import { AddressBook } from './address-book.ts'
import { MeshMembership } from './mesh-membership.ts'
import { meshOptions } from './mesh-options.ts'
import { Peer } from './peer.ts'
import type { DataDirectory } from './platform.ts'
import type { SkeinServices } from './mesh-options.ts'
import type { SelfDescription } from './mesh-membership.ts'
import type { Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { InferenceInit } from '@skein/inference/libp2p'
import type { Hardware } from '@skein/records'
import type { ModelRoutingInit } from '@skein/routing/libp2p'
import type { Libp2pOptions, ServiceFactoryMap } from 'libp2p'

export interface PeerInit {
  /**
   * Multiaddr texts of seeds or other peers to join through. Without any (and with an empty address book) the peer starts a mesh of its own.
   *
   * @default []
   */
  bootstrap?: string[]
  /**
   * Multiaddr texts to listen on.
   *
   * @default TCP on all IPv4 interfaces, a free port; in a browser nothing
   */
  listen?: string[]
  /** Addresses to tell others instead of those found on the interfaces, for a port forwarded by hand */
  announce?: string[]
  /** Folder for the identity and the address book; without it both last as long as the process. Node only */
  dataDir?: string
  /** Told, in words for a person, when something in `dataDir` was damaged and what was done about it */
  onDamage?: (message: string) => void
  /** The identity, instead of the one in `dataDir` */
  privateKey?: PrivateKey
  /**
   * Short name of the region this peer is in, `eu-west`.
   *
   * @default ''
   */
  region?: string
  /** What is known better than the operating system tells it */
  hardware?: Partial<Hardware>
  /** @default true */
  onMainsPower?: boolean
  /**
   * How long `createPeer` waits for a first connection when it has somebody to dial, ms. It does not throw when there is none: dialling goes on.
   *
   * @default 5_000
   */
  joinTimeoutMs?: number
  /**
   * Most connections at once.
   *
   * @default 300
   */
  maxConnections?: number
  /** Asks but never stores for others; for peers that nobody can dial @default false; in a browser true */
  client?: boolean
  /** Options of the routing service */
  routing?: Omit<ModelRoutingInit, 'clock' | 'random'>
  /** Options of the inference service */
  inference?: Omit<InferenceInit, 'clock' | 'random'>
  /** Further libp2p services */
  services?: ServiceFactoryMap<ServiceMap>
  /** libp2p's metrics, e.g. `prometheusMetrics()` of `@libp2p/prometheus-metrics` */
  metrics?: Libp2pOptions['metrics']
  /** libp2p's logger */
  logger?: Libp2pOptions['logger']
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
  /** Ends the start when it fires */
  signal?: AbortSignal
}

/**
 * Starts a peer and joins the mesh.
 *
 * @throws {IdentityFileError} when the identity in `dataDir` cannot be used
 * @throws {DataDirectoryError} when `dataDir` is in use or unusable
 */
export async function createPeer (init: PeerInit = {}): Promise<Peer> {
  const clock = init.clock ?? systemClock()
  const random = init.random ?? systemRandom()
  const data = init.dataDir == null
    ? undefined
    : await platform.openDataDirectory(init.dataDir, init.onDamage ?? (() => {}))

  try {
    const libp2p = await startNode(init, data, clock, random)
    try {
      return await join(init, libp2p.node, libp2p.privateKey, data, clock, random)
    } catch (error) {
      await libp2p.node.stop()
      throw error
    }
  } catch (error) {
    await data?.addressBook.close()
    throw error
  }
}

async function startNode (
  init: PeerInit, data: DataDirectory | undefined, clock: Clock, random: Random
): Promise<{ node: Libp2p<SkeinServices>, privateKey: PrivateKey }> {
  const privateKey = init.privateKey ?? data?.privateKey ?? await generateKeyPair('Ed25519')
  const listen = init.listen ?? platform.defaultListen
  const node = await createLibp2p({
    ...meshOptions({
      privateKey,
      listen,
      announce: init.announce,
      client: init.client ?? listen.length === 0,
      routing: { region: init.region, ...init.routing, clock, random },
      inference: { ...init.inference, clock, random },
      maxConnections: init.maxConnections ?? 300,
      agent: 'skein/0.1.0'
    }, init.services ?? {}),
    metrics: init.metrics,
    logger: init.logger
  })
  return { node, privateKey }
}

async function join (
  init: PeerInit, libp2p: Libp2p<SkeinServices>, privateKey: PrivateKey, data: DataDirectory | undefined, clock: Clock, random: Random
): Promise<Peer> {
  const self: SelfDescription = {
    ...platform.hardware(),
    ...init.hardware,
    region: init.region ?? '',
    onMainsPower: init.onMainsPower ?? true,
    loadedModels: [],
    swappableModels: [],
    maxConcurrent: init.inference?.maxConcurrent ?? 0,
    queueDepth: 0,
    effectiveContext: 0,
    priceMicros: 0,
    tasks: []
  }
  const bootstrap = init.bootstrap ?? []
  const book = new AddressBook({}, await data?.addressBook.load())
  const membership = new MeshMembership({
    libp2p,
    privateKey,
    clock,
    random,
    log: libp2p.logger.forComponent('skein:membership'),
    bootstrap,
    book,
    store: data?.addressBook,
    describe: () => peer.describe()
  })
  const peer: Peer = new Peer({ libp2p, membership, clock, random, self })
  membership.start()

  if (bootstrap.length > 0 || book.size > 0) {
    const limit = deadline(clock, init.joinTimeoutMs ?? 5_000, [init.signal])
    try {
      await Promise.race([
        membership.whenJoined,
        new Promise<void>(resolve => { limit.signal.addEventListener('abort', () => { resolve() }, { once: true }) })
      ])
    } finally {
      limit.clear()
    }
    if (init.signal?.aborted === true) {
      await peer.stop()
      init.signal.throwIfAborted()
    }
  }
  return peer
}
