/** A running super-node: puts its limits and its seat together, tells the relay what to give, and drains. */
import { TypedEventEmitter } from 'main-event'
import { relayTerms, superNodeState } from './super-node-state.ts'
import { usageOf } from './super-node-status.ts'
import type { Clock } from '@skein/core'
import type { Peer } from '@skein/peer'
import type { MediaRelay } from '@skein/media-relay/node'
import type { SuperNodeRole } from '@skein/records'
import type { VolunteerQuota } from '@skein/supernode'
import type { StunResponder } from '@skein/supernode/node'
import type { InboundCounters } from '../admission/inbound-guard.ts'
import type { RelayService } from '../relay/relay-service.ts'
import type { CarriedLoad } from './carried-load.ts'
import type { MediaIngest } from './media-ingest.ts'
import type { ReservationRelease } from './reservation-release.ts'
import type { Seat } from './seat.ts'
import type { SuperNodeService } from '@skein/supernode/libp2p'
import type { SuperNodeState } from './super-node-state.ts'
import type { SuperNodeStatus } from './super-node-status.ts'

export interface SuperNodeEvents {
  'state:changed': CustomEvent<SuperNodeState>
}

export interface SuperNodeParts {
  peer: Peer
  relay: RelayService
  carried: CarriedLoad
  release: ReservationRelease
  seat?: Seat
  /** Left out when it elects nobody */
  elector?: SuperNodeService
  stun?: Pick<StunResponder, 'address' | 'counters' | 'stop'>
  /** Left out when it takes no streams of media in */
  media?: MediaIngest
  /** Counters of dial-backs done for others */
  dialBack?: () => Record<string, number>
  inbound: InboundCounters
  region: string
  roles: SuperNodeRole[]
  quota: VolunteerQuota
  clock: Clock
  /** Frees what else it was started with */
  close: () => Promise<void>
}

export interface DrainOptions {
  /**
   * How long circuits may run on, ms; those that are left then are reset.
   *
   * @default 60_000
   */
  deadlineMs?: number
}

/** Clients that hear of a pause over the mesh move by themselves; the others are let go after this. */
const RELEASE_DELAY_MS = 5_000
/** … over so long a time, so that they do not all come to the next relay at once. */
const RELEASE_SPREAD_MS = 20_000
/** Of a drain: its time is bounded by the volunteer's patience. */
const DRAIN_RELEASE_SHARE = 0.25

export class SuperNode extends TypedEventEmitter<SuperNodeEvents> {
  readonly peer: Peer
  readonly relay: RelayService
  private readonly parts: SuperNodeParts
  private readonly startedAtMs: number
  private sinceMs: number
  private current: SuperNodeState
  private readonly drained = Promise.withResolvers<void>()
  private stopping?: Promise<void>

  constructor (parts: SuperNodeParts) {
    super()
    this.parts = parts
    this.peer = parts.peer
    this.relay = parts.relay
    this.startedAtMs = this.sinceMs = parts.clock.nowMs()
    this.current = this.stateNow()
    this.settle(undefined)
  }

  get id (): string {
    return this.peer.id
  }

  /** Multiaddr texts with `/p2p/…`. */
  get addresses (): string[] {
    return this.peer.addresses
  }

  /** Who holds the region's seats as this node sees it, and what is known of each candidate; `undefined` when it elects nobody. */
  get elector (): SuperNodeService | undefined {
    return this.parts.elector
  }

  get state (): SuperNodeState {
    return this.current
  }

  /** Whether somebody new is taken. */
  get takesClients (): boolean {
    return this.current.state === 'candidate' || this.current.state === 'elected'
  }

  /** Its stream ids, keys and ports; `undefined` when it takes no streams of media in. */
  get media (): MediaRelay | undefined {
    return this.parts.media?.relay
  }

  /** Connections and streams that were refused or ended, by reason. */
  get inbound (): InboundCounters {
    return this.parts.inbound
  }

  /** Its limits or its seat changed, perhaps. */
  update (): void {
    const before = this.current
    const now = this.stateNow()
    this.current = now
    if (now.state !== before.state || String(whyOf(now)) !== String(whyOf(before))) {
      this.sinceMs = this.parts.clock.nowMs()
      this.settle(before)
      this.safeDispatchEvent('state:changed', { detail: now })
    }
  }

