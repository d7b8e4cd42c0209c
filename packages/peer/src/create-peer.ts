/** Starts a peer: identity, addresses of earlier runs, libp2p node, membership of the mesh. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { closeUnused } from '@skein/pex/libp2p'
import { createLibp2p } from 'libp2p'
import { platform } from '#platform'
import { PeerGossip } from './gossip/peer-gossip.ts'
import { PeerScores } from './gossip/peer-scores.ts'
import { limitedDial } from './limited-dial.ts'
import { clusterRegion, meshClusters } from './mesh-clusters.ts'
import { meshOverlays } from './mesh-overlays.ts'
import { MeshMembership } from './mesh-membership.ts'
import { meshOptions } from './mesh-options.ts'
import { acquaintance, exchangeInit, openOutbound } from './outbound-init.ts'
import { Peer, WANTED_RELAYS } from './peer.ts'
import { parseSeedAddress } from './seed-address.ts'
import { SeedAddressError } from './seed-name-error.ts'
import { CallerOrder } from './trust/caller-order.ts'
import { networkName, publicNetwork } from './trust/network-lookup.ts'
import { PeerReceipts } from './trust/peer-receipts.ts'
import { PeerTrust } from './trust/peer-trust.ts'
import { RelayedListening } from './relay/relayed-listening.ts'
import { meshSuperNodes } from './super-nodes/mesh-super-nodes.ts'
import type { PuzzleStore } from './admission/puzzle-keeper.ts'
import type { SeedRefusal } from './admission/seed-refusal.ts'
import type { GossipInit } from './gossip/gossip.ts'
import type { InboundInit, Transports } from './inbound-init.ts'
import type { CheckOptions } from './checks/check-options.ts'
import type { ClusterOptions } from './mesh-clusters.ts'
import type { DataDirectory, KeptLedger } from './platform.ts'
import type { SkeinServices } from './mesh-options.ts'
import type { Acquaintance, PexOptions } from './outbound-init.ts'
import type { SuperNodeOptions } from './super-nodes/mesh-super-nodes.ts'
import type { NetworkLookup } from './trust/network-lookup.ts'
import type { ReputationOptions } from './trust/reputation-options.ts'
import type { SeedNamesLookup, SelfDescription } from './mesh-membership.ts'
import type { SeedAddress } from './seed-address.ts'
import type { SeedNameError } from './seed-name-error.ts'
import type { OverlayOptions } from '@skein/clusters'
import type { ConnectionGater, Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { InferenceInit } from '@skein/inference/libp2p'
import type { Hardware, PeerCredential } from '@skein/records'
import type { CapabilityService } from '@skein/reputation/libp2p'
import type { ModelRoutingInit } from '@skein/routing/libp2p'
import type { Libp2pOptions, ServiceFactoryMap } from 'libp2p'

export interface PeerInit {
  /**
   * Seeds or other peers to join through: multiaddr texts, and names behind which there are many. `/dnsaddr/seeds.example.org` stands for the
   * addresses in the TXT records of `_dnsaddr.seeds.example.org`, `srv:seeds.example.org` for `/dns/TARGET/tcp/PORT` of each SRV record of
   * `_skein._tcp.seeds.example.org`, by priority and weight. Names are asked again when their time is over and when no seed answers. At most 256
   * entries, 16 of them names. Without any, and with nobody known from an earlier run, the peer starts a mesh of its own.
   *
   * @default []
   */
  bootstrap?: string[]
  /** How names of seeds are looked up */
  dns?: DnsInit
  /** Told when a name of seeds cannot be turned into addresses; the peer joins with what there is, and asks again after 1, 2, 4 … 60 s */
  onSeedNameFailure?: (error: SeedNameError) => void
  /**
   * Multiaddr texts to listen on.
   *
   * @default TCP on all IPv4 interfaces, a free port; in a browser nothing
   */
  listen?: string[]
  /** Addresses to tell others instead of those found on the interfaces, for a port forwarded by hand */
  announce?: string[]
  /** Folder for the identity and the addresses of others; without it both last as long as the process. Node only */
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
  /**
   * What this peer does with relays. `dial`: it reaches those who listen through one, and reserves a place at one for itself when it is told to
   * (`peer.reserveRelay()`). `listen`: it is reached through one from the start, for peers that cannot be dialled. `off`: neither.
   *
   * @default 'dial'
   */
  relay?: 'off' | 'dial' | 'listen'
  /**
   * How it finds others without a seed: exchange of signed peer records, connections of its own choice to those it knows, feelers. `false` turns all
   * of it off: then it dials `bootstrap`, and whom the seeds among them name, and remembers nobody.
   *
   * @default {}
   */
  pex?: false | PexOptions
  /**
   * What this peer shows to seeds that ask for it, to no others: tokens and certificates, as `parseCredentials` of `@skein/records` reads them from a
   * file. They are bound to this peer's identity.
   *
   * @default []
   */
  credentials?: readonly PeerCredential[]
  /**
   * Work that this peer does for seeds which let in those alone that have worked. `false`: none, and such seeds refuse it.
   *
   * @default {}
   */
  puzzle?: false | PuzzleOptions
  /** Told when a seed refuses to register this peer: why, and what is done about it; also before `createPeer` resolves */
  onSeedRefusal?: (refusal: SeedRefusal) => void
  /** What this peer tells of itself besides, asked before each registration */
  describe?: () => Partial<SelfDescription>
  /**
   * Gossip with other peers over GossipSub: through it peers come to know each other without a seed. `false`: this peer is sent nothing and passes
   * nothing on; a seed leaves it out, because everybody who joins is connected to it.
   *
   * @default {}
   */
  gossip?: false | GossipOptions
  /**
   * Its place in a cluster of peers of its region, through which it knows where there is capacity for a model. `false`, or no gossip: it is in none.
   *
   * @default {}
   */
  clusters?: false | ClusterOptions
  /**
   * Hearing from the providers of a model that many serve, and telling them, what each has room for; such a model needs no lookup then. `false`, or
   * no gossip: models are looked up however many serve them.
   *
   * @default {}
   */
  overlays?: false | OverlayOptions
  /**
   * Super-nodes of its region, which others elect: it is connected to two or three in different autonomous systems, is reached through them when it
   * needs relays, and moves to another when one dies. `false`, or no gossip: relays are those that seeds name.
   *
   * @default {}
   */
  superNodes?: false | SuperNodeOptions
  /**
   * What stands for the network of an address, in rules that keep many peers of one owner from counting as many. Give one with a table of autonomous
   * systems to be better protected.
   *
   * @default the /24 and /16 (IPv6: /48 and /32) of public addresses
   */
  networkOf?: NetworkLookup
  /**
   * Receipts: after each request both sides sign what was delivered, which tells this peer, and those who ask it, whom to trust. What it learns is
   * kept in `dataDir`. `false`: no receipts are signed, asked for or shown, and nothing is remembered over a restart.
   *
   * @default {}
   */
  reputation?: false | ReputationOptions
  /**
   * What it finds out about others by itself: how fast they answer, and now and then whether two providers of a deterministic model give the same
   * answer; and whether it answers challenges of others. `false`: none of it; `peer.measure()` works all the same.
   *
   * @default {}
   */
  checks?: false | CheckOptions
  /** Options of the routing service */
  routing?: Omit<ModelRoutingInit, 'clock' | 'random'>
  /** Options of the inference service */
  inference?: Omit<InferenceInit, 'clock' | 'random'>
  /** Further libp2p services */
  services?: ServiceFactoryMap<ServiceMap>
  /** Takes the transports of this platform and gives those to use, such as the same with other options */
  transports?: (those: Transports) => Transports
  /** Refuses connections, by libp2p's rules; what it leaves out is allowed */
  connectionGater?: ConnectionGater
  /** Bounds for those who connect to this peer */
  inbound?: InboundInit
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

