/**
 * Makes a libp2p node an elector of its region, and one that volunteers a candidate and a verifier: the topic, dials, signatures and timers for an
 * `ElectorBoard` and a `SuperNodeTerm`.
 */
import { deadline, MachineDriver } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { TypedEventEmitter } from 'main-event'
import { ElectorBoard } from '../elector-board.ts'
import { candidacyLifeMs, electorRules } from '../elector-rules.ts'
import { SuperNodeTerm } from '../super-node-term.ts'
import { DialBackLimitedError } from './dial-back-service.ts'
import { ElectionScribe } from './election-scribe.ts'
import { electionTopic, ElectionTopic } from './election-topic.ts'
import { searchElectors } from './elector-search.ts'
import { LeaseDesk } from './lease-desk.ts'
import { SessionDesk } from './session-desk.ts'
import { WatchedConnections } from './watched-connections.ts'
import type { BoardEffect, CandidateExplanation, Verification } from '../board-effect.ts'
import type { ElectorBoardInit } from '../elector-board.ts'
import type { TermEffect, TermState } from '../super-node-term.ts'
import type { SuperNodeServiceEvents, SuperNodeServiceInit } from './super-node-init.ts'
import type { PeerId, Startable } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { SuperNodeLease } from '@skein/records'

/** Dialling from the beginning, and measuring. */
const VERIFY_TIMEOUT_MS = 30_000
const FAREWELL_TIMEOUT_MS = 2_000
const WILLING_AGAIN_MS = 60_000

interface Running {
  board: MachineDriver<BoardEffect, ElectorBoard>
  term: MachineDriver<TermEffect, SuperNodeTerm>
  shutdown: AbortController
  /** Is a candidate, unless it drains */
  willing: boolean
}

export class SuperNodeService extends TypedEventEmitter<SuperNodeServiceEvents> implements Startable {
  private readonly init: SuperNodeServiceInit
  private readonly clock: Clock
  private readonly topic: ElectionTopic
  private readonly desk: LeaseDesk
  private readonly sessions?: SessionDesk
  private readonly connections: WatchedConnections
  private readonly scribe: ElectionScribe
  private running?: Running

  /** @throws {RangeError} for rules that contradict each other */
  constructor (init: SuperNodeServiceInit) {
    super()
    this.init = init
    this.clock = init.clock ?? systemClock()
    const rules = electorRules(init.electorRules)
    const { clock } = this
    const { libp2p, topics, region } = init
    this.connections = new WatchedConnections(libp2p, clock)
    this.sessions = init.sessions && new SessionDesk({
      ingest: init.sessions, region, clock, privateKey: init.privateKey, seat: () => this.lease,
      networkOf: peer => init.networkOfPeer(peer)?.small
    })
    this.desk = new LeaseDesk({
      libp2p, clock, answer: (asked, nowMs) => this.running?.board.machine.answer(asked, nowMs) ?? { refusal: 'not_ready' },
      session: this.sessions && (async (peer, question) => await (this.sessions as SessionDesk).answer(peer, question))
    })
    this.topic = new ElectionTopic({
      topics, region, clock, rules,
      isVolunteer: peer => this.running?.board.machine.isVolunteer(peer, clock.nowMs()) === true,
      onCandidacy: candidacy => { this.feed((board, nowMs) => { board.onCandidacy(candidacy, nowMs) }) },
      onReport: report => { this.feed((board, nowMs) => { board.onReport(report, nowMs) }) },
      onLease: signed => { this.feed((board, nowMs) => { board.onLease(signed, nowMs) }) },
      onOffence: (peer, error) => { this.safeDispatchEvent('peer:offended', { detail: { peer, error } }) },
      onPeers: () => {}
    })
    this.scribe = new ElectionScribe({
      ...init, clock, topic: this.topic, self: this.self, lifeMs: candidacyLifeMs(rules),
      ownNetworks: () => this.explain(this.self)?.candidate.networks ?? [],
      onCandidacy: candidacy => { this.feed((board, nowMs) => { board.onCandidacy(candidacy, nowMs) }) },
      onLease: signed => {
        this.feed((board, nowMs) => { board.onLease(signed, nowMs) })
        this.safeDispatchEvent('lease:signed', { detail: { lease: signed.lease } })
      },
      onLeaseFailed: error => { this.failLease(error) }
    })
  }

