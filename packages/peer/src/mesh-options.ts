/** The libp2p configuration of every Skein node, with the reasons for what differs from libp2p's defaults. */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { inference } from '@skein/inference/libp2p'
import { peerExchange } from '@skein/pex/libp2p'
import { PROTOCOLS } from '@skein/records'
import { limitDials } from '@skein/pex/libp2p'
import { receipts } from '@skein/reputation/libp2p'
import { modelRouting } from '@skein/routing/libp2p'
import { platform } from '#platform'
import { boundedGater, boundedNoise } from './bounded-negotiation.ts'
import { RacedDials } from './dials/raced-dials.ts'
import { gossip } from './gossip/gossip.ts'
import { HANDSHAKE_TIMEOUT_MS, muxerOptions } from './inbound-init.ts'
import { OwnAddresses } from './own-addresses.ts'
import { relayClient } from './relay/relay-client.ts'
import { streamMuxer } from './stream-muxer.ts'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import type { ConnectionGater, PrivateKey, ServiceMap } from '@libp2p/interface'
import type { Identify, IdentifyPush } from '@libp2p/identify'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import type { CoordinatesInit, CoordinatesService } from '@skein/clusters/libp2p'
import type { Clock } from '@skein/core'
import type { DialLimits } from '@skein/pex'
import type { InferenceInit, InferenceService } from '@skein/inference/libp2p'
import type { PeerExchangeService, PeerExchangeServiceInit } from '@skein/pex/libp2p'
import type { ReachabilityComponents, ReachabilityService, WebRtc } from '@skein/reachability/libp2p'
import type { ReceiptService, ReceiptsInit } from '@skein/reputation/libp2p'
import type { ModelRouting, ModelRoutingInit } from '@skein/routing/libp2p'
import type { RacedDialsComponents } from './dials/raced-dials.ts'
import type { GossipInit } from './gossip/gossip.ts'
import type { MappedAddressesComponents } from './node/mapped-addresses.ts'
import type { OwnAddressesComponents } from './own-addresses.ts'
import type { MappedPorts } from './paths/mapped-port.ts'
import type { RelayClient } from './relay/relay-client.ts'
import type { Libp2pOptions, ServiceFactoryMap } from 'libp2p'
import type { InboundInit, Transports } from './inbound-init.ts'

export interface MeshInit {
  privateKey: PrivateKey
  listen: string[]
  announce?: string[]
  /** Asks but does not answer: for nodes that nobody can dial */
  client: boolean
  routing: ModelRoutingInit
  inference: InferenceInit
  /** `false`: takes no part in gossip */
  gossip?: false | GossipInit
  /** Left out: it does not measure where it stands */
  coordinates?: CoordinatesInit
  /** Limits for the dials of those that strangers named */
  dials?: DialLimits
  clock?: Clock
  /** Whether circuits are dialled, and reservations can be made */
  relays: boolean
  /** Left out, paths to others stay as they come. Without relays there are none to leave */
  reachability?: (components: ReachabilityComponents) => ReachabilityService
  /** Left out, it does not speak WebRTC */
  webrtc?: (components: ReachabilityComponents) => WebRtc
  /** Left out, no router is asked to map ports */
  portMapping?: (components: MappedAddressesComponents) => MappedPorts
  /** Left out, records of peers are not exchanged */
  pex?: PeerExchangeServiceInit
  /** Left out, no receipts are signed */
  receipts?: ReceiptsInit
  maxConnections: number
  agent: string
  transports?: (those: Transports) => Transports
  connectionGater?: ConnectionGater
  inbound?: InboundInit
}

export interface SkeinServices extends Record<string, unknown> {
  ownAddresses?: OwnAddresses
  identify: Identify
  identifyPush: IdentifyPush
  ping: Ping
  /** Not there in a browser */
  dht?: KadDHT
  routing: ModelRouting
  inference: InferenceService
  /** Not there when this node takes no part in gossip */
  pubsub?: GossipSub
  /** Not there when this node is in no cluster */
  coordinates?: CoordinatesService
  /** Not there when this node has nothing to do with relays */
  relays?: RelayClient
  /** Not there without relays, or when it is turned off */
  reachability?: ReachabilityService
  /** Not there in a browser, where nothing is listened at, or when it is turned off */
  portMapping?: MappedPorts
  /** Not there when peer exchange is turned off */
  pex?: PeerExchangeService
  /** Not there when reputation is turned off */
  receipts?: ReceiptService
}