export interface PuzzleOptions {
  /**
   * Most doublings of the work of half a second on an ordinary machine. A seed that asks for more refuses this peer.
   *
   * @default 6
   */
  maxBits?: number
  /** Where the solution is kept, a month or two @default in `dataDir`, or without it as long as the process */
  store?: PuzzleStore
}

/** `peerExchange: false`: nobody is dialled because a neighbour in GossipSub told of him. */
export type GossipOptions = Pick<GossipInit, 'peerExchange'>

export interface DnsInit {
  /**
   * In Node, IP addresses such as `192.0.2.53` or `192.0.2.53:5353`. In a browser, URLs of DNS over HTTPS (RFC 8484); names cannot be used there
   * without any. Only names of seeds are asked for there: host names within addresses are the operating system's or the browser's.
   *
   * @default the operating system's servers; in a browser none
   */
  servers?: string[]
  /**
   * How long an answer holds when the resolver does not tell, ms. Node's does not for TXT and SRV records.
   *
   * @default 300_000
   */
  defaultTtlMs?: number
}

const MAX_BOOTSTRAP = 256
const MAX_NAMES = 16

/**
 * Starts a peer and joins the mesh.
 *
 * @throws {SeedAddressError} when an entry of `bootstrap` is neither a multiaddr nor a name
 * @throws {NameServerError} when an entry of `dns.servers` is none, or there are none in a browser and a name is to be looked up
 * @throws {IdentityFileError} when the identity in `dataDir` cannot be used
 * @throws {DataDirectoryError} when `dataDir` is in use or unusable
 */