  get state (): TermState {
    return this.running?.term.machine.state ?? 'idle'
  }

  /** The lease that this peer signed last; `undefined` before the first. */
  get lease (): SuperNodeLease | undefined {
    return this.scribe.lease
  }

  /** Whether a new client may be taken now. */
  get takesClients (): boolean {
    return this.running?.term.machine.takesClients(this.clock.nowMs()) === true
  }

  isStarted (): boolean {
    return this.running !== undefined
  }

  /** Who has the seats, by this elector, in their order; with their leases, as far as they are there. */
  elected (nowMs = this.clock.nowMs()): Array<{ peer: string, seat: number, lease?: SuperNodeLease }> {
    const board = this.running?.board.machine
    const leases = new Map(board?.seated(nowMs).map(({ lease }) => [lease.peer, lease]))
    return (board?.current?.elected ?? []).map(({ peer, seat }) => {
      const lease = leases.get(peer)
      return { peer, seat, ...lease === undefined ? {} : { lease } }
    })
  }

  /** What is known of a volunteer, by whom, and what is missing; `undefined` for one that is not known. */
  explain (peer: string, nowMs = this.clock.nowMs()): CandidateExplanation | undefined {
    return this.running?.board.machine.explain(peer, nowMs)
  }

  /** @throws what the store of marks throws: without the last mark no lease can be signed that clients take for new */
  async start (): Promise<void> {
    if (this.running !== undefined) {
      return
    }
    const { clock, init } = this
    const { libp2p, leaseMs, graceMs, rendezvous, region } = init
    const mark = await init.marks.load()
    this.scribe.onMark(mark)
    const board = new MachineDriver<BoardEffect, ElectorBoard>({
      machine: new ElectorBoard(this.boardInit(), init.random ?? systemRandom(), clock.nowMs()), clock, perform: effect => { this.perform(effect) }
    })
    const term = new MachineDriver<TermEffect, SuperNodeTerm>({
      machine: new SuperNodeTerm({ mark, leaseMs, graceMs }), clock, perform: effect => { this.performTerm(effect) }
    })
    const running: Running = { board, term, shutdown: new AbortController(), willing: false }
    this.running = running
    libp2p.addEventListener('peer:connect', this.onConnect)
    libp2p.addEventListener('peer:disconnect', this.onDisconnect)
    this.topic.join()
    await this.desk.start()
    this.sessions?.start()
    board.input(machine => { libp2p.getPeers().forEach(peer => { machine.onConnected(peer.toString()) }) })
    if (rendezvous !== undefined) {
      const connected = (): number => this.topic.subscribers.length
      void searchElectors({ libp2p, rendezvous, clock, name: electionTopic(region), connected }, running.shutdown.signal)
    }
    this.resume()
  }

  /** Gives the seat back, and stops. It can be started again. */
  async stop (): Promise<void> {
    const { running } = this
    if (running === undefined) {
      return
    }
    const limit = deadline(this.clock, FAREWELL_TIMEOUT_MS)
    await Promise.race([this.drain(), new Promise(resolve => { limit.signal.addEventListener('abort', resolve) })])
    limit.clear()
    this.running = undefined
    running.board.stop()
    running.term.stop()
    running.shutdown.abort(new Error('The service stopped'))
    this.init.libp2p.removeEventListener('peer:connect', this.onConnect)
    this.init.libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
    this.topic.leave()
    await this.desk.stop()
    await this.sessions?.stop()
  }

  /** The volunteer stops, or is at a limit: it is no candidate any more, and gives its seat back. Resolves when that was said. */
  async drain (): Promise<void> {
    const { running } = this
    if (running?.willing === true) {
      running.willing = false
      running.board.input((board, nowMs) => { board.onVolunteering(false, nowMs) })
      running.term.input((term, nowMs) => { term.onUnwilling(nowMs) })
      this.scribe.sayCandidacy(true)
    }
    await this.scribe.idle()
  }

