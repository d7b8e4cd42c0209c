/**
 * Keeps a user's connections provided: pure, driven by `FleetClient`. Connections that were there when the app starts come in within 2 s, each
 * after a random wait, and two at a time, so that a thousand apps that start at once are no herd.
 */
import { randomFloat } from '@skein/core'
import type { Machine, Random } from '@skein/core'
import type { Connection, ConnectionSpec, ConnectionState, SessionView } from './fleet-connection.ts'

export type ConnectionEffect =
  | { type: 'start', spec: ConnectionSpec }
  | { type: 'poll', slot: number, sessionId: string }
  | { type: 'heartbeat', slot: number, sessionId: string }
  | { type: 'watch', slot: number, sessionId: string }
  | { type: 'stop', sessionId: string }
  | { type: 'changed', connection: Connection }
  | { type: 'removed', slot: number }

interface Entry {
  spec: ConnectionSpec
  state: ConnectionState
  session?: SessionView
  message?: string
  /** It holds one of the two places, from its start until it is provided or has failed */
  provisioning: boolean
  startAtMs?: number
  pollAtMs?: number
  pollWaitMs: number
  heartbeatAtMs?: number
  watchAtMs?: number
  leaseUntilMs: number
  failures: number
}

export const START_JITTER_MS = 2_000
export const MAX_PROVISIONING = 2
export const MAX_CONNECTIONS = 100
const POLL_MS = 250
/** Each answer without news doubles the wait for the next, up to this: a control plane that has much to do is not asked the more for it. */
const MAX_POLL_MS = 2_000
const WATCH_MS = 2_000
const RETRY_MS = 2_000
const MAX_RETRY_MS = 60_000
const MAX_STOPS = 200

export class ConnectionBook implements Machine<ConnectionEffect> {
  private readonly random: Random
  private readonly entries = new Map<number, Entry>()
  private readonly effects: ConnectionEffect[] = []
  /** Sessions to be stopped, and until when that is worth while: after that their lease has run out */
  private readonly stops = new Map<string, { atMs: number | undefined, untilMs: number }>()

  constructor (random: Random) {
    this.random = random
  }

  connections (): Connection[] {
    return [...this.entries.values()].map(asConnection)
  }

  /** Connections that were there when the app was last there. */
  onAppStarted (specs: ConnectionSpec[], nowMs: number): void {
    for (const spec of specs) {
      this.add(spec, nowMs + Math.floor(randomFloat(this.random) * START_JITTER_MS))
    }
  }

  /** @throws {RangeError} when there are as many as may be */
  onAdded (spec: ConnectionSpec, nowMs: number): void {
    this.add(spec, nowMs)
    this.begin(nowMs)
  }

  onRemoved (slot: number, nowMs: number): void {
    const entry = this.entries.get(slot)
    if (entry === undefined) {
      return
    }
    this.entries.delete(slot)
    // one whose start is not answered yet is stopped when it is
    if (entry.session !== undefined) {
      this.stop(entry.session, nowMs)
    }
    this.effects.push({ type: 'removed', slot })
    this.begin(nowMs)
  }

  onStarted (slot: number, session: SessionView, nowMs: number): void {
    const entry = this.entries.get(slot)
    if (entry === undefined) {
      this.stop(session, nowMs) // removed meanwhile
    } else {
      this.take(entry, session, nowMs)
    }
  }

  /** The answer to a poll or a heartbeat. */
  onRenewed (slot: number, session: SessionView, nowMs: number): void {
    const entry = this.entries.get(slot)
    if (entry?.session?.id === session.id) {
      this.take(entry, session, nowMs)
    }
  }

  /** A start was refused, or not answered: it is tried again, later each time. */
  onStartFailed (slot: number, message: string, nowMs: number): void {
    const entry = this.entries.get(slot)
    if (entry !== undefined) {
      this.beginAnew(entry, 'error', message, nowMs)
    }
  }

  /** A poll or a heartbeat tells that the session is over. */
  onSessionOver (slot: number, sessionId: string, message: string, nowMs: number): void {
    const entry = this.entries.get(slot)
    if (entry?.session?.id === sessionId) {
      this.beginAnew(entry, 'provisioning', message, nowMs)
    }
  }

  /** A poll or a heartbeat was refused or not answered. The relay goes on without us for as long as its lease does, and is asked about again. */
  onUnanswered (slot: number, sessionId: string, message: string, nowMs: number): void {
    const entry = this.entries.get(slot)
    if (entry?.session?.id === sessionId && nowMs >= entry.leaseUntilMs) {
      this.beginAnew(entry, 'error', message, nowMs)
    }
  }

  /** Whether somebody sends. */
  onStatistics (slot: number, isLive: boolean): void {
    const entry = this.entries.get(slot)
    const state = isLive ? 'live' : 'ready'
    if (entry?.session?.state === 'active' && entry.state !== state && entry.state !== 'error') {
      entry.state = state
      this.tell(entry)
    }
  }

  /** The session is not where it was, or has no figures: it may have been moved, or its node lost. It is asked about at once. */
  onElsewhere (slot: number, nowMs: number): void {
    const entry = this.entries.get(slot)
    if (entry?.session !== undefined) {
      entry.pollAtMs = nowMs
      this.onTimeout(nowMs)
    }
  }

  onStopped (sessionId: string): void {
    this.stops.delete(sessionId)
  }

  onStopFailed (sessionId: string, nowMs: number): void {
    const stop = this.stops.get(sessionId)
    if (stop !== undefined) {
      stop.atMs = nowMs + RETRY_MS
    }
  }

