/** What differs between Node and a browser: transports, what to listen on, where things are kept, what is known of the hardware. */
import type { PuzzleStore } from './admission/puzzle-keeper.ts'
import type { NameResolver } from './name-resolver.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { kadDHT } from '@libp2p/kad-dht'
import type { ClusterService, coordinates, OverlayService } from '@skein/clusters/libp2p'
import type { Clock, Random } from '@skein/core'
import type { AddressTablesStore } from '@skein/pex'
import type { NatVerdict } from '@skein/reachability'
import type { HolePuncher, ReachabilityComponents } from '@skein/reachability/libp2p'
import type { ReputationLedger } from '@skein/reputation'
import type { CapabilityService, CapabilityServiceInit } from '@skein/reputation/libp2p'
import type { Libp2pOptions } from 'libp2p'
import type { Hardware } from '@skein/records'
import type { AnswerOptions } from './checks/check-options.ts'
import type { MappedAddresses, MappedAddressesComponents, MappedAddressesInit } from './node/mapped-addresses.ts'
import type { measurePeer } from './checks/measure-peer.ts'

export interface DataDirectory {
  privateKey: PrivateKey
  addresses: AddressTablesStore
  puzzle: PuzzleStore
  /**
   * Takes what was kept of a ledger into it, and saves what changes from now on. One that cannot be kept, on a full disk say, is told of as damage,
   * and lasts as long as the process.
   */
  keepLedger: (ledger: ReputationLedger, options: { saveIntervalMs: number | undefined, clock: Clock }) => Promise<KeptLedger>
}

export interface KeptLedger {
  /** Saves a last time, and closes the store */
  stop: () => Promise<void>
}

export interface RegionalServices {
  ClusterService: typeof ClusterService
  OverlayService: typeof OverlayService
  coordinates: typeof coordinates
}

export interface Platform {
  /** What punches holes for direct connections. Not there in a browser */
  puncher?: (components: ReachabilityComponents) => HolePuncher
  /** What these STUN servers, multiaddr texts, tell of the NAT before this machine. Not there in a browser */
  natVerdict?: (servers: readonly string[], options: {
    signal: AbortSignal
    clock: Clock
    random: Random
    onMapped?: (verdict: NatVerdict | undefined) => void
  }) => Promise<NatVerdict | undefined>
  /** Whether an IP address lies in the network of one of this device's interfaces. Not there in a browser, which is not told of them */
  isOwnNetwork?: (host: string) => boolean
  /** Has routers map ports. Not there in a browser, where nothing is listened at */
  mappedAddresses?: (init: MappedAddressesInit) => (components: MappedAddressesComponents) => MappedAddresses
  /** The addresses of this machine's interfaces, those of loopback left out. Not there in a browser */
  localAddresses?: () => string[]
  transports: () => NonNullable<Libp2pOptions['transports']>
  /**
   * The DHT that keeps membership and the routing table. Not there in a browser: nobody can ask it anything, its own lookups begin at the peers that
   * it is connected to, and kad-dht would be a seventh of its bundle.
   */
  dht?: typeof kadDHT
  /**
   * The parts of clusters and of overlays. Not there in a browser: nobody can dial a page, so that it coordinates nothing, most are closed within
   * minutes, and they would be an eighth of its bundle. It finds who serves a model by lookups.
   */
  regional?: RegionalServices
  /** Listened on when nothing else is asked for */
  defaultListen: string[]
  hardware: () => Hardware
  /**
   * Measures the memory of others and, unless `answer` is false, has its own measured. Not there in a browser: a page has no memory of its own to
   * promise.
   */
  capability?: (init: Omit<CapabilityServiceInit, 'libp2p' | 'prover'> & { libp2p: Libp2p, answer: false | AnswerOptions }) => CapabilityService
  measurePeer?: typeof measurePeer
  /**
   * Looks up names of seeds, at these servers; what a server is differs.
   *
   * @throws {NameServerError}
   */
  nameResolver: (servers: string[] | undefined) => NameResolver
  /** What libp2p looks up addresses that other peers tell of with, where its own way is not wanted */
  dns?: Libp2pOptions['dns']
  /** Opens (or makes) the folder that holds a peer's identity and the addresses it knows */
  openDataDirectory: (path: string, onDamage: (what: string) => void) => Promise<DataDirectory>
}
