/**
 * Gives the lives of sessions a world: keeps them in the store, has the work done that they ask for, and looks for those that nobody cares for any
 * more.
 */
import { deadline } from '@skein/core'
import { ContendedSessionError, SessionLimitError, SessionOverError, UnknownProviderError, UnknownSessionError } from './session-error.ts'
import { MoveRefusedError, moveRefusal } from './move-rules.ts'
import { hasExpired, newSession, REAP_MS, SESSION_TIMES, transition } from './session-life.ts'
import { streamToken, uniqueId } from './random-name.ts'
import { SessionWorker } from './session-worker.ts'
import { ensureSlot } from './slot-names.ts'
import { WorkQueue } from './work-queue.ts'
import type { Clock, Random } from '@skein/core'
import type { NamePublisher, Provisioner } from '../provision/provisioner.ts'
import type { FleetStore } from '../store/fleet-store.ts'
import type { ProviderName, SessionRecord } from '../store/session-record.ts'
import type { FleetTime } from './fleet-time.ts'
import type { SessionEvent, SessionTimes, SessionWork, Transition } from './session-life.ts'

export interface StartRequest {
  userId: string
  slot: number
  /** @default 'pool' */
  provider?: ProviderName
  /** Wished for @default '' (any) */
  region?: string
  relayId?: string
}

export interface SessionKeeperInit {
  store: FleetStore
  provisioners: Partial<Record<ProviderName, Provisioner>>
  /** Where the provisioners point names */
  names: NamePublisher
  time: FleetTime
  clock: Clock
  random: Random
  /** @default SESSION_TIMES */
  times?: Partial<SessionTimes>
  /** Told of work that failed, for the log @default () => {} */
  onProblem?: (problem: { sessionId: string, work: SessionWork, error: Error }) => void
}

/** One try of provisioning or releasing may take so long, ms: what hangs longer is taken up again by the reaper. */
const WORK_LIMIT_MS = 30_000
/** Of work at once in this process; more waits its turn. */
const MAX_WORKERS = 64
const MAX_WAITING = 16_384
const MAX_TRIES = 16
/** Of a user: there are a hundred slots. */
const MAX_LIVE = 100
/** Looked after in one round of the reaper at a time; it asks again until nothing is due. */
const DUE_BATCH = 200
const MAX_BATCHES = 1_000
/** Sessions that have ended are shown for so long, ms. */
const MEMORY_MS = 24 * 3_600_000

export interface ReapOutcome {
  /** Sessions whose lease had run out */
  expired: number
  /** Work of others that was taken over */
  adopted: number
  /** By how much all leases were put off, as no control plane was there, ms */
  putOffMs: number
}

export class SessionKeeper {
  readonly times: SessionTimes
  private readonly init: SessionKeeperInit
  private readonly stopping = new AbortController()
  private readonly worker: SessionWorker
  private readonly queue = new WorkQueue({ maxRunning: MAX_WORKERS, maxWaiting: MAX_WAITING })

  constructor (init: SessionKeeperInit) {
    this.init = init
    this.times = { ...SESSION_TIMES, ...init.times }
    this.worker = new SessionWorker({
      ...init,
      moveDrainMs: this.times.moveDrainMs,
      stopping: this.stopping.signal,
      apply: async (sessionId, event, known) => await this.apply(sessionId, event, known)
    })
  }

