/** When a volunteer gives what it gives: windows of the week by the clock on its wall. */
import type { LocalClock, LocalTime } from './local-time.ts'

export interface ScheduleWindow {
  /** 1 Monday to 7 Sunday: the days on which it opens. @default every day */
  days?: readonly number[]
  /** `22:00` */
  from: string
  /** `07:00`; up to `24:00`. Not after `from`: of the next day */
  to: string
}

/** A schedule that cannot be read, or is never open. */
export class ScheduleError extends Error {
  static override name = 'ScheduleError'
  override readonly name = 'ScheduleError'
}

interface Window {
  days: Set<number>
  fromMinute: number
  toMinute: number
}

const MAX_WINDOWS = 64
const DAY_MINUTES = 1440
/** Since 1972 clocks are set at full quarters of an hour UTC, so that within one the local time passes evenly. */
const QUARTER_MS = 900_000
const MINUTE_MS = 60_000
/** A week, and the day in which clocks are set. */
const MAX_QUARTERS = 8 * 96

export class WeeklySchedule {
  private readonly windows: readonly Window[]
  private readonly clock: LocalClock

  /** @throws {ScheduleError} */
  constructor (windows: readonly ScheduleWindow[], clock: LocalClock) {
    if (windows.length === 0 || windows.length > MAX_WINDOWS) {
      throw new ScheduleError(`A schedule has 1 to ${MAX_WINDOWS} windows, not ${windows.length}; leave it out to give at all times`)
    }
    this.windows = windows.map(readWindow)
    this.clock = clock
  }

  /**
   * By the reading of the clock: a window that begins in the hour that is left out opens after it; one in the hour that comes twice is open twice.
   */
  isOpen (nowMs: number): boolean {
    return this.isOpenAt(this.clock.at(nowMs))
  }

  /** When it opens if it is closed, closes if it is open; `undefined` when it does neither. */
  nextChangeMs (nowMs: number): number | undefined {
    const open = this.isOpen(nowMs)
    const firstMs = Math.floor(nowMs / QUARTER_MS) * QUARTER_MS
    for (let quarter = 0; quarter < MAX_QUARTERS; quarter++) {
      const quarterMs = firstMs + quarter * QUARTER_MS
      const local = this.clock.at(quarterMs)
      for (let minute = 0; minute < 15; minute++) {
        const atMs = quarterMs + minute * MINUTE_MS
        if (atMs > nowMs && this.isOpenAt(later(local, minute)) !== open) {
          return atMs
        }
      }
    }
    return undefined
  }

  private isOpenAt ({ weekday, minute }: LocalTime): boolean {
    const yesterday = weekday === 1 ? 7 : weekday - 1
    return this.windows.some(({ days, fromMinute, toMinute }) => fromMinute < toMinute
      ? days.has(weekday) && minute >= fromMinute && minute < toMinute
      : (days.has(weekday) && minute >= fromMinute) || (days.has(yesterday) && minute < toMinute))
  }
}

function later (local: LocalTime, minutes: number): LocalTime {
  const minute = local.minute + minutes
  return minute < DAY_MINUTES ? { ...local, minute } : { ...local, minute: minute - DAY_MINUTES, weekday: local.weekday % 7 + 1 }
}

function readWindow ({ days = [1, 2, 3, 4, 5, 6, 7], from, to }: ScheduleWindow): Window {
  if (days.length === 0 || days.some(day => !Number.isInteger(day) || day < 1 || day > 7)) {
    throw new ScheduleError(`The days of a window are 1 (Monday) to 7 (Sunday), not [${days.join(', ')}]`)
  }
  return { days: new Set(days), fromMinute: readMinute(from, DAY_MINUTES - 1), toMinute: readMinute(to, DAY_MINUTES) }
}

function readMinute (text: string, max: number): number {
  const [, hours, minutes] = /^(\d{1,2}):(\d\d)$/.exec(text) ?? []
  const minute = Number(hours) * 60 + Number(minutes)
  if (!(minute <= max) || Number(minutes) > 59) {
    throw new ScheduleError(`"${text}" is no time of a day; write it as 22:00`)
  }
  return minute
}
