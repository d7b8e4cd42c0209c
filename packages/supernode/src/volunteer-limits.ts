/**
 * What a volunteer gives, and no more: bytes a day and a month, bandwidth, hours of the week, a share of the processor. A quota stops new clients a
 * little before it is used up, so that those that are there can move; not a byte passes beyond it.
 */
import { TokenBucket } from '@skein/core'
import { LocalClock } from './local-time.ts'
import { UsageLedger } from './usage-ledger.ts'
import { WeeklySchedule } from './weekly-schedule.ts'
import type { DayUsage } from './usage-ledger.ts'
import type { ScheduleWindow } from './weekly-schedule.ts'
import type { Machine } from '@skein/core'
import type { LeaseQuota } from '@skein/records'

/** A limit that is left out there is not. */
export interface VolunteerQuota {
  /** Of a day in the volunteer's time zone, both directions together */
  bytesPerDay?: number
  /** Of a calendar month there */
  bytesPerMonth?: number
  /** Both directions together; at least 16,384 */
  bytesPerSecond?: number
  /** Share of all processors that this process may take before new clients are refused: above 0, up to 1 */
  cpuShare?: number
  /** At all times when left out */
  schedule?: readonly ScheduleWindow[]
  /** IANA name, `Europe/Berlin`. @default 'UTC' */
  timeZone?: string
}

export type PauseReason = 'schedule' | 'month' | 'day' | 'cpu'

/** `untilMs` is left out when nothing but the volunteer can end it. */
export type VolunteerState =
  | { state: 'active' }
  | { state: 'paused', why: PauseReason[], untilMs: number | undefined }
  | { state: 'draining', circuits: number, untilMs: number }
  | { state: 'drained' }

/** `pass`: send them. `wait`: the bandwidth is used; ask again. `stop`: end the circuit. */
export type ByteVerdict = { type: 'pass' } | { type: 'wait', waitMs: number } | { type: 'stop', why: PauseReason | 'drained' }

/**
 * - `state`: it has changed; one that is not active is not willing to hold a seat
 * - `save`: keep these totals, all of them
 * - `end_circuits`: end all circuits
 */
export type VolunteerEffect =
  | { type: 'state', state: VolunteerState }
  | { type: 'save', days: DayUsage[] }
  | { type: 'end_circuits', why: PauseReason | 'drained' }

/** A quota with a number that cannot be meant. */
export class QuotaError extends Error {
  static override name = 'QuotaError'
  override readonly name = 'QuotaError'
  readonly field: string

