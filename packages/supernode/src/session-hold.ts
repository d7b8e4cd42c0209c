/**
 * Keeps a session at a super-node: takes a place, renews it, and moves to another super-node when the one that holds it dies, leaves or forgets it;
 * the new place is there before the old one is given back, where that can be. Pure: `SessionLeases` of `@skein/supernode/libp2p` drives it.
 */
import { BoundedMap } from '@skein/core'
import { HeldPlaces } from './held-places.ts'
import type { Machine } from '@skein/core'
import type { SessionLease } from '@skein/records'
import type { HeldPlace } from './held-places.ts'
import type { SessionAction, SessionRefusal } from './session-question.ts'

export interface SessionHoldInit {
  /** @default 30_000 */
  renewMs?: number
  /** After a question that was not answered @default 5_000 */
  retryMs?: number
  /** How long the place that was left goes on, so that who sends there can follow @default 120_000 */
  overlapMs?: number
}

/**
 * - `choose`: tell `onHolders` who may be asked, without delay
 * - `ask`: tell `onAnswer`, `onRefused` or `onUnanswered` what comes of it
 * - `placed`: the session has a place, or another one; `from` names the super-node that had it
 * - `renewed`: and keeps it
 * - `lost`: it has none now. `overtaken`: somebody else with the same key took it, and this one keeps away; else another place is looked for
 * - `starved`: nobody takes it at the moment; it goes on trying
 */
export type HoldEffect =
  | { type: 'choose' }
  | { type: 'ask', action: SessionAction, holder: string, fence: number }
  | { type: 'placed', lease: SessionLease, from?: string }
  | { type: 'renewed', lease: SessionLease }
  | { type: 'lost', holder: string, why: 'expired' | 'unknown' | 'overtaken' }
  | { type: 'starved', refusals: Array<{ holder: string, why: HolderProblem }> }

export type HolderProblem = SessionRefusal | 'unanswered'

export interface HolderAnswer {
  lease: SessionLease
  leaving: boolean
  /** When the question was sent: the life counts from then */
  sentMs: number
}

/** How long one that refused is not asked again: it changes with what it said. */
const AVOID_MS: Readonly<Record<HolderProblem, number>> = {
  unsupported: 600_000, no_seat: 60_000, full: 30_000, too_many: 60_000, stale_fence: 300_000, unknown: 1_000, busy: 5_000, bad_request: 300_000,
  unanswered: 15_000
}
/** A refusal that asks for more is taken for this: its places may be free before. */
const MAX_AVOID_MS = 600_000
const MAX_AVOIDED = 128
const CHOOSE_AGAIN_MS = 500
/** To choose costs nothing; whoever asks electors for more paces that itself. */
const MAX_CHOOSE_AGAIN_MS = 2_000

export class SessionHold implements Machine<HoldEffect> {
  private readonly renewMs: number
  private readonly retryMs: number
  private readonly overlapMs: number
  private readonly places: HeldPlaces
  private readonly avoided = new BoundedMap<string, { untilMs: number, why: HolderProblem }>({ maxSize: MAX_AVOIDED })
  private readonly effects: HoldEffect[] = []
  private wanted = false
  private fence = 0
  private taking?: { holder: string, fence: number }
  private choosing = false
  private chooseAtMs?: number
  private fruitless = 0

  constructor (init: SessionHoldInit = {}) {
    this.renewMs = init.renewMs ?? 30_000
    this.retryMs = init.retryMs ?? 5_000
    this.overlapMs = init.overlapMs ?? 120_000
    this.places = new HeldPlaces(this.renewMs, this.retryMs)
  }

  /** Where the session is now. */
  get current (): HeldPlace | undefined {
    return this.places.current
  }

  /** Nothing is held, nor to be given back. */
  get isIdle (): boolean {
    return !this.wanted && this.taking === undefined && this.places.isEmpty
  }

  onWanted (nowMs: number): void {
    this.wanted = true
    this.fruitless = 0
    this.step(nowMs)
  }

  /** The session is over: what is held is given back. */
  onUnwanted (nowMs: number): void {
    this.wanted = false
    this.chooseAtMs = undefined
    this.places.giveAll(nowMs)
    this.step(nowMs)
  }

  /** Is it carried, as far as the super-node knows? Told by `renewed` when it is. */
  onCheck (nowMs: number): void {
    this.places.check(nowMs)
    this.step(nowMs)
  }

  /** Super-nodes that may be asked, those that are asked first first. */
  onHolders (holders: readonly string[], nowMs: number): void {
    if (!this.choosing) {
      return
    }
    this.choosing = false
    const holder = holders.find(peer => !this.isAvoided(peer, nowMs) && !this.places.has(peer))
    if (holder === undefined) {
      this.starve(holders, nowMs)
      return
    }
    // later than any that this client has used before, also before it was started again
    this.fence = Math.max(this.fence + 1, Math.floor(nowMs))
    this.taking = { holder, fence: this.fence }
    this.ask('take', holder, this.fence)
  }