  onTimeout (nowMs: number): void {
    for (const [slot, entry] of this.entries) {
      const { session } = entry
      if (session === undefined) {
        continue
      }
      if (isDue(entry.pollAtMs, nowMs)) {
        entry.pollAtMs = nowMs + entry.pollWaitMs * 4 // unless an answer comes before
        this.effects.push({ type: 'poll', slot, sessionId: session.id })
      }
      if (isDue(entry.heartbeatAtMs, nowMs)) {
        // the next one is due whether this is answered or not
        entry.heartbeatAtMs = nowMs + session.heartbeatMs
        this.effects.push({ type: 'heartbeat', slot, sessionId: session.id })
      }
      if (isDue(entry.watchAtMs, nowMs)) {
        entry.watchAtMs = nowMs + WATCH_MS
        this.effects.push({ type: 'watch', slot, sessionId: session.id })
      }
    }
    for (const [sessionId, stop] of this.stops) {
      if (nowMs >= stop.untilMs) {
        this.stops.delete(sessionId)
      } else if (isDue(stop.atMs, nowMs)) {
        stop.atMs = undefined
        this.effects.push({ type: 'stop', sessionId })
      }
    }
    this.begin(nowMs)
  }

  poll (): ConnectionEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const times: number[] = [...this.stops.values()].map(({ atMs, untilMs }) => atMs ?? untilMs)
    const isFree = this.inWork() < MAX_PROVISIONING
    for (const { startAtMs, pollAtMs, heartbeatAtMs, watchAtMs } of this.entries.values()) {
      times.push(...[isFree ? startAtMs : undefined, pollAtMs, heartbeatAtMs, watchAtMs].filter(time => time !== undefined))
    }
    return times.length === 0 ? undefined : Math.min(...times)
  }

  private add (spec: ConnectionSpec, startAtMs: number): void {
    if (!this.entries.has(spec.slot) && this.entries.size >= MAX_CONNECTIONS) {
      throw new RangeError(`${MAX_CONNECTIONS} connections are the most: remove one`)
    }
    const present = this.entries.get(spec.slot)
    if (present !== undefined) {
      present.spec = spec
      return
    }
    const entry: Entry = { spec, state: 'provisioning', provisioning: false, startAtMs, pollWaitMs: POLL_MS, leaseUntilMs: 0, failures: 0 }
    this.entries.set(spec.slot, entry)
    this.tell(entry)
  }

  private take (entry: Entry, session: SessionView, nowMs: number): void {
    if (session.state === 'ended' || session.state === 'releasing') {
      this.beginAnew(entry, session.failure === undefined ? 'provisioning' : 'error', session.failure ?? 'The session is over', nowMs)
      return
    }
    const isNew = entry.session?.id !== session.id
    const before = JSON.stringify([entry.state, entry.session?.steps, entry.session?.place])
    entry.session = session
    entry.message = undefined
    entry.leaseUntilMs = nowMs + session.leaseRemainingMs
    if (isNew) {
      entry.heartbeatAtMs = nowMs + session.heartbeatMs
    }
    if (session.state === 'active') {
      entry.provisioning = false
      entry.failures = 0
      entry.state = entry.state === 'live' ? 'live' : 'ready'
      entry.watchAtMs ??= nowMs
    } else {
      entry.state = 'provisioning'
    }
    const hasNews = isNew || before !== JSON.stringify([entry.state, session.steps, session.place])
    // who moves, sends: it has to follow at once
    entry.pollWaitMs = hasNews || session.state === 'active' ? POLL_MS : Math.min(MAX_POLL_MS, entry.pollWaitMs * 2)
    entry.pollAtMs = session.state === 'active' && session.move === undefined ? undefined : nowMs + entry.pollWaitMs
    if (hasNews) {
      this.tell(entry)
    }
    this.begin(nowMs)
  }

  private beginAnew (entry: Entry, state: ConnectionState, message: string, nowMs: number): void {
    const waitMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(entry.failures, 10)) * (0.5 + randomFloat(this.random) / 2)
    // what is over, and worked before, is begun anew at once
    entry.startAtMs = state === 'provisioning' && entry.failures === 0 ? nowMs : nowMs + Math.floor(waitMs)
    entry.failures++
    entry.provisioning = false
    entry.session = undefined
    entry.pollAtMs = entry.heartbeatAtMs = entry.watchAtMs = undefined
    entry.state = state
    entry.message = message
    this.tell(entry)
    this.begin(nowMs)
  }

  private begin (nowMs: number): void {
    const due = [...this.entries.values()].filter(({ startAtMs }) => isDue(startAtMs, nowMs))
      .sort((a, b) => (a.startAtMs as number) - (b.startAtMs as number))
    for (const entry of due.slice(0, Math.max(0, MAX_PROVISIONING - this.inWork()))) {
      entry.startAtMs = undefined
      entry.provisioning = true
      this.effects.push({ type: 'start', spec: entry.spec })
    }
  }

  private inWork (): number {
    return [...this.entries.values()].filter(({ provisioning }) => provisioning).length
  }

  private stop ({ id, leaseRemainingMs }: SessionView, nowMs: number): void {
    if (this.stops.size < MAX_STOPS) { // beyond, the lease sees to it
      this.stops.set(id, { atMs: undefined, untilMs: nowMs + leaseRemainingMs })
      this.effects.push({ type: 'stop', sessionId: id })
    }
  }

  private tell (entry: Entry): void {
    this.effects.push({ type: 'changed', connection: asConnection(entry) })
  }
}

function isDue (atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs <= nowMs
}

function asConnection ({ spec, state, session, message }: Entry): Connection {
  return { ...spec, state, session, message }
}
