/** Starts a super-node: a peer that carries load for others, within what its owner gives. */
import { systemClock } from '@skein/core/system'
import { createPeer, publicNetwork } from '@skein/peer'
import { dialBack } from '@skein/supernode/libp2p'
import { StunResponder } from '@skein/supernode/node'
import { InboundGuard } from '../admission/inbound-guard.ts'
import { PathBytes } from '../node/path-bytes.ts'
import { cpuShare as measuredCpuShare } from '../node/super-node/cpu-share.ts'
import { fenceMarks } from '../node/super-node/fence-marks.ts'
import { UsageFile } from '../node/super-node/usage-file.ts'
import { relayService } from '../relay/relay-service.ts'
import { CarriedLoad } from './carried-load.ts'
import { ElectedSeat } from './elected-seat.ts'
import { MediaIngest } from './media-ingest.ts'
import { RelayNotice } from './relay-notice.ts'
import { ReservationRelease } from './reservation-release.ts'
import { SuperNode } from './super-node.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Peer, PeerInit } from '@skein/peer'
import type { SuperNodeRole } from '@skein/records'
import type { UsageStore, VolunteerQuota } from '@skein/supernode'
import type { DialBackComponents, DialBackService, SessionIngest, VolunteerOffer } from '@skein/supernode/libp2p'
import type { StunResponderInit } from '@skein/supernode/node'
import type { InboundGuardInit } from '../admission/inbound-guard.ts'
import type { RelayLimits } from '../relay/relay-limits.ts'
import type { RelayService, RelayServiceComponents } from '../relay/relay-service.ts'
import type { ElectionOptions } from './elected-seat.ts'
import type { MediaIngestInit } from './media-ingest.ts'
import type { Seat } from './seat.ts'

type PeerOptions = Omit<PeerInit, 'describe' | 'relay' | 'client' | 'gossip'>

/** What a seat is made from. */
export interface SeatInit {
  peer: Peer
  region: string
  candidacy: () => VolunteerOffer
  clock: Clock
  /** Told when `state` may have changed */
  onChange: () => void
}

export interface SuperNodeInit extends PeerOptions {
  /** What the volunteer gives; a limit that is left out there is not @default {} */
  quota?: VolunteerQuota
  /**
   * Limits of the relay, for one circuit and one peer, and its places. The month's quota is that of `quota`.
   *
   * @default DEFAULT_SUPER_NODE_RELAY_LIMITS for those left out
   */
  relay?: Partial<Omit<RelayLimits, 'monthBytes'>>
  /** What it says that it gives, bytes/s; a claim can only lower its weight @default `quota.bytesPerSecond`, or 50 MB/s */
  claimedBytesPerSecond?: number
  /** What the electors of a region have agreed on, where it is not the default; `false`: it is no candidate for a seat, and elects nobody */
  election?: false | ElectionOptions
  /** Stands for its part in elections, in tests */
  seat?: (init: SeatInit) => Seat
  /**
   * Answers STUN over UDP, at the host of its first address.
   *
   * @default false
   */
  stun?: false | StunResponderInit
  /** What carries streams of sessions beside it: clients take places there as long as it holds a seat @default what `media` takes in */
  sessions?: SessionIngest
  /**
   * Takes streams of encoders in, over one link or several, and hands them to peers of the mesh and to players, within `quota`. It is in its lease as
   * the role `ingest`.
   *
   * @default false
   */
  media?: false | MediaIngestInit
  /** Keeps what it has carried @default a file of `dataDir`; without that as long as the process */
  usage?: UsageStore
  /** What this process takes of all processors since it was asked last, 0 to 1 @default measured */
  cpuShare?: () => number
  /** Told, in words for a person, when totals cannot be saved; counting goes on in memory */
  onProblem?: (message: string) => void
  /** Networks that are not limited by address; see `InboundGuardInit` @default loopback */
  trustedNetworks?: InboundGuardInit['trustedNetworks']
  /** Bounds of connections and streams */
  limits?: Pick<InboundGuardInit, 'connections' | 'streams' | 'liveness' | 'maxKnownPeers' | 'readHeap'>
}

