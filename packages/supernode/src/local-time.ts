/** What a clock on the wall says in a time zone, and when its day or month ends; the platform's tables (ECMA-402) know about summer time. */

export interface LocalTime {
  year: number
  /** 1 to 12 */
  month: number
  day: number
  /** 1 Monday to 7 Sunday */
  weekday: number
  /** 0 to 1439 */
  minute: number
}

export type Period = 'day' | 'month'

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const HOUR_MS = 3_600_000
/** A month of 31 days and the hour that summer time may add. */
const MAX_HOURS = 31 * 24 + 2

/** The zone is not one that the platform knows. */
export class TimeZoneError extends Error {
  static override name = 'TimeZoneError'
  override readonly name = 'TimeZoneError'
  readonly timeZone: string

  constructor (timeZone: string, options?: ErrorOptions) {
    super(`There is no time zone "${timeZone}" here. Name one of the IANA database, such as Europe/Berlin, or UTC`, options)
    this.timeZone = timeZone
  }
}

export class LocalClock {
  readonly timeZone: string
  private readonly format: Intl.DateTimeFormat

  /** @throws {TimeZoneError} */
  constructor (timeZone: string) {
    this.timeZone = timeZone
    try {
      this.format = new Intl.DateTimeFormat('en-US', {
        timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', weekday: 'short',
        hour: 'numeric', minute: 'numeric'
      })
    } catch (error) {
      throw new TimeZoneError(timeZone, { cause: error })
    }
  }

  at (nowMs: number): LocalTime {
    const parts = new Map(this.format.formatToParts(nowMs).map(({ type, value }) => [type, value]))
    const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type))
    return {
      year: number('year'),
      month: number('month'),
      day: number('day'),
      weekday: WEEKDAYS.indexOf(parts.get('weekday') ?? '') + 1,
      minute: number('hour') * 60 + number('minute')
    }
  }

  /** `2026-11-21`, or `2026-11`. */
  keyOf (period: Period, nowMs: number): string {
    const { year, month, day } = this.at(nowMs)
    const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
    return period === 'month' ? text : `${text}-${String(day).padStart(2, '0')}`
  }

  /** The first millisecond that is of another day or month: not always midnight, and not always 24 hours after the last. */
  endOf (period: Period, nowMs: number): number {
    const key = this.keyOf(period, nowMs)
    let inside = nowMs
    let outside = nowMs + HOUR_MS
    for (let hour = 0; hour < MAX_HOURS && this.keyOf(period, outside) === key; hour++) {
      inside = outside
      outside += HOUR_MS
    }
    inside = Math.floor(inside)
    outside = Math.ceil(outside)
    while (outside - inside > 1) {
      const middle = Math.floor((inside + outside) / 2)
      if (this.keyOf(period, middle) === key) {
        inside = middle
      } else {
        outside = middle
      }
    }
    return outside
  }
}
