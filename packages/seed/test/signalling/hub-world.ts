/** Seeds with their peers and the bus between them, made up: everything takes a time drawn at random, and may fail when told to. */
import { ManualClock, MachineDriver, randomBelow, SeededRandom } from '@skein/core'
import { SignalHub } from '../../src/signalling/signal-hub.ts'
import type { SignalEffect } from '../../src/signalling/signal-effect.ts'
import type { SignalLimits } from '../../src/signalling/signal-limits.ts'
import type { SignalOutcome } from '@skein/records'

export interface Sent {
  from: string
  to: string
  seed: string
  session: number
  sentMs: number
  outcomes: Array<{ outcome: SignalOutcome, atMs: number }>
}

export interface WorldInit {
  seed?: number
  limits?: SignalLimits
  maxDelayMs?: number
  registered?: (peer: string) => boolean | undefined
}

const UNLIMITED: SignalLimits = { signalRate: { ratePerSecond: 1e6, burst: 1e6 }, refusalRate: { ratePerSecond: 1e6, burst: 1e6 }, openRate: { ratePerSecond: 1e6, burst: 1e6 } }

export class HubWorld {
  readonly clock = new ManualClock(1_000_000)
  readonly hubs = new Map<string, SignalHub>()
  readonly sent = new Map<number, Sent>()
  /** What each peer was given, in order: the numbers of `sent` */
  readonly received = new Map<string, number[]>()
  readonly closed: Array<{ session: number, reason: string }> = []
  readonly notices: Array<{ session: number, outcome: string }> = []
  /** Peers that do not acknowledge */
  readonly frozen = new Set<string>()
  busDown = false
  private readonly drivers = new Map<string, MachineDriver<SignalEffect, SignalHub>>()
  private readonly random: SeededRandom
  private readonly init: WorldInit
  private readonly sessions = new Map<number, { seed: string, peer: string }>()
  private readonly locations = new Map<string, string[]>()
  /** When the last thing of each line happens */
  private readonly lastMs = new Map<string, number>()
  private lastSession = 0
  private lastSignal = 0

  constructor (seeds: string[], init: WorldInit = {}) {
    this.init = init
    this.random = new SeededRandom(init.seed ?? 1)
    for (const seed of seeds) {
      const hub = new SignalHub({ ...UNLIMITED, ...init.limits, seed, firstId: seeds.indexOf(seed) * 1000 })
      this.hubs.set(seed, hub)
      this.drivers.set(seed, new MachineDriver({ machine: hub, clock: this.clock, perform: effect => { this.perform(seed, effect) } }))
    }
  }

  open (seed: string, peer: string): number {
    const session = ++this.lastSession
    this.sessions.set(session, { seed, peer })
    this.drivers.get(seed)?.input((hub, nowMs) => { hub.onOpen(session, peer, nowMs) })
    return session
  }

  close (session: number): void {
    const at = this.sessions.get(session)
    if (this.sessions.delete(session)) {
      this.drivers.get(at?.seed ?? '')?.input((hub, nowMs) => { hub.onClosed(session, nowMs) })
    }
  }

  isOpen (session: number): boolean {
    return this.sessions.has(session)
  }

  writable (session: number, writable: boolean): void {
    this.drivers.get(this.sessions.get(session)?.seed ?? '')?.input((hub, nowMs) => { hub.onWritable(session, writable, nowMs) })
  }

  /** The number of the signal, to be looked up in `sent`. */
  signal (session: number, to: string | undefined, init: { bytes?: number, kind?: string, timeoutMs?: number } = {}): number {
    const id = ++this.lastSignal
    const { seed, peer } = this.sessions.get(session) as { seed: string, peer: string }
    this.sent.set(id, { from: peer, to: to ?? '', seed, session, sentMs: this.clock.nowMs(), outcomes: [] })
    const payload = new Uint8Array(Math.max(4, init.bytes ?? 4))
    new DataView(payload.buffer).setUint32(0, id)
    this.drivers.get(seed)?.input((hub, nowMs) => {
      hub.onSignal(session, { id, to, kind: init.kind ?? 'offer', payload, timeoutMs: init.timeoutMs ?? 0 }, nowMs)
    })
    return id
  }

  outcome (id: number): SignalOutcome | undefined {
    return this.sent.get(id)?.outcomes[0]?.outcome
  }

  input (seed: string, feed: (hub: SignalHub, nowMs: number) => void): void {
    this.drivers.get(seed)?.input(feed)
  }

  private perform (seed: string, effect: SignalEffect): void {
    switch (effect.type) {
      case 'signal': return this.receive(seed, effect.session, effect.id, effect.payload)
      case 'outcome': {
        if (effect.id === 0) {
          this.notices.push({ session: effect.session, outcome: effect.outcome })
        } else {
          this.sent.get(effect.id)?.outcomes.push({ outcome: effect.outcome, atMs: this.clock.nowMs() })
        }
        return
      }
      case 'close': {
        this.sessions.delete(effect.session)
        this.closed.push({ session: effect.session, reason: effect.reason })
        return
      }
      case 'check': return this.later(() => {
        const registered = this.init.registered === undefined ? true : this.init.registered(effect.peer)
        const verdict = registered === undefined ? undefined : { registered, untilMs: this.clock.nowMs() + 60_000 }
        this.input(seed, (hub, nowMs) => { hub.onRegistration(effect.peer, verdict, nowMs) })
      })
      case 'locate': return this.later(() => {
        const seeds = [...this.locations.get(effect.peer) ?? []]
        const verdict = this.busDown ? undefined : { seeds, registered: this.init.registered?.(effect.peer) !== false }
        this.input(seed, (hub, nowMs) => { hub.onLocated(effect.peer, verdict, nowMs) })
      })
      case 'publish': {
        if (this.busDown) {
          return this.later(() => { this.input(seed, (hub, nowMs) => { hub.onUnpublished(effect.seed, effect.signal.id, 'failed', nowMs) }) })
        }
        return this.later(() => { this.input(effect.seed, (hub, nowMs) => { hub.onRemote(seed, effect.signal, nowMs) }) }, `${seed} ${effect.seed}`)
      }
      case 'present': return this.later(() => {
        this.locations.set(effect.peer, [seed, ...(this.locations.get(effect.peer) ?? []).filter(other => other !== seed)])
      }, `claims of ${seed}`)
      case 'absent': return this.later(() => {
        this.locations.set(effect.peer, (this.locations.get(effect.peer) ?? []).filter(other => other !== seed))
      }, `claims of ${seed}`)
    }
  }

  private receive (seed: string, session: number, number: number, payload: Uint8Array): void {
    const at = this.sessions.get(session)
    if (at === undefined) {
      return
    }
    const id = new DataView(payload.buffer).getUint32(0)
    this.received.set(at.peer, [...this.received.get(at.peer) ?? [], id])
    if (!this.frozen.has(at.peer)) {
      this.later(() => { this.input(seed, (hub, nowMs) => { hub.onOutcome(session, number, 'delivered', nowMs) }) })
    }
  }

  /** Things of one `line` happen in order. */
  private later (run: () => void, line?: string): void {
    const delayMs = randomBelow(this.random, (this.init.maxDelayMs ?? 0) + 1)
    const atMs = Math.max(this.clock.nowMs() + delayMs, line === undefined ? 0 : this.lastMs.get(line) ?? 0)
    if (line !== undefined) {
      this.lastMs.set(line, atMs)
    }
    this.clock.schedule(atMs, run)
  }
}