/** Of a volunteer's machine: fewer places than a seed has, and no month of its own, for that is the quota's. */
export const DEFAULT_SUPER_NODE_RELAY_LIMITS: Readonly<Partial<RelayLimits>> = {
  maxReservations: 256,
  maxCircuits: 256,
  monthBytes: Number.MAX_SAFE_INTEGER
}

/** With that of STUN a candidacy and a lease have eight. */
const MAX_DIAL_ADDRESSES = 7
/** What an election counts at most. */
const MAX_CLAIM_BYTES_PER_SECOND = 50_000_000
/** Larger than a seed's, for it carries streams, and is measured by those who dial it back: 1 MiB in flight is 10 MB/s at 100 ms. */
const STREAM_WINDOW_BYTES = 2 ** 20

/**
 * Starts a super-node: it joins as a peer, relays as a candidate within its limits, and with all that it has while it holds a seat.
 *
 * @throws {QuotaError | ScheduleError | TimeZoneError} when the quota cannot be meant
 * @throws what `createPeer` throws
 */
export async function createSuperNode (init: SuperNodeInit = {}): Promise<SuperNode> {
  const {
    quota = {}, relay: relayLimits, claimedBytesPerSecond, seat: makeSeat, election = {}, stun = false, media = false, sessions: carrier, usage,
    cpuShare, onProblem = () => {}, trustedNetworks, limits, ...peerInit
  } = init
  const clock = init.clock ?? systemClock()
  const maxConnections = init.maxConnections ?? 1_000
  const guard = new InboundGuard({ ...limits, connections: { maxConnections, ...limits?.connections }, trustedNetworks, clock })
  const paths = new PathBytes()
  const store = usage ?? openUsage(init, quota, clock)
  // what comes of limits and seat is told once all is there
  const running: Running = {}
  const carried = new CarriedLoad({
    quota,
    days: await store?.load() ?? [],
    clock,
    save: store && (async (days, spareBytes) => { await (store as UsageStore & Partial<UsageFile>).save(days, spareBytes) }),
    cpuShare: cpuShare ?? measuredCpuShare(),
    lineBytes: () => paths.bytes.direct.received + paths.bytes.direct.sent + (running.media?.relay.carriedBytes ?? 0),
    onState: () => { running.node?.update() },
    endCircuits: why => {
      running.relay?.endCircuits(why)
      running.media?.end()
    }
  })
  const claimed = Math.min(MAX_CLAIM_BYTES_PER_SECOND, claimedBytesPerSecond ?? quota.bytesPerSecond ?? Infinity)
  const notice = new RelayNotice({ load: () => running.relay?.load(), tell: () => { running.peer?.descriptionChanged() }, clock })
  const guarded = guard.peerInit(peerInit)
  const peer = running.peer = await createPeer({
    // it is what others use, and reached by itself
    superNodes: false,
    ...peerInit,
    ...guarded,
    inbound: { ...guarded.inbound, streamWindowBytes: STREAM_WINDOW_BYTES },
    maxConnections,
    describe: () => ({ relay: notice.load }),
    metrics: paths.counting(init.metrics),
    services: {
      ...init.services,
      relay: (components: RelayServiceComponents) => {
        running.relay = relayService({
          limits: { ...DEFAULT_SUPER_NODE_RELAY_LIMITS, ...relayLimits },
          allowance: carried,
          onLoad: () => { notice.onLoad() },
          clock
        })(components)
        return running.relay
      },
      dialBack: (components: DialBackComponents & { privateKey: PrivateKey }) => {
        running.privateKey = components.privateKey
        running.dialBack = dialBack({
          networkOf: init.networkOf ?? publicNetwork,
          admits: who => running.seat?.isVolunteer(who) === true,
          maxBytesPerSecond: claimed,
          clock,
          random: init.random
        })(components)
        return running.dialBack
      }
    }
  })
  const relay = running.relay as RelayService
  peer.trust.receipts?.judge('relay', relay.measured)
  guard.start(peer.libp2p)
  const stunned = stun === false ? undefined : await StunResponder.start({ clock, ...stun }).catch(async error => {
    await peer.stop()
    throw error
  })
  const ingest = running.media = media === false ? undefined : await MediaIngest.open(media, {
    libp2p: peer.libp2p,
    carried,
    isOpen: () => running.node?.takesClients === true,
    clock,
    onProblem
  }).catch(async error => {
    await stunned?.stop()
    await peer.stop()
    throw error
  })
  const roles: SuperNodeRole[] = ['hub', 'relay']
  if (stunned !== undefined) {
    roles.push('stun')
  }
  if (ingest !== undefined) {
    roles.push('ingest')
  }
  const sessions = carrier ?? ingest?.sessions(() => toldAddresses(peer, undefined))
  const candidacy = (): VolunteerOffer => ({
    addresses: toldAddresses(peer, stunned),
    claimedBytesPerSecond: claimed,
    roles: sessions?.place() === undefined || roles.includes('ingest') ? roles : [...roles, 'ingest'],
    quota: carried.left()
  })
  const onChange = (): void => { running.node?.update() }
  const elected = election === false || makeSeat !== undefined ? undefined : new ElectedSeat({
    peer,
    privateKey: running.privateKey as PrivateKey,
    dialBack: running.dialBack as DialBackService,
    region: init.region ?? '',
    networkOf: init.networkOf,
    candidacy,
    marks: fenceMarks(init.dataDir, clock, init.onDamage ?? onProblem),
    sessions,
    options: election,
    clock,
    onChange,
    onProblem
  })
  running.seat = elected
  const seat: Seat | undefined = elected ?? makeSeat?.({ peer, region: init.region ?? '', candidacy, clock, onChange })
  const node = running.node = new SuperNode({
    peer,
    relay,
    carried,
    release: new ReservationRelease({
      connections: () => peer.libp2p.getConnections(),
      hasReservation: who => relay.ledger.hasReservation(who),
      hasCircuit: who => relay.ledger.circuitsOf(who) > 0 || ingest?.serves(who) === true,
      clock
    }),
    seat,
    elector: elected?.service,
    stun: stunned,
    media: ingest,
    dialBack: () => ({ ...running.dialBack?.counters }),
    inbound: guard.counters,
    region: init.region ?? '',
    roles,
    quota,
    clock,
    close: async () => {
      notice.stop()
      guard.stop()
    }
  })
  carried.start()
  try {
    await seat?.start()
  } catch (error) {
    await node.stop()
    throw error
  }
  return node
}

