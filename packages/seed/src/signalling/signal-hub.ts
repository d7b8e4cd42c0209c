/**
 * Signalling at a seed (`docs/specs/signalling.md`), as a machine: takes signals from the peers that have a stream here, finds out where their
 * receivers are, passes them on here or over another seed, and tells each sender once, within the life of the signal, what became of it.
 */
import { TimerTable } from '@skein/core'
import { isSignalKind, MAX_SIGNAL_PAYLOAD_BYTES } from '@skein/records'
import { DEFAULT_SIGNAL_LIMITS } from './signal-limits.ts'
import { RouteLane } from './route-lane.ts'
import { SenderRates } from './sender-rates.ts'
import { SignalCounters } from './signal-counters.ts'
import { isSettled, newSession } from './signal-session.ts'
import type { Delivery } from './outgoing-queue.ts'
import type { PendingSignal } from './route-lane.ts'
import type {
  IncomingSignal, LocationVerdict, RegistrationVerdict, RemoteSignal, SessionEnd, SessionId, SignalEffect
} from './signal-effect.ts'
import type { SignalLimits } from './signal-limits.ts'
import type { Session } from './signal-session.ts'
import type { Machine } from '@skein/core'
import type { SignalKind, SignalOutcome, SignalRefusal } from '@skein/records'

export interface SignalHubInit extends SignalLimits {
  /** This seed's peer id */
  seed: string
  /** Signals are numbered from here on: a place drawn at random, so that answers to an earlier run are not taken for answers to this one */
  firstId: number
}

/** A registration that could not be looked up is asked for again after this, ms; signals pass meanwhile: local delivery outlives the registry. */
const UNKNOWN_REGISTRATION_MS = 10_000
/** A seed that drains will not be back sooner, ms. */
const DRAIN_RETRY_MS = 30_000
/** What peers sent before they heard that the seed drains is answered so long, ms; what comes to a closed stream is lost without a word. */
const DRAIN_GRACE_MS = 500
const EMPTY = new Uint8Array(0)

export class SignalHub implements Machine<SignalEffect> {
  readonly counters = new SignalCounters()
  private readonly limits: Required<SignalLimits>
  private readonly seed: string
  private readonly effects: SignalEffect[] = []
  private readonly sessions = new Map<SessionId, Session>()
  private readonly byPeer = new Map<string, Session>()
  private readonly pending = new Map<number, PendingSignal>()
  private readonly lanes = new Map<string, RouteLane>()
  /** Lanes in which something has changed */
  private readonly stirred = new Set<RouteLane>()
  private readonly rates: SenderRates
  private readonly timers = new TimerTable<PendingSignal | Delivery>()
  private lastId: number
  private bytes = 0
  private draining = false
  /** While it drains: until when no stream is closed; `undefined` afterwards */
  private graceUntilMs: number | undefined

  constructor ({ seed, firstId, ...limits }: SignalHubInit) {
    this.seed = seed
    this.lastId = firstId
    this.limits = { ...DEFAULT_SIGNAL_LIMITS, ...limits }
    this.rates = new SenderRates(this.limits)
  }

  /** Streams open now. */
  get sessionCount (): number {
    return this.sessions.size
  }

  /** Signals without an outcome yet. */
  get pendingCount (): number {
    return this.pending.size
  }

  /** Payloads held now, each once. */
  get pendingBytes (): number {
    return this.bytes
  }

  /** Payloads that wait for a receiver connected here, or for its acknowledgement. */
  get queuedBytes (): number {
    let bytes = 0
    for (const { queue } of this.sessions.values()) {
      bytes += queue.bytes
    }
    return bytes
  }

  onOpen (id: SessionId, peer: string, nowMs: number): void {
    const earlier = this.byPeer.get(peer)
    if (!this.rates.of(peer, nowMs).opens.take(1, nowMs)) {
      this.effects.push({ type: 'close', session: id, reason: 'flood' })
      return
    }
    if (earlier === undefined && this.sessions.size >= this.limits.maxSessions) {
      this.effects.push({ type: 'close', session: id, reason: 'full' })
      return
    }
    const session = newSession(id, peer, this.limits)
    this.sessions.set(id, session)
    this.byPeer.set(peer, session)
    if (!this.draining) {
      this.effects.push({ type: 'present', peer })
    }
    if (earlier !== undefined) {
      this.end(earlier, 'replaced', nowMs)
    }
    if (this.draining) {
      this.effects.push({ type: 'outcome', session: id, id: 0, outcome: 'draining', retryAfterMs: DRAIN_RETRY_MS })
      this.letGo(session)
    }
    // what looked for the peer elsewhere need not any more
    this.stir(this.lanes.get(peer))
    this.settleDown(nowMs)
  }