  constructor (field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** The last part of a quota is for clients that are there already. */
const RESERVE_SHARE = 0.02
/** So long may circuits run on after the hours are over. */
const GRACE_MS = 60_000
/** A busy processor must be busy for so long, and idle for so long. */
const CPU_MS = 30_000
/** What a crash forgets at most. */
const SAVE_MS = 30_000
const MIN_BYTES_PER_SECOND = 16_384
/** A burst is a second's worth, and one message of the largest size at least. */
const MIN_BURST_BYTES = 262_144

export class VolunteerLimits implements Machine<VolunteerEffect> {
  private readonly quota: VolunteerQuota
  private readonly ledger: UsageLedger
  private readonly schedule: WeeklySchedule | undefined
  private readonly bucket: TokenBucket | undefined
  private readonly effects: VolunteerEffect[] = []
  private current: VolunteerState = { state: 'active' }
  private circuitCount = 0
  private scheduleOpen = true
  private scheduleChangesMs = -Infinity
  private drainUntilMs?: number
  private isDrained = false
  private endCircuitsAtMs?: number
  /** Since when the processor is on the other side of its limit than `cpuBusy` says */
  private cpuOtherMs?: number
  private cpuBusy = false
  private saveAtMs?: number

  /** @throws {QuotaError | ScheduleError | TimeZoneError} */
  constructor (quota: VolunteerQuota, days: readonly DayUsage[], nowMs: number) {
    checkQuota(quota)
    const clock = new LocalClock(quota.timeZone ?? 'UTC')
    this.quota = quota
    this.ledger = new UsageLedger(clock, days, nowMs)
    this.schedule = quota.schedule === undefined ? undefined : new WeeklySchedule(quota.schedule, clock)
    this.bucket = quota.bytesPerSecond === undefined
      ? undefined
      : new TokenBucket({ ratePerSecond: quota.bytesPerSecond, burst: Math.max(quota.bytesPerSecond, MIN_BURST_BYTES) }, nowMs)
    this.settle(nowMs)
  }

  get state (): VolunteerState {
    return this.current
  }

  get circuits (): number {
    return this.circuitCount
  }

  /** What it did, by day, the oldest first. */
  summary (): DayUsage[] {
    return this.ledger.summary()
  }

  /** What is left, as a lease tells it. */
  left (nowMs: number): LeaseQuota {
    const left = (period: 'day' | 'month', quota: number | undefined): number | undefined =>
      quota === undefined ? undefined : Math.max(0, Math.floor(quota - this.ledger.bytesOf(period, nowMs)))
    const { bytesPerDay, bytesPerMonth, bytesPerSecond } = this.quota
    const all = { bytesToday: left('day', bytesPerDay), bytesThisMonth: left('month', bytesPerMonth), bytesPerSecond }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }

  /** A client asks for a circuit: whether it may have it. */
  onCircuit (client: string, nowMs: number): boolean {
    this.settle(nowMs)
    if (this.current.state !== 'active') {
      return false
    }
    this.circuitCount++
    this.ledger.addCircuit(client, nowMs)
    this.saveAtMs ??= nowMs + SAVE_MS
    return true
  }

  onCircuitClosed (nowMs: number): void {
    this.circuitCount = Math.max(0, this.circuitCount - 1)
    this.settle(nowMs)
  }

  /**
   * Bytes are to be carried: they count when they pass.
   *
   * @throws {RangeError} for more than 256 KiB at a time
   */
  onBytes (bytes: number, nowMs: number): ByteVerdict {
    if (!(bytes >= 0 && bytes <= MIN_BURST_BYTES)) {
      throw new RangeError(`${bytes} bytes at a time; ask for at most ${MIN_BURST_BYTES}`)
    }
    const over = this.exhausted(bytes, nowMs)
    if (over !== undefined || this.isDrained) {
      this.settle(nowMs)
      return { type: 'stop', why: over ?? 'drained' }
    }
    if (this.bucket?.take(bytes, nowMs) === false) {
      return { type: 'wait', waitMs: this.bucket.waitMs(bytes, nowMs) }
    }
    this.ledger.addBytes(bytes, nowMs)
    this.saveAtMs ??= nowMs + SAVE_MS
    this.settle(nowMs)
    return { type: 'pass' }
  }

  /** Bytes that have passed already and could not be asked for, such as what a node of the mesh says itself: they only count. */
  onCarried (bytes: number, nowMs: number): void {
    if (bytes > 0) {
      this.ledger.addBytes(bytes, nowMs)
      this.saveAtMs ??= nowMs + SAVE_MS
      this.settle(nowMs)
    }
  }

  /** What this process takes of all processors, 0 to 1, measured every few seconds. */
  onCpu (share: number, nowMs: number): void {
    const busy = this.quota.cpuShare !== undefined && share > this.quota.cpuShare
    if (busy === this.cpuBusy) {
      this.cpuOtherMs = undefined
    } else {
      this.cpuOtherMs ??= nowMs
      if (nowMs - this.cpuOtherMs >= CPU_MS) {
        this.cpuBusy = busy
        this.cpuOtherMs = undefined
      }
    }
    this.settle(nowMs)
  }

  /** The volunteer wants to stop: no new circuits, and those there are end by themselves or at the deadline. */
  onDrain (deadlineMs: number, nowMs: number): void {
    this.drainUntilMs = deadlineMs
    this.settle(nowMs)
  }

  /** … and to go on. */
  onResume (nowMs: number): void {
    this.drainUntilMs = undefined
    this.isDrained = false
    this.settle(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.settle(nowMs)
  }

  poll (): VolunteerEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const until = this.current.state === 'paused' || this.current.state === 'draining' ? this.current.untilMs : undefined
    const changesMs = this.schedule === undefined ? undefined : this.scheduleChangesMs
    const next = Math.min(...[this.saveAtMs, this.endCircuitsAtMs, until, changesMs].filter(ms => ms !== undefined))
    return next === Infinity ? undefined : next
  }

  private settle (nowMs: number): void {
    this.followSchedule(nowMs)
    if (this.drainUntilMs !== undefined && !this.isDrained && (this.circuitCount === 0 || nowMs >= this.drainUntilMs)) {
      this.isDrained = true
      this.saveAtMs = nowMs
      if (this.circuitCount > 0) {
        this.effects.push({ type: 'end_circuits', why: 'drained' })
      }
    }
    const state = this.stateAt(nowMs)
    if (!sameState(state, this.current)) {
      this.effects.push({ type: 'state', state })
      this.saveAtMs = nowMs
    }
    this.current = state
    this.endCircuits(nowMs)
    if (this.saveAtMs !== undefined && nowMs >= this.saveAtMs) {
      this.saveAtMs = undefined
      this.effects.push({ type: 'save', days: this.ledger.summary() })
    }
  }

  private followSchedule (nowMs: number): void {
    if (this.schedule !== undefined && nowMs >= this.scheduleChangesMs) {
      this.scheduleOpen = this.schedule.isOpen(nowMs)
      this.scheduleChangesMs = this.schedule.nextChangeMs(nowMs) ?? Infinity
    }
  }

  /** The hours are over: those who are there have a minute to move. A quota ends circuits by the bytes that do not pass. */
  private endCircuits (nowMs: number): void {
    const closed = this.current.state === 'paused' && this.current.why.includes('schedule') && this.circuitCount > 0
    this.endCircuitsAtMs = closed ? this.endCircuitsAtMs ?? nowMs + GRACE_MS : undefined
    if (this.endCircuitsAtMs !== undefined && nowMs >= this.endCircuitsAtMs) {
      this.effects.push({ type: 'end_circuits', why: 'schedule' })
      this.endCircuitsAtMs = nowMs + GRACE_MS // for one that did not end
    }
  }

  private stateAt (nowMs: number): VolunteerState {
    if (this.isDrained) {
      return { state: 'drained' }
    }
    if (this.drainUntilMs !== undefined) {
      return { state: 'draining', circuits: this.circuitCount, untilMs: this.drainUntilMs }
    }
    const reasons = this.pauses(nowMs)
    if (reasons.length === 0) {
      return { state: 'active' }
    }
    const untilMs = Math.max(...reasons.map(({ untilMs: end }) => end))
    return { state: 'paused', why: reasons.map(({ why }) => why), untilMs: untilMs === Infinity ? undefined : untilMs }
  }

  private pauses (nowMs: number): Array<{ why: PauseReason, untilMs: number }> {
    const { bytesPerMonth = Infinity, bytesPerDay = Infinity } = this.quota
    const isUsed = (period: 'day' | 'month', quota: number): boolean => this.ledger.bytesOf(period, nowMs) >= quota * (1 - RESERVE_SHARE)
    const pauses: Array<{ why: PauseReason, untilMs: number }> = []
    if (!this.scheduleOpen) {
      pauses.push({ why: 'schedule', untilMs: this.scheduleChangesMs })
    }
    if (isUsed('month', bytesPerMonth)) {
      pauses.push({ why: 'month', untilMs: this.ledger.endOf('month', nowMs) })
    }
    if (isUsed('day', bytesPerDay)) {
      pauses.push({ why: 'day', untilMs: this.ledger.endOf('day', nowMs) })
    }
    if (this.cpuBusy) {
      // an estimate: the next measurements tell
      pauses.push({ why: 'cpu', untilMs: nowMs + CPU_MS })
    }
    return pauses
  }

  /** The quota that so many bytes more would break. */
  private exhausted (bytes: number, nowMs: number): 'day' | 'month' | undefined {
    const { bytesPerMonth = Infinity, bytesPerDay = Infinity } = this.quota
    if (this.ledger.bytesOf('month', nowMs) + bytes > bytesPerMonth) {
      return 'month'
    }
    return this.ledger.bytesOf('day', nowMs) + bytes > bytesPerDay ? 'day' : undefined
  }
}

function sameState (a: VolunteerState, b: VolunteerState): boolean {
  return a.state === b.state && (a.state !== 'paused' || b.state !== 'paused' || String(a.why) === String(b.why))
}

function checkQuota ({ bytesPerDay, bytesPerMonth, bytesPerSecond, cpuShare }: VolunteerQuota): void {
  for (const [field, value] of Object.entries({ bytesPerDay, bytesPerMonth })) {
    if (value !== undefined && !(value >= 0)) {
      throw new QuotaError(field, `${field} is ${value}; give a number of bytes, or leave it out for no limit`)
    }
  }
  if (bytesPerSecond !== undefined && !(bytesPerSecond >= MIN_BYTES_PER_SECOND)) {
    throw new QuotaError('bytesPerSecond', `bytesPerSecond is ${bytesPerSecond}; a relay needs ${MIN_BYTES_PER_SECOND} at least`)
  }
  if (cpuShare !== undefined && !(cpuShare > 0 && cpuShare <= 1)) {
    throw new QuotaError('cpuShare', `cpuShare is ${cpuShare}; it is a share of all processors, above 0 and up to 1`)
  }
}
