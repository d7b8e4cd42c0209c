/**
 * How this peer reaches others: the service that watches connections and punches, what this peer knows of its own standing in the network, and what
 * went over which path.
 */
import { BoundedMap } from '@skein/core'
import { smallNetworkOf } from '@skein/pex'
import { isRelayed, seenAddress } from '@skein/records'
import { PUNCH_PATIENCE_MS } from '@skein/reachability'
import { reachability, triedCounter, workedCounter } from '@skein/reachability/libp2p'
import { platform } from '#platform'
import { dialability, isPublic } from './dialability.ts'
import { NatWatch } from './nat-watch.ts'
import { NetworkWatch } from './network-watch.ts'
import { PathTraffic } from './path-traffic.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Cancel, Clock, Random } from '@skein/core'
import type { InferenceInit } from '@skein/inference/libp2p'
import type { DialLimits } from '@skein/pex'
import type { BudgetState, DirectWay, NatVerdict, Path, PeerPath, Silence } from '@skein/reachability'
import type { ReachabilityComponents, ReachabilityEvents, ReachabilityService, WebRtc, WebRtcCounters } from '@skein/reachability/libp2p'
import type { DialBackService } from '@skein/supernode/libp2p'
import type { Dialability, DialEvidence } from './dialability.ts'
import type { ReachabilityOptions } from './path-options.ts'
import type { PathTrafficCounters } from './path-traffic.ts'

export interface PeerPathsInit {
  options: ReachabilityOptions
  /** The limits of what others name for a better path */
  dials: DialLimits
  clock: Clock
  random: Random
}

export interface PeerPathsStart {
  libp2p: Pick<Libp2p, 'getMultiaddrs' | 'addEventListener' | 'removeEventListener'>
  /** STUN servers of the super-nodes and seeds that this peer uses, multiaddr texts */
  stun: () => readonly string[]
  /** Left out where nobody can be asked to dial this peer back */
  dialBack?: Pick<DialBackService, 'askDialBack'>
  onChanged: (detail: ReachabilityEvents['path:changed']['detail']) => void
  /** Told when this machine is in another network, before connections are looked at */
  onNetworkChanged: () => void
}

/** What others find when they try to reach this peer. */
export interface Standing extends Dialability {
  /** Left out while it is not known */
  nat?: NatVerdict
}

/** All only grow. */
export interface PeerPathCounters extends PathTrafficCounters {
  /** Ways to a better path that were tried, and those that worked: `dial`, `reverse`, `tcp-punch`, `webrtc` */
  tries_total: Record<string, number>
  tries_worked_total: Record<string, number>
  refused_total: number
}

const MAX_STUN_SERVERS = 8
const MAX_ASKED_ADDRESSES = 8
/** Of peers that were dialled for a better path and have not been reached. */
const MAX_TAKEN_PEERS = 256
const MAX_TAKEN_ADDRESSES = 8
const LOOK_INTERVAL_MS = 10_000
const DIAL_BACK_INTERVAL_MS = 600_000
const STUN_ADDRESS = /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/udp\/\d+$/

export class PeerPaths {
  readonly traffic: PathTraffic
  private readonly init: PeerPathsInit
  private readonly watch: NatWatch
  private readonly network: NetworkWatch | undefined
  private readonly stopping = new AbortController()
  private service: ReachabilityService | undefined
  private webrtc: WebRtc | undefined
  private running: PeerPathsStart | undefined
  private evidence: Pick<DialEvidence, 'cameInMs' | 'dialBack'> = {}
  /** Addresses of peers that were dialled or punched to, which counts against their networks */
  private readonly taken = new BoundedMap<string, string[]>({ maxSize: MAX_TAKEN_PEERS })
  private before = { asked: 0, came: 0 }
  private told = ''
  private cancelAsk: Cancel | undefined
  private cancelLook: Cancel | undefined

  /** @throws {RangeError} when an option makes no sense */
  constructor (init: PeerPathsInit) {
    const { options: { stun = [], budget }, clock, random } = init
    const wrong = stun.find(address => !STUN_ADDRESS.test(address))
    if (wrong !== undefined || stun.length > MAX_STUN_SERVERS) {
      throw new RangeError(wrong === undefined
        ? `At most ${MAX_STUN_SERVERS} STUN servers`
        : `${wrong} is no address of a STUN server such as /ip4/192.0.2.1/udp/3478`)
    }
    this.init = init
    this.traffic = new PathTraffic(budget)
    this.watch = new NatWatch({
      servers: () => this.stun,
      ask: async (servers, signal, onMapped) => await platform.natVerdict?.(servers, { signal, clock, random, onMapped }),
      onChange: () => { this.service?.networkChanged() },
      clock
    })
    const addresses = platform.localAddresses
    this.network = addresses && new NetworkWatch({ addresses, clock, onChange: addresses => { this.onNetwork(addresses) } })
  }