  /**
   * The session of the slot: the one that is there, renewed, or a new one. The work on it goes on when this has returned.
   *
   * @throws {SessionLimitError} when the user has as many as the plan allows
   * @throws {UnknownProviderError}
   */
  async start (request: StartRequest): Promise<SessionRecord> {
    const { store, time, random, provisioners } = this.init
    const { userId, slot, provider = 'pool', region = '', relayId } = request
    if (provisioners[provider] === undefined) {
      throw new UnknownProviderError(provider)
    }
    const { name } = await ensureSlot(store, random, { userId, slot }, time.nowMs())
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const live = await store.liveSession(userId, slot)
      if (live !== undefined) {
        const renewed = await this.takeUp(live)
        if (renewed !== undefined) {
          return renewed
        }
        continue // its lease had run out: what is left of it is cleared away, and a clean new one begun
      }
      const wanted = { id: uniqueId(random), userId, slot, name, provider, region, relayId, streamToken: streamToken(random) }
      const session = newSession(wanted, time.nowMs(), this.times)
      const outcome = await store.insertSession(session)
      if (outcome === 'inserted') {
        this.work(session, 'provision')
        return session
      }
      if (outcome === 'limit' && !await this.endExpired(userId)) {
        throw new SessionLimitError((await store.user(userId))?.maxActive ?? 0)
      }
    }
    throw new ContendedSessionError(`of slot ${slot}`)
  }

  /** @throws {SessionOverError} */
  async renew (session: SessionRecord): Promise<SessionRecord> {
    const outcome = await this.apply(session.id, { type: 'renewed' }, session)
    if (outcome.type === 'refused') {
      throw new SessionOverError(session.id)
    }
    return outcome.session
  }

  /** Ends the session, if it is not over already. */
  async stop (session: SessionRecord): Promise<void> {
    await this.apply(session.id, { type: 'stopped' }, session)
  }

  /**
   * Moves the session to another region, make before break: the new place is ready, and the name points there, before the old one is called off two
   * minutes later. The work on it goes on when this has returned.
   *
   * @throws {MoveRefusedError}
   */
  async startMove (session: SessionRecord, region: string): Promise<SessionRecord> {
    const { store, time } = this.init
    const moves = (await store.slot(session.userId, session.slot))?.moves ?? []
    const refusal = this.worker.provisionerOf(session).mover === undefined
      ? { reason: 'not_movable' as const }
      : moveRefusal(session, region, moves, time.nowMs())
    if (refusal !== undefined) {
      throw new MoveRefusedError(refusal.reason, refusal.retryAfterMs)
    }
    if ((await store.assignments({ sessionId: session.id })).some(({ role }) => role !== 'held')) {
      throw new MoveRefusedError('moving')
    }
    const outcome = await this.apply(session.id, { type: 'moving', region }, session)
    if (outcome.type === 'refused') {
      throw new MoveRefusedError(outcome.reason === 'busy' ? 'moving' : 'not_active')
    }
    return outcome.session
  }

  /**
   * Moves the session to another node, make before break, as its own is to be emptied: in its region where there is room, else elsewhere. It does not
   * count among the moves of the user. The work on it goes on when this has returned.
   *
   * @returns whether that has begun; it has not where the session is being moved, or cannot be
   */
  async evacuate (session: SessionRecord): Promise<boolean> {
    const region = session.place?.region
    if (region === undefined || this.worker.provisionerOf(session).mover === undefined ||
      (await this.init.store.assignments({ sessionId: session.id })).some(({ role }) => role !== 'held')) {
      return false
    }
    return (await this.apply(session.id, { type: 'moving', region, evacuates: true }, session)).type === 'changed'
  }

  /** Its node is lost: another is looked for. */
  async displace (session: SessionRecord): Promise<void> {
    await this.apply(session.id, { type: 'displaced', fence: session.fence }, session)
  }

  /** One round: every session that is due begins to be released, or is taken over. `settled()` tells when that is done. */
  async reap (): Promise<ReapOutcome> {
    const { store, time } = this.init
    const outcome: ReapOutcome = { expired: 0, adopted: 0, putOffMs: 0 }
    await time.synchronize()
    outcome.putOffMs = await store.beat(time.nowMs(), REAP_MS * 2)
    for (let batch = 0; batch < MAX_BATCHES && !this.stopping.signal.aborted; batch++) {
      const due = await store.dueSessions(time.nowMs(), DUE_BATCH)
      for (const session of due) {
        const result = await this.apply(session.id, { type: 'adopted' }, session).catch((error: Error) => {
          this.init.onProblem?.({ sessionId: session.id, work: 'release', error })
        })
        if (result?.type === 'changed') {
          outcome[result.session.endReason === 'expired' && hasExpired(session, time.nowMs()) ? 'expired' : 'adopted']++
        }
      }
      if (due.length < DUE_BATCH) {
        break
      }
    }
    await this.worker.leavePlaces()
    await store.forgetSessions(time.nowMs() - MEMORY_MS)
    return outcome
  }

  /** Resolves when this process works on nothing. */
  async settled (): Promise<void> {
    await this.queue.settled()
  }

  /** Ends the work that is under way: another process, or this one when it is started again, takes it over. */
  async close (): Promise<void> {
    this.stopping.abort(new Error('The control plane is stopping'))
    await this.settled()
  }

  /** A live session is renewed, and its work taken over if nobody does it; `undefined` when it has run out, and is being cleared away. */
  private async takeUp (live: SessionRecord): Promise<SessionRecord | undefined> {
    const renewed = await this.apply(live.id, { type: 'renewed' }, live)
    if (renewed.type === 'refused') {
      await this.apply(live.id, { type: 'adopted' })
      return undefined
    }
    if (renewed.session.state === 'provisioning') {
      const adopted = await this.apply(live.id, { type: 'adopted' }, renewed.session)
      if (adopted.type === 'changed') {
        return adopted.session
      }
    }
    return renewed.session
  }

  /** Of a user, in whatever slots: they count as long as nobody has ended them. @returns whether there were any */
  private async endExpired (userId: string): Promise<boolean> {
    const { store, time } = this.init
    const live = await store.sessions({ userId, states: ['provisioning', 'active'], limit: MAX_LIVE })
    const expired = live.filter(session => hasExpired(session, time.nowMs()))
    for (const { id } of expired) {
      await this.apply(id, { type: 'adopted' })
    }
    return expired.length > 0
  }

  /**
   * @param known - the session as it was read before: if it has not changed, it need not be read again; a refusal is never told by what is old
   * @throws {UnknownSessionError | ContendedSessionError}
   */
  private async apply (sessionId: string, event: SessionEvent, known?: SessionRecord): Promise<Transition> {
    const { store, time } = this.init
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const isKnown = tries === 0 && known !== undefined
      const session = isKnown ? known : await store.session(sessionId)
      if (session === undefined) {
        throw new UnknownSessionError(sessionId)
      }
      const outcome = transition(session, event, time.nowMs(), this.times)
      if (outcome.type === 'refused') {
        if (isKnown) {
          continue
        }
        return outcome
      }
      // a step, or a renewal, that is lost with the power of the store's machine is made up for by the next
      if (await store.replaceSession(outcome.session, session.version, { mayBeLost: event.type === 'stepped' || event.type === 'renewed' })) {
        if (outcome.work !== undefined) {
          this.work(outcome.session, outcome.work)
        }
        return outcome
      }
    }
    throw new ContendedSessionError(sessionId)
  }

  private work (session: SessionRecord, work: SessionWork): void {
    if (this.stopping.signal.aborted) {
      return
    }
    // where there is no room the claim on it lapses, and the reaper has it taken up
    this.queue.add(async () => {
      const limit = deadline(this.init.clock, WORK_LIMIT_MS, [this.stopping.signal])
      try {
        await this.worker[work](session, limit.signal)
      } catch (error) {
        this.init.onProblem?.({ sessionId: session.id, work, error: error as Error })
      } finally {
        limit.clear()
      }
    })
  }
}