  onAnswer (action: SessionAction, holder: string, fence: number, answer: HolderAnswer | undefined, nowMs: number): void {
    if (action === 'give') {
      this.places.onGiven(holder, fence)
    } else if (answer !== undefined) {
      if (action === 'take') {
        this.onTaken(holder, fence, answer, nowMs)
      } else if (this.places.onRenewed(holder, fence, answer) && this.current?.holder === holder) {
        this.effects.push({ type: 'renewed', lease: answer.lease })
      }
    }
    this.step(nowMs)
  }

  onRefused (action: SessionAction, holder: string, fence: number, refusal: SessionRefusal, retryAfterMs: number | undefined, nowMs: number): void {
    if (action === 'give') {
      this.places.onGiven(holder, fence)
    } else if (action === 'take') {
      this.avoid(holder, refusal, nowMs, retryAfterMs)
      this.endTaking(holder, fence)
    } else {
      this.onNotRenewed(holder, fence, refusal, nowMs)
    }
    this.step(nowMs)
  }

  /** It did not answer, or not as a super-node does. */
  onUnanswered (action: SessionAction, holder: string, fence: number, nowMs: number): void {
    if (action === 'take') {
      this.avoid(holder, 'unanswered', nowMs)
      if (this.endTaking(holder, fence)) {
        // it may have taken the session, and its answer be lost
        this.places.giveLater(holder, fence, nowMs)
      }
    } else {
      this.places.onUnanswered(action, holder, fence, nowMs)
    }
    this.step(nowMs)
  }

  /** The connection ended: it is asked at once whether it is there. */
  onDisconnected (holder: string, nowMs: number): void {
    this.places.onDisconnected(holder, nowMs)
    this.step(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.step(nowMs)
  }

  poll (): HoldEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const times = [this.places.nextTimeoutMs(), this.chooseAtMs].filter(time => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  private step (nowMs: number): void {
    const over = this.places.expire(nowMs)
    if (over !== undefined) {
      this.effects.push({ type: 'lost', holder: over, why: 'expired' })
    }
    for (const { action, holder, fence } of this.places.due(nowMs)) {
      this.ask(action, holder, fence)
    }
    if (!this.needsPlace()) {
      this.chooseAtMs = undefined
      this.fruitless = 0
    } else if (this.taking === undefined && !this.choosing && (this.chooseAtMs ?? 0) <= nowMs) {
      this.choosing = true
      this.chooseAtMs = undefined
      this.effects.push({ type: 'choose' })
    }
  }

  private needsPlace (): boolean {
    const { current } = this
    return this.wanted && (current === undefined || current.leaving || current.failing)
  }

  private onTaken (holder: string, fence: number, answer: HolderAnswer, nowMs: number): void {
    if (!this.endTaking(holder, fence) || !this.needsPlace()) {
      this.places.giveLater(holder, fence, nowMs) // it is not needed any more
      return
    }
    const from = this.current?.holder
    this.places.take(holder, fence, answer, nowMs + this.overlapMs)
    this.fruitless = 0
    this.effects.push({ type: 'placed', lease: answer.lease, ...from === undefined ? {} : { from } })
  }

  private onNotRenewed (holder: string, fence: number, refusal: SessionRefusal, nowMs: number): void {
    if (refusal === 'no_seat' || refusal === 'busy') {
      this.places.onPutOff(holder, fence, refusal === 'no_seat', nowMs)
      return
    }
    const wasCurrent = this.current?.holder === holder && this.current.fence === fence
    this.places.drop(holder, fence)
    if (!wasCurrent) {
      return
    }
    if (refusal === 'stale_fence') {
      // two that hold one session would take it from each other for ever: the later one has it
      this.wanted = false
      this.places.giveAll(nowMs)
    }
    this.effects.push({ type: 'lost', holder, why: refusal === 'stale_fence' ? 'overtaken' : 'unknown' })
  }

  private endTaking (holder: string, fence: number): boolean {
    if (this.taking?.holder !== holder || this.taking.fence !== fence) {
      return false
    }
    this.taking = undefined
    return true
  }

  private starve (holders: readonly string[], nowMs: number): void {
    const refusals = holders.flatMap(holder => {
      const avoided = this.avoided.get(holder)
      return avoided === undefined ? [] : [{ holder, why: avoided.why }]
    })
    this.effects.push({ type: 'starved', refusals })
    this.chooseAtMs = nowMs + Math.min(MAX_CHOOSE_AGAIN_MS, CHOOSE_AGAIN_MS * 2 ** Math.min(10, this.fruitless++))
  }

  private avoid (holder: string, why: HolderProblem, nowMs: number, retryAfterMs?: number): void {
    this.avoided.set(holder, { why, untilMs: nowMs + Math.min(MAX_AVOID_MS, AVOID_MS[why], retryAfterMs ?? Infinity) })
  }

  private isAvoided (holder: string, nowMs: number): boolean {
    return (this.avoided.get(holder)?.untilMs ?? 0) > nowMs
  }

  private ask (action: SessionAction, holder: string, fence: number): void {
    this.effects.push({ type: 'ask', action, holder, fence })
  }
}
