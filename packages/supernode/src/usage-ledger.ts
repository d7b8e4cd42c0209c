/** What a super-node has carried, by days of its own time zone. */
import type { LocalClock, Period } from './local-time.ts'

export interface DayUsage {
  /** `2026-11-21` */
  day: string
  bytes: number
  circuits: number
  /** Different clients, up to 10,000; one that is there before and after a restart counts twice */
  clients: number
}

/** Keeps totals where they survive a restart. What `load` gives is what `save` was last given. */
export interface UsageStore {
  load (): Promise<DayUsage[]>
  save (days: readonly DayUsage[]): Promise<void>
}

/** Days kept: thirteen months, so that a month can be compared with that of the year before. */
export const MAX_USAGE_DAYS = 400

const MAX_CLIENTS = 10_000

export class UsageLedger {
  private readonly clock: LocalClock
  /** Oldest first */
  private readonly days: DayUsage[]
  private clients = new Set<string>()
  private readonly ends: Record<Period, number> = { day: -Infinity, month: -Infinity }
  private today: DayUsage
  private monthBytes = 0

  constructor (clock: LocalClock, days: readonly DayUsage[], nowMs: number) {
    this.clock = clock
    this.days = days.map(day => ({ ...day })).sort((a, b) => a.day < b.day ? -1 : 1).slice(-MAX_USAGE_DAYS)
    this.today = this.turn(nowMs)
  }

  /** Bytes of the day or month. */
  bytesOf (period: Period, nowMs: number): number {
    this.follow(nowMs)
    return period === 'day' ? this.today.bytes : this.monthBytes
  }

  endOf (period: Period, nowMs: number): number {
    this.follow(nowMs)
    return this.ends[period]
  }

  addBytes (bytes: number, nowMs: number): void {
    this.follow(nowMs)
    this.today.bytes += bytes
    this.monthBytes += bytes
  }

  addCircuit (client: string, nowMs: number): void {
    this.follow(nowMs)
    this.today.circuits++
    if (!this.clients.has(client) && this.clients.size < MAX_CLIENTS) {
      this.clients.add(client)
      this.today.clients++
    }
  }

  /** By day, the oldest first; days on which nothing was carried may be missing. */
  summary (): DayUsage[] {
    return this.days.filter(({ bytes, circuits }) => bytes > 0 || circuits > 0).map(day => ({ ...day }))
  }

  private follow (nowMs: number): void {
    if (nowMs >= this.ends.day) {
      this.today = this.turn(nowMs)
    }
  }

  /** A new day has begun, or the first. */
  private turn (nowMs: number): DayUsage {
    const day = this.clock.keyOf('day', nowMs)
    const month = this.clock.keyOf('month', nowMs)
    this.ends.day = this.clock.endOf('day', nowMs)
    this.ends.month = this.clock.endOf('month', nowMs)
    this.clients = new Set()
    // what was kept by a clock that was ahead still counts for its days, but is not added to
    let today = this.days.find(usage => usage.day === day)
    if (today === undefined) {
      today = { day, bytes: 0, circuits: 0, clients: 0 }
      this.days.push(today)
      this.days.sort((a, b) => a.day < b.day ? -1 : 1)
      this.days.splice(0, this.days.length - MAX_USAGE_DAYS)
    }
    this.monthBytes = this.days.reduce((sum, usage) => usage.day.startsWith(month) ? sum + usage.bytes : sum, 0)
    return today
  }
}