export async function createPeer (init: PeerInit = {}): Promise<Peer> {
  const clock = init.clock ?? systemClock()
  const random = init.random ?? systemRandom()
  const bootstrap = readBootstrap(init)
  const known = acquaintance(init.pex)
  const data = init.dataDir == null
    ? undefined
    : await platform.openDataDirectory(init.dataDir, init.onDamage ?? (() => {}))

  const receipts = init.reputation === false ? undefined : new PeerReceipts({ options: init.reputation ?? {}, clock, random })
  const start: Start = { init, data, known, scores: new PeerScores(), callers: new CallerOrder(), receipts, clock, random }
  try {
    const libp2p = await startNode(start)
    try {
      return await join(start, bootstrap, libp2p.node, libp2p.privateKey)
    } catch (error) {
      await libp2p.node.stop()
      throw error
    }
  } catch (error) {
    await start.kept?.stop()
    await data?.addresses.close()
    throw error
  }
}

/** What the steps of a start share. */
interface Start {
  init: PeerInit
  data: DataDirectory | undefined
  known: Acquaintance
  scores: PeerScores
  callers: CallerOrder
  /** Made when the node is: what is thought of others before that is nothing */
  trust?: PeerTrust
  receipts: PeerReceipts | undefined
  /** Set once there is a ledger to keep */
  kept?: KeptLedger
  clock: Clock
  random: Random
}

async function startNode (start: Start): Promise<{ node: Libp2p<SkeinServices>, privateKey: PrivateKey }> {
  const { init, data, known, scores, callers, receipts, clock, random } = start
  const privateKey = init.privateKey ?? data?.privateKey ?? await generateKeyPair('Ed25519')
  const listen = init.listen ?? platform.defaultListen
  const node = await createLibp2p({
    ...meshOptions({
      privateKey,
      listen,
      announce: init.announce,
      client: init.client ?? listen.length === 0,
      routing: {
        region: init.region,
        networkOf: init.networkOf ?? publicNetwork,
        trustOf: peer => start.trust?.honesty(peer),
        ...init.routing,
        clock,
        random
      },
      inference: { order: callers, ...init.inference, ...receipts?.hooks(init.inference), clock, random },
      gossip: init.gossip === false ? false : { ...init.gossip, scores, clock },
      coordinates: init.gossip === false || init.clusters === false ? undefined : { region: clusterRegion(init.region ?? ''), clock, random },
      dials: known.dials,
      clock,
      relays: init.relay !== 'off',
      pex: exchangeInit(known, clock, random),
      receipts: receipts?.serviceInit(),
      maxConnections: init.maxConnections ?? 300,
      transports: init.transports,
      connectionGater: init.connectionGater,
      inbound: init.inbound,
      agent: 'skein/0.1.0'
    }, init.services ?? {}),
    metrics: init.metrics,
    logger: init.logger
  })
  return { node, privateKey }
}

function capabilityOf ({ init: { checks, onMainsPower }, clock, random }: Start, libp2p: Libp2p, trust: PeerTrust): CapabilityService | undefined {
  const answer = checks === false ? false : checks?.answer ?? (onMainsPower === false ? false : {})
  return platform.capability?.({
    libp2p, answer, clock, random,
    isKnown: peer => trust.ledger.dealings(peer, 'inference') !== undefined || trust.ledger.receiptsWith(peer, clock.nowMs()).length > 0,
    networkOf: peer => trust.networkOf(peer)?.wide
  })
}

interface Bootstrap {
  seeds: SeedAddress[]
  names?: SeedNamesLookup
}

function readBootstrap ({ bootstrap = [], dns = {}, onSeedNameFailure }: PeerInit): Bootstrap {
  const seeds = bootstrap.map(parseSeedAddress)
  const names = seeds.filter(({ kind }) => kind !== 'multiaddr')
  const beyond = seeds[MAX_BOOTSTRAP] ?? names[MAX_NAMES]
  if (beyond !== undefined) {
    throw new SeedAddressError(beyond.text, `at most ${MAX_BOOTSTRAP} entries, ${MAX_NAMES} of them names`)
  }
  const resolver = names.length > 0 || dns.servers !== undefined ? platform.nameResolver(dns.servers) : undefined
  return { seeds, names: resolver && { resolver, defaultTtlMs: dns.defaultTtlMs, onFailure: onSeedNameFailure } }
}

