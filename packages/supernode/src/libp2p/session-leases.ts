/** Drives `SessionHold` over a libp2p node: a client's sessions, each at a super-node that most electors name and that carries streams. */
import { MachineDriver } from '@skein/core'
import { TypedEventEmitter } from 'main-event'
import { dialAddresses } from '../lease-addresses.ts'
import { SessionHold } from '../session-hold.ts'
import { sessionHolders } from '../session-holders.ts'
import { askSession, SessionRefusedError } from './session-asker.ts'
import type { Libp2p, Logger, PeerId, Startable } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { SessionLease, SuperNodeLease } from '@skein/records'
import type { HoldEffect, SessionHoldInit } from '../session-hold.ts'
import type { SessionAction } from '../session-question.ts'

export interface SessionLeasesInit {
  libp2p: Pick<Libp2p, 'peerId' | 'dialProtocol' | 'addEventListener' | 'removeEventListener'>
  /** Those that are believed now: `superNodeLeases` of a peer */
  leases: () => readonly SuperNodeLease[]
  /** There is none that takes a session: ask electors soon. Called once in 10 s */
  seek: () => void
  hold?: SessionHoldInit
  clock: Clock
  log: Logger
}

export interface SessionWish {
  /** Of this peer, 1 to 32 letters and digits; the same after a restart */
  session: string
  streamToken: string
  /** '' for any @default '' */
  region?: string
}

export interface SessionLeasesEvents {
  /** A super-node is asked for a place */
  'session:asked': CustomEvent<{ session: string, holder: string }>
  /** It has a place, or another one; `from` is the super-node that had it */
  'session:placed': CustomEvent<{ session: string, lease: SessionLease, from: string | undefined }>
  /** Its super-node has said that it carries it */
  'session:renewed': CustomEvent<{ session: string, lease: SessionLease }>
  /** It has none; another one is looked for unless it was overtaken by another process with this key */
  'session:lost': CustomEvent<{ session: string, why: 'expired' | 'unknown' | 'overtaken' }>
  /** Nobody takes it now */
  'session:starved': CustomEvent<{ session: string, refusals: Array<{ holder: string, why: string }> }>
}

interface Held {
  wish: SessionWish
  driver: MachineDriver<HoldEffect, SessionHold>
  ending: AbortController
  idle: PromiseWithResolvers<void>
}

const MAX_SESSIONS = 100
/** An elector answers a peer once in 5 s: who asks all the time is refused, and learns less. */
const SEEK_MS = 10_000

export class SessionLeases extends TypedEventEmitter<SessionLeasesEvents> implements Startable {
  private readonly init: SessionLeasesInit
  private readonly held = new Map<string, Held>()
  private soughtMs = -Infinity

  constructor (init: SessionLeasesInit) {
    super()
    this.init = init
  }

  start (): void {
    this.init.libp2p.addEventListener('peer:disconnect', this.onDisconnect)
  }

  /** Nothing is asked any more; what is held runs out within 5 minutes, and is found again by who asks before. */
  stop (): void {
    this.init.libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
    for (const held of this.held.values()) {
      this.end(held)
    }
  }

  /** The place of a session, as it was told last; `undefined` while it has none. */
  leaseOf (session: string): SessionLease | undefined {
    return this.held.get(session)?.driver.machine.current?.lease
  }

  /** ms for which it is held still, if nobody answers any more. */
  remainingMs (session: string): number {
    const untilMs = this.held.get(session)?.driver.machine.current?.untilMs ?? 0
    return Math.max(0, untilMs - this.init.clock.nowMs())
  }

  /** Keeps it from now on; told by `session:placed`. One that is kept already stays where it is. @throws {RangeError} at more than 100 */
  hold (wish: SessionWish): void {
    const present = this.held.get(wish.session)
    if (present !== undefined) {
      present.driver.input((machine, nowMs) => { machine.onWanted(nowMs) })
      return
    }
    if (this.held.size >= MAX_SESSIONS) {
      throw new RangeError(`${MAX_SESSIONS} sessions are the most: give one back`)
    }
    const held: Held = {
      wish,
      driver: new MachineDriver({
        machine: new SessionHold(this.init.hold), clock: this.init.clock, perform: effect => { this.perform(held, effect) }
      }),
      ending: new AbortController(),
      idle: Promise.withResolvers()
    }
    this.held.set(wish.session, held)
    held.driver.input((machine, nowMs) => { machine.onWanted(nowMs) })
  }