export interface SkeinServicesInit {
  /** Asks but does not answer; for nodes that nobody can dial @default false */
  client?: boolean
  routing?: ModelRoutingInit
  inference?: InferenceInit
  /** `false` leaves GossipSub out @default {} */
  gossip?: false | GossipInit
  /** Network coordinates; left out when it is not given */
  coordinates?: CoordinatesInit
  /** Limits for the dials of those that strangers named to the DHT and to GossipSub @default none */
  dials?: DialLimits
  /** @default systemClock() */
  clock?: Clock
  inbound?: Pick<InboundInit, 'maxDhtStreamsPerConnection'>
}

/** Skein's services as plain libp2p service factories, for a node that exists already. */
export function skeinServices (init: SkeinServicesInit = {}): ServiceFactoryMap<SkeinServices> {
  const { dials, clock } = init
  const limited = <C extends GossipSubComponents>(components: C): C => dials === undefined ? components : limitDials(components, { dials, clock })
  const dht = platform.dht?.({
    protocol: PROTOCOLS.kad,
    clientMode: init.client ?? false,
    maxInboundStreams: init.inbound?.maxDhtStreamsPerConnection,
    // the default mapper drops private addresses, and with them every mesh on a LAN or one machine
    peerInfoMapper: peer => peer
  })
  const coordinates = init.coordinates && platform.regional?.coordinates(init.coordinates)
  return {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping(),
    ...dht === undefined ? {} : { dht: (components: KadDHTComponents) => dht(limited(components)) },
    routing: modelRouting({ clientMode: init.client, ...init.routing }),
    inference: inference(init.inference),
    ...coordinates === undefined ? {} : { coordinates },
    ...init.gossip === false ? {} : { pubsub: gossip({ limitComponents: limited, ...init.gossip }) }
  }
}

/** Dials circuits, and makes the reservations that `RelayClient` asks for, no others. */
function relayTransport (): ReturnType<typeof circuitRelayTransport> {
  return circuitRelayTransport({
    // "seen already" of every peer that relays: which relays are used is decided by load and region, not by who happens to be connected
    discoveryFilter: { has: () => true, add: () => {}, remove: () => {} },
    // one that is made throws away those that wait, and who asked for them waits for ever
    reservationConcurrency: 16
  })
}

export function meshOptions (init: MeshInit, extra: ServiceFactoryMap<ServiceMap>): Libp2pOptions<SkeinServices> {
  const { reachability: makeReachability } = init
  let paths: ReachabilityService | undefined
  const { inbound } = init
  const onFault = inbound?.onFault ?? (() => {})
  const transports = [...platform.transports(), ...init.relays ? [relayTransport()] : []]
  return {
    privateKey: init.privateKey,
    nodeInfo: { userAgent: init.agent },
    addresses: { listen: init.listen, announce: init.announce },
    transports: init.transports?.(transports) ?? transports,
    dns: platform.dns,
    connectionEncrypters: [boundedNoise(onFault)],
    streamMuxers: [streamMuxer({ yamux: muxerOptions(inbound), guardConnection: inbound?.guardConnection, onFault })],
    connectionManager: {
      maxConnections: init.maxConnections,
      // libp2p allows 5 new connections a second from one host, which a household or an office behind one address exceeds
      inboundConnectionThreshold: inbound?.maxPerHostAndSecond ?? 64,
      maxIncomingPendingConnections: inbound?.maxPending ?? 256,
      inboundUpgradeTimeout: HANDSHAKE_TIMEOUT_MS
    },
    connectionMonitor: {
      // it aborts healthy connections under load, and its pings cost more than all else of an idle node; yamux keeps connections alive
      enabled: false
    },
    connectionGater: boundedGater({
      // the browser's default refuses loopback and private addresses
      denyDialMultiaddr: () => false,
      ...init.connectionGater
    }, onFault),
    services: {
      ownAddresses: (components: OwnAddressesComponents) => new OwnAddresses(components, init.clock),
      racedDials: (components: RacedDialsComponents) => new RacedDials(components, { ...init, pulse: () => paths }),
      ...skeinServices(init),
      ...init.relays ? { relays: relayClient() } : {},
      ...makeReachability === undefined || !init.relays ? {} : {
        reachability: (components: ReachabilityComponents) => paths = makeReachability(components)
      },
      ...init.webrtc === undefined || !init.relays ? {} : { webrtc: init.webrtc },
      ...init.portMapping === undefined ? {} : { portMapping: init.portMapping },
      ...init.pex === undefined ? {} : { pex: peerExchange(init.pex) },
      ...init.receipts === undefined ? {} : { receipts: receipts(init.receipts) },
      ...extra
    }
  }
}