async function join (start: Start, bootstrap: Bootstrap, libp2p: Libp2p<SkeinServices>, privateKey: PrivateKey): Promise<Peer> {
  const { init, data, known, scores, clock, random } = start
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
  const memory = await openOutbound(known, libp2p, data?.addresses, clock, random)
  const outbound = memory?.outbound
  const membership = new MeshMembership({
    libp2p,
    privateKey,
    clock,
    random,
    log: libp2p.logger.forComponent('skein:membership'),
    bootstrap: bootstrap.seeds,
    names: bootstrap.names,
    outbound,
    dials: known.dials,
    describe: () => peer.describe(),
    admission: {
      credentials: init.credentials ?? [],
      ...init.puzzle === false ? {} : { maxPuzzleBits: init.puzzle?.maxBits ?? 6, store: init.puzzle?.store ?? data?.puzzle },
      onProgress: detail => { peer.safeDispatchEvent('puzzle:progress', { detail }) }
    },
    onRefused: refusal => {
      init.onSeedRefusal?.(refusal)
      peer.safeDispatchEvent('seed:refused', { detail: refusal })
    }
  })
  const networkOf = init.networkOf ?? publicNetwork
  const trust = new PeerTrust({ libp2p, networkOf, receipts: start.receipts, clock })
  if (init.reputation !== false) {
    start.kept = await data?.keepLedger(trust.ledger, { saveIntervalMs: init.reputation?.saveIntervalMs, clock })
  }
  start.trust = trust
  start.callers.scoreOf = peer => trust.score(peer, 'inference')
  const { pubsub, relays: client } = libp2p.services
  const gossip = pubsub === undefined ? undefined : new PeerGossip({
    libp2p,
    service: pubsub,
    scores,
    clock,
    log: libp2p.logger.forComponent('skein:gossip'),
    named: bootstrap.seeds.flatMap(seed => seed.kind === 'multiaddr' ? [seed.text] : []),
    onNeighbours: peers => {
      known.neighbours = new Set(peers.map(String))
      libp2p.services.pex?.setNeighbours(peers)
    }
  })
  const connect = limitedDial({ libp2p, dials: known.dials, clock })
  const clusters = gossip === undefined || init.clusters === false ? undefined : meshClusters({
    libp2p,
    topics: gossip.topics,
    connect,
    self,
    dialable: init.client !== true && libp2p.getMultiaddrs().length > 0,
    isDistrusted: peer => trust.isDistrusted(peer, 'inference'),
    options: init.clusters ?? {},
    clock,
    random
  })
  const overlays = gossip === undefined || init.overlays === false ? undefined : meshOverlays({
    libp2p,
    privateKey,
    topics: gossip.topics,
    connect,
    self,
    offerOf: model => peer.offerOf(model),
    options: init.overlays ?? {},
    clock,
    random
  })
  const relays = client == null ? undefined : new RelayedListening({
    client,
    clock,
    random,
    log: libp2p.logger.forComponent('skein:relays'),
    findRelays: async signal => await membership.seedRelays(signal),
    networkOf: address => networkName(networkOf, address),
    closeUnused: async relay => await closeUnused({
      getConnections: id => libp2p.getConnections(id), peerStore: libp2p.peerStore
    }, peerIdFromString(relay), clock),
    onWanted: count => { superNodes?.setReserving(count > 0) },
    onChange: ({ relay, addresses, reserved }) => {
      peer.safeDispatchEvent(reserved ? 'relay:reserved' : 'relay:lost', { detail: { relay, addresses } })
    }
  })
  const superNodes = gossip === undefined || init.superNodes === false ? undefined : meshSuperNodes({
    libp2p, connect, region: self.region, trust, networkOf, relays, options: init.superNodes ?? {}, clock, random
  })
  const close = async (): Promise<void> => {
    await memory?.kept.stop()
    await start.kept?.stop()
    await data?.addresses.close()
  }
  const capability = capabilityOf(start, libp2p, trust)
  const checks = { options: init.checks ?? {}, capability, networkOf }
  const peer: Peer = new Peer({
    libp2p,
    membership,
    outbound,
    trust,
    checks,
    gossip,
    clusters,
    overlays,
    relays,
    superNodes,
    clock,
    random,
    self,
    describe: init.describe,
    close
  })
  trust.start()
  if (libp2p.services.receipts !== undefined) {
    const isReachedThrough = (relay: string): boolean => relays?.held.some(held => held.relay === relay) === true
    start.receipts?.start({ libp2p, service: libp2p.services.receipts, ledger: trust.ledger, isReachedThrough })
  }
  await capability?.start()
  gossip?.start()
  membership.start()
  memory?.kept.start()
  outbound?.start()
  await clusters?.start()
  overlays?.start()
  superNodes?.start()

  if (bootstrap.seeds.length > 0 || (outbound?.tables.size ?? 0) > 0) {
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
  if (init.relay === 'listen') {
    relays?.want(WANTED_RELAYS)
  }
  return peer
}