  onClosed (id: SessionId, nowMs: number): void {
    const session = this.sessions.get(id)
    if (session !== undefined) {
      this.forget(session, nowMs)
      this.settleDown(nowMs)
    }
  }

  /** Whether the stream takes more at once. */
  onWritable (id: SessionId, writable: boolean, nowMs: number): void {
    const session = this.sessions.get(id)
    if (session !== undefined) {
      session.writable = writable
      this.send(session, nowMs)
    }
  }

  /** A peer gave a signal. */
  onSignal (id: SessionId, signal: IncomingSignal, nowMs: number): void {
    const session = this.sessions.get(id)
    if (session === undefined) {
      return
    }
    this.heard(session)
    const refused = this.refusal(session, signal, nowMs)
    if (refused !== undefined) {
      this.refuse(session, signal.id, refused, nowMs)
      return
    }
    const pending: PendingSignal = {
      id: ++this.lastId,
      session: id,
      frameId: signal.id,
      from: session.peer,
      to: signal.to as string,
      kind: signal.kind as SignalKind,
      payload: signal.payload,
      deadlineMs: nowMs + (signal.timeoutMs > 0 ? Math.min(signal.timeoutMs, this.limits.lifeMs) : this.limits.lifeMs),
      path: 'none',
      located: false
    }
    this.pending.set(pending.id, pending)
    this.bytes += pending.payload.length
    this.timers.set(pending, pending.deadlineMs)
    session.pending++
    if (session.held.length === 0 && nowMs < session.registeredUntilMs) {
      this.enter(pending)
    } else {
      session.held.push(pending)
      if (!session.checking) {
        session.checking = true
        this.effects.push({ type: 'check', peer: session.peer })
      }
    }
    this.settleDown(nowMs)
  }

  /** A receiver told what became of a signal it was sent. */
  onOutcome (id: SessionId, number: number, told: SignalOutcome, nowMs: number): void {
    const session = this.sessions.get(id)
    if (session === undefined) {
      return
    }
    this.heard(session)
    const delivery = session.queue.settle(number)
    if (delivery === undefined) {
      // one that has expired meanwhile; a receiver that makes numbers up runs out of patience here
      this.counters.lateOutcomes++
      this.spendPatience(session, nowMs)
    } else {
      this.conclude(delivery, told === 'delivered' || told === 'queue_full' ? told : 'unhandled')
      this.send(session, nowMs)
    }
    this.settleDown(nowMs)
  }

  onRegistration (peer: string, verdict: RegistrationVerdict, nowMs: number): void {
    const session = this.byPeer.get(peer)
    if (session === undefined || !session.checking) {
      return
    }
    session.checking = false
    const held = session.held.splice(0)
    if (verdict?.registered === false) {
      held.forEach(pending => { this.settle(pending, 'not_registered') })
    } else {
      session.registeredUntilMs = verdict === undefined
        ? nowMs + UNKNOWN_REGISTRATION_MS
        : Math.min(verdict.untilMs, nowMs + this.limits.registrationMs)
      held.forEach(pending => { this.enter(pending) })
    }
    this.settleDown(nowMs)
  }

  onLocated (peer: string, verdict: LocationVerdict, nowMs: number): void {
    const lane = this.lanes.get(peer)
    if (lane === undefined) {
      return
    }
    lane.locating = false
    this.stir(lane)
    const seeds = verdict?.seeds.filter(seed => seed !== this.seed) ?? []
    if (seeds.length > 0 || this.byPeer.has(peer)) {
      lane.onSeeds(seeds, nowMs)
    } else {
      for (const pending of [...lane.waiting]) {
        this.settle(pending, verdict?.registered === false ? 'peer_not_found' : 'unreachable')
      }
    }
    this.settleDown(nowMs)
  }

