/** The libp2p service that finds out whether peers can be dialled and how fast they are, and lets others find that out of this one. */
import { serviceCapabilities } from '@libp2p/interface'
import { deadline, DeadlineError, sleep } from '@skein/core'
import { monotonicMs, systemClock, systemRandom } from '@skein/core/system'
import { PROTOCOLS } from '@skein/records'
import { judgeAnswers } from '../dial-back-answers.ts'
import { DialPace } from '../dial-pace.ts'
import { withoutPeer } from '../dial-queue.ts'
import { MAX_DIRECTION_BYTES } from '../bandwidth-rounds.ts'
import { MeasurementBudget } from '../measurement-budget.ts'
import { BandwidthMeter } from './bandwidth-meter.ts'
import { DialBackDesk } from './dial-back-desk.ts'
import { DialBackQuestions } from './dial-back-questions.ts'
import { FreshDials } from './fresh-dial.ts'
import type { Connection, ConnectionGater, PeerId, PeerStore, Startable } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { Clock, Random } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { DialBackRules } from '../dial-back.ts'
import type { AddressReachability } from '../dial-back-answers.ts'
import type { MeasurementBudgetInit } from '../measurement-budget.ts'
import type { MeasuredBandwidth } from './bandwidth-meter.ts'
import type { DialBackCounters } from './dial-back-counters.ts'
import type { AskDialBackOptions } from './dial-back-questions.ts'
import type { TourStatus } from './fresh-dial.ts'

export interface DialBackComponents {
  peerId: PeerId
  peerStore: PeerStore
  registrar: Registrar
  connectionManager: ConnectionManager
  transportManager: TransportManager
  connectionGater: ConnectionGater
}

export interface DialBackInit {
  /** The network of an address; `undefined` for one that no rule of networks is of use for, such as those of a home */
  networkOf: (address: string) => VerifiedNetwork | undefined
  /**
   * Which addresses are dialled for others. Circuits and names never are.
   *
   * @default those that have a network
   */
  allows?: (address: string) => boolean
  /**
   * Whether an address may be dialled now, which counts it as dialled: the limit that all of a node share who dial strangers.
   *
   * @default 2 in a minute for each /24 (IPv6: /48), 300 over all
   */
  mayDial?: (address: string) => boolean
  /**
   * Who may measure this node without being asked to, such as those who verify a volunteer. Those that it asked may.
   *
   * @default nobody
   */
  admits?: (peer: string) => boolean
  /**
   * Dials others back when they ask. A node that serves nobody turns it off.
   *
   * @default true
   */
  answers?: boolean
  /** What is given for measurements in an hour, for being measured and for measuring each */
  budget?: MeasurementBudgetInit
  /**
   * Bytes in a second that are sent at most while it is being measured. More than 50 MB/s count for nothing in an election.
   *
   * @default 50_000_000
   */
  maxBytesPerSecond?: number
  /**
   * For one address, ms. Longer finds slow ones, and lets each that is dead cost more.
   *
   * @default 5_000
   */
  dialTimeoutMs?: number
  /** Of the verdict on what others say of this node's addresses */
  rules?: Partial<DialBackRules>
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
  /** Time that nobody sets, ms @default monotonicMs */
  monotonicMs?: () => number
}

export interface VerifiedDialBack {
  reachable: boolean
  /** In which it was reached */
  networks: VerifiedNetwork[]
  /** Left out when it was not measured: it would not, or this node has measured enough in this hour */
  bytesPerSecond?: number
  /** What became of each address, without the peer's id */
  addresses: Map<string, TourStatus>
  /** Why it was not measured */
  unmeasured?: string
}

/** None of a peer's addresses could be dialled because of this node's own limits: it says nothing about the peer. Try again in a minute. */
export class DialBackLimitedError extends Error {
  static override name = 'DialBackLimitedError'
  override readonly name = 'DialBackLimitedError'
  readonly peer: string

  constructor (peer: string) {
    super(`The networks of ${peer} were dialled often enough: try again in a minute`)
    this.peer = peer
  }
}

