/**
 * Signalling at a peer (`docs/specs/signalling.md`), as a machine: keeps a stream to each seed that signals, and sends each signal over one
 * seed after another until one says what became of it, or its time is over.
 */
import { BoundedMap, TimerTable } from '@skein/core'
import { MAX_SIGNAL_LIFE_MS } from '@skein/records'
import type { Machine } from '@skein/core'
import type { SignalKind, SignalOutcome, SignalRefusal } from '@skein/records'

export type SignalExchangeEffect =
  /** Open a stream to a connected seed; answer with `onOpened` or `onClosed` */
  | { type: 'open', seed: string }
  | { type: 'send', seed: string, id: number, to: string, kind: SignalKind, payload: Uint8Array, timeoutMs: number }
  | { type: 'settled', key: number, outcome: SignalOutcome, retryAfterMs: number }

export interface OutgoingSignal {
  to: string
  kind: SignalKind
  payload: Uint8Array
  timeoutMs: number
}

export interface SignalExchangeInit {
  /** Seeds with a stream; others are left alone until one of them goes @default 8 */
  maxSeeds?: number
  /** Signals of this peer without an outcome @default 256 */
  maxSends?: number
}

interface SeedLink {
  /** leaving: nothing new is sent, for the seed is about to close it */
  state: 'opening' | 'open' | 'leaving' | 'resting'
  /** Since when it is open */
  openedMs: number
  failures: number
  lastId: number
  underWay: Map<number, Send>
  /** It said that it is about to stop: not opened again before */
  restUntilMs: number
}

interface Send extends OutgoingSignal {
  key: number
  deadlineMs: number
  tried: Set<string>
  /** Over which it is under way */
  seed: string | undefined
  /** What those said that could not deliver it */
  refused: { reason: SignalRefusal, retryAfterMs: number } | undefined
}

/** Which of several reasons the caller is told: the one that says most. */
const TELLING: SignalRefusal[] = ['draining', 'not_registered', 'peer_not_found', 'too_early', 'unreachable']
/** A stream that stood for so long does not count as a failure when it ends, ms. */
const STABLE_MS = 30_000
const FIRST_REST_MS = 500
const MAX_REST_MS = 60_000
/** A registration that is under way takes about so long, ms. */
const REGISTRATION_RETRY_MS = 200
/** Signals under way over one seed, which takes 32; the others wait. */
const MAX_UNDER_WAY = 24
/** Peers of whom it is remembered over which seed they were reached last. */
const MAX_ROUTES = 1_024

export class SignalExchange implements Machine<SignalExchangeEffect> {
  private readonly maxSeeds: number
  private readonly maxSends: number
  private readonly effects: SignalExchangeEffect[] = []
  /** Connected seeds that signal, in the order in which they came; the first `maxSeeds` have a link */
  private readonly seeds = new Map<string, SeedLink | undefined>()
  private readonly sends = new Map<number, Send>()
  private readonly timers = new TimerTable<string>()
  private readonly routes = new BoundedMap<string, string>({ maxSize: MAX_ROUTES })

  constructor (init: SignalExchangeInit = {}) {
    this.maxSeeds = init.maxSeeds ?? 8
    this.maxSends = init.maxSends ?? 256
  }

  /** Seeds over which signals can be sent now. */
  get openSeeds (): string[] {
    return [...this.seeds].filter(([, link]) => link?.state === 'open').map(([seed]) => seed)
  }

  /** A connected seed signals. */
  onSeed (seed: string): void {
    if (!this.seeds.has(seed)) {
      this.seeds.set(seed, undefined)
      this.linkMore()
    }
  }

  /** It is not connected any more, or does not signal any more. */
  onSeedGone (seed: string, nowMs: number): void {
    const link = this.seeds.get(seed)
    if (this.seeds.delete(seed)) {
      this.timers.delete(`open ${seed}`)
      this.broken(link)
      this.linkMore()
      this.advanceAll(nowMs)
    }
  }

  onOpened (seed: string, nowMs: number): void {
    const link = this.seeds.get(seed)
    if (link?.state === 'opening') {
      link.state = 'open'
      link.openedMs = nowMs
      this.advanceAll(nowMs)
    }
  }

