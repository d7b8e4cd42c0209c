/** A seed: a node of the mesh that newcomers are told to dial first. */
import { systemClock, systemRandom } from '@skein/core/system'
import { peerIdFromString } from '@libp2p/peer-id'
import { createPeer, publicNetwork } from '@skein/peer'
import { dialBack } from '@skein/supernode/libp2p'
import { StunResponder } from '@skein/supernode/node'
import { AdmissionGate } from './admission/admission-gate.ts'
import { InboundGuard } from './admission/inbound-guard.ts'
import { NetworkPlaces } from './admission/network-places.ts'
import { relayService } from './relay/relay-service.ts'
import { handoutOrder } from './handouts/handout-order.ts'
import { SpotChecks } from './handouts/spot-checks.ts'
import { DEFAULT_SEED_ROLES, takesRegistrations } from './roles.ts'
import { seedService } from './seed-service.ts'
import { signalService } from './signalling/signal-service.ts'
import { RoundTrips } from './round-trips.ts'
import { SelfRegistration } from './registry/self-registration.ts'
import { SeedStages } from './stages/seed-stages.ts'
import { STAGE_DUTIES } from './stages/stage.ts'
import type { RelayService, RelayServiceComponents, RelayServiceInit } from './relay/relay-service.ts'
import type { SpotCheckCounters } from './handouts/spot-checks.ts'
import type { SeedRole } from './roles.ts'
import type { AdmissionDrop } from './admission/admission-book.ts'
import type { AdmissionGateInit } from './admission/admission-gate.ts'
import type { NetworkLimits } from './admission/network-places.ts'
import type { InboundCounters, InboundGuardInit } from './admission/inbound-guard.ts'
import type { SeedService, SeedServiceInit } from './seed-service.ts'
import type { SignalService, SignalServiceComponents, SignalServiceInit } from './signalling/signal-service.ts'
import type { CombinedEstimate } from './stages/size-estimator.ts'
import type { Stage } from './stages/stage.ts'
import type { SeedStagesInit } from './stages/seed-stages.ts'
import type { Clock } from '@skein/core'
import type { Peer, PeerInit } from '@skein/peer'
import type { VerifiedNetwork } from '@skein/records'
import type { DialBackComponents, DialBackService } from '@skein/supernode/libp2p'
import type { StunResponderInit } from '@skein/supernode/node'

type PeerOptions = Omit<PeerInit, 'services' | 'describe' | 'relay'>

type ServiceOptions = Pick<SeedServiceInit, 'maxRegistrations' | 'maxPerNetwork' | 'registry' | 'onExchange' | 'onDiscover'>

export interface SeedInit extends PeerOptions, ServiceOptions {
  /**
   * The stage to stay at, or `auto`: by the size of the network, which the seed estimates.
   *
   * @default 'auto'
   */
  stage?: Stage | 'auto'
  /**
   * What it does for peers.
   *
   * @default discover, signal and bootstrap
   */
  roles?: readonly SeedRole[]
  /** What relaying is limited to, and what an earlier run has used of the month */
  relay?: Pick<RelayServiceInit, 'limits' | 'used' | 'maxAccounts' | 'maxStallMs' | 'maxHeldBytes'>
  /**
   * How offers, answers and candidates are passed on between peers; `bus` for those of other seeds.
   *
   * @default {}
   */
  signalling?: Pick<SignalServiceInit, 'bus' | 'limits'>
  /**
   * How often one of the registered peers is looked for, so that those who are not there are named to newcomers last, ms on average; 0: never.
   *
   * @default 15_000
   */
  spotCheckMs?: number
  /**
   * Who is let in: registers, is answered, and may reserve a place at the relay. What a peer loses that does not meet the policy any longer is its
   * registration, its reservation, and its connections.
   *
   * @default everybody is
   */
  admission?: Pick<AdmissionGateInit, 'policy' | 'rules'>
  /** Most registrations, and most reservations, of one network as `networkOf` tells it @default not limited but by `maxPerNetwork` */
  networkLimits?: { registrations?: NetworkLimits, reservations?: NetworkLimits }
  /**
   * Answers STUN over UDP, which tells peers how their router maps what they send. Peers are told of it in each answer.
   *
   * @default false
   */
  stun?: false | StunResponderInit
  /**
   * Dials peers back that ask whether they can be reached, within bounds: three asks at once and one a minute of a /24, two dials a minute into one.
   *
   * @default for the role `bootstrap`
   */
  dialBack?: boolean
  /** Told of each change of the stage */
  onStage?: SeedStagesInit['onStage']
  /** Networks that are not limited by address; see `InboundGuardInit` @default loopback */
  trustedNetworks?: InboundGuardInit['trustedNetworks']
  /** Bounds of connections and streams */
  limits?: Pick<InboundGuardInit, 'connections' | 'streams' | 'liveness' | 'maxKnownPeers' | 'readHeap'>
  /** How the size is estimated, how long a stage lasts, when newcomers are let go */
  stages?: Pick<SeedStagesInit, 'estimator' | 'keeper' | 'letGo'>
}