/** Measurements that wait for their turn: two at once would measure each other. */
const MAX_WAITING = 16
/** A peer that is being measured by another is asked again so often. */
const MAX_RETRIES = 3
const MAX_RETRY_MS = 10_000
/** For one peer, with the wait for its turn and for others that measure it, ms: what is asked besides is not to wait for that for long. */
const MEASURING_MS = 20_000

export class DialBackService implements Startable {
  readonly [Symbol.toStringTag] = '@skein/dial-back'
  readonly [serviceCapabilities]: string[] = ['@skein/dial-back']
  readonly counters: DialBackCounters = { verified_total: 0, measured_total: 0, measurement_bytes_total: 0, answered_total: 0, refused_total: 0 }
  private readonly components: DialBackComponents
  private readonly init: DialBackInit
  private readonly clock: Clock
  private readonly dials: FreshDials
  private readonly meter: BandwidthMeter
  private readonly budget: MeasurementBudget
  private readonly desk: DialBackDesk
  private readonly questions: DialBackQuestions
  private shutdown = new AbortController()
  private turn: Promise<unknown> = Promise.resolve()
  private waiting = 0
  private started = false

  constructor (components: DialBackComponents, init: DialBackInit) {
    this.components = components
    this.init = init
    this.clock = init.clock ?? systemClock()
    const random = init.random ?? systemRandom()
    const pace = new DialPace(init.networkOf)
    this.budget = new MeasurementBudget(init.budget)
    this.dials = new FreshDials({
      transportManager: components.transportManager,
      connectionManager: components.connectionManager,
      connectionGater: components.connectionGater,
      allows: init.allows ?? (address => init.networkOf(address) !== undefined),
      mayDial: init.mayDial ?? (address => pace.take(address, this.clock.nowMs())),
      timeoutMs: init.dialTimeoutMs ?? 5_000,
      clock: this.clock
    })
    this.meter = new BandwidthMeter({
      clock: this.clock, random, monotonicMs: init.monotonicMs ?? monotonicMs, maxBytesPerSecond: init.maxBytesPerSecond ?? 50_000_000
    })
    this.questions = new DialBackQuestions({ components, networkOf: init.networkOf, clock: this.clock, random })
    this.desk = new DialBackDesk({
      networkOf: init.networkOf,
      answers: init.answers ?? true,
      admits: peer => init.admits?.(peer) === true || this.questions.isAsked(peer),
      budget: new MeasurementBudget(init.budget),
      dials: this.dials,
      meter: this.meter,
      measure: async (connection, signal) => await this.measure(connection, signal),
      heard: (peer, hello, connection) => this.questions.heard(peer, hello, connection),
      counters: this.counters,
      clock: this.clock
    })
  }

  isStarted (): boolean {
    return this.started
  }

  async start (): Promise<void> {
    this.shutdown = new AbortController()
    await this.components.registrar.handle(PROTOCOLS.dialBack, (stream, connection) => {
      void this.desk.answer(stream, connection, this.shutdown.signal)
    }, { maxInboundStreams: 8, maxOutboundStreams: 16 })
    this.started = true
  }

  async stop (): Promise<void> {
    this.started = false
    this.shutdown.abort()
    await this.components.registrar.unhandle(PROTOCOLS.dialBack)
  }

