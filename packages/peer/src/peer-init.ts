/** What a peer is started with. */
import type { PuzzleStore } from './admission/puzzle-keeper.ts'
import type { SeedRefusal } from './admission/seed-refusal.ts'
import type { GossipInit } from './gossip/gossip.ts'
import type { InboundInit, Transports } from './inbound-init.ts'
import type { CheckOptions } from './checks/check-options.ts'
import type { ClusterOptions } from './mesh-clusters.ts'
import type { PexOptions } from './outbound-init.ts'
import type { ReachabilityOptions } from './paths/path-options.ts'
import type { SuperNodeOptions } from './super-nodes/mesh-super-nodes.ts'
import type { NetworkLookup } from './trust/network-lookup.ts'
import type { ReputationOptions } from './trust/reputation-options.ts'
import type { SelfDescription } from './mesh-membership.ts'
import type { SeedNameError } from './seed-name-error.ts'
import type { OverlayOptions } from '@skein/clusters'
import type { ConnectionGater, PrivateKey, ServiceMap } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { InferenceInit } from '@skein/inference/libp2p'
import type { Hardware, PeerCredential } from '@skein/records'
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
   * @default TCP on all interfaces, a free port of IPv4 and one of IPv6 where there is that; in a browser nothing
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
   * Direct first: while a relay carries, a better way to the other peer is looked for, by a dial from either side or a punch through both NATs;
   * and relayed providers are passed over once much has come through relays. `false`, or `relay: 'off'`: connections stay as they come.
   *
   * @default {}
   */
  reachability?: false | ReachabilityOptions
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
   * Its place in a cluster of peers of its region, through which it knows where there is capacity for a model. `false`, no gossip, or in a browser:
   * it is in none.
   *
   * @default {}
   */
  clusters?: false | ClusterOptions
  /**
   * Hearing from the providers of a model that many serve, and telling them, what each has room for; such a model needs no lookup then. `false`,
   * no gossip, or in a browser: models are looked up however many serve them.
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
