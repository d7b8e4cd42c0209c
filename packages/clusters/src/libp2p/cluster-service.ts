/** Makes a libp2p node a member of its cluster: streams, topics, dials and one timer for a `ClusterMember`. */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, MachineDriver } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { TypedEventEmitter } from 'main-event'
import { encodeAnswer, MAX_NEAR } from '../cluster-message.ts'
import { ClusterMember } from '../cluster-member.ts'
import { newClusterCounters } from './cluster-counters.ts'
import { ClusterStreams, dialPeer } from './cluster-streams.ts'
import { TopicDesk } from './topic-desk.ts'
import { WhereClient } from './where-client.ts'
import type { ClusterBounds } from '../cluster-depth.ts'
import type { ClusterAnswer } from '../cluster-message.ts'
import type { ClusterEffect } from '../cluster-effect.ts'
import type { RegionAnswer } from '../digest-exchange.ts'
import type { ModelLoad } from '../load-table.ts'
import type { WeighClaim } from '../rendezvous.ts'
import type { ZoneAnchor } from '../zone.ts'
import type { ClusterHost } from './cluster-streams.ts'
import type { Rendezvous } from './rendezvous.ts'
import type { AbortOptions, Connection, PeerId, Startable } from '@libp2p/interface'
import type { Clock, Random, Topics } from '@skein/core'

export interface ClusterServiceInit {
  libp2p: ClusterHost
  topics: Topics
  rendezvous: Rendezvous
  region: string
  /** @default 'all' */
  zone?: string
  /** How large clusters are. All peers of a network must have the same */
  bounds?: ClusterBounds
  /**
   * How much load this peer could carry as a coordinator; 0: it never is one.
   *
   * @default 0
   */
  weight?: number
  /** What the weight that another peer claims is worth @default what it claims */
  weigh?: WeighClaim
  /**
   * What it serves.
   *
   * @default nothing
   */
  loads?: readonly ModelLoad[]
  /**
   * How a connection to another peer of the cluster is made; limits of dials belong here.
   *
   * @default `libp2p.dial`
   */
  connect?: (peer: string, addresses: string[], signal: AbortSignal) => Promise<Connection>
  /** Peers of the region, and where they stand: of them zones are named, should this peer coordinate the region @default none */
  standing?: () => ZoneAnchor[]
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface ClusterEvents {
  /** It is in another cluster now */
  'cluster:changed': CustomEvent<{ scope: string }>
  /** Another peer coordinates a part that this one is in; `undefined` while nobody does */
  'coordinator:changed': CustomEvent<{ scope: string, peer: string | undefined }>
  /** This peer coordinates these parts now */
  'held:changed': CustomEvent<{ scopes: string[] }>
  /** The zones of the region are others now */
  'anchors:changed': CustomEvent<{ anchors: ZoneAnchor[] }>
  /** A peer did what no honest peer does */
  'peer:offended': CustomEvent<{ peer: string, reason: string }>
}

export interface WhereOptions extends AbortOptions {
  /**
   * For so long a coordinator is looked for and asked.
   *
   * @default 10_000
   */
  timeoutMs?: number
}

const PROBE_TIMEOUT_MS = 5000
const CONNECT_TIMEOUT_MS = 10_000
const SEEK_TIMEOUT_MS = 20_000
const MAX_FOUND = 16
const LEAVE_TIMEOUT_MS = 1000

interface Running {
  driver: MachineDriver<ClusterEffect, ClusterMember>
  shutdown: AbortController
  advertised: Map<string, AbortController>
}

export class ClusterService extends TypedEventEmitter<ClusterEvents> implements Startable {
  readonly counters = newClusterCounters()
  private readonly init: ClusterServiceInit
  private readonly clock: Clock
  private readonly streams: ClusterStreams
  private readonly desk: TopicDesk
  private readonly asker: WhereClient
  private readonly connect: NonNullable<ClusterServiceInit['connect']>
  private zone: string | undefined
  private weight: number
  private loads: readonly ModelLoad[]
  private running?: Running

  constructor (init: ClusterServiceInit) {
    super()
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.zone = init.zone
    this.weight = init.weight ?? 0
    this.loads = init.loads ?? []
    const { libp2p, topics } = init
    const { clock, counters } = this
    this.connect = init.connect ?? (async (peer, addresses, signal) => await dialPeer(libp2p, peer, addresses, signal))
    this.streams = new ClusterStreams({
      libp2p, clock, counters,
      connect: async (peer, addresses, signal) => this.openConnection(peer) ?? await this.connect(peer, addresses, signal),
      receive: async (peer, bytes) => await this.receive(peer, bytes)
    })
    this.desk = new TopicDesk({
      topics, counters,
      validate: (topic, { from, data }) => this.running?.driver.machine.verdict(topic, from, data, clock.nowMs()) ?? 'ignore',
      onMessage: (topic, { from, data }) => { this.input((machine, nowMs) => { machine.onNotice(topic, from, data, nowMs) }) },
      onSubscribers: (topic, peers) => { this.input((machine, nowMs) => { machine.onSubscribers(topic, peers, nowMs) }) }
    })
    this.asker = new WhereClient({
      clock,
      streams: this.streams,
      own: model => this.running?.driver.machine.where(model, clock.nowMs()),
      coordinator: () => ({
        scope: this.scope ?? init.region, peer: this.coordinator, isSelf: this.coordinator === this.self,
        addresses: this.running?.driver.machine.coordinatorAddresses ?? []
      }),
      onUnreachable: peer => { this.input((machine, nowMs) => { machine.onUnreachable(peer, nowMs) }) }
    })
  }