  /** A signal, or the answer to one, came from another seed. */
  onRemote (seed: string, signal: RemoteSignal, nowMs: number): void {
    if (signal.outcome === undefined) {
      this.deliverFor(seed, signal, nowMs)
    } else {
      const pending = this.pending.get(signal.id)
      const lane = pending === undefined ? undefined : this.lanes.get(pending.to)
      if (pending === undefined || lane === undefined || !lane.underWay.has(pending) || lane.route.seed !== seed) {
        this.counters.lateOutcomes++
      } else if (signal.outcome === 'peer_not_found') {
        this.onGone(lane, pending, seed)
      } else {
        this.settle(pending, signal.outcome)
      }
    }
    this.settleDown(nowMs)
  }

  /**
   * A signal was not passed on to a seed.
   *
   * @param why - `nobody`: that seed does not listen; `failed`: surely not sent; `unknown`: perhaps sent
   */
  onUnpublished (seed: string, id: number, why: 'nobody' | 'failed' | 'unknown', nowMs: number): void {
    const pending = this.pending.get(id)
    const lane = pending === undefined ? undefined : this.lanes.get(pending.to)
    if (pending !== undefined && lane?.underWay.has(pending) === true && lane.route.seed === seed) {
      if (why === 'nobody') {
        this.onGone(lane, pending, seed)
      } else {
        this.settle(pending, why === 'failed' ? 'unreachable' : 'timeout')
      }
    }
    this.settleDown(nowMs)
  }

  /** No more signals; peers are told to go to another seed, and let go once what they sent and what waits for them is settled. */
  onDrain (nowMs: number): void {
    if (this.draining) {
      return
    }
    this.draining = true
    this.graceUntilMs = nowMs + DRAIN_GRACE_MS
    for (const session of this.sessions.values()) {
      this.effects.push({ type: 'outcome', session: session.id, id: 0, outcome: 'draining', retryAfterMs: DRAIN_RETRY_MS })
      this.effects.push({ type: 'absent', peer: session.peer })
    }
  }

  /** Signals are taken again. */
  onResume (): void {
    if (this.draining) {
      this.draining = false
      this.graceUntilMs = undefined
      for (const { peer } of this.sessions.values()) {
        this.effects.push({ type: 'present', peer })
      }
    }
  }

  onTimeout (nowMs: number): void {
    if (this.graceUntilMs !== undefined && nowMs >= this.graceUntilMs) {
      this.graceUntilMs = undefined
      for (const session of this.sessions.values()) {
        this.letGo(session)
      }
    }
    for (let due = this.timers.popDue(nowMs); due !== undefined; due = this.timers.popDue(nowMs)) {
      const delivery = 'origin' in due ? due : due.delivery
      const receiver = delivery === undefined ? undefined : this.byPeer.get(delivery.to)
      if ('origin' in due) {
        receiver?.queue.remove(due)
        this.conclude(due, 'timeout')
      } else {
        this.settle(due, 'timeout')
      }
      if (receiver?.silentSinceMs !== undefined) {
        receiver.suspect = true
      }
      if (receiver?.silentSinceMs !== undefined && nowMs - receiver.silentSinceMs >= this.limits.silentMs) {
        this.end(receiver, 'silent', nowMs)
      } else if (receiver !== undefined) {
        this.send(receiver, nowMs)
      }
    }
    this.settleDown(nowMs)
  }