  /** The service of the node that is to be started which speaks WebRTC; `undefined` where none was given. */
  get webrtcOf (): ((components: ReachabilityComponents) => WebRtc) | undefined {
    const { options: { webrtc }, clock } = this.init
    return webrtc && (components => {
      this.webrtc = webrtc({ stun: () => this.stun, clock })(components)
      return this.webrtc
    })
  }

  /** `undefined` without WebRTC. */
  get webrtcCounters (): Readonly<WebRtcCounters> | undefined {
    return this.webrtc?.counters
  }

  /** The service of the node that is to be started. */
  readonly serviceOf = (components: ReachabilityComponents): ReachabilityService => {
    const { clock, random } = this.init
    this.service = reachability({
      puncher: platform.puncher,
      webrtc: this.webrtcOf && (async (connection, signal) => await (this.webrtc as WebRtc).connect(connection, signal)),
      turn: () => this.webrtc?.turn === true,
      standing: () => this.standing,
      settled: platform.natVerdict && (async () => { await this.watch.settled }),
      mayDial: (peer, address) => this.mayDial(peer, address.toString()),
      clock,
      random
    })(components)
    return this.service
  }

  private mayDial (peer: string, address: string): boolean {
    const { dials, clock } = this.init
    const may = dials.take([address], clock.nowMs()).length > 0
    if (may) {
      this.taken.set(peer, [...this.taken.get(peer) ?? [], address].slice(-MAX_TAKEN_ADDRESSES))
    }
    return may
  }

  /** What the inference service is to tell of its requests, before what the user is told. */
  hooks ({ onServed, onCalled }: Pick<InferenceInit, 'onServed' | 'onCalled'> = {}): Pick<InferenceInit, 'onServed' | 'onCalled' | 'pathOf'> {
    return {
      pathOf: connection => this.pathOf(connection),
      onServed: call => {
        this.traffic.onServed(call.path, call.bytes)
        onServed?.(call)
      },
      onCalled: call => {
        this.traffic.onAnswered(call.path, call.bytes, this.init.clock.nowMs())
        onCalled?.(call)
      }
    }
  }

  start (running: PeerPathsStart): void {
    const { libp2p } = running
    this.running = running
    this.service?.addEventListener('path:changed', this.onChanged)
    libp2p.addEventListener('connection:open', this.onConnection)
    libp2p.addEventListener('self:peer:update', this.onSelf)
    this.told = this.ownAddresses.join()
    this.look()
    this.network?.start()
    if (platform.natVerdict !== undefined) {
      this.watch.start()
    }
    void this.askDialBack()
  }

  stop (): void {
    this.stopping.abort(new Error('This peer is stopping'))
    this.watch.stop()
    this.network?.stop()
    this.cancelAsk?.()
    this.cancelLook?.()
    this.service?.removeEventListener('path:changed', this.onChanged)
    this.running?.libp2p.removeEventListener('connection:open', this.onConnection)
    this.running?.libp2p.removeEventListener('self:peer:update', this.onSelf)
  }

  /** Servers that may be asked now, multiaddr texts. */
  private get stun (): string[] {
    return [...this.init.options.stun ?? [], ...this.running?.stun() ?? []].slice(0, MAX_STUN_SERVERS)
  }

  /** The peers that it is, or lately was, connected to: the path to each, why, since when, what failed. */
  get all (): Array<PeerPath & { peer: string }> {
    return this.service?.paths ?? []
  }

  /** How others reach this peer. */
  get standing (): Standing {
    const { nat } = this.watch
    return {
      ...dialability({ addresses: this.addresses, ...this.evidence, reverses: this.reverses }, this.init.clock.nowMs()),
      ...nat === undefined ? {} : { nat }
    }
  }

  get budget (): BudgetState {
    return this.traffic.state(this.init.clock.nowMs())
  }

  get counters (): PeerPathCounters {
    const { service } = this
    const counted = service?.counters
    return {
      ...this.traffic.counters,
      tries_total: byWay(way => counted?.[triedCounter(way)]),
      tries_worked_total: byWay(way => counted?.[workedCounter(way)]),
      refused_total: counted?.refused_total ?? 0
    }
  }

  /** What is known of the way to a peer; `undefined` of one that was never connected, or is forgotten. */
  pathTo (peer: string): PeerPath | undefined {
    return this.service?.pathTo(peer)
  }

  /** How long a call waits for a better path. */
  get patienceMs (): number {
    return this.init.options.patienceMs ?? PUNCH_PATIENCE_MS
  }