  /** The cluster; `undefined` while the service is stopped. */
  get scope (): string | undefined {
    return this.running?.driver.machine.scope
  }

  get depth (): number | undefined {
    return this.running?.driver.machine.depth
  }

  /** Peers of the cluster that this one knows, itself included. */
  get members (): number {
    return this.running?.driver.machine.memberCount ?? 0
  }

  get coordinator (): string | undefined {
    return this.running?.driver.machine.coordinator
  }

  /** The parts that this peer coordinates, its cluster first. */
  get held (): string[] {
    return this.running?.driver.machine.held ?? []
  }

  isStarted (): boolean {
    return this.running !== undefined
  }

  async start (): Promise<void> {
    if (this.running !== undefined) {
      return
    }
    const { libp2p, region, bounds, weigh, standing } = this.init
    const { clock, weight, zone } = this
    await this.streams.start()
    const machine = new ClusterMember(
      { self: this.self, region, zone, bounds, weight, weigh, standing }, this.init.random ?? systemRandom(), clock.nowMs())
    const driver = new MachineDriver<ClusterEffect, ClusterMember>({ machine, clock, perform: effect => { this.perform(effect) } })
    this.running = { driver, shutdown: new AbortController(), advertised: new Map() }
    libp2p.addEventListener('peer:connect', this.onConnect)
    libp2p.addEventListener('peer:disconnect', this.onDisconnect)
    libp2p.addEventListener('self:peer:update', this.onAddresses)
    driver.input((member, nowMs) => {
      member.onAddresses(this.ownAddresses())
      member.onLoads(this.loads, nowMs)
      libp2p.getConnections().forEach(({ remotePeer }) => { member.onConnected(remotePeer.toString()) })
    })
  }

  /** Says that it leaves, and stops. It can be started again. */
  async stop (): Promise<void> {
    const { running } = this
    if (running === undefined) {
      return
    }
    const { libp2p } = this.init
    libp2p.removeEventListener('peer:connect', this.onConnect)
    libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
    libp2p.removeEventListener('self:peer:update', this.onAddresses)
    running.driver.input((machine, nowMs) => { machine.onLeave(nowMs) })
    this.running = undefined
    running.driver.stop()
    running.shutdown.abort(new Error('The service stopped'))
    running.advertised.forEach(controller => { controller.abort() })
    const limit = deadline(this.clock, LEAVE_TIMEOUT_MS)
    await Promise.race([this.desk.idle(), new Promise(resolve => { limit.signal.addEventListener('abort', resolve) })])
    limit.clear()
    this.desk.leaveAll()
    this.asker.clear()
    await this.streams.stop()
  }

  /** Which regions have capacity for a model, that with most of it first. @throws {NoCoordinatorError} */
  async where (model: string, { signal, timeoutMs = 10_000 }: WhereOptions = {}): Promise<RegionAnswer[]> {
    this.counters.questions_total++
    try {
      return await this.asker.where(model, { signal, timeoutMs })
    } catch (error) {
      this.counters.questions_failed_total++
      throw error
    }
  }

  /** What it serves has changed. */
  setLoads (loads: readonly ModelLoad[]): void {
    this.loads = loads
    this.input((machine, nowMs) => { machine.onLoads(loads, nowMs) })
  }

  setWeight (weight: number): void {
    this.weight = weight
    this.input((machine, nowMs) => { machine.onWeight(weight, nowMs) })
  }

  setZone (zone: string): void {
    this.zone = zone
    this.input((machine, nowMs) => { machine.onZone(zone, nowMs) })
  }

  /** The depths of the clusters that connected peers of the same zone are in. */
  setClaims (depths: readonly number[]): void {
    this.input((machine, nowMs) => { machine.onClaims(depths, nowMs) })
  }

  private get self (): string {
    return this.init.libp2p.peerId.toString()
  }

  private readonly onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.input(machine => { machine.onConnected(detail.toString()) })
  }

