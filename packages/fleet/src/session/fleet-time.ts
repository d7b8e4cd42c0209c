/**
 * The time by which leases are judged: that of the store, so that control planes whose clocks differ agree, made steady. Asked for now and then;
 * between, this machine's own clock runs on.
 */
import { steadyNow } from '@skein/core'
import type { Cancel, Clock, SteadyReading } from '@skein/core'
import type { FleetStore } from '../store/fleet-store.ts'

export class FleetTime implements Clock {
  private readonly clock: Clock
  private readonly store: Pick<FleetStore, 'nowMs'>
  private offsetMs = 0
  private last: SteadyReading | undefined

  constructor (store: Pick<FleetStore, 'nowMs'>, clock: Clock) {
    this.store = store
    this.clock = clock
  }

  /** Asks the store; what the question took is halved, as in Cristian's algorithm (1989). */
  async synchronize (): Promise<void> {
    const askedMs = this.clock.nowMs()
    const storeMs = await this.store.nowMs()
    const answeredMs = this.clock.nowMs()
    this.offsetMs = storeMs - (askedMs + answeredMs) / 2
  }

  /** Whole ms since the epoch; never goes backwards. */
  nowMs (): number {
    const monotonicMs = this.clock.nowMs()
    const wallMs = monotonicMs + this.offsetMs
    this.last = this.last === undefined ? { monotonicMs, nowMs: wallMs } : steadyNow(this.last, wallMs, monotonicMs)
    return Math.floor(this.last.nowMs)
  }

  /** By this machine's clock, after as long as it is until then now. */
  schedule (atMs: number, task: () => void): Cancel {
    return this.clock.schedule(this.clock.nowMs() + atMs - this.nowMs(), task)
  }

  /** The calendar month in UTC, `2026-11`. */
  month (): string {
    return monthOf(this.nowMs())
  }
}

/** Days since the epoch into a calendar month (H. Hinnant, chrono-Compatible Low-Level Date Algorithms, `civil_from_days`). */
export function monthOf (nowMs: number): string {
  const days = Math.floor(nowMs / 86_400_000) + 719_468
  const era = Math.floor(days / 146_097)
  const dayOfEra = days - era * 146_097
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${year}-${String(month).padStart(2, '0')}`
}

const DAY_MS = 86_400_000

/** ms from now to the first moment of the next calendar month in UTC. */
export function msToMonthEnd (nowMs: number): number {
  const month = monthOf(nowMs)
  let endMs = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS
  while (monthOf(endMs) === month) {
    endMs += DAY_MS
  }
  return endMs - nowMs
}