  /** The stream has ended, or could not be opened. */
  onClosed (seed: string, nowMs: number): void {
    const link = this.seeds.get(seed)
    if (link === undefined || link.state === 'resting') {
      return
    }
    link.failures = link.state !== 'opening' && nowMs - link.openedMs >= STABLE_MS ? 0 : link.failures + 1
    link.state = 'resting'
    const restMs = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** Math.min(link.failures, 16))
    this.timers.set(`open ${seed}`, Math.max(nowMs + restMs, link.restUntilMs))
    this.broken(link)
    this.advanceAll(nowMs)
  }

  /** @param key - given back in `settled` */
  onSend (key: number, signal: OutgoingSignal, nowMs: number): void {
    if (this.sends.size >= this.maxSends) {
      this.effects.push({ type: 'settled', key, outcome: 'queue_full', retryAfterMs: 0 })
      return
    }
    const send: Send = { ...signal, key, deadlineMs: nowMs + signal.timeoutMs, tried: new Set(), seed: undefined, refused: undefined }
    this.sends.set(key, send)
    this.timers.set(`send ${key}`, send.deadlineMs)
    this.advanceAll(nowMs)
  }

  /** Nobody waits for its outcome any more. */
  onCancel (key: number, nowMs: number): void {
    this.forget(this.sends.get(key))
    this.advanceAll(nowMs)
  }

  /** A seed told what became of a signal; number 0: of the stream. */
  onOutcome (seed: string, id: number, outcome: SignalOutcome, retryAfterMs: number, nowMs: number): void {
    const link = this.seeds.get(seed)
    const send = link?.underWay.get(id)
    if (link !== undefined && id === 0) {
      link.restUntilMs = nowMs + Math.min(retryAfterMs, MAX_REST_MS)
      link.state = link.state === 'open' ? 'leaving' : link.state
    }
    if (link === undefined || send === undefined) {
      return
    }
    link.underWay.delete(id)
    send.seed = undefined
    if (outcome === 'delivered') {
      this.routes.set(send.to, seed)
    } else if (TELLING.includes(outcome)) {
      this.routes.delete(send.to)
      if (TELLING.indexOf(outcome) >= TELLING.indexOf(send.refused?.reason ?? 'draining')) {
        send.refused = { reason: outcome, retryAfterMs }
      }
      if (outcome === 'not_registered') {
        this.timers.set(`again ${send.key} ${seed}`, nowMs + REGISTRATION_RETRY_MS)
      }
      this.advanceAll(nowMs)
      return
    }
    this.settle(send, outcome, retryAfterMs)
    this.advanceAll(nowMs)
  }

  /** The peer was heard over a seed: the answer goes the same way first. */
  onHeard (peer: string, seed: string): void {
    this.routes.set(peer, seed)
  }

  onTimeout (nowMs: number): void {
    for (let due = this.timers.popDue(nowMs); due !== undefined; due = this.timers.popDue(nowMs)) {
      const [what, name, seed] = due.split(' ') as [string, string, string?]
      const send = this.sends.get(Number(name))
      if (what === 'open') {
        this.open(name)
      } else if (what === 'again' && send !== undefined) {
        send.tried.delete(seed ?? '')
      } else if (what === 'send' && send !== undefined) {
        // under way to the end: it may arrive yet; otherwise what was said before is the reason
        const refused = send.seed === undefined ? send.refused ?? { reason: 'unreachable', retryAfterMs: 0 } : undefined
        this.settle(send, refused?.reason ?? 'timeout', refused?.retryAfterMs ?? 0)
      }
    }
    this.advanceAll(nowMs)
  }

  poll (): SignalExchangeEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private linkMore (): void {
    let linked = [...this.seeds.values()].filter(link => link !== undefined).length
    for (const [seed, link] of this.seeds) {
      if (link === undefined && linked < this.maxSeeds) {
        linked++
        this.seeds.set(seed, { state: 'resting', openedMs: 0, failures: 0, lastId: 0, underWay: new Map(), restUntilMs: 0 })
        this.open(seed)
      }
    }
  }

  private open (seed: string): void {
    const link = this.seeds.get(seed)
    if (link?.state === 'resting') {
      link.state = 'opening'
      this.effects.push({ type: 'open', seed })
    }
  }

  /** What was sent over a stream that broke may have arrived. */
  private broken (link: SeedLink | undefined): void {
    for (const send of [...link?.underWay.values() ?? []]) {
      this.settle(send, 'timeout', 0)
    }
    link?.underWay.clear()
  }

  /** Those that wait go on, in order; one that still waits holds up the later ones to the same peer. */
  private advanceAll (nowMs: number): void {
    const heldUp = new Set<string>()
    for (const send of [...this.sends.values()]) {
      if (send.seed === undefined && !heldUp.has(send.to)) {
        this.advance(send, nowMs)
        if (send.seed === undefined && this.sends.has(send.key)) {
          heldUp.add(send.to)
        }
      }
    }
  }

  private advance (send: Send, nowMs: number): void {
    const untried = [...this.seeds].filter(([seed]) => !send.tried.has(seed))
    const open = untried.filter(([, link]) => link?.state === 'open')
    const free = open.filter(([, link]) => link !== undefined && link.underWay.size < MAX_UNDER_WAY)
    const preferred = this.routes.get(send.to)
    const [seed, link] = free.find(([name]) => name === preferred) ?? free[0] ?? []
    if (seed !== undefined && link !== undefined) {
      send.tried.add(seed)
      send.seed = seed
      link.lastId = link.lastId === 0xffffffff ? 1 : link.lastId + 1
      link.underWay.set(link.lastId, send)
      const timeoutMs = Math.max(1, Math.min(MAX_SIGNAL_LIFE_MS, Math.round(send.deadlineMs - nowMs)))
      this.effects.push({ type: 'send', seed, id: link.lastId, to: send.to, kind: send.kind, payload: send.payload, timeoutMs })
    } else if (open.length === 0 && !untried.some(([, link]) => link?.state === 'opening') && send.refused?.reason !== 'not_registered') {
      this.settle(send, send.refused?.reason ?? 'unreachable', send.refused?.retryAfterMs ?? 0)
    }
  }

  private settle (send: Send, outcome: SignalOutcome, retryAfterMs: number): void {
    if (this.sends.has(send.key)) {
      this.forget(send)
      this.effects.push({ type: 'settled', key: send.key, outcome, retryAfterMs })
    }
  }

  private forget (send: Send | undefined): void {
    if (send === undefined) {
      return
    }
    this.sends.delete(send.key)
    this.timers.delete(`send ${send.key}`)
    const underWay = this.seeds.get(send.seed ?? '')?.underWay
    for (const [id, other] of underWay ?? []) {
      if (other === send) {
        underWay?.delete(id)
      }
    }
  }
}