  private readonly onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.input((machine, nowMs) => { machine.onDisconnected(detail.toString(), nowMs) })
  }

  private readonly onAddresses = (): void => {
    this.input(machine => { machine.onAddresses(this.ownAddresses()) })
  }

  private input (feed: (machine: ClusterMember, nowMs: number) => void): void {
    this.running?.driver.input(feed)
  }

  private ownAddresses (): string[] {
    const suffix = `/p2p/${this.self}`
    return this.init.libp2p.getMultiaddrs().map(address => address.toString())
      .map(address => address.endsWith(suffix) ? address.slice(0, -suffix.length) : address)
  }

  private openConnection (peer: string): Connection | undefined {
    return this.init.libp2p.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open')
  }

  private perform (effect: ClusterEffect): void {
    switch (effect.type) {
      case 'join':
        this.desk.join(effect.topic)
        break
      case 'leave':
        this.desk.leave(effect.topic)
        break
      case 'publish':
        this.desk.publish(effect.topic, effect.bytes)
        break
      case 'send':
      case 'ask':
        void this.send(effect)
        break
      case 'connect':
        void this.reach(effect.peer, effect.addresses, CONNECT_TIMEOUT_MS)
        break
      case 'probe':
        void this.reach(effect.peer, [], PROBE_TIMEOUT_MS).then(reachable => {
          this.input((machine, nowMs) => { machine.onProbed(effect.peer, reachable, nowMs) })
        })
        break
      case 'advertise':
        this.advertise(effect.scope, effect.active)
        break
      case 'seek':
        void this.seek(effect.scope)
        break
      case 'cluster':
        this.safeDispatchEvent('cluster:changed', { detail: { scope: effect.scope } })
        break
      case 'coordinator':
        this.safeDispatchEvent('coordinator:changed', { detail: { scope: effect.scope, peer: effect.peer } })
        break
      case 'held':
        this.safeDispatchEvent('held:changed', { detail: { scopes: effect.scopes } })
        break
      case 'anchors':
        this.safeDispatchEvent('anchors:changed', { detail: { anchors: effect.anchors } })
        break
      case 'penalize':
        this.counters.offences_total++
        this.safeDispatchEvent('peer:offended', { detail: { peer: effect.peer, reason: effect.reason } })
    }
  }

  private async send ({ type, peer, addresses, bytes, topic = '' }: Extract<ClusterEffect, { type: 'send' | 'ask' }>): Promise<void> {
    try {
      const answer = await this.streams.send(peer, addresses, bytes, type === 'ask', this.running?.shutdown.signal)
      if (answer !== undefined) {
        this.input((machine, nowMs) => { machine.onAnswer(peer, topic, answer, nowMs) })
      }
    } catch {
      this.input((machine, nowMs) => {
        if (type === 'ask') {
          machine.onAskFailed(peer, topic, nowMs)
        } else {
          machine.onUnreachable(peer, nowMs)
        }
      })
    }
  }

  private async receive (peer: string, bytes: Uint8Array): Promise<Uint8Array | undefined> {
    let answer: ClusterAnswer | undefined
    this.input((machine, nowMs) => { answer = machine.onMessage(peer, bytes, nowMs) })
    if (answer?.type === 'members' && answer.answer.topic !== undefined) {
      answer.answer.near = await this.near(this.desk.subscribers(answer.answer.topic).filter(other => other !== peer))
    }
    return answer === undefined ? undefined : encodeAnswer(answer)
  }

  /** Some of those that are connected, with the addresses that they told. */
  private async near (peers: string[]): Promise<Array<{ peer: string, addresses: string[] }>> {
    const found = await Promise.allSettled(peers.slice(0, MAX_NEAR).map(async peer => {
      const { addresses } = await this.init.libp2p.peerStore.get(peerIdFromString(peer))
      return { peer, addresses: addresses.map(({ multiaddr }) => multiaddr.toString()) }
    }))
    return found.flatMap(result => result.status === 'fulfilled' && result.value.addresses.length > 0 ? [result.value] : [])
  }

  private async reach (peer: string, addresses: string[], timeoutMs: number): Promise<boolean> {
    const limit = deadline(this.clock, timeoutMs, [this.running?.shutdown.signal])
    try {
      return this.openConnection(peer) !== undefined || await this.connect(peer, addresses, limit.signal).then(() => true)
    } catch {
      return false
    } finally {
      limit.clear()
    }
  }

  private advertise (scope: string, active: boolean): void {
    const advertised = this.running?.advertised
    advertised?.get(scope)?.abort()
    advertised?.delete(scope)
    if (active) {
      const controller = new AbortController()
      advertised?.set(scope, controller)
      this.init.rendezvous.advertise(scope, controller.signal).catch(() => {}) // others may still find those next in line
    }
  }

  private async seek (scope: string): Promise<void> {
    const limit = deadline(this.clock, SEEK_TIMEOUT_MS, [this.running?.shutdown.signal])
    try {
      let found = 0
      for await (const { peer, addresses } of this.init.rendezvous.seek(scope, limit.signal)) {
        this.input((machine, nowMs) => { machine.onFound(scope, peer, addresses, nowMs) })
        if (++found >= MAX_FOUND) {
          break
        }
      }
    } catch {
      // sought again later
    } finally {
      limit.clear()
      this.input((machine, nowMs) => { machine.onSought(scope, nowMs) })
    }
  }
}