  /**
   * Takes no new circuits, gives its seat back, and lets clients go: those without a circuit over the first quarter of the time, the others when
   * their circuits have ended. Resolves when nobody is left, at the deadline at the latest. It does not end by itself: `stop()` it then.
   */
  async drain (options: DrainOptions = {}): Promise<void> {
    const { carried, clock, release } = this.parts
    const deadlineMs = options.deadlineMs ?? 60_000
    const startMs = clock.nowMs()
    carried.drain(startMs + deadlineMs)
    this.update()
    release.start(0, deadlineMs * DRAIN_RELEASE_SHARE)
    await this.drained.promise
    while (release.waiting > 0 && clock.nowMs() < startMs + deadlineMs * DRAIN_RELEASE_SHARE) {
      await new Promise<void>(resolve => { clock.schedule(clock.nowMs() + 50, resolve) })
    }
  }

  status (): SuperNodeStatus {
    const { carried, relay, seat, stun, media, dialBack, peer, region, roles, quota, clock } = this.parts
    const { counters, limits, reserved, circuits } = relay.ledger
    const days = carried.days()
    const usage = usageOf(days, quota, clock.nowMs())
    const { places } = relayTerms(this.current, limits)
    const election = seat?.explain()
    return {
      peer: peer.id,
      region,
      addresses: peer.addresses,
      roles,
      state: this.current,
      sinceMs: this.sinceMs,
      startedAtMs: this.startedAtMs,
      ...usage,
      quota,
      cpuShare: carried.cpuShare,
      relay: {
        reservations: reserved,
        maxReservations: places.maxReservations,
        circuits,
        maxCircuits: places.maxCircuits,
        clientsToday: days.find(({ day }) => day === usage.today.name)?.clients ?? 0,
        bytes: counters.bytes.to_destination + counters.bytes.to_source,
        granted: { reservations: counters.reserved, circuits: counters.connected },
        refused: { ...counters.refused },
        ended: { ...counters.reset }
      },
      ...seat?.lease === undefined ? {} : { lease: pickLease(seat.lease) },
      ...election === undefined ? {} : { election },
      ...stun === undefined ? {} : { stun: { address: `${stun.address.host}:${stun.address.port}`, counters: { ...stun.counters } } },
      ...media === undefined ? {} : { media: media.status() },
      ...dialBack === undefined ? {} : { dialBack: dialBack() },
      connections: peer.libp2p.getConnections().length
    }
  }

  /** Ends it at once; circuits are reset. The totals are saved. */
  async stop (): Promise<void> {
    this.stopping ??= this.shutDown()
    await this.stopping
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.stop()
  }

  private stateNow (): SuperNodeState {
    const { carried, seat } = this.parts
    return superNodeState(carried.state, seat?.state ?? 'idle')
  }

  private settle (before: SuperNodeState | undefined): void {
    const { relay, release, seat, carried } = this.parts
    const { places, closed, release: isReleasing } = relayTerms(this.current, relay.ledger.limits)
    relay.setPlaces(places)
    relay.close(closed)
    seat?.setWilling(carried.state.state === 'active')
    const lostSeat = before?.state === 'leaving' && this.current.state === 'candidate'
    if (isReleasing || lostSeat) {
      release.start(lostSeat ? 0 : RELEASE_DELAY_MS, RELEASE_SPREAD_MS, { onlyThose: lostSeat })
    } else {
      release.stop()
    }
    if (this.current.state === 'drained') {
      this.drained.resolve()
    }
  }

  private async shutDown (): Promise<void> {
    const { seat, stun, media, release, carried, peer, close } = this.parts
    release.stop()
    await seat?.stop()
    await stun?.stop()
    await media?.stop()
    // from here on nothing is relayed; what is still said is some kB
    await carried.stop()
    await peer.stop()
    await close()
    this.drained.resolve()
  }
}

function whyOf (state: SuperNodeState): unknown {
  return state.state === 'paused' ? state.why : undefined
}

function pickLease ({ term, fence, expiresAtMs, withdrawn }: NonNullable<Seat['lease']>): NonNullable<SuperNodeStatus['lease']> {
  return { term, fence, expiresAtMs, withdrawn }
}