  /** It is a candidate again, after `drain()`. */
  resume (): void {
    const { running } = this
    if (running !== undefined && !running.willing && this.init.volunteer) {
      running.willing = true
      running.board.input((board, nowMs) => { board.onVolunteering(true, nowMs) })
      running.term.input((term, nowMs) => { term.onWilling(nowMs) })
    }
  }

  private get self (): string {
    return this.init.libp2p.peerId.toString()
  }

  private boardInit (): ElectorBoardInit {
    const { rules, electorRules, ...rest } = this.init
    return { ...rest, self: this.self, rules: electorRules, electionRules: rules }
  }

  private readonly onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.feed(board => { board.onConnected(detail.toString()) })
  }

  private readonly onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.feed((board, nowMs) => { board.onDisconnected(detail.toString(), nowMs) })
  }

  private feed (input: (board: ElectorBoard, nowMs: number) => void): void {
    this.running?.board.input(input)
  }

  private perform (effect: BoardEffect): void {
    switch (effect.type) {
      case 'candidacy':
        this.scribe.sayCandidacy(false)
        break
      case 'report':
        this.scribe.sayReport(effect.report)
        break
      case 'verify':
        void this.verify(effect.peer, effect.addresses)
        break
      case 'watch':
        void this.connections.watch(effect.peers, this.running?.shutdown.signal ?? AbortSignal.abort())
        break
      case 'election':
        this.safeDispatchEvent('election', { detail: { election: effect.election, changed: effect.changed } })
        this.onElection()
    }
  }

  /** A seat that was won between two terms, as another died, is taken at once. */
  private onElection (): void {
    const { running } = this
    if (running?.willing === true && running.term.machine.state !== 'holding' && running.board.machine.elects(this.self, this.clock.nowMs())) {
      running.term.input((term, nowMs) => { term.onElection(true, nowMs) })
    }
  }

  private performTerm (effect: TermEffect): void {
    const { running } = this
    switch (effect.type) {
      case 'elect': {
        const elected = running?.board.machine.elects(this.self, this.clock.nowMs()) === true
        running?.term.input((term, nowMs) => { term.onElection(elected, nowMs) })
        break
      }
      case 'persist':
        this.scribe.keepMark(effect.mark)
        break
      case 'sign':
        this.scribe.signLease(effect.lease)
        break
      case 'state':
        this.sessions?.onSeat(effect.state)
        this.safeDispatchEvent('state:changed', { detail: { state: effect.state } })
        break
      case 'release':
        this.safeDispatchEvent('clients:release', { detail: undefined })
    }
  }

  private failLease (error: unknown): void {
    this.safeDispatchEvent('lease:failed', { detail: { error } })
    const { running } = this
    if (running?.willing === true) {
      running.willing = false
      running.term.input((term, nowMs) => { term.onUnwilling(nowMs) })
      const cancel = this.clock.schedule(this.clock.nowMs() + WILLING_AGAIN_MS, () => { this.resume() })
      running.shutdown.signal.addEventListener('abort', cancel, { once: true })
    }
  }

  private async verify (peer: string, addresses: string[]): Promise<void> {
    const { running, init } = this
    const limit = deadline(this.clock, VERIFY_TIMEOUT_MS, [running?.shutdown.signal])
    const found = await init.verify(peer, addresses, limit.signal).catch((error: Error): Verification | undefined =>
      error instanceof DialBackLimitedError ? undefined : { reachable: false, networks: [] })
    limit.clear()
    // one that reaches nobody is cut off itself, and says nothing of others; nor does one that may not dial now
    const isToldOf = found !== undefined && (found.reachable || init.libp2p.getConnections().length > 0)
    this.feed((board, nowMs) => { board.onVerified(peer, isToldOf ? found : undefined, nowMs) })
    if (isToldOf && this.running === running) {
      this.safeDispatchEvent('candidate:verified', { detail: { peer, found } })
      await this.connections.connect(peer, running?.shutdown.signal ?? AbortSignal.abort())
    }
  }
}