  poll (): SignalEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const nextMs = this.timers.nextMs()
    return this.graceUntilMs === undefined ? nextMs : Math.min(this.graceUntilMs, nextMs ?? Infinity)
  }

  private heard (session: Session): void {
    session.silentSinceMs = undefined
    session.suspect = false
  }

  private refusal (session: Session, signal: IncomingSignal, nowMs: number): SignalRefusal | undefined {
    const { limits } = this
    if (!this.rates.of(session.peer, nowMs).signals.take(1, nowMs)) {
      return 'too_early'
    }
    if (this.draining) {
      return 'draining'
    }
    if (signal.payload.length > MAX_SIGNAL_PAYLOAD_BYTES) {
      return 'oversize'
    }
    if (signal.to === undefined || signal.id === 0 || !isSignalKind(signal.kind)) {
      return 'malformed'
    }
    const full = session.pending >= limits.maxPendingOfSender || this.pending.size >= limits.maxPending ||
      this.bytes + signal.payload.length > limits.maxPendingBytes
    return full ? 'queue_full' : undefined
  }

  private refuse (session: Session, id: number, outcome: SignalRefusal, nowMs: number): void {
    this.counters.count('none', outcome)
    const retryAfterMs = outcome === 'too_early'
      ? this.rates.of(session.peer, nowMs).signals.waitMs(1, nowMs)
      : outcome === 'draining' ? DRAIN_RETRY_MS : 0
    this.effects.push({ type: 'outcome', session: session.id, id, outcome, retryAfterMs })
    this.spendPatience(session, nowMs)
    this.settleDown(nowMs)
  }

  private spendPatience (session: Session, nowMs: number): void {
    if (!this.rates.of(session.peer, nowMs).refusals.take(1, nowMs)) {
      this.end(session, 'flood', nowMs)
    }
  }

  /** The sender is registered: on to the receiver. */
  private enter (pending: PendingSignal): void {
    let lane = this.lanes.get(pending.to)
    if (lane === undefined) {
      lane = new RouteLane(pending.to)
      this.lanes.set(pending.to, lane)
    }
    const { maxQueuedBytes, maxQueuedSignals } = this.limits
    if (lane.size >= maxQueuedSignals || lane.payloadBytes + pending.payload.length > maxQueuedBytes) {
      this.settle(pending, 'queue_full')
    } else {
      lane.add(pending)
    }
    this.stir(lane)
  }

  private pump (lane: RouteLane, nowMs: number): void {
    while (lane.waiting.length > 0) {
      const session = this.byPeer.get(lane.peer)
      const seed = session === undefined || session.suspect ? lane.remoteSeed(nowMs) : undefined
      const here = seed === undefined ? session : undefined
      if (seed === undefined && (here === undefined || (here.suspect && !lane.isLocated(nowMs)))) {
        if (!lane.locating) {
          lane.locating = true
          this.effects.push({ type: 'locate', peer: lane.peer })
        }
        return
      }
      const pending = lane.take(seed)
      if (pending === undefined) {
        return // until what is under way is settled
      }
      if (here === undefined) {
        this.publish(seed as string, pending, nowMs)
      } else {
        this.deliver(here, pending, nowMs)
      }
    }
  }

  private deliver (receiver: Session, pending: PendingSignal, nowMs: number): void {
    const { id, from, to, kind, payload } = pending
    pending.path = 'local'
    const delivery: Delivery = { origin: { seed: undefined, id }, from, to, kind, payload }
    if (receiver.queue.add(delivery)) {
      pending.delivery = delivery
      this.send(receiver, nowMs)
    } else {
      this.settle(pending, 'queue_full')
    }
  }

  private publish (seed: string, pending: PendingSignal, nowMs: number): void {
    const { id, from, to, kind, payload, deadlineMs } = pending
    pending.path = 'remote'
    this.effects.push({ type: 'publish', seed, signal: { id, from, to, kind, payload, lifeMs: Math.max(1, Math.round(deadlineMs - nowMs)) } })
  }

  /** Another seed's peer signals to one that is connected here. */
  private deliverFor (seed: string, signal: RemoteSignal, nowMs: number): void {
    const { id, from, to, kind, payload } = signal
    const receiver = this.byPeer.get(to)
    const delivery: Delivery = { origin: { seed, id }, from, to, kind, payload }
    if (receiver === undefined) {
      this.answer(delivery, seed, 'peer_not_found')
    } else if (this.bytes + payload.length > this.limits.maxPendingBytes || !receiver.queue.add(delivery)) {
      this.answer(delivery, seed, 'queue_full')
    } else {
      this.bytes += payload.length
      this.timers.set(delivery, nowMs + Math.min(signal.lifeMs, this.limits.lifeMs))
      this.send(receiver, nowMs)
    }
  }

  private send (receiver: Session, nowMs: number): void {
    while (receiver.writable) {
      const next = receiver.queue.next()
      if (next === undefined) {
        break
      }
      const { number, delivery: { from, kind, payload } } = next
      receiver.silentSinceMs ??= nowMs
      this.effects.push({ type: 'signal', session: receiver.id, id: number, from, kind, payload })
    }
  }

  /** What became of a delivery is known: to this seed's own sender, or to the seed of its sender. */
  private conclude (delivery: Delivery, outcome: SignalOutcome): void {
    const { origin: { seed, id }, to, payload } = delivery
    if (seed !== undefined) {
      this.timers.delete(delivery)
      this.bytes -= payload.length
      this.answer(delivery, seed, outcome)
      this.letGo(this.byPeer.get(to))
      return
    }
    const pending = this.pending.get(id)
    if (pending !== undefined) {
      this.settle(pending, outcome)
    }
  }

  private answer ({ origin: { id }, from, to, kind }: Delivery, seed: string, outcome: SignalOutcome): void {
    this.counters.countForeign(outcome)
    this.effects.push({ type: 'publish', seed, signal: { id, from, to, kind, payload: EMPTY, lifeMs: 0, outcome } })
  }

  private settle (pending: PendingSignal, outcome: SignalOutcome): void {
    this.pending.delete(pending.id)
    this.timers.delete(pending)
    this.bytes -= pending.payload.length
    this.counters.count(pending.path, outcome)
    if (pending.delivery !== undefined) {
      const receiver = this.byPeer.get(pending.to)
      receiver?.queue.remove(pending.delivery)
      this.letGo(receiver)
    }
    const lane = this.lanes.get(pending.to)
    lane?.remove(pending)
    this.stir(lane)
    if (outcome === 'delivered') {
      // one that came back and would now arrive after it is given up
      lane?.waiting.filter(({ id }) => id < pending.id).forEach(overtaken => { this.settle(overtaken, 'unreachable') })
    }
    const sender = this.sessions.get(pending.session)
    if (sender !== undefined) {
      sender.pending--
      const place = sender.held.indexOf(pending)
      if (place >= 0) {
        sender.held.splice(place, 1)
      }
      this.effects.push({ type: 'outcome', session: sender.id, id: pending.frameId, outcome, retryAfterMs: 0 })
      this.letGo(sender)
    }
  }

  /** The receiver is not at that seed any more: another seed is tried, and if none was looked up for this signal yet, it is looked for once more. */
  private onGone (lane: RouteLane, pending: PendingSignal, seed: string): void {
    const more = lane.onGone(seed)
    if (!more && pending.located) {
      this.settle(pending, 'unreachable')
    } else {
      pending.path = 'none'
      lane.putBack(pending)
      this.stir(lane)
    }
  }

  private end (session: Session, reason: SessionEnd, nowMs: number): void {
    if (this.sessions.has(session.id)) {
      this.effects.push({ type: 'close', session: session.id, reason })
      this.forget(session, nowMs)
    }
  }

  /** What was sent and not acknowledged may have arrived; what was not goes another way. */
  private forget (session: Session, nowMs: number): void {
    this.sessions.delete(session.id)
    session.held.splice(0).forEach(pending => { this.settle(pending, 'unreachable') })
    if (this.byPeer.get(session.peer) === session) {
      this.byPeer.delete(session.peer)
      this.effects.push({ type: 'absent', peer: session.peer })
    }
    const { waiting, underWay } = session.queue.takeAll()
    underWay.forEach(delivery => { this.conclude(delivery, 'timeout') })
    const successor = this.byPeer.get(session.peer)
    for (const delivery of waiting) {
      const pending = delivery.origin.seed === undefined ? this.pending.get(delivery.origin.id) : undefined
      if (pending !== undefined) {
        const lane = this.lanes.get(pending.to)
        pending.delivery = undefined
        pending.path = 'none'
        lane?.putBack(pending)
        this.stir(lane)
      } else if (successor?.queue.add(delivery) !== true) {
        this.conclude(delivery, successor === undefined ? 'peer_not_found' : 'queue_full')
      }
    }
    if (successor !== undefined) {
      this.send(successor, nowMs)
    }
  }

  /** While draining, a stream on which nothing is under way is closed. */
  private letGo (session: Session | undefined): void {
    if (session === undefined || !this.draining || this.graceUntilMs !== undefined || !isSettled(session)) {
      return
    }
    if (this.sessions.delete(session.id)) {
      this.effects.push({ type: 'close', session: session.id, reason: 'moved' })
      if (this.byPeer.get(session.peer) === session) {
        this.byPeer.delete(session.peer)
      }
    }
  }

  private stir (lane: RouteLane | undefined): void {
    if (lane !== undefined) {
      this.stirred.add(lane)
    }
  }

  /** Each settled signal may let others go on, and those settle others. */
  private settleDown (nowMs: number): void {
    for (const lane of this.stirred) {
      this.stirred.delete(lane)
      this.pump(lane, nowMs)
      if (lane.size === 0 && !lane.locating) {
        this.lanes.delete(lane.peer)
      }
    }
  }
}
