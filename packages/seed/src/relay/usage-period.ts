/** Days and months of quotas, in UTC, and what a month has used. */

export interface MonthUsage {
  /** `2026-11` */
  month: string
  bytes: number
}

const DAY_MS = 86_400_000
/** Days from 0000-03-01 to 1970-01-01, and of 400 years. */
const EPOCH_DAYS = 719_468
const ERA_DAYS = 146_097

export function dayEndMs (nowMs: number): number {
  return (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS
}

export function monthOf (nowMs: number): string {
  const { year, month } = civil(nowMs)
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
}

export function monthEndMs (nowMs: number): number {
  const { year, month } = civil(nowMs)
  return month === 12 ? startMs(year + 1, 1) : startMs(year, month + 1)
}

/** How much of its month has passed, 0 to 1. */
export function monthShare (nowMs: number): number {
  const { year, month } = civil(nowMs)
  const beginMs = startMs(year, month)
  return (nowMs - beginMs) / (monthEndMs(nowMs) - beginMs)
}

/** Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: a year that begins in March has its leap day last. */
function civil (nowMs: number): { year: number, month: number } {
  const days = Math.floor(nowMs / DAY_MS) + EPOCH_DAYS
  const era = Math.floor(days / ERA_DAYS)
  const dayOfEra = days - era * ERA_DAYS
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month }
}

/** … days_from_civil, of the first day of a month. */
function startMs (year: number, month: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5)
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return (era * ERA_DAYS + dayOfEra - EPOCH_DAYS) * DAY_MS
}