/** Where it is dialled, and behind those, as `/ip4/…/udp/PORT`, where it answers STUN. */
function toldAddresses (peer: Peer, stun: StunResponder | undefined): string[] {
  const addresses = peer.libp2p.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/[^/]+$/, '')).slice(0, MAX_DIAL_ADDRESSES)
  const [, host] = /^(\/(?:ip4|ip6|dns4|dns6|dns)\/[^/]+)\//.exec(addresses[0] ?? '') ?? []
  return stun === undefined || host === undefined ? addresses : [...addresses, `${host}/udp/${stun.address.port}`]
}

/** The parts of it, as they come to be. */
interface Running {
  node?: SuperNode
  relay?: RelayService
  peer?: Peer
  privateKey?: PrivateKey
  dialBack?: DialBackService
  media?: MediaIngest
  seat?: ElectedSeat
}

function openUsage ({ dataDir, onDamage, onProblem = () => {} }: SuperNodeInit, quota: VolunteerQuota, clock: Clock): UsageStore | undefined {
  return dataDir === undefined ? undefined : new UsageFile({
    folder: dataDir,
    quota,
    clock,
    onDamage: error => { onDamage?.(error.message) },
    onProblem: error => { onProblem(`what this super-node has carried cannot be written, a restart would forget it: ${error.message}`) }
  })
}