export interface Seed {
  /** Peer id, as text */
  id: string
  /** Multiaddr texts with `/p2p/…`: what peers are given as bootstrap */
  addresses: string[]
  /** The node of the mesh that the seed is */
  peer: Peer
  service: SeedService
  /** `undefined` when it does not signal */
  signalling: SignalService | undefined
  /** Circuits through this seed; not there without the role */
  relay?: RelayService
  /** Not there when it does not answer STUN */
  stun?: StunResponder
  /** Not there when it dials nobody back */
  dialBack?: DialBackService
  /** Not there when everybody is let in */
  admission?: AdmissionGate
  /** Connections and streams that were refused or ended, by reason */
  readonly inbound: InboundCounters
  /** Registered peers that were looked for, and found or not */
  readonly spotChecks: Readonly<SpotCheckCounters>
  /** Memory is short, and nobody new is taken */
  readonly isShedding: boolean
  /** What the seed does for newcomers goes by this */
  readonly stage: Stage
  /** Nodes of the network, as estimated last; `undefined` before the first estimate */
  readonly networkSize: CombinedEstimate | undefined
  /** Stays at a stage from now on, or (`auto`) goes by the size of the network again */
  pinStage: (stage: Stage | 'auto') => void
  stop: (options?: { drainMs?: number }) => Promise<void>
}

/**
 * What a seed gives in an hour for measuring those that it dials back: a peer that only wants to know whether it can be reached asks for none, and at
 * worst this is 24 GB a month.
 */
const MEASUREMENT_BUDGET = { maxBytesPerHour: 32 * 1024 * 1024, maxNetworkBytesPerHour: 16 * 1024 * 1024 }

/**
 * Starts a seed.
 *
 * @throws {RangeError} without a role
 * @throws {StunListenError} when the port of STUN cannot be had
 * @throws what `createPeer` throws
 */