  /** Whether this peer reaches addresses of IPv6; `undefined` where it listens at none, and so does not know. */
  get hasIPv6 (): boolean | undefined {
    const own = this.ownAddresses
    return own.length === 0 ? undefined : own.some(address => address.startsWith('/ip6/') && isPublic(address))
  }

  /** The connection that new streams to a peer should use; `undefined` when there is none. */
  connectionTo (peer: string): Connection | undefined {
    return this.service?.connectionTo(peer)
  }

  /** Nothing comes over it, though something was to. */
  isSilent (connection: Connection): boolean {
    return this.service?.isSilent(connection) === true
  }

  /** Something depends on this connection until the returned function is called; `onSilence` is told when nothing comes over it any more. */
  use (connection: Connection, onSilence: (silence: Silence) => void): () => void {
    return this.service?.use(connection, onSilence) ?? (() => {})
  }

  pathOf (connection: Connection): Path {
    return this.service?.pathOf(connection) ?? (isRelayed(connection) ? 'relayed' : 'direct')
  }

  /** Since the addresses are what they are. */
  private get reverses (): DialEvidence['reverses'] {
    const { tried_reverse_total: asked = 0, worked_reverse_total: came = 0 } = this.service?.counters ?? {}
    return { asked: asked - this.before.asked, came: came - this.before.came }
  }

  private get addresses (): string[] {
    return this.ownAddresses.filter(isPublic)
  }

  private get ownAddresses (): string[] {
    return this.running?.libp2p.getMultiaddrs().map(address => address.toString()).filter(address => !address.includes('/p2p-circuit')) ?? []
  }

  /** libp2p does not tell when the machine is in another network. */
  private look (): void {
    const { clock } = this.init
    this.cancelLook = clock.schedule(clock.nowMs() + LOOK_INTERVAL_MS, () => {
      this.onSelf()
      this.look()
    })
  }

  private readonly onChanged = ({ detail }: ReachabilityEvents['path:changed']): void => {
    this.traffic.onChanged(detail.from, detail.to)
    this.running?.onChanged(detail)
  }

  private readonly onConnection = ({ detail }: CustomEvent<Connection>): void => {
    const address = seenAddress(detail)
    this.giveBack(detail.remotePeer.toString(), address)
    if (detail.direction === 'inbound' && address !== undefined && isPublic(address) && this.pathOf(detail) === 'direct') {
      this.evidence.cameInMs = this.init.clock.nowMs()
    }
  }

  /** A peer is where it said that it is: behind one address there may be many, who all want to be reached. */
  private giveBack (peer: string, address: string | undefined): void {
    const network = address === undefined ? undefined : smallNetworkOf(address)
    const taken = this.taken.get(peer)
    if (network !== undefined && taken !== undefined) {
      this.taken.delete(peer)
      this.init.dials.giveBack(taken.filter(other => smallNetworkOf(other) === network))
    }
  }

  private onNetwork (addresses: readonly string[]): void {
    this.running?.onNetworkChanged()
    this.service?.networkChanged(addresses)
    this.onSelf()
  }

  private readonly onSelf = (): void => {
    const told = this.ownAddresses.join()
    if (told !== this.told) {
      this.told = told
      this.evidence = {}
      this.before = { asked: this.service?.counters.tried_reverse_total ?? 0, came: this.service?.counters.worked_reverse_total ?? 0 }
      this.watch.onAddressesChanged()
      this.service?.networkChanged()
      void this.askDialBack()
    }
  }

  private async askDialBack (): Promise<void> {
    const { clock } = this.init
    const { dialBack } = this.running ?? {}
    const addresses = this.addresses.slice(0, MAX_ASKED_ADDRESSES)
    this.cancelAsk?.()
    if (dialBack === undefined || this.stopping.signal.aborted) {
      return
    }
    this.cancelAsk = clock.schedule(clock.nowMs() + DIAL_BACK_INTERVAL_MS, () => { void this.askDialBack() })
    if (addresses.length === 0) {
      return
    }
    try {
      const states = (await dialBack.askDialBack(addresses, { signal: this.stopping.signal })).map(({ state }) => state)
      const state = states.find(one => one === 'reachable') ?? states.find(one => one === 'unreachable') ?? 'unknown'
      this.evidence.dialBack = { state, atMs: clock.nowMs() }
    } catch {
      // nobody could be asked: what was known stands
    }
  }
}

const WAYS: readonly DirectWay[] = ['dial', 'reverse', 'tcp-punch', 'webrtc']

function byWay (count: (way: DirectWay) => number | undefined): Record<string, number> {
  return Object.fromEntries(WAYS.map(way => [way, count(way) ?? 0]))
}