  /** Asks at once whether it is carried; told by `session:renewed`. */
  check (session: string): void {
    this.held.get(session)?.driver.input((machine, nowMs) => { machine.onCheck(nowMs) })
  }

  /** Resolves when the super-node has it back, or could not be told: then its lease ends by itself. */
  async give (session: string): Promise<void> {
    const held = this.held.get(session)
    if (held !== undefined) {
      held.driver.input((machine, nowMs) => { machine.onUnwanted(nowMs) })
      this.settle(held)
      await held.idle.promise
    }
  }

  private perform (held: Held, effect: HoldEffect): void {
    const { session } = held.wish
    switch (effect.type) {
      case 'choose':
        held.driver.input((machine, nowMs) => { machine.onHolders(this.holders(held.wish).map(({ peer }) => peer), nowMs) })
        break
      case 'ask':
        if (effect.action === 'take') {
          this.safeDispatchEvent('session:asked', { detail: { session, holder: effect.holder } })
        }
        void this.ask(held, effect.action, effect.holder, effect.fence)
        break
      case 'placed':
        this.safeDispatchEvent('session:placed', { detail: { session, lease: effect.lease, from: effect.from } })
        break
      case 'lost':
        this.safeDispatchEvent('session:lost', { detail: { session, why: effect.why } })
        break
      case 'starved':
        this.seek()
        this.safeDispatchEvent('session:starved', { detail: { session, refusals: effect.refusals } })
        break
      case 'renewed':
        this.safeDispatchEvent('session:renewed', { detail: { session, lease: effect.lease } })
    }
  }

  private async ask (held: Held, action: SessionAction, holder: string, fence: number): Promise<void> {
    const { libp2p, clock, log } = this.init
    const { session, streamToken } = held.wish
    const sentMs = clock.nowMs()
    // one that is no super-node any more is asked where it is connected, or known to libp2p
    const lease = this.init.leases().find(({ peer }) => peer === holder)
    try {
      const answer = await askSession(libp2p, { action, session, fence, streamToken: action === 'take' ? streamToken : '' }, {
        holder,
        addresses: lease === undefined ? [] : dialAddresses(lease),
        region: lease?.region ?? held.driver.machine.current?.lease.place.region ?? '-',
        clock,
        signal: held.ending.signal
      })
      held.driver.input((machine, nowMs) => { machine.onAnswer(action, holder, fence, answer && { ...answer, sentMs }, nowMs) })
    } catch (error) {
      log('%s does not %s session %s: %s', holder, action, session, (error as Error).message)
      held.driver.input((machine, nowMs) => {
        if (error instanceof SessionRefusedError) {
          machine.onRefused(action, holder, fence, error.refusal, error.retryAfterMs, nowMs)
        } else {
          machine.onUnanswered(action, holder, fence, nowMs)
        }
      })
    }
    this.settle(held)
  }

  private seek (): void {
    const nowMs = this.init.clock.nowMs()
    if (nowMs >= this.soughtMs + SEEK_MS) {
      this.soughtMs = nowMs
      this.init.seek()
    }
  }

  private holders ({ session, region }: SessionWish): SuperNodeLease[] {
    const { libp2p, leases } = this.init
    return sessionHolders(leases(), libp2p.peerId.toString(), session, region)
  }

  private settle (held: Held): void {
    if (held.driver.machine.isIdle) {
      this.end(held)
    }
  }

  private end (held: Held): void {
    held.driver.stop()
    held.ending.abort(new Error('The session is not kept any more'))
    held.idle.resolve()
    if (this.held.get(held.wish.session) === held) {
      this.held.delete(held.wish.session)
    }
  }

  private readonly onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    for (const { driver } of this.held.values()) {
      driver.input((machine, nowMs) => { machine.onDisconnected(peer, nowMs) })
    }
  }
}