export async function createSeed (init: SeedInit = {}): Promise<Seed> {
  const {
    admission, dialBack: dialsBack, limits, maxPerNetwork, maxRegistrations, networkLimits, registry, onExchange, onDiscover, onStage,
    relay: relayInit, roles = DEFAULT_SEED_ROLES, signalling: signallingInit, spotCheckMs, stage, stages: stagesInit, stun = false, trustedNetworks,
    ...peerInit
  } = init
  if (roles.length === 0) {
    throw new RangeError('A seed needs at least one role')
  }
  const clock = init.clock ?? systemClock()
  const random = init.random ?? systemRandom()
  const maxConnections = init.maxConnections ?? 4_000
  const guard = new InboundGuard({ ...limits, connections: { maxConnections, ...limits?.connections }, trustedNetworks, clock })
  // the relay's own place, and those that are registered
  const gate = admission && new AdmissionGate({ ...admission, maxAdmissions: (maxRegistrations ?? 100_000) + 1, clock })
  // trusted networks are not counted
  const placeOf = (address: string): VerifiedNetwork | undefined =>
    guard.networkOf(address) === undefined ? undefined : (init.networkOf ?? publicNetwork)(address)
  let service: SeedService | undefined
  let signalling: SignalService | undefined
  let relay: RelayService | undefined
  let self: SelfRegistration | undefined
  // others may register before this node has joined
  const running: { peer?: Peer, dialBack?: DialBackService, stun?: StunResponder } = {}
  const roundTrips = new RoundTrips({ clock })
  const followStage = async (now: Stage): Promise<void> => {
    relay?.close(STAGE_DUTIES[now].relay === 'none' ? 'not_here' : undefined)
    await signalling?.serve(STAGE_DUTIES[now].signal !== 'none')
  }
  const stages = new SeedStages({
    ...stagesInit,
    stage: stage ?? 'auto',
    onStage: change => {
      void followStage(change.to)
      onStage?.(change)
    },
    clock,
    random
  })
  const peer = await createPeer({
    // everybody who joins is connected to a seed: in a mesh it would stand in the middle, be told all that is said, and be what others depend on
    gossip: false,
    superNodes: false,
    ...peerInit,
    describe: () => ({ relay: relay?.load() }),
    ...guard.peerInit(peerInit),
    // its operator says where it listens, and opens that himself
    reachability: peerInit.reachability === false ? false : { portMapping: false, ...peerInit.reachability },
    maxConnections,
    // it is there for those who come: its places are theirs, and it dials from memory only until the first is there
    pex: peerInit.pex === false ? false : { keepOutbound: false, ...peerInit.pex },
    services: {
      ...roles.includes('relay')
        ? {
            relay: (components: RelayServiceComponents) => {
              relay = relayService({
                ...relayInit,
                networks: networkLimits?.reservations,
                networkOf: placeOf,
                admits: gate && (of => gate.isAdmitted(of)),
                clock,
                onLoad: () => { self?.onLoad() }
              })(components)
              return relay
            }
          }
        : {},
      seed: components => {
        service = seedService({
          // the place that a relay takes for itself is not one of those that were asked for
          maxRegistrations: maxRegistrations === undefined ? undefined : maxRegistrations + (roles.includes('relay') ? 1 : 0),
          maxPerNetwork,
          registry,
          admission: gate,
          places: new NetworkPlaces(networkLimits?.registrations ?? {}),
          placeOf,
          onExchange,
          onDiscover,
          clock,
          random,
          region: init.region,
          roles,
          self: () => self?.record,
          networkOf: address => guard.networkOf(address),
          roundTripOf: of => roundTrips.of(of.toString(), async signal => await (running.peer as Peer).libp2p.services.ping.ping(of, { signal })),
          plan: want => stages.plan(want),
          handOut: (envelopes, count) => running.peer === undefined
            ? envelopes.slice(0, count)
            : handoutOrder(envelopes, count, { ledger: running.peer.trust.ledger, nowMs: clock.nowMs() }),
          stun: () => running.stun === undefined ? [] : [stunAddress(running.stun)],
          onAnswered: (peer, answer) => { stages.onAnswered(peer, answer) }
        })(components)
        return service
      },
      ...dialsBack ?? roles.includes('bootstrap')
        ? {
            dialBack: (components: DialBackComponents) => {
              running.dialBack = dialBack({ networkOf: init.networkOf ?? publicNetwork, budget: MEASUREMENT_BUDGET, clock, random })(components)
              return running.dialBack
            }
          }
        : {},
      ...roles.includes('signal')
        ? {
            signalling: (components: SignalServiceComponents) => {
              signalling = signalService({ ...signallingInit, registry: () => (service as SeedService).registry, clock, random })(components)
              return signalling
            }
          }
        : {}
    }
  })
  running.peer = peer
  running.stun = stun === false ? undefined : await StunResponder.start({ clock, ...stun }).catch(async error => {
    await peer.stop()
    throw error
  })
  if (gate !== undefined) {
    gate.onDrop = drop => { void expel(peer, service as SeedService, relay, drop) }
  }
  await followStage(stages.stage)
  stages.start(peer.libp2p, () => service?.registry.size ?? 0)
  guard.start(peer.libp2p)
  const spotChecks = new SpotChecks({
    intervalMs: takesRegistrations(roles) ? spotCheckMs : 0,
    libp2p: peer.libp2p,
    registry: () => (service as SeedService).registry,
    ledger: peer.trust.ledger,
    clock,
    random
  })
  spotChecks.start()
  if (relay !== undefined) {
    peer.trust.receipts?.judge('relay', relay.measured)
    self = selfRegistration(peer, service as SeedService, relay, clock)
    self.start()
  }
  return {
    id: peer.id,
    get addresses () { return peer.addresses },
    peer,
    service: service as SeedService,
    signalling,
    relay,
    stun: running.stun,
    dialBack: running.dialBack,
    admission: gate,
    inbound: guard.counters,
    spotChecks: spotChecks.counters,
    get isShedding () { return guard.isShedding },
    get stage () { return stages.stage },
    get networkSize () { return stages.size },
    pinStage: to => { stages.pin(to) },
    stop: async options => {
      stages.stop()
      roundTrips.stop()
      spotChecks.stop()
      guard.stop()
      gate?.stop()
      await self?.stop()
      await Promise.all([running.stun?.stop(), peer.stop(options)])
    }
  }
}

/** A host of `0.0.0.0` is for the asker to fill in: it knows where it dialled this seed. */
function stunAddress ({ address: { family, host, port } }: StunResponder): string {
  return `/${family === 'IPv6' ? 'ip6' : 'ip4'}/${host}/udp/${port}`
}

/** Takes from a peer what it has here. */
async function expel (from: Peer, service: SeedService, relay: RelayService | undefined, { peer, reason }: AdmissionDrop): Promise<void> {
  const log = from.libp2p.logger.forComponent('skein:admission')
  log('%s is not admitted any longer: %s', peer, reason)
  relay?.expel(peer)
  const ended = await Promise.allSettled([service.expel(peer), from.libp2p.hangUp(peerIdFromString(peer))])
  for (const failure of ended) {
    if (failure.status === 'rejected') {
      log.error('%s could not be dropped: %s', peer, (failure.reason as Error).message)
    }
  }
}

function selfRegistration (peer: Peer, { registry }: SeedService, relay: RelayService, clock: Clock): SelfRegistration {
  return new SelfRegistration({ peer, registry, load: () => relay.load(), clock, log: peer.libp2p.logger.forComponent('skein:self-registration') })
}