  /**
   * Dials a peer afresh at each of its addresses (multiaddr texts), eight at most, and measures its bandwidth over the first connection. An address
   * of a host that the peer was not seen at is dialled when it has sent more than the dial costs, which a measured peer has; before that one of IPv4
   * and one of IPv6.
   *
   * @throws {DialBackLimitedError} when nothing could be dialled because of this node's own limits
   * @throws what aborted it, when `signal` fires; what was found stands when that is a `DeadlineError` and the peer was reached
   */
  async verify (peer: string, addresses: readonly string[], signal?: AbortSignal): Promise<VerifiedDialBack> {
    const limit = deadline(this.clock, undefined, [signal, this.shutdown.signal])
    const found = { addresses: new Map<string, TourStatus>(), networks: [] as VerifiedNetwork[] }
    let measured: MeasuredBandwidth | undefined
    try {
      found.addresses = await this.dials.tour({
        peer,
        addresses,
        triesUnpaid: true,
        onReached: async (connection, { address }) => {
          const network = this.init.networkOf(address)
          found.addresses.set(address, 'reached')
          if (network !== undefined && !found.networks.some(({ small }) => small === network.small)) {
            found.networks.push(network)
          }
          if (measured !== undefined) {
            return 0
          }
          measured = unmeasured('timed_out')
          measured = await this.measure(connection, limit.signal)
          return measured.receivedBytes
        },
        signal: limit.signal
      })
    } catch (error) {
      if (found.addresses.size === 0 || !(limit.signal.reason instanceof DeadlineError)) {
        throw error
      }
    } finally {
      limit.clear()
    }
    const statuses = [...found.addresses.values()]
    if (!statuses.includes('reached') && !statuses.includes('failed') && statuses.includes('limited')) {
      throw new DialBackLimitedError(peer)
    }
    this.counters.verified_total++
    const { bytesPerSecond, refusal } = measured ?? {}
    return {
      reachable: statuses.includes('reached'),
      ...found,
      ...bytesPerSecond === undefined ? {} : { bytesPerSecond },
      ...refusal === undefined ? {} : { unmeasured: refusal }
    }
  }

  /**
   * Asks connected peers in different networks, chosen by lot, to dial this node at these addresses (multiaddr texts), eight at most, and says of
   * each what follows from their answers. With fewer than three that answer nothing follows: the state is `unknown`.
   */
  async askDialBack (addresses: readonly string[], options: AskDialBackOptions = {}): Promise<AddressReachability[]> {
    const self = this.components.peerId.toString()
    const asked = [...new Set(addresses.map(address => withoutPeer(address, self)))]
    const limit = deadline(this.clock, undefined, [options.signal, this.shutdown.signal])
    try {
      const answers = await this.questions.askAll(asked, options, limit.signal)
      return judgeAnswers(asked, answers, this.init.networkOf, this.clock.nowMs(), this.init.rules)
    } finally {
      limit.clear()
    }
  }

  /** One at a time. A peer that is being measured by others is waited for. */
  private async measure (connection: Connection, signal: AbortSignal): Promise<MeasuredBandwidth> {
    if (this.waiting >= MAX_WAITING || this.budget.waitMs(2 * MAX_DIRECTION_BYTES, undefined, this.clock.nowMs()) > 0) {
      return unmeasured('enough')
    }
    const limit = deadline(this.clock, MEASURING_MS, [signal])
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const before = this.turn
    this.turn = before.then(async () => { await over })
    this.waiting++
    try {
      await untilAborted(before, limit.signal)
      return await this.measureNow(connection, limit.signal)
    } catch (error) {
      signal.throwIfAborted()
      if (limit.signal.aborted) {
        return unmeasured('timed_out')
      }
      throw error
    } finally {
      this.waiting--
      end()
      limit.clear()
    }
  }

  private async measureNow (connection: Connection, signal: AbortSignal): Promise<MeasuredBandwidth> {
    for (let tries = 0; ; tries++) {
      const measured = await this.meter.measure(connection, signal)
      const bytes = measured.receivedBytes + measured.sentBytes
      this.budget.take(bytes, undefined, this.clock.nowMs())
      this.counters.measurement_bytes_total += bytes
      if (measured.bytesPerSecond !== undefined) {
        this.counters.measured_total++
      }
      const { refusal, retryAfterMs = 0 } = measured
      if (refusal !== 'busy' || retryAfterMs <= 0 || retryAfterMs > MAX_RETRY_MS || tries >= MAX_RETRIES) {
        return measured
      }
      await sleep(this.clock, retryAfterMs, { signal })
    }
  }
}

function unmeasured (refusal: string): MeasuredBandwidth {
  return { bytesPerSecond: undefined, receivedBytes: 0, sentBytes: 0, refusal }
}

async function untilAborted (waited: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => { reject(signal.reason as Error) }
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([waited, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Finds out whether others can be dialled: `services: { dialBack: dialBack({ networkOf }) }`. */
export function dialBack (init: DialBackInit): (components: DialBackComponents) => DialBackService {
  return components => new DialBackService(components, init)
}
